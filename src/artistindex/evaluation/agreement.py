"""What two indexes say differently of the same artists; needs no truth."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from artistindex import naming
from artistindex.errors import Misuse
from artistindex.evaluation import bootstrap, metrics
from artistindex.evaluation.expected_pairs import ExpectedPair
from artistindex.evaluation.measures import CLOSED, Estimate
from artistindex.evaluation.metrics import Hubness
from artistindex.evaluation.spaces import Space, nearest

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

_BINS = 40
_MAX_DISAGREEMENTS = 10


def shared(spaces: Sequence[Space]) -> list[Space]:
    """Every space cut down to the artists that all have, in the order of the first.

    Artists who share a recording in one of them count as sharing it in all.

    Raises Misuse where fewer than two are shared.
    """
    rows = [space.rows() for space in spaces]
    folded = [naming.normalise(artist) for artist in spaces[0].artists]
    common = [name for name in folded if all(name in each for each in rows)]
    if len(common) < 2:
        sides = "; ".join(
            f"{space.name} has {', '.join(name[:60] for name in space.artists[:3])}"
            for space in spaces
        )
        raise Misuse(f"the indexes need two artists in common, not {len(common)} ({sides})")
    cut = [
        space.only(np.array([each[name] for name in common], np.int64))
        for space, each in zip(spaces, rows, strict=True)
    ]
    together = frozenset[tuple[int, int]]().union(*(space.together for space in cut))
    return [replace(space, together=together) for space in cut]


# --- spread -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Spread:
    """How the similarities of all pairs of artists lie, with a histogram over shared `edges`."""

    pairs: int
    low: float
    high: float
    mean: float
    deviation: float
    edges: tuple[float, ...]
    counts: tuple[int, ...]

    @property
    def range(self) -> float:
        """The largest similarity less the smallest."""
        return self.high - self.low

    def to_json(self) -> dict[str, Any]:
        """The spread as a JSON object."""
        return {
            "pairs": self.pairs,
            "min": self.low,
            "max": self.high,
            "range": self.range,
            "mean": self.mean,
            "sd": self.deviation,
            "histogram": {"edges": list(self.edges), "counts": list(self.counts)},
        }


def spreads_of(spaces: Sequence[Space]) -> dict[str, Spread]:
    """The spread of each space; all histograms have the same edges."""
    moments = {space.name: _moments(space) for space in spaces}
    low = min(found[1] for found in moments.values()) - 1e-6
    high = max(found[2] for found in moments.values()) + 1e-6
    edges = np.linspace(np.floor(low * 20) / 20, np.ceil(high * 20) / 20, _BINS + 1).round(9)
    return {
        space.name: Spread(
            *moments[space.name],
            edges=tuple(float(edge) for edge in edges),
            counts=tuple(int(count) for count in _histogram(space, edges)),
        )
        for space in spaces
    }


def pair_similarities(space: Space) -> Iterator[Floats]:
    """The cosine of every pair of artists once, in [-1, 1], float64, some (pairs,) at a time."""
    columns = np.arange(len(space))
    for rows, similarities in space.blocks():
        yield similarities[columns > rows[:, None]].astype(np.float64).clip(-1, 1)


def _moments(space: Space) -> tuple[int, float, float, float, float]:
    count, low, high, total, squares = 0, 1.0, -1.0, 0.0, 0.0
    for values in pair_similarities(space):
        if values.size:
            count += values.size
            low, high = min(low, float(values.min())), max(high, float(values.max()))
            total, squares = total + float(values.sum()), squares + float(values @ values)
    mean = total / count
    return count, low, high, mean, float(np.sqrt(max(0.0, squares / count - mean**2)))


def _histogram(space: Space, edges: Floats) -> Ints:
    counts = np.zeros(len(edges) - 1, np.int64)
    for values in pair_similarities(space):
        counts += np.histogram(values, edges)[0]
    return counts


def hubs_of(space: Space, *, k: int) -> Hubness:
    """Hubness of a space at k, or at all other artists where they are fewer."""
    found = [nearest(block, rows)[:, :k] for rows, block in space.blocks()]
    return metrics.hubness(np.concatenate(found), len(space))


# --- chosen pairs -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PairFound:
    """What one index says of a chosen pair; `percentile` is among all pairs of that index."""

    pair: ExpectedPair
    index: str
    cosine: float
    percentile: float
    is_met: bool

    def to_json(self) -> dict[str, Any]:
        """The pair as a JSON object."""
        return {
            "artist1": self.pair.one,
            "artist2": self.pair.other,
            "expected": self.pair.expected,
            "index": self.index,
            "cosine_similarity": self.cosine,
            "percentile": self.percentile,
            "met": self.is_met,
        }


def find_pairs(pairs: Sequence[ExpectedPair], space: Space) -> list[PairFound]:
    """Those of the pairs that a space has both artists of."""
    rows = space.rows()
    found = []
    for pair in pairs:
        one, other = rows.get(naming.normalise(pair.one)), rows.get(naming.normalise(pair.other))
        if one is not None and other is not None:
            cosine = float(space.similarities(np.array([one]))[0, other])
            below = sum(int(np.sum(values < cosine)) for values in pair_similarities(space))
            percentile = 100 * below / (len(space) * (len(space) - 1) / 2)
            is_met = pair.is_met(cosine, percentile)
            found.append(PairFound(pair, space.name, cosine, percentile, is_met))
    return found


# --- agreement ----------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Agreement:
    """How alike two indexes rank the shared artists.

    `overlaps` maps k to the mean share of the top k that both have, `rbo` is the mean rank-biased
    overlap; `per_artist`, of shape (artists,), holds each artist's own.
    """

    one: str
    other: str
    overlaps: dict[int, Estimate]
    rbo: Estimate
    per_artist: Floats

    def to_json(self) -> dict[str, Any]:
        """The agreement as a JSON object."""
        overlaps = {f"overlap@{k}": found.to_json() for k, found in self.overlaps.items()}
        return {"indexes": [self.one, self.other], **overlaps, "rbo": self.rbo.to_json()}


def agreements_of(
    spaces: Sequence[Space], ks: Sequence[int], *, seed: int, resamples: int
) -> list[Agreement]:
    """The agreement of every two spaces, which hold the same artists in the same order."""
    return [
        _agreement(one, other, ks, seed=seed, resamples=resamples)
        for one, other in combinations(spaces, 2)
    ]


def _agreement(
    one: Space, other: Space, ks: Sequence[int], *, seed: int, resamples: int
) -> Agreement:
    values = np.concatenate(
        [
            _agreement_rows(nearest(mine, rows), nearest(theirs, rows), ks)
            for (rows, mine), (_, theirs) in zip(one.blocks(), other.blocks(), strict=True)
        ]
    )
    drawn = bootstrap.resampled_means(values, resamples=resamples, seed=seed)
    candidates = len(one) - 1
    chances = [*(k / candidates for k in ks), metrics.chance_rank_biased_overlap(candidates)]
    found = [
        Estimate(
            CLOSED,
            float(values[:, at].mean()),
            *bootstrap.interval(drawn[:, at], len(values)).both,
            chance=chance,
        )
        for at, chance in enumerate(chances)
    ]
    overlaps = dict(zip(ks, found[:-1], strict=True))
    return Agreement(one.name, other.name, overlaps, found[-1], values[:, -1])


def _agreement_rows(one: Ints, other: Ints, ks: Sequence[int]) -> Floats:
    """For each artist: the overlap of the two orders at each k, then their RBO."""
    candidates = one.shape[1]
    place = np.arange(1, candidates + 1)
    made = np.empty((len(one), len(ks) + 1))
    ranks = np.zeros((2, candidates + 1), np.int64)
    for at, orders in enumerate(zip(one, other, strict=True)):
        for side, order in enumerate(orders):
            ranks[side, order] = place
        both = ranks[:, np.sort(orders[0])]
        worse = both.max(axis=0)
        made[at, :-1] = [np.sum(worse <= k) / k for k in ks]
        made[at, -1] = metrics.rank_biased_overlap(*both)
    return made


@dataclass(frozen=True, slots=True)
class Disagreement:
    """An artist for whom two indexes rank the others quite differently; what only one names."""

    artist: str
    one: str
    other: str
    rbo: float
    only_one: tuple[str, ...]
    only_other: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """The disagreement as a JSON object."""
        only = {self.one: list(self.only_one), self.other: list(self.only_other)}
        return {"artist": self.artist, "rbo": self.rbo, "only": only}


def disagreements_of(
    agreement: Agreement, one: Space, other: Space, *, k: int
) -> list[Disagreement]:
    """The artists that two spaces disagree about most, with what only one has in its top k."""
    worst = np.argsort(agreement.per_artist, kind="stable")[:_MAX_DISAGREEMENTS]
    tops = [nearest(space.similarities(worst), worst)[:, :k] for space in (one, other)]
    return [
        Disagreement(
            artist=one.artists[row],
            one=one.name,
            other=other.name,
            rbo=float(agreement.per_artist[row]),
            only_one=tuple(one.artists[at] for at in mine if at not in theirs),
            only_other=tuple(one.artists[at] for at in theirs if at not in mine),
        )
        for row, mine, theirs in zip(worst, *(top.tolist() for top in tops), strict=True)
    ]
