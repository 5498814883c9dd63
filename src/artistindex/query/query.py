"""A question put to an index: artists and a sound added up with weights, other artists subtracted.

Every artist and the sound count as unit vectors, so that a weight alone says how much each matters.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from artistindex.errors import Misuse
from artistindex.index.reader import ArtistIndex

LEAST_WEIGHT, MOST_WEIGHT = 1e-6, 1e6


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, in the words of whoever asks: names, and files or addresses of `audio`.

    `weights` are those of names among `artists` and `minus`; 1 for the others. Raises Misuse where
    nothing is asked for, or a weight is not a positive number, nor one that float32 can weigh.
    """

    artists: tuple[str, ...] = ()
    minus: tuple[str, ...] = ()
    weights: Mapping[str, float] = field(default_factory=dict)
    audio: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.artists and not self.audio:
            raise Misuse("ask with at least one ARTIST, or a sound (--audio FILE)")
        for name, weight in self.weights.items():
            if not LEAST_WEIGHT <= weight <= MOST_WEIGHT:  # false for NaN
                raise Misuse(
                    f"the weight of {name!r} must be a positive number from {LEAST_WEIGHT:g} to"
                    f" {MOST_WEIGHT:g}, not {weight:g}"
                )


@dataclass(frozen=True, slots=True)
class Posed:
    """A question in the terms of one index.

    `vector` is float64 of shape (dimension,), of any length; `rows` are those of the artists asked
    about, who must not answer. `artists`, `minus` and `weights` have the artists' own spelling.
    """

    vector: NDArray[np.float64]
    rows: tuple[int, ...]
    artists: tuple[str, ...]
    minus: tuple[str, ...]
    weights: Mapping[str, float]

    def with_sound(self, sound: NDArray[np.float32]) -> Self:
        """The same question with the unit vector (dimension,) of its audio added."""
        return replace(self, vector=self.vector + sound)


def pose(index: ArtistIndex, question: Question) -> Posed:
    """Put the artists of `question` to `index`; its audio comes in by `Posed.with_sound`.

    A name given twice counts once. Raises UnknownArtist, AmbiguousArtist, and Misuse for an artist
    who is both asked for and subtracted, or weighted and neither.
    """
    plus = {index.row(name): name for name in question.artists}
    minus = {index.row(name): name for name in question.minus}
    for row in plus.keys() & minus.keys():
        raise Misuse(f"{index.spelled(plus[row])} is both asked for and subtracted (--minus)")
    factors = _factors(index, question.weights, {*plus, *minus})
    vector = np.zeros(index.manifest.dimension, np.float64)
    for sign, asked in ((1.0, plus), (-1.0, minus)):
        for row, name in asked.items():
            vector += sign * factors.get(row, 1.0) * index.vector(name).astype(np.float64)
    return Posed(
        vector=vector,
        rows=(*plus, *minus),
        artists=tuple(index.spelled(name) for name in question.artists),
        minus=tuple(index.spelled(name) for name in question.minus),
        weights={index.spelled(name): weight for name, weight in question.weights.items()},
    )


def _factors(index: ArtistIndex, weights: Mapping[str, float], asked: set[int]) -> dict[int, float]:
    factors = {}
    for name, weight in weights.items():
        row = index.row(name)
        if row not in asked:
            raise Misuse(f"--weight names {index.spelled(name)}, who is not asked about")
        factors[row] = weight
    return factors
