"""Resampling, by the recipe that a model asks for.

Essentia's MonoLoader with resampleQuality=4 uses libsamplerate's SRC_LINEAR: linear interpolation,
one input sample late and without a filter (src_linear.c), at a ratio held in float32. Its models
were published with that recipe, so a better resampler would give other vectors. Other models were
trained on sound that a filter kept from aliasing, which is what SINC does.
"""

import math
from enum import StrEnum, auto
from functools import cache
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]

_ZEROS = 32  # crossings of the sinc on either side, which with _BETA pass 84% of the band ...
_CUTOFF = 0.92  # ... and stop what would be heard elsewhere by 80 dB
_BETA = 7.86
_MAX_PHASES = 50_000  # of a filter; a rate that needs more is none that music has


class Resampling(StrEnum):
    """How samples come to another rate: as in Essentia, or through a filter against aliasing."""

    LINEAR = auto()
    SINC = auto()


class Sampling(NamedTuple):
    """A rate in Hz, and how samples come to it."""

    rate: int
    resampling: Resampling = Resampling.SINC


ESSENTIA = Sampling(16_000, Resampling.LINEAR)
"""What Essentia's models take, and by which a sound is known again (`decode.Audio.sha256`)."""

SAMPLE_RATE = ESSENTIA.rate


class Resampler(Protocol):
    """Turns consecutive blocks of one signal into its samples first <= n < last at another rate."""

    @property
    def starts_at(self) -> int:
        """The first input sample that is needed."""
        ...

    @property
    def done(self) -> bool:
        """Whether every sample asked for has been made."""
        ...

    def feed(self, at: int, block: Samples) -> Samples:
        """The samples that `block`, float32 of shape (frames,), makes possible.

        `at` is the place of its first sample in the input: at most `starts_at` for the first block,
        and then just behind the block before.
        """
        ...

    def finish(self) -> Samples:
        """The samples that are left when the input has ended."""
        ...


def resampler(rate: int, to: Sampling, *, first: int = 0, last: int | None = None) -> Resampler:
    """The resampler of a signal at `rate` Hz to `to`."""
    phases = max(rate, to.rate) // math.gcd(rate, to.rate)
    if to.resampling is Resampling.LINEAR or rate == to.rate or phases > _MAX_PHASES:
        return LinearResampler(rate, to=to.rate, first=first, last=last)
    return SincResampler(rate, to=to.rate, first=first, last=last)


class LinearResampler:
    """Linear interpolation, just as the reference loader of Essentia's models does it.

    Sample n lies at n * step - 1 on the axis of the input, whose first sample also stands for the
    one before it. Input that is at the rate already passes unchanged.
    """

    def __init__(
        self, rate: int, *, to: int = SAMPLE_RATE, first: int = 0, last: int | None = None
    ) -> None:
        self._step = 1 / float(np.float32(to) / np.float32(rate))
        self._late = 0 if rate == to else 1
        self._next = first
        self._last = last
        self._carry: Samples | None = None

    @property
    def starts_at(self) -> int:
        """The first input sample that is needed."""
        return max(0, math.floor(self._next * self._step) - self._late)

    @property
    def done(self) -> bool:
        """Whether every sample asked for has been made."""
        return self._last is not None and self._next >= self._last

    def feed(self, at: int, block: Samples) -> Samples:
        """The samples that `block` makes possible; see `Resampler.feed`."""
        end = at + len(block)
        stop = max(self._next, math.ceil(end / self._step))
        numbers = np.arange(self._next, stop if self._last is None else min(stop, self._last))
        self._next += len(numbers)
        if not self._late:
            return block[numbers - at]
        carry = block[:1] if self._carry is None else self._carry
        known = np.concatenate([carry, block])  # known[0] is input sample at - 1
        place = numbers * self._step - at
        left = np.minimum(place.astype(np.int64), len(known) - 2)
        share = (place - left).astype(np.float32)
        self._carry = block[-1:]
        interpolated: Samples = known[left] + share * (known[left + 1] - known[left])
        return interpolated

    def finish(self) -> Samples:
        """Nothing: a sample is made as soon as its neighbours are there."""
        return np.empty(0, np.float32)


class SincResampler:
    """A windowed sinc, so that what the new rate cannot hold is gone and not heard as other tones.

    Sample n lies at n * rate / to on the axis of the input, beyond whose ends there is silence.
    """

    def __init__(self, rate: int, *, to: int, first: int = 0, last: int | None = None) -> None:
        divisor = math.gcd(rate, to)
        self._up, self._down = to // divisor, rate // divisor
        self._filter, self._half = _sinc_filter(self._up, self._down)
        self._next = first
        self._last = last
        self._at: int | None = None
        self._known: Samples = np.empty(0, np.float32)

    @property
    def starts_at(self) -> int:
        """The first input sample that is needed."""
        return max(0, self._first_needed(self._next))

    @property
    def done(self) -> bool:
        """Whether every sample asked for has been made."""
        return self._last is not None and self._next >= self._last

    def feed(self, at: int, block: Samples) -> Samples:
        """The samples that `block` makes possible; see `Resampler.feed`.

        Where the first block begins later than needed there is silence before it.
        """
        if self._at is None:
            self._at = at
        self._known = np.concatenate([self._known, block])
        end = self._at + len(self._known)
        return self._until(((end - 1) * self._up - self._half) // self._down + 1)

    def finish(self) -> Samples:
        """The samples that need what lies beyond the end."""
        if self._at is None:
            return np.empty(0, np.float32)
        end = self._at + len(self._known)
        silence = np.zeros(self._half // self._up + 1, np.float32)
        self._known = np.concatenate([self._known, silence])
        return self._until(-(-end * self._up // self._down))

    def _first_needed(self, number: int) -> int:
        return -((self._half - number * self._down) // self._up)

    def _until(self, stop: int) -> Samples:
        """Make the samples from `_next` to before `stop`, and forget input that is not needed."""
        from scipy.signal import upfirdn

        first, stop = self._next, stop if self._last is None else min(stop, self._last)
        if stop <= first or self._at is None:
            return np.empty(0, np.float32)
        # an input that begins at a multiple of `down` gives samples at whole places
        start = self._first_needed(first) // self._down * self._down
        end = ((stop - 1) * self._down + self._half) // self._up + 1
        silence = np.zeros(max(0, self._at - start), np.float32)
        needed = self._known[max(0, start - self._at) : max(0, end - self._at)]
        signal = np.concatenate([silence, needed])
        before = self._half // self._down - start // self._down * self._up
        made = upfirdn(self._filter, signal, self._up, self._down)
        self._next = stop
        keep = max(0, self._first_needed(stop) - self._at)
        self._known, self._at = self._known[keep:], self._at + keep
        resampled: Samples = made[first + before : stop + before].astype(np.float32, copy=False)
        return resampled


@cache
def _sinc_filter(up: int, down: int) -> tuple[Samples, int]:
    """The filter at `up` times the input's rate, and where its middle is: a multiple of `down`."""
    width = max(up, down)
    reach = _ZEROS * width
    places = np.arange(-reach, reach + 1) / width
    taps = np.sinc(_CUTOFF * places) * np.kaiser(2 * reach + 1, _BETA)
    taps *= up / taps.sum()
    late = -reach % down
    return np.concatenate([np.zeros(late), taps]).astype(np.float32), reach + late
