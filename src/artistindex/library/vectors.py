"""The track vectors of a library, and the artists' vectors that packs brought."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import astuple
from itertools import groupby
from sqlite3 import Row

import numpy as np
from numpy.typing import NDArray

from artistindex.entities import Pooling, TrackVector, VectorKey
from artistindex.library.database import Database, now
from artistindex.library.rows import VECTOR_TYPE, ImportedArtist, imported_artist

Vector = NDArray[np.float32]

_LAYER = "model = ? AND weights_sha256 = ? AND precision = ? AND excerpt = ? AND layer = ?"
_KEY = f"{_LAYER} AND pooling = ?"


class TrackVectors:
    """The table of track vectors, little-endian float32.

    A row holds the mean over the patches in one layer, and their deviation unless the row is of a
    time when that was not kept.
    """

    def __init__(self, database: Database) -> None:
        self._db = database

    def track_ids(self, key: VectorKey) -> set[int]:
        """Return the ids of the tracks that have a vector of `key`."""
        rows = self._db.all(f"SELECT track_id FROM track_vectors WHERE {_has(key)}", *_layer(key))
        return {row["track_id"] for row in rows}

    def all(self, key: VectorKey) -> dict[int, Vector]:
        """Return track id -> vector (float32, shape (dimension,)) for every vector of `key`."""
        return dict(self.stream(key))

    def stream(self, key: VectorKey) -> Iterator[tuple[int, Vector]]:
        """Yield the id of the track and the vector of every vector of `key`."""
        rows = self._db.stream(
            f"SELECT track_id, vector, deviation FROM track_vectors WHERE {_has(key)}",
            *_layer(key),
        )
        for row in rows:
            yield row["track_id"], _pooled(row, key)

    def by_group(
        self, key: VectorKey, groups: Sequence[Sequence[int]]
    ) -> Iterator[dict[int, Vector]]:
        """Yield, for each group of artists, track id -> vector of `key`; read as asked for."""
        rows = self._db.stream(
            "SELECT asked.key AS place, track_id, vector, deviation FROM json_each(?) AS asked"
            " CROSS JOIN json_each(asked.value) AS member"
            " CROSS JOIN credits ON artist_id = member.value"
            f" CROSS JOIN track_vectors USING (track_id) WHERE {_has(key)}",
            json.dumps(groups),
            *_layer(key),
        )  # CROSS JOIN keeps the order of the groups
        by_place = groupby(rows, lambda row: int(row["place"]))
        place, group = next(by_place, (-1, None))
        for at in range(len(groups)):
            if at != place:
                yield {}
                continue
            yield {row["track_id"]: _pooled(row, key) for row in group or ()}
            place, group = next(by_place, (-1, None))

    def models_by_track(self, track_ids: Iterable[int]) -> dict[int, list[str]]:
        """Return track id -> the models that the track has vectors of, for those that have any."""
        rows = self._db.all(
            "SELECT track_id, json_group_array(DISTINCT model) AS models FROM track_vectors"
            " WHERE track_id IN (SELECT value FROM json_each(?)) GROUP BY track_id",
            json.dumps(list(track_ids)),
        )
        return {row["track_id"]: sorted(json.loads(row["models"])) for row in rows}

    def keys(self) -> list[tuple[VectorKey, int]]:
        """Return every key with a vector of a model's own output, and how many tracks have one."""
        rows = self._db.all(
            "SELECT model, weights_sha256, precision, excerpt, count(*) AS vectors"
            " FROM track_vectors WHERE layer = '' GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4"
        )
        return [(VectorKey(*tuple(row)[:4]), row["vectors"]) for row in rows]

    def dimensions(self, key: VectorKey) -> set[int]:
        """Return the dimensions of the vectors of `key`; one, unless it was misused."""
        rows = self._db.all(
            f"SELECT DISTINCT dimension FROM track_vectors WHERE {_LAYER}", *_layer(key)
        )
        factor = 1 if key.pooling == Pooling.MEAN else 2
        return {factor * row["dimension"] for row in rows}

    def put_pooled(self, track_id: int, key: VectorKey, vector: Vector, engine: str) -> None:
        """Keep a vector as `key` pools it. Raises ValueError where it is not finite."""
        if key.pooling == Pooling.MEAN:
            self.put(track_id, TrackVector(key, vector, 0, engine))
        else:
            mean, deviation = np.split(vector, 2)
            self.put(track_id, TrackVector(key, mean, 0, engine, deviation))

    def count(self) -> int:
        """Return how many vectors of tracks there are, further layers of a model not counted."""
        return int(self._db.all("SELECT count(*) FROM track_vectors WHERE layer = ''")[0][0])

    def put(self, track_id: int, embedding: TrackVector) -> None:
        """Keep a track's vector. Raises ValueError where it is not finite."""
        name = f"the {embedding.key.model} vector of track {track_id}"
        vector = _finite(embedding.vector, name)
        deviation = embedding.deviation
        self._db.run(
            "INSERT OR REPLACE INTO track_vectors VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            track_id,
            *_layer(embedding.key),
            embedding.engine,
            embedding.patches,
            vector.size,
            vector.tobytes(),
            None if deviation is None else _finite(deviation, name).tobytes(),
            now(),
        )


class ImportedVectors:
    """The table of artists' vectors out of packs."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def stream(self, key: VectorKey) -> Iterator[tuple[int, ImportedArtist]]:
        """Yield artist id and what a pack brought of them with `key`, in the order of ids."""
        rows = self._db.stream(
            "SELECT artists.*, imported_vectors.* FROM imported_vectors"
            f" JOIN artists ON artist_id = artists.id WHERE {_KEY} ORDER BY artist_id",
            *_values(key),
        )
        for row in rows:
            yield row["artist_id"], imported_artist(row)

    def of(self, artist_id: int, key: VectorKey) -> ImportedArtist | None:
        """Return what a pack brought of an artist with `key`."""
        return self.among([artist_id], key).get(artist_id)

    def among(self, artist_ids: Iterable[int], key: VectorKey) -> dict[int, ImportedArtist]:
        """Return what packs brought of some artists with `key`, by their ids."""
        rows = self._db.all(
            "SELECT artists.*, imported_vectors.* FROM json_each(?) AS asked"
            f" CROSS JOIN imported_vectors ON artist_id = asked.value AND {_KEY}"
            " JOIN artists ON artist_id = artists.id",
            json.dumps(list(artist_ids)),
            *_values(key),
        )
        return {row["artist_id"]: imported_artist(row) for row in rows}

    def of_other_keys(self, key: VectorKey) -> int:
        """Return how many artists have a vector of the model of `key`, but none of `key`."""
        rows = self._db.all(
            "SELECT count(DISTINCT artist_id) FROM imported_vectors AS other WHERE model = ?"
            " AND NOT EXISTS (SELECT 1 FROM imported_vectors"
            f"                 WHERE artist_id = other.artist_id AND {_KEY})",
            key.model,
            *_values(key),
        )
        return int(rows[0][0])

    def dimensions(self, key: VectorKey) -> set[int]:
        """Return the dimensions of the vectors of `key`."""
        rows = self._db.all(
            f"SELECT DISTINCT dimension FROM imported_vectors WHERE {_KEY}", *_values(key)
        )
        return {row["dimension"] for row in rows}

    def only_here(self) -> set[int]:
        """Return the ids of the artists who have no tracks and were never asked for."""
        rows = self._db.all(
            "SELECT DISTINCT artist_id FROM imported_vectors"
            " WHERE artist_id NOT IN (SELECT artist_id FROM credits)"
            " AND artist_id NOT IN (SELECT artist_id FROM requests WHERE artist_id IS NOT NULL)"
        )
        return {row["artist_id"] for row in rows}

    def put(self, artist_id: int, key: VectorKey, entry: ImportedArtist) -> None:
        """Keep an artist's vector. Raises ValueError where it is not finite."""
        vector = _finite(entry.vector, f"the imported vector of {entry.artist.name!r}")
        self._db.run(
            "INSERT OR REPLACE INTO imported_vectors"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            artist_id,
            *_values(key),
            vector.size,
            vector.tobytes(),
            json.dumps(entry.tracks, ensure_ascii=False),
            entry.licence,
            entry.preferred,
            now(),
        )


def _values(key: VectorKey) -> tuple[str, ...]:
    return astuple(key)


def _layer(key: VectorKey) -> tuple[str, ...]:
    return astuple(key)[:-1]


def _has(key: VectorKey) -> str:
    """Return the condition for rows that have what `key` pools."""
    return _LAYER if key.pooling == Pooling.MEAN else f"{_LAYER} AND deviation IS NOT NULL"


def _pooled(row: Row, key: VectorKey) -> Vector:
    mean = np.frombuffer(row["vector"], VECTOR_TYPE)
    if key.pooling == Pooling.MEAN:
        return mean
    return np.concatenate([mean, np.frombuffer(row["deviation"], VECTOR_TYPE)])


def _finite(vector: Vector, name: str) -> Vector:
    values = np.ascontiguousarray(vector, VECTOR_TYPE)
    if not np.isfinite(values).all():
        raise ValueError(f"{name} is not finite")
    return values
