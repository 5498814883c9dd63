"""What is measured: pure functions of one query's ranking, each beside what chance gives it.

A query is an artist with a list of listed neighbours, R of which are in the pool; N candidates (the
pool without the query) are ranked. Its `ranks` are the 1-based ranks, among the N candidates, of
those R neighbours, in the order of the list: all that the ranking metrics need. `places` are their
1-based places in the whole list, where artists outside the pool count too.

The `chance_*` functions give the mean and the variance over all N! rankings, in closed form.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Chance:
    """The mean and the variance of a metric over all rankings, each as likely as any other."""

    mean: float
    variance: float


def overlap(ranks: Ints, k: int) -> float:
    """overlap@k = |top k and first m in-pool neighbours| / m, where m = min(k, R).

    The closed-pool counterpart of `open_overlap`.
    """
    return float(np.mean(ranks[:k] <= k))


def open_overlap(ranks: Ints, places: Ints, k: int) -> float:
    """open_overlap@k = |top k and first k listed| / k, listed artists outside the pool included.

    What the original experiment computed. No index can exceed |first k listed, in the pool| / k.
    """
    return float(np.sum((ranks <= k) & (places <= k)) / k)


def precision(ranks: Ints, k: int) -> float:
    """precision@k = |top k and in-pool neighbours| / k (Manning et al., IR, 2008, section 8.4)."""
    return float(np.sum(ranks <= k) / k)


def recall(ranks: Ints, k: int) -> float:
    """recall@k = |top k and in-pool neighbours| / R (Manning et al., IR, 2008, section 8.4)."""
    return float(np.mean(ranks <= k))


def hit(ranks: Ints, k: int) -> float:
    """hit@k = 1 if any in-pool neighbour is in the top k, else 0."""
    return float(np.any(ranks <= k))


def reciprocal_rank(ranks: Ints) -> float:
    """1 / the rank of the best-ranked in-pool neighbour; its mean is MRR (Voorhees, TREC-8)."""
    return float(1.0 / ranks.min())


def ndcg(ranks: Ints, gains: Floats, k: int) -> float:
    """nDCG@k: the sum of gain * d(rank) over ranks <= k, divided by the best that can be had.

    d(i) = 1 / log2(i + 1); gains, of shape (R,), are linear: 1 for the binary form that OLGA
    reports, or a strength (Järvelin & Kekäläinen, ACM TOIS 20(4), 2002).
    """
    inside = ranks <= k
    return float(np.sum(gains[inside] / np.log2(ranks[inside] + 1)) / _ideal(gains, k))


def pearson(one: Floats, other: Floats, weights: Floats | None = None) -> float:
    """Pearson's r of two samples of shape (n,), NaN where one does not vary or n < 3.

    `weights`, of shape (n,), count each observation that often.
    """
    if len(one) < 3 or np.ptp(one) == 0 or np.ptp(other) == 0:
        return float("nan")
    weights = np.ones(len(one)) if weights is None else weights
    x = one - np.average(one, weights=weights)
    y = other - np.average(other, weights=weights)
    spread = np.sqrt((weights @ x**2) * (weights @ y**2))
    return float(np.clip((weights * x) @ y / spread, -1, 1)) if spread > 0 else float("nan")


def spearman(one: Floats, other: Floats) -> float:
    """Spearman's rho: Pearson's r of the ranks, ties sharing their mean rank."""
    return pearson(mean_ranks(one), mean_ranks(other))


def mean_ranks(sample: Floats) -> Floats:
    """1-based ranks of a sample of shape (n,), ties sharing their mean rank."""
    _, inverse, counts = np.unique(sample, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return np.asarray((last - (counts - 1) / 2)[inverse], np.float64)


def rank_biased_overlap(one: Ints, other: Ints, *, p: float = 0.9) -> float:
    """Extrapolated rank-biased overlap of two rankings of the same n candidates.

    `one` and `other`, of shape (n,), hold each candidate's 1-based rank. With A_d the share of the
    first d that both rankings have, RBO = A_n p^n + (1-p)/p * sum over d <= n of A_d p^d
    (Webber, Moffat & Zobel, ACM TOIS 28(4), 2010, for lists of equal length). At p = 0.9 the first
    ten ranks carry 86% of the weight.
    """
    n = len(one)
    depth = np.arange(1, n + 1)
    shared = np.cumsum(np.bincount(np.maximum(one, other), minlength=n + 1)[1:])
    return _biased(shared / depth, p)


def chance_rank_biased_overlap(candidates: int, *, p: float = 0.9) -> float:
    """The mean of `rank_biased_overlap` over pairs of random rankings, where A_d is d/N."""
    return _biased(np.arange(1, candidates + 1) / candidates, p)


def _biased(agreement: Floats, p: float) -> float:
    weights = p ** np.arange(1, len(agreement) + 1)
    return float(agreement[-1] * weights[-1] + (1 - p) / p * (agreement @ weights))


# --- hubs ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Hubness:
    """How unevenly artists turn up among the k nearest of the others.

    `skewness` of the k-occurrences, the `largest` k-occurrence and the share of artists that turn
    up nowhere (`anti_hubs`).
    """

    k: int
    skewness: float
    largest: int
    anti_hubs: float

    def to_json(self) -> dict[str, Any]:
        """The hubness as a JSON object."""
        return {
            "k": self.k,
            "skewness": self.skewness,
            "largest": self.largest,
            "anti_hubs": self.anti_hubs,
        }


def hubness(nearest: Ints, artists: int) -> Hubness:
    """Hubness of `artists` artists, given the k nearest rows of each, of shape (artists, k).

    The population skewness m3 / m2^1.5 of the k-occurrence (Radovanović, Nanopoulos & Ivanović,
    JMLR 11, 2010); 0 where every artist occurs equally often.
    """
    occurrences = np.bincount(nearest.ravel(), minlength=artists)
    centred = occurrences - occurrences.mean()
    spread = np.mean(centred**2)
    skewness = np.mean(centred**3) / spread**1.5 if spread > 0 else 0.0
    return Hubness(
        k=nearest.shape[1],
        skewness=float(skewness),
        largest=int(occurrences.max()),
        anti_hubs=float(np.mean(occurrences == 0)),
    )


# --- chance -------------------------------------------------------------------------------------


def chance_overlap(relevant: int, candidates: int, k: int) -> Chance:
    """Of `overlap`: each of the m neighbours is in a random top k with probability k/N."""
    wanted = min(k, relevant)
    return _scaled(_chance_hits(wanted, candidates, k), wanted)


def chance_open_overlap(places: Ints, candidates: int, k: int) -> Chance:
    """Of `open_overlap`: only the first k listed that are in the pool can be met."""
    return _scaled(_chance_hits(int(np.sum(places <= k)), candidates, k), k)


def chance_precision(relevant: int, candidates: int, k: int) -> Chance:
    """Of `precision`: R/N for k <= N."""
    return _scaled(_chance_hits(relevant, candidates, k), k)


def chance_recall(relevant: int, candidates: int, k: int) -> Chance:
    """Of `recall`: k/N for k <= N."""
    return _scaled(_chance_hits(relevant, candidates, k), relevant)


@lru_cache(maxsize=4096)
def chance_hit(relevant: int, candidates: int, k: int) -> Chance:
    """Of `hit`: 1 - C(N-R, k) / C(N, k), the hypergeometric chance of at least one."""
    mean = 1 - float(_no_hit_yet(relevant, candidates)[min(k, candidates)])
    return Chance(mean, mean * (1 - mean))


@lru_cache(maxsize=4096)
def chance_reciprocal_rank(relevant: int, candidates: int) -> Chance:
    """Of `reciprocal_rank`: the sum over r of P(first hit at r) / r.

    P(first hit at r) is P(no hit in the first r-1) * R / (N-r+1).
    """
    position = np.arange(1, candidates + 1)
    first = _no_hit_yet(relevant, candidates)[:-1] * relevant / (candidates - position + 1)
    mean = float(np.sum(first / position))
    return Chance(mean, max(0.0, float(np.sum(first / position**2)) - mean**2))


def chance_ndcg(gains: Floats, candidates: int, k: int) -> Chance:
    """Of `ndcg`: (sum of gains / N) * (sum of d(i) for i <= k) / the ideal DCG."""
    discounts = 1 / np.log2(np.arange(2, min(k, candidates) + 2))
    moments = _chance_sum(gains, discounts, candidates)
    return _scaled(moments, _ideal(gains, k))


def _ideal(gains: Floats, k: int) -> float:
    best = np.sort(gains)[::-1][:k]
    return float(np.sum(best / np.log2(np.arange(2, len(best) + 2))))


@lru_cache(maxsize=4096)
def _chance_hits(wanted: int, candidates: int, k: int) -> Chance:
    return _chance_sum(np.ones(wanted), np.ones(min(k, candidates)), candidates)


def _chance_sum(gains: Floats, discounts: Floats, candidates: int) -> Chance:
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
