"""What two indexes say differently of the same artists; needs no truth."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from artistindex import naming
from artistindex.evaluation import bootstrap, chance, metrics
from artistindex.evaluation.bootstrap import Estimate
from artistindex.evaluation.expected_pairs import ExpectedPair
from artistindex.evaluation.metrics import Hubness
from artistindex.evaluation.spaces import Space, nearest

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

_BINS = 40
_MAX_DISAGREEMENTS = 10


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
        """Return the spread as a JSON object."""
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
    """Return the spread of each space; all histograms have the same edges."""
    moments = {space.name: _moments(space) for space in spaces}
    low = min(lowest for _, lowest, *_ in moments.values()) - 1e-6
    high = max(highest for _, _, highest, *_ in moments.values()) + 1e-6
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
    """Yield the cosine of every pair of artists once, in [-1, 1], float64, some (pairs,) a time."""
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
    """Return the hubness of a space at k, or at all other artists where they are fewer."""
    neighbours = [nearest(block, rows)[:, :k] for rows, block in space.blocks()]
    return metrics.hubness(np.concatenate(neighbours), len(space))


# --- chosen pairs -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PairSimilarity:
    """What one index says of a chosen pair; `percentile` is among all pairs of that index."""

    pair: ExpectedPair
    index: str
    cosine: float
    percentile: float

    @property
    def is_met(self) -> bool:
        """Whether the index meets the expectation."""
        return self.pair.is_met(self.cosine, self.percentile)

    def to_json(self) -> dict[str, Any]:
        """Return the pair as a JSON object."""
        return {
            "artist1": self.pair.first,
            "artist2": self.pair.second,
            "expected": self.pair.expected,
            "index": self.index,
            "cosine_similarity": self.cosine,
            "percentile": self.percentile,
            "met": self.is_met,
        }


def find_pairs(pairs: Sequence[ExpectedPair], space: Space) -> list[PairSimilarity]:
    """Return what a space says of those of the pairs that it has both artists of."""
    rows = space.rows()
    similarities = []
    for pair in pairs:
        first, second = (rows.get(naming.normalise(artist)) for artist in (pair.first, pair.second))
        if first is not None and second is not None:
            similarities.append(_similarity(pair, space, first, second))
    return similarities


def _similarity(pair: ExpectedPair, space: Space, first: int, second: int) -> PairSimilarity:
    cosine = float(space.similarities(np.array([first]))[0, second])
    below = sum(int(np.sum(values < cosine)) for values in pair_similarities(space))
    percentile = 100 * below / (len(space) * (len(space) - 1) / 2)
    return PairSimilarity(pair, space.name, cosine, percentile)


# --- agreement ----------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Agreement:
    """How alike two indexes rank the shared artists.

    `overlaps` maps k to the mean share of the top k that both have, `rbo` is the mean rank-biased
    overlap; `per_artist`, float64 of shape (artists,), holds each artist's own.
    """

    first: str
    second: str
    overlaps: dict[int, Estimate]
    rbo: Estimate
    per_artist: Floats

    def to_json(self) -> dict[str, Any]:
        """Return the agreement as a JSON object."""
        overlaps = {f"overlap@{k}": overlap.to_json() for k, overlap in self.overlaps.items()}
        return {"indexes": [self.first, self.second], **overlaps, "rbo": self.rbo.to_json()}


def agreements_of(
    spaces: Sequence[Space], ks: Sequence[int], *, seed: int, resamples: int
) -> list[Agreement]:
    """Return the agreement of every two spaces, which hold the same artists in the same order."""
    return [
        _agreement(first, second, ks, seed=seed, resamples=resamples)
        for first, second in combinations(spaces, 2)
    ]


def _agreement(
    first: Space, second: Space, ks: Sequence[int], *, seed: int, resamples: int
) -> Agreement:
    values = np.concatenate(
        [
            _agreement_rows(nearest(of_first, rows), nearest(of_second, rows), ks)
            for (rows, of_first), (_, of_second) in zip(
                first.blocks(), second.blocks(), strict=True
            )
        ]
    )
    drawn = bootstrap.resampled_means(values, resamples=resamples, seed=seed)
    candidates = len(first) - 1
    chances = [*(k / candidates for k in ks), chance.rank_biased_overlap(candidates)]
    *overlaps, rbo = (
        Estimate(float(column.mean()), *bootstrap.interval(means, len(values)), chance=expected)
        for column, means, expected in zip(values.T, drawn.T, chances, strict=True)
    )
    return Agreement(
        first.name, second.name, dict(zip(ks, overlaps, strict=True)), rbo, values[:, -1]
    )


def _agreement_rows(first: Ints, second: Ints, ks: Sequence[int]) -> Floats:
    """For each artist: the overlap of the two orders at each k, then their RBO."""
    candidates = first.shape[1]
    places = np.arange(1, candidates + 1)
    rows = np.empty((len(first), len(ks) + 1))
    ranks = np.zeros((2, candidates + 1), np.int64)
    for at, orders in enumerate(zip(first, second, strict=True)):
        for side, order in enumerate(orders):
            ranks[side, order] = places
        both = ranks[:, np.sort(orders[0])]
        worse = both.max(axis=0)
        rows[at, :-1] = [np.sum(worse <= k) / k for k in ks]
        rows[at, -1] = metrics.rank_biased_overlap(*both)
    return rows


@dataclass(frozen=True, slots=True)
class Disagreement:
    """An artist for whom two indexes rank the others quite differently; what only one names."""

    artist: str
    first: str
    second: str
    rbo: float
    only_first: tuple[str, ...]
    only_second: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the disagreement as a JSON object."""
        only = {self.first: list(self.only_first), self.second: list(self.only_second)}
        return {"artist": self.artist, "rbo": self.rbo, "only": only}


def disagreements_of(
    agreement: Agreement, first: Space, second: Space, *, k: int
) -> list[Disagreement]:
    """Return the artists that two spaces disagree about most, with what only one has on top."""
    worst = np.argsort(agreement.per_artist, kind="stable")[:_MAX_DISAGREEMENTS]
    tops = [nearest(space.similarities(worst), worst)[:, :k] for space in (first, second)]
    return [
        Disagreement(
            artist=first.artists[row],
            first=first.name,
            second=second.name,
            rbo=float(agreement.per_artist[row]),
            only_first=tuple(first.artists[at] for at in of_first if at not in of_second),
            only_second=tuple(first.artists[at] for at in of_second if at not in of_first),
        )
        for row, of_first, of_second in zip(worst, *(top.tolist() for top in tops), strict=True)
    ]
