"""Resampling through a filter, for models that are not Essentia's."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

import sounds
from artistindex.audio.decode import Excerpt, decode
from artistindex.audio.resample import (
    ESSENTIA,
    LinearResampler,
    Resampler,
    Sampling,
    SincResampler,
    resampler,
)

Floats = NDArray[np.float32]
MERT = Sampling(24_000)


def in_blocks(resampling: Resampler, signal: Floats, cuts: list[int]) -> Floats:
    edges = [0, *sorted(cuts), len(signal)]
    parts = [resampling.feed(a, signal[a:b]) for a, b in pairwise(edges)]
    return np.concatenate([*parts, resampling.finish()])


@pytest.mark.parametrize("rate", [8_000, 22_050, 44_100, 48_000, 96_000])
@pytest.mark.parametrize("to", [16_000, 24_000, 44_100, 48_000])
def test_a_tone_is_the_same_tone_at_another_rate(rate: int, to: int) -> None:
    signal = sounds.tone(1_000, 1, rate=rate).astype(np.float32)
    resampled = in_blocks(resampler(rate, Sampling(to)), signal, [])
    assert resampled.dtype == np.float32
    assert len(resampled) == to
    inside = slice(to // 10, -to // 10)
    expected = sounds.tone(1_000, 1, rate=to)
    np.testing.assert_allclose(resampled[inside], expected[inside], rtol=0, atol=5e-4)


def test_what_the_new_rate_cannot_hold_is_gone_and_not_heard_elsewhere() -> None:
    """Linear interpolation, which Essentia's models were published with, lets it alias."""
    signal = sounds.tone(15_000, 1, rate=44_100, level=1.0).astype(np.float32)
    filtered = in_blocks(resampler(44_100, MERT), signal, [])[2_400:-2_400]
    linear = in_blocks(LinearResampler(44_100, to=24_000), signal, [])[2_400:-2_400]
    assert np.abs(filtered).max() < 2e-4  # -74 dB
    assert np.abs(linear).max() > 0.3


@given(
    rates=st.sampled_from([(44_100, 24_000), (48_000, 24_000), (8_000, 24_000), (11_025, 48_000)]),
    cuts=st.lists(st.integers(1, 9_999), max_size=6, unique=True),
    span=st.tuples(st.integers(0, 3_000), st.integers(0, 3_000)),
)
def test_blocks_and_spans_change_nothing(
    rates: tuple[int, int], cuts: list[int], span: tuple[int, int]
) -> None:
    rate, to = rates
    signal = sounds.noise(10_000 / rate, rate=rate)
    at_once = in_blocks(SincResampler(rate, to=to), signal, [])
    assert len(at_once) == -(-10_000 * to // rate)
    np.testing.assert_allclose(
        in_blocks(SincResampler(rate, to=to), signal, cuts), at_once, rtol=0, atol=1e-6
    )
    first, last = min(span), min(max(span), len(at_once))
    part = SincResampler(rate, to=to, first=first, last=last)
    samples = np.concatenate([part.feed(part.starts_at, signal[part.starts_at :]), part.finish()])
    np.testing.assert_allclose(samples, at_once[first:last], rtol=0, atol=1e-6)
    assert part.done


def test_a_rate_that_needs_a_huge_filter_is_interpolated() -> None:
    assert isinstance(resampler(96_001, MERT), LinearResampler)
    assert isinstance(resampler(44_099, MERT), SincResampler)


def test_one_decoding_serves_every_rate(tmp_path: Path) -> None:
    path = sounds.write(tmp_path / "a.flac", sounds.music(3))
    alone, audio = decode(path), decode(path, samplings=(MERT, ESSENTIA, Sampling(48_000)))
    assert audio.sha256 == alone.sha256
    assert np.array_equal(audio.at(ESSENTIA)[0], alone.windows[0])
    assert [len(audio.at(Sampling(rate))[0]) for rate in (24_000, 48_000)] == [72_000, 144_000]
    with pytest.raises(KeyError):
        alone.at(MERT)


@pytest.mark.parametrize("suffix", [".flac", ".mp3"])
def test_an_excerpt_is_the_same_place_at_every_rate(tmp_path: Path, suffix: str) -> None:
    path = sounds.write(tmp_path / f"a{suffix}", sounds.music(8))
    excerpt = Excerpt.parse("2x1")
    alone = decode(path, excerpt=excerpt)
    cut = decode(path, excerpt=excerpt, samplings=(MERT,))
    assert cut.sha256 == alone.sha256
    (whole,) = decode(path, samplings=(MERT,)).at(MERT)
    for window, (first, last) in zip(
        cut.at(MERT), excerpt.spans(cut.duration, MERT.rate), strict=True
    ):
        edge = 48  # 2 ms, where the filter knows nothing of what went before
        np.testing.assert_allclose(window[edge:], whole[first + edge : last], rtol=0, atol=1e-3)


def test_channels_that_cancel_out_are_replaced_at_every_rate(tmp_path: Path) -> None:
    left = sounds.tone(440, 2)[:, None]
    path = sounds.write(tmp_path / "a.wav", np.concatenate([left, -left], axis=1))
    (window,) = decode(path, samplings=(MERT,)).at(MERT)
    assert np.abs(window).max() > 0.1
