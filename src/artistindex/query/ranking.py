"""Asking an index: candidates by cosine, in the order that a ranker gives them.

cosine   by the cosine of the artists' vectors alone
csls     less what an artist's nearest others are near to everybody (hubness.py)
mp       by mutual proximity (hubness.py)
tracks   by all pairs of tracks (rerank.py)
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from artistindex.entities import Neighbour
from artistindex.errors import Misuse
from artistindex.index.reader import ArtistIndex, ScoredRow
from artistindex.query.hubness import Csls, MutualProximity
from artistindex.query.query import AnyQuery, ResolvedQuery, resolve
from artistindex.query.rerank import Tracks


@dataclass(frozen=True, slots=True)
class Hit:
    """An artist in an answer: the `row` of the index, the neighbour, and what it was ranked by.

    `neighbour.score` is the cosine, whatever the ranker; `rank_score` is the ranker's own value,
    higher for nearer.
    """

    row: int
    neighbour: Neighbour
    rank_score: float


class Ranker(Protocol):
    """Puts the artists who are nearest by cosine into an order."""

    name: ClassVar[str]

    def depth(self, k: int) -> int:
        """Return how many candidates, nearest by cosine, are looked at for an answer of `k`."""
        ...

    def rank(
        self, index: ArtistIndex, query: ResolvedQuery, candidates: Sequence[ScoredRow]
    ) -> NDArray[np.float64]:
        """Return a value for each candidate, higher for nearer: shape (candidates,)."""
        ...


@dataclass(frozen=True, slots=True)
class Cosine:
    """Ranks by the cosine with the query."""

    name: ClassVar[str] = "cosine"

    def depth(self, k: int) -> int:
        """Return `k`: nobody else can come in."""
        return k

    def rank(
        self, index: ArtistIndex, query: ResolvedQuery, candidates: Sequence[ScoredRow]
    ) -> NDArray[np.float64]:
        """Return the candidates' cosines."""
        return np.array([score for score, _ in candidates], np.float64)


RANKERS: Mapping[str, type[Ranker]] = {
    ranker.name: ranker for ranker in (Cosine, Csls, MutualProximity, Tracks)
}
"""The rankers by name."""

_COSINE = Cosine()
_ROUNDING = 1e-6  # of cosines in float32, between one way of summing and another


def search(
    index: ArtistIndex,
    query: AnyQuery,
    k: int = 10,
    *,
    ranker: Ranker = _COSINE,
    exclude: Collection[int] = (),
    entry_tracks: bool = True,
) -> list[Hit]:
    """Return the `k` artists nearest to `query`, best first; the queried artists are left out.

    `query` is a name, several names, a `Query`, or a vector (dimension,) in the index's own space.
    The artists in the rows `exclude` are left out too; `rows_left_out` has those who are not
    wanted. Without `entry_tracks` the neighbours come without them, which is quicker for very many.
    Fewer than `k` come back from a smaller index. Raises Misuse for `k` below 1 and a query that
    cannot be meant or not be ranked so, UnknownArtist, AmbiguousArtist, BrokenIndex, and what
    embedding raises where audio is asked with.
    """
    if k < 1:
        raise Misuse(f"k must be at least 1, not {k}")
    resolved = resolve(index, query)
    excluded = {*resolved.rows, *exclude}
    candidates = index.search_rows(resolved.vector, ranker.depth(k), exclude=excluded)
    values = ranker.rank(index, resolved, candidates)
    order = np.argsort(-values, kind="stable")[:k]
    vector = resolved.vector if entry_tracks else None
    neighbours = index.to_neighbours([candidates[at] for at in order], vector)
    if resolved.minus:
        neighbours = _on_their_own_scale(index, resolved, neighbours)
    return [
        Hit(candidates[at][1], neighbour, float(values[at]))
        for neighbour, at in zip(neighbours, order, strict=True)
    ]


def _on_their_own_scale(
    index: ArtistIndex, query: ResolvedQuery, neighbours: Sequence[Neighbour]
) -> list[Neighbour]:
    """Return the neighbours with percentiles among all that could have answered.

    Where artists are subtracted, cosines are far below those of pairs of artists, whose quantiles
    the index has: all percentiles would be zero.
    """
    similarities = np.sort(np.delete(index.similarities(query.vector), list(query.rows)))
    below = np.searchsorted(similarities, [hit.score - _ROUNDING for hit in neighbours])
    return [
        replace(neighbour, percentile=float(100 * count / len(similarities)))
        for neighbour, count in zip(neighbours, below, strict=True)
    ]


def rows_left_out(
    index: ArtistIndex,
    *,
    min_tracks: int = 0,
    exclude: Iterable[str] = (),
    only: Iterable[str] | None = None,
) -> set[int]:
    """Return the rows of who must not answer.

    These are artists with fewer than `min_tracks` tracks behind them, those called as in `exclude`
    and, where `only` is given, all who are not called as in it.
    """
    rows = set(index.rows_below(min_tracks)) | _rows_called(index, exclude)
    if only is not None:
        rows |= set(range(len(index))) - _rows_called(index, only)
    return rows


def _rows_called(index: ArtistIndex, names: Iterable[str]) -> set[int]:
    return {row for name in names for row in index.find_rows(name)}
