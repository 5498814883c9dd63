"""Models of TFLite: a FlatBuffer that is read with care, and a trained one that runs."""

import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

import onnx_standins
import sounds
from artistindex.embedding import weights
from artistindex.embedding.engine import (
    Engine,
    engines_of,
    load_model,
    select_engine,
    synthetic_audio,
)
from artistindex.embedding.graph_check import check_graph_is_safe
from artistindex.embedding.spec import ModelSpec
from artistindex.embedding.spec_file import read_spec
from artistindex.embedding.tflite_model import read_tflite
from artistindex.errors import WeightsError

YAMNET = """
name = "yamnet"
licence = "Apache-2.0"
format = "tflite"

[input]
kind = "mel"
tensor = "feature_patch_in:0"
sample_rate = 16000
patch = 96
hop = 48

[mel]
fft = 512
frame = 400
hop = 160
bands = 64
scale = "htk"
triangles = "mel"
low = 125
high = 7500
unit_area = false
power = 1
offset = 0.001

[output]
tensor = "tower0/network/layer32/final_output:0"
dimension = 521
"""


@pytest.fixture
def yamnet(shared: Path) -> Path:
    return shared / "models" / "yamnet_spectra_in.tflite"


def describe(folder: Path, text: str = YAMNET) -> ModelSpec:
    return read_spec(onnx_standins.describe(folder / "spec.toml", text))


def table(*fields: bytes | None) -> bytes:
    """A table with its vtable before it; a field is a number, or a list that lies behind."""
    slots, body, behind = b"", b"", b""
    size = 4 + sum(4 for field in fields if field is not None)
    for field in fields:
        if field is None:
            slots += struct.pack("<H", 0)
            continue
        slots += struct.pack("<H", 4 + len(body))
        if len(field) == 4 and field[:1] != b"@":
            body += field
        else:
            body += struct.pack("<I", size - 4 - len(body) + len(behind))
            behind += field.removeprefix(b"@")
    vtable = struct.pack("<HH", 4 + len(slots), size) + slots
    return vtable + struct.pack("<i", len(vtable)) + body + behind


def numbers(*values: int) -> bytes:
    return b"@" + struct.pack(f"<I{len(values)}i", len(values), *values)


def tables(*contents: bytes) -> bytes:
    """A list of tables; a reference leads behind the vtable that each begins with."""
    places, behind = b"", b""
    for number, content in enumerate(contents):
        start = 4 * (len(contents) - number) + len(behind) + struct.unpack_from("<H", content)[0]
        places, behind = places + struct.pack("<I", start), behind + content
    return b"@" + struct.pack("<I", len(contents)) + places + behind


def text(value: str) -> bytes:
    content = value.encode()
    return b"@" + struct.pack("<I", len(content)) + content


def write(path: Path, *, op: int = 28, shape: tuple[int, ...] = (1, 4), graphs: int = 1) -> Path:
    """a -> `op` -> b, beside a constant of `shape`."""
    tensors = [
        table(numbers(1, 4), None, None, text("a")),
        table(numbers(1, 4), None, None, text("b")),
        table(numbers(*shape), None, None, text("c")),
    ]
    operator = table(struct.pack("<I", 0), numbers(0), numbers(1))
    graph = table(tables(*tensors), numbers(0), numbers(1), tables(operator))
    code = table(None, text("Beyond"), None, struct.pack("<i", op))
    model = table(struct.pack("<I", 3), tables(code), tables(*[graph] * graphs))
    start = 8 + struct.unpack_from("<H", model)[0]
    path.write_bytes(struct.pack("<I", start) + b"TFL3" + model)
    return path


def test_what_it_holds(tmp_path: Path) -> None:
    graph = read_tflite(write(tmp_path / "m.tflite"))
    assert graph.nodes == {"b": "TANH", "c": "Constant"}
    assert graph.inputs == {"a": (1, 4)}
    assert graph.has("b")
    assert not graph.has("d")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"op": 32}, "it holds custom Beyond"),
        ({"op": 119}, "it holds op 119"),  # a loop
        ({"op": 94}, "it holds op 94"),  # a fill
        ({"shape": (1 << 30, 1 << 30)}, "values, over"),
        ({"graphs": 2}, "it has 2 graphs"),
    ],
)
def test_what_is_hostile_is_refused(change: dict[str, int], reason: str, tmp_path: Path) -> None:
    path = write(tmp_path / "m.tflite", **change)  # type: ignore[arg-type]
    with pytest.raises(WeightsError, match=f"is refused: .*{reason}"):
        check_graph_is_safe(path, describe(tmp_path))


def test_another_model_is_told_apart(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"is not yamnet: it has no input .*, only 'a' \[1, 4\]"):
        check_graph_is_safe(write(tmp_path / "m.tflite"), describe(tmp_path))


@pytest.mark.parametrize("content", [b"", b"TFL3", b"\x08\x00\x00\x00TFL3", b"\xff" * 4 + b"TFL3"])
def test_what_is_no_model_is_named(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "m.tflite"
    path.write_bytes(content)
    with pytest.raises(WeightsError, match="is no TFLite model"):
        read_tflite(path)


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_any_damage_is_a_clean_refusal_or_harmless(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("damage") / "m.tflite"
    content = bytearray(write(path).read_bytes())
    for _ in range(data.draw(st.integers(1, 8))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content[: data.draw(st.integers(0, len(content)))])
    try:
        graph = read_tflite(path)
    except WeightsError:
        return
    assert graph.bodies


def test_a_trained_one_runs(yamnet: Path, tmp_path: Path) -> None:
    """YAMNet hears the same sound as more alike than another one."""
    description = onnx_standins.describe(tmp_path / "y.toml", YAMNET)
    model = weights.install_own(description, yamnet)
    assert engines_of(model.spec) == (Engine.OPENVINO,)
    assert select_engine(model) == "openvino"
    loaded = load_model(model)
    audio = synthetic_audio(4)
    patches = loaded.patches(audio)
    assert patches.shape == (7, 521)
    assert 0 <= patches.min() < patches.max() <= 1  # how likely each of AudioSet's classes is
    vector, again = patches.mean(axis=0), loaded.patches(audio[800:]).mean(axis=0)
    hiss = loaded.patches(sounds.noise(4, rate=16_000)).mean(axis=0)
    assert cosine(vector, again) > 0.95 > cosine(vector, hiss)
    inner = YAMNET.replace("layer32/final_output:0", "layer28/reduce_mean")
    with pytest.raises(WeightsError, match="has no output 'tower0/network/layer28/reduce_mean'"):
        check_graph_is_safe(yamnet, describe(tmp_path, inner))


def cosine(left: NDArray[np.float32], right: NDArray[np.float32]) -> float:
    return float(left @ right / np.sqrt((left @ left) * (right @ right)))
