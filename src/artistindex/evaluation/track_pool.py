"""The tracks of a library, and ways of ranking artists for one that is held out.

A `Scorer` takes the place of a track in the pool and gives the score of every artist without that
track: whatever shares its recording is taken out of all artists first, and an artist with nothing
left scores -inf.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Self

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

    `vectors` are raw, float32 of shape (tracks, d); `tracks_of` has for each artist the places of
    its tracks, ascending; tracks with the same number in `recordings` (tracks,) are one recording.
    `ids` are those of the library. `background` is what transforms lean on.
    """

    artists: tuple[str, ...]
    ids: tuple[int, ...]
    tracks_of: tuple[Ints, ...]
    recordings: Ints
    vectors: Rows
    background: Spread | None = None

    @classmethod
    def of_credits(
        cls,
        artists: Sequence[str],
        ids: Sequence[int],
        owned: Credits,
        recordings: Ints,
        vectors: Rows,
        background: Spread | None = None,
    ) -> Self:
        """Return the pool of artists with the tracks that are `owned` (artists, tracks)."""
        tracks_of = tuple(np.flatnonzero(own) for own in owned)
        return cls(tuple(artists), tuple(ids), tracks_of, recordings, vectors, background)

    def __len__(self) -> int:
        return len(self.ids)

    @cached_property
    def artists_of(self) -> list[list[int]]:
        """The rows of the artists of each track, ascending."""
        artists: list[list[int]] = [[] for _ in self.ids]
        for row, tracks in enumerate(self.tracks_of):
            for track in tracks.tolist():
                artists[track].append(row)
        return artists

    @cached_property
    def takes_of(self) -> Mapping[int, list[int]]:
        """The places of the tracks of each recording."""
        takes = defaultdict(list)
        for track, recording in enumerate(self.recordings.tolist()):
            takes[recording].append(track)
        return takes

    def remaining(self, track: int) -> dict[int, Ints]:
        """Return the tracks that are left to each artist who has one of the track's recording."""
        recording = self.recordings[track]
        takes = self.takes_of[int(recording)]
        rows = sorted({row for take in takes for row in self.artists_of[take]})
        return {
            row: self.tracks_of[row][self.recordings[self.tracks_of[row]] != recording]
            for row in rows
        }

    @property
    def credits(self) -> Credits:
        """Whose the tracks are, (artists, tracks): for small pools, since it is made whole."""
        credits_ = np.zeros((len(self.artists), len(self)), np.bool_)
        for own, tracks in zip(credits_, self.tracks_of, strict=True):
            own[tracks] = True
        return credits_

    def without(self, track: int) -> Credits:
        """Return `credits` without the recording of the track at `track`."""
        return np.asarray(self.credits & (self.recordings != self.recordings[track]), np.bool_)


def read_pools(library: Library, keys: Sequence[VectorKey]) -> list[TrackPool]:
    """Return one pool for each key, all of the same tracks: those with a vector of every key.

    Which tracks are one recording, the library knows. Raises Misuse where no track has all vectors.
    """
    complete = set.intersection(*(library.embedded_track_ids(key) for key in keys))
    artists, tracks_of, places = list[str](), list[Ints](), dict[int, int]()
    for stored, credited in library.tracks_by_artist():
        tracks = [track for track in credited if track.id in complete]
        if tracks:
            artists.append(stored.artist.name)
            own = [places.setdefault(track.id, len(places)) for track in tracks]
            tracks_of.append(np.array(sorted(own), np.int64))
    if not places:
        models = ", ".join(key.model for key in keys)
        raise Misuse(f"the library {library.path} has no track with vectors of {models}")
    by_track = library.recordings()
    recordings = np.array([by_track[track] for track in places], np.int64)
    matrices = [_read_vectors(library, key, places) for key in keys]
    return [
        TrackPool(
            tuple(artists),
            tuple(places),
            tuple(tracks_of),
            recordings,
            matrix,
            background_of(key, matrix.shape[1]),
        )
        for key, matrix in zip(keys, matrices, strict=True)
    ]


def _read_vectors(library: Library, key: VectorKey, places: Mapping[int, int]) -> Rows:
    """Return the tracks' vectors of `key` at their places: (tracks, d)."""
    matrix: Rows | None = None
    for track_id, vector in library.stream_vectors(key):
        if matrix is None:
            matrix = np.empty((len(places), len(vector)), np.float32)
        if track_id in places:
            matrix[places[track_id]] = vector
    return np.empty((0, 0), np.float32) if matrix is None else matrix


# --- ways of ranking ----------------------------------------------------------------------------


def mean(vectors: Floats) -> Floats:
    """Return the mean (d,) of tracks (t, d), of which an index makes an artist."""
    return np.asarray(vectors.mean(axis=0), np.float64)


def by_centroid(pool: TrackPool, *, transform: str = "none", aggregate: Aggregate = mean) -> Scorer:
    """Rank artists as an index does: by the cosine of their vector, made of their tracks."""
    centroids = _Centroids(pool, transform, aggregate)

    def score(track: int) -> Floats:
        with centroids.without(track) as (asked, rows, gone):
            scores = (rows @ asked).astype(np.float64)
        scores[gone] = -np.inf
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
    of_pool = _Centroids(pool, transform, aggregate)

    def centroids(track: int) -> tuple[Rows, Rows, NDArray[np.bool_]]:
        with of_pool.without(track) as (asked, rows, gone):
            alive = np.ones(len(rows), np.bool_)
            alive[gone] = False
            return asked, rows[alive], alive

    return centroids


def transforms_without(pool: TrackPool, transform: str) -> Callable[[int], Transform]:
    """Return the transform that is fitted without a track, as a function of its place in the pool.

    It is fitted without the track, and without one in 50 of the others where there are more than
    50. Never without the track's artist: then the right answer alone would be of tracks that the
    transform has not seen, and a transform with many dimensions for few tracks tells those apart
    from the rest, whoever made them (docs/quality.md shows it with names dealt out at random).
    """
    return _transforms_without(_Aggregated(pool, mean), transform)


def fold_of(pool: TrackPool, track: int) -> int:
    """Return the part of the pool that is left out of fitting a transform for a track."""
    return int(pool.recordings[track]) % FOLDS


def _transforms_without(whole: "_Aggregated", transform: str) -> Callable[[int], Transform]:
    pool, plain = whole.pool, Transform()

    @lru_cache(maxsize=FOLDS)
    def fitted(fold: int) -> Transform:
        remaining = pool.recordings % FOLDS != fold
        rows = whole.of(remaining)
        return fit(transform, rows, tracks=pool.vectors[remaining], background=pool.background)

    def fitted_without(track: int) -> Transform:
        return plain if transform == "none" else fitted(fold_of(pool, track))

    return fitted_without


class _Aggregated:
    """The raw vectors of a pool's artists, of which only those that lose a track are made anew."""

    def __init__(self, pool: TrackPool, aggregate: Aggregate) -> None:
        self.pool = pool
        self._aggregate = aggregate
        self.whole = np.stack([self.of_tracks(tracks) for tracks in pool.tracks_of])

    def of_tracks(self, tracks: Ints) -> Rows:
        """Return the vector (d,) of an artist with these tracks, at least one."""
        return self._aggregate(self.pool.vectors[tracks].astype(np.float64)).astype(np.float32)

    def of(self, remaining: NDArray[np.bool_]) -> Rows:
        """Return the vectors (n, d) of the artists who have any of the tracks that remain."""
        rows = []
        for whole, tracks in zip(self.whole, self.pool.tracks_of, strict=True):
            left = remaining[tracks]
            if left.all():
                rows.append(whole)
            elif left.any():
                rows.append(self.of_tracks(tracks[left]))
        return np.array(rows, np.float32).reshape(len(rows), self.whole.shape[1])


class _Centroids:
    """The artists as an index would have them without a track.

    The vectors of all artists are in memory in one space, that of the fold of the track asked for
    last: tracks of one fold are best asked for one after the other.
    """

    def __init__(self, pool: TrackPool, transform: str, aggregate: Aggregate) -> None:
        self._pool = pool
        self._whole = _Aggregated(pool, aggregate)
        self._transforms = _transforms_without(self._whole, transform)
        self._rows: Rows | None = None
        self._space: Transform | None = None

    @contextmanager
    def without(self, track: int) -> Iterator[tuple[Rows, Rows, list[int]]]:
        """Give the track's unit vector (d,), all artists' without it (n, d), and who is gone.

        The vectors are as they say until the end of the block alone; those of who is gone mean
        nothing.
        """
        fitted = self._transforms(track)
        rows = self._in_space(fitted)
        remaining = self._pool.remaining(track)
        left = [row for row, tracks in remaining.items() if len(tracks)]
        gone = [row for row in remaining if row not in left]
        with_track = rows[left]
        if left:
            raw = np.stack([self._whole.of_tracks(remaining[row]) for row in left])
            rows[left] = fitted.apply(raw)
        try:
            yield fitted.apply(self._pool.vectors[track][None, :])[0], rows, gone
        finally:
            rows[left] = with_track

    def _in_space(self, fitted: Transform) -> Rows:
        if self._rows is None or self._space is not fitted:
            self._rows, self._space = fitted.apply(self._whole.whole), fitted
        return self._rows
