"""The model `descriptors`: Essentia's algorithms measure each window of mono sound at 44.1 kHz."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from artistindex.embedding.descriptors import COEFFICIENTS, NAMES, Scaling
from artistindex.embedding.essentia import essentia_standard
from artistindex.embedding.spec import ModelSpec
from artistindex.embedding.weights import Weights
from artistindex.errors import EngineError, Remedy

SAMPLE_RATE = 44_100  # Hz: Essentia's OnsetRate knows no other
MIN_SECONDS = 4.0  # of a window: loudness is measured over three seconds

_FRAME, _HOP = 2048, 2048
_BANDS = (("low", 20.0, 250.0), ("middle", 250.0, 4_000.0), ("high", 4_000.0, 20_000.0))
_TINY = 1e-10
_PITCHES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
_FLATS = {"Db": "C#", "Eb": "D#", "Gb": "F#", "Ab": "G#", "Bb": "A#"}

Vector = NDArray[np.float64]


class DescriptorModel:
    """The descriptors of each window of a track, by Essentia."""

    engine = "essentia"

    def __init__(self, weights: Weights) -> None:
        """Prepare the algorithms. Raises EngineError where Essentia is not installed."""
        self.spec: ModelSpec = weights.spec
        self._scaling = Scaling.read(weights.path)
        self._algorithms = Algorithms()

    @property
    def dimension(self) -> int:
        """Return how many descriptors there are."""
        return len(NAMES)

    def patches(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the descriptors of a window, float32 of shape (1, dimension), scaled.

        `samples` are mono at 44.1 kHz, float32 of shape (n,). Of too short a window there are none:
        shape (0, dimension).
        """
        if len(samples) < MIN_SECONDS * SAMPLE_RATE:
            return np.empty((0, self.dimension), np.float32)
        return self._scaling.apply(self._algorithms.measure(samples))[None, :]

    def outputs(self, samples: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
        """Return the descriptors as the one layer; see `EmbeddingModel.outputs`."""
        return {"": self.patches(samples)}


class Algorithms:
    """Essentia's algorithms, made once; `measure` puts their values together."""

    def __init__(self) -> None:
        try:
            essentia = essentia_standard()
        except EngineError as error:
            raise EngineError(
                f"the descriptors are measured by Essentia alone: {error}",
                remedy=Remedy.INSTALL_ESSENTIA_ALONE,
            ) from None
        self._frames = essentia.FrameGenerator
        self._tempo = essentia.PercivalBpmEstimator(sampleRate=SAMPLE_RATE)
        self._onsets = essentia.OnsetRate()
        self._key = essentia.KeyExtractor(sampleRate=SAMPLE_RATE)
        self._loudness = essentia.LoudnessEBUR128(sampleRate=SAMPLE_RATE)
        self._complexity = essentia.DynamicComplexity(sampleRate=SAMPLE_RATE)
        self._window = essentia.Windowing(type="hann")
        self._spectrum = essentia.Spectrum(size=_FRAME)
        self._centroid = essentia.Centroid(range=SAMPLE_RATE / 2)
        self._rolloff = essentia.RollOff(sampleRate=SAMPLE_RATE)
        self._flatness = essentia.Flatness()
        self._flux = essentia.Flux()
        self._crossings = essentia.ZeroCrossingRate()
        self._bands = [
            essentia.EnergyBand(
                sampleRate=SAMPLE_RATE, startCutoffFrequency=low, stopCutoffFrequency=high
            )
            for _, low, high in _BANDS
        ]
        self._cepstrum = essentia.MFCC(
            sampleRate=SAMPLE_RATE,
            inputSize=_FRAME // 2 + 1,
            highFrequencyBound=16_000,
            numberCoefficients=COEFFICIENTS,
        )

    def measure(self, samples: NDArray[np.float32]) -> Vector:
        """Return the values of NAMES for a window of at least MIN_SECONDS."""
        samples = np.ascontiguousarray(samples, np.float32)
        values = [
            *self._rhythm(samples),
            *_key_values(*_run(self._key, samples)),
            *self._dynamics(samples),
            *self._shape(samples),
        ]
        return np.nan_to_num(np.array(values, np.float64), posinf=0.0, neginf=0.0)

    def _rhythm(self, samples: NDArray[np.float32]) -> Iterator[float]:
        """Yield the tempo in octaves of 1 beat a minute, where it is within its octave, and onsets.

        The two of a circle are the same for half and double the tempo, which are easily confused.
        """
        tempo = np.log2(max(float(_run(self._tempo, samples)), 1.0))
        yield float(tempo)
        yield float(np.cos(2 * np.pi * tempo))
        yield float(np.sin(2 * np.pi * tempo))
        yield float(_run(self._onsets, samples)[1])

    def _dynamics(self, samples: NDArray[np.float32]) -> Iterator[float]:
        """Yield the loudness (LUFS, the same sound in both channels), its range and complexity."""
        _, _, loudness, spread = _run(self._loudness, np.stack([samples, samples], axis=1))
        yield float(np.clip(loudness, -70.0, 0.0))
        yield float(spread)
        yield float(_run(self._complexity, samples)[0])

    def _shape(self, samples: NDArray[np.float32]) -> Iterator[float]:
        """Yield means and standard deviations over frames of what the spectrum looks like."""
        rows = np.array([*self._frame_values(samples)], np.float64)
        means, spreads = rows.mean(axis=0), rows.std(axis=0)
        centroid, rolloff, flatness, flux, crossings = range(5)
        for column in (centroid, rolloff, flatness):
            yield from (means[column], spreads[column])
        yield from (means[flux], means[crossings], spreads[crossings])
        yield from means[5 : 5 + len(_BANDS)]
        yield from means[5 + len(_BANDS) :]
        yield from spreads[5 + len(_BANDS) :]

    def _frame_values(self, samples: NDArray[np.float32]) -> Iterator[list[float]]:
        self._flux.reset()  # which remembers the spectrum before
        for frame in self._frames(samples, frameSize=_FRAME, hopSize=_HOP, startFromZero=True):
            spectrum = self._spectrum(self._window(frame))
            energies = np.array([band(spectrum) for band in self._bands], np.float64)
            _, cepstrum = self._cepstrum(spectrum)
            yield [
                float(np.log2(self._centroid(spectrum) + 20.0)),
                float(np.log2(self._rolloff(spectrum) + 20.0)),
                float(np.log10(self._flatness(spectrum) + 1e-6)),
                float(np.log10(self._flux(spectrum) + 1e-6)),
                self._crossings(frame),
                *np.log10(energies / max(energies.sum(), _TINY) + 1e-4),
                *cepstrum[1:],
            ]


def _run(algorithm: Any, samples: NDArray[np.float32]) -> Any:
    """Return what an algorithm says of `samples` alone: some keep what they heard before."""
    algorithm.reset()
    return algorithm(samples)


def _key_values(pitch: str, scale: str, strength: float) -> tuple[float, float, float, float]:
    """Return a key's place on the circle of fifths, its mode (1 major, -1 minor) and strength.

    A minor key stands where its relative major does.
    """
    tonic = _PITCHES.index(_FLATS.get(pitch, pitch))
    is_minor = scale == "minor"
    fifths = 7 * (tonic + (3 if is_minor else 0)) % 12
    angle = 2 * np.pi * fifths / 12
    mode = -strength if is_minor else strength
    return float(strength * np.cos(angle)), float(strength * np.sin(angle)), mode, strength
