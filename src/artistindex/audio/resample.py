"""Resampling to 16 kHz just as the models' reference loader does it.

Essentia's MonoLoader with resampleQuality=4 uses libsamplerate's SRC_LINEAR: linear interpolation,
one input sample late and without a filter (src_linear.c), at a ratio held in float32. The models
were published with that recipe, so a better resampler would give other vectors.
"""

import math

import numpy as np
from numpy.typing import NDArray

SAMPLE_RATE = 16_000

Samples = NDArray[np.float32]


class LinearResampler:
    """Turns consecutive blocks of one signal into its samples first <= n < last at 16 kHz.

    Sample n lies at n * step - 1 on the axis of the input, whose first sample also stands for the
    one before it. Input that is at 16 kHz already passes unchanged.
    """

    def __init__(self, rate: int, *, first: int = 0, last: int | None = None) -> None:
        self._step = 1 / float(np.float32(SAMPLE_RATE) / np.float32(rate))
        self._late = 0 if rate == SAMPLE_RATE else 1
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
        """The samples that `block`, float32 of shape (frames,), makes possible.

        `at` is the place of its first sample in the input: at most `starts_at` for the first block,
        and then just behind the block before.
        """
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
