"""The sidecar of an index: which row is which artist, and the tracks behind each.

One SQLite file. It is written whole in memory and put down as bytes; it is opened read-only and
immutable, so that an index on a read-only disk, or one that is just being replaced, can be read.
"""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from artistindex import naming
from artistindex.entities import Artist, Service
from artistindex.errors import BrokenIndex

_SCHEMA = """
    CREATE TABLE artists (
        row INTEGER PRIMARY KEY,
        name TEXT NOT NULL,
        folded TEXT NOT NULL,
        spotify_id TEXT,
        deezer_id TEXT,
        musicbrainz_id TEXT,
        tracks INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX artists_folded ON artists (folded);
    CREATE TABLE tracks (
        row INTEGER NOT NULL REFERENCES artists,
        position INTEGER NOT NULL,
        title TEXT NOT NULL,
        album TEXT,
        library_id INTEGER,
        PRIMARY KEY (row, position)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE arrays (
        name TEXT PRIMARY KEY,
        rows INTEGER NOT NULL,
        columns INTEGER NOT NULL,
        data BLOB NOT NULL
    ) STRICT;
"""


@dataclass(frozen=True, slots=True)
class UsedTrack:
    """A track behind an artist's vector; `library_id` is its id in the library that made it."""

    title: str
    album: str | None = None
    library_id: int | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """A row of the index: the artist, and how many tracks are behind the vector."""

    row: int
    artist: Artist
    tracks: int


def sidecar_bytes(
    artists: Sequence[Artist],
    tracks: Sequence[Sequence[UsedTrack]],
    arrays: Sequence[tuple[str, int, int, bytes]] = (),
) -> bytes:
    """The file for `artists` in row order; `arrays` are (name, rows, columns, float32 bytes)."""
    connection = sqlite3.connect(":memory:")
    try:
        connection.executescript(_SCHEMA)
        connection.executemany(
            "INSERT INTO artists VALUES (?, ?, ?, ?, ?, ?, ?)",
            [
                (
                    row,
                    artist.name,
                    naming.normalise(artist.name),
                    *(artist.ids.get(service) for service in Service),
                    len(tracks[row]),
                )
                for row, artist in enumerate(artists)
            ],
        )
        connection.executemany(
            "INSERT INTO tracks VALUES (?, ?, ?, ?, ?)",
            [
                (row, position, track.title, track.album, track.library_id)
                for row, used in enumerate(tracks)
                for position, track in enumerate(used)
            ],
        )
        connection.executemany("INSERT INTO arrays VALUES (?, ?, ?, ?)", arrays)
        connection.commit()
        return connection.serialize()
    finally:
        connection.close()


class Sidecar:
    """An open sidecar; every method raises BrokenIndex where the file is damaged."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self._path = path
        self._connection = connection

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open the sidecar at `path`; raises FileNotFoundError where it has vanished."""
        uri = f"{path.resolve().as_uri()}?mode=ro&immutable=1"
        try:
            connection = sqlite3.connect(uri, uri=True, check_same_thread=False)
        except sqlite3.Error as error:
            if not path.exists():
                raise FileNotFoundError(path) from error
            raise BrokenIndex(f"cannot open {path}: {error}") from error
        return cls(path, connection)

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def rows(self) -> int:
        """The number of artists; raises BrokenIndex unless their rows are 0, 1, 2 and so on."""
        found = self._all("SELECT count(*), min(row), max(row) FROM artists")[0]
        count = int(found[0])
        if count and (found[1], found[2]) != (0, count - 1):
            raise BrokenIndex(f"{self._path} is damaged: its rows are not 0 to {count - 1}")
        return count

    def names(self) -> list[str]:
        """The artists' names in row order."""
        return [row[0] for row in self._all("SELECT name FROM artists ORDER BY row")]

    def entries(self, rows: Sequence[int] | None = None) -> list[Entry]:
        """The entries of `rows`, in that order; all of them in row order without `rows`."""
        if rows is None:
            return [_entry(found) for found in self._all(f"{_SELECT} ORDER BY row")]
        return [_entry(self._all(f"{_SELECT} WHERE row = ?", row)[0]) for row in rows]

    def find(self, name: str) -> list[Entry]:
        """The entries whose folded name is that of `name`, or whose id is ("spotify:...")."""
        found = self._all(f"{_SELECT} WHERE folded = ? ORDER BY row", naming.normalise(name))
        kind, _, given = naming.clean(name).partition(":")
        if not found and given and kind in ("spotify", "deezer", "musicbrainz"):
            found = self._all(f"{_SELECT} WHERE {kind}_id = ? ORDER BY row", given)
        return [_entry(row) for row in found]

    def tracks(self, row: int) -> list[UsedTrack]:
        """The tracks behind the vector of `row`."""
        sql = "SELECT title, album, library_id FROM tracks WHERE row = ? ORDER BY position"
        return [UsedTrack(*found) for found in self._all(sql, row)]

    def arrays(self) -> list[tuple[str, int, int, bytes]]:
        """The arrays kept beside: (name, rows, columns, little-endian float32 bytes)."""
        return [tuple(row) for row in self._all("SELECT * FROM arrays ORDER BY name")]

    def _all(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        try:
            return self._connection.execute(sql, values).fetchall()
        except (sqlite3.Error, UnicodeDecodeError) as error:
            raise BrokenIndex(f"{self._path} is damaged: {error}") from error


_SELECT = "SELECT row, name, spotify_id, deezer_id, musicbrainz_id, tracks FROM artists"


def _entry(found: tuple[Any, ...]) -> Entry:
    row, name, *ids, tracks = found
    return Entry(int(row), Artist(name, dict(zip(Service, ids, strict=True))), int(tracks))
