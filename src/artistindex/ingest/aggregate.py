"""Track vectors of a library become artists' rows; tracks that sound like a stranger's show."""

import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from artistindex.entities import Failure, FailureStage
from artistindex.index.manifest import Recipe
from artistindex.index.rows import IndexRow, batches
from artistindex.index.sidecar import UsedTrack
from artistindex.ingest.outliers import Outlier, outliers_of_each
from artistindex.library.library import Library
from artistindex.library.rows import ImportedArtist, StoredArtist, StoredTrack
from artistindex.library.selection import select

Vector = NDArray[np.float32]

DROP, KEEP = "drop", "keep"
"""What a recipe says is done with tracks that lie apart."""

_AT_ONCE = 256  # artists whose track vectors are in memory together


@dataclass(frozen=True, slots=True)
class OddTrack:
    """A track that lies `score` times as far from an artist's others as they lie apart."""

    artist: StoredArtist
    track: StoredTrack
    score: float

    def failure(self, model: str) -> Failure:
        """Return what the library keeps of it."""
        name = self.artist.artist.name
        reason = (
            f"may not be by {name}: in {model} it lies {self.score:.1f} times as far from the"
            " artist's other tracks as they lie from each other"
        )
        return Failure(self.track.label(name), FailureStage.OUTLIER, reason, artist=name)


@dataclass(frozen=True, slots=True, eq=False)
class GatheredArtist:
    """An artist of the library, the row of an index that its tracks make, and the odd ones."""

    stored: StoredArtist
    row: IndexRow
    odd: tuple[OddTrack, ...] = ()


def gather(
    library: Library, recipe: Recipe, artists: Iterable[StoredArtist] | None = None
) -> Iterator[GatheredArtist]:
    """Yield those of `artists` (all of the library's) with vectors of the recipe, in one pass.

    An artist's vector is the mean of its first tracks, as many as the recipe says (all without a
    number). Those that lie far from the others (outliers.py) are odd, and left out of the mean only
    where the recipe says so. Artists without tracks of the user's own are taken as a pack brought
    them.
    """
    key, drop_outliers = recipe.key, recipe.outliers == DROP
    count = sys.maxsize if recipe.tracks is None else recipe.tracks
    guessed = library.guessed_artist_ids()
    for batch in batches(library.vectors_by_artist(key, artists), _AT_ONCE):
        packs = library.imported_among([stored.id for stored, _ in batch], key)
        chosen = [_Chosen.of(*embedded, count, key.model) for embedded in batch]
        for own, odd in zip(chosen, outliers_of_each([own.vectors for own in chosen]), strict=True):
            pack = packs.get(own.stored.id)
            if pack is not None and (pack.preferred or not own.tracks):
                yield GatheredArtist(own.stored, _imported_row(own.stored, pack))
            elif own.tracks:
                is_guess = own.stored.id in guessed
                yield own.gathered(odd, drop_outliers=drop_outliers, guessed=is_guess)


@dataclass(frozen=True, slots=True)
class _Chosen:
    """The tracks that stand for an artist, with their vectors."""

    stored: StoredArtist
    tracks: list[StoredTrack]
    vectors: list[Vector]

    @classmethod
    def of(
        cls,
        stored: StoredArtist,
        embedded: Sequence[tuple[StoredTrack, Vector]],
        count: int,
        model: str,
    ) -> "_Chosen":
        vectors = {track.id: vector for track, vector in embedded}
        tracks = select([track for track, _ in embedded], count, model=model)
        return cls(stored, tracks, [vectors[track.id] for track in tracks])

    def gathered(
        self, odd: Sequence[Outlier], *, drop_outliers: bool, guessed: bool
    ) -> GatheredArtist:
        left_out = {outlier.index for outlier in odd} if drop_outliers else set()
        used = [
            _used(track, vector)
            for number, (track, vector) in enumerate(zip(self.tracks, self.vectors, strict=True))
            if number not in left_out
        ]
        mean = artist_vector([track.vector for track in used if track.vector is not None])
        odd_tracks = (
            OddTrack(self.stored, self.tracks[outlier.index], outlier.score) for outlier in odd
        )
        row = IndexRow(self.stored.artist, mean, used, guessed=guessed)
        return GatheredArtist(self.stored, row, tuple(odd_tracks))


def artist_vector(vectors: Sequence[Vector]) -> Vector:
    """Return the mean of an artist's track vectors: float32 of shape (dimension,)."""
    mean: NDArray[np.float64] = np.stack(vectors).astype(np.float64).mean(axis=0)
    return mean.astype(np.float32)


def _imported_row(stored: StoredArtist, pack: ImportedArtist) -> IndexRow:
    tracks = [UsedTrack(title, album) for title, album in pack.tracks]
    return IndexRow(stored.artist, pack.vector, tracks, licence=pack.licence)


def _used(stored: StoredTrack, vector: Vector) -> UsedTrack:
    """Return the track as an index keeps it."""
    track, match = stored.track, stored.match
    ids = {
        track.catalogue: track.catalogue_id,
        match and match.source: match and match.source_id,
        "isrc": track.isrc,
        "musicbrainz": track.musicbrainz_id,
    }
    return UsedTrack(
        title=track.title,
        album=track.album,
        library_id=stored.id,
        recording=stored.recording,
        ids={service: id_ for service, id_ in ids.items() if service and id_},
        path=track.path,
        vector=vector,
    )
