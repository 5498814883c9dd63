"""How sure a mean is: bootstrap intervals and paired tests, seeded and vectorised.

What is drawn again is the artist, never the pair or the track, since those of one artist are not
independent: either every query is an artist, or `owners`, of shape (queries,), says whose it is (a
cluster bootstrap: Davison & Hinkley, Bootstrap Methods and their Application, 1997, section 3.8).
Intervals are percentile intervals (Efron & Tibshirani, An Introduction to the Bootstrap, 1993,
chapter 13); with a handful of artists they are too narrow.

A resample is how often it draws each artist, and its means are one matrix product: many times
faster than `scipy.stats.bootstrap`, which gathers the values of every resample.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import product
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from artistindex.evaluation import chance
from artistindex.evaluation.chance import Chance
from artistindex.evaluation.metrics import Pool

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

LEVEL = 0.95
RESAMPLES = 2000
_CELLS = 20_000_000
_MIN_UNEQUAL = 6
_ROUNDING = 1e-12
_MAX_EXACT_FLIPS = 14  # owners up to which every flip is tried
_FLIPS = 20_000


class Interval(NamedTuple):
    """A 95% interval; (None, None) where one artist or none allows no such statement."""

    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Estimate:
    """A metric's mean over the queries, with its 95% interval and what frames it.

    `chance` is the mean over random rankings and (`chance_low`, `chance_high`) the range in which
    95% of random rankings of these queries lie; `ceiling` is what a perfect ranking reaches.
    """

    value: float | None
    low: float | None
    high: float | None
    chance: float
    chance_low: float | None = None
    chance_high: float | None = None
    ceiling: float = 1.0
    pool: Pool = Pool.CLOSED

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
        """Return the estimate as a JSON object."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Difference:
    """A mean difference between two rankings of the same queries, with its interval.

    `better` is the share of resamples in which the first is ahead (ties count half), `p` the
    two-sided p-value, `unequal` the number of artists on whom the two differ at all.
    """

    value: float
    low: float | None
    high: float | None
    better: float
    p: float
    unequal: int

    def reversed(self) -> "Difference":
        """Return the same difference seen from the other side."""
        low = None if self.high is None else -self.high
        high = None if self.low is None else -self.low
        return Difference(-self.value, low, high, 1 - self.better, self.p, self.unequal)

    def to_json(self) -> dict[str, Any]:
        """Return the difference as a JSON object."""
        return {
            "difference": self.value,
            "low": self.low,
            "high": self.high,
            "better": self.better,
            "p": self.p,
            "unequal": self.unequal,
            "clear": self.is_clear,
        }

    @property
    def is_clear(self) -> bool:
        """Whether the interval excludes zero, over enough artists to mean something.

        Below six unequal ones even a sign test at 5% can never reject (2 / 2^5 = 6%), while a
        bootstrap of five that agree by luck would.
        """
        if self.low is None or self.high is None or self.unequal < _MIN_UNEQUAL:
            return False
        return self.low > 0 or self.high < 0


# --- means --------------------------------------------------------------------------------------


def resampled_counts(
    artists: int, *, resamples: int = RESAMPLES, seed: int = 0
) -> Iterator[Floats]:
    """Yield how often each artist is drawn in each resample, in blocks of shape (some, artists)."""
    generator = np.random.default_rng(seed)
    shares = np.full(artists, 1 / artists)
    rows = max(1, _CELLS // artists)
    for start in range(0, resamples, rows):
        size = min(rows, resamples - start)
        yield generator.multinomial(artists, shares, size=size).astype(np.float64)


def resampled_means(
    values: Floats, owners: Ints | None = None, *, resamples: int = RESAMPLES, seed: int = 0
) -> Floats:
    """Return the means of `values`, (queries, metrics), over resampled artists.

    Returns float64 of shape (resamples, metrics). The same seed and artists draw alike, so that two
    indexes judged on the same queries can be compared pair by pair.
    """
    sums, sizes = _by_owner(values, owners)
    counts = resampled_counts(len(sizes), resamples=resamples, seed=seed)
    return np.concatenate([(block @ sums) / (block @ sizes)[:, None] for block in counts])


def resampled_pearson(
    first: Floats, second: Floats, owners: Ints, artists: int, *, resamples: int, seed: int
) -> Floats:
    """Return Pearson's r of two samples (n,) in every resample of their owners, (resamples,).

    Each artist adds its weighted moments; NaN where a resample does not vary.
    """
    if not len(first):
        return np.full(resamples, np.nan)
    x, y = first - first.mean(), second - second.mean()
    parts = np.stack([np.ones(len(x)), x, y, x * x, y * y, x * y])
    moments = np.stack([np.bincount(owners, part, artists) for part in parts], axis=1)
    counts = resampled_counts(artists, resamples=resamples, seed=seed)
    drawn = np.concatenate([block @ moments for block in counts])
    with np.errstate(divide="ignore", invalid="ignore"):
        _, mx, my, xx, yy, xy = (drawn / drawn[:, :1]).T
        r = (xy - mx * my) / np.sqrt(np.maximum(xx - mx**2, 0) * np.maximum(yy - my**2, 0))
    return np.where(np.isfinite(r), np.clip(r, -1, 1), np.nan)


def interval(resampled: Floats, artists: int) -> Interval:
    """Return the percentile interval of one metric's `resampled` means, (resamples,), NaN left out.

    Fewer than two artists have no interval.
    """
    finite = resampled[np.isfinite(resampled)]
    if artists < 2 or not finite.size:
        return Interval(None, None)
    low, high = np.quantile(finite, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(float(low), float(high))


def estimates(
    values: Floats,
    chances: Sequence[Sequence[Chance]],
    *,
    owners: Ints | None = None,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> list[Estimate]:
    """Return the mean of every column of `values`, (queries, metrics), with interval and chance.

    `chances` has a row for each metric, with what chance gives each query. Pool and ceiling are
    those of a closed pool, to be replaced where a metric has others.
    """
    drawn = resampled_means(values, owners, resamples=resamples, seed=seed)
    artists = len(values) if owners is None else len(np.unique(owners))
    return [
        Estimate(float(column.mean()), *interval(means, artists), *chance.over_queries(of_queries))
        for column, means, of_queries in zip(values.T, drawn.T, chances, strict=True)
    ]


# --- differences --------------------------------------------------------------------------------


def paired_differences(
    first: Floats,
    second: Floats,
    owners: Ints | None = None,
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> list[Difference]:
    """Return the mean of first - second by a paired bootstrap, for every column.

    Both, float64 of shape (queries, metrics), hold the same queries in the same order. `p` belongs
    to the share of resamples ahead; with `owners` it comes from flipping the sign of whole artists,
    which is exact for few artists and says honestly that few of them prove nothing.
    """
    apart = first - second
    drawn = resampled_means(apart, owners, resamples=resamples, seed=seed)
    drawn = np.where(np.abs(drawn) < _ROUNDING, 0.0, drawn)
    sums, _ = _by_owner(apart, owners)
    return [
        _difference(
            float(np.mean(values)),
            means,
            by_owner,
            p=_bootstrap_p(means) if owners is None else sign_flip_p(by_owner, seed=seed),
        )
        for values, means, by_owner in zip(apart.T, drawn.T, sums.T, strict=True)
    ]


def _difference(value: float, drawn: Floats, sums: Floats, *, p: float) -> Difference:
    low, high = interval(drawn, len(sums))
    better = float(np.mean(drawn > 0)) + float(np.mean(drawn == 0)) / 2
    return Difference(value, low, high, better, p, int(np.sum(np.abs(sums) > _ROUNDING)))


def _bootstrap_p(drawn: Floats) -> float:
    smallest = 1 / len(drawn)  # no bootstrap can prove a p-value below its resolution
    return min(1.0, max(smallest, 2 * float(min(np.mean(drawn <= 0), np.mean(drawn >= 0)))))


def sign_flip_p(sums: Floats, *, seed: int = 0) -> float:
    """Return the two-sided p-value of `sums` (artists,) being symmetric about zero.

    Fisher's randomisation test: the share of sign flips whose total is at least as far from zero.
    All flips for up to 14 artists that differ, else 20,000 drawn with a seed.
    (`scipy.stats.permutation_test` refuses a single artist.)
    """
    unequal = sums[np.abs(sums) > _ROUNDING]
    if not len(unequal):
        return 1.0
    observed = abs(unequal.sum()) - _ROUNDING
    if len(unequal) <= _MAX_EXACT_FLIPS:
        signs = np.array(list(product((-1.0, 1.0), repeat=len(unequal))))
        return float(np.mean(np.abs(signs @ unequal) >= observed))
    signs = np.random.default_rng(seed).choice((-1.0, 1.0), size=(_FLIPS, len(unequal)))
    return float((1 + np.sum(np.abs(signs @ unequal) >= observed)) / (1 + _FLIPS))


def holm(p_values: Sequence[float]) -> list[float]:
    """Return `p_values` corrected for their number (Holm, Scand. J. Statist. 6, 1979)."""
    order = np.argsort(p_values, kind="stable")
    factors = len(p_values) - np.arange(len(p_values))
    adjusted = np.empty(len(p_values))
    adjusted[order] = np.maximum.accumulate(np.minimum(1.0, np.array(p_values)[order] * factors))
    return [float(p) for p in adjusted]


def corrected(differences: Sequence[Difference]) -> list[Difference]:
    """Return the same differences with their p-values corrected for how many there are."""
    adjusted = holm([difference.p for difference in differences])
    return [replace(difference, p=p) for difference, p in zip(differences, adjusted, strict=True)]


def _by_owner(values: Floats, owners: Ints | None) -> tuple[Floats, Floats]:
    """Sums (artists, metrics) and numbers of queries (artists,)."""
    if owners is None:
        return values, np.ones(len(values))
    _, place = np.unique(owners, return_inverse=True)
    sums = np.zeros((place.max() + 1, values.shape[1]))
    np.add.at(sums, place, values)
    return sums, np.bincount(place).astype(np.float64)
