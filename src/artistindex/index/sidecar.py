"""The sidecar of an index: which row is which artist, and the tracks behind each.

One SQLite file, opened read-only and immutable, so that an index on a read-only disk, or one that
is just being replaced, can be read. `sidecar_writer` writes it; `sidecar_1` reads that of format 1.
"""

import os
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from artistindex import naming
from artistindex.entities import Artist
from artistindex.errors import BrokenIndex
from artistindex.index.sealed_sqlite import SealedDatabase

StoredArray = tuple[str, int, int, bytes]
"""The name, rows, columns and little-endian float32 bytes of an array."""

SCHEMA = """
    CREATE TABLE artists (
        row INTEGER PRIMARY KEY,
        name TEXT NOT NULL,
        folded TEXT NOT NULL,
        guessed INTEGER NOT NULL,
        tracks INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX artists_folded ON artists (folded);
    CREATE TABLE artist_ids (
        row INTEGER NOT NULL REFERENCES artists,
        service TEXT NOT NULL,
        id TEXT NOT NULL,
        PRIMARY KEY (row, service)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX artist_ids_id ON artist_ids (service, id);
    CREATE TABLE folders (
        id INTEGER PRIMARY KEY,
        path BLOB NOT NULL
    ) STRICT;
    CREATE TABLE tracks (
        id INTEGER PRIMARY KEY,
        title TEXT NOT NULL,
        album TEXT,
        recording INTEGER,
        folder INTEGER REFERENCES folders,
        path BLOB,
        vector INTEGER,
        library_id INTEGER
    ) STRICT;
    CREATE TABLE track_ids (
        track INTEGER NOT NULL REFERENCES tracks,
        service TEXT NOT NULL,
        id TEXT NOT NULL,
        PRIMARY KEY (track, service)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE artist_tracks (
        row INTEGER NOT NULL REFERENCES artists,
        position INTEGER NOT NULL,
        track INTEGER NOT NULL REFERENCES tracks,
        PRIMARY KEY (row, position)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX artist_tracks_track ON artist_tracks (track);
    CREATE TABLE arrays (
        name TEXT PRIMARY KEY,
        rows INTEGER NOT NULL,
        columns INTEGER NOT NULL,
        data BLOB NOT NULL
    ) STRICT;
"""

_MANY = 1_000  # rows, from which on it is quicker to read them all
_ROWS_AT_ONCE = 20_000  # of artists whose tracks are listed
_MAX_COUNTED = 100_000  # rows that are counted at every opening


@dataclass(frozen=True, slots=True)
class UsedTrack:
    """A track behind an artist's vector.

    `library_id` is its id in the library that made the index, and tracks of one `recording` are one
    piece of music. `ids` are those of services ("spotify", "deezer", "youtube", "musicbrainz",
    "isrc"), `path` is its file. `vector` is float32 of shape (dimension,), as the model made it,
    before any transform.
    """

    title: str
    album: str | None = None
    library_id: int | None = None
    recording: int | None = None
    ids: Mapping[str, str] = field(default_factory=dict, hash=False)
    path: Path | None = None
    vector: NDArray[np.float32] | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Entry:
    """A row of the index: the artist, how many tracks are behind the vector, and whether the name
    was guessed from a path."""

    row: int
    artist: Artist
    tracks: int
    guessed: bool = False


class Sidecar(ABC):
    """An open sidecar; every method raises BrokenIndex where the file is damaged."""

    schema: str

    def __init__(self, database: SealedDatabase) -> None:
        self._db = database

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open the sidecar at `path`; raises FileNotFoundError where it has vanished."""
        return cls(SealedDatabase.open(path, cls.schema))

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def rows(self) -> int:
        """The number of artists; raises BrokenIndex unless their rows are 0, 1, 2 and so on.

        Above 100,000 only their ends are looked at; `check` counts them all.
        """
        lowest, highest = self._db.all("SELECT min(row), max(row) FROM artists")[0]
        if highest is None:
            return 0
        if lowest != 0 or (highest < _MAX_COUNTED and self._count() != highest + 1):
            raise self._not_in_order()
        return int(highest) + 1

    def names(self) -> list[str]:
        """The artists' names in row order."""
        return [
            self._text(name) for (name,) in self._db.all("SELECT name FROM artists ORDER BY row")
        ]

    @abstractmethod
    def entries(self, rows: Sequence[int] | None = None) -> list[Entry]:
        """The entries of `rows`, in that order; all of them in row order without `rows`."""

    @abstractmethod
    def find(self, name: str) -> list[Entry]:
        """The entries whose folded name is that of `name`, or whose id is ("spotify:...")."""

    @abstractmethod
    def tracks(
        self, rows: Sequence[int], vectors: NDArray[np.float32]
    ) -> dict[int, list[UsedTrack]]:
        """The tracks behind each of `rows`, their own vectors taken from `vectors`."""

    def tracks_of_vectors(
        self, numbers: Sequence[int], vectors: NDArray[np.float32]
    ) -> dict[int, tuple[list[int], UsedTrack]]:
        """For rows of `vectors`, those of the track's artists and the track; format 1 has none."""
        return {}

    def library_ids(self) -> Iterator[tuple[int, int]]:
        """Yield row and id in the library of the tracks behind every artist; format 1 has none."""
        return iter(())

    def rows_below(self, tracks: int) -> list[int]:
        """The rows of artists with fewer tracks."""
        return [row for (row,) in self._db.all("SELECT row FROM artists WHERE tracks < ?", tracks)]

    def arrays(self) -> list[StoredArray]:
        """The arrays that a transform was fitted to."""
        rows = self._db.all("SELECT name, rows, columns, data FROM arrays ORDER BY name")
        return [(name, count, columns, data) for name, count, columns, data in rows]

    def check(self, vectors: int) -> None:
        """Read the whole file, of an index with so many track vectors; raises BrokenIndex."""
        self._db.check()
        if self._count() != self.rows():
            raise self._not_in_order()

    def _count(self) -> int:
        return int(self._db.all("SELECT count(*) FROM artists")[0][0])

    def _not_in_order(self) -> BrokenIndex:
        return BrokenIndex(f"{self._db.path} is damaged: its rows are not 0, 1, 2 and so on")

    def _text(self, value: object) -> str:
        if not isinstance(value, str):
            raise BrokenIndex(f"{self._db.path} is damaged: {value!r:.40} is no name")
        return value


class Sidecar2(Sidecar):
    """The sidecar of format 2."""

    schema = SCHEMA

    def entries(self, rows: Sequence[int] | None = None) -> list[Entry]:
        """The entries of `rows`, in that order; all of them in row order without `rows`."""
        if rows is None:
            return list(self._entries_where("").values())
        by_row: dict[int, Entry] = {}
        for chosen in _in_parts(rows):
            by_row |= self._entries_where(f"WHERE row IN ({_marks(chosen)})", *chosen)
        if not by_row.keys() >= set(rows):
            raise self._not_in_order()
        return [by_row[row] for row in rows]

    def find(self, name: str) -> list[Entry]:
        """The entries whose folded name is that of `name`, or whose id is ("spotify:...")."""
        sql = "SELECT row FROM artists WHERE folded = ? ORDER BY row"
        rows = self._db.all(sql, naming.normalise(name))
        service, _, id_ = naming.clean(name).partition(":")
        if not rows and id_:
            sql = "SELECT row FROM artist_ids WHERE service = ? AND id = ? ORDER BY row"
            rows = self._db.all(sql, service, id_)
        return self.entries([row for (row,) in rows])

    def tracks(
        self, rows: Sequence[int], vectors: NDArray[np.float32]
    ) -> dict[int, list[UsedTrack]]:
        """The tracks behind each of `rows`, their own vectors taken from `vectors`."""
        used: dict[int, list[UsedTrack]] = {row: [] for row in rows}
        for chosen in _in_parts(rows):
            marks = _marks(chosen)
            ids: dict[int, dict[str, str]] = {}
            for number, service, id_ in self._db.all(
                "SELECT track, service, id FROM track_ids WHERE track IN"
                f" (SELECT track FROM artist_tracks WHERE row IN ({marks}))",
                *chosen,
            ):
                ids.setdefault(number, {})[service] = self._text(id_)
            for row, number, *values in self._db.all(
                "SELECT row, track, title, album, library_id, recording, folders.path, tracks.path,"
                " vector FROM artist_tracks LEFT JOIN tracks ON tracks.id = track"
                " LEFT JOIN folders ON folders.id = folder"
                f" WHERE row IN ({marks}) ORDER BY row, position",
                *chosen,
            ):
                used[row].append(self._track(values, ids.get(number, {}), vectors))
        return used

    def tracks_of_vectors(
        self, numbers: Sequence[int], vectors: NDArray[np.float32]
    ) -> dict[int, tuple[list[int], UsedTrack]]:
        """For rows of `vectors`, those of the track's artists and the track."""
        rows: dict[int, list[int]] = {number: [] for number in numbers}
        positions: dict[int, tuple[int, int]] = {}
        for chosen in _in_parts(numbers):
            sql = (
                "SELECT vector, row, position FROM tracks JOIN artist_tracks ON track = tracks.id"
                f" WHERE vector IN ({_marks(chosen)}) ORDER BY row"
            )
            for vector, row, position in self._db.all(sql, *chosen):
                rows[vector].append(row)
                positions.setdefault(vector, (row, position))
        if len(positions) < len(rows):
            raise BrokenIndex(f"{self._db.path} is damaged: it has no track for a track vector")
        used = self.tracks(sorted({row for row, _ in positions.values()}), vectors)
        return {
            vector: (rows[vector], used[row][position])
            for vector, (row, position) in positions.items()
        }

    def library_ids(self) -> Iterator[tuple[int, int]]:
        """Yield row and id in the library of the tracks behind every artist."""
        sql = (
            "SELECT row, library_id FROM artist_tracks CROSS JOIN tracks ON tracks.id = track"
            " WHERE row >= ? AND row < ? AND library_id IS NOT NULL"
        )
        for start in range(0, self.rows(), _ROWS_AT_ONCE):
            yield from self._db.all(sql, start, start + _ROWS_AT_ONCE)

    def check(self, vectors: int) -> None:
        """Read the whole file, of an index with so many track vectors; raises BrokenIndex."""
        super().check(vectors)
        sql = (
            "SELECT count(*) FROM artists WHERE tracks <>"
            " (SELECT count(*) FROM artist_tracks WHERE artist_tracks.row = artists.row)"
        )
        if self._db.all(sql)[0][0]:
            raise BrokenIndex(
                f"{self._db.path} is damaged: an artist has other tracks than it says"
            )
        rows = self._db.all("SELECT vector FROM tracks WHERE vector IS NOT NULL ORDER BY vector")
        if rows != [(row,) for row in range(vectors)]:
            raise BrokenIndex(f"{self._db.path} is damaged: it has no track for some track vectors")

    def _entries_where(self, condition: str, *values: object) -> dict[int, Entry]:
        ids: dict[int, dict[str, str]] = {}
        sql = f"SELECT row, service, id FROM artist_ids {condition}"
        for row, service, id_ in self._db.all(sql, *values):
            ids.setdefault(row, {})[service] = self._text(id_)
        sql = f"SELECT row, name, tracks, guessed FROM artists {condition} ORDER BY row"
        return {
            row: Entry(row, Artist(self._text(name), ids.get(row, {})), tracks, bool(guessed))
            for row, name, tracks, guessed in self._db.all(sql, *values)
        }

    def _track(
        self, values: Sequence[Any], ids: Mapping[str, str], vectors: NDArray[np.float32]
    ) -> UsedTrack:
        title, album, library_id, recording, folder, path, vector = values
        if vector is not None and not 0 <= vector < len(vectors):
            raise BrokenIndex(f"{self._db.path} is damaged: there is no track vector {vector}")
        return UsedTrack(
            title=self._text(title),
            album=album,
            library_id=library_id,
            recording=recording,
            ids=ids,
            path=None if path is None else Path(os.fsdecode(folder or b""), os.fsdecode(path)),
            vector=None if vector is None else np.array(vectors[vector], np.float32),
        )


def _in_parts(rows: Sequence[int]) -> Iterable[Sequence[int]]:
    """As many rows as a statement takes at once."""
    for at in range(0, len(rows), _MANY):
        yield rows[at : at + _MANY]


def _marks(values: Sequence[object]) -> str:
    return ", ".join("?" * len(values))
