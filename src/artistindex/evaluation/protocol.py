"""Who is compared with whom.

The pool is every artist of an index; a query is one of them that the truth has a list for, with at
least one listed neighbour in the pool; its candidates are the rest of the pool, without those it
shares a recording with, who are alike because they are in part the same. Closed metrics know
only the neighbours that are in the pool, open ones hold the whole list against the index. Names are
matched by `artistindex.naming`; a name that two artists of an index share can be neither told nor
counted.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from artistindex import naming
from artistindex.errors import Misuse
from artistindex.evaluation.spaces import Space, nearest
from artistindex.listeners.truth_files import GroundTruth

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

_LAST = -3.0  # below every cosine: who is kept apart is ranked behind all candidates


@dataclass(frozen=True, eq=False)
class Query:
    """An artist of the pool with the listed neighbours that are in the pool, in the list's order.

    `rows` are theirs, of shape (R,), `places` their 1-based places in the whole list of `listed`
    artists, `strengths` music-map's, NaN where it gives none. `kept_apart` are the rows of artists
    who share a recording with it: no neighbours and no candidates. `candidates` is N, how many
    artists are ranked.
    """

    row: int
    listed: int
    rows: Ints
    places: Ints
    strengths: Floats
    excluded: Ints
    candidates: int

    @property
    def gains(self) -> Floats:
        """Strengths (listed,) as gains: one that is unknown or zero counts as the list's smallest.

        All count 1 where none is known, which makes graded nDCG binary.
        """
        known = self.strengths[self.strengths > 0]  # false for NaN
        least = known.min() if known.size else 1.0
        return np.where(self.strengths > 0, self.strengths, least)


@dataclass(frozen=True, eq=False)
class Protocol:
    """The queries that a truth makes of a pool, and what it leaves out.

    `left_out` names the pool's artists that are no query, by reason. `listed` and `found` count the
    listed neighbours of all indexed artists with a list, and those of them that are in the pool.
    `lists_unused` counts lists of artists outside the pool, `kept_apart` pairs of artists who share
    a recording.
    """

    artists: tuple[str, ...]
    queries: tuple[Query, ...]
    left_out: dict[str, tuple[str, ...]]
    listed: int
    found: int
    lists_unused: int
    excluded: int

    @property
    def candidates(self) -> int:
        """How many artists there are to rank for a query, those kept apart included."""
        return len(self.artists) - 1

    @property
    def coverage(self) -> float:
        """The share of listed neighbours that are in the pool."""
        return self.found / self.listed if self.listed else 0.0


REASONS = {
    "no_list": "music-map has no list for them",
    "not_in_truth": "not in the truth file",
    "ambiguous_name": "another artist of the index shares the name",
    "no_neighbour_in_pool": "none of their listed neighbours is a candidate",
}


def make_protocol(space: Space, truth: GroundTruth) -> Protocol:
    """Match the artists of a space with a truth.

    Raises Misuse for a pool of one artist, or where no artist with a list has a neighbour here.
    """
    if len(space) < 2:
        raise Misuse(f"{space.name} holds {len(space)} artist: there is nobody to rank")
    rows = space.rows()
    apart = _kept_apart(space)
    lists = truth.folded
    without = {naming.normalise(name) for name in truth.without_list}
    queries: list[Query] = []
    left_out: dict[str, list[str]] = {reason: [] for reason in REASONS}
    listed = found = used = 0
    for row, name in enumerate(space.artists):
        folded = naming.normalise(name)
        if folded not in rows:
            left_out["ambiguous_name"].append(name)
        elif folded not in lists:
            left_out["no_list" if folded in without else "not_in_truth"].append(name)
        else:
            query = _query(row, lists[folded], rows, apart.get(row, ()), len(space))
            used, listed, found = used + 1, listed + query.listed, found + len(query.rows)
            if len(query.rows):
                queries.append(query)
            else:
                left_out["no_neighbour_in_pool"].append(name)
    if not queries:
        raise Misuse(_nothing_in_common(space, truth, matched=used))
    return Protocol(
        artists=space.artists,
        queries=tuple(queries),
        left_out={reason: tuple(left) for reason, left in left_out.items()},
        listed=listed,
        found=found,
        lists_unused=len(lists) - used,
        excluded=len(space.together),
    )


def _kept_apart(space: Space) -> dict[int, list[int]]:
    apart: dict[int, list[int]] = {}
    for one, other in space.together:
        apart.setdefault(one, []).append(other)
        apart.setdefault(other, []).append(one)
    return apart


def _query(
    row: int,
    listed: Sequence[tuple[str, float | None]],
    rows: Mapping[str, int],
    kept_apart: Collection[int],
    pool: int,
) -> Query:
    inside = [
        (rows[name], place, np.nan if strength is None else strength)
        for place, (name, strength) in enumerate(listed, 1)
        if name in rows and rows[name] not in kept_apart
    ]
    columns = np.array(inside, np.float64).reshape(-1, 3).T
    return Query(
        row=row,
        listed=len(listed),
        rows=columns[0].astype(np.int64),
        places=columns[1].astype(np.int64),
        strengths=columns[2],
        excluded=np.array(sorted(kept_apart), np.int64),
        candidates=pool - 1 - len(kept_apart),
    )


def _nothing_in_common(space: Space, truth: GroundTruth, *, matched: int) -> str:
    here = ", ".join(name[:60] for name in space.artists[:3])
    if matched:
        return (
            f"{space.name} ({here}, ...) holds {matched} artists with a list in {truth.path}, but"
            " none of their listed neighbours: index more artists"
        )
    there = ", ".join(name[:60] for name in list(truth.lists)[:3])
    return (
        f"{space.name} ({here}) and {truth.path} ({there}) have no artist in common: fetch lists"
        " for the artists of the index with `artistindex musicmap`"
    )


# --- ranking ------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class QueryRanking:
    """What a space answers to one query.

    `ranks` and `cosines` are those of the query's in-pool neighbours, of shape (R,); `top` holds
    the first rows of the ranking.
    """

    query: Query
    ranks: Ints
    cosines: Floats
    top: Ints


def rank(space: Space, queries: Sequence[Query], *, top: int) -> list[QueryRanking]:
    """Rank all candidates for every query and keep what the metrics need."""
    own = np.array([query.row for query in queries], np.int64)
    ranked: list[QueryRanking] = []
    for rows, similarities in space.blocks(own):
        block = queries[len(ranked) : len(ranked) + len(rows)]
        for scores, query in zip(similarities, block, strict=True):
            scores[query.excluded] = _LAST
        for line, scores, query in zip(
            nearest(similarities, rows), similarities, block, strict=True
        ):
            position = np.zeros(len(space), np.int64)
            position[line] = np.arange(1, len(line) + 1)
            cosines = scores[query.rows].astype(np.float64)
            first = line[: min(top, query.candidates)].copy()
            ranked.append(QueryRanking(query, position[query.rows], cosines, first))
    return ranked
