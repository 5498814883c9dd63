"""Transforms of the vector space, fitted on an index's artists and applied to queries alike.

none              unit vectors as the model made them
centre            less the mean; rankings of single artists hardly change, cosines spread
all-but-the-top   less the mean and the largest principal components (Mu & Viswanath, ICLR 2018)
whiten            principal components scaled to equal, shrunk variance

docs/quality.md tells what each does to real music.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self

import numpy as np
from numpy.typing import NDArray

from artistindex.errors import BrokenIndex, Misuse, Remedy

Array = NDArray[np.float32]
Wide = NDArray[np.float64]

MIN_ARTISTS = 3
"""The fewest artists that a transform other than none can be fitted on."""

_ALONG_ONE = 100  # all-but-the-top removes one component for each so many dimensions
_TINY = 1e-6  # of the largest variance, or of a unit vector's length: rounding, not music


@dataclass(frozen=True, slots=True)
class Transform:
    """A fitted transform: `name` says which, `arrays` (float32, two axes) what was fitted."""

    name: str = "none"
    arrays: Mapping[str, Array] = field(default_factory=dict)

    def apply(self, vectors: Array) -> Array:
        """Unit vectors (n, d') of the raw `vectors` (n, d) in the transformed space."""
        return unit(_APPLY[self.name](unit(vectors), self.arrays))

    def stored(self) -> list[tuple[str, int, int, bytes]]:
        """The arrays as the sidecar keeps them."""
        return [
            (name, array.shape[0], array.shape[1], array.astype("<f4").tobytes())
            for name, array in self.arrays.items()
        ]

    @classmethod
    def load(cls, name: str, stored: Sequence[tuple[str, int, int, bytes]]) -> Self:
        """The transform `name` with the arrays of a sidecar; raises BrokenIndex."""
        if name not in _APPLY:
            raise BrokenIndex(f"the index uses the transform {name!r}, unknown to this version")
        try:
            arrays = {
                key: np.frombuffer(data, "<f4").reshape(rows, columns)
                for key, rows, columns, data in stored
            }
        except (ValueError, TypeError) as error:
            raise BrokenIndex("the index's transform is damaged: build the index again") from error
        if arrays.keys() != _ARRAYS[name]:
            raise BrokenIndex(f"the index lacks what its transform {name!r} needs: build it again")
        return cls(name, arrays)


def fit(name: str, vectors: Array) -> Transform:
    """Fit the transform `name` on raw artist `vectors` (n, d).

    Raises Misuse for an unknown one, for fewer than MIN_ARTISTS artists, and where an artist lies
    where the transform leaves nothing of it.
    """
    if name not in _FIT:
        raise Misuse(f"unknown transform {name!r}; the known ones are {', '.join(_FIT)}")
    if name == "none":
        return Transform()
    if len(vectors) < MIN_ARTISTS:
        raise Misuse(
            f"the transform {name} needs at least {MIN_ARTISTS} artists, there are {len(vectors)}",
            remedy=Remedy.ADD_ARTISTS,
        )
    units = unit(vectors)
    fitted = Transform(name, _FIT[name](units.astype(np.float64)))
    left = np.linalg.norm(_APPLY[name](units, fitted.arrays), axis=1)
    if not (left > _TINY).all():
        raise Misuse(
            f"the transform {name} leaves nothing of {int((left <= _TINY).sum())} artists, who lie"
            " where all the others do",
            remedy=Remedy.ADD_ARTISTS,
        )
    return fitted


def unit(vectors: NDArray[np.floating]) -> Array:
    """`vectors` (n, d) scaled to unit length, in float32; a zero vector stays zero."""
    wide = np.asarray(vectors, np.float64)
    norms: Wide = np.linalg.norm(wide, axis=-1, keepdims=True)
    scaled: Wide = wide / np.where(norms > 0, norms, 1.0)
    return scaled.astype(np.float32)


def shrinkage(variances: Wide, samples: int) -> float:
    """The weight of the mean variance that best estimates a covariance, from 0 to 1.

    Oracle approximating shrinkage (Chen, Wiesel, Eldar & Hero, IEEE Trans. Signal Process. 58(10),
    2010, eq. 23, without its terms in 2/d, as scikit-learn has it) for `samples` Gaussian vectors
    whose sample covariance has the eigenvalues `variances`, shape (d,).
    """
    squares, trace = float(variances @ variances), float(variances.sum())
    apart = (samples + 1) * (squares - trace**2 / len(variances))
    return min(1.0, (squares + trace**2) / apart) if apart > 0 else 1.0


def _fit_none(vectors: Wide) -> dict[str, Array]:
    return {}


def _fit_centre(vectors: Wide) -> dict[str, Array]:
    return {"mean": _mean(vectors)}


def _fit_all_but_the_top(vectors: Wide) -> dict[str, Array]:
    """Removes d/100 components, as the authors advise, never all that there are."""
    _, directions = _principal(vectors)
    count = min(max(1, round(vectors.shape[1] / _ALONG_ONE)), len(directions) - 1)
    return {"mean": _mean(vectors), "top": directions[:count].astype(np.float32)}


def _fit_whiten(vectors: Wide) -> dict[str, Array]:
    """Only directions in which the artists differ are kept: elsewhere nothing was learnt."""
    variances, directions = _principal(vectors)
    everywhere = np.zeros(vectors.shape[1])
    everywhere[: len(variances)] = variances
    weight = shrinkage(everywhere, len(vectors))
    shrunk = (1 - weight) * variances + weight * everywhere.mean()
    return {
        "mean": _mean(vectors),
        "scaled": (directions / np.sqrt(shrunk)[:, None]).astype(np.float32),
    }


def _mean(vectors: Wide) -> Array:
    mean: Wide = vectors.mean(axis=0, keepdims=True)
    return mean.astype(np.float32)


def _principal(vectors: Wide) -> tuple[Wide, Wide]:
    """Variances (m,) and unit directions (m, d), largest first, of all that is not rounding."""
    centred = vectors - vectors.mean(axis=0)
    if len(vectors) <= vectors.shape[1]:
        _, lengths, directions = np.linalg.svd(centred, full_matrices=False)
        variances = lengths**2 / len(vectors)
    else:
        ascending, columns = np.linalg.eigh(centred.T @ centred / len(vectors))
        variances, directions = ascending[::-1], columns.T[::-1]
    real = variances > _TINY * variances[0]
    directions = directions[real]
    largest = np.abs(directions).argmax(axis=1)
    signs = np.sign(directions[np.arange(len(directions)), largest])
    return variances[real], directions * signs[:, None]


def _apply_all_but_the_top(vectors: Array, arrays: Mapping[str, Array]) -> Array:
    centred: Array = vectors - arrays["mean"]
    return np.subtract(centred, (centred @ arrays["top"].T) @ arrays["top"], dtype=np.float32)


def _apply_whiten(vectors: Array, arrays: Mapping[str, Array]) -> Array:
    centred: Array = vectors - arrays["mean"]
    return np.asarray(centred @ arrays["scaled"].T, np.float32)


_FIT: dict[str, Callable[[Wide], dict[str, Array]]] = {
    "none": _fit_none,
    "centre": _fit_centre,
    "all-but-the-top": _fit_all_but_the_top,
    "whiten": _fit_whiten,
}
_APPLY: dict[str, Callable[[Array, Mapping[str, Array]], Array]] = {
    "none": lambda vectors, arrays: vectors,
    "centre": lambda vectors, arrays: vectors - arrays["mean"],
    "all-but-the-top": _apply_all_but_the_top,
    "whiten": _apply_whiten,
}
_ARRAYS: dict[str, set[str]] = {
    "none": set(),
    "centre": {"mean"},
    "all-but-the-top": {"mean", "top"},
    "whiten": {"mean", "scaled"},
}
TRANSFORMS = tuple(_FIT)
