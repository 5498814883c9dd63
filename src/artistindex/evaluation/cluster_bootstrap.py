"""How sure a mean over tracks is, where the tracks of one artist are not independent.

The artist is what is drawn again: a percentile interval of a cluster bootstrap (Davison & Hinkley,
Bootstrap Methods and their Application, 1997, section 3.8). Differences between two ways of ranking
are tested by flipping the sign of whole artists, which is exact for few artists and says honestly
that few artists prove nothing.
"""

from collections.abc import Sequence
from dataclasses import replace
from itertools import product

import numpy as np
from numpy.typing import NDArray

from artistindex.evaluation import bootstrap
from artistindex.evaluation.bootstrap import Difference

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_ALL_FLIPS = 14  # clusters up to which every flip is tried
_FLIPS = 20_000
_ROUNDING = 1e-12


def resampled_means(
    values: Floats, owners: Ints, *, resamples: int = bootstrap.RESAMPLES, seed: int = 0
) -> Floats:
    """Means of `values` (queries, metrics) over resampled owners: (resamples, metrics).

    `owners` (queries,) says which artist a query belongs to. The same seed and owners draw alike.
    """
    sums, sizes = _by_owner(values, owners)
    return np.concatenate(
        [
            (counts @ sums) / (counts @ sizes)[:, None]
            for counts in bootstrap.resampled_counts(len(sizes), resamples=resamples, seed=seed)
        ]
    )


def difference(
    one: Floats,
    other: Floats,
    owners: Ints,
    *,
    resamples: int = bootstrap.RESAMPLES,
    seed: int = 0,
) -> Difference:
    """The mean of one - other over the same queries, both (queries,), with interval and p.

    `p` is two-sided, from flipping the sign of each owner's sum of differences; `unequal` counts
    the owners on whose queries the two differ.
    """
    apart = (one - other)[:, None]
    drawn = resampled_means(apart, owners, resamples=resamples, seed=seed)[:, 0]
    sums, sizes = _by_owner(apart, owners)
    found = bootstrap.interval(drawn, len(sizes))
    ahead, behind = float(np.mean(drawn > _ROUNDING)), float(np.mean(drawn < -_ROUNDING))
    return Difference(
        value=float(apart.mean()),
        low=found.low,
        high=found.high,
        better=ahead + (1 - ahead - behind) / 2,
        p=flipped(sums[:, 0], seed=seed),
        unequal=int(np.sum(np.abs(sums) > _ROUNDING)),
    )


def flipped(sums: Floats, *, seed: int = 0) -> float:
    """The two-sided p-value of `sums` (owners,) being symmetric about zero.

    Fisher's randomisation test: the share of sign flips whose total is at least as far from zero.
    All flips for up to 14 owners that differ, else 20,000 drawn with a seed.
    """
    moved = sums[np.abs(sums) > _ROUNDING]
    if not len(moved):
        return 1.0
    observed = abs(moved.sum()) - _ROUNDING
    if len(moved) <= _ALL_FLIPS:
        signs = np.array(list(product((-1.0, 1.0), repeat=len(moved))))
        return float(np.mean(np.abs(signs @ moved) >= observed))
    signs = np.random.default_rng(seed).choice((-1.0, 1.0), size=(_FLIPS, len(moved)))
    return float((1 + np.sum(np.abs(signs @ moved) >= observed)) / (1 + _FLIPS))


def holm(p_values: Sequence[float]) -> list[float]:
    """`p_values` corrected for their number (Holm, Scand. J. Statist. 6, 1979), in their order."""
    order = np.argsort(p_values, kind="stable")
    made = np.empty(len(p_values))
    worst = 0.0
    for place, at in enumerate(order):
        worst = max(worst, min(1.0, p_values[at] * (len(p_values) - place)))
        made[at] = worst
    return [float(p) for p in made]


def corrected(differences: Sequence[Difference]) -> list[Difference]:
    """The same differences with their p-values corrected for how many there are."""
    adjusted = holm([each.p for each in differences])
    return [replace(each, p=p) for each, p in zip(differences, adjusted, strict=True)]


def _by_owner(values: Floats, owners: Ints) -> tuple[Floats, Floats]:
    """Sums (owners, metrics) and numbers of queries (owners,)."""
    _, place = np.unique(owners, return_inverse=True)
    sizes = np.bincount(place).astype(np.float64)
    sums = np.zeros((len(sizes), values.shape[1]))
    np.add.at(sums, place, values)
    return sums, sizes
