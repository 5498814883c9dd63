"""What chance alone gives: the mean and variance of each metric over all N! rankings, closed form.

The functions have the names of those in `metrics` and take `relevant` = R neighbours in the pool
and `candidates` = N artists that are ranked.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from artistindex.evaluation import metrics

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Chance:
    """The mean and the variance of a metric over all rankings, each as likely as any other."""

    mean: float
    variance: float


def over_queries(chances: Sequence[Chance]) -> tuple[float, float, float]:
    """Return the mean over queries and its 95% range, normal since it is a sum over queries."""
    mean = float(np.mean([chance.mean for chance in chances]))
    deviation = float(np.sqrt(sum(chance.variance for chance in chances))) / len(chances)
    return mean, max(0.0, mean - 1.96 * deviation), min(1.0, mean + 1.96 * deviation)


def overlap(relevant: int, candidates: int, k: int) -> Chance:
    """Return that of `overlap`: each of the m neighbours is in a random top k with chance k/N."""
    countable = min(k, relevant)
    return _scaled(_hits(countable, candidates, k), countable)


def open_overlap(places: Ints, candidates: int, k: int) -> Chance:
    """Return that of `open_overlap`: only the first k listed that are in the pool can be met."""
    return _scaled(_hits(int(np.sum(places <= k)), candidates, k), k)


def precision(relevant: int, candidates: int, k: int) -> Chance:
    """Return that of `precision`: R/N for k <= N."""
    return _scaled(_hits(relevant, candidates, k), k)


def recall(relevant: int, candidates: int, k: int) -> Chance:
    """Return that of `recall`: k/N for k <= N."""
    return _scaled(_hits(relevant, candidates, k), relevant)


@lru_cache(maxsize=4096)
def hit(relevant: int, candidates: int, k: int) -> Chance:
    """Return that of `hit`: 1 - C(N-R, k) / C(N, k), hypergeometric."""
    mean = 1 - float(_no_hit_yet(relevant, candidates)[min(k, candidates)])
    return Chance(mean, mean * (1 - mean))


@lru_cache(maxsize=4096)
def reciprocal_rank(relevant: int, candidates: int) -> Chance:
    """Return that of `reciprocal_rank`: the sum over r of P(first hit at r) / r.

    P(first hit at r) is P(no hit in the first r-1) * R / (N-r+1).
    """
    ranks = np.arange(1, candidates + 1)
    first = _no_hit_yet(relevant, candidates)[:-1] * relevant / (candidates - ranks + 1)
    mean = float(np.sum(first / ranks))
    return Chance(mean, max(0.0, float(np.sum(first / ranks**2)) - mean**2))


def ndcg(gains: Floats, candidates: int, k: int) -> Chance:
    """Return that of `ndcg`: (sum of gains / N) * (sum of d(i) for i <= k) / the ideal DCG."""
    discounts = 1 / np.log2(np.arange(2, min(k, candidates) + 2))
    return _scaled(_linear_statistic(gains, discounts, candidates), metrics.ideal_dcg(gains, k))


def rank_biased_overlap(candidates: int, *, p: float = metrics.RBO_PERSISTENCE) -> float:
    """Return the mean of `rank_biased_overlap` over random rankings, where A_d is d/N."""
    return metrics.rank_biased(np.arange(1, candidates + 1) / candidates, p)


@lru_cache(maxsize=4096)
def _hits(relevant: int, candidates: int, k: int) -> Chance:
    return _linear_statistic(np.ones(relevant), np.ones(min(k, candidates)), candidates)


def _linear_statistic(gains: Floats, discounts: Floats, candidates: int) -> Chance:
    """Of the sum of gain * discount[rank], both zero-padded to N, over random permutations.

    Mean and variance of a linear permutation statistic (Hoeffding, Ann. Math. Stat. 22, 1951).
    """
    mean = gains.sum() * discounts.sum() / candidates
    if candidates < 2:
        return Chance(float(mean), 0.0)
    spread = [np.sum(part**2) - np.sum(part) ** 2 / candidates for part in (gains, discounts)]
    return Chance(float(mean), max(0.0, float(spread[0] * spread[1] / (candidates - 1))))


def _scaled(chance: Chance, divisor: float) -> Chance:
    return Chance(chance.mean / divisor, chance.variance / divisor**2)


def _no_hit_yet(relevant: int, candidates: int) -> Floats:
    """P(none of R neighbours in the first r ranks) for r = 0..N, of shape (N + 1,)."""
    left = candidates - np.arange(candidates)
    return np.concatenate(([1.0], np.cumprod(np.maximum(left - relevant, 0) / left)))
