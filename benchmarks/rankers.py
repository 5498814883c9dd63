"""Ways of ranking artists for a held-out track that were tried beside those that the product has.

Each returns a `Scorer`, as `artistindex.evaluation.track_pool` has them; quality.py judges them.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from artistindex.evaluation.track_pool import (
    Scorer,
    TrackPool,
    centroids_without,
    scores_of_order,
    transforms_without,
)
from artistindex.index.transforms import Transform
from artistindex.query import hubness
from artistindex.query.rerank import mean_of_best_matches

Floats = NDArray[np.float64]


def part_of(pool: TrackPool, chosen: NDArray[np.bool_]) -> TrackPool:
    """Return the pool of the `chosen` (tracks,) alone, and of the artists who have any of them."""
    present = pool.credits[:, chosen].any(axis=1)
    return TrackPool.of_credits(
        artists=tuple(pool.artists[row] for row in np.flatnonzero(present)),
        ids=tuple(pool.ids[at] for at in np.flatnonzero(chosen)),
        owned=pool.credits[np.ix_(present, chosen)],
        recordings=pool.recordings[chosen],
        vectors=pool.vectors[chosen],
        background=pool.background,
    )


def by_rescaled_centroid(pool: TrackPool, correction: str) -> Scorer:
    """Rank artists by the cosine of their mean, corrected for hubs."""
    centroids = centroids_without(pool)

    def score(track: int) -> Floats:
        query, rows, alive = centroids(track)
        everyone = np.arange(len(rows))
        cosines = (rows @ query).astype(np.float64)
        scores = np.full(len(alive), -np.inf)
        scores[alive] = hubness.rescale(
            query, rows, everyone.tolist(), cosines, everyone, method=correction
        )
        return scores

    return score


def by_tracks(pool: TrackPool, *, transform: str = "none") -> Scorer:
    """Rank artists by the mean of best matches between the held-out track and theirs."""
    units_without = _units_without(pool, transform)

    def score(track: int) -> Floats:
        units = units_without(track)
        similarities = units @ units[track]
        return np.array(
            [
                mean_of_best_matches(similarities[own][None, :].astype(np.float64))
                if own.any()
                else -np.inf
                for own in pool.without(track)
            ]
        )

    return score


def by_closest_tracks(pool: TrackPool, *, transform: str = "none", count: int = 1) -> Scorer:
    """Rank artists by the mean of their `count` tracks (or all, if fewer) nearest to the held-out.

    The tracks that are compared lie in the space of `transform`.
    """
    units_without = _units_without(pool, transform)

    def score(track: int) -> Floats:
        units = units_without(track)
        similarities = (units @ units[track]).astype(np.float64)
        ranked = np.sort(np.where(pool.without(track), similarities, -np.inf), axis=1)[:, ::-1]
        nearest = np.where(np.isfinite(ranked), ranked, np.nan)[:, :count]
        alive = np.isfinite(ranked[:, 0])
        scores = np.full(len(ranked), -np.inf)
        scores[alive] = np.nanmean(nearest[alive], axis=1)
        return scores

    return score


def _units_without(pool: TrackPool, transform: str) -> Callable[[int], NDArray[np.float32]]:
    """Return all tracks as unit vectors in the space that is fitted without one, by its place."""
    transforms = transforms_without(pool, transform)
    applied: dict[int, tuple[Transform, NDArray[np.float32]]] = {}

    def units(track: int) -> NDArray[np.float32]:
        fitted = transforms(track)
        if transform == "none" and applied:
            return next(iter(applied.values()))[1]
        if id(fitted) not in applied:
            applied[id(fitted)] = fitted, fitted.apply(pool.vectors)
        return applied[id(fitted)][1]

    return units


def reranked(first: Scorer, second: Scorer, *, depth: int) -> Scorer:
    """Let `second` order the `depth` artists that `first` puts on top; the rest stay behind."""

    def score(track: int) -> Floats:
        before, after = first(track), second(track)
        order = np.argsort(-before, kind="stable")
        top = order[:depth]
        order = np.concatenate([top[np.argsort(-after[top], kind="stable")], order[depth:]])
        return scores_of_order(order, np.isfinite(before))

    return score
