"""Any model's front end: waveforms, mel spectrograms of other makes, axes in any order."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

import sounds
from artistindex.embedding.front_end import embeddings, input_shape, model_input
from artistindex.embedding.melspectrogram import frame_count, log_mel
from artistindex.embedding.registry import MUSICNN_MEL, spec_of
from artistindex.embedding.spec import (
    Axis,
    Format,
    Logarithm,
    ModelSpec,
    Padding,
    Scale,
    Waveform,
    Window,
)

Floats = NDArray[np.float32]
NOISE: Floats = sounds.noise(2, rate=24_000)

WAVEFORM = ModelSpec(
    name="waveform",
    file="waveform.onnx",
    url=None,
    bytes=None,
    sha256=None,
    input="samples",
    output="hidden",
    dimension=8,
    front_end=Waveform(24_000),
    patch=12_000,
    hop=6_000,
    batch=None,
    licence="none",
    format=Format.ONNX,
    input_axes=(Axis.BATCH, Axis.TIME),
    output_axes=(Axis.LAYER, Axis.BATCH, Axis.TIME, Axis.VALUES),
    output_layer=2,
)


class TestWaveform:
    def test_patches_are_places_of_the_sound(self) -> None:
        patches = model_input(NOISE, WAVEFORM)
        assert patches.shape == (7, 12_000)
        for at, patch in enumerate(patches):
            np.testing.assert_array_equal(patch, NOISE[at * 6_000 :][:12_000])

    @pytest.mark.parametrize("length", [0, 1, 11_999])
    def test_too_little_sound_gives_no_patch(self, length: int) -> None:
        assert model_input(NOISE[:length], WAVEFORM).shape == (0, 12_000)

    def test_standardised_patches(self) -> None:
        spec = replace(WAVEFORM, front_end=Waveform(24_000, standardise=True))
        patches = model_input(0.1 + 3 * NOISE, spec)
        assert patches.dtype == np.float32
        np.testing.assert_allclose(patches.mean(axis=1), 0, atol=1e-5)
        np.testing.assert_allclose(patches.var(axis=1), 1, atol=1e-3)
        silence = model_input(np.zeros(12_000, np.float32), spec)
        assert np.array_equal(silence, np.zeros((1, 12_000)))

    def test_a_channel_of_its_own(self) -> None:
        spec = replace(WAVEFORM, input_axes=(Axis.BATCH, Axis.CHANNEL, Axis.TIME))
        assert model_input(NOISE, spec).shape == (7, 1, 12_000)
        assert input_shape(spec) == (None, 1, 12_000)


def test_bands_before_time() -> None:
    spec = spec_of("musicnn")
    turned = replace(spec, input_axes=(Axis.BATCH, Axis.CHANNEL, Axis.BANDS, Axis.TIME))
    plain, other = model_input(NOISE, spec), model_input(NOISE, turned)
    assert other.shape == (len(plain), *(1, 96, 187)) == (len(plain), *input_shape(turned)[1:])
    np.testing.assert_array_equal(other[:, 0].transpose(0, 2, 1), plain)


class TestMel:
    def test_a_frame_is_what_its_parameters_say(self) -> None:
        """One band by hand: HTK triangles in hertz, power spectrum, decibels."""
        front_end = replace(
            MUSICNN_MEL,
            sample_rate=24_000,
            frame=600,
            hop=240,
            fft=1024,
            bands=20,
            scale=Scale.HTK,
            low=30.0,
            high=12_000.0,
            unit_area=False,
            window=Window.HANN_PERIODIC,
            logarithm=Logarithm.LOG10,
            factor=1.0,
            offset=0.0,
            floor=1e-10,
            gain=10.0,
            shift=-3.0,
            padding=Padding.NONE,
        )
        mel = log_mel(NOISE, front_end)
        assert mel.shape == (1 + (48_000 - 600) // 240, 20) == (frame_count(48_000, front_end), 20)
        window = np.hanning(601)[:-1]
        power = np.abs(np.fft.rfft(NOISE[480:1080] * window, 1024)) ** 2
        low, high = _htk([30, 12_000])
        edges = 700 * (10 ** (np.linspace(low, high, 22) / 2595) - 1)
        hertz = np.arange(513) * 24_000 / 1024
        rising = (hertz - edges[7]) / (edges[8] - edges[7])
        falling = (edges[9] - hertz) / (edges[9] - edges[8])
        band = power @ np.maximum(0, np.minimum(rising, falling))
        assert mel[2, 7] == pytest.approx(10 * np.log10(band) - 3, abs=1e-4)

    def test_reflected_edges(self) -> None:
        front_end = replace(MUSICNN_MEL, padding=Padding.REFLECT)
        mirrored = np.pad(NOISE, 256, mode="reflect")
        inside = replace(MUSICNN_MEL, padding=Padding.NONE)
        first = log_mel(NOISE, front_end)[0]
        np.testing.assert_allclose(first, log_mel(mirrored, inside)[0], atol=1e-5)
        assert frame_count(256, front_end) == len(log_mel(NOISE[:256], front_end)) == 0
        assert frame_count(257, front_end) == len(log_mel(NOISE[:257], front_end)) == 3

    def test_without_a_logarithm_the_bands_are_left_alone(self) -> None:
        plain = replace(MUSICNN_MEL, logarithm=Logarithm.NONE, factor=1.0, offset=0.0)
        expected = np.log10(1 + 10_000 * log_mel(NOISE, plain))
        np.testing.assert_allclose(log_mel(NOISE, MUSICNN_MEL), expected, atol=1e-5)


class TestOutput:
    def test_a_layer_and_the_mean_over_time(self) -> None:
        output = np.random.default_rng(0).standard_normal((4, 3, 5, 8)).astype(np.float32)
        rows = embeddings(output, WAVEFORM)
        np.testing.assert_allclose(rows, output[2].mean(axis=1), rtol=1e-6)
        last = replace(WAVEFORM, output_layer=-1)
        np.testing.assert_array_equal(embeddings(output, last), output[3].mean(axis=1))

    def test_half_precision_becomes_single(self) -> None:
        spec = replace(WAVEFORM, output_axes=(Axis.VALUES, Axis.BATCH), output_layer=None)
        output = np.arange(6, dtype=np.float16).reshape(3, 2)
        rows = embeddings(output, spec)
        assert rows.dtype == np.float32
        np.testing.assert_array_equal(rows, [[0, 2, 4], [1, 3, 5]])

    @pytest.mark.parametrize(
        ("shape", "why"), [((2, 8), "not 4 axes"), ((2, 3, 5, 8), "2 layers, and no layer 2")]
    )
    def test_other_axes_than_the_spec_says(self, shape: tuple[int, ...], why: str) -> None:
        with pytest.raises(ValueError, match=why):
            embeddings(np.zeros(shape, np.float32), WAVEFORM)


def _htk(hertz: list[float]) -> NDArray[np.float64]:
    return 2595 * np.log10(1 + np.array(hertz) / 700)
