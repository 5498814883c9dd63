"""Reading an ONNX model without ONNX and without running it.

Only the fields that decide what a model would do are read. Field numbers are those of
onnx/onnx.proto. The `onnx` package would bring them too, but nothing else that is needed here: the
engines read a model by themselves, and an install that runs none of ONNX pays for nothing.
"""

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from google.protobuf.message import DecodeError

from artistindex import naming
from artistindex.embedding.graph import (
    MAIN,
    MAX_INTEGERS,
    Graph,
    Node,
    Shape,
    add_function,
    no_graph,
    read_bytes,
)
from artistindex.embedding.protobuf import Fields, message_class
from artistindex.errors import WeightsError

_KIND = "ONNX model"
_DOMAINS = ("", "ai.onnx")  # of the ops that the standard defines
_FLOATS = (1, 10, 11)  # FLOAT, FLOAT16, DOUBLE of TensorProto.DataType
_INTEGERS = {6: "<i4", 7: "<i8"}  # INT32, INT64
_EXTERNAL = 1  # TensorProto.DataLocation


def read_onnx(path: Path) -> Graph:
    """Read the ONNX model in `path`.

    An op of another domain than the standard's goes by "domain.op", a function of the model by
    "domain::name", and the branches of a node by names of their own. Raises WeightsError where
    there is no model, names come twice, or its values lie in other files.
    """
    content = read_bytes(path, f"an {_KIND}")
    model = _message_class()()
    try:
        model.ParseFromString(content)
    except DecodeError:
        raise no_graph(path, _KIND, content) from None
    if not model.graph.node or not model.opset_import:
        raise no_graph(path, _KIND, content)
    reader = _Reader(path, {_key(function.domain, function.name) for function in model.functions})
    for function in model.functions:
        reader.read(_key(function.domain, function.name), function.node)
    reader.read(MAIN, model.graph.node, model.graph)
    constants = {tensor.name for tensor in model.graph.initializer}
    inputs = {value.name: value for value in model.graph.input if value.name not in constants}
    for value in inputs.values():
        if value.type.tensor_type.elem_type not in _FLOATS:
            name = naming.quoted(value.name)
            raise WeightsError(f"{path} is refused: its input {name} takes no floating point")
    return Graph(reader.bodies, _shapes(inputs), _shapes({v.name: v for v in model.graph.output}))


class _Reader:
    """Takes the bodies of a model apart, those of branches into bodies of their own."""

    def __init__(self, path: Path, functions: set[str]) -> None:
        self.bodies: dict[str, tuple[Node, ...]] = {}
        self._path = path
        self._functions = functions
        self._branches = 0

    def read(self, name: str, messages: Iterable[Any], graph: Any = None) -> None:
        """Read the nodes of a body and, where it is a graph, the constants beside them."""
        nodes = [node for message in messages for node in self._nodes(message)]
        if graph is not None:
            self._refuse_sparse(graph.sparse_initializer)
            nodes += [self._constant(tensor.name, tensor) for tensor in graph.initializer]
        add_function(self._path, self.bodies, name, tuple(nodes))

    def _nodes(self, message: Any) -> Iterator[Node]:
        """One node named by its first output; further outputs are nodes that pass it on."""
        outputs = [name for name in message.output if name]
        if not outputs:
            return
        tensor = None
        calls: list[str] = []
        for attribute in message.attribute:
            self._refuse_sparse([*attribute.sparse_tensors, *_present(attribute, "sparse_tensor")])
            for value in (*_present(attribute, "t"), *attribute.tensors):
                self._refuse_external(value)
                tensor = value
            for branch in (*_present(attribute, "g"), *attribute.graphs):
                self._branches += 1
                calls.append(f"branch {self._branches} of {outputs[0]}")
                self.read(calls[-1], branch.node, branch)
        key = _key(message.domain, message.op_type)
        if key in self._functions:
            calls.append(key)
        inputs = tuple(name for name in message.input if name)
        if message.op_type == "Constant" and message.domain in _DOMAINS:
            yield self._constant(outputs[0], tensor, message.attribute)
        else:
            op = key if key in self._functions else _op(message)
            yield Node(outputs[0], op, inputs, tuple(calls))
        for output in outputs[1:]:
            yield Node(output, "Identity", (outputs[0],), ())

    def _constant(self, name: str, tensor: Any, attributes: Iterable[Any] = ()) -> Node:
        """A constant that is a tensor, or the integers that a node has as an attribute."""
        if tensor is None:
            values = tuple(v for a in attributes for v in (*a.ints, *([a.i] if a.i else ())))
            integers = values if 0 < len(values) <= MAX_INTEGERS else None
            size = sum(max(1, len(a.ints) + len(a.floats)) for a in attributes)
            return Node(name, "Constant", (), (), size=size, integers=integers)
        self._refuse_external(tensor)
        if any(size < 0 for size in tensor.dims):
            raise WeightsError(f"{self._path} is refused: a constant has an axis of negative size")
        size = prod(tensor.dims)
        return Node(name, "Constant", (), (), size=size, integers=_integers(tensor, size))

    def _refuse_external(self, tensor: Any) -> None:
        if tensor.data_location == _EXTERNAL or tensor.external_data:
            raise WeightsError(
                f"{self._path} is refused: its values lie in other files (external data); save the"
                " model as one file"
            )

    def _refuse_sparse(self, tensors: Iterable[Any]) -> None:
        if any(True for _ in tensors):
            raise WeightsError(f"{self._path} is refused: it holds sparse constants")


def _present(attribute: Any, name: str) -> list[Any]:
    return [getattr(attribute, name)] if attribute.HasField(name) else []


def _key(domain: str, name: str) -> str:
    return f"{domain}::{name}"


def _op(message: Any) -> str:
    known = message.domain in _DOMAINS
    return str(message.op_type) if known else f"{message.domain}.{message.op_type}"


def _integers(tensor: Any, size: int) -> tuple[int, ...] | None:
    kind = _INTEGERS.get(tensor.data_type)
    if kind is None or size > MAX_INTEGERS:
        return None
    values = (*tensor.int32_data, *tensor.int64_data)
    if not values and len(tensor.raw_data) == size * int(kind[-1]):
        values = tuple(map(int, np.frombuffer(tensor.raw_data, kind)))
    return tuple(map(int, values)) if len(values) == size else None


def _shapes(values: Mapping[str, Any]) -> dict[str, Shape | None]:
    return {name: _shape(value.type.tensor_type) for name, value in values.items()}


def _shape(tensor: Any) -> Shape | None:
    if not tensor.HasField("shape"):
        return None
    return tuple(dim.dim_value if dim.dim_value > 0 else None for dim in tensor.shape.dim)


_MESSAGES: dict[str, Fields] = {
    "ModelProto": (
        ("graph", 7, "GraphProto"),
        ("opset_import", 8, "OperatorSetIdProto*"),
        ("functions", 25, "FunctionProto*"),
    ),
    "OperatorSetIdProto": (("domain", 1, "string"), ("version", 2, "int64")),
    "FunctionProto": (
        ("name", 1, "string"),
        ("node", 7, "NodeProto*"),
        ("domain", 10, "string"),
    ),
    "GraphProto": (
        ("node", 1, "NodeProto*"),
        ("initializer", 5, "TensorProto*"),
        ("input", 11, "ValueInfoProto*"),
        ("output", 12, "ValueInfoProto*"),
        ("sparse_initializer", 15, "SparseTensorProto*"),
    ),
    "NodeProto": (
        ("input", 1, "string*"),
        ("output", 2, "string*"),
        ("op_type", 4, "string"),
        ("attribute", 5, "AttributeProto*"),
        ("domain", 7, "string"),
    ),
    "AttributeProto": (
        ("i", 3, "int64"),
        ("t", 5, "TensorProto"),
        ("g", 6, "GraphProto"),
        ("floats", 7, "float*"),
        ("ints", 8, "int64*"),
        ("tensors", 10, "TensorProto*"),
        ("graphs", 11, "GraphProto*"),
        ("sparse_tensor", 22, "SparseTensorProto"),
        ("sparse_tensors", 23, "SparseTensorProto*"),
    ),
    "TensorProto": (
        ("dims", 1, "int64*"),
        ("data_type", 2, "int32"),
        ("int32_data", 5, "int32*"),
        ("int64_data", 7, "int64*"),
        ("name", 8, "string"),
        ("raw_data", 9, "bytes"),
        ("external_data", 13, "StringStringEntryProto*"),
        ("data_location", 14, "int32"),
    ),
    "SparseTensorProto": (("dims", 3, "int64*"),),
    "StringStringEntryProto": (("key", 1, "string"),),
    "ValueInfoProto": (("name", 1, "string"), ("type", 2, "TypeProto")),
    "TypeProto": (("tensor_type", 1, "Tensor"),),
    "Tensor": (("elem_type", 1, "int32"), ("shape", 2, "TensorShapeProto")),
    "TensorShapeProto": (("dim", 1, "Dimension*"),),
    "Dimension": (("dim_value", 1, "int64"),),
}


@cache
def _message_class() -> Any:
    return message_class("onnx_model", _MESSAGES, "ModelProto")
