"""The sidecar of an index of format 1, which is read for ever and never written."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from artistindex import naming
from artistindex.entities import Artist, Service
from artistindex.index.sidecar import Entry, Sidecar, UsedTrack

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

_SELECT = "SELECT row, name, spotify_id, deezer_id, musicbrainz_id, tracks FROM artists"


class Sidecar1(Sidecar):
    """The sidecar of format 1: ids in columns, tracks without ids, paths and vectors."""

    schemas = (_SCHEMA,)

    def entries(self, rows: Sequence[int] | None = None) -> list[Entry]:
        """The entries of `rows`, in that order; all of them in row order without `rows`."""
        if rows is None:
            return [self._entry(values) for values in self._db.all(f"{_SELECT} ORDER BY row")]
        entries = []
        for row in rows:
            matching = self._db.all(f"{_SELECT} WHERE row = ?", row)
            if not matching:
                raise self._not_in_order()
            entries.append(self._entry(matching[0]))
        return entries

    def find(self, name: str) -> list[Entry]:
        """The entries whose folded name is that of `name`, or whose id is ("spotify:...")."""
        rows = self._db.all(f"{_SELECT} WHERE folded = ? ORDER BY row", naming.normalise(name))
        service, _, id_ = naming.clean(name).partition(":")
        if not rows and id_ and service in tuple(Service):
            rows = self._db.all(f"{_SELECT} WHERE {service}_id = ? ORDER BY row", id_)
        return [self._entry(values) for values in rows]

    def tracks(
        self, rows: Sequence[int], vectors: NDArray[np.float32]
    ) -> dict[int, list[UsedTrack]]:
        """The tracks behind each of `rows`, which have no vectors of their own here."""
        sql = "SELECT title, album, library_id FROM tracks WHERE row = ? ORDER BY position"
        return {
            row: [
                UsedTrack(self._text(title), album, library_id)
                for title, album, library_id in self._db.all(sql, row)
            ]
            for row in rows
        }

    def library_ids(self) -> Iterator[tuple[int, int]]:
        """Yield row and id in the library of the tracks behind every artist."""
        yield from self._db.all("SELECT row, library_id FROM tracks WHERE library_id IS NOT NULL")

    def _entry(self, values: tuple[Any, ...]) -> Entry:
        row, name, *ids, tracks = values
        artist = Artist(self._text(name), dict(zip(Service, ids, strict=True)))
        return Entry(int(row), artist, int(tracks))
