"""Transforms of the vector space, fitted on an index's artists and applied to queries alike.

none              unit vectors as the model made them
centre            less the mean; rankings of single artists hardly change, cosines spread
all-but-the-top   less the mean and the largest principal components (Mu & Viswanath, ICLR 2018)
whiten            principal components scaled to equal, shrunk variance
whiten-tracks     the same, fitted on the tracks instead of the artists, of which there are few, and
                  on a background of music at large where one ships with the package

docs/quality.md tells what each does to real music.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

from artistindex.errors import BrokenIndex, Misuse, Remedy
from artistindex.index.background import Spread

Array = NDArray[np.float32]
Wide = NDArray[np.float64]

WHITEN_TRACKS = "whiten-tracks"
MIN_ARTISTS = 3
"""The fewest artists that a transform other than none can be fitted on."""

TRACK_SHRINKAGE = 0.5
"""How far the variances of `whiten-tracks` are drawn to their mean (docs/quality.md)."""
BACKGROUND_TRACKS = 200
"""For how many tracks of the library the background counts (docs/quality.md)."""

_ALONG_ONE = 100  # all-but-the-top removes one component for each so many dimensions
_ROWS_AT_ONCE = 1024
_FITTED_AT_ONCE = 8192  # rows, in double precision: 84 MB of 1,280 values
_TINY = 1e-6  # of the largest variance, or of a unit vector's length: rounding, not music


class Vectors(Protocol):
    """Rows of numbers: an array (n, d), or a file that gives slices of one."""

    @property
    def shape(self) -> tuple[int, ...]:
        """The number of rows and the dimension."""
        ...

    def __len__(self) -> int: ...

    def __getitem__(self, part: slice, /) -> Array: ...


@dataclass(frozen=True, slots=True)
class Transform:
    """A fitted transform: `name` says which, `arrays` (float32, two axes) what was fitted."""

    name: str = "none"
    arrays: Mapping[str, Array] = field(default_factory=dict)

    def apply(self, vectors: Array) -> Array:
        """Unit vectors (n, d') of the raw `vectors` (n, d) in the transformed space."""
        moved = _APPLY[self.name](unit(vectors), self.arrays)
        return unit(moved, out=moved)

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


def fit(
    name: str,
    vectors: Vectors,
    *,
    tracks: Vectors | None = None,
    background: Spread | None = None,
) -> Transform:
    """Fit the transform `name` on raw artist `vectors` (n, d), or on their raw `tracks` (t, d).

    Both are gone through in blocks, more than once: what is held of many is a block.
    Tracks, and a background of the same vectors, count for `whiten-tracks` alone; without tracks it
    is fitted on the artists. Raises Misuse for an unknown one, for fewer than MIN_ARTISTS artists
    unless there is a background, and where an artist lies where the transform leaves nothing of it.
    """
    if name not in TRANSFORMS:
        raise Misuse(f"unknown transform {name!r}; the known ones are {', '.join(TRANSFORMS)}")
    if name == "none":
        return Transform()
    is_by_tracks = name == WHITEN_TRACKS
    if len(vectors) < MIN_ARTISTS and not (is_by_tracks and background):
        raise Misuse(
            f"the transform {name} needs at least {MIN_ARTISTS} artists, there are {len(vectors)}",
            remedy=Remedy.ADD_ARTISTS,
        )
    if is_by_tracks:
        rows = vectors if tracks is None or not len(tracks) else tracks
        arrays = _fit_whiten_tracks(rows, background)
    else:
        arrays = _FIT[name](vectors)
    fitted = Transform(name, arrays)
    left = np.concatenate(
        [
            np.linalg.norm(_APPLY[name](block.astype(np.float32), fitted.arrays), axis=1)
            for block in _units(vectors)
        ]
    )
    if not (left > _TINY).all():
        raise Misuse(
            f"the transform {name} leaves nothing of {int((left <= _TINY).sum())} artists, who lie"
            " where all the others do",
            remedy=Remedy.ADD_ARTISTS,
        )
    return fitted


def unit(vectors: NDArray[np.floating], *, out: Array | None = None) -> Array:
    """`vectors` (n, d) scaled to unit length, in float32; a zero vector stays zero.

    `out`, of their shape, takes them; it may be the vectors themselves.
    """
    scaled = np.empty(vectors.shape, np.float32) if out is None else out
    for at in range(0, len(vectors), _ROWS_AT_ONCE):  # the doubles of all would be twice as large
        wide = np.asarray(vectors[at : at + _ROWS_AT_ONCE], np.float64)
        norms: Wide = np.linalg.norm(wide, axis=-1, keepdims=True)
        scaled[at : at + _ROWS_AT_ONCE] = wide / np.where(norms > 0, norms, 1.0)
    return scaled


def _units(vectors: Vectors) -> Iterator[Wide]:
    """Yield the vectors scaled to unit length, in blocks: as float32 has them, in double."""
    for at in range(0, len(vectors), _FITTED_AT_ONCE):
        yield unit(vectors[at : at + _FITTED_AT_ONCE]).astype(np.float64)


def shrinkage(variances: Wide, samples: int) -> float:
    """The weight of the mean variance that best estimates a covariance, from 0 to 1.

    Oracle approximating shrinkage (Chen, Wiesel, Eldar & Hero, IEEE Trans. Signal Process. 58(10),
    2010, eq. 23, without its terms in 2/d, as scikit-learn has it) for `samples` Gaussian vectors
    whose sample covariance has the eigenvalues `variances`, shape (d,).
    """
    squares, trace = float(variances @ variances), float(variances.sum())
    apart = (samples + 1) * (squares - trace**2 / len(variances))
    return min(1.0, (squares + trace**2) / apart) if apart > 0 else 1.0


def _fit_none(vectors: Vectors) -> dict[str, Array]:
    return {}


def _fit_centre(vectors: Vectors) -> dict[str, Array]:
    return {"mean": _row(_mean(vectors))}


def _fit_all_but_the_top(vectors: Vectors) -> dict[str, Array]:
    """Removes d/100 components, as the authors advise, never all that there are."""
    mean, _, directions = _principal(vectors)
    count = min(max(1, round(vectors.shape[1] / _ALONG_ONE)), len(directions) - 1)
    return {"mean": _row(mean), "top": directions[:count].astype(np.float32)}


def _fit_whiten(vectors: Vectors) -> dict[str, Array]:
    """Only directions in which the artists differ are kept: elsewhere nothing was learnt."""
    mean, variances, directions = _principal(vectors)
    everywhere = np.zeros(vectors.shape[1])
    everywhere[: len(variances)] = variances
    weight = shrinkage(everywhere, len(vectors))
    shrunk = (1 - weight) * variances + weight * everywhere.mean()
    return {
        "mean": _row(mean),
        "scaled": (directions / np.sqrt(shrunk)[:, None]).astype(np.float32),
    }


def _fit_whiten_tracks(tracks: Vectors, background: Spread | None) -> dict[str, Array]:
    own = Spread.of_blocks(lambda: _units(tracks))
    spread = own.leaning_on(background, tracks=BACKGROUND_TRACKS)
    variances, directions = np.linalg.eigh(spread.covariance)
    mean = max(float(variances.mean()), _TINY)
    shrunk = (1 - TRACK_SHRINKAGE) * np.maximum(variances, 0) + TRACK_SHRINKAGE * mean
    largest = np.abs(directions).argmax(axis=0)
    signs = np.sign(directions[largest, np.arange(len(shrunk))])
    return {
        "mean": _row(spread.mean),
        "scaled": (directions * signs / np.sqrt(shrunk)).T.astype(np.float32),
    }


def _row(values: Wide) -> Array:
    return values[None, :].astype(np.float32)


def _mean(vectors: Vectors) -> Wide:
    total: Wide = np.sum([block.sum(axis=0) for block in _units(vectors)], axis=0)
    return total / len(vectors)


def _principal(vectors: Vectors) -> tuple[Wide, Wide, Wide]:
    """Mean (d,), variances (m,) and unit directions (m, d), largest first, of all that is not
    rounding."""
    if len(vectors) <= vectors.shape[1]:
        units = np.concatenate(list(_units(vectors)))
        mean = units.mean(axis=0)
        _, lengths, directions = np.linalg.svd(units - mean, full_matrices=False)
        variances = lengths**2 / len(vectors)
    else:
        spread = Spread.of_blocks(lambda: _units(vectors))
        mean = spread.mean
        ascending, columns = np.linalg.eigh(spread.covariance)
        variances, directions = ascending[::-1], columns.T[::-1]
    real = variances > _TINY * variances[0]
    directions = directions[real]
    largest = np.abs(directions).argmax(axis=1)
    signs = np.sign(directions[np.arange(len(directions)), largest])
    return mean, variances[real], directions * signs[:, None]


def _apply_all_but_the_top(vectors: Array, arrays: Mapping[str, Array]) -> Array:
    centred: Array = vectors - arrays["mean"]
    return np.subtract(centred, (centred @ arrays["top"].T) @ arrays["top"], dtype=np.float32)


def _apply_whiten(vectors: Array, arrays: Mapping[str, Array]) -> Array:
    centred: Array = vectors - arrays["mean"]
    return np.asarray(centred @ arrays["scaled"].T, np.float32)


_FIT: dict[str, Callable[[Vectors], dict[str, Array]]] = {
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
    WHITEN_TRACKS: _apply_whiten,
}
_ARRAYS: dict[str, set[str]] = {
    "none": set(),
    "centre": {"mean"},
    "all-but-the-top": {"mean", "top"},
    "whiten": {"mean", "scaled"},
    WHITEN_TRACKS: {"mean", "scaled"},
}
TRANSFORMS = (*_FIT, WHITEN_TRACKS)
