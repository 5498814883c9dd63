"""The tracks of a library, and ways of ranking artists for one that is held out.

A `Scorer` takes the place of a track in the pool and gives the score of every artist without that
track: whatever shares its recording is taken out of all artists first, and an artist with nothing
left scores -inf.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from artistindex.entities import VectorKey
from artistindex.errors import Misuse
from artistindex.index.background import Spread, background_of
from artistindex.index.transforms import Transform, fit
from artistindex.library.library import Library
from artistindex.query import fusion

Floats = NDArray[np.float64]
Rows = NDArray[np.float32]
Ints = NDArray[np.int64]
Credits = NDArray[np.bool_]
Scorer = Callable[[int], Floats]
Aggregate = Callable[[Floats], Floats]

FOLDS = 50
"""In how many parts the tracks are left out of fitting a transform: up to 50 one by one."""


@dataclass(frozen=True, eq=False)
class TrackPool:
    """Tracks with a vector each, credited to one or more artists.

    `vectors` are raw, float32 of shape (tracks, d); `credits` (artists, tracks) tells whose they
    are; tracks with the same number in `recordings` (tracks,) are one recording. `ids` are those of
    the library. `background` is what transforms lean on.
    """

    artists: tuple[str, ...]
    ids: tuple[int, ...]
    credits: Credits
    recordings: Ints
    vectors: Rows
    background: Spread | None = None

    def __len__(self) -> int:
        return len(self.ids)

    def without(self, track: int) -> Credits:
        """Return `credits` without the recording of the track at `track`."""
        return np.asarray(self.credits & (self.recordings != self.recordings[track]), np.bool_)


def read_pools(library: Library, keys: Sequence[VectorKey]) -> list[TrackPool]:
    """Return one pool for each key, all of the same tracks: those with a vector of every key.

    Which tracks are one recording, the library knows. Raises Misuse where no track has all vectors.
    """
    vectors = [library.vectors(key) for key in keys]
    complete = set.intersection(*(set(by_track) for by_track in vectors))
    artists, places, pairs = [], dict[int, int](), []
    for stored, credited in library.tracks_by_artist():
        tracks = [track for track in credited if track.id in complete]
        if tracks:
            artists.append(stored.artist.name)
        pairs += [(len(artists) - 1, places.setdefault(track.id, len(places))) for track in tracks]
    if not pairs:
        models = ", ".join(key.model for key in keys)
        raise Misuse(f"the library {library.path} has no track with vectors of {models}")
    credits_ = np.zeros((len(artists), len(places)), np.bool_)
    credits_[tuple(np.array(pairs).T)] = True
    by_track = library.recordings()
    recordings = np.array([by_track[track] for track in places], np.int64)
    matrices = [np.array([rows[track] for track in places], np.float32) for rows in vectors]
    return [
        TrackPool(
            tuple(artists),
            tuple(places),
            credits_,
            recordings,
            matrix,
            background_of(key, matrix.shape[1]),
        )
        for key, matrix in zip(keys, matrices, strict=True)
    ]


# --- ways of ranking ----------------------------------------------------------------------------


def mean(vectors: Floats) -> Floats:
    """Return the mean (d,) of tracks (t, d), of which an index makes an artist."""
    return np.asarray(vectors.mean(axis=0), np.float64)


def by_centroid(pool: TrackPool, *, transform: str = "none", aggregate: Aggregate = mean) -> Scorer:
    """Rank artists as an index does: by the cosine of their vector, made of their tracks."""
    centroids = centroids_without(pool, transform=transform, aggregate=aggregate)

    def score(track: int) -> Floats:
        asked, rows, alive = centroids(track)
        scores = np.full(len(alive), -np.inf)
        scores[alive] = (rows @ asked).astype(np.float64)
        return scores

    return score


def fused(scorers: Sequence[Scorer], *, method: str) -> Scorer:
    """Rank artists by several scorers together; see `fusion`."""

    def score(track: int) -> Floats:
        scores = [scorer(track) for scorer in scorers]
        alive = np.all(np.isfinite(scores), axis=0)
        lists = [
            fusion.RankedList.of_all(str(number), of_scorer[alive])
            for number, of_scorer in enumerate(scores)
        ]
        order = np.flatnonzero(alive)[fusion.fuse(lists, method).order()]
        return scores_of_order(order, alive)

    return score


def scores_of_order(order: Ints, alive: NDArray[np.bool_]) -> Floats:
    """Return scores (artists,) that rank the rows in `order`, best first; -inf for who is gone."""
    scores = np.empty(len(alive))
    scores[order] = -np.arange(1.0, len(order) + 1)
    scores[~alive] = -np.inf
    return scores


def centroids_without(
    pool: TrackPool, *, transform: str = "none", aggregate: Aggregate = mean
) -> Callable[[int], tuple[Rows, Rows, NDArray[np.bool_]]]:
    """Return what the index would be without a track, as a function of its place in the pool.

    The function returns the track's own unit vector (d,), the unit vectors (m, d) of the artists
    who have a track left, and who they are (artists,).
    """
    whole = _Aggregated(pool, aggregate)
    transforms = _transforms_without(whole, transform)

    def centroids(track: int) -> tuple[Rows, Rows, NDArray[np.bool_]]:
        rows, alive = whole.of(pool.without(track))
        fitted = transforms(track)
        return fitted.apply(pool.vectors[track][None, :])[0], fitted.apply(rows[alive]), alive

    return centroids


def transforms_without(pool: TrackPool, transform: str) -> Callable[[int], Transform]:
    """Return the transform that is fitted without a track, as a function of its place in the pool.

    It is fitted without the track, and without one in 50 of the others where there are more than
    50. Never without the track's artist: then the right answer alone would be of tracks that the
    transform has not seen, and a transform with many dimensions for few tracks tells those apart
    from the rest, whoever made them (docs/quality.md shows it with names dealt out at random).
    """
    return _transforms_without(_Aggregated(pool, mean), transform)


def _transforms_without(whole: "_Aggregated", transform: str) -> Callable[[int], Transform]:
    pool = whole.pool
    recordings = pool.recordings

    @lru_cache(maxsize=FOLDS)
    def fitted(fold: int) -> Transform:
        remaining = recordings % FOLDS != fold
        rows, alive = whole.of(pool.credits & remaining)
        return fit(
            transform, rows[alive], tracks=pool.vectors[remaining], background=pool.background
        )

    def fitted_without(track: int) -> Transform:
        return Transform() if transform == "none" else fitted(int(recordings[track]) % FOLDS)

    return fitted_without


class _Aggregated:
    """The raw vectors of a pool's artists, of which only those that lose a track are made anew."""

    def __init__(self, pool: TrackPool, aggregate: Aggregate) -> None:
        self.pool = pool
        self._aggregate = aggregate
        self._tracks = pool.vectors.astype(np.float64)
        whole = np.stack([aggregate(self._tracks[own]) for own in pool.credits])
        self._whole = whole.astype(np.float32)

    def of(self, remaining: Credits) -> tuple[Rows, NDArray[np.bool_]]:
        """Return the artists' vectors (n, d) of the `remaining` tracks, and who has any (n,)."""
        alive = np.asarray(remaining.any(axis=1), np.bool_)
        rows = self._whole.copy()
        for row in np.flatnonzero(alive & (self.pool.credits != remaining).any(axis=1)):
            rows[row] = self._aggregate(self._tracks[remaining[row]])
        return rows, alive
