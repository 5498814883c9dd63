"""One process that feeds a device: tried with the processor in the place of a graphics card."""

import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import onnx_standins
import sounds
from artistindex.embedding import engine, onnxruntime, weights
from artistindex.embedding.device import DevicePool, PreparedTrack, PrepareJob, needs_device
from artistindex.embedding.embed import EmbedResult, Job, ModelConfig, embed_safely, embed_track
from artistindex.embedding.engine import (
    Engine,
    device_check,
    load_model,
    select_device,
    synthetic_audio,
)
from artistindex.embedding.onnxruntime import Device
from artistindex.embedding.registry import spec_of
from artistindex.embedding.weights import Weights
from artistindex.errors import EngineError, Misuse, Remedy, TrackError

_SITE = """
import artistindex.embedding.onnxruntime as runtime
runtime._PROVIDERS[runtime.Device.CUDA] = runtime._PROVIDERS[runtime.Device.CPU]
"""


@pytest.fixture
def model(tmp_path: Path) -> Weights:
    description = onnx_standins.describe(tmp_path / "my.toml", onnx_standins.WAVEFORM)
    return weights.install_own(description, onnx_standins.write_waveform(tmp_path / "w.onnx"))


@pytest.fixture
def card(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let this process, and those that it starts, take the processor for a card."""
    monkeypatch.setitem(onnxruntime._PROVIDERS, Device.CUDA, onnxruntime._PROVIDERS[Device.CPU])
    site = tmp_path / "site"
    site.mkdir()
    (site / "sitecustomize.py").write_text(_SITE)
    monkeypatch.setenv("PYTHONPATH", str(site))


def jobs(model: Weights, path: Path) -> tuple[Job, Job]:
    """The same track for the device, beside a model of the processor, and without a device."""
    musicnn = ModelConfig(weights.find_installed(spec_of("musicnn")), Engine.OPENVINO)
    mine = ModelConfig(model, Engine.ONNXRUNTIME, device=Device.CUDA)
    job = Job(7, path, path.name, (mine, musicnn))
    assert needs_device(job.models)
    here = replace(job, models=(replace(mine, device=Device.CPU), musicnn))
    assert not needs_device(here.models)
    return job, here


def vectors(result: EmbedResult) -> dict[tuple[str, str], Any]:
    return {(v.key.model, v.key.layer): (v.vector, v.patches, v.engine) for v in result.vectors}


def demand_equal(result: EmbedResult, expected: EmbedResult) -> None:
    assert (result.track_id, result.audio_sha256, result.seconds, result.failed_models) == (
        expected.track_id,
        expected.audio_sha256,
        expected.seconds,
        expected.failed_models,
    )
    assert vectors(result).keys() == vectors(expected).keys()
    for key, (vector, patches, engine_name) in vectors(expected).items():
        np.testing.assert_allclose(vectors(result)[key][0], vector, rtol=1e-5, atol=1e-7)
        assert vectors(result)[key][1:] == (patches, engine_name)


@pytest.mark.usefixtures("card")
def test_prepared_here_and_embedded_there_is_the_same(model: Weights, tmp_path: Path) -> None:
    job, here = jobs(model, sounds.write(tmp_path / "a.flac", sounds.music(4)))
    prepared = pickle.loads(pickle.dumps(embed_safely(PrepareJob(job))))
    assert isinstance(prepared, PreparedTrack)
    ((config, (patches,)),) = prepared.inputs
    assert (config.name, patches.shape) == ("my-model", (8, onnx_standins.PATCH))
    result = embed_safely(prepared)
    assert isinstance(result, EmbedResult)
    demand_equal(result, embed_track(here))
    assert {"decode", "load", "my-model", "musicnn"} <= result.timings.keys()


@pytest.mark.usefixtures("card")
def test_too_short_for_the_device_s_model(model: Weights, tmp_path: Path) -> None:
    job, here = jobs(model, sounds.write(tmp_path / "a.wav", sounds.music(0.4)))
    result = PrepareJob(job).run().run()
    assert sorted(result.failed_models) == sorted(embed_track(here).failed_models)
    assert len(result.failed_models) == 2


@pytest.mark.process
@pytest.mark.usefixtures("card")
def test_processes_that_decode_feed_the_one_of_the_device(model: Weights, tmp_path: Path) -> None:
    paths = [sounds.write(tmp_path / f"{n}.wav", sounds.music(4, seed=n)) for n in range(3)]
    broken = tmp_path / "broken.wav"
    broken.write_bytes(b"no audio")
    with DevicePool(1) as pool:
        futures = [pool.submit(jobs(model, path)[0]) for path in (*paths, broken)]
        results = [future.result(120) for future in futures]
    for path, result in zip(paths, results, strict=False):
        assert isinstance(result, EmbedResult)
        demand_equal(result, embed_track(jobs(model, path)[1]))
    assert isinstance(results[-1], TrackError)
    assert results[-1].stage == "decode"


class TestChoice:
    @pytest.mark.usefixtures("card")
    def test_a_device_is_taken_once_it_agrees(
        self, model: Weights, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert select_device(model) is Device.CUDA
        monkeypatch.setattr(engine, "device_check", None)  # its outcome is kept
        assert select_device(model, device="cuda", engine="onnxruntime") is Device.CUDA
        assert select_device(model, device="cpu") is Device.CPU
        assert select_device(model, engine="openvino") is Device.CPU
        assert select_device(model, precision="bf16") is Device.CPU

    @pytest.mark.usefixtures("card")
    def test_a_device_that_differs_is_refused(
        self,
        model: Weights,
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        timed = engine._timed

        def off(weights: Weights, name: Engine, samples: Any, device: Device = Device.CPU) -> Any:
            embeddings, run = timed(weights, name, samples, device)
            return (embeddings * 1.01 if device is Device.CUDA else embeddings), run

        monkeypatch.setattr(engine, "_timed", off)
        assert device_check(model).difference == pytest.approx(0.01, rel=1e-3)
        assert select_device(model) is Device.CPU
        (line,) = caplog.messages
        assert line.startswith("my-model: using the processor, as cuda differs by 1.0e-02")
        with pytest.raises(EngineError, match="my-model: cuda differs") as raised:
            select_device(model, device="cuda")
        assert raised.value.remedy is Remedy.USE_CPU

    def test_without_a_card_auto_is_the_processor(
        self, model: Weights, caplog: pytest.LogCaptureFixture
    ) -> None:
        assert not onnxruntime.has_cuda()
        assert select_device(model) is Device.CPU
        assert caplog.messages == []
        with pytest.raises(EngineError, match="no CUDA here") as raised:
            select_device(model, device="cuda")
        assert raised.value.details == {"extra": "gpu"}
        with pytest.raises(EngineError, match="no CUDA here"):
            load_model(model, engine="onnxruntime", device=Device.CUDA)

    def test_models_that_no_device_runs(self) -> None:
        musicnn = weights.find_installed(spec_of("musicnn"))
        assert select_device(musicnn) is Device.CPU
        with pytest.raises(Misuse, match="musicnn cannot run on cuda") as raised:
            select_device(musicnn, device="cuda")
        assert raised.value.remedy is Remedy.USE_CPU
        with pytest.raises(Misuse, match="unknown device 'tpu'; there are auto, cpu, cuda"):
            select_device(musicnn, device="tpu")


@pytest.mark.usefixtures("card")
def test_a_session_that_falls_back_silently_is_refused(
    model: Weights, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As ONNX Runtime does where the driver's libraries are missing."""
    monkeypatch.setitem(onnxruntime._PROVIDERS, Device.CUDA, ("CUDAExecutionProvider", {}))
    monkeypatch.setattr(onnxruntime, "has_cuda", lambda: True)
    with (
        pytest.warns(UserWarning, match="CUDAExecutionProvider"),
        pytest.raises(EngineError, match="no CUDA here"),
    ):
        load_model(model, engine="onnxruntime", device=Device.CUDA)


def test_a_device_gives_what_the_processor_gives_of_a_patch(model: Weights) -> None:
    loaded = onnxruntime.OnnxRuntimeModel(model)
    audio = synthetic_audio(2, onnx_standins.RATE)
    patches = audio[: 4 * onnx_standins.PATCH].reshape(4, -1)
    np.testing.assert_array_equal(loaded.infer(patches)[""], loaded.patches(audio))
