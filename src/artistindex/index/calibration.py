"""What scores are calibrated on: how alike two artists of an index are who share no recording.

Those who do share one are alike whatever they sound like.
"""

from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.float32]
Pairs = Collection[tuple[int, int]]
"""Pairs of rows, the lower one first."""

QUANTILES = 1001
_SAMPLED_PAIRS = 500_000
_MANY_ARTISTS = 1_000


def background(rows: Rows, *, sharing: Pairs = ()) -> tuple[float, ...]:
    """Quantiles of the inner products of pairs of `rows` (n, d), evenly spaced from 0 to 1.

    All pairs for up to 1,000 rows, else half a million drawn with a fixed seed; those in `sharing`
    are left out. Empty where no pair is left.
    """
    similarities = (_of_all_pairs if len(rows) <= _MANY_ARTISTS else _of_drawn_pairs)(rows, sharing)
    if not len(similarities):
        return ()
    levels = np.linspace(0.0, 1.0, QUANTILES)
    return tuple(round(float(value), 7) for value in np.quantile(similarities, levels))


def _of_all_pairs(rows: Rows, sharing: Pairs) -> Rows:
    counted = np.triu(np.ones((len(rows), len(rows)), np.bool_), 1)
    for pair in sharing:
        counted[pair] = False
    return np.asarray((rows @ rows.T)[counted], np.float32)


def _of_drawn_pairs(rows: Rows, sharing: Pairs) -> Rows:
    count = len(rows)
    draw = np.random.default_rng(0)
    row = draw.integers(0, count, _SAMPLED_PAIRS)
    partner = (row + draw.integers(1, count, _SAMPLED_PAIRS)) % count
    if sharing:
        shared = np.array([low * count + high for low, high in sharing])
        counted = ~np.isin(np.minimum(row, partner) * count + np.maximum(row, partner), shared)
        row, partner = row[counted], partner[counted]
    parts = [
        np.einsum("ij,ij->i", rows[row[at : at + 10_000]], rows[partner[at : at + 10_000]])
        for at in range(0, len(row), 10_000)
    ]
    return np.concatenate([np.empty(0, np.float32), *parts])
