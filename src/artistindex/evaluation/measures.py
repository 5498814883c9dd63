"""Every metric by name, over all queries: its mean, its interval, its chance and its ceiling."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from artistindex.evaluation import bootstrap, metrics
from artistindex.evaluation.metrics import Chance
from artistindex.evaluation.protocol import Protocol, Query, QueryRanking

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

CLOSED, OPEN = "closed", "open"


@dataclass(frozen=True, slots=True)
class Measure:
    """A named metric: its pool, its value for a query and ranks, and its chance among N."""

    name: str
    pool: str
    value: Callable[[Query, Ints], float]
    chance: Callable[[Query, int], Chance]


def measures(ks: Sequence[int]) -> list[Measure]:
    """Every ranking metric, for each k."""
    each = [measure for k in ks for measure in _measures_at(k)]
    mrr = Measure(
        "mrr",
        CLOSED,
        lambda query, ranks: metrics.reciprocal_rank(ranks),
        lambda query, n: metrics.chance_reciprocal_rank(len(query.rows), n),
    )
    return [*each, mrr]


def _measures_at(k: int) -> list[Measure]:
    return [
        overlap_measure(k),
        Measure(
            f"open_overlap@{k}",
            OPEN,
            lambda query, ranks: metrics.open_overlap(ranks, query.places, k),
            lambda query, n: metrics.chance_open_overlap(query.places, n, k),
        ),
        Measure(
            f"precision@{k}",
            CLOSED,
            lambda query, ranks: metrics.precision(ranks, k),
            lambda query, n: metrics.chance_precision(len(query.rows), n, k),
        ),
        Measure(
            f"recall@{k}",
            CLOSED,
            lambda query, ranks: metrics.recall(ranks, k),
            lambda query, n: metrics.chance_recall(len(query.rows), n, k),
        ),
        Measure(
            f"ndcg@{k}",
            CLOSED,
            lambda query, ranks: metrics.ndcg(ranks, np.ones(len(ranks)), k),
            lambda query, n: metrics.chance_ndcg(np.ones(len(query.rows)), n, k),
        ),
        Measure(
            f"graded_ndcg@{k}",
            CLOSED,
            lambda query, ranks: metrics.ndcg(ranks, query.gains, k),
            lambda query, n: metrics.chance_ndcg(query.gains, n, k),
        ),
        Measure(
            f"hit@{k}",
            CLOSED,
            lambda query, ranks: metrics.hit(ranks, k),
            lambda query, n: metrics.chance_hit(len(query.rows), n, k),
        ),
    ]


def overlap_measure(k: int) -> Measure:
    """overlap@k alone, for curves over k."""
    return Measure(
        f"overlap@{k}",
        CLOSED,
        lambda query, ranks: metrics.overlap(ranks, k),
        lambda query, n: metrics.chance_overlap(len(query.rows), n, k),
    )


@dataclass(frozen=True, slots=True)
class Estimate:
    """A metric's mean over the queries, with its 95% interval and what frames it.

    `chance` is the mean over random rankings and (`chance_low`, `chance_high`) the range in which
    95% of random rankings of these queries lie; `ceiling` is what a perfect ranking reaches.
    """

    pool: str
    value: float | None
    low: float | None
    high: float | None
    chance: float
    chance_low: float | None = None
    chance_high: float | None = None
    ceiling: float = 1.0

    @property
    def beats_chance(self) -> bool:
        """Whether the whole interval lies above chance, and the value above its 95% range.

        The second guards against a few queries that all do well by luck: they have no spread, so
        their bootstrap interval has no width.
        """
        if self.value is None or self.low is None or self.low <= self.chance:
            return False
        return self.chance_high is None or self.value > self.chance_high

    def to_json(self) -> dict[str, Any]:
        """The metric as a JSON object."""
        return {
            "value": self.value,
            "low": self.low,
            "high": self.high,
            "chance": self.chance,
            "chance_low": self.chance_low,
            "chance_high": self.chance_high,
            "ceiling": self.ceiling,
            "pool": self.pool,
        }


def values_of(chosen: Sequence[Measure], ranked: Sequence[QueryRanking]) -> Floats:
    """Every measure of every query, of shape (queries, measures)."""
    return np.array([[one.value(each.query, each.ranks) for one in chosen] for each in ranked])


def estimates(
    chosen: Sequence[Measure], values: Floats, setup: Protocol, *, seed: int, resamples: int
) -> dict[str, Estimate]:
    """Means, intervals, chance and ceiling of some measures, by the measure's name.

    `values` (queries, measures), float64, has a row for each of the setup's queries and a column
    for each of `chosen`.
    """
    drawn = bootstrap.resampled_means(values, resamples=resamples, seed=seed)
    made = {}
    for column, measure in enumerate(chosen):
        found = bootstrap.interval(drawn[:, column], len(values))
        chance, low, high = _chance(measure, setup)
        perfect = [
            measure.value(query, np.arange(1, len(query.rows) + 1)) for query in setup.queries
        ]
        made[measure.name] = Estimate(
            pool=measure.pool,
            value=float(values[:, column].mean()),
            low=found.low,
            high=found.high,
            chance=chance,
            chance_low=low,
            chance_high=high,
            ceiling=float(np.mean(perfect)),
        )
    return made


def _chance(measure: Measure, setup: Protocol) -> tuple[float, float, float]:
    """The mean over queries with its 95% range, normal since it is a sum over queries."""
    each = [measure.chance(query, query.candidates) for query in setup.queries]
    mean = float(np.mean([one.mean for one in each]))
    deviation = float(np.sqrt(sum(one.variance for one in each))) / len(each)
    return mean, max(0.0, mean - 1.96 * deviation), min(1.0, mean + 1.96 * deviation)


def correlations(
    ranked: Sequence[QueryRanking], *, seed: int, resamples: int
) -> dict[str, Estimate]:
    """Pearson and Spearman between cosine and strength, over all in-pool pairs with a strength.

    Spearman's intervals draw queries again but keep the ranks of the whole sample. Chance is 0.
    """
    owner = np.concatenate([np.full(len(one.ranks), at) for at, one in enumerate(ranked)])
    cosines = np.concatenate([one.cosines for one in ranked])
    strengths = np.concatenate([one.query.strengths for one in ranked])
    known = np.isfinite(strengths)
    owner, cosines, strengths = owner[known], cosines[known], strengths[known]
    samples = {
        "pearson": (cosines, strengths),
        "spearman": (metrics.mean_ranks(cosines), metrics.mean_ranks(strengths)),
    }
    made = {}
    for name, (one, other) in samples.items():
        value = metrics.pearson(one, other)
        drawn = _resampled_pearson(one, other, owner, len(ranked), seed=seed, resamples=resamples)
        found = bootstrap.interval(drawn, len(set(owner.tolist())))
        made[name] = Estimate(
            pool=CLOSED,
            value=None if np.isnan(value) else value,
            low=None if np.isnan(value) else found.low,
            high=None if np.isnan(value) else found.high,
            chance=0.0,
        )
    return made


def _resampled_pearson(
    one: Floats, other: Floats, owner: Ints, queries: int, *, seed: int, resamples: int
) -> Floats:
    """Pearson's r in every resample, from the weighted moments that each query adds."""
    if not len(one):
        return np.full(resamples, np.nan)
    x, y = one - one.mean(), other - other.mean()
    parts = np.stack([np.ones(len(x)), x, y, x * x, y * y, x * y])
    moments = np.stack([np.bincount(owner, part, queries) for part in parts], axis=1)
    drawn = np.concatenate(
        [
            counts @ moments
            for counts in bootstrap.resampled_counts(queries, resamples=resamples, seed=seed)
        ]
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        _, mx, my, xx, yy, xy = (drawn / drawn[:, :1]).T
        r = (xy - mx * my) / np.sqrt(np.maximum(xx - mx**2, 0) * np.maximum(yy - my**2, 0))
    return np.where(np.isfinite(r), np.clip(r, -1, 1), np.nan)
