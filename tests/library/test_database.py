import sqlite3
from pathlib import Path

import pytest

from artistindex.entities import Artist
from artistindex.errors import BrokenLibrary, Remedy
from artistindex.library.database import Database, now
from artistindex.library.library import FILE_NAME, Library
from artistindex.library.migrations import MIGRATIONS


def test_a_library_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / FILE_NAME
    Library.open(path).close()
    with sqlite3.connect(path) as connection:
        connection.execute("INSERT INTO migrations VALUES (99, 'later')")
    connection.close()
    with pytest.raises(BrokenLibrary, match="newer than the"):
        Library.open(path)


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


def insert_twice(path: Path) -> None:
    database = Database.open(path, MIGRATIONS)
    try:
        with database.transaction():
            database.run("INSERT INTO requests (name, asked) VALUES ('Vril', ?)", now())
            database.run("INSERT INTO nonsense VALUES (1)")
    finally:
        database.close()
