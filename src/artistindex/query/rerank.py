"""The top of a list ranked again, exactly, by all pairs of tracks."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from artistindex.errors import Misuse
from artistindex.index.reader import ArtistIndex, ScoredRow
from artistindex.index.transforms import unit
from artistindex.query.query import ResolvedQuery
from artistindex.query.track_vectors import TrackSet, TrackSets, same_recordings

NOTHING_TO_COMPARE = -1.0
_NEAREST = 2  # tracks that speak for an artist where music is asked with (docs/quality.md)
_DEPTH = 50  # artists ranked again, or five times as many as are asked for


@dataclass(frozen=True, slots=True)
class Tracks:
    """Ranks the 50 nearest by cosine (or five times `k`) by the mean of best matches of tracks.

    `sets` are the tracks; without them those of the index.
    """

    sets: TrackSets | None = None

    name: ClassVar[str] = "tracks"

    def depth(self, k: int) -> int:
        """Return how many artists are ranked again."""
        return max(_DEPTH, 5 * k)

    def rank(
        self, index: ArtistIndex, query: ResolvedQuery, candidates: Sequence[ScoredRow]
    ) -> NDArray[np.float64]:
        """Return the mean of best matches with each candidate: (candidates,).

        Where music is asked with instead of artists, the mean of the candidate's two tracks that
        are nearest to it. Raises Misuse where artists and music are mixed, subtracted or weighted,
        and for an artist who came in a pack, without tracks; BrokenLibrary.
        """
        sets = self.sets or TrackSets(index)
        if query.is_of_music_alone:
            (music,) = unit(query.vector[None, :])
            nearest = [nearest_tracks(music, sets.of(row), query) for _, row in candidates]
            return np.array(nearest, np.float64)
        if not query.is_of_artists_alone:
            raise Misuse(
                "ranking by tracks needs artists, and nothing else, to compare tracks with"
            )
        asked = [sets.of(row) for row in query.rows]
        for row, tracks in zip(query.rows, asked, strict=True):
            if tracks.is_imported:
                raise Misuse(f"{index.artists[row]} came in a pack, without tracks to rank by")
        return np.array(
            [
                np.mean([set_similarity(tracks, sets.of(row)) for tracks in asked])
                for _, row in candidates
            ]
        )


def nearest_tracks(music: NDArray[np.float32], tracks: TrackSet, query: ResolvedQuery) -> float:
    """The mean similarity of the two tracks nearest to `music` (dimension,), a unit vector.

    A track whose recording was asked with does not count; -1 where none does.
    """
    counted = [recording not in query.recordings for recording in tracks.recordings]
    similarities = np.sort((tracks.units[counted] @ music).astype(np.float64))[-_NEAREST:]
    return float(similarities.mean()) if len(similarities) else NOTHING_TO_COMPARE


def set_similarity(tracks: TrackSet, other: TrackSet) -> float:
    """`mean_of_best_matches` of two artists' tracks, pairs of one recording left out."""
    similarities = (tracks.units @ other.units.T).astype(np.float64)
    return mean_of_best_matches(np.where(same_recordings(tracks, other), np.nan, similarities))


def mean_of_best_matches(similarities: NDArray[np.float64]) -> float:
    """The mean over both sides' tracks of the best match on the other side, in [-1, 1].

    `similarities` (t, u), float64, are those of all pairs, NaN for one that does not count; a track
    without any match does not count either. Both sides weigh alike (the modified Hausdorff
    distance's directed means, Dubuisson & Jain, ICPR 1994, averaged). -1 where there is nothing to
    compare.
    """
    counted = np.where(np.isnan(similarities), -np.inf, similarities)
    sides = [counted.max(axis=axis, initial=-np.inf) for axis in (1, 0)]
    means = [side[np.isfinite(side)].mean() for side in sides if np.isfinite(side).any()]
    return float(np.mean(means)) if means else NOTHING_TO_COMPARE
