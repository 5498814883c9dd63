"""Descriptors of music, measured and not learnt: what they are, how they are scaled, and in words.

Each value is scaled by its mean and standard deviation over a background of music
(data/descriptors.json, which takes the place of weights), so that all weigh alike in a cosine.
`descriptor_model` measures them.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

COEFFICIENTS = 13
"""Of the mel cepstrum; the first, which is the loudness again, is left out."""

NAMES = (
    *("tempo", "tempo cosine", "tempo sine", "onset rate"),
    *("key cosine", "key sine", "mode", "key strength"),
    *("loudness", "loudness range", "dynamic complexity"),
    *("centroid", "centroid spread", "rolloff", "rolloff spread", "flatness", "flatness spread"),
    *("flux", "crossings", "crossings spread", "low band", "middle band", "high band"),
    *(f"cepstrum {number}" for number in range(1, COEFFICIENTS)),
    *(f"cepstrum {number} spread" for number in range(1, COEFFICIENTS)),
)
"""What is measured, in the order of the vector."""

SCALING_FILE = Path(__file__).with_name("data") / "descriptors.json"

Vector = NDArray[np.float64]

_MAX_DEVIATIONS = 5.0  # a click or a silence must not outweigh everything else
_SHOWN = ("C", "Db", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")


@dataclass(frozen=True, slots=True)
class Scaling:
    """The mean and standard deviation of every descriptor over the background, (descriptors,)."""

    mean: Vector
    deviation: Vector

    @classmethod
    def read(cls, path: Path) -> "Scaling":
        """Read data/descriptors.json, whose hash was checked."""
        content = json.loads(path.read_text("utf-8"))
        if tuple(content["names"]) != NAMES:
            raise ValueError(f"{path} is of other descriptors")
        return cls(np.array(content["mean"]), np.array(content["deviation"]))

    def apply(self, values: Vector) -> NDArray[np.float32]:
        """Return measured values (descriptors,) in deviations from the background's mean."""
        scaled = (values - self.mean) / self.deviation
        return np.clip(scaled, -_MAX_DEVIATIONS, _MAX_DEVIATIONS).astype(np.float32)

    def undo(self, vector: NDArray[np.floating]) -> Vector:
        """Return the values that a vector (descriptors,) stands for."""
        return np.asarray(vector, np.float64) * self.deviation + self.mean


@cache
def shipped_scaling() -> Scaling:
    """Return the scaling that ships with the package."""
    return Scaling.read(SCALING_FILE)


# --- in words -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Description:
    """What a person is told of some tracks: the tempo in beats a minute, the key, the loudness."""

    bpm: int
    key: str
    loudness: float

    def __str__(self) -> str:
        return f"{self.bpm} BPM, {self.key}"

    def to_json(self) -> dict[str, Any]:
        """Return it as a JSON object; `loudness` in LUFS."""
        return {"bpm": self.bpm, "key": self.key, "loudness": round(self.loudness, 1)}


def describe(vectors: Sequence[NDArray[np.floating]], scaling: Scaling) -> Description | None:
    """Return what `vectors` of tracks, each (descriptors,), say together; None where there is none.

    The tempo is the median of the tracks', the key that which most tracks are near to, by strength.
    """
    if not vectors:
        return None
    values = [dict(zip(NAMES, scaling.undo(vector), strict=True)) for vector in vectors]
    tempo = np.median([2 ** value["tempo"] for value in values])
    return Description(round(float(tempo)), _key_of(values), _mean(values, "loudness"))


def _key_of(values: Sequence[Mapping[str, float]]) -> str:
    angle = np.arctan2(_mean(values, "key sine"), _mean(values, "key cosine"))
    fifths = round(float(angle) * 12 / (2 * np.pi)) % 12
    is_minor = _mean(values, "mode") < 0
    tonic = (7 * fifths - (3 if is_minor else 0)) % 12
    return f"{_SHOWN[tonic]} {'minor' if is_minor else 'major'}"


def _mean(values: Sequence[Mapping[str, float]], name: str) -> float:
    return float(np.mean([value[name] for value in values]))
