"""Descriptors: what is measured of sound that is known, how it is scaled and told."""

import json

import numpy as np
import pytest

from artistindex.embedding import descriptor_model, weights
from artistindex.embedding.descriptor_model import SAMPLE_RATE, DescriptorModel, _key_values
from artistindex.embedding.descriptors import NAMES, SCALING_FILE, describe, shipped_scaling
from artistindex.embedding.engine import Engine, engines_of, select_engine
from artistindex.embedding.registry import DESCRIPTORS, is_known, spec_of
from artistindex.errors import EngineError, Misuse, Remedy

A_MINOR = (220.0, 261.63, 329.63, 440.0)


def clicks(bpm: float, chord: tuple[float, ...], seconds: float = 20.0) -> np.ndarray:
    """A chord that is struck on every beat."""
    moments = np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    beat = moments % (60 / bpm)
    notes = sum(np.sin(2 * np.pi * pitch * moments) for pitch in chord)
    hiss = np.random.default_rng(0).standard_normal(len(moments)) * np.exp(-200 * beat)
    return np.asarray(0.1 * notes * np.exp(-4 * beat) + 0.3 * hiss, np.float32)


@pytest.fixture(scope="module")
def model() -> DescriptorModel:
    return DescriptorModel(weights.find_installed(DESCRIPTORS))


def test_tempo_and_key_of_a_sound_that_is_known(model):
    (vector,) = model.patches(clicks(120, A_MINOR))
    assert vector.shape == (len(NAMES),) == (DESCRIPTORS.dimension,)
    assert np.isfinite(vector).all()
    told = describe([vector], shipped_scaling())
    assert told is not None
    assert min(abs(told.bpm - tempo) for tempo in (60, 120)) <= 2
    assert told.key == "A minor"
    assert str(told) == f"{told.bpm} BPM, A minor"


def test_a_sound_is_measured_the_same_whatever_was_heard_before(model):
    first, other = clicks(120, A_MINOR), clicks(93, (261.63, 329.63, 392.0))
    alone = model.patches(other)
    model.patches(first)
    np.testing.assert_array_equal(model.patches(other), alone)


def test_louder_is_louder_and_nothing_else(model):
    quiet = clicks(120, A_MINOR)
    values = [
        dict(zip(NAMES, shipped_scaling().undo(model.patches(sound)[0]), strict=True))
        for sound in (quiet, 2 * quiet)
    ]
    assert values[1]["loudness"] - values[0]["loudness"] == pytest.approx(6.02, abs=0.1)
    assert values[1]["centroid"] == pytest.approx(values[0]["centroid"], abs=0.05)


def test_too_short_a_sound_has_none(model):
    assert model.patches(np.zeros(SAMPLE_RATE, np.float32)).shape == (0, len(NAMES))


@pytest.mark.parametrize("scale", ["major", "minor"])
@pytest.mark.parametrize("tonic", ["C", "Db", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B"])
def test_every_key_is_told_as_it_is(tonic, scale):
    values = dict.fromkeys(NAMES, 0.0)
    keys = ("key cosine", "key sine", "mode", "key strength")
    values |= dict(zip(keys, _key_values(tonic, scale, 0.8), strict=True))
    scaling = shipped_scaling()
    vector = (np.array(list(values.values())) - scaling.mean) / scaling.deviation
    told = describe([vector], scaling)
    assert told is not None
    assert told.key == f"{tonic} {scale}"


def test_the_scaling_takes_the_place_of_weights():
    installed = weights.find_installed(spec_of("descriptors"))
    assert installed.path == SCALING_FILE
    assert installed.identity == installed.sha256 == DESCRIPTORS.sha256
    assert json.loads(SCALING_FILE.read_text())["names"] == list(NAMES)
    assert is_known("descriptors")
    assert engines_of(DESCRIPTORS) == (Engine.ESSENTIA,)
    with pytest.raises(Misuse, match="descriptors runs in essentia, not in openvino"):
        select_engine(installed, engine="openvino")


def test_without_essentia_there_is_one_line(monkeypatch):
    def missing() -> None:
        raise EngineError("Essentia is not usable here (no module)")

    monkeypatch.setattr(descriptor_model, "essentia_standard", missing)
    with pytest.raises(EngineError, match="measured by Essentia alone") as raised:
        DescriptorModel(weights.find_installed(DESCRIPTORS))
    assert raised.value.remedy is Remedy.INSTALL_ESSENTIA_ALONE
