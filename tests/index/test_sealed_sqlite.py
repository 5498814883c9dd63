"""Sidecars from strangers: exactly one schema, and questions that end."""

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from artistindex.errors import BrokenIndex
from artistindex.index import sealed_sqlite
from artistindex.index.sealed_sqlite import SealedDatabase

SCHEMA = "CREATE TABLE things (row INTEGER PRIMARY KEY, name TEXT NOT NULL) STRICT;"
ENDLESS = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT max(x) FROM n"


def write(path: Path, *statements: str) -> Path:
    connection = sqlite3.connect(path)
    connection.executescript("".join(f"{statement};" for statement in (SCHEMA, *statements)))
    connection.close()
    return path


def test_what_is_as_expected_is_read(tmp_path: Path) -> None:
    path = write(tmp_path / "a.sqlite3", "INSERT INTO things VALUES (1, 'one')")
    database = SealedDatabase.open(path, SCHEMA.replace(" ", "\n  "))
    assert database.all("SELECT * FROM things") == [(1, "one")]
    database.check()
    database.close()


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE VIEW more AS SELECT 1",
        "CREATE TRIGGER spring AFTER INSERT ON things BEGIN SELECT 1; END",
        "CREATE VIRTUAL TABLE words USING fts5(text)",
        "CREATE TABLE more (x)",
        "CREATE INDEX things_name ON things (name)",
        "ALTER TABLE things ADD COLUMN more TEXT",
        "DROP TABLE things",
        "DROP TABLE things; CREATE VIEW things AS SELECT 1 AS row, 'x' AS name",
        "DROP TABLE things; CREATE TABLE things (row INTEGER PRIMARY KEY, name TEXT NOT NULL)",
        "PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = 'CREATE TABLE things ('",
    ],
)
def test_any_other_schema_is_refused(tmp_path: Path, statement: str) -> None:
    path = write(tmp_path / "a.sqlite3", statement)
    with pytest.raises(BrokenIndex, match=r"a\.sqlite3"):
        SealedDatabase.open(path, SCHEMA)


@pytest.mark.parametrize("content", [b"", b"SQLite format 3\0", b"nonsense" * 1000])
def test_what_is_no_database_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.sqlite3").write_bytes(content)
    with pytest.raises(BrokenIndex):
        SealedDatabase.open(tmp_path / "a.sqlite3", SCHEMA)


def test_a_file_that_has_vanished_is_missing(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        SealedDatabase.open(tmp_path / "a.sqlite3", SCHEMA)


def test_a_value_of_another_type_is_found_by_a_check(tmp_path: Path) -> None:
    path = write(tmp_path / "a.sqlite3", "INSERT INTO things VALUES (1, 'one')")
    loose = SCHEMA.replace(" STRICT", "")
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA writable_schema = ON")
    connection.execute("UPDATE sqlite_schema SET sql = ?", (loose.rstrip(";"),))
    connection.commit()
    connection.close()
    connection = sqlite3.connect(path)
    connection.execute("UPDATE things SET name = x'00ff'")
    connection.execute("PRAGMA writable_schema = ON")
    connection.execute("UPDATE sqlite_schema SET sql = ?", (SCHEMA.rstrip(";"),))
    connection.commit()
    connection.close()
    database = SealedDatabase.open(path, SCHEMA)
    with pytest.raises(BrokenIndex, match="is damaged"):
        database.check()
    database.close()


def test_a_question_that_takes_too_long_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = SealedDatabase.open(write(tmp_path / "a.sqlite3"), SCHEMA)
    monkeypatch.setattr(sealed_sqlite, "MAX_SECONDS", 0.05)
    with pytest.raises(BrokenIndex, match=r"a question took over 0\.05 s"):
        database.all(ENDLESS)
    assert database.all("SELECT 1") == [(1,)]
    database.close()


INTERRUPTED = """
import os, signal, sys, threading
from pathlib import Path
from artistindex.index.sealed_sqlite import SealedDatabase

signal.signal(signal.SIGINT, signal.default_int_handler)
database = SealedDatabase.open(Path(sys.argv[1]), sys.argv[2])
threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT)).start()
try:
    database.all(sys.argv[3])
except KeyboardInterrupt:
    database.close()
    sys.exit(7)
"""


def test_a_signal_ends_a_question(tmp_path: Path) -> None:
    """In a process of its own: the signal may come in wherever a busy machine lets it."""
    path = write(tmp_path / "a.sqlite3")
    command = [sys.executable, "-c", INTERRUPTED, str(path), SCHEMA, ENDLESS]
    assert subprocess.run(command, timeout=120, check=False).returncode == 7


CROWD = """
import sys, threading
from pathlib import Path
from artistindex.index import sealed_sqlite

sys.setswitchinterval(1e-6)
sealed_sqlite._STEPS = 3
schema = sys.argv[2]
database = sealed_sqlite.SealedDatabase.open(Path(sys.argv[1]), schema)

def ask():
    for _ in range(100):
        assert database.all("SELECT count(*) FROM things, things AS others") == [(400,)]

threads = [threading.Thread(target=ask, daemon=True) for _ in range(6)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
"""


def test_threads_that_ask_at_once_never_wait_for_each_other_for_ever(tmp_path: Path) -> None:
    rows = ", ".join(f"({row}, 'name')" for row in range(20))
    path = write(tmp_path / "a.sqlite3", f"INSERT INTO things VALUES {rows}")
    command = [sys.executable, "-c", CROWD, str(path), SCHEMA]
    assert subprocess.run(command, timeout=120, check=False).returncode == 0
