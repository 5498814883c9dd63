"""The sidecar of an index: which row is which artist, and the tracks behind each.

One SQLite file, opened read-only and immutable, so that an index on a read-only disk, or one that
is just being replaced, can be read. `sidecar_writer` writes it; `sidecar_1` reads that of format 1.
"""

import os
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from artistindex import naming
from artistindex.entities import Artist
from artistindex.errors import BrokenIndex
from artistindex.index import trigrams
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

TRIGRAMS = """
    CREATE TABLE trigrams (
        trigram INTEGER PRIMARY KEY,
        rows BLOB NOT NULL
    ) STRICT;
"""
"""What an index of many artists has besides: of each trigram of names, the rows (trigrams.py)."""

_MANY = 1_000  # rows, from which on it is quicker to read them all
_ROWS_AT_ONCE = 20_000  # of artists whose tracks are listed
_MAX_COUNTED = 100_000  # rows that are counted at every opening
_MAX_CANDIDATES = 2_000  # names that are compared with one that is not there


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

    schemas: tuple[str, ...]

    def __init__(self, database: SealedDatabase) -> None:
        self._db = database

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open the sidecar at `path`; raises FileNotFoundError where it has vanished."""
        return cls(SealedDatabase.open(path, *cls.schemas))

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def rows(self) -> int:
        """The number of artists; raises BrokenIndex unless their rows are 0, 1, 2 and so on.

        Above 100,000 only their ends are looked at; `check` counts them all.
        """
        sql = "SELECT (SELECT min(row) FROM artists), (SELECT max(row) FROM artists)"
        lowest, highest = self._db.all(sql)[0]  # of both at once SQLite would read every row
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

    def names_beginning(self, prefix: str, limit: int) -> list[str]:
        """Up to `limit` artists' names whose folded form begins so, in row order."""
        sql = (
            "SELECT row, name FROM artists WHERE folded >= ? AND folded < ? ORDER BY folded LIMIT ?"
        )
        end = prefix + chr(0x10FFFF)
        return [self._text(name) for _, name in sorted(self._db.all(sql, prefix, end, limit))]

    def candidates(self, typed: str) -> dict[int, str]:
        """The folded names, by row, that may be like one that was `typed`, itself folded.

        Where there is a table of trigrams, those that share the most of them; else all.
        """
        if not self._has_trigrams:
            return dict(self._db.all("SELECT row, folded FROM artists"))
        codes = sorted(set(trigrams.trigrams([typed])[0].tolist()))
        listed = []
        for chosen in _in_parts(codes):
            sql = f"SELECT rows FROM trigrams WHERE trigram IN ({_marks(chosen)})"
            listed += [self._numbers(rows) for (rows,) in self._db.all(sql, *chosen)]
        folded: dict[int, str] = {}
        for part in _in_parts(trigrams.sharing_most(listed, self.rows(), _MAX_CANDIDATES)):
            sql = f"SELECT row, folded FROM artists WHERE row IN ({_marks(part)})"
            folded |= dict(self._db.all(sql, *part))
        return folded

    def _numbers(self, rows: bytes) -> NDArray[np.uint32]:
        if len(rows) % 4:
            raise BrokenIndex(f"{self._db.path} is damaged: the rows of a trigram are cut off")
        return np.frombuffer(rows, "<u4")

    @cached_property
    def _has_trigrams(self) -> bool:
        return bool(self._db.all("SELECT 1 FROM sqlite_schema WHERE name = 'trigrams'"))

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

    @abstractmethod
    def library_ids(self) -> Iterator[tuple[int, int]]:
        """Yield row and id in the library of the tracks behind every artist."""

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

    schemas = (SCHEMA, SCHEMA + TRIGRAMS)

    def entries(self, rows: Sequence[int] | None = None) -> list[Entry]:
        """The entries of `rows`, in that order; all of them in row order without `rows`."""
        if rows is None:
            return list(self._entries_where("").values())
        by_row: dict[int, Entry] = {}
        for chosen in _in_parts(rows):
            by_row |= self._entries_where(f"WHERE artists.row IN ({_marks(chosen)})", *chosen)
        if not by_row.keys() >= set(rows):
            raise self._not_in_order()
        return [by_row[row] for row in rows]

    def find(self, name: str) -> list[Entry]:
        """The entries whose folded name is that of `name`, or whose id is ("spotify:...")."""
        entries = self._entries_where("WHERE folded = ?", naming.normalise(name))
        service, _, id_ = naming.clean(name).partition(":")
        if not entries and id_:
            sql = "SELECT row FROM artist_ids WHERE service = ? AND id = ? ORDER BY row"
            return self.entries([row for (row,) in self._db.all(sql, service, id_)])
        return list(entries.values())

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
        if self._has_trigrams:
            names = [name for (name,) in self._db.all("SELECT folded FROM artists ORDER BY row")]
            table = self._db.all("SELECT trigram, rows FROM trigrams ORDER BY trigram")
            if table != list(trigrams.lists(names)):
                raise BrokenIndex(f"{self._db.path} is damaged: its trigrams are of other names")
        rows = self._db.all("SELECT vector FROM tracks WHERE vector IS NOT NULL ORDER BY vector")
        if rows != [(row,) for row in range(vectors)]:
            raise BrokenIndex(f"{self._db.path} is damaged: it has no track for some track vectors")

    def _entries_where(self, condition: str, *values: object) -> dict[int, Entry]:
        rows: dict[int, tuple[str, int, bool]] = {}
        ids: dict[int, dict[str, str]] = {}
        sql = (
            "SELECT artists.row, name, tracks, guessed, service, id FROM artists"
            f" LEFT JOIN artist_ids ON artist_ids.row = artists.row {condition}"
            " ORDER BY artists.row, service"
        )
        for row, name, tracks, guessed, service, id_ in self._db.all(sql, *values):
            rows[row] = (self._text(name), tracks, bool(guessed))
            if service is not None:
                ids.setdefault(row, {})[service] = self._text(id_)
        return {
            row: Entry(row, Artist(name, ids.get(row, {})), tracks, guessed)
            for row, (name, tracks, guessed) in rows.items()
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
