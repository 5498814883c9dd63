"""Reading a TensorFlow GraphDef without TensorFlow and without running it.

Only the fields that decide what a graph would do are read. Field numbers are those of
tensorflow/core/framework/{graph,node_def,attr_value,function,tensor,tensor_shape,op_def}.proto.
"""

from collections.abc import Iterator
from functools import cache
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from google.protobuf.message import DecodeError

from artistindex.embedding.graph import (
    MAIN,
    MAX_INTEGERS,
    Graph,
    Node,
    add_function,
    no_graph,
    read_bytes,
    unique,
)
from artistindex.embedding.protobuf import Fields, message_class

_KIND = "TensorFlow graph"
_PLACEHOLDERS = ("Placeholder", "PlaceholderWithDefault")
_SEVERAL_OUTPUTS = {"IdentityN": "T", "PartitionedCall": "Tout", "StatefulPartitionedCall": "Tout"}
_INTEGERS = {3: "<i4", 9: "<i8"}  # DT_INT32, DT_INT64 of types.proto


def read_graph_def(path: Path) -> Graph:
    """Read the GraphDef in `path`. Raises WeightsError where there is none, or names come twice.

    Needs about twice the size of the file in memory for a moment.
    """
    content = read_bytes(path, f"a {_KIND}")
    message = _message_class()()
    try:
        message.ParseFromString(content)
    except DecodeError:
        raise no_graph(path, _KIND, content) from None
    if not message.node:
        raise no_graph(path, _KIND, content)
    nodes = unique(path, tuple(map(_node, message.node)))
    bodies = {MAIN: nodes}
    for function in message.library.function:
        add_function(path, bodies, function.signature.name, tuple(map(_node, function.node_def)))
    gradients = tuple(gradient.gradient_func for gradient in message.library.gradient)
    inputs = {node.name: None for node in nodes if node.op in _PLACEHOLDERS}
    return Graph(bodies, inputs, gradients=gradients)


def _node(message: Any) -> Node:
    types = _SEVERAL_OUTPUTS.get(message.op)
    tensor = message.attr["value"].tensor if message.op == "Const" else None
    return Node(
        name=message.name,
        op=message.op,
        inputs=tuple(name.lstrip("^").partition(":")[0] for name in message.input),
        calls=tuple(name for value in message.attr.values() for name in _calls(value)),
        outputs=len(message.attr[types].list.type) if types else 1,
        size=None if tensor is None else prod(max(1, d.size) for d in tensor.tensor_shape.dim),
        integers=None if tensor is None else _integers(tensor),
    )


def _calls(value: Any) -> Iterator[str]:
    """The functions that an attribute names, and those in the attributes of these."""
    pending = [value]
    while pending:
        attribute = pending.pop()
        for call in (attribute.func, *attribute.list.func):
            if call.name:
                yield call.name
            pending.extend(call.attr.values())


def _integers(tensor: Any) -> tuple[int, ...] | None:
    kind = _INTEGERS.get(tensor.dtype)
    if kind is None:
        return None
    values: tuple[int, ...] = tuple(map(int, (*tensor.int_val, *tensor.int64_val)))
    width = int(kind[-1])
    if not values and len(tensor.tensor_content) <= MAX_INTEGERS * width:
        whole = len(tensor.tensor_content) // width * width
        values = tuple(map(int, np.frombuffer(tensor.tensor_content[:whole], kind)))
    size: int = prod(max(1, dim.size) for dim in tensor.tensor_shape.dim)
    if not values or size > MAX_INTEGERS or len(values) > MAX_INTEGERS:
        return None
    return values + values[-1:] * (size - len(values))  # the last value stands for all that follow


_MESSAGES: dict[str, Fields] = {
    "GraphDef": (("node", 1, "NodeDef*"), ("library", 2, "FunctionDefLibrary")),
    "FunctionDefLibrary": (("function", 1, "FunctionDef*"), ("gradient", 2, "GradientDef*")),
    "GradientDef": (("function_name", 1, "string"), ("gradient_func", 2, "string")),
    "FunctionDef": (("signature", 1, "OpDef"), ("node_def", 3, "NodeDef*")),
    "OpDef": (("name", 1, "string"),),
    "NodeDef": (
        ("name", 1, "string"),
        ("op", 2, "string"),
        ("input", 3, "string*"),
        ("attr", 5, "AttrValue{}"),
    ),
    "AttrValue": (
        ("list", 1, "ListValue"),
        ("tensor", 8, "TensorProto"),
        ("func", 10, "NameAttrList"),
    ),
    "ListValue": (("type", 6, "int32*"), ("func", 9, "NameAttrList*")),
    "NameAttrList": (("name", 1, "string"), ("attr", 2, "AttrValue{}")),
    "TensorProto": (
        ("dtype", 1, "int32"),
        ("tensor_shape", 2, "TensorShapeProto"),
        ("tensor_content", 4, "bytes"),
        ("int_val", 7, "int32*"),
        ("int64_val", 10, "int64*"),
    ),
    "TensorShapeProto": (("dim", 2, "Dim*"),),
    "Dim": (("size", 1, "int64"),),
}


@cache
def _message_class() -> Any:
    return message_class("tensorflow_graph", _MESSAGES, "GraphDef")
