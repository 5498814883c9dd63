"""Both engines run the same weights and say the same."""

import hashlib
import json
import multiprocessing
import os
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from numpy.typing import NDArray

import standins
from artistindex._util.dirs import cache_folder
from artistindex.embedding import engine, front_end, melspectrogram, openvino, weights
from artistindex.embedding.engine import (
    LIMIT,
    Engine,
    largest_difference,
    load_model,
    select_engine,
    self_check,
    synthetic_audio,
)
from artistindex.embedding.registry import spec_of
from artistindex.embedding.spec import SAMPLE_RATE, MelSpectrogram
from artistindex.embedding.weights import Weights
from artistindex.errors import EngineError, Misuse, Remedy

Floats = NDArray[np.float32]

if find_spec("essentia") is None:  # importing it here would let it write to the terminal
    pytest.skip("needs Essentia", allow_module_level=True)

CASES = ("discogs-effnet", "vggish", "musicnn", "function library")


def installed(path: Path, name: str) -> Weights:
    content = path.read_bytes()
    return Weights(spec_of(name), path, hashlib.sha256(content).hexdigest(), len(content))


def stand_in(case: str, folder: Path, seed: int = 0) -> Weights:
    path = folder / f"{case}.pb"
    if case == "function library":
        return installed(standins.write_effnet(path, seed, function_library=True), "discogs-effnet")
    return installed(standins.write_model(case, path, seed), case)


@pytest.fixture(params=CASES)
def model(request: pytest.FixtureRequest, tmp_path: Path) -> Weights:
    return stand_in(request.param, tmp_path)


class TestParity:
    def test_every_length_around_a_boundary(self, model: Weights) -> None:
        spec = model.spec
        reference, openvino_model = (
            load_model(model, engine=name) for name in ("essentia", "openvino")
        )
        assert isinstance(spec.front_end, MelSpectrogram)
        hop = spec.front_end.hop
        first = (spec.patch - 2 + (spec.batch is not None)) * hop
        audio = synthetic_audio(60)
        batch = openvino.WIRED_BATCH if spec.batch else openvino.FREE_BATCH
        lengths = [
            start + shift
            for start in (first, first + spec.hop * hop, first + (batch - 1) * spec.hop * hop)
            for shift in (-hop, 0, 1, hop)
        ]
        for length in [0, 1, hop, *lengths]:
            expected, embeddings = (
                reference.patches(audio[:length]),
                openvino_model.patches(audio[:length]),
            )
            assert embeddings.shape == expected.shape, length
            assert embeddings.dtype == expected.dtype == np.float32
            if len(embeddings):
                assert largest_difference(embeddings, expected) < 1e-4
        assert reference.dimension == openvino_model.dimension == embeddings.shape[1]

    def test_more_than_a_batch_of_essentia(self, model: Weights) -> None:
        audio = synthetic_audio(70)
        expected = load_model(model, engine="essentia").patches(audio)
        embeddings = load_model(model, engine="openvino").patches(audio)
        assert len(expected) > 40
        assert largest_difference(embeddings, expected) < 1e-4

    def test_an_answer_that_is_too_short_is_no_answer(
        self, model: Weights, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Without memory for a batch, OpenVINO infers without an error, and gives no rows."""
        openvino_model = openvino.OpenVinoModel(model)

        class Starved:
            def __getattr__(self, name: str) -> object:
                return lambda *_: SimpleNamespace(
                    data=np.empty((0, openvino_model.dimension), np.float32)
                )

        monkeypatch.setattr(openvino_model, "_request", Starved())
        with pytest.raises(MemoryError, match="OpenVINO gave 0 of"):
            openvino_model.patches(synthetic_audio(8))

    def test_bf16_stays_near(self, model: Weights) -> None:
        exact = load_model(model, engine="openvino").patches(synthetic_audio(8))
        try:
            rough = load_model(model, engine="openvino", precision="bf16")
        except EngineError as error:
            pytest.skip(str(error))
        difference = largest_difference(rough.patches(synthetic_audio(8)), exact)
        assert 1e-6 < difference < 1e-2

    def test_one_track_leaves_nothing_to_the_next(self, model: Weights) -> None:
        audio, other = synthetic_audio(12), synthetic_audio(5)[::-1].copy()
        for name in ("essentia", "openvino"):
            used = load_model(model, engine=name)
            before = used.patches(audio)
            used.patches(other)
            np.testing.assert_array_equal(used.patches(audio), before)

    def test_more_threads_change_nothing(self, model: Weights) -> None:
        audio = synthetic_audio(8)
        single, two = (load_model(model, engine="openvino", threads=n) for n in (1, 2))
        assert largest_difference(two.patches(audio), single.patches(audio)) < 1e-5

    def test_trained_weights(self, shared: Path) -> None:
        """A graph with further placeholders: labels, and a switch for training."""
        path = shared / "models" / "genre_dortmund_musicnn_msd.pb"
        audio = synthetic_audio(8)
        model = installed(path, "musicnn")
        expected = load_model(model, engine="essentia").patches(audio)
        embeddings = load_model(model, engine="openvino").patches(audio)
        assert largest_difference(embeddings, expected) < 1e-4


class TestStandIns:
    """What the stand-ins promise: another hop, axis, patch or seed is another vector."""

    @pytest.mark.parametrize("name", ["discogs-effnet", "vggish", "musicnn"])
    def test_every_value_of_a_patch_counts(self, name: str, tmp_path: Path) -> None:
        loaded = openvino.OpenVinoModel(stand_in(name, tmp_path))
        spec = loaded.spec
        assert isinstance(spec.front_end, MelSpectrogram)
        random = np.random.default_rng(1)
        patch = random.standard_normal((spec.patch, spec.front_end.bands)).astype(np.float32)
        base = compute(loaded, patch)
        for frame in (0, 1, spec.patch // 2, spec.patch - 1):
            for band in (0, spec.front_end.bands - 1):
                nudged = patch.copy()
                nudged[frame, band] += 1
                assert np.abs(compute(loaded, nudged) - base).max() > 1e-4
        shifted = np.roll(patch, 1, axis=0)
        swapped = np.resize(patch.T, patch.shape)
        for other in (shifted, swapped):
            assert np.linalg.norm(compute(loaded, other) - base) > 0.05 * np.linalg.norm(base)

    @pytest.mark.parametrize("name", ["discogs-effnet", "vggish", "musicnn"])
    def test_a_seed_makes_a_model(self, name: str, tmp_path: Path) -> None:
        audio = synthetic_audio(4)
        same, again, other = (
            load_model(stand_in(name, tmp_path, seed), engine="openvino").patches(audio)
            for seed in (0, 0, 1)
        )
        np.testing.assert_array_equal(same, again)
        assert largest_difference(other, same) > 0.1


def compute(loaded: openvino.OpenVinoModel, patch: Floats) -> Floats:
    loaded._batch[0] = patch
    loaded._request.infer()
    row: Floats = loaded._request.get_output_tensor(0).data[0].copy()
    return row


class TestLoading:
    def test_what_cannot_be_meant(self, tmp_path: Path) -> None:
        model = stand_in("vggish", tmp_path)
        with pytest.raises(Misuse, match="unknown engine 'magic'; there are auto, essentia"):
            load_model(model, engine="magic")
        with pytest.raises(Misuse, match="unknown precision 'f8'"):
            load_model(model, precision="f8")
        with pytest.raises(Misuse, match="essentia computes in f32 only"):
            load_model(model, engine="essentia", precision="bf16")

    @pytest.mark.parametrize("name", ["essentia", "openvino"])
    def test_weights_that_do_not_fit_are_one_line(self, name: str, tmp_path: Path) -> None:
        bad = [
            standins.write_without_output(tmp_path / "other.pb"),
            standins.write_no_graph(tmp_path / "noise.pb"),
            tmp_path / "missing.pb",
        ]
        for path in bad:
            spec = spec_of("vggish")
            model = Weights(spec, path, hashlib.sha256(path.name.encode()).hexdigest(), 1)
            with pytest.raises(EngineError) as raised:
                load_model(model, engine=name)
            assert path.name in str(raised.value)
            assert "\n" not in str(raised.value)

    def test_an_engine_that_is_not_there(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        model = stand_in("vggish", tmp_path)
        monkeypatch.setitem(sys.modules, "essentia", None)
        with pytest.raises(EngineError, match="Essentia is not usable here") as raised:
            load_model(model, engine="essentia")
        assert raised.value.remedy is Remedy.INSTALL_ESSENTIA
        monkeypatch.setitem(sys.modules, "openvino", None)
        with pytest.raises(EngineError, match="OpenVINO is not usable here") as raised:
            load_model(model, engine="openvino")
        assert raised.value.remedy is Remedy.INSTALL_OPENVINO

    def test_bf16_needs_a_processor_that_has_it(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        runtime = openvino.import_openvino()
        monkeypatch.setattr(runtime.Core, "get_property", lambda *_: ["FP32"])
        with pytest.raises(EngineError, match="cannot compute in bf16") as raised:
            load_model(stand_in("vggish", tmp_path), engine="openvino", precision="bf16")
        assert raised.value.remedy is Remedy.USE_F32

    def test_neither_engine_says_a_word_or_asks_the_network(self, tmp_path: Path) -> None:
        model = stand_in("discogs-effnet", tmp_path)
        code = f"""
import sys, socket
socket.socket.connect = lambda *_: sys.exit("network")
from pathlib import Path
from artistindex.embedding.engine import load_model, synthetic_audio
from artistindex.embedding.registry import spec_of
from artistindex.embedding.weights import Weights
model = Weights(spec_of("discogs-effnet"), Path({str(model.path)!r}), {model.sha256!r}, 1)
for name in ("essentia", "openvino"):
    assert load_model(model, engine=name).patches(synthetic_audio(3)).shape == (1, 1280)
assert sys.modules.get("openvino_telemetry") is None
"""
        environment = {name: value for name, value in os.environ.items() if name[:3] != "TF_"}
        result = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, env=environment
        )
        assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


class TestConvertedModels:
    def test_converted_once_and_read_again(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        model = stand_in("vggish", tmp_path)
        audio = synthetic_audio(4)
        first = load_model(model, engine="openvino").patches(audio)
        monkeypatch.setattr(openvino, "_convert", None)
        np.testing.assert_array_equal(load_model(model, engine="openvino").patches(audio), first)

    def test_other_weights_are_another_entry(self, tmp_path: Path) -> None:
        for seed in (0, 1):
            load_model(stand_in("vggish", tmp_path, seed), engine="openvino")
        assert len(entries()) == 2

    @pytest.mark.parametrize("file", ["model.xml", "model.bin", "sha256.json"])
    @pytest.mark.parametrize("damage", ["gone", "empty", "cut", "flipped"])
    def test_a_damaged_entry_is_made_anew(self, file: str, damage: str, tmp_path: Path) -> None:
        model = stand_in("vggish", tmp_path)
        audio = synthetic_audio(4)
        first = load_model(model, engine="openvino").patches(audio)
        (entry,) = entries()
        spoil(entry / file, damage)
        np.testing.assert_array_equal(load_model(model, engine="openvino").patches(audio), first)
        assert openvino._hashes(entry) == json.loads((entry / "sha256.json").read_text())

    def test_what_a_killed_process_left_is_swept(self, tmp_path: Path) -> None:
        model = stand_in("vggish", tmp_path)
        load_model(model, engine="openvino")
        (entry,) = entries()
        left = entry.with_name(f"{entry.name}.half")
        left.mkdir()
        spoil(entry / "model.bin", "cut")
        load_model(model, engine="openvino")
        assert entries() == [entry]

    def test_a_cache_that_cannot_be_written_is_done_without(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        blocked = tmp_path / "blocked"
        blocked.touch()
        monkeypatch.setenv("ARTISTINDEX_CACHE", str(blocked))
        model = load_model(stand_in("vggish", tmp_path), engine="openvino")
        assert len(model.patches(synthetic_audio(4)))

    def test_processes_that_convert_at_once_agree(self, tmp_path: Path) -> None:
        model = stand_in("discogs-effnet", tmp_path)
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(3, mp_context=context) as pool:
            loads = [
                pool.submit(engine._timed, model, Engine.OPENVINO, synthetic_audio(3))
                for _ in "abc"
            ]
            embeddings = [load.result(60)[0] for load in loads]
        for other in embeddings[1:]:
            np.testing.assert_array_equal(other, embeddings[0])
        assert len(entries()) == 1


def entries() -> list[Path]:
    return [path for path in cache_folder("converted").iterdir() if path.is_dir()]


def spoil(path: Path, damage: str) -> None:
    content = bytearray(path.read_bytes())
    if damage == "gone":
        path.unlink()
    elif damage == "flipped":
        content[len(content) // 2] ^= 4
        path.write_bytes(content)
    else:
        path.write_bytes(content[: len(content) // 2 if damage == "cut" else 0])


class TestCheck:
    def test_openvino_is_taken_when_it_agrees(
        self, model: Weights, caplog: pytest.LogCaptureFixture
    ) -> None:
        assert select_engine(model) == "openvino"
        assert caplog.messages == []
        outcome = self_check(model)
        assert outcome.choice == "openvino"
        assert outcome.reason == ""
        assert outcome.difference is not None
        assert 0 < outcome.difference < LIMIT
        theirs, ours = outcome.runs
        assert (theirs.engine, ours.engine) == ("essentia", "openvino")
        assert theirs.patches == ours.patches > 3
        assert min(theirs.speed, ours.speed) > 0
        assert load_model(model).engine == "openvino"

    def test_the_outcome_is_kept_for_these_weights_and_versions(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        model = stand_in("vggish", tmp_path)
        select_engine(model)
        checked: list[Weights] = []

        def count(weights: Weights, **_: object) -> engine.SelfCheck:
            checked.append(weights)
            return self_check(weights)

        monkeypatch.setattr(engine, "self_check", count)
        select_engine(model)
        assert checked == []
        select_engine(stand_in("vggish", tmp_path, seed=1))
        assert len(checked) == 1
        monkeypatch.setattr(engine, "_version", lambda package: f"{package} of tomorrow")
        select_engine(model)
        assert len(checked) == 2

    @pytest.mark.parametrize("content", ["", "{}", "[]", "null", '{"runs": 3}', '{"runs": []}'])
    def test_a_spoilt_record_is_made_anew(self, content: str, tmp_path: Path) -> None:
        model = stand_in("vggish", tmp_path)
        select_engine(model)
        (record,) = cache_folder("checks").iterdir()
        record.write_text(content)
        assert select_engine(model) == "openvino"
        assert json.loads(record.read_text())["choice"] == "openvino"

    def test_a_difference_falls_back_with_one_line(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        model = stand_in("discogs-effnet", tmp_path)
        real = melspectrogram.log_mel
        monkeypatch.setattr(melspectrogram, "log_mel", lambda *a: real(*a) * np.float32(1.01))
        assert load_model(model).engine == "essentia"
        (line,) = caplog.messages
        assert line.startswith("discogs-effnet: using engine essentia, as openvino's embeddings")
        assert select_engine(model) == "essentia"  # the kept outcome says it again
        assert caplog.messages == [line, line]

    def test_another_number_of_patches_falls_back(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        real = front_end.patches
        monkeypatch.setattr(front_end, "patches", lambda *a: real(*a)[:-1])
        outcome = self_check(stand_in("vggish", tmp_path))
        assert outcome.choice == "essentia"
        assert "shape (7, 128), Essentia (8, 128)" in outcome.reason
        assert outcome.difference is None

    def test_nan_falls_back(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(
            melspectrogram, "log_mel", lambda *_: np.full((900, 64), np.nan, np.float32)
        )
        model = stand_in("vggish", tmp_path)
        model = replace(model, sha256="nan")
        samples = 898 * 160
        outcome = self_check(model, seconds=samples / SAMPLE_RATE)
        assert outcome.choice == "essentia"
        assert outcome.difference is None

    def test_without_essentia_openvino_runs_unchecked_and_says_so(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        monkeypatch.setitem(sys.modules, "essentia", None)
        assert select_engine(stand_in("vggish", tmp_path)) == "openvino"
        (line,) = caplog.messages
        assert "nothing to compare it with" in line
        assert not cache_folder("checks").exists()

    def test_without_openvino_essentia_runs(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        monkeypatch.setitem(sys.modules, "openvino", None)
        assert select_engine(stand_in("vggish", tmp_path)) == "essentia"
        assert "OpenVINO is not usable here" in caplog.messages[0]

    def test_bf16_cannot_fall_back(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "openvino", None)
        with pytest.raises(Misuse, match="f32 only"):
            select_engine(stand_in("vggish", tmp_path), precision="bf16")


class TestMusicnn:
    """The model of the package, against what its authors' code computed before the conversion."""

    @pytest.fixture
    def golden(self) -> dict[str, Floats]:
        with np.load(Path(__file__).parent / "data" / "musicnn.npz") as arrays:
            return dict(arrays)

    def test_openvino(self, golden: dict[str, Floats]) -> None:
        loaded = openvino.OpenVinoModel(weights.find_installed(spec_of("musicnn")))
        loaded._batch[:6] = golden["patches"]
        loaded._request.infer()
        for number, name in enumerate(("embeddings", "batch_norm")):
            embeddings = loaded._request.get_output_tensor(number).data[:6]
            assert embeddings.shape == (6, 200)
            assert largest_difference(embeddings, golden[name]) < 1e-5

    def test_essentia(self, golden: dict[str, Floats]) -> None:
        from artistindex.embedding.essentia import essentia_standard

        essentia_standard()
        import essentia
        from essentia.standard import TensorflowPredict

        spec = spec_of("musicnn")
        outputs = [spec.output, *spec.layers.values()]
        predict = TensorflowPredict(
            graphFilename=str(weights.path_of(spec)), inputs=[spec.input], outputs=outputs
        )
        pool = essentia.Pool()
        pool.set(spec.input, golden["patches"][:, None])
        embeddings = predict(pool)
        for output, name in zip(outputs, ("embeddings", "batch_norm"), strict=True):
            assert largest_difference(embeddings[output].reshape(6, 200), golden[name]) < 1e-4

    def test_the_engines_agree_on_sound(self) -> None:
        model = weights.find_installed(spec_of("musicnn"))
        expected = load_model(model, engine="essentia").outputs(synthetic_audio(8))
        outputs = load_model(model, engine="openvino").outputs(synthetic_audio(8))
        assert list(outputs) == list(expected) == ["", "batch-norm"]
        for layer in outputs:
            assert largest_difference(outputs[layer], expected[layer]) < 1e-4
