"""Log-mel spectrograms in numpy, by the parameters of a model's front end.

Those of Essentia's models follow its TensorflowInputMusiCNN (which EffNet shares) and
TensorflowInputVGGish, https://essentia.upf.edu/reference/. They agree to about 1e-4, the most that
single precision allows; what stays apart lies in the near-silent bands before the logarithm.
"""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from artistindex.embedding.spec import (
    Logarithm,
    MelSpectrogram,
    Padding,
    Scale,
    Triangles,
    Window,
)

BLOCK = 512  # frames a block: one block's arrays fit into a core's cache

Floats = NDArray[np.float32]


def log_mel(samples: Floats, front_end: MelSpectrogram) -> Floats:
    """Compute the log-mel frames of `samples` (mono): float32 of shape (frames, bands).

    With padding the first frame is centred at the first sample, and there are ceil(n / hop) + 1 of
    them; none of no samples. Memory beyond the result: one copy of `samples`.
    """
    from scipy.fft import rfft

    count = frame_count(len(samples), front_end)
    mel = np.empty((count, front_end.bands), np.float32)
    if not count:
        return mel
    frames = _frames(samples, front_end, count)
    window, bands = _window(front_end), _bands(front_end)
    for start in range(0, count, BLOCK):
        block = slice(start, start + BLOCK)
        spectrum = rfft(frames[block] * window, front_end.fft, axis=1)
        magnitude = _power(spectrum) if front_end.power == 2 else np.abs(spectrum)
        np.matmul(magnitude, bands, out=mel[block])
        _compress(mel[block], front_end)
    return mel


def frame_count(samples: int, front_end: MelSpectrogram) -> int:
    """Return how many frames `log_mel` makes of so many samples."""
    if front_end.padding is Padding.NONE:
        return max(0, 1 + (samples - front_end.frame) // front_end.hop)
    if front_end.padding is Padding.REFLECT and samples <= front_end.frame // 2:
        return 0  # there is too little to reflect
    return -(-samples // front_end.hop) + 1 if samples else 0


def _frames(samples: Floats, front_end: MelSpectrogram, count: int) -> Floats:
    """Return every frame, (count, frame), as a view of the padded samples."""
    before = 0 if front_end.padding is Padding.NONE else front_end.frame // 2
    after = max(0, (count - 1) * front_end.hop + front_end.frame - before - len(samples))
    signal = np.asarray(samples, np.float32)
    if front_end.padding is Padding.REFLECT:
        padded = np.pad(signal, (before, after), mode="reflect")
    else:
        padded = np.pad(signal, (before, after))
    return np.lib.stride_tricks.sliding_window_view(padded, front_end.frame)[
        : count * front_end.hop : front_end.hop
    ]


def _power(spectrum: NDArray[np.complex64]) -> Floats:
    return np.square(spectrum.real) + np.square(spectrum.imag)


def _compress(mel: Floats, front_end: MelSpectrogram) -> None:
    """Take the logarithm of the bands, in place; what changes nothing is left out."""
    if front_end.factor != 1:
        mel *= np.float32(front_end.factor)
    if front_end.offset:
        mel += np.float32(front_end.offset)
    if front_end.floor:
        np.maximum(mel, np.float32(front_end.floor), out=mel)
    if front_end.logarithm is Logarithm.LOG10:
        np.log10(mel, out=mel)
    elif front_end.logarithm is Logarithm.LN:
        np.log(mel, out=mel)
    if front_end.gain != 1:
        mel *= np.float32(front_end.gain)
    if front_end.shift:
        mel += np.float32(front_end.shift)


@cache
def _window(front_end: MelSpectrogram) -> Floats:
    steps = front_end.frame - (front_end.window is Window.HANN)
    turns = 2 * np.pi * np.arange(front_end.frame) / steps
    window: Floats = (0.5 - 0.5 * np.cos(turns)).astype(np.float32)
    return window


@cache
def _bands(front_end: MelSpectrogram) -> Floats:
    """The (bins, bands) matrix: triangles on edges that are equally spaced in mel.

    In hertz and of unit area they are librosa's default and Slaney's Auditory Toolbox; in mel and
    of height one, TensorFlow's.
    """
    to_mel, to_hertz = _SCALES[front_end.scale]
    low, high = to_mel(np.array([front_end.low, front_end.high]))
    edges = np.linspace(low, high, front_end.bands + 2)
    places = np.arange(front_end.fft // 2 + 1) * front_end.sample_rate / front_end.fft
    if front_end.triangles is Triangles.MEL:
        triangles = _triangles(to_mel(places), edges)
    else:
        triangles = _triangles(places, to_hertz(edges))
    if front_end.unit_area:
        hertz = to_hertz(edges)
        triangles /= (hertz[2:] - hertz[:-2]) / 2
    return triangles.astype(np.float32)


_Doubles = NDArray[np.float64]
_SLANEY_STEP = np.log(6.4) / 27  # of a mel above 1000 Hz, which is 15 mel; 66.7 Hz a mel below


def _slaney_mel(hertz: _Doubles) -> _Doubles:
    above = 15 + np.log(np.maximum(hertz, 1_000) / 1_000) / _SLANEY_STEP
    return np.where(hertz < 1_000, 0.015 * hertz, above)


def _slaney_hertz(mel: _Doubles) -> _Doubles:
    return np.where(mel < 15, mel / 0.015, 1_000 * np.exp((mel - 15) * _SLANEY_STEP))


def _htk_mel(hertz: _Doubles) -> _Doubles:
    return 2595 * np.log10(1 + hertz / 700)


def _htk_hertz(mel: _Doubles) -> _Doubles:
    return 700 * (10 ** (mel / 2595) - 1)


_SCALES = {Scale.SLANEY: (_slaney_mel, _slaney_hertz), Scale.HTK: (_htk_mel, _htk_hertz)}


def _triangles(places: _Doubles, edges: _Doubles) -> _Doubles:
    """(bins, bands): band b rises from edges[b] to 1 at edges[b + 1] and falls to edges[b + 2]."""
    widths = np.diff(edges)
    ramps = places[:, None] - edges
    rising, falling = ramps[:, :-2] / widths[:-1], -ramps[:, 2:] / widths[1:]
    return np.maximum(0, np.minimum(rising, falling))
