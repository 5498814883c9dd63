"""An SQLite file that may come from a stranger: read-only, of exactly one schema, with an end.

Neither a view nor a trigger nor a virtual table of the file's own is ever run: its schema is held
against the expected one, statement by statement, before anything else is asked.
"""

import sqlite3
import threading
import time
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, Self

from artistindex.errors import BrokenIndex

MAX_SECONDS = 60.0
"""How long a statement may take."""

_STEPS = 20_000  # of SQLite's virtual machine between two looks at the clock: about a millisecond

Objects = frozenset[tuple[str, str, str, str]]


class SealedDatabase:
    """An open file; every method raises BrokenIndex where the file is damaged.

    Several threads may ask, one after the other: one that looks at the clock inside SQLite waits
    for Python, and would wait for ever for another that has Python and waits for SQLite.
    """

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path = path
        self._connection = connection
        self._deadline = float("inf")
        self._lock = threading.Lock()
        connection.set_progress_handler(self._is_late, _STEPS)

    @classmethod
    def open(cls, path: Path, *schemas: str) -> Self:
        """Open the file at `path`, immutable, whose schema is that of one of the scripts `schemas`.

        Raises FileNotFoundError where it has vanished.
        """
        uri = f"{path.resolve().as_uri()}?mode=ro&immutable=1"
        try:
            connection = sqlite3.connect(uri, uri=True, check_same_thread=False)
        except sqlite3.Error as error:
            if not path.exists():
                raise FileNotFoundError(path) from error
            raise BrokenIndex(f"cannot open {path}: {error}") from error
        database = cls(path, connection)
        try:
            database.all("PRAGMA trusted_schema = OFF")
            if _objects(database.all(_OBJECTS)) not in map(_expected, schemas):
                raise BrokenIndex(f"{path} has other tables than the format: build the index again")
        except BaseException:
            connection.close()
            raise
        return database

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def all(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        """Return the rows of a statement.

        Raises BrokenIndex for one that takes more than a minute, and KeyboardInterrupt where a
        signal came in between: SQLite swallows what is raised while it looks at the clock.
        """
        with self._lock:
            return self._all(sql, values)

    def _all(self, sql: str, values: Sequence[object]) -> list[tuple[Any, ...]]:
        self._deadline = time.monotonic() + MAX_SECONDS
        try:
            return self._connection.execute(sql, values).fetchall()
        except (sqlite3.Error, UnicodeDecodeError) as error:
            is_stopped = getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_INTERRUPT
            if is_stopped and time.monotonic() < self._deadline:
                raise KeyboardInterrupt from error
            reason = f"a question took over {MAX_SECONDS:g} s" if is_stopped else error
            raise BrokenIndex(f"{self.path} is damaged: {reason}") from error
        finally:
            self._deadline = float("inf")

    def check(self) -> None:
        """Read the whole file: its pages, and that every value is of its column's type."""
        for (problem,) in self.all("PRAGMA integrity_check(1)"):
            if problem != "ok":
                raise BrokenIndex(f"{self.path} is damaged: {problem}")
        for table, row, *_ in self.all("PRAGMA foreign_key_check"):
            raise BrokenIndex(f"{self.path} is damaged: row {row} of {table} refers to nothing")

    def _is_late(self) -> bool:
        return time.monotonic() > self._deadline


_OBJECTS = "SELECT type, name, tbl_name, coalesce(sql, '') FROM sqlite_schema"


def _objects(rows: list[tuple[Any, ...]]) -> Objects:
    """What a schema holds, however its statements are spaced."""
    return frozenset(
        (type_, name, table, " ".join(str(sql).split())) for type_, name, table, sql in rows
    )


@cache
def _expected(schema: str) -> Objects:
    connection = sqlite3.connect(":memory:")
    try:
        connection.executescript(schema)
        return _objects(connection.execute(_OBJECTS).fetchall())
    finally:
        connection.close()
