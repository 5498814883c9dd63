"""The SQLite file behind the library: opened, migrated, written in transactions."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from artistindex.errors import BrokenLibrary, Remedy
from artistindex.library.migrations import MIGRATIONS


def now() -> str:
    """This moment as the tables hold it: ISO 8601, UTC, milliseconds."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


class Database:
    """An open connection. SQLite's errors (a full disk, no database) come out as BrokenLibrary."""

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self._connection = connection
        self.path = path

    @classmethod
    def open(cls, path: Path, *, read_only: bool = False) -> Self:
        """Open the file at `path`, making or migrating it unless `read_only`.

        Raises BrokenLibrary where it is missing (read-only), damaged, or from a newer version.
        """
        if read_only and not path.is_file():
            raise BrokenLibrary(f"no library at {path}", remedy=Remedy.BUILD_FIRST)
        try:
            if not read_only:
                path.parent.mkdir(parents=True, exist_ok=True)
            # a writer that was killed leaves a journal, which only who may write can roll back
            reading = "rw" if os.access(path, os.W_OK) and os.access(path.parent, os.W_OK) else "ro"
            mode = reading if read_only else "rwc"
            address = f"{path.resolve().as_uri()}?mode={mode}"
            connection = sqlite3.connect(address, uri=True, timeout=60, isolation_level=None)
        except (OSError, sqlite3.Error) as error:
            raise BrokenLibrary(f"cannot open the library {path}: {error}") from error
        connection.row_factory = sqlite3.Row
        database = cls(connection, path)
        try:
            database.run(f"PRAGMA query_only = {int(read_only)}")
            database.run("PRAGMA foreign_keys = ON")
            database.run("PRAGMA synchronous = FULL")
            database._migrate(read_only=read_only)
        except BaseException:
            connection.close()
            raise
        return database

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def all(self, sql: str, *values: Any) -> list[sqlite3.Row]:
        """The rows that a statement finds."""
        with self._errors():
            return self._connection.execute(sql, values).fetchall()

    def run(self, sql: str, *values: Any) -> int:
        """Run a statement; returns the id of the row it inserted last."""
        with self._errors():
            return self._connection.execute(sql, values).lastrowid or 0

    def count(self, table: str) -> int:
        """How many rows a table has."""
        return int(self.all(f"SELECT count(*) FROM {table}")[0][0])

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All that is run in here, or nothing of it."""
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
        found = [row[0] for row in self.all("PRAGMA integrity_check") if row[0] != "ok"]
        found += [f"dangling row in {row[0]}" for row in self.all("PRAGMA foreign_key_check")]
        if found:
            raise BrokenLibrary(f"the library {self.path} is damaged: {found[0]}")

    def _migrate(self, *, read_only: bool) -> None:
        done = self._version()
        if done > len(MIGRATIONS):
            raise BrokenLibrary(
                f"the library {self.path} has schema {done}, newer than the {len(MIGRATIONS)} that"
                " this version knows: upgrade artistindex"
            )
        if done == len(MIGRATIONS):
            return
        if read_only:
            raise BrokenLibrary(
                f"the library {self.path} has schema {done}; run `artistindex build` to bring it to"
                f" {len(MIGRATIONS)}"
            )
        with self.transaction():
            self.run(
                "CREATE TABLE IF NOT EXISTS migrations (number INTEGER PRIMARY KEY, at TEXT) STRICT"
            )
            for number in range(self._version() + 1, len(MIGRATIONS) + 1):
                for statement in MIGRATIONS[number - 1].split(";"):
                    self.run(statement)
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
