"""How sure the order of a line-up is: the ranks that an act takes as its tracks are drawn anew.

What stands for an artist are a few tracks, which might have been others. Each of 200 times as many
of an act's tracks are drawn with replacement, and the line-up is ranked by them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from artistindex.index.reader import ArtistIndex
from artistindex.query.acts import Taste
from artistindex.query.explain import RESAMPLES, resampled
from artistindex.query.taste_scores import TasteScores
from artistindex.query.track_vectors import TrackSets

_LOW, _HIGH = 10, 90  # percent of the draws: eight of ten lie between

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class RankRange:
    """The ranks between which an act stays in eight of ten draws, and its share in the first ten.

    An act of a single track, or without any here, is the same in every draw: `tracks` says how many
    there are to draw from.
    """

    low: int
    high: int
    top_ten: float
    tracks: int


def rank_ranges(
    index: ArtistIndex,
    taste: Taste,
    rows: Sequence[int],
    *,
    above: int = 0,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> list[RankRange]:
    """Return the range of each of `rows`, artists who are ranked together below `above` others.

    The same seed gives the same ranges. Raises BrokenLibrary where the index has no vectors of
    tracks and the library beside it no longer fits.
    """
    if not rows:
        return []
    sets = TrackSets(index)
    scores = TasteScores.of(index, taste)
    drawn = np.stack([_drawn(scores, sets, row, resamples, seed) for row in rows], axis=1)
    order = np.argsort(-drawn, axis=1, kind="stable")
    ranks = np.empty_like(order)
    np.put_along_axis(ranks, order, np.arange(1, len(rows) + 1)[None, :], axis=1)
    ranks += above
    lows, highs = np.percentile(ranks, (_LOW, _HIGH), axis=0)
    top_ten = (ranks <= 10).mean(axis=0)
    return [
        RankRange(round(low), round(high), float(share), index.track_counts[row])
        for low, high, share, row in zip(lows, highs, top_ten, rows, strict=True)
    ]


def _drawn(scores: TasteScores, sets: TrackSets, row: int, resamples: int, seed: int) -> Floats:
    """The scores of one act, as its tracks are drawn: (resamples,)."""
    if not sets.are_here:
        return np.full(resamples, scores.scores[row])
    return scores.of_vectors(resampled(sets, row, resamples, seed))
