"""What is measured: pure functions of one query's ranking, and of how unevenly artists turn up.

A query is an artist with a list of listed neighbours, R of which are in the pool; N candidates (the
pool without the query) are ranked. Its `ranks`, int64 of shape (R,), are the 1-based ranks, among
the N candidates, of those R neighbours, in the order of the list: all that the ranking metrics
need. `places`, int64 of shape (R,), are their 1-based places in the whole list, where artists
outside the pool count too. What a random ranking scores stands in `chance`, under the same names.
"""

import warnings
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

RBO_PERSISTENCE = 0.9
"""The p of rank-biased overlap: at 0.9 the first ten ranks carry 86% of the weight."""


class Pool(StrEnum):
    """Which listed neighbours a metric knows of: those in the pool alone, or the whole list."""

    CLOSED = "closed"
    OPEN = "open"


# --- one ranking --------------------------------------------------------------------------------


def overlap(ranks: Ints, k: int) -> float:
    """Return |top k and first m in-pool neighbours| / m, where m = min(k, R).

    The closed-pool counterpart of `open_overlap`.
    """
    return float(np.mean(ranks[:k] <= k))


def open_overlap(ranks: Ints, places: Ints, k: int) -> float:
    """Return |top k and first k listed| / k, listed artists outside the pool included.

    What the original experiment computed. No index can exceed |first k listed, in the pool| / k.
    """
    return float(np.sum((ranks <= k) & (places <= k)) / k)


def precision(ranks: Ints, k: int) -> float:
    """Return |top k and in-pool neighbours| / k (Manning et al., IR, 2008, section 8.4)."""
    return float(np.sum(ranks <= k) / k)


def recall(ranks: Ints, k: int) -> float:
    """Return |top k and in-pool neighbours| / R (Manning et al., IR, 2008, section 8.4)."""
    return float(np.mean(ranks <= k))


def hit(ranks: Ints, k: int) -> float:
    """Return 1 if any in-pool neighbour is in the top k, else 0."""
    return float(np.any(ranks <= k))


def reciprocal_rank(ranks: Ints) -> float:
    """Return 1 / the best rank of an in-pool neighbour; its mean is MRR (Voorhees, TREC-8)."""
    return float(1.0 / ranks.min())


def ndcg(ranks: Ints, gains: Floats, k: int) -> float:
    """Return nDCG@k: the sum of gain * d(rank) over ranks <= k, divided by `ideal_dcg`.

    d(i) = 1 / log2(i + 1); gains, of shape (R,), are linear: 1 for the binary form that OLGA
    reports, or a strength (Järvelin & Kekäläinen, ACM TOIS 20(4), 2002).
    """
    inside = ranks <= k
    return float(np.sum(gains[inside] / np.log2(ranks[inside] + 1)) / ideal_dcg(gains, k))


def ideal_dcg(gains: Floats, k: int) -> float:
    """Return the best DCG@k that `gains` (R,) can have: that of the largest first."""
    best = np.sort(gains)[::-1][:k]
    return float(np.sum(best / np.log2(np.arange(2, len(best) + 2))))


# --- two rankings, two samples ------------------------------------------------------------------


def rank_biased_overlap(first: Ints, second: Ints, *, p: float = RBO_PERSISTENCE) -> float:
    """Return the extrapolated rank-biased overlap of two rankings of the same n candidates.

    `first` and `second`, of shape (n,), hold each candidate's 1-based rank.
    """
    depths = np.arange(1, len(first) + 1)
    shared = np.cumsum(np.bincount(np.maximum(first, second), minlength=len(first) + 1)[1:])
    return rank_biased(shared / depths, p)


def rank_biased(agreement: Floats, p: float) -> float:
    """Return A_n p^n + (1-p)/p * sum over d <= n of A_d p^d.

    `agreement` (n,) holds A_d, the share of the first d that two rankings have in common (Webber,
    Moffat & Zobel, ACM TOIS 28(4), 2010, for lists of equal length).
    """
    weights = p ** np.arange(1, len(agreement) + 1)
    return float(agreement[-1] * weights[-1] + (1 - p) / p * (agreement @ weights))


def pearson(first: Floats, second: Floats) -> float:
    """Return Pearson's r of two samples of shape (n,), NaN where one does not vary or n < 3."""
    if len(first) < 3 or np.ptp(first) == 0 or np.ptp(second) == 0:
        return float("nan")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", stats.NearConstantInputWarning)
        return float(stats.pearsonr(first, second).statistic)


def spearman(first: Floats, second: Floats) -> float:
    """Return Spearman's rho: Pearson's r of the ranks, ties sharing their mean rank."""
    return pearson(stats.rankdata(first), stats.rankdata(second))


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
        """Return the hubness as a JSON object."""
        return asdict(self)


def hubness(nearest: Ints, artists: int) -> Hubness:
    """Return the hubness of `artists` artists, given the k nearest rows of each, (artists, k).

    The population skewness of the k-occurrence (Radovanović, Nanopoulos & Ivanović, JMLR 11, 2010);
    0 where every artist occurs equally often.
    """
    occurrences = np.bincount(nearest.ravel(), minlength=artists)
    return Hubness(
        k=nearest.shape[1],
        skewness=float(stats.skew(occurrences)) if np.ptp(occurrences) else 0.0,
        largest=int(occurrences.max()),
        anti_hubs=float(np.mean(occurrences == 0)),
    )
