"""A graph is judged before anything runs it."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import standins
from artistindex.embedding.graph_check import ALLOWED_OPS, check_graph_is_safe, read_graph
from artistindex.embedding.registry import MODELS, spec_of
from artistindex.errors import WeightsError

EFFNET = spec_of("discogs-effnet")


@pytest.mark.parametrize("name", MODELS)
def test_a_stand_in_of_every_model_passes(name: str, tmp_path: Path) -> None:
    check_graph_is_safe(standins.write_model(name, tmp_path / "m.pb"), spec_of(name))


def test_ops_inside_functions_are_read_and_outputs_counted(tmp_path: Path) -> None:
    graph = read_graph(standins.write_effnet(tmp_path / "m.pb", function_library=True))
    assert graph.nodes == {
        "serving_default_melspectrogram": "Placeholder",
        "PartitionedCall": "PartitionedCall",
    }
    assert {"MatMul", "Tanh", "Reshape"} <= graph.ops
    assert graph.has("PartitionedCall:1")
    assert graph.has("PartitionedCall")
    assert not graph.has("PartitionedCall:2")
    assert not graph.has("Elsewhere")


@pytest.mark.parametrize("op", ["ReadFile", "WriteFile", "PyFunc", "EagerPyFunc", "LoadLibrary"])
@pytest.mark.parametrize("in_function", [False, True])
def test_ops_that_reach_beyond_the_model_are_refused(
    op: str, in_function: bool, tmp_path: Path
) -> None:
    path = standins.write_with_forbidden_op(tmp_path / "m.pb", op, in_function=in_function)
    with pytest.raises(WeightsError, match=f"refused.*{op}"):
        check_graph_is_safe(path, EFFNET)


def test_no_op_of_the_list_touches_files_network_or_python() -> None:
    suspicious = ("file", "py", "socket", "rpc", "dataset", "print", "save", "restore", "library")
    assert not [op for op in ALLOWED_OPS if any(word in op.lower() for word in suspicious)]


def test_a_graph_of_another_model_is_told_apart(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="no output 'PartitionedCall:1'"):
        check_graph_is_safe(standins.write_without_output(tmp_path / "m.pb"), EFFNET)
    with pytest.raises(WeightsError, match="no input 'serving_default_melspectrogram'"):
        check_graph_is_safe(standins.write_vggish(tmp_path / "v.pb"), EFFNET)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "empty"),
        (b"<!DOCTYPE html>\n<html><body>404</body></html>", "web page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "Git LFS"),
        (b"PK\x03\x04" + bytes(200), "damaged"),
        (b"\x00", "damaged"),
    ],
)
def test_what_is_no_graph_is_named(content: bytes, said: str, tmp_path: Path) -> None:
    path = tmp_path / "weights.pb"
    path.write_bytes(content)
    with pytest.raises(WeightsError, match=f"no TensorFlow graph.*{said}"):
        check_graph_is_safe(path, EFFNET)


def test_a_file_over_the_limit_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "weights.pb"
    with path.open("wb") as file:
        file.truncate(2**31)  # sparse
    with pytest.raises(WeightsError, match="over 2 GiB"):
        read_graph(path)


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_any_damage_is_a_clean_refusal_or_harmless(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("damage") / "m.pb"
    content = bytearray(standins.write_vggish(path).read_bytes())
    for _ in range(data.draw(st.integers(1, 8))):
        content[data.draw(st.integers(0, 400))] = data.draw(st.integers(0, 255))
    path.write_bytes(content[: data.draw(st.integers(0, len(content)))])
    try:
        graph = read_graph(path)
    except WeightsError:
        return
    assert graph.nodes


def test_trained_graphs_hold_allowed_ops_only(shared: Path) -> None:
    for path in (shared / "models").glob("*.pb"):
        assert read_graph(path).ops <= ALLOWED_OPS, path
