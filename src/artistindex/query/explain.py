"""Why an artist is in an answer: the closest tracks, and how far it depends on single ones.

The stability of a neighbour is the share of bootstrap resamples of everybody's tracks in which it
stays in the top k. It tells how sure an answer is of itself, not whether it is right.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from artistindex.errors import Misuse
from artistindex.index.reader import ArtistIndex
from artistindex.index.transforms import unit
from artistindex.query.query import AnyQuery, ResolvedQuery, resolve
from artistindex.query.ranking import Hit
from artistindex.query.track_vectors import TrackSets, same_recordings

Floats = NDArray[np.float64]

RESAMPLES = 200
_POOL = 100  # artists, nearest first, among whom a resample is ranked; or five times k


@dataclass(frozen=True, slots=True)
class TrackPair:
    """The two tracks, one of each side, that are most alike."""

    asked: str
    neighbour: str
    score: float


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why one neighbour is there.

    `closest` is None where a side has no tracks here, as artists out of a pack have none, and so is
    `stability`, which is else between 0 and 1. `rests_on` is the title of the one track without
    which the neighbour would not be in the answer: its only one, or one whose loss alone moves it
    out of the top k; None where there is no such track.
    """

    closest: TrackPair | None
    stability: float | None
    rests_on: str | None

    def to_json(self) -> dict[str, Any]:
        """The keys that are added to a neighbour."""
        closest = self.closest
        return {
            "closest": closest
            and {
                "asked": closest.asked,
                "neighbour": closest.neighbour,
                "score": closest.score,
            },
            "stability": self.stability,
            "rests_on": self.rests_on,
        }


def explain(
    index: ArtistIndex,
    query: AnyQuery,
    hits: Sequence[Hit],
    *,
    sets: TrackSets | None = None,
    exclude: Collection[int] = (),
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> list[Explanation]:
    """Explain each of `hits`, the answer of `search(index, query)`, in their order.

    `sets` are the tracks; without them those of the index. `exclude` are the rows that were left
    out besides those asked about. The same seed gives the same stabilities. Music that was asked
    with stays as it is: only the neighbour's tracks are drawn again. Raises Misuse where artists
    and music were mixed, subtracted or weighted, and BrokenLibrary.
    """
    resolved = resolve(index, query)
    if not (resolved.is_of_artists_alone or resolved.is_of_music_alone):
        raise Misuse("only an answer about artists, or about music, can be explained by tracks")
    sets = sets or TrackSets(index)
    rows, listed = resolved.rows, [hit.row for hit in hits]
    candidates = index.search_rows(
        resolved.vector, max(_POOL, 5 * len(hits)), exclude={*rows, *exclude}
    )
    others = [(score, row) for score, row in candidates if row not in set(listed)]
    pool = [*listed, *(row for _, row in others)]
    bar = others[0][0] if others else -np.inf
    asked = resolved.vector / np.linalg.norm(resolved.vector)
    is_music = resolved.is_of_music_alone
    drawn = None if is_music else _drawn(sets, rows, resamples, seed)
    stabilities = _stabilities(
        sets, asked[None, :] if drawn is None else drawn, pool, len(hits), resamples, seed
    )
    known = is_music or not any(sets.of(row).is_imported for row in rows)
    return [
        Explanation(
            closest=_closest_to(sets, row, resolved) if is_music else _closest(sets, rows, row),
            stability=float(stability) if known and not sets.of(row).is_imported else None,
            rests_on=_rests_on(sets, row, asked, bar),
        )
        for row, stability in zip(listed, stabilities, strict=False)
    ]


def _drawn(sets: TrackSets, rows: Sequence[int], resamples: int, seed: int) -> Floats:
    """What was asked with, from artists' tracks drawn again: (resamples, d)."""
    drawn: Floats = np.sum([resampled(sets, row, resamples, seed) for row in rows], axis=0)
    return drawn


def _stabilities(
    sets: TrackSets, asked: Floats, pool: Sequence[int], k: int, resamples: int, seed: int
) -> Floats:
    """For each artist of `pool`, the share of resamples in which it is among the `k` best.

    `asked` is of shape (resamples, d), or (1, d) for what is the same each time.
    """
    drawn = [resampled(sets, row, resamples, seed) for row in pool]
    scores = np.stack([(vectors * asked).sum(axis=1) for vectors in drawn], axis=1)
    best = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    stays: Floats = np.bincount(best.ravel(), minlength=len(pool)) / resamples
    return stays


def resampled(sets: TrackSets, row: int, resamples: int, seed: int) -> Floats:
    """Return the artist's vector from as many tracks, drawn with replacement: (resamples, d)."""
    tracks = sets.of(row)
    if tracks.is_imported:
        return np.repeat(tracks.units, resamples, axis=0).astype(np.float64)
    count = len(tracks)
    generator = np.random.default_rng((seed, row))
    weights = generator.multinomial(count, np.full(count, 1 / count), size=resamples)
    return sets.centroids(tracks.raw, weights).astype(np.float64)


def closest_pair(sets: TrackSets, row: int, other: int) -> tuple[int, int, float] | None:
    """Return the positions of the two artists' tracks that are most alike, and their cosine.

    Two tracks of one recording do not count. None where a side has no tracks here.
    """
    mine, its = sets.of(row), sets.of(other)
    if mine.is_imported or its.is_imported:
        return None
    similarities = np.where(same_recordings(mine, its), -np.inf, mine.units @ its.units.T)
    at, other_at = np.unravel_index(similarities.argmax(), similarities.shape)
    score = float(similarities[at, other_at])
    return (int(at), int(other_at), score) if np.isfinite(score) else None


def _closest(sets: TrackSets, rows: Sequence[int], row: int) -> TrackPair | None:
    best: TrackPair | None = None
    for asked in rows:
        pair = closest_pair(sets, asked, row)
        if pair is not None and (best is None or pair[2] > best.score):
            mine, its, score = pair
            best = TrackPair(
                sets.of(asked).titles[mine] or "", sets.of(row).titles[its] or "", score
            )
    return best


def _closest_to(sets: TrackSets, row: int, query: ResolvedQuery) -> TrackPair | None:
    """The artist's track that is most like the music of `query`; not the very recording of it."""
    tracks = sets.of(row)
    if tracks.is_imported:
        return None
    (asked,) = unit(query.vector[None, :])
    is_asked = [recording in query.recordings for recording in tracks.recordings]
    similarities = np.where(is_asked, -np.inf, tracks.units @ asked)
    best = int(similarities.argmax())
    if not np.isfinite(similarities[best]):
        return None
    music = ", ".join((*query.tracks, *query.audio))
    return TrackPair(music, tracks.titles[best] or "", float(similarities[best]))


def _rests_on(sets: TrackSets, row: int, asked: Floats, bar: float) -> str | None:
    """The track without which the artist falls below `bar`, the score of the first left out."""
    tracks = sets.of(row)
    if tracks.is_imported:
        return None
    if len(tracks) == 1:
        return tracks.titles[0]
    without = sets.centroids(tracks.raw, 1 - np.eye(len(tracks)))
    scores = without @ asked
    worst = int(scores.argmin())
    return tracks.titles[worst] if scores[worst] < bar else None
