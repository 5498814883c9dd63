"""The top of a list ranked again, exactly, by all pairs of tracks."""

from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray

from artistindex.entities import Neighbour
from artistindex.errors import Misuse
from artistindex.index.reader import ArtistIndex
from artistindex.query.track_vectors import TrackSet, TrackSets, same_recordings

NOTHING_TO_COMPARE = -1.0
_DEPTH = 50  # artists ranked again, or five times as many as are asked for


def neighbours(
    index: ArtistIndex,
    sets: TrackSets,
    rows: Sequence[int],
    vector: NDArray[np.floating],
    k: int = 10,
    *,
    leave_out: Collection[int] = (),
) -> list[tuple[Neighbour, float]]:
    """The `k` nearest artists by the mean of best matches between tracks, each with that mean.

    `rows` are the artists asked about, `vector` finds the 50 nearest artists (or five times `k`)
    that are ranked again; `score` stays the cosine with it. Raises Misuse as
    `ArtistIndex.neighbours_of_vector`, and where an artist asked about came in a pack, without
    tracks; BrokenLibrary.
    """
    if not rows:
        raise Misuse("ranking by tracks needs at least one artist to compare tracks with")
    found = index.search_rows(vector, max(_DEPTH, 5 * k) if k > 0 else k, leave_out=leave_out)
    asked = [sets.of(row) for row in rows]
    for row, held in zip(rows, asked, strict=True):
        if held.is_imported:
            raise Misuse(f"{index.artists[row]} came in a pack, without tracks to rank by")
    matches = np.array(
        [np.mean([set_similarity(one, sets.of(row)) for one in asked]) for _, row in found]
    )
    order = np.argsort(-matches, kind="stable")[:k]
    listed = index.to_neighbours([found[at] for at in order])
    return [(one, float(matches[at])) for one, at in zip(listed, order, strict=True)]


def set_similarity(one: TrackSet, other: TrackSet) -> float:
    """`mean_of_best_matches` of two artists' tracks, pairs of one recording left out."""
    similarities = (one.units @ other.units.T).astype(np.float64)
    return mean_of_best_matches(np.where(same_recordings(one, other), np.nan, similarities))


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
