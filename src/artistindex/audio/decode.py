"""A file becomes mono float32 at the rates asked for, or a failure with a reason."""

import hashlib
import math
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from artistindex.audio.reader import Source
from artistindex.audio.resample import ESSENTIA, SAMPLE_RATE, Sampling, resampler
from artistindex.errors import Misuse, TrackError

SILENCE = 10 ** (-60 / 20)  # peak below -60 dBFS
_QUIET = 10 ** (-30 / 20)  # a mean of channels that peaks below is looked at channel by channel ...
_CANCELLED = 10 ** (40 / 20)  # ... and is not the sound where one of them is so many times louder
MIN_SHARE = 0.9  # of the declared duration that has to be there ...
_PADDING = 0.1  # ... and seconds that encoders pad, which matter in a sound of a moment
_MAX_SECONDS = 4 * 3600  # of audio held in memory at once: 0.9 GB


@dataclass(frozen=True, slots=True)
class Excerpt:
    """Which part of a track is decoded: `windows` windows of `seconds` each, spread evenly.

    A track shorter than all windows together is taken whole. `windows` is None for "full": the
    whole track, of one longer than `seconds` only the middle.
    """

    windows: int | None
    seconds: float

    @classmethod
    def parse(cls, text: str) -> Self:
        """From "full" or, say, "3x30"; raises Misuse for anything else."""
        if text.strip().lower() == "full":
            return cls(None, FULL.seconds)
        match = re.fullmatch(r"\s*([0-9]{1,5})\s*[xX×]\s*([0-9]{1,5}(?:\.[0-9]{1,6})?)\s*", text)
        windows, seconds = (int(match[1]), float(match[2])) if match else (0, 0.0)
        if windows < 1 or seconds <= 0 or windows * seconds > _MAX_SECONDS:
            raise Misuse(
                f"unknown excerpt {text!r}; expected full, or windows x seconds such as 3x30, "
                f"{_MAX_SECONDS} seconds at most in all"
            )
        return cls(windows, seconds)

    def __str__(self) -> str:
        return "full" if self.windows is None else f"{self.windows}x{self.seconds:g}"

    @property
    def total(self) -> float:
        """Seconds of all windows together."""
        return (self.windows or 1) * self.seconds

    def spans(self, length: float, rate: int = SAMPLE_RATE) -> list[tuple[int, int]]:
        """First and last sample at `rate` Hz of each window in a track of `length` seconds.

        Window i lies in the middle of the i-th of `windows` equal parts.
        """
        count = self.windows or 1
        size = round(self.seconds * rate)
        middles = ((i + 0.5) * length / count for i in range(count))
        starts = (max(0, round((middle - self.seconds / 2) * rate)) for middle in middles)
        return [(start, start + size) for start in starts]


FULL = Excerpt(None, 20 * 60.0)

_Windows = dict[Sampling, list[NDArray[np.float32]]]


@dataclass(frozen=True, slots=True)
class Audio:
    """What was decoded of a track.

    `windows` holds float32 arrays of shape (samples,), mono at 16 kHz, nominally within -1..1;
    patches never span two of them. `sha256` is that of these samples, so that equal audio in
    whatever lossless file, name and tags is known as equal. `duration` is that of the whole track
    and `seconds` that of the windows together, both in seconds. `resampled` has the same windows by
    the other samplings that were asked for.
    """

    windows: tuple[NDArray[np.float32], ...]
    sha256: str
    duration: float
    seconds: float
    resampled: Mapping[Sampling, tuple[NDArray[np.float32], ...]] = field(default_factory=dict)

    def at(self, sampling: Sampling) -> tuple[NDArray[np.float32], ...]:
        """The windows by `sampling`; raises KeyError where nobody asked for that."""
        return self.windows if sampling == ESSENTIA else self.resampled[sampling]


def decode(path: Path, *, excerpt: Excerpt = FULL, samplings: Collection[Sampling] = ()) -> Audio:
    """Decode the part of a file that `excerpt` names, once for all of `samplings`.

    The samples equal those of Essentia's MonoLoader(sampleRate=16000, resampleQuality=4), and those
    of an excerpt equal the same places of the whole (but for the first 2 ms through a filter, which
    knows nothing of what went before). Memory is bounded by the excerpt, however long the file is
    or claims to be.

    Channels that cancel each other out are not averaged: the first that sounds stands for them.

    Raises TrackError (stage "decode") for what is no regular file, is not audio, was cut off
    (decodes to less than 90% of the declared duration), is silent (peak below -60 dBFS in every
    channel) or holds samples that are not finite; of stage "read", to be tried again, where the
    system fails to read the file.
    """
    source = Source(path)
    wanted = (ESSENTIA, *(sampling for sampling in samplings if sampling != ESSENTIA))
    windows, length = _decoded(source, excerpt, wanted)
    if _peak(windows) < _QUIET:
        windows = (
            _channel_that_sounds(path, source.channels, excerpt, wanted, _peak(windows)) or windows
        )
    _demand_sound(windows)
    digest = hashlib.sha256()
    for window in windows[ESSENTIA]:
        digest.update(window.astype("<f4", copy=False).tobytes())
    seconds = sum(map(len, windows[ESSENTIA])) / SAMPLE_RATE
    by_sampling = {sampling: tuple(arrays) for sampling, arrays in windows.items()}
    return Audio(by_sampling.pop(ESSENTIA), digest.hexdigest(), length, seconds, by_sampling)


def _decoded(
    source: Source, excerpt: Excerpt, samplings: tuple[Sampling, ...]
) -> tuple[_Windows, float]:
    """The windows that `excerpt` names, and the duration of the whole track in seconds."""
    length = source.length()
    windows = None
    if length is None or length <= excerpt.total:
        windows, length = _whole(source, excerpt, samplings)
    return windows or _excerpts(source, excerpt, samplings, length), length


def _channel_that_sounds(
    path: Path, channels: int, excerpt: Excerpt, samplings: tuple[Sampling, ...], peak: float
) -> _Windows | None:
    """The first channel that is far louder than the mean of all: they cancel each other out."""
    for channel in range(channels if channels > 1 else 0):
        windows, _ = _decoded(Source(path, channel=channel), excerpt, samplings)
        if _peak(windows) >= max(SILENCE, _CANCELLED * peak):
            return windows
    return None


def _peak(windows: _Windows) -> float:
    peaks = (float(np.abs(window).max(initial=0)) for window in windows[ESSENTIA])
    return max(peaks, default=0.0)


def _whole(
    source: Source, excerpt: Excerpt, samplings: tuple[Sampling, ...]
) -> tuple[_Windows | None, float]:
    """The whole track and its duration; None and the true duration if it is too long for that."""
    spans = {  # a second more, for rounded headers
        sampling: (0, math.ceil(excerpt.total * sampling.rate) + sampling.rate)
        for sampling in samplings
    }
    windows = _window(source, spans)
    samples = windows[ESSENTIA]
    seconds = len(samples) / SAMPLE_RATE
    if len(samples) == spans[ESSENTIA][1]:  # the header said less than the truth
        return None, max(seconds, source.counted() or 0.0)
    if source.declared and seconds < MIN_SHARE * source.declared - _PADDING:
        raise _cut_off(seconds, source.declared)
    return {sampling: [window] for sampling, window in windows.items()}, seconds


def _excerpts(
    source: Source, excerpt: Excerpt, samplings: tuple[Sampling, ...], length: float
) -> _Windows:
    if source.declared and not source.reaches(MIN_SHARE * source.declared):
        raise TrackError(
            "decode", f"cut off: it ends before 90% of the {source.declared:.1f} s it declares"
        )
    spans = {sampling: excerpt.spans(length, sampling.rate) for sampling in samplings}
    windows: _Windows = {sampling: [] for sampling in samplings}
    for number in range(len(spans[ESSENTIA])):
        window = _window(source, {sampling: spans[sampling][number] for sampling in samplings})
        for sampling, samples in window.items():
            windows[sampling].append(samples)
    seconds = sum(map(len, windows[ESSENTIA])) / SAMPLE_RATE
    if seconds < MIN_SHARE * excerpt.total:
        raise _cut_off(seconds, excerpt.total)
    return windows


def _window(
    source: Source, spans: Mapping[Sampling, tuple[int, int]]
) -> dict[Sampling, NDArray[np.float32]]:
    """One window by each sampling, from its first sample to its last, out of one decoding.

    It begins where the reference's does, so that what is decoded of a file whose codec leans on
    what went before never depends on the models that listen.
    """
    resamplers = {
        sampling: resampler(source.rate, sampling, first=first, last=last)
        for sampling, (first, last) in spans.items()
    }
    parts = {sampling: [np.zeros(0, np.float32)] for sampling in spans}
    for at, samples in source.blocks(resamplers[ESSENTIA].starts_at):
        if not np.isfinite(samples).all():
            raise TrackError("decode", "it holds samples that are not numbers (NaN or infinite)")
        for sampling, resampling in resamplers.items():
            if not resampling.done:
                parts[sampling].append(resampling.feed(at, samples))
        if all(resampling.done for resampling in resamplers.values()):
            break
    for sampling, resampling in resamplers.items():
        parts[sampling].append(resampling.finish())
    return {sampling: np.concatenate(arrays) for sampling, arrays in parts.items()}


def _demand_sound(windows: _Windows) -> None:
    if not any(map(len, windows[ESSENTIA])):
        raise TrackError("decode", "no audio in it could be decoded")
    if _peak(windows) < SILENCE:
        raise TrackError("decode", "silent (its peak is below -60 dBFS)")


def _cut_off(seconds: float, expected: float) -> TrackError:
    return TrackError("decode", f"cut off: {seconds:.1f} of {expected:.1f} s can be decoded")
