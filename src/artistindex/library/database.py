"""The SQLite file behind the library: opened, migrated, written in transactions.

A commit costs a flush to the disk, which for a scan of many small files is most of the time. So the
file is in WAL mode while it is written, if it lies on this machine: there every commit survives the
end of the process, however it ends, and one in 50 or in half a second, whichever comes first, is
flushed, so that a power cut takes no more than that. Elsewhere, where WAL's shared memory does not
work, every commit is flushed. A library that nobody has open is one plain file.
"""

import os
import re
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, Self, TypeAlias

from artistindex import naming
from artistindex._util import files
from artistindex.errors import BrokenLibrary, Remedy

Migration: TypeAlias = "str | Callable[[Database], None]"
"""A step from one schema to the next: SQL statements, or what SQL alone cannot do."""


_SHARED_FILE_SYSTEMS = re.compile(
    r"nfs4?|cifs|smb3|smbfs|9p|afs|ceph|lustre|glusterfs|virtiofs|vboxsf|fuse\.\w*(fs|ceph|rclone)"
)
_MOUNTS = Path("/proc/self/mountinfo")
_MAX_WAIT_SECONDS = 60  # for another connection to end its transaction
_ROWS_AT_ONCE = 1000
_MAX_UNFLUSHED_COMMITS = 50
_MAX_UNFLUSHED_SECONDS = 0.5


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
        self._unflushed_commits = 0
        self._flushed_at = 0.0
        self._is_wal = False
        self.path = path

    @classmethod
    def open(cls, path: Path, migrations: Sequence[Migration], *, read_only: bool = False) -> Self:
        """Open the file at `path`, which is made or brought to the last of `migrations`.

        With `read_only` nothing is written: an older file is read through a temporary copy. Raises
        BrokenLibrary where it is missing (read-only), damaged, or from a newer version.
        """
        if read_only and not path.is_file():
            raise BrokenLibrary(f"no library at {path.absolute()}", remedy=Remedy.BUILD_FIRST)
        try:
            if not read_only:
                files.refuse_link(path)
                path.parent.mkdir(parents=True, exist_ok=True)
            connection = sqlite3.connect(
                _address(path, read_only=read_only),
                uri=True,
                timeout=_MAX_WAIT_SECONDS,
                isolation_level=None,
            )
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
        """Close the connection; what was committed is on the disk then."""
        if self._is_wal:
            self._leave_wal()
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
        self._decide_flushing()
        self.run("BEGIN IMMEDIATE")
        try:
            yield
            self.run("COMMIT")
        except BaseException:
            with suppress(sqlite3.Error):  # what a full disk keeps from us, the journal will undo
                self._connection.rollback()
            raise

    def _decide_flushing(self) -> None:
        """Set whether the next commit is flushed, and with it those before."""
        if not self._is_wal:
            return
        now_ = time.monotonic()
        due = self._unflushed_commits + 1 >= _MAX_UNFLUSHED_COMMITS
        due = due or now_ - self._flushed_at >= _MAX_UNFLUSHED_SECONDS
        self._set_flushing(due)
        self._unflushed_commits = 0 if due else self._unflushed_commits + 1
        self._flushed_at = now_ if due else self._flushed_at

    def _set_flushing(self, flushing: bool) -> None:
        self.run(f"PRAGMA synchronous = {'FULL' if flushing else 'NORMAL'}")

    def verify(self) -> None:
        """Raise BrokenLibrary where SQLite's own integrity or foreign key check finds damage."""
        damage = [row[0] for row in self.all("PRAGMA integrity_check") if row[0] != "ok"]
        damage += [f"dangling row in {row[0]}" for row in self.all("PRAGMA foreign_key_check")]
        if damage:
            raise BrokenLibrary(f"the library {self.path} is damaged: {damage[0]}")

    def _prepare(self, *, read_only: bool) -> None:
        self._connection.row_factory = sqlite3.Row
        self.run("PRAGMA trusted_schema = OFF")
        self._refuse_programs()
        version, newest = self._version(), len(self._migrations)
        if version > newest:
            raise BrokenLibrary(
                f"the library {self.path} has schema {version}, newer than the {newest} that"
                " this version knows: upgrade artistindex"
            )
        self._check_tables(version)
        if read_only and version < newest:
            self._go_on_with_a_copy()
        elif not read_only and _is_on_this_machine(self.path):
            self._enter_wal()
        self.run("PRAGMA foreign_keys = ON")
        self._set_flushing(True)
        if version < newest:
            self._migrate()
        self.run(f"PRAGMA query_only = {int(read_only)}")

    def _refuse_programs(self) -> None:
        """Raise BrokenLibrary where a file, which may be a stranger's, brings what SQLite runs."""
        for kind, name in self.all(
            "SELECT type, name FROM sqlite_schema WHERE type IN ('view', 'trigger')"
            " UNION ALL SELECT 'virtual table', name FROM pragma_table_list"
            " WHERE schema = 'main' AND type = 'virtual'"
        ):
            raise BrokenLibrary(
                f"the library {self.path} holds the {kind} {naming.quoted(str(name))}, which no"
                " library of artistindex does: it is not opened"
            )

    def _check_tables(self, version: int) -> None:
        """Raise BrokenLibrary unless the tables are those that so many migrations make."""
        columns = _columns(self._connection)
        for table, expected in _expected_columns(tuple(self._migrations[:version])).items():
            # a version that changed meanwhile is another process's migration
            if columns.get(table) != expected and self._version() == version:
                raise BrokenLibrary(
                    f"the library {self.path} is damaged: its table {table} is not that of schema"
                    f" {version}"
                )

    def _enter_wal(self) -> None:
        with suppress(sqlite3.Error), self._without_waiting():  # else every commit is flushed
            (mode,) = self._connection.execute("PRAGMA journal_mode = WAL").fetchone()
            self._is_wal = mode == "wal"

    def _leave_wal(self) -> None:
        """Flush all, and make the file a plain one again unless a reader has it open."""
        with suppress(sqlite3.Error), self._without_waiting():  # what stays in the log is not lost
            self._connection.execute("PRAGMA synchronous = FULL")
            self._connection.execute("PRAGMA wal_checkpoint")
            self._connection.execute("PRAGMA journal_mode = DELETE")

    @contextmanager
    def _without_waiting(self) -> Iterator[None]:
        self._connection.execute("PRAGMA busy_timeout = 0")
        try:
            yield
        finally:
            self._connection.execute(f"PRAGMA busy_timeout = {1000 * _MAX_WAIT_SECONDS}")

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


_Columns: TypeAlias = dict[str, tuple[object, ...]]
"""Table -> whether it is strict, and its columns."""


def _columns(connection: sqlite3.Connection) -> _Columns:
    tables = connection.execute(
        "SELECT name, strict FROM pragma_table_list WHERE schema = 'main' AND type = 'table'"
    ).fetchall()
    sql = 'SELECT name, type, "notnull", pk, hidden FROM pragma_table_xinfo(?)'
    return {
        name: (strict, *(tuple(column) for column in connection.execute(sql, (name,))))
        for name, strict in tables
        if not name.startswith("sqlite_")
    }


@cache
def _expected_columns(migrations: tuple[Migration, ...]) -> _Columns:
    """Return those of a new library after `migrations`."""
    if not migrations:
        return {}
    connection = sqlite3.connect(":memory:", isolation_level=None)
    try:
        connection.row_factory = sqlite3.Row
        Database(connection, Path(":memory:"), migrations)._migrate()
        return _columns(connection)
    finally:
        connection.close()


def _address(path: Path, *, read_only: bool) -> str:
    mode = "rwc"
    if read_only:
        # a writer that was killed leaves a log, which only who may write can take in
        writable = not path.is_symlink() and _may_write(path) and _may_write(path.parent)
        mode = "rw" if writable else "ro"
        if mode == "ro" and _is_in_wal_mode(path) and not Path(f"{path}-wal").exists():
            mode += "&immutable=1"  # else SQLite would make files beside it, even to read
    return f"{path.resolve().as_uri()}?mode={mode}"


def _may_write(path: Path) -> bool:
    return os.access(path, os.W_OK, effective_ids=os.access in os.supports_effective_ids)


def _is_in_wal_mode(path: Path) -> bool:
    """Whether a file's header says so: https://www.sqlite.org/fileformat.html, offset 18."""
    with path.open("rb") as file:
        return file.read(20)[18:] == b"\x02\x02"


def _is_on_this_machine(path: Path) -> bool:
    """Whether `path` lies on no file system that other machines share; True where none is known."""
    try:
        lines = _MOUNTS.read_text("utf-8", "surrogateescape").splitlines()
    except OSError:
        return True
    place = path.resolve()
    kinds = {}
    for line in lines:
        fields, _, rest = line.partition(" - ")
        mount = Path(fields.split()[4].encode().decode("unicode_escape"))
        if place.is_relative_to(mount):
            kinds[len(mount.parts)] = rest.split()[0]
    return not kinds or not _SHARED_FILE_SYSTEMS.fullmatch(kinds[max(kinds)])
