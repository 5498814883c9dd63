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

MIN_WEIGHT, MAX_WEIGHT = 1e-6, 1e6


@dataclass(frozen=True, slots=True)
class Query:
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
            if not MIN_WEIGHT <= weight <= MAX_WEIGHT:  # false for NaN
                raise Misuse(
                    f"the weight of {name!r} must be a positive number from {MIN_WEIGHT:g} to"
                    f" {MAX_WEIGHT:g}, not {weight:g}"
                )


@dataclass(frozen=True, slots=True)
class ResolvedQuery:
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


def resolve(index: ArtistIndex, question: Query) -> ResolvedQuery:
    """Put the artists of `question` to `index`; its audio comes in by `Posed.with_sound`.

    A name given twice counts once. Raises UnknownArtist, AmbiguousArtist, and Misuse for an artist
    who is both asked for and subtracted, or weighted and neither.
    """
    plus = {index.row(name): name for name in question.artists}
    minus = {index.row(name): name for name in question.minus}
    for row in plus.keys() & minus.keys():
        raise Misuse(f"{index.display_name(plus[row])} is both asked for and subtracted (--minus)")
    factors = _factors(index, question.weights, {*plus, *minus})
    vector = np.zeros(index.manifest.dimension, np.float64)
    for sign, asked in ((1.0, plus), (-1.0, minus)):
        for row, name in asked.items():
            vector += sign * factors.get(row, 1.0) * index.vector(name).astype(np.float64)
    return ResolvedQuery(
        vector=vector,
        rows=(*plus, *minus),
        artists=tuple(index.display_name(name) for name in question.artists),
        minus=tuple(index.display_name(name) for name in question.minus),
        weights={index.display_name(name): weight for name, weight in question.weights.items()},
    )


def _factors(index: ArtistIndex, weights: Mapping[str, float], asked: set[int]) -> dict[int, float]:
    factors = {}
    for name, weight in weights.items():
        row = index.row(name)
        if row not in asked:
            raise Misuse(f"--weight names {index.display_name(name)}, who is not asked about")
        factors[row] = weight
    return factors
