"""The track vectors of a library, and the artists' vectors that packs brought."""

import json
from collections.abc import Iterator
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from artistindex.entities import TrackVector, VectorKey
from artistindex.library.database import Database, now
from artistindex.library.rows import VECTOR_TYPE, ImportedArtist, imported_artist

Vector = NDArray[np.float32]

_KEY = "model = ? AND weights_sha256 = ? AND precision = ? AND excerpt = ?"


class TrackVectors:
    """The table of track vectors, little-endian float32."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def track_ids(self, key: VectorKey) -> set[int]:
        """Return the ids of the tracks that have a vector of `key`."""
        rows = self._db.all(f"SELECT track_id FROM track_vectors WHERE {_KEY}", *_values(key))
        return {row["track_id"] for row in rows}

    def all(self, key: VectorKey) -> dict[int, Vector]:
        """Return track id -> vector (float32, shape (dimension,)) for every vector of `key`."""
        rows = self._db.stream(
            f"SELECT track_id, vector FROM track_vectors WHERE {_KEY}", *_values(key)
        )
        return {row["track_id"]: np.frombuffer(row["vector"], VECTOR_TYPE) for row in rows}

    def by_artist(self, key: VectorKey) -> Iterator[tuple[int, dict[int, Vector]]]:
        """Yield, for every artist who has any, the id and track id -> vector of `key`.

        In the order of ids, read as they are asked for.
        """
        rows = self._db.stream(
            f"SELECT artist_id, track_id, vector FROM credits JOIN track_vectors USING (track_id)"
            f" WHERE {_KEY} ORDER BY artist_id",
            *_values(key),
        )
        for artist_id, group in groupby(rows, lambda row: int(row["artist_id"])):
            yield (
                artist_id,
                {row["track_id"]: np.frombuffer(row["vector"], VECTOR_TYPE) for row in group},
            )

    def keys(self) -> list[tuple[VectorKey, int]]:
        """Return every key with a vector, and how many it has."""
        rows = self._db.all(
            "SELECT model, weights_sha256, precision, excerpt, count(*) AS vectors"
            " FROM track_vectors GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4"
        )
        return [(VectorKey(*tuple(row)[:4]), row["vectors"]) for row in rows]

    def put(self, track_id: int, embedding: TrackVector) -> None:
        """Keep a track's vector. Raises ValueError where it is not finite."""
        vector = _finite(embedding.vector, f"the {embedding.key.model} vector of track {track_id}")
        self._db.run(
            "INSERT OR REPLACE INTO track_vectors VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            track_id,
            *_values(embedding.key),
            embedding.engine,
            embedding.patches,
            vector.size,
            vector.tobytes(),
            now(),
        )


class ImportedVectors:
    """The table of artists' vectors out of packs."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def all(self, key: VectorKey) -> dict[int, ImportedArtist]:
        """Return artist id -> what a pack brought of them with `key`, in the order of ids."""
        rows = self._db.all(
            "SELECT artists.*, imported_vectors.* FROM imported_vectors"
            f" JOIN artists ON artist_id = artists.id WHERE {_KEY} ORDER BY artist_id",
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
            "INSERT OR REPLACE INTO imported_vectors VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            artist_id,
            *_values(key),
            vector.size,
            vector.tobytes(),
            json.dumps(entry.tracks, ensure_ascii=False),
            entry.licence,
            entry.preferred,
            now(),
        )


def _values(key: VectorKey) -> tuple[str, str, str, str]:
    return key.model, key.weights_sha256, key.precision, key.excerpt


def _finite(vector: Vector, name: str) -> Vector:
    values = np.ascontiguousarray(vector, VECTOR_TYPE)
    if not np.isfinite(values).all():
        raise ValueError(f"{name} is not finite")
    return values
