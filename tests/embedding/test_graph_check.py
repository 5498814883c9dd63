"""A graph is judged before anything runs it."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tensorboard.compat.proto.attr_value_pb2 import AttrValue
from tensorboard.compat.proto.graph_pb2 import GraphDef
from tensorboard.compat.proto.node_def_pb2 import NodeDef

import standins
from artistindex.embedding.graph_check import (
    ALLOWED_OPS,
    MAX_NODES,
    MAX_VALUES,
    check_graph_is_safe,
)
from artistindex.embedding.graph_def import read_graph_def
from artistindex.embedding.registry import MODELS, spec_of
from artistindex.errors import WeightsError
from graphdefs import const, node, shape

EFFNET = spec_of("discogs-effnet")


@pytest.mark.parametrize("name", MODELS)
def test_a_stand_in_of_every_model_passes(name: str, tmp_path: Path) -> None:
    check_graph_is_safe(standins.write_model(name, tmp_path / "m.pb"), spec_of(name))


def test_ops_inside_functions_are_read_and_outputs_counted(tmp_path: Path) -> None:
    graph = read_graph_def(standins.write_effnet(tmp_path / "m.pb", function_library=True))
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


def with_functions(path: Path, *calls: tuple[str, list[str]]) -> Path:
    """An EffNet whose library has more functions; each calls others, the first by the graph."""
    message = GraphDef.FromString(standins.write_effnet(path).read_bytes())
    for name, others in calls:
        function = message.library.function.add()
        function.signature.name = name
        function.node_def.extend(call(f"call{n}", other) for n, other in enumerate(others))
    message.node.append(call("extra", calls[0][0]))
    path.write_bytes(message.SerializeToString())
    return path


def call(name: str, function: str) -> NodeDef:
    return node(name, "PartitionedCall", Tin=[], Tout=[], f=AttrValue(func={"name": function}))


def with_nodes(path: Path, *nodes: NodeDef) -> Path:
    message = GraphDef.FromString(standins.write_effnet(path).read_bytes())
    message.node.extend(nodes)
    path.write_bytes(message.SerializeToString())
    return path


def refusal(path: Path) -> str:
    with pytest.raises(WeightsError) as caught:
        check_graph_is_safe(path, EFFNET)
    line = str(caught.value)
    assert "\n" not in line
    assert "is refused: " in line
    return line


@pytest.mark.parametrize(
    "calls",
    [
        [("f", ["f"])],
        [("f", ["g"]), ("g", ["h"]), ("h", ["f"])],
        [("f", []), ("g", ["g"])],  # nobody calls g, and it is refused all the same
    ],
)
def test_a_function_that_reaches_itself(calls: list[tuple[str, list[str]]], tmp_path: Path) -> None:
    assert "reaches itself" in refusal(with_functions(tmp_path / "m.pb", *calls))


def test_functions_that_are_not_there_or_twice(tmp_path: Path) -> None:
    missing = with_functions(tmp_path / "m.pb", ("f", ["ReadFile"]))
    assert "calls 'ReadFile'" in refusal(missing)
    assert "comes twice" in refusal(with_functions(tmp_path / "m.pb", ("f", []), ("f", [])))


def test_a_function_hidden_in_the_attributes_of_a_call(tmp_path: Path) -> None:
    hidden = AttrValue(func={"name": "f"})
    hidden.func.attr["body"].list.func.add(name="ReadFile")
    path = with_functions(tmp_path / "m.pb", ("f", []))
    message = GraphDef.FromString(path.read_bytes())
    message.node.append(node("sly", "PartitionedCall", Tin=[], Tout=[], f=hidden))
    path.write_bytes(message.SerializeToString())
    assert "calls 'ReadFile'" in refusal(path)


def test_functions_that_expand_without_end(tmp_path: Path) -> None:
    doubling = [(f"f{n}", [f"f{n + 1}"] * 2) for n in range(40)] + [("f40", [])]
    assert "countless" not in refusal(with_functions(tmp_path / "m.pb", *doubling))
    assert f"more than {MAX_NODES:,}" in refusal(with_functions(tmp_path / "m.pb", *doubling))
    explosive = [(f"f{n}", [f"f{n + 1}"] * 10) for n in range(300)] + [("f300", [])]
    assert "countless nodes" in refusal(with_functions(tmp_path / "m.pb", *explosive))
    deep = [(f"f{n}", [f"f{n + 1}"]) for n in range(500)] + [("f500", [])]
    assert "502 deep" in refusal(with_functions(tmp_path / "m.pb", *deep))


@pytest.mark.parametrize(
    "nodes",
    [
        [node("a", "Identity", "a")],
        [node("a", "Add", "b", "c"), node("b", "Identity", "a:0"), node("c", "Identity", "a")],
        [node("a", "Identity", "^b"), node("b", "Identity", "a")],
        [node("a", "Merge", "b", "b"), node("b", "Switch", "a", "a")],
    ],
)
def test_nodes_that_wait_for_each_other(nodes: list[NodeDef], tmp_path: Path) -> None:
    assert "in a circle" in refusal(with_nodes(tmp_path / "m.pb", *nodes))


def test_two_nodes_of_one_name(tmp_path: Path) -> None:
    twice = [node("a", "NoOp"), node("a", "NoOp")]
    assert "have one name" in refusal(with_nodes(tmp_path / "m.pb", *twice))


def splat(*sizes: int) -> NodeDef:
    """A constant of many equal values, which takes a few bytes in the file."""
    constant = const("huge", 0.0)
    constant.attr["value"].tensor.tensor_shape.CopyFrom(shape(sizes))
    return constant


def sizes(name: str, *values: int) -> NodeDef:
    return const(name, np.array(values, np.int32))


@pytest.mark.parametrize(
    "nodes",
    [
        [splat(100_000, 100_000)],
        [sizes("dims", 70_000, 70_000), const("x", 0.0), node("a", "Fill", "dims", "x")],
        [sizes("dims", 70_000, 70_000), node("again", "Identity", "dims"), const("x", 0.0),
         node("a", "BroadcastTo", "x", "again")],
        [const("n", np.int32(70_000)), node("dims", "Pack", "n", "n"), const("x", 0.0),
         node("a", "Fill", "dims", "x")],
        [sizes("times", 1_000), const("x", np.zeros(1_000, np.float32)),
         *(node(f"t{n}", "Tile", f"t{n - 1}" if n else "x", "times") for n in range(3))],
        [const("zero", np.int32(0)), const("end", np.int32(2**31 - 1)), const("one", np.int32(1)),
         node("a", "Range", "zero", "end", "one")],
        [sizes("dims", 70_000, 70_000), node("a", "RandomUniform", "dims")],
        [sizes("indices", *range(60)), const("depth", np.int32(2**30)),
         node("a", "OneHot", "indices", "depth")],
    ],
)  # fmt: skip
def test_constants_and_fills_that_fill_the_memory(nodes: list[NodeDef], tmp_path: Path) -> None:
    assert f"over {MAX_VALUES:,}" in refusal(with_nodes(tmp_path / "m.pb", *nodes))


def test_constants_of_a_function_count_as_often_as_it_is_called(tmp_path: Path) -> None:
    path = with_functions(tmp_path / "m.pb", ("f", ["g"] * 30), ("g", []))
    message = GraphDef.FromString(path.read_bytes())
    message.library.function[1].node_def.append(splat(10_000, 10_000))
    path.write_bytes(message.SerializeToString())
    assert f"over {MAX_VALUES:,}" in refusal(path)


def test_no_op_of_the_list_touches_files_network_or_python() -> None:
    suspicious = ("file", "py", "socket", "rpc", "dataset", "print", "save", "restore", "library")
    assert not [op for op in ALLOWED_OPS if any(word in op.lower() for word in suspicious)]


def test_a_graph_of_another_model_is_told_apart(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="no output 'PartitionedCall:1'"):
        check_graph_is_safe(standins.write_without_output(tmp_path / "m.pb"), EFFNET)
    with pytest.raises(WeightsError, match="no input 'serving_default_melspectrogram'"):
        check_graph_is_safe(standins.write_vggish(tmp_path / "v.pb"), EFFNET)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "empty"),
        (b"<!DOCTYPE html>\n<html><body>404</body></html>", "web page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "Git LFS"),
        (b"PK\x03\x04" + bytes(200), "damaged"),
        (b"\x00", "damaged"),
    ],
)
def test_what_is_no_graph_is_named(content: bytes, expected: str, tmp_path: Path) -> None:
    path = tmp_path / "weights.pb"
    path.write_bytes(content)
    with pytest.raises(WeightsError, match=f"no TensorFlow graph.*{expected}"):
        check_graph_is_safe(path, EFFNET)


def test_a_file_over_the_limit_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "weights.pb"
    with path.open("wb") as file:
        file.truncate(2**31)  # sparse
    with pytest.raises(WeightsError, match="over 2 GiB"):
        read_graph_def(path)


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
        graph = read_graph_def(path)
    except WeightsError:
        return
    assert graph.nodes


def test_trained_graphs_hold_allowed_ops_only(shared: Path) -> None:
    for path in (shared / "models").glob("*.pb"):
        assert read_graph_def(path).ops <= ALLOWED_OPS, path
