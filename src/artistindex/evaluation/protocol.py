"""Who is compared with whom.

The pool is every artist of an index; a query is one of them that the truth has a list for, with at
least one listed neighbour in the pool; its candidates are the rest of the pool, without those it
shares a recording with, who are alike because they are in part the same. Closed metrics know
only the neighbours that are in the pool, open ones hold the whole list against the index. Names are
matched by `artistindex.naming`, ids of services by themselves; a name that two artists of an index
share can be neither told nor counted.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

import numpy as np
from numpy.typing import NDArray

from artistindex import naming
from artistindex.errors import Misuse, Remedy
from artistindex.evaluation.spaces import Space, first_rows
from artistindex.listeners.truth_files import GroundTruth
from artistindex.listeners.truth_shapes import Similar, artist_key

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

_LAST = -3.0  # below every cosine: who is excluded is ranked behind all candidates
_SHOWN_NAMES, _SHOWN_LENGTH = 3, 60


@dataclass(frozen=True, eq=False)
class Query:
    """An artist of the pool with the listed neighbours that are in the pool, in the list's order.

    `rows` are theirs, int64 of shape (R,), `places` their 1-based places in the whole list of
    `listed` artists, `strengths` music-map's, float64, NaN where it gives none. `excluded` are the
    rows of artists who share a recording with it: no neighbours and no candidates. `candidates` is
    N, how many artists are ranked.
    """

    row: int
    listed: int
    rows: Ints
    places: Ints
    strengths: Floats
    excluded: Ints
    candidates: int

    @property
    def relevant(self) -> int:
        """R, how many of the listed neighbours are in the pool."""
        return len(self.rows)

    @property
    def gains(self) -> Floats:
        """Strengths (R,) as gains: one that is unknown or zero counts as the list's smallest.

        All count 1 where none is known, which makes graded nDCG binary.
        """
        known = self.strengths[self.strengths > 0]  # false for NaN
        smallest = known.min() if known.size else 1.0
        return np.where(self.strengths > 0, self.strengths, smallest)


class LeftOut(StrEnum):
    """Why an artist of the pool is no query."""

    NO_LIST = "no_list"
    NOT_IN_TRUTH = "not_in_truth"
    AMBIGUOUS_NAME = "ambiguous_name"
    NO_NEIGHBOUR_IN_POOL = "no_neighbour_in_pool"

    def sentence(self, judge: str) -> str:
        """Return the reason for people; `judge` is who made the lists."""
        return _SENTENCES[self].format(judge=judge)


_SENTENCES = {
    LeftOut.NO_LIST: "{judge} has no list for them",
    LeftOut.NOT_IN_TRUTH: "not in the truth file",
    LeftOut.AMBIGUOUS_NAME: "another artist of the index shares the name",
    LeftOut.NO_NEIGHBOUR_IN_POOL: "none of their listed neighbours is a candidate",
}


@dataclass(frozen=True, eq=False)
class Protocol:
    """The queries that a truth makes of a pool, and what it leaves out.

    `left_out` names the pool's artists that are no query, by reason. `listed` and `listed_in_pool`
    count the listed neighbours of all indexed artists with a list, and those of them that are in
    the pool. `lists_unused` counts lists of artists outside the pool, `names_in_pool` the artists
    that the truth names and the pool has, `excluded` pairs of artists who share a recording.
    """

    artists: tuple[str, ...]
    queries: tuple[Query, ...]
    left_out: dict[LeftOut, tuple[str, ...]]
    listed: int
    listed_in_pool: int
    lists_unused: int
    names_in_pool: int
    excluded: int

    @property
    def candidates(self) -> int:
        """How many artists there are to rank for a query, those excluded included."""
        return len(self.artists) - 1

    @property
    def coverage(self) -> float:
        """The share of listed neighbours that are in the pool."""
        return self.listed_in_pool / self.listed if self.listed else 0.0


def make_protocol(space: Space, truth: GroundTruth) -> Protocol:
    """Match the artists of a space with a truth.

    Raises Misuse for a pool of one artist, or where no artist with a list has a neighbour here.
    """
    if len(space) < 2:
        raise Misuse(f"{space.name} holds {len(space)} artist: there is nobody to rank")
    by_name, excluded = space.rows(), _excluded_rows(space)
    rows = by_name | space.rows_of_ids()
    lists = {rows[key]: name for name in truth.lists if (key := artist_key(name)) in rows}
    without_list = {rows.get(artist_key(name)) for name in truth.without_list}
    row_of = cache(lambda similar: rows.get(artist_key(similar.name)))
    with_list: list[Query] = []
    left_out: dict[LeftOut, list[str]] = {reason: [] for reason in LeftOut}
    for row, name in enumerate(space.artists):
        if row in lists:
            listed = truth.lists[lists[row]]
            query = _query(row, listed, row_of, excluded.get(row, ()), len(space))
            with_list.append(query)
            if not query.relevant:
                left_out[LeftOut.NO_NEIGHBOUR_IN_POOL].append(name)
        elif row in without_list:
            left_out[LeftOut.NO_LIST].append(name)
        else:
            is_told = naming.normalise(name) in by_name
            left_out[LeftOut.NOT_IN_TRUTH if is_told else LeftOut.AMBIGUOUS_NAME].append(name)
    queries = tuple(query for query in with_list if query.relevant)
    if not queries:
        raise _nothing_in_common(space, truth, matched=len(with_list))
    return Protocol(
        artists=space.artists,
        queries=queries,
        left_out={reason: tuple(names) for reason, names in left_out.items()},
        listed=sum(query.listed for query in with_list),
        listed_in_pool=sum(query.relevant for query in with_list),
        lists_unused=len(truth.lists) - len(with_list),
        names_in_pool=len({rows[key] for key in truth.keys if key in rows}),
        excluded=len(space.excluded),
    )


def _excluded_rows(space: Space) -> Mapping[int, list[int]]:
    excluded: dict[int, list[int]] = defaultdict(list)
    for first, second in space.excluded:
        excluded[first].append(second)
        excluded[second].append(first)
    return excluded


def _query(
    row: int,
    listed: Sequence[Similar],
    row_of: Callable[[Similar], int | None],
    excluded: Collection[int],
    pool: int,
) -> Query:
    in_pool: dict[int, tuple[int, int, float]] = {}  # once, be it listed by name and by id
    for place, similar in enumerate(listed, 1):
        other = row_of(similar)
        if other is not None and other != row and other not in excluded:
            strength = np.nan if similar.strength is None else similar.strength
            in_pool.setdefault(other, (other, place, strength))
    columns = np.array(list(in_pool.values()), np.float64).reshape(-1, 3).T
    return Query(
        row=row,
        listed=len(listed),
        rows=columns[0].astype(np.int64),
        places=columns[1].astype(np.int64),
        strengths=columns[2],
        excluded=np.array(sorted(excluded), np.int64),
        candidates=pool - 1 - len(excluded),
    )


def _nothing_in_common(space: Space, truth: GroundTruth, *, matched: int) -> Misuse:
    here = _some_of(space.artists)
    if matched:
        return Misuse(
            f"{space.name} ({here}, ...) holds {matched} artists with a list in {truth.path}, but"
            " none of their listed neighbours: index more artists"
        )
    there = _some_of(tuple(truth.lists))
    return Misuse(
        f"{space.name} ({here}) and {truth.path} ({there}) have no artist in common",
        remedy=Remedy.FETCH_LISTS,
    )


def _some_of(names: Sequence[str]) -> str:
    return ", ".join(naming.truncate(name, _SHOWN_LENGTH) for name in names[:_SHOWN_NAMES])


# --- ranking ------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class QueryRanking:
    """What a space answers to one query.

    `ranks`, int64, and `cosines`, float64, are those of the query's in-pool neighbours, of shape
    (R,); `top` holds the first rows of the ranking.
    """

    query: Query
    ranks: Ints
    cosines: Floats
    top: Ints


def rank(space: Space, queries: Sequence[Query], *, top: int) -> list[QueryRanking]:
    """Rank all candidates for every query and keep what the metrics need."""
    rows_of_queries = np.array([query.row for query in queries], np.int64)
    rankings: list[QueryRanking] = []
    for rows, similarities in space.blocks(rows_of_queries):
        block = queries[len(rankings) : len(rankings) + len(rows)]
        rankings += [
            _ranking(query, scores, top) for query, scores in zip(block, similarities, strict=True)
        ]
    return rankings


def _ranking(query: Query, scores: NDArray[np.floating], top: int) -> QueryRanking:
    """Rank the candidates; of equal scores the lower row is first."""
    scores[query.excluded] = _LAST
    scores[query.row] = -np.inf
    ascending = np.sort(scores)
    own = scores[query.rows]
    ranks = len(scores) - np.searchsorted(ascending, own, side="right") + 1
    ties = np.searchsorted(ascending, own, side="right") - np.searchsorted(ascending, own)
    for at in np.flatnonzero(ties > 1):
        ranks[at] += np.count_nonzero(scores[: query.rows[at]] == own[at])
    first = first_rows(scores, min(top, query.candidates))
    return QueryRanking(query, ranks, own.astype(np.float64), first)
