import json
import sqlite3
from contextlib import closing
from itertools import count
from pathlib import Path

import pytest

from artistindex.entities import Artist
from artistindex.errors import BrokenLibrary, Remedy
from artistindex.library.database import Database, now
from artistindex.library.library import FILE_NAME, Library
from artistindex.library.migrations import MIGRATIONS

FULL = 2  # of PRAGMA synchronous


def test_a_library_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / FILE_NAME
    Library.open(path).close()
    with sqlite3.connect(path) as connection:
        connection.execute("INSERT INTO migrations VALUES (99, 'later')")
    connection.close()
    with pytest.raises(BrokenLibrary, match="newer than the"):
        Library.open(path)


def loose(table: str) -> str:
    """SQL that makes a table take values of any type."""
    return (
        "PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = replace(sql, 'STRICT', '')"
        f" WHERE name = '{table}'"
    )


@pytest.mark.parametrize("read_only", [True, False])
@pytest.mark.parametrize(
    ("sql", "message"),
    [
        (
            "ALTER TABLE artists RENAME TO a; CREATE VIEW artists AS SELECT * FROM a",
            "the view 'artists'",
        ),
        (
            "CREATE TRIGGER spring AFTER INSERT ON requests BEGIN DELETE FROM artists; END",
            "the trigger 'spring'",
        ),
        ("CREATE VIRTUAL TABLE words USING fts5(text)", "the virtual table 'words'"),
        (loose("artists"), "its table artists is not that of schema"),
        (
            "ALTER TABLE artists RENAME COLUMN deezer_id TO deezer",
            "its table artists is not that of schema",
        ),
        ("DROP TABLE failures", "its table failures is not that of schema"),
        ("DELETE FROM migrations WHERE number > 3", "is not that of schema 3"),
    ],
)
def test_a_library_of_a_stranger_brings_no_programs_and_no_other_tables(
    tmp_path: Path, sql: str, message: str, read_only: bool
) -> None:
    path = tmp_path / FILE_NAME
    Library.open(path).close()
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(sql)
        connection.commit()
    content = path.read_bytes()
    with pytest.raises(BrokenLibrary, match=message):
        Library.open(path, read_only=read_only)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
    assert path.read_bytes()[100:] == content[100:]


def test_a_library_may_have_tables_of_its_owner(tmp_path: Path) -> None:
    path = tmp_path / FILE_NAME
    Library.open(path).close()
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript("CREATE TABLE notes (text); CREATE INDEX i ON artists (name)")
    with Library.open(path) as library:
        library.verify()


def test_a_library_of_an_older_version_keeps_its_tracks(tmp_path: Path) -> None:
    path = tmp_path / FILE_NAME
    with sqlite3.connect(path) as old:
        for script in MIGRATIONS[:2]:
            old.executescript(str(script))
        old.execute("CREATE TABLE migrations (number INTEGER PRIMARY KEY, at TEXT) STRICT")
        old.executemany("INSERT INTO migrations VALUES (?, '')", [(1,), (2,)])
        old.execute("INSERT INTO artists (name, folded) VALUES ('Vril', 'vril')")
        old.execute("INSERT INTO tracks (title, catalogue, catalogue_id) VALUES ('T', 'deezer', 1)")
        old.execute("INSERT INTO credits VALUES (1, 1, 0)")
    old.close()
    with Library.open(path) as library:
        (stored,) = library.tracks_of(1)
        library.verify()
    assert stored.track.artists == (Artist("Vril"),)


def test_migrations_are_recorded_once(tmp_path: Path) -> None:
    path = tmp_path / FILE_NAME
    for _ in range(2):
        Library.open(path).close()
    with sqlite3.connect(path) as connection:
        numbers = [row[0] for row in connection.execute("SELECT number FROM migrations")]
    connection.close()
    assert numbers == list(range(1, len(numbers) + 1))


@pytest.mark.parametrize("content", [b"not a database at all" * 100, b"SQLite format 3\0" * 10])
def test_a_file_that_is_no_library_is_named_in_one_line(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / FILE_NAME
    path.write_bytes(content)
    with pytest.raises(BrokenLibrary, match=FILE_NAME) as caught:
        Library.open(path)
    assert "\n" not in str(caught.value)
    assert path.read_bytes() == content


def test_reading_needs_a_library(tmp_path: Path) -> None:
    with pytest.raises(BrokenLibrary, match="no ") as caught:
        Library.open(tmp_path / FILE_NAME, read_only=True)
    assert caught.value.remedy is Remedy.BUILD_FIRST
    assert list(tmp_path.iterdir()) == []


def test_a_transaction_that_fails_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(BrokenLibrary, match="no such table: nonsense"):
        insert_twice(tmp_path / FILE_NAME)
    with Library.open(tmp_path / FILE_NAME) as library:
        assert library.requests() == []


def flushes(path: Path, monkeypatch: pytest.MonkeyPatch, *, commits: int, seconds: float) -> int:
    """How many of `commits` that take `seconds` together are flushed to the disk."""
    clock = count(1000.0, seconds / commits)
    monkeypatch.setattr("time.monotonic", lambda: next(clock))
    database = Database.open(path, MIGRATIONS)
    flushed = 0
    for number in range(commits):
        with database.transaction():
            database.run("INSERT INTO requests (name, asked) VALUES (?, '')", str(number))
            flushed += database.all("PRAGMA synchronous")[0][0] == FULL
    database.close()
    return flushed


def test_one_commit_in_fifty_is_flushed_and_one_in_half_a_second(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert flushes(tmp_path / "quick", monkeypatch, commits=500, seconds=0.1) == 10
    assert flushes(tmp_path / "slow", monkeypatch, commits=10, seconds=10.0) == 10
    assert 9 <= flushes(tmp_path / "between", monkeypatch, commits=100, seconds=5.0) <= 11


def test_where_other_machines_share_the_disk_every_commit_is_flushed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mounts = tmp_path / "mountinfo"
    mounts.write_text(
        "27 1 254:0 / / rw - ext4 /dev/vda rw\n"
        f"28 27 0:9 / {tmp_path}/shared rw shared:1 - nfs4 host:/music rw\n"
    )
    monkeypatch.setattr("artistindex.library.database._MOUNTS", mounts)
    assert flushes(tmp_path / "shared" / "x", monkeypatch, commits=100, seconds=0.1) == 100
    assert flushes(tmp_path / "own", monkeypatch, commits=100, seconds=0.1) == 2
    monkeypatch.setattr("artistindex.library.database._MOUNTS", tmp_path / "no such file")
    assert flushes(tmp_path / "unknown", monkeypatch, commits=100, seconds=0.1) == 2


def set_journal(path: Path, mode: str) -> None:
    connection = sqlite3.connect(path)
    assert connection.execute(f"PRAGMA journal_mode = {mode}").fetchone() == (mode,)
    connection.close()


def test_nothing_is_written_beside_a_library_that_is_only_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / FILE_NAME
    with Library.open(path) as library:
        library.add_request(["Vril"])
    for mode in ("delete", "wal"):  # as a writer leaves it, and as one that was killed may
        set_journal(path, mode)
        with monkeypatch.context() as patch:
            patch.setattr("artistindex.library.database._may_write", lambda path: False)
            library = Library.open(path, read_only=True)
        with library:
            assert library.requests() == ["Vril"]
            assert [entry.name for entry in tmp_path.iterdir()] == [FILE_NAME]


def test_a_library_that_nobody_has_open_is_one_plain_file(tmp_path: Path) -> None:
    path = tmp_path / FILE_NAME
    with Library.open(path) as writer:
        writer.add_request(["Vril"])
        assert (tmp_path / f"{FILE_NAME}-wal").exists()
    assert [entry.name for entry in tmp_path.iterdir()] == [FILE_NAME]
    set_journal(path, "delete")
    with Library.open(path, read_only=True) as reader:
        reader.requests()
        with Library.open(path) as writer:
            writer.add_request(["Rezz"])
        assert reader.requests() == ["Vril", "Rezz"]
    with Library.open(path) as again:
        assert again.requests() == ["Vril", "Rezz"]
    assert [entry.name for entry in tmp_path.iterdir()] == [FILE_NAME]


def test_a_reader_sees_what_was_committed_while_the_writer_goes_on(tmp_path: Path) -> None:
    path = tmp_path / FILE_NAME
    with Library.open(path) as writer, Library.open(path, read_only=True) as reader:
        for number in range(3):
            writer.add_request([str(number)])
            assert len(reader.requests()) == number + 1
        with writer.transaction():
            writer.add_request(["3"])
            assert len(reader.requests()) == 3


def insert_twice(path: Path) -> None:
    database = Database.open(path, MIGRATIONS)
    try:
        with database.transaction():
            database.run("INSERT INTO requests (name, asked) VALUES ('Vril', ?)", now())
            database.run("INSERT INTO nonsense VALUES (1)")
    finally:
        database.close()


@pytest.mark.parametrize("journal", [None, b"", bytes(512)])
@pytest.mark.parametrize("header", [False, True])
def test_a_kill_before_the_first_table_leaves_an_empty_library(
    run, header: bool, journal: bytes | None
) -> None:
    """What is on the disk when a first import is killed while SQLite makes its file."""
    path = run.indexes / FILE_NAME
    path.parent.mkdir()
    path.touch()
    if header:
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("PRAGMA journal_mode = WAL")
    if journal is not None:
        path.with_name(f"{path.name}-journal").write_bytes(journal)
    code, out, err = run("info", "--verify", "--format", "json")
    assert (code, err) == (0, "")
    assert json.loads(out)["library"]["counts"]["artists"] == 0
    with Library.open(path) as library:
        library.add_request("Rezz")
        library.verify()
