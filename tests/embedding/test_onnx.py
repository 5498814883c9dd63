"""Models of ONNX and of the user's own: checked before they run, alike in both engines."""

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import tomlkit
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

import onnx_standins
import standins
from artistindex._util.dirs import models_folder
from artistindex.audio.decode import decode
from artistindex.embedding import engine, onnxruntime, openvino, trial, weights
from artistindex.embedding.embed import Job, ModelConfig, embed_track
from artistindex.embedding.engine import (
    Engine,
    engines_of,
    largest_difference,
    load_model,
    select_engine,
    self_check,
    synthetic_audio,
)
from artistindex.embedding.front_end import model_input
from artistindex.embedding.graph_check import ALLOWED_ONNX_OPS, check_graph_is_safe
from artistindex.embedding.onnx_model import read_onnx
from artistindex.embedding.registry import MODELS, names, spec_of
from artistindex.embedding.spec import Format, ModelSpec
from artistindex.embedding.spec_file import read_spec, to_document
from artistindex.embedding.weights import Weights
from artistindex.errors import EngineError, Misuse, Remedy, WeightsError
from sounds import music, write

BOTH = ("onnxruntime", "openvino")
Make = Callable[[Path], Path]
CASES: dict[str, tuple[str, Make]] = {
    "waveform": (onnx_standins.WAVEFORM, onnx_standins.write_waveform),
    "waveform of a fixed batch": (
        onnx_standins.WAVEFORM,
        lambda path: onnx_standins.write_waveform(path, batch=4),
    ),
    "mel": (onnx_standins.MEL, onnx_standins.write_mel),
    "mel of a fixed batch": (
        onnx_standins.MEL,
        lambda path: onnx_standins.write_mel(path, batch=3),
    ),
    "transformer": (onnx_standins.MERT, onnx_standins.write_transformer),
}


def install(folder: Path, case: str) -> Weights:
    text, make = CASES[case]
    description = onnx_standins.describe(folder / "spec.toml", text)
    return weights.install_own(description, make(folder / "weights.onnx"))


@pytest.fixture(params=CASES)
def model(request: pytest.FixtureRequest, tmp_path: Path) -> Weights:
    return install(tmp_path, request.param)


class TestEngines:
    def test_both_say_the_same_at_every_length(self, model: Weights) -> None:
        spec = model.spec
        loaded = [load_model(model, engine=name) for name in BOTH]
        assert [one.engine for one in loaded] == list(BOTH)
        audio = synthetic_audio(6, spec.front_end.sample_rate)
        needed = spec.patch_samples
        for length in (0, 1, needed - spec.patch, needed + 600, 3 * needed, len(audio)):
            expected, embeddings = (one.patches(audio[:length]) for one in loaded)
            patches = model_input(audio[:length], spec)
            assert expected.shape == embeddings.shape == (len(patches), spec.dimension)
            assert expected.dtype == embeddings.dtype == np.float32
            if len(patches):
                assert largest_difference(embeddings, expected) < 1e-5

    def test_openvino_is_taken_once_it_agrees(
        self, model: Weights, caplog: pytest.LogCaptureFixture
    ) -> None:
        assert engines_of(model.spec) == (Engine.ONNXRUNTIME, Engine.OPENVINO)
        outcome = self_check(model)
        assert [run.engine for run in outcome.runs] == list(BOTH)
        assert (outcome.choice, outcome.reason) == (Engine.OPENVINO, "")
        assert outcome.difference is not None
        assert outcome.difference < 1e-5
        assert select_engine(model) == "openvino"
        assert caplog.messages == []


def test_a_patch_is_what_the_graph_computes(tmp_path: Path) -> None:
    """Against ONNX's own reference implementation, patch by patch, layer and mean by hand."""
    from onnx.reference import ReferenceEvaluator

    model = install(tmp_path, "transformer")
    samples = synthetic_audio(1.6, onnx_standins.RATE)
    patches = model_input(samples, model.spec)
    session = ReferenceEvaluator(str(model.path))
    (states,) = map(np.asarray, session.run(None, {"input_values": patches}))
    assert states.shape == (13, 3, 36, 8)
    for name in BOTH:
        embeddings = load_model(model, engine=name).patches(samples)
        assert largest_difference(embeddings, states[11].mean(axis=1)) < 1e-5


def test_a_difference_falls_back_to_the_reference(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    model = install(tmp_path, "waveform")
    monkeypatch.setattr(openvino, "model_input", lambda *a: model_input(*a) * np.float32(1.5))
    assert load_model(model).engine == "onnxruntime"
    (line,) = caplog.messages
    assert line.startswith("my-model: using engine onnxruntime, as openvino's embeddings differ")


def test_without_onnx_runtime_openvino_runs_unchecked_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    model = install(tmp_path, "waveform")
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    assert select_engine(model) == "openvino"
    assert "nothing to compare it with: ONNX Runtime is not usable here" in caplog.messages[0]
    with pytest.raises(EngineError) as raised:
        load_model(model, engine="onnxruntime")
    assert (raised.value.remedy, raised.value.details) == (Remedy.INSTALL_EXTRA, {"extra": "onnx"})


def test_an_engine_that_cannot_run_a_model_is_named(tmp_path: Path) -> None:
    model = install(tmp_path, "waveform")
    with pytest.raises(Misuse, match="my-model runs in onnxruntime and openvino, not in essentia"):
        load_model(model, engine="essentia")
    musicnn = weights.find_installed(spec_of("musicnn"))
    with pytest.raises(Misuse, match="musicnn runs in essentia and openvino, not in onnxruntime"):
        load_model(musicnn, engine="onnxruntime")


def test_both_engines_refuse_a_dimension_that_is_not_the_spec_s(tmp_path: Path) -> None:
    model = install(tmp_path, "waveform")
    other = replace(model, spec=replace(model.spec, dimension=17))
    with pytest.raises(EngineError, match="gives 16 values, my-model has 17"):
        onnxruntime.OnnxRuntimeModel(other)
    with pytest.raises(EngineError, match="does not answer them"):
        openvino.OpenVinoModel(other)


def test_a_graph_that_gives_one_answer_for_a_batch_is_refused(tmp_path: Path) -> None:
    net = onnx_standins.Net()
    flat = net.reshape("samples", 1, -1)
    rows = net.op("Slice", flat, *(net.const([v], np.int64) for v in (0, 16, 1)))
    path = net.write(
        tmp_path / "one.onnx",
        ("samples", ["batch", onnx_standins.PATCH]),
        {"embedding": (rows, ["batch", 16])},
    )
    description = onnx_standins.describe(tmp_path / "s.toml", onnx_standins.WAVEFORM)
    spec = read_spec(description)
    model = Weights(spec, path, "0" * 64, 1)
    audio = synthetic_audio(2, onnx_standins.RATE)
    with pytest.raises(EngineError, match="one embedding for each patch"):
        load_model(model, engine="onnxruntime").patches(audio)
    assert load_model(model, engine="openvino").patches(audio).shape == (4, 16)  # one by one


def test_one_track_for_models_of_several_rates(tmp_path: Path) -> None:
    configs = [
        ModelConfig(install(tmp_path, case), Engine.OPENVINO) for case in ("waveform", "mel")
    ]
    configs.append(ModelConfig(weights.find_installed(spec_of("musicnn")), Engine.OPENVINO))
    path = write(tmp_path / "a.flac", music(4))
    result = embed_track(Job(1, path, "a", tuple(configs)))
    assert result.failed_models == ()
    vectors = {v.key.model: (v.patches, len(v.vector)) for v in result.vectors if not v.key.layer}
    assert vectors == {"my-model": (8, 16), "my-mel": (4, 24), "musicnn": (1, 200)}
    assert result.audio_sha256 == decode(path).sha256


class TestInstalling:
    def test_an_own_model_is_known_by_its_name(self, tmp_path: Path) -> None:
        model = install(tmp_path, "mel")
        assert names() == [*MODELS, "descriptors", "mert-v1-95m", "my-mel"]
        assert spec_of("my-mel") == model.spec
        assert weights.find_installed(spec_of("my-mel")) == model
        assert model.path == models_folder() / "own" / "my-mel.onnx"
        assert model.spec.own

    def test_another_description_is_another_identity(self, tmp_path: Path) -> None:
        first = install(tmp_path, "transformer")
        text = onnx_standins.MERT.replace("layer = 11", "layer = 7")
        again = weights.install_own(
            onnx_standins.describe(tmp_path / "7.toml", text), tmp_path / "weights.onnx"
        )
        assert again.sha256 == first.sha256
        assert again.identity != first.identity != first.sha256
        renamed = text.replace("CC0", "CC BY").replace("layer = 7", "layer = 11")
        same = weights.install_own(
            onnx_standins.describe(tmp_path / "9.toml", renamed), tmp_path / "weights.onnx"
        )
        assert same.identity == first.identity

    def test_new_weights_replace_old_ones(self, tmp_path: Path) -> None:
        first = install(tmp_path, "waveform")
        other = onnx_standins.write_waveform(tmp_path / "other.onnx", seed=1)
        second = weights.install_own(tmp_path / "spec.toml", other)
        assert second.sha256 != first.sha256
        assert weights.find_installed(spec_of("my-model")) == second

    def test_removed_without_a_trace(self, tmp_path: Path) -> None:
        model = install(tmp_path, "waveform")
        load_model(model, engine="openvino")
        assert weights.remove(model.spec)
        assert not weights.remove(model.spec)
        assert "my-model" not in names()
        assert not list((models_folder() / "own").iterdir())
        assert "my-model" not in (models_folder() / "weights.json").read_text()

    def test_a_refused_file_leaves_the_old_model(self, tmp_path: Path) -> None:
        model = install(tmp_path, "waveform")
        bad = tmp_path / "bad.onnx"
        bad.write_bytes(b"nothing")
        text = onnx_standins.WAVEFORM.replace("CC0", "another")
        with pytest.raises(WeightsError, match="no ONNX model"):
            weights.install_own(onnx_standins.describe(tmp_path / "s.toml", text), bad)
        assert weights.find_installed(spec_of("my-model")) == model

    def test_a_missing_file_names_the_way_on(self, tmp_path: Path) -> None:
        model = install(tmp_path, "waveform")
        model.path.unlink()
        with pytest.raises(WeightsError, match=r"my-model needs my-model\.onnx") as raised:
            weights.download(model.spec)
        assert raised.value.remedy is Remedy.ADD_OWN_WEIGHTS

    def test_a_stated_sha256_must_be_the_file_s(self, tmp_path: Path) -> None:
        text = f'sha256 = "{"ab" * 32}"\n' + onnx_standins.WAVEFORM
        description = onnx_standins.describe(tmp_path / "s.toml", text)
        with pytest.raises(WeightsError, match=r"has sha256 .*…, my-model.onnx has abab"):
            weights.install_own(description, onnx_standins.write_waveform(tmp_path / "w.onnx"))

    @pytest.mark.parametrize("name", ["musicnn", "mert-v1-95m"])
    def test_names_of_the_package_are_taken(self, name: str, tmp_path: Path) -> None:
        text = onnx_standins.WAVEFORM.replace("my-model", name)
        with pytest.raises(Misuse, match=f"{name} is known already"):
            weights.install_own(onnx_standins.describe(tmp_path / "s.toml", text), tmp_path)

    def test_the_real_trial_runs_every_engine(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(weights, "try_weights", trial.try_weights)
        spec = read_spec(onnx_standins.describe(tmp_path / "s.toml", onnx_standins.WAVEFORM))
        path = onnx_standins.write_waveform(tmp_path / "w.onnx")
        assert trial.try_weights(spec, path, "0" * 64) == {"onnxruntime": None, "openvino": None}
        text = onnx_standins.MERT.replace("layer = 11", "layer = 13")
        onnx_standins.describe(tmp_path / "s.toml", text)
        with pytest.raises(WeightsError, match="13 layers, and no layer 13"):
            weights.install_own(
                tmp_path / "s.toml", onnx_standins.write_transformer(tmp_path / "t.onnx")
            )


def altered(path: Path, change: Callable[[Any], object]) -> Path:
    model = onnx.load(str(onnx_standins.write_waveform(path)))
    change(model)
    path.write_bytes(model.SerializeToString())
    return path


def spec_for(folder: Path, text: str = onnx_standins.WAVEFORM) -> ModelSpec:
    return read_spec(onnx_standins.describe(folder / "spec.toml", text))


def add_node(op: str, domain: str = "") -> Callable[[Any], object]:
    return lambda model: model.graph.node.append(
        helper.make_node(op, ["samples"], ["beyond"], domain=domain)
    )


def external(model: Any) -> None:
    tensor = model.graph.initializer[0]
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="/etc/passwd")


def external_in_a_node(model: Any) -> None:
    tensor = TensorProto(data_type=1, dims=[4], data_location=TensorProto.EXTERNAL)
    model.graph.node.append(helper.make_node("Constant", [], ["c"], value=tensor))


def in_a_branch(change: Callable[[Any], object]) -> Callable[[Any], object]:
    """The change, made inside a branch of an If."""

    def apply(model: Any) -> None:
        inner = onnx.ModelProto()
        inner.graph.CopyFrom(helper.make_graph([], "branch", [], []))
        change(inner)
        node = helper.make_node(
            "If", ["condition"], ["chosen"], then_branch=inner.graph, else_branch=inner.graph
        )
        model.graph.node.append(node)

    return apply


def fill(*shape: int) -> Callable[[Any], object]:
    def apply(model: Any) -> None:
        model.graph.initializer.append(numpy_helper.from_array(np.array(shape), "vast"))
        model.graph.node.append(helper.make_node("ConstantOfShape", ["vast"], ["filled"]))

    return apply


def resize(model: Any) -> None:
    sizes = numpy_helper.from_array(np.array([1, 1 << 20, 1 << 20]), "sizes")
    model.graph.initializer.append(sizes)
    model.graph.node.append(helper.make_node("Resize", ["samples", "", "", "sizes"], ["r"]))


def vast_constant(model: Any) -> None:
    model.graph.initializer.append(TensorProto(name="v", data_type=1, dims=[1 << 20, 1 << 20]))


def negative_constant(model: Any) -> None:
    model.graph.initializer.append(TensorProto(name="v", data_type=1, dims=[-1]))


def circle(model: Any) -> None:
    model.graph.node.extend(
        [helper.make_node("Relu", ["a"], ["b"]), helper.make_node("Relu", ["b"], ["a"])]
    )


def twice(model: Any) -> None:
    model.graph.node.append(model.graph.node[0])


def functions(*calls: tuple[str, list[str]]) -> Callable[[Any], object]:
    """Functions of the model; each calls others, and the graph the first."""

    def apply(model: Any) -> None:
        opsets = [helper.make_opsetid("", 17), helper.make_opsetid("own", 1)]
        for name, others in calls:
            nodes = [
                helper.make_node(other, ["x"], [f"y{at}"], domain="own")
                for at, other in enumerate(others)
            ] or [helper.make_node("Relu", ["x"], ["y0"])]
            model.functions.append(helper.make_function("own", name, ["x"], ["y0"], nodes, opsets))
        add_node(calls[0][0], "own")(model)

    return apply


DOUBLING = [(f"f{at}", [f"f{at + 1}"] * 2) for at in range(64)] + [("f64", [])]

HOSTILE: dict[str, tuple[Callable[[Any], object], str]] = {
    "an op of another domain": (add_node("CallPython", "ai.onnx.contrib"), "onnx.contrib.CallPy"),
    "a loop": (add_node("Loop"), "it holds Loop"),
    "a loop in a branch": (in_a_branch(add_node("Scan")), "it holds Scan"),
    "another file": (external, "other files"),
    "another file in a node": (external_in_a_node, "other files"),
    "another file in a branch": (in_a_branch(external_in_a_node), "other files"),
    "a vast constant": (vast_constant, "values, over"),
    "a constant of negative size": (negative_constant, "negative size"),
    "a vast fill": (fill(1 << 20, 1 << 20), "values, over"),
    "a vast fill in a branch": (in_a_branch(fill(1 << 40)), "values, over"),
    "a vast image": (resize, "values, over"),
    "a circle": (circle, "in a circle"),
    "two of one name": (twice, "one name"),
    "a function that reaches itself": (functions(("f", ["g"]), ("g", ["f"])), "reaches itself"),
    "functions that double": (functions(*DOUBLING), "it expands to"),
    "an op in a function": (functions(("f", ["Elsewhere"])), "own.Elsewhere"),
}


class TestCheck:
    @pytest.mark.parametrize("case", HOSTILE)
    def test_what_is_hostile_is_refused(self, case: str, tmp_path: Path) -> None:
        change, reason = HOSTILE[case]
        path = altered(tmp_path / "bad.onnx", change)
        with pytest.raises(WeightsError, match=f"is refused: .*{reason}"):
            check_graph_is_safe(path, spec_for(tmp_path))

    def test_functions_and_branches_that_are_harmless_pass(self, tmp_path: Path) -> None:
        path = altered(tmp_path / "good.onnx", functions(("f", ["g", "g"]), ("g", [])))
        check_graph_is_safe(path, spec_for(tmp_path))
        path = altered(tmp_path / "good.onnx", in_a_branch(fill(4, 4)))
        check_graph_is_safe(path, spec_for(tmp_path))

    @pytest.mark.parametrize(
        ("old", "new", "reason"),
        [
            ('"samples"', '"wave"', "has no input 'wave', only 'samples' \\[\\?, 12000\\]"),
            ('"embedding"', '"head"', "has no output 'head', only 'embedding' \\[\\?, 16\\]"),
            ("patch = 12000", "patch = 11999", r"\[\?, 12000\], but the spec's axes .* 11999\]"),
            ("dimension = 16", "dimension = 17", r"\[\?, 16\], but the spec's axes .* 17\]"),
            (
                'tensor = "embedding"',
                'tensor = "embedding"\naxes = ["batch", "time", "values"]',
                r"\[\?, 16\], but the spec's axes \(batch, time, values\)",
            ),
        ],
    )
    def test_a_description_of_another_model(
        self, old: str, new: str, reason: str, tmp_path: Path
    ) -> None:
        text = onnx_standins.WAVEFORM.replace(old, new)
        path = onnx_standins.write_waveform(tmp_path / "w.onnx")
        with pytest.raises(WeightsError, match=f"is not my-model: .*{reason}"):
            check_graph_is_safe(path, spec_for(tmp_path, text))

    def test_further_inputs_are_refused(self, tmp_path: Path) -> None:
        value = helper.make_tensor_value_info("attention_mask", TensorProto.FLOAT, ["batch"])
        path = altered(tmp_path / "w.onnx", lambda model: model.graph.input.append(value))
        with pytest.raises(WeightsError, match="further inputs, 'attention_mask'"):
            check_graph_is_safe(path, spec_for(tmp_path))

    def test_a_constant_that_is_also_an_input_is_none(self, tmp_path: Path) -> None:
        """Files of before ONNX 1.4 list every constant so."""

        def list_constants(model: Any) -> None:
            for tensor in model.graph.initializer:
                model.graph.input.append(
                    helper.make_tensor_value_info(tensor.name, tensor.data_type, tensor.dims)
                )

        path = altered(tmp_path / "old.onnx", list_constants)
        check_graph_is_safe(path, spec_for(tmp_path))

    def test_integers_for_sound_are_refused(self, tmp_path: Path) -> None:
        def change(model: Any) -> None:
            model.graph.input[0].type.tensor_type.elem_type = TensorProto.INT16

        with pytest.raises(WeightsError, match="'samples' takes no floating point"):
            check_graph_is_safe(altered(tmp_path / "w.onnx", change), spec_for(tmp_path))

    @pytest.mark.parametrize("content", [b"", b"<!doctype html>", b"\x08\x07" * 40])
    def test_what_is_no_model_is_named(self, content: bytes, tmp_path: Path) -> None:
        path = tmp_path / "w.onnx"
        path.write_bytes(content)
        with pytest.raises(WeightsError, match="is no ONNX model; it"):
            check_graph_is_safe(path, spec_for(tmp_path))

    def test_a_model_of_tensorflow_is_none_of_onnx(self, tmp_path: Path) -> None:
        path = standins.write_vggish(tmp_path / "w.onnx")
        with pytest.raises(WeightsError, match="is no ONNX model"):
            check_graph_is_safe(path, spec_for(tmp_path))

    def test_graphs_within_graphs_without_end_are_no_model(self, tmp_path: Path) -> None:
        path = tmp_path / "w.onnx"
        nested = b""
        for _ in range(5_000):  # attribute 5 of node 1 of graph 6 of ...
            for tag in (b"\x32", b"\x2a", b"\x0a"):
                nested = tag + _varint(len(nested)) + nested
        path.write_bytes(b"\x3a" + _varint(len(nested)) + nested)
        with pytest.raises(WeightsError, match="is no ONNX model"):
            check_graph_is_safe(path, spec_for(tmp_path))

    @settings(max_examples=100, deadline=None)
    @given(data=st.data())
    def test_any_damage_is_a_clean_refusal_or_harmless(
        self, data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
    ) -> None:
        path = tmp_path_factory.mktemp("damage") / "m.onnx"
        content = bytearray(onnx_standins.write_mel(path, sizes=(4, 4), width=2).read_bytes())
        for _ in range(data.draw(st.integers(1, 8))):
            content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
        path.write_bytes(content[: data.draw(st.integers(0, len(content)))])
        try:
            graph = read_onnx(path)
        except WeightsError:
            return
        assert graph.nodes

    def test_the_standard_defines_every_op_of_the_list(self) -> None:
        standard = {schema.name for schema in onnx.defs.get_all_schemas() if not schema.domain}
        assert standard >= ALLOWED_ONNX_OPS
        assert not ALLOWED_ONNX_OPS & {"Loop", "Scan", "SequenceMap", "ImageDecoder"}


def _varint(number: int) -> bytes:
    encoded = bytearray()
    while number > 127:
        encoded.append(number & 127 | 128)
        number >>= 7
    return bytes([*encoded, number])


def test_a_graph_of_tensorflow_that_is_one_s_own(tmp_path: Path) -> None:
    """VGGish's, described: the same vectors as by its row."""
    row = Weights(spec_of("vggish"), standins.write_vggish(tmp_path / "v.pb"), "2" * 64, 1)
    document = to_document(row.spec) | {"name": "my-vggish", "format": "tensorflow"}
    del document["url"]
    description = onnx_standins.describe(tmp_path / "v.toml", tomlkit.dumps(document))
    model = weights.install_own(description, row.path)
    assert engines_of(model.spec) == (Engine.OPENVINO,)
    audio = synthetic_audio(40)
    expected = load_model(row, engine="openvino").patches(audio)
    np.testing.assert_array_equal(load_model(model).patches(audio), expected)
    assert model.identity != row.identity


def test_the_row_of_discogs_effnet_s_onnx(tmp_path: Path) -> None:
    """With the tensors' names and shapes that the row expects, and random weights."""
    spec = spec_of("discogs-effnet-onnx")
    assert (spec.format, spec.bytes) == (Format.ONNX, 18_621_951)
    assert not spec.verified
    path = standins.write_model("discogs-effnet-onnx", tmp_path / "e.onnx")
    model = weights.install(spec, path, unverified=True)
    assert model.identity == model.sha256
    audio = synthetic_audio(4)
    expected, embeddings = (load_model(model, engine=name).patches(audio) for name in BOTH)
    assert expected.shape == (2, 512)
    assert largest_difference(embeddings, expected) < 1e-5


def test_mert_s_description_fits_a_network_of_its_shape(tmp_path: Path) -> None:
    spec = spec_of("mert-v1-95m")
    assert (spec.front_end.sample_rate, spec.output_layer, spec.dimension) == (24_000, 11, 768)
    assert not spec.verified
    assert not spec.own
    assert "CC BY-NC" in spec.licence
    path = onnx_standins.write_transformer(tmp_path / "m.onnx", width=768, layers=1)
    check_graph_is_safe(path, spec)
    small = onnx_standins.write_transformer(tmp_path / "s.onnx", width=8, layers=12)
    model = Weights(replace(spec, dimension=8), small, "1" * 64, 1)
    audio = synthetic_audio(10, 24_000)
    expected, embeddings = (load_model(model, engine=name).patches(audio) for name in BOTH)
    assert expected.shape == (2, 8)
    assert largest_difference(embeddings, expected) < 1e-5
    assert engine.engines_of(spec)[0] is Engine.ONNXRUNTIME
