"""What a library knows of each artist, in a few bytes: whether it has changed, without a vector.

A fingerprint is of all that an index's row is made of: the artist, the tracks with their recordings
and failures, and of each vector when it was made, which an index of the table has.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from itertools import groupby

from artistindex.entities import FailureStage, VectorKey
from artistindex.library.database import Database
from artistindex.library.rows import StoredArtist

BYTES = 16
"""The length of a fingerprint."""

_TRACKS = f"""
    SELECT asked.key AS place, member.key AS member, position, tracks.id, title, album, recording,
        catalogue, catalogue_id, source, source_id, isrc, musicbrainz_id, tracks.path, missing,
        (SELECT group_concat(failed.model, ' ') FROM failures AS failed
         WHERE failed.track_id = tracks.id AND failed.stage <> '{FailureStage.OUTLIER}'),
        vectors.made, vectors.rowid AS vector
    FROM json_each(?) AS asked CROSS JOIN json_each(asked.value) AS member
    CROSS JOIN credits ON artist_id = member.value
    CROSS JOIN tracks ON tracks.id = credits.track_id
    LEFT JOIN track_vectors AS vectors INDEXED BY track_vectors_made
        ON vectors.track_id = tracks.id AND vectors.model = ? AND weights_sha256 = ?
        AND precision = ? AND excerpt = ? AND layer = ?
"""  # CROSS JOIN keeps the order of the groups; the index spares the pages of the vectors
_IMPORTED = """
    SELECT artist_id, made, rowid FROM imported_vectors
    WHERE model = ? AND weights_sha256 = ? AND precision = ? AND excerpt = ? AND layer = ?
        AND pooling = ?
"""


class Fingerprints:
    """The fingerprints of artists; `guessed` are the ids of those whom only paths name."""

    def __init__(self, database: Database, guessed: set[int]) -> None:
        self._db = database
        self._guessed = guessed

    def of(
        self, key: VectorKey, artists: Sequence[StoredArtist], members: Sequence[Sequence[int]]
    ) -> Iterator[tuple[StoredArtist, bytes]]:
        """Yield those of `artists`, groups of `members`, that have a vector of `key`, in order."""
        layer = key.model, key.weights_sha256, key.precision, key.excerpt, key.layer
        imported = {
            row["artist_id"]: tuple(row) for row in self._db.stream(_IMPORTED, *layer, key.pooling)
        }
        tracks = self._db.stream(_TRACKS, json.dumps(members), *layer)
        by_place = groupby(map(tuple, tracks), lambda row: int(row[0]))
        place, group = next(by_place, (-1, iter(())))
        for number, stored in enumerate(artists):
            rows = [row[1:] for row in group] if number == place else []
            pack = imported.get(stored.id)
            if pack is not None or any(row[-1] is not None for row in rows):
                yield stored, self._digest(stored, rows, pack)
            if number == place:
                place, group = next(by_place, (-1, iter(())))

    def _digest(
        self, stored: StoredArtist, tracks: Sequence[object], pack: tuple[object, ...] | None
    ) -> bytes:
        """Hash what Python writes of these values, which is different for different ones."""
        artist = stored.artist
        is_guess = stored.id in self._guessed
        text = repr((artist.name, list(artist.ids.items()), is_guess, tracks, pack))
        content = text.encode("utf-8", "surrogatepass")
        return hashlib.blake2b(content, digest_size=BYTES).digest()
