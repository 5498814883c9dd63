"""Transforms of the vector space, fitted on an index's artists and applied to queries alike."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self

import numpy as np
from numpy.typing import NDArray

from artistindex.errors import BrokenIndex, Misuse

Array = NDArray[np.float32]


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
        return cls(name, arrays)


def fit(name: str, vectors: Array) -> Transform:
    """Fit the transform `name` on raw artist `vectors` (n, d); raises Misuse for an unknown one."""
    if name not in _FIT:
        raise Misuse(f"unknown transform {name!r}; the known ones are {', '.join(_FIT)}")
    return Transform(name, _FIT[name](unit(vectors)))


def unit(vectors: NDArray[np.floating]) -> Array:
    """`vectors` (n, d) scaled to unit length, in float32; a zero vector stays zero."""
    wide = np.asarray(vectors, np.float64)
    norms: NDArray[np.float64] = np.linalg.norm(wide, axis=-1, keepdims=True)
    scaled: NDArray[np.float64] = wide / np.where(norms > 0, norms, 1.0)
    return scaled.astype(np.float32)


def _fit_none(vectors: Array) -> dict[str, Array]:
    return {}


def _fit_centre(vectors: Array) -> dict[str, Array]:
    return {"mean": vectors.mean(axis=0, keepdims=True)}


_FIT: dict[str, Callable[[Array], dict[str, Array]]] = {"none": _fit_none, "centre": _fit_centre}
_APPLY: dict[str, Callable[[Array, Mapping[str, Array]], Array]] = {
    "none": lambda vectors, arrays: vectors,
    "centre": lambda vectors, arrays: vectors - arrays["mean"],
}
TRANSFORMS = tuple(_FIT)
