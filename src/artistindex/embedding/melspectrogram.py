"""Log-mel spectrograms in numpy, the same as Essentia's, and their cutting into patches.

The recipes are those of Essentia's TensorflowInputMusiCNN (which EffNet shares) and
TensorflowInputVGGish, https://essentia.upf.edu/reference/. They agree to about 1e-4, the most that
single precision allows; what stays apart lies in the near-silent bands before the logarithm.
"""

from collections.abc import Callable
from functools import cache

import numpy as np
from numpy.typing import NDArray

from artistindex.embedding.registry import SAMPLE_RATE, FrontEnd, ModelSpec

FFT = 512
BLOCK = 512  # frames a block: one block's arrays fit into a core's cache

Floats = NDArray[np.float32]


def log_mel(samples: Floats, front_end: FrontEnd) -> Floats:
    """Compute the log-mel frames of `samples` (16 kHz, mono): float32 of shape (frames, bands).

    The first frame is centred at the first sample; there are ceil(n / hop) + 1 of them, and none
    of no samples. Memory beyond the result: one copy of `samples`.
    """
    from scipy.fft import rfft

    if not len(samples):
        return np.empty((0, front_end.bands), np.float32)
    count = frame_count(len(samples), front_end)
    frames = _frames(samples, front_end, count)
    window, bands, power, logarithm = _recipe(front_end.name, front_end.frame, front_end.bands)
    mel = np.empty((count, front_end.bands), np.float32)
    for start in range(0, count, BLOCK):
        block = slice(start, start + BLOCK)
        spectrum = rfft(frames[block] * window, FFT, axis=1)
        magnitude = _power(spectrum) if power == 2 else np.abs(spectrum)
        np.matmul(magnitude, bands, out=mel[block])
        logarithm(mel[block])
    return mel


def frame_count(samples: int, front_end: FrontEnd) -> int:
    """Return how many frames `log_mel` makes of so many samples."""
    return -(-samples // front_end.hop) + 1 if samples else 0


def patches(mel: Floats, spec: ModelSpec) -> Floats:
    """Cut `mel` into the patches of a model, (n, patch, bands): a view, not a copy."""
    frames = mel[: len(mel) - spec.drop_last_frame] if len(mel) else mel
    if len(frames) < spec.patch:
        return np.empty((0, spec.patch, mel.shape[1]), np.float32)
    windows = np.lib.stride_tricks.sliding_window_view(frames, spec.patch, axis=0)
    return windows[:: spec.hop].transpose(0, 2, 1)


def _frames(samples: Floats, front_end: FrontEnd, count: int) -> Floats:
    """Return every frame, (count, frame), as a view of the padded samples."""
    before = front_end.frame // 2
    after = max(0, (count - 1) * front_end.hop + front_end.frame - before - len(samples))
    padded = np.pad(np.asarray(samples, np.float32), (before, after))
    return np.lib.stride_tricks.sliding_window_view(padded, front_end.frame)[
        : count * front_end.hop : front_end.hop
    ]


def _power(spectrum: NDArray[np.complex64]) -> Floats:
    return np.square(spectrum.real) + np.square(spectrum.imag)


_Logarithm = Callable[[Floats], None]


@cache
def _recipe(name: str, frame: int, bands: int) -> tuple[Floats, Floats, int, _Logarithm]:
    """A front end's window, its (bins, bands) matrix, the power of the spectrum, its logarithm."""
    window = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(frame) / (frame - 1))).astype(np.float32)
    if name == "musicnn":
        return window, _slaney_bands(bands), 2, _log10_of_ten_thousand
    return window, _htk_bands(bands), 1, _log_of_hundredth


def _log10_of_ten_thousand(mel: Floats) -> None:
    mel *= np.float32(10_000)
    mel += np.float32(1)
    np.log10(mel, out=mel)


def _log_of_hundredth(mel: Floats) -> None:
    mel += np.float32(0.01)
    np.log(mel, out=mel)


def _slaney_bands(bands: int) -> Floats:
    """Triangles linear in Hz, each of unit area: librosa's default and Slaney's Auditory Toolbox.

    The edges are equally spaced in Slaney's mel from 0 to 8000 Hz: 0.015 f below 1000 Hz, above
    15 + ln(f / 1000) / (ln(6.4) / 27).
    """
    step = np.log(6.4) / 27
    top = 15 + np.log(8_000 / 1_000) / step
    mel = np.linspace(0, top, bands + 2)
    edges = np.where(mel < 15, mel / 0.015, 1_000 * np.exp((mel - 15) * step))
    triangles = _triangles(_bin_frequencies(), edges)
    return (triangles / ((edges[2:] - edges[:-2]) / 2)).astype(np.float32)


def _htk_bands(bands: int) -> Floats:
    """Triangles linear in HTK's mel, 2595 log10(1 + f / 700), from 125 to 7500 Hz, of height 1."""

    def mel(hertz: NDArray[np.float64]) -> NDArray[np.float64]:
        return 2595 * np.log10(1 + hertz / 700)

    low, high = mel(np.array([125.0, 7_500.0]))
    return _triangles(mel(_bin_frequencies()), np.linspace(low, high, bands + 2)).astype(np.float32)


def _bin_frequencies() -> NDArray[np.float64]:
    return np.arange(FFT // 2 + 1) * SAMPLE_RATE / FFT


def _triangles(places: NDArray[np.float64], edges: NDArray[np.float64]) -> NDArray[np.float64]:
    """(bins, bands): band b rises from edges[b] to 1 at edges[b + 1] and falls to edges[b + 2]."""
    widths = np.diff(edges)
    ramps = places[:, None] - edges
    rising, falling = ramps[:, :-2] / widths[:-1], -ramps[:, 2:] / widths[1:]
    return np.maximum(0, np.minimum(rising, falling))
