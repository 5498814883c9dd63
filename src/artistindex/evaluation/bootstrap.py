"""How sure a mean is: bootstrap intervals over query artists, seeded and vectorised.

A query artist, not a pair, is the unit that is drawn again, since the neighbours of one artist are
not independent. The intervals are percentile intervals (Efron & Tibshirani, An Introduction to the
Bootstrap, 1993, chapter 13); with a handful of queries they are too narrow.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

LEVEL = 0.95
RESAMPLES = 2000
_CELLS = 20_000_000
_MIN_UNEQUAL = 6
_ROUNDING = 1e-12


@dataclass(frozen=True, slots=True)
class Interval:
    """A 95% interval; (None, None) where one query or none allows no such statement."""

    low: float | None
    high: float | None

    @property
    def both(self) -> tuple[float | None, float | None]:
        """The two ends."""
        return self.low, self.high


@dataclass(frozen=True, slots=True)
class Difference:
    """A mean difference between two indexes over the same queries, with its interval.

    `better` is the share of resamples in which the first is ahead (ties count half), `p` the
    two-sided bootstrap p-value that belongs to it, `unequal` the number of queries on which the two
    differ at all.
    """

    value: float
    low: float | None
    high: float | None
    better: float
    p: float
    unequal: int

    def reversed(self) -> "Difference":
        """The same difference seen from the other index."""
        low = None if self.high is None else -self.high
        high = None if self.low is None else -self.low
        return Difference(-self.value, low, high, 1 - self.better, self.p, self.unequal)

    def to_json(self) -> dict[str, Any]:
        """The difference as a JSON object."""
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
        """Whether the interval excludes zero, over enough queries to mean something.

        Below six unequal queries even a sign test at 5% can never reject (2 / 2^5 = 6%), while a
        bootstrap of five that agree by luck would.
        """
        if self.low is None or self.high is None or self.unequal < _MIN_UNEQUAL:
            return False
        return self.low > 0 or self.high < 0


def resampled_means(values: Floats, *, resamples: int = RESAMPLES, seed: int = 0) -> Floats:
    """Means of `values`, of shape (queries, metrics), over resampled queries.

    Returns shape (resamples, metrics). The same seed and number of queries draw the same queries,
    so that two indexes judged on the same queries can be compared pair by pair.
    """
    counts = resampled_counts(len(values), resamples=resamples, seed=seed)
    return np.concatenate([block @ values for block in counts]) / len(values)


def resampled_counts(
    queries: int, *, resamples: int = RESAMPLES, seed: int = 0
) -> Iterator[Floats]:
    """How often each query is drawn in each resample, in blocks of shape (some, queries)."""
    generator = np.random.default_rng(seed)
    shares = np.full(queries, 1 / queries)
    rows = max(1, _CELLS // queries)
    for start in range(0, resamples, rows):
        size = min(rows, resamples - start)
        yield generator.multinomial(queries, shares, size=size).astype(np.float64)


def interval(resampled: Floats, queries: int) -> Interval:
    """The percentile interval (Efron & Tibshirani 1993, ch. 13) of one metric, NaN left out.

    `resampled` (resamples,) holds the metric's mean in each resample, float64. Fewer than two
    queries have no interval.
    """
    finite = resampled[np.isfinite(resampled)]
    if queries < 2 or not finite.size:
        return Interval(None, None)
    low, high = np.quantile(finite, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(float(low), float(high))


def paired_differences(
    one: Floats, other: Floats, *, resamples: int = RESAMPLES, seed: int = 0
) -> list[Difference]:
    """The mean of one - other by a paired bootstrap, for every column of (queries, metrics).

    Both arrays hold the same queries in the same order, float64.
    """
    apart = one - other
    drawn = resampled_means(apart, resamples=resamples, seed=seed)
    return [_difference(*column) for column in zip(apart.T, drawn.T, strict=True)]


def _difference(apart: Floats, drawn: Floats) -> Difference:
    drawn = np.where(np.abs(drawn) < _ROUNDING, 0.0, drawn)
    found = interval(drawn, len(apart))
    ahead, behind = float(np.mean(drawn > 0)), float(np.mean(drawn < 0))
    least = 1 / len(drawn)  # no bootstrap can prove a p-value below its resolution
    return Difference(
        value=float(np.mean(apart)),
        low=found.low,
        high=found.high,
        better=ahead + (1 - ahead - behind) / 2,
        p=min(1.0, max(least, 2 * min(1 - ahead, 1 - behind))),
        unequal=int(np.sum(np.abs(apart) > _ROUNDING)),
    )
