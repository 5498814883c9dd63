"""The mel front ends in numpy against Essentia's."""

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

import sounds
from artistindex.embedding import melspectrogram
from artistindex.embedding.front_end import model_input, patches
from artistindex.embedding.melspectrogram import frame_count, log_mel
from artistindex.embedding.registry import MODELS, MUSICNN_MEL, VGGISH_MEL, spec_of
from artistindex.embedding.spec import SAMPLE_RATE, MelSpectrogram, ModelSpec

Floats = NDArray[np.float32]
Reference = Callable[[Floats, MelSpectrogram], Floats]
FRONT_ENDS = pytest.mark.parametrize(
    "front_end", [MUSICNN_MEL, VGGISH_MEL], ids=["musicnn", "vggish"]
)
MUSIC = "/usr/share/games/wesnoth/1.16/data/core/music"


@pytest.fixture(scope="module")
def reference() -> Reference:
    """Essentia's frames, one by one."""
    if find_spec("essentia") is None:
        pytest.skip("needs Essentia")
    from artistindex.embedding.essentia import essentia_standard

    standard = essentia_standard()
    inputs = {
        MUSICNN_MEL: standard.TensorflowInputMusiCNN(),
        VGGISH_MEL: standard.TensorflowInputVGGish(),
    }

    def compute(samples: Floats, front_end: MelSpectrogram) -> Floats:
        frames = standard.FrameGenerator(
            samples,
            frameSize=front_end.frame,
            hopSize=front_end.hop,
            startFromZero=False,
            validFrameThresholdRatio=0,
        )
        return np.array([inputs[front_end](frame) for frame in frames], np.float32)

    return compute


def signals() -> dict[str, Floats]:
    random = np.random.default_rng(7)
    noise = 0.3 * random.standard_normal(3 * SAMPLE_RATE)
    signals_by_name = {
        "noise": noise,
        "clipped noise": np.clip(10 * noise, -1, 1),
        "quiet noise": 1e-4 * noise,
        "chord in noise": sounds.chord([220, 277, 330], 3, rate=SAMPLE_RATE) + 0.01 * noise,
        "silence": np.zeros(SAMPLE_RATE),
        "impulse": np.eye(1, SAMPLE_RATE, 777)[0],
        "square at full scale": np.sign(np.sin(np.arange(2 * SAMPLE_RATE) * 0.1)),
    }
    return {name: np.asarray(signal, np.float32) for name, signal in signals_by_name.items()}


@FRONT_ENDS
@pytest.mark.parametrize("name", signals())
def test_synthetic_signals_agree(
    name: str, front_end: MelSpectrogram, reference: Reference
) -> None:
    samples = signals()[name]
    expected, mel = reference(samples, front_end), log_mel(samples, front_end)
    assert mel.dtype == np.float32
    assert mel.shape == expected.shape
    np.testing.assert_allclose(mel, expected, rtol=0, atol=1e-4)


@FRONT_ENDS
def test_a_pure_tone_agrees_to_single_precision(
    front_end: MelSpectrogram, reference: Reference
) -> None:
    """Beside a full-scale tone the empty bands are rounding noise, and their logarithm shows it:
    against double precision Essentia itself is off by up to 6e-4 here."""
    tone = sounds.tone(440, 2, rate=SAMPLE_RATE, level=1.0)
    np.testing.assert_allclose(
        log_mel(tone, front_end), reference(tone, front_end), rtol=0, atol=1e-3
    )


@FRONT_ENDS
def test_real_music_agrees(front_end: MelSpectrogram, reference: Reference) -> None:
    tracks = sorted(Path(MUSIC).glob("*.ogg"))
    if not tracks:
        pytest.skip("needs the music of Debian's wesnoth-1.16-music")
    from artistindex.embedding.essentia import essentia_standard

    load = essentia_standard().MonoLoader(
        filename=str(tracks[0]), sampleRate=SAMPLE_RATE, resampleQuality=4
    )
    samples = np.asarray(load(), np.float32)[: 90 * SAMPLE_RATE]
    np.testing.assert_allclose(
        log_mel(samples, front_end), reference(samples, front_end), rtol=0, atol=1e-3
    )


@FRONT_ENDS
def test_frames_are_counted_as_essentia_does_around_every_boundary(
    front_end: MelSpectrogram, reference: Reference
) -> None:
    noise = signals()["noise"]
    blocks = melspectrogram.BLOCK * front_end.hop
    around = [1, front_end.hop, front_end.frame // 2, front_end.frame, 5 * front_end.hop]
    lengths = sorted({n + d for n in around for d in (-1, 0, 1)} - {0})
    for length in lengths:
        expected = reference(noise[:length], front_end)
        mel = log_mel(noise[:length], front_end)
        assert mel.shape == expected.shape == (frame_count(length, front_end), front_end.bands)
        np.testing.assert_allclose(mel, expected, rtol=0, atol=1e-4)
    for length in (blocks - 1, blocks, blocks + 1):
        long = np.resize(noise, length)
        assert log_mel(long, front_end).shape == (frame_count(length, front_end), front_end.bands)


@FRONT_ENDS
def test_blocks_leave_no_trace(front_end: MelSpectrogram, monkeypatch: pytest.MonkeyPatch) -> None:
    noise = signals()["noise"]
    whole = log_mel(noise, front_end)
    monkeypatch.setattr(melspectrogram, "BLOCK", 7)
    np.testing.assert_allclose(log_mel(noise, front_end), whole, rtol=0, atol=1e-5)


@FRONT_ENDS
def test_no_samples_no_frames(front_end: MelSpectrogram) -> None:
    assert log_mel(np.empty(0, np.float32), front_end).shape == (0, front_end.bands)
    assert frame_count(0, front_end) == 0


@FRONT_ENDS
@settings(max_examples=30, deadline=None)
@given(hops=st.integers(1, 40), seed=st.integers(0, 9))
def test_sound_a_hop_later_gives_frames_one_later(
    front_end: MelSpectrogram, hops: int, seed: int
) -> None:
    noise = np.random.default_rng(seed).standard_normal(20 * front_end.hop).astype(np.float32)
    later = np.concatenate([np.zeros(hops * front_end.hop, np.float32), noise])
    there = log_mel(later, front_end)[hops + 2 : -3]
    np.testing.assert_allclose(there, log_mel(noise, front_end)[2:-3], rtol=0, atol=1e-4)


@pytest.mark.parametrize(
    ("name", "shortest"), [("discogs-effnet", 32_513), ("vggish", 15_041), ("musicnn", 47_361)]
)
def test_the_shortest_sound_with_a_patch(name: str, shortest: int) -> None:
    """The lengths at which Essentia makes its first patch."""
    spec = spec_of(name)
    noise = np.random.default_rng(0).standard_normal(shortest).astype(np.float32)
    counts = [len(model_input(noise[:n], spec)) for n in (0, 1, shortest - 1, shortest)]
    assert counts == [0, 0, 0, 1]


@settings(max_examples=60, deadline=None)
@given(length=st.integers(0, 400_000), name=st.sampled_from(sorted(MODELS)))
def test_patches_are_windows_of_the_frames(length: int, name: str) -> None:
    spec: ModelSpec = spec_of(name)
    assert isinstance(spec.front_end, MelSpectrogram)
    frames = frame_count(length, spec.front_end)
    mel = np.arange(frames * 2, dtype=np.float32).reshape(frames, 2)
    cut = patches(mel, spec)
    count = max(0, 1 + (frames - spec.drop_last_frame - spec.patch) // spec.hop)
    assert cut.shape == (count, spec.patch, 2)
    for at, patch in enumerate(cut):
        np.testing.assert_array_equal(patch, mel[at * spec.hop : at * spec.hop + spec.patch])
