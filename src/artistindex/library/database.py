"""The SQLite file behind the library: opened, migrated, written in transactions."""

import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self, TypeAlias

from artistindex._util import files
from artistindex.errors import BrokenLibrary, Remedy

Migration: TypeAlias = "str | Callable[[Database], None]"
"""A step from one schema to the next: SQL statements, or what SQL alone cannot do."""


_ROWS_AT_ONCE = 1000


def now() -> str:
    """This moment as the tables hold it: ISO 8601, UTC, milliseconds."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


class Database:
    """An open connection. SQLite's errors (a full disk, no database) come out as BrokenLibrary."""

    def __init__(
        self, connection: sqlite3.Connection, path: Path, migrations: Sequence[Migration]
    ) -> None:
        self._connection = connection
        self._migrations = migrations
        self.path = path

    @classmethod
    def open(cls, path: Path, migrations: Sequence[Migration], *, read_only: bool = False) -> Self:
        """Open the file at `path`, which is made or brought to the last of `migrations`.

        With `read_only` nothing is written: an older file is read through a temporary copy. Raises
        BrokenLibrary where it is missing (read-only), damaged, or from a newer version.
        """
        if read_only and not path.is_file():
            raise BrokenLibrary(f"no library at {path}", remedy=Remedy.BUILD_FIRST)
        try:
            if not read_only:
                files.refuse_link(path)
                path.parent.mkdir(parents=True, exist_ok=True)
            # a writer that was killed leaves a journal, which only who may write can roll back
            places = (path, path.parent)
            writable = not path.is_symlink() and all(os.access(place, os.W_OK) for place in places)
            reading = "rw" if writable else "ro"
            mode = reading if read_only else "rwc"
            address = f"{path.resolve().as_uri()}?mode={mode}"
            connection = sqlite3.connect(address, uri=True, timeout=60, isolation_level=None)
        except (OSError, sqlite3.Error) as error:
            reason = getattr(error, "strerror", None) or error
            raise BrokenLibrary(f"cannot open the library {path}: {reason}") from error
        database = cls(connection, path, migrations)
        try:
            database._prepare(read_only=read_only)
        except BaseException:
            database.close()
            raise
        return database

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def all(self, sql: str, *values: Any) -> list[sqlite3.Row]:
        """The rows that a statement finds."""
        with self._errors():
            return self._connection.execute(sql, values).fetchall()

    def stream(self, sql: str, *values: Any) -> Iterator[sqlite3.Row]:
        """The rows that a statement finds, read as they are asked for."""
        with self._errors():
            cursor = self._connection.execute(sql, values)
            while rows := cursor.fetchmany(_ROWS_AT_ONCE):
                yield from rows

    def run(self, sql: str, *values: Any) -> int:
        """Run a statement; returns the id of the row it inserted last."""
        with self._errors():
            return self._connection.execute(sql, values).lastrowid or 0

    def run_script(self, sql: str) -> None:
        """Run statements that end in semicolons, none of which may hold another one."""
        for statement in sql.split(";"):
            self.run(statement)

    def count(self, table: str) -> int:
        """How many rows a table has."""
        return int(self.all(f"SELECT count(*) FROM {table}")[0][0])

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All that is run in here, or nothing of it; within another one it is a part of that."""
        if self._connection.in_transaction:
            yield
            return
        self.run("BEGIN IMMEDIATE")
        try:
            yield
            self.run("COMMIT")
        except BaseException:
            with suppress(sqlite3.Error):  # what a full disk keeps from us, the journal will undo
                self._connection.rollback()
            raise

    def verify(self) -> None:
        """Raise BrokenLibrary where SQLite's own integrity or foreign key check finds damage."""
        damage = [row[0] for row in self.all("PRAGMA integrity_check") if row[0] != "ok"]
        damage += [f"dangling row in {row[0]}" for row in self.all("PRAGMA foreign_key_check")]
        if damage:
            raise BrokenLibrary(f"the library {self.path} is damaged: {damage[0]}")

    def _prepare(self, *, read_only: bool) -> None:
        self._connection.row_factory = sqlite3.Row
        version, newest = self._version(), len(self._migrations)
        if version > newest:
            raise BrokenLibrary(
                f"the library {self.path} has schema {version}, newer than the {newest} that"
                " this version knows: upgrade artistindex"
            )
        if read_only and version < newest:
            self._go_on_with_a_copy()
        self.run("PRAGMA foreign_keys = ON")
        self.run("PRAGMA synchronous = FULL")
        if version < newest:
            self._migrate()
        self.run(f"PRAGMA query_only = {int(read_only)}")

    def _go_on_with_a_copy(self) -> None:
        copy = sqlite3.connect("", isolation_level=None)  # a file that SQLite deletes when closed
        with self._errors():
            self._connection.backup(copy)
        self._connection.close()
        self._connection = copy
        copy.row_factory = sqlite3.Row

    def _migrate(self) -> None:
        with self.transaction():
            self.run(
                "CREATE TABLE IF NOT EXISTS migrations (number INTEGER PRIMARY KEY, at TEXT) STRICT"
            )
            for number in range(self._version() + 1, len(self._migrations) + 1):
                migration = self._migrations[number - 1]
                if isinstance(migration, str):
                    self.run_script(migration)
                else:
                    migration(self)
                self.run("INSERT INTO migrations VALUES (?, ?)", number, now())

    def _version(self) -> int:
        rows = self.all("SELECT 1 FROM sqlite_schema WHERE name = 'migrations'")
        return int(self.all("SELECT max(number) FROM migrations")[0][0] or 0) if rows else 0

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            code = error.sqlite_errorcode if hasattr(error, "sqlite_errorcode") else 0
            full = code & 0xFF in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR)
            advice = "; is there room on the disk? what was finished is kept" if full else ""
            raise BrokenLibrary(f"the library {self.path}: {error}{advice}") from error
