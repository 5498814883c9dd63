"""How well an artist fits somebody's favourites.

The score is the cosine to the nearest favourite, less half of that to the nearest of the disliked.
Where plays tell favourites apart, one who is played less counts as if it were farther away.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from artistindex.index.backend import VectorRows
from artistindex.index.reader import ArtistIndex, ScoredRow
from artistindex.query.acts import Taste

Floats = NDArray[np.float64]
DISLIKE = 0.5
"""How much of the likeness to what is disliked is taken off: a convention, not measured."""
PLAYS = 0.5
"""How much farther away a favourite counts that was never played, in standard deviations of the
cosines of the index: a convention, not measured."""

_REASONS = 3
_AT_ONCE = 4096  # artists of the index whose cosines are held in memory together
_ONE_DEVIATION = 84.134  # percent of a normal distribution that lies below it


def nearest(cosines: Floats, handicaps: Floats) -> Floats:
    """Return the score (artists,) by the nearest favourite, of cosines (favourites, artists)."""
    scores: Floats = (cosines - handicaps[:, None]).max(axis=0)
    return scores


def handicaps_of(index: ArtistIndex, weights: Iterable[float]) -> Floats:
    """Return how much farther away each favourite counts for being played less than another.

    It falls with the logarithm of the plays: zero for the most played, `PLAYS` standard deviations
    of the index's cosines for one that was never played.
    """
    plays = np.log1p(np.array(list(weights), np.float64))
    if not plays.any() or not index.manifest.background:
        return np.zeros(len(plays))
    levels = np.linspace(0.0, 100.0, len(index.manifest.background))
    middle, above = np.interp((50.0, _ONE_DEVIATION), levels, index.manifest.background)
    handicaps: Floats = PLAYS * float(above - middle) * (1.0 - plays / plays.max())
    return handicaps


@dataclass(frozen=True, eq=False)
class TasteScores:
    """The scores of every artist of an index for one taste: `scores` is float64, (artists,)."""

    scores: Floats
    _index: ArtistIndex
    _liked: list[int]
    _handicaps: Floats
    _disliked: list[int]
    _rivals: Floats

    @classmethod
    def of(cls, index: ArtistIndex, taste: Taste) -> Self:
        """Score all artists of `index`."""
        liked, disliked = list(taste.liked), list(taste.disliked)
        handicaps = handicaps_of(index, taste.liked.values())
        scores = _scores(index.rows, index, liked, handicaps, disliked)
        rivals = np.sort(np.delete(scores, liked))
        return cls(scores, index, liked, handicaps, disliked, rivals)

    def of_vectors(self, vectors: NDArray[np.floating]) -> Floats:
        """Return the scores (n,) of artists with other unit `vectors` (n, dimension)."""
        return _scores(vectors, self._index, self._liked, self._handicaps, self._disliked)

    def percentile(self, row: int) -> float | None:
        """Return the share of the others, favourites left out, who score less, in percent."""
        if len(self._rivals) < 2:
            return None
        less = int(np.searchsorted(self._rivals, self.scores[row]))
        return 100.0 * less / (len(self._rivals) - 1)

    def nearest_favourites(self, row: int) -> list[ScoredRow]:
        """Return the cosines and rows of the favourites behind the score of `row`, best first."""
        return self._nearest(row, self._liked, self._handicaps)

    def nearest_disliked(self, row: int) -> list[ScoredRow]:
        """Return the cosines and rows of the disliked artists who are nearest to `row`."""
        return self._nearest(row, self._disliked, np.zeros(len(self._disliked)))

    def _nearest(self, row: int, artists: list[int], handicaps: Floats) -> list[ScoredRow]:
        if not artists:
            return []
        (vector,) = self._index.vectors_of([row])
        cosines = self._index.vectors_of(artists) @ vector
        order = np.argsort(handicaps - cosines, kind="stable")[:_REASONS]
        return [(float(cosines[at]), artists[at]) for at in order]


def _scores(
    vectors: NDArray[np.floating] | VectorRows,
    index: ArtistIndex,
    liked: Sequence[int],
    handicaps: Floats,
    disliked: Sequence[int],
) -> Floats:
    """Score `vectors`, of artists of the index or not, by its liked and disliked rows."""
    near, away = index.vectors_of(liked), index.vectors_of(disliked)
    scores = np.empty(len(vectors))
    for at in range(0, len(vectors), _AT_ONCE):
        part = vectors[at : at + _AT_ONCE].T.astype(np.float64)
        likes = nearest(near @ part, handicaps)
        dislikes = (away @ part).max(axis=0) if disliked else np.zeros(1)
        scores[at : at + _AT_ONCE] = likes - DISLIKE * np.maximum(dislikes, 0.0)
    return scores
