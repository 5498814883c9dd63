"""How tracks of music at large are spread in a model's space: what a small library leans on.

The statistics of free music out of Debian's archive ship with the package, for MusiCNN;
scripts/make_background.py makes them and names the packages.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from artistindex.entities import Pooling, VectorKey

PATH = Path(__file__).with_name("data") / "musicnn-background.npz"

Wide = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Spread:
    """The `mean` (d,) and `covariance` (d, d) of so many unit vectors of `tracks`."""

    mean: Wide
    covariance: Wide
    tracks: int

    @classmethod
    def of(cls, units: NDArray[np.floating]) -> Self:
        """Compute that of `units` (tracks, d)."""
        return cls.of_blocks(lambda: iter([np.asarray(units, np.float64)]))

    @classmethod
    def of_blocks(cls, blocks: Callable[[], Iterator[Wide]]) -> Self:
        """Compute that of the rows of all `blocks` (rows, d), which are gone through twice."""
        count, total = 0, np.zeros(())
        for block in blocks():
            count, total = count + len(block), total + block.sum(axis=0)
        mean = total / count
        products = np.zeros(())
        for block in blocks():
            apart = block - mean
            products = products + apart.T @ apart
        return cls(mean, products / count, count)

    def leaning_on(self, background: Self | None, *, tracks: float) -> Self:
        """Return the average with `background`, which counts for so many `tracks`."""
        if background is None:
            return self
        own = self.tracks / (self.tracks + tracks)
        return type(self)(
            own * self.mean + (1 - own) * background.mean,
            own * self.covariance + (1 - own) * background.covariance,
            self.tracks,
        )


@lru_cache(maxsize=4)
def background_of(key: VectorKey, dimension: int) -> Spread | None:
    """Return how music at large is spread among vectors of `key`; None where that is not known.

    What ships is of whole weights: precision and excerpt make no difference that matters here.
    """
    with np.load(PATH) as arrays:
        layer = key.layer or "output"
        if str(arrays["weights"]) != key.weights_sha256 or layer not in arrays:
            return None
        rows: Wide = arrays[layer].astype(np.float64)
    if key.pooling == Pooling.MEAN:
        rows = rows[:, : rows.shape[1] // 2]
    if rows.shape[1] != dimension:
        return None
    return Spread.of(rows / np.linalg.norm(rows, axis=1, keepdims=True))
