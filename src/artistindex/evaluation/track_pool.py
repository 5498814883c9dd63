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
from artistindex.index.transforms import Transform, fit, unit
from artistindex.library.library import Library
from artistindex.query import fusion, hubness
from artistindex.query.rerank import mean_of_best_matches

Floats = NDArray[np.float64]
Rows = NDArray[np.float32]
Ints = NDArray[np.int64]
Scorer = Callable[[int], Floats]
Aggregate = Callable[[Floats], Floats]

FOLDS = 50
"""In how many parts the tracks are left out of fitting a transform: up to 50 one by one."""


@dataclass(frozen=True, eq=False)
class TrackPool:
    """Tracks with a vector each, credited to one or more artists.

    `vectors` are raw, float32 of shape (tracks, d); `credits` (artists, tracks) tells whose they
    are; tracks with the same number in `recordings` (tracks,) are one recording. `ids` are those of
    the library.
    """

    artists: tuple[str, ...]
    ids: tuple[int, ...]
    credits: NDArray[np.bool_]
    recordings: Ints
    vectors: Rows

    def __len__(self) -> int:
        return len(self.ids)

    def without(self, held: int) -> NDArray[np.bool_]:
        """`credits` without the recording of the track `held`."""
        kept: NDArray[np.bool_] = self.credits & (self.recordings != self.recordings[held])
        return kept

    def only(self, chosen: NDArray[np.bool_]) -> "TrackPool":
        """The pool of the `chosen` (tracks,) alone, and of the artists who have any of them."""
        present = self.credits[:, chosen].any(axis=1)
        return TrackPool(
            artists=tuple(self.artists[row] for row in np.flatnonzero(present)),
            ids=tuple(self.ids[at] for at in np.flatnonzero(chosen)),
            credits=self.credits[np.ix_(present, chosen)],
            recordings=self.recordings[chosen],
            vectors=self.vectors[chosen],
        )


def read_pools(library: Library, keys: Sequence[VectorKey]) -> list[TrackPool]:
    """One pool for each key, all of the same tracks: those that have a vector of every key.

    Which tracks are one recording, the library knows. Raises Misuse where no track has all vectors.
    """
    vectors = [library.vectors(key) for key in keys]
    complete = set.intersection(*(set(by_track) for by_track in vectors))
    artists, places, pairs = [], dict[int, int](), []
    for stored in library.artists():
        tracks = [track for track in library.tracks_of(stored.id) if track.id in complete]
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
    return [
        TrackPool(
            tuple(artists),
            tuple(places),
            credits_,
            recordings,
            np.array([rows[track] for track in places], np.float32),
        )
        for rows in vectors
    ]


def mean(vectors: Floats) -> Floats:
    """How an index makes an artist of tracks (t, d): their mean (d,)."""
    average: Floats = vectors.mean(axis=0)
    return average


# --- scorers ------------------------------------------------------------------------------------


def by_centroid(
    pool: TrackPool,
    *,
    transform: str = "none",
    aggregate: Aggregate = mean,
    correction: str = "none",
) -> Scorer:
    """Rank artists as an index does: by the cosine of their vector, made of their tracks.

    The `transform` is fitted on artists without the held-out track, and without one in 50 of the
    others where there are more than 50.
    """
    wide = pool.vectors.astype(np.float64)
    whole = np.stack([aggregate(wide[own]) for own in pool.credits]).astype(np.float32)
    fitted = _fits(pool, whole, transform, aggregate)

    def score(held: int) -> Floats:
        kept = pool.without(held)
        vectors, alive = _patched(whole, pool.credits, kept, wide, aggregate)
        made = fitted(held)
        asked = made.apply(pool.vectors[held][None, :])[0]
        rows = made.apply(vectors[alive])
        scores = np.full(len(alive), -np.inf)
        everyone = np.arange(len(rows))
        cosines = (rows @ asked).astype(np.float64)
        scores[alive] = hubness.rescale(
            asked, rows, everyone.tolist(), cosines, everyone, method=correction
        )
        return scores

    return score


def by_tracks(pool: TrackPool, *, transform: str = "none") -> Scorer:
    """Rank artists by the mean of best matches between the held-out track and theirs."""
    wide = pool.vectors.astype(np.float64)
    whole = np.stack([mean(wide[own]) for own in pool.credits]).astype(np.float32)
    fitted = _fits(pool, whole, transform, mean)

    def score(held: int) -> Floats:
        kept = pool.without(held)
        made = fitted(held)
        similarities = made.apply(pool.vectors) @ made.apply(pool.vectors[held][None, :])[0]
        return np.array(
            [
                mean_of_best_matches(similarities[own][None, :].astype(np.float64))
                if own.any()
                else -np.inf
                for own in kept
            ]
        )

    return score


def by_closest_track(pool: TrackPool) -> Scorer:
    """Rank artists by their track that is nearest to the held-out one."""
    rows = unit(pool.vectors)

    def score(held: int) -> Floats:
        similarities = (rows @ rows[held]).astype(np.float64)
        nearest: Floats = np.where(pool.without(held), similarities, -np.inf).max(axis=1)
        return nearest

    return score


def reranked(first: Scorer, again: Scorer, *, depth: int) -> Scorer:
    """Let `again` order the `depth` artists that `first` puts on top; the rest stay behind."""

    def score(held: int) -> Floats:
        before, after = first(held), again(held)
        order = np.argsort(-before, kind="stable")
        top = order[:depth]
        order = np.concatenate([top[np.argsort(-after[top], kind="stable")], order[depth:]])
        return _as_scores(order, np.isfinite(before))

    return score


def fused(scorers: Sequence[Scorer], *, method: str) -> Scorer:
    """Rank artists by several scorers together; see `fusion`."""

    def score(held: int) -> Floats:
        found = [scorer(held) for scorer in scorers]
        alive = np.all(np.isfinite(found), axis=0)
        voices = [fusion.RankedList.of_all(str(at), one[alive]) for at, one in enumerate(found)]
        order = np.flatnonzero(alive)[fusion.fuse(voices, method).order()]
        return _as_scores(order, alive)

    return score


def _as_scores(order: Ints, alive: NDArray[np.bool_]) -> Floats:
    scores = np.empty(len(alive))
    scores[order] = -np.arange(1.0, len(order) + 1)
    scores[~alive] = -np.inf
    return scores


def _patched(
    whole: Rows,
    before: NDArray[np.bool_],
    kept: NDArray[np.bool_],
    wide: Floats,
    aggregate: Aggregate,
) -> tuple[Rows, NDArray[np.bool_]]:
    """Raw artist vectors (n, d) made of the tracks in `kept`, and who has any (n,)."""
    alive = np.asarray(kept.any(axis=1), np.bool_)
    rows = whole.copy()
    for row in np.flatnonzero(alive & (before != kept).any(axis=1)):
        rows[row] = aggregate(wide[kept[row]])
    return rows, alive


def _fits(
    pool: TrackPool, whole: Rows, transform: str, aggregate: Aggregate
) -> Callable[[int], Transform]:
    """The transform to use for a held-out track, fitted without its part of the tracks."""
    wide = pool.vectors.astype(np.float64)

    @lru_cache(maxsize=FOLDS)
    def fitted(fold: int) -> Transform:
        kept = pool.credits & (pool.recordings % FOLDS != fold)
        vectors, alive = _patched(whole, pool.credits, kept, wide, aggregate)
        return fit(transform, vectors[alive])

    def chosen(held: int) -> Transform:
        if transform == "none":
            return Transform()
        return fitted(int(pool.recordings[held]) % FOLDS)

    return chosen
