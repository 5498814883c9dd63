"""Oscillators, drums, strings and rooms: the instruments of the demo's musicians.

A sound is float32 of shape (samples,) at `RATE`, nominally within -1..1; pitches are in Hz, times
in seconds.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

RATE = 32_000
Sound = NDArray[np.float32]
Gain = Callable[[NDArray[np.floating]], NDArray[np.floating]]

_TABLE = 4096


def note(number: float) -> float:
    """The pitch of a MIDI note."""
    return float(440.0 * 2 ** ((number - 69) / 12))


def _sound(values: NDArray[np.floating] | np.generic) -> Sound:
    return np.asarray(values, np.float32)


def samples(seconds: float) -> int:
    """How many samples last so long."""
    return max(1, round(seconds * RATE))


def time(seconds: float) -> Sound:
    """The time of each sample."""
    return _sound(np.arange(samples(seconds)) / RATE)


# --- waves --------------------------------------------------------------------------------------


@lru_cache(maxsize=512)
def _cycle(shape: str, harmonics: int) -> Sound:
    """One period, without the harmonics that would fold back."""
    k = np.arange(1, max(2, harmonics + 1))
    spectrum = np.zeros(_TABLE // 2 + 1, np.complex128)
    if shape.startswith("pulse"):  # "pulse12": high for 12% of the period
        amplitude = np.sin(np.pi * k * int(shape[5:]) / 100) / k
    else:
        odd = k % 2
        amplitude = {"saw": 1 / k, "square": odd / k, "triangle": odd / k**2, "organ": 1 / k**1.6}[
            shape
        ]
    spectrum[k] = -1j * amplitude * _TABLE / 2
    cycle = np.fft.irfft(spectrum)
    return _sound(cycle / np.abs(cycle).max())


def wave(shape: str, hz: float | Sound, seconds: float, *, phase: float = 0.0) -> Sound:
    """A band-limited saw, square, triangle, organ or pulseNN; `hz` may move with time."""
    size = samples(seconds)
    pitch = np.broadcast_to(np.asarray(hz, np.float64), (size,))
    place = (np.cumsum(pitch) / RATE + phase) * _TABLE
    harmonics = min(_TABLE // 2 - 1, int(RATE / 2 / pitch.max()))
    return _sound(_cycle(shape, harmonics)[place.astype(np.int64) % _TABLE])


def sine(hz: float | Sound, seconds: float) -> Sound:
    """A sine; `hz` may move with time."""
    pitch = np.broadcast_to(np.asarray(hz, np.float64), (samples(seconds),))
    return _sound(np.sin(2 * np.pi * np.cumsum(pitch) / RATE))


def noise(seconds: float, rng: np.random.Generator) -> Sound:
    """White noise."""
    return _sound(rng.standard_normal(samples(seconds), dtype=np.float32) * np.float32(0.3))


def vibrato(hz: float, seconds: float, *, rate: float, depth: float, late: float = 0.3) -> Sound:
    """A pitch that begins to sway by `depth` (a share of it) after `late` seconds."""
    at = time(seconds)
    sway = depth * np.clip(at / late - 0.5, 0, 1) * np.sin(2 * np.pi * rate * at)
    return _sound(hz * (1 + sway))


def unison(
    shape: str, hz: float, seconds: float, rng: np.random.Generator, *, voices: int, spread: float
) -> Sound:
    """Several slightly detuned waves at once."""
    tuned = hz * (1 + spread * np.linspace(-1, 1, voices))
    parts = [wave(shape, float(voice), seconds, phase=float(rng.random())) for voice in tuned]
    return _sound(np.sum(parts, axis=0) / np.sqrt(voices))


# --- envelopes and filters ----------------------------------------------------------------------


def swell(sound: Sound, attack: float, release: float) -> Sound:
    """The sound faded in and out."""
    shaped = sound.copy()
    rise, fall = (min(samples(edge), len(sound) // 2) for edge in (attack, release))
    shaped[:rise] *= np.linspace(0, 1, rise, dtype=np.float32)
    shaped[len(sound) - fall :] *= np.linspace(1, 0, fall, dtype=np.float32)
    return shaped


def decay(sound: Sound, seconds: float, *, attack: float = 0.002) -> Sound:
    """The sound struck: an attack, then an exponential fall to 37% each `seconds`."""
    fall = np.exp(np.arange(len(sound), dtype=np.float32) / np.float32(-seconds * RATE))
    return swell(sound * fall, attack, 0.004)  # faded, so that it does not click where it is cut


def filtered(sound: Sound, gain: Gain) -> Sound:
    """The sound with each frequency (Hz) multiplied by `gain` of it."""
    size = _fast_length(len(sound))
    spectrum = np.fft.rfft(sound, size)
    spectrum *= gain(np.fft.rfftfreq(size, 1 / RATE)).astype(np.float32)
    return _sound(np.fft.irfft(spectrum, size)[: len(sound)])


def lowpass(hz: float, *, order: int = 3, resonance: float = 0.0) -> Gain:
    """Lets pass what is lower; `resonance` lifts what lies at the edge."""
    return lambda f: (
        1 / np.sqrt(1 + (f / hz) ** (2 * order))
        + resonance * np.exp(-(((f - hz) / (0.12 * hz)) ** 2))
    )


def highpass(hz: float, *, order: int = 3) -> Gain:
    """Lets pass what is higher."""
    return lambda f: 1 / np.sqrt(1 + (hz / np.maximum(f, 1e-3)) ** (2 * order))


def formants(*peaks: tuple[float, float, float], floor: float = 0.02) -> Gain:
    """Resonances of a mouth or a wooden body: (Hz, width in Hz, gain) each."""
    return lambda f: (
        floor
        + sum(
            (gain * np.exp(-(((f - hz) / width) ** 2)) for hz, width, gain in peaks),
            np.zeros_like(f),
        )
    )


def sweep(sound: Sound, dark: Gain, bright: Gain, amount: Sound) -> Sound:
    """A filter that moves: `amount` 0 is dark, 1 is bright."""
    return (filtered(sound, dark) * (1 - amount) + filtered(sound, bright) * amount).astype(
        np.float32
    )


def drive(sound: Sound, amount: float) -> Sound:
    """Soft distortion."""
    return _sound(np.tanh(sound * np.float32(amount)) / np.float32(np.tanh(amount)))


def _fast_length(size: int) -> int:
    """The next length of the form 2^n or 3 * 2^n, which an FFT is quick at."""
    power = 1 << (size - 1).bit_length()
    return power * 3 // 4 if power * 3 // 4 >= size else power


# --- drums and strings --------------------------------------------------------------------------


def kick(*, low: float = 48.0, snap: float = 220.0, length: float = 0.35) -> Sound:
    """A drum machine's kick: a sine that falls to `low`."""
    at = time(length)
    body = sine((low + snap * np.exp(-at / 0.028)).astype(np.float32), length)
    return drive(decay(body, length / 3, attack=0.001), 1.6)


def snare(rng: np.random.Generator, *, tone: float = 190.0, length: float = 0.22) -> Sound:
    """Two drum modes and a band of noise."""
    body = decay(sine(tone, length) + 0.6 * sine(tone * 1.7, length), 0.05)
    rattle = decay(filtered(noise(length, rng), highpass(1400)), length / 3, attack=0.001)
    return _sound(0.5 * body + 1.6 * rattle)


def clap(rng: np.random.Generator) -> Sound:
    """Four bursts of band-limited noise."""
    hiss = filtered(noise(0.3, rng), formants((1500, 900, 1.6), (3200, 1500, 0.6)))
    at = time(0.3)
    bursts = sum(
        (np.exp(-np.maximum(at - late, 0) / 0.012) * (at >= late) for late in (0, 0.011, 0.022)),
        np.zeros_like(at),
    )
    tail = 0.8 * np.exp(-np.maximum(at - 0.03, 0) / 0.07) * (at >= 0.03)
    return _sound(hiss * (bursts + tail))


def hat(rng: np.random.Generator, *, length: float = 0.06, bright: float = 7000.0) -> Sound:
    """A hi-hat."""
    return decay(filtered(noise(length, rng), highpass(bright, order=4)), length / 3, attack=0.001)


def cymbal(rng: np.random.Generator, *, length: float = 0.9) -> Sound:
    """A ride cymbal: inharmonic partials and a shimmer of noise."""
    partials = rng.uniform(2800, 11_000, 24)
    ping = np.sum([sine(float(hz), length) for hz in partials], axis=0).astype(np.float32) / 24
    wash = filtered(noise(length, rng), highpass(5000))
    return _sound(decay(ping, 0.16, attack=0.001) + 0.25 * decay(wash, 0.35))


def pluck(
    hz: float, seconds: float, rng: np.random.Generator, *, soft: float = 0.5, ring: float = 0.996
) -> Sound:
    """A plucked string (Karplus and Strong 1983), computed a period at a time."""
    period = max(2, round(RATE / hz))
    loop = _sound(rng.uniform(-1, 1, period))
    for _ in range(round(8 * soft)):
        loop = _sound(loop + np.roll(loop, 1)) / np.float32(2)
    loop /= np.abs(loop).max()
    periods = np.empty((-(-samples(seconds) // period), period), np.float32)
    for passed in periods:
        passed[:] = loop
        loop[1:] += passed[:-1]  # the mean of each sample and the one before ...
        loop[0] += passed[-1]
        loop *= np.float32(ring / 2)  # ... a little weaker
    return swell(periods.ravel()[: samples(seconds)], 0.001, 0.03)


def bell(hz: float, seconds: float, *, ratio: float = 3.5, index: float = 2.5) -> Sound:
    """A bell by frequency modulation (Chowning 1973)."""
    at = time(seconds)
    modulation = index * np.exp(-at / (seconds / 5)) * np.sin(2 * np.pi * hz * ratio * at)
    return decay(np.sin(2 * np.pi * hz * at + modulation).astype(np.float32), seconds / 3)


def room(sound: Sound, seconds: float, rng: np.random.Generator, *, dark: float = 4000.0) -> Sound:
    """The sound's echo in a room: what is heard besides the sound itself."""
    fall = np.exp(np.float32(-5 / seconds) * time(seconds))
    response = filtered(noise(seconds, rng), lowpass(dark, order=1)) * fall
    size = _fast_length(len(sound) + len(response))
    wet = np.fft.irfft(np.fft.rfft(sound, size) * np.fft.rfft(response, size), size)
    wet = wet[: len(sound)]
    return _sound(wet * (np.abs(sound).max() / max(1e-9, float(np.abs(wet).max()))))


# --- the desk -----------------------------------------------------------------------------------


class Desk:
    """Mixes mono sounds into a stereo track of a fixed length."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._tracks = np.zeros((2, samples(seconds)), np.float32)

    def put(self, sound: Sound, at: float, *, gain: float = 1.0, pan: float = 0.0) -> None:
        """Add a sound that begins `at` seconds; `pan` runs from -1 (left) to 1 (right)."""
        start = max(0, round(at * RATE))
        part = sound[: max(0, self._tracks.shape[1] - start)]
        for side, level in ((0, 1 - max(0.0, pan)), (1, 1 + min(0.0, pan))):
            self._tracks[side, start : start + len(part)] += np.float32(gain * level) * part

    def echoes(self, seconds: float, rng: np.random.Generator, *, wet: float, dark: float) -> None:
        """Put all that was mixed so far into a room, another one at each ear."""
        for side in (0, 1):
            self._tracks[side] += np.float32(wet) * room(
                self._tracks[side], seconds, rng, dark=dark
            )

    def master(self, *, warmth: float = 1.0) -> Sound:
        """The finished track, float32 of shape (samples, 2), peak 0.9."""
        loud = self._tracks / max(1e-9, float(np.abs(self._tracks).max()))
        mixed = drive(loud.astype(np.float32), warmth)
        mixed *= np.float32(0.9 / np.abs(mixed).max())
        return np.stack([swell(side, 0.01, 0.3) for side in mixed], axis=1)


def chord(root: float, intervals: Sequence[int]) -> list[float]:
    """The pitches of a chord over the MIDI note `root`."""
    return [note(root + interval) for interval in intervals]
