"""Reading a TensorFlow GraphDef without TensorFlow and without running it.

Only the fields that decide what a graph would do are read; protobuf skips all the others. Field
numbers are those of tensorflow/core/framework/{graph,node_def,attr_value,function,tensor,
tensor_shape,op_def}.proto.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError, Message

from artistindex import naming
from artistindex.errors import WeightsError

MAX_BYTES = 2**31 - 1  # what one protobuf message can hold
MAIN = ""  # the body that is no function of the library

_SEVERAL_OUTPUTS = {"IdentityN": "T", "PartitionedCall": "Tout", "StatefulPartitionedCall": "Tout"}
_INTEGERS = {3: "<i4", 9: "<i8"}  # DT_INT32, DT_INT64 of types.proto
_MAX_INTEGERS = 64  # a constant that says a shape has no more values


@dataclass(frozen=True, slots=True)
class Node:
    """A node of a graph or of a function.

    `inputs` are the names of the nodes that it waits for, in order; `calls` the functions that its
    attributes name. A constant has its number of values in `size` and, where it could say a shape,
    the values in `integers`.
    """

    name: str
    op: str
    inputs: tuple[str, ...]
    calls: tuple[str, ...]
    outputs: int = 1
    size: int | None = None
    integers: tuple[int, ...] | None = None


@dataclass(frozen=True)
class Graph:
    """The bodies of a GraphDef: its own nodes under `MAIN`, each function's under its name.

    `gradients` are the functions that the library names as gradients.
    """

    bodies: dict[str, tuple[Node, ...]]
    gradients: tuple[str, ...] = ()

    @cached_property
    def nodes(self) -> dict[str, str]:
        """The op of every node outside the functions."""
        return {node.name: node.op for node in self.bodies[MAIN]}

    @cached_property
    def ops(self) -> frozenset[str]:
        """Every op that is named anywhere."""
        return frozenset(node.op for body in self.bodies.values() for node in body)

    def has(self, tensor: str) -> bool:
        """Tell whether the graph computes `tensor`, named as "node" or "node:index"."""
        name, _, index = tensor.partition(":")
        outputs = {node.name: node.outputs for node in self.bodies[MAIN]}
        return int(index or 0) < outputs.get(name, 0)


def read_graph(path: Path) -> Graph:
    """Read the GraphDef in `path`. Raises WeightsError where there is none, or names come twice.

    Needs about twice the size of the file in memory for a moment.
    """
    if path.stat().st_size > MAX_BYTES:
        raise WeightsError(f"{path} is over 2 GiB, more than a TensorFlow graph can have")
    message: Any = _message_class()()
    content = path.read_bytes()
    try:
        message.ParseFromString(content)
    except DecodeError:
        raise WeightsError(f"{path} is no TensorFlow graph; {_what_it_is(content)}") from None
    if not message.node:
        raise WeightsError(f"{path} is no TensorFlow graph; {_what_it_is(content)}")
    bodies = {MAIN: _body(path, message.node)}
    for function in message.library.function:
        name = function.signature.name
        if name in bodies:
            raise WeightsError(f"{path} is refused: the function {naming.quoted(name)} comes twice")
        bodies[name] = _body(path, function.node_def)
    gradients = (gradient.gradient_func for gradient in message.library.gradient)
    return Graph(bodies, tuple(gradients))


def _body(path: Path, messages: Any) -> tuple[Node, ...]:
    nodes = tuple(_node(message) for message in messages)
    names = {node.name for node in nodes}
    if len(names) < len(nodes):
        raise WeightsError(f"{path} is refused: two nodes of it have one name")
    return nodes


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
    if not values and len(tensor.tensor_content) <= _MAX_INTEGERS * width:
        whole = len(tensor.tensor_content) // width * width
        values = tuple(map(int, np.frombuffer(tensor.tensor_content[:whole], kind)))
    size: int = prod(max(1, dim.size) for dim in tensor.tensor_shape.dim)
    if not values or size > _MAX_INTEGERS or len(values) > _MAX_INTEGERS:
        return None
    return values + values[-1:] * (size - len(values))  # the last value stands for all that follow


def _what_it_is(content: bytes) -> str:
    if not content:
        return "it is empty"
    start = content[:512].lstrip().lower()
    if start.startswith((b"<!doctype", b"<html", b"<?xml")):
        return "it is a web page, perhaps saved in place of the file"
    if start.startswith(b"version https://git-lfs"):
        return "it is a Git LFS pointer, not the file itself"
    return "it may be damaged or cut short"


_FIELDS = {
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
_SCALARS = ("string", "bytes", "int32", "int64")


@cache
def _message_class() -> type[Message]:
    file = descriptor_pb2.FileDescriptorProto(
        name="artistindex/graph.proto", package="artistindex", syntax="proto3"
    )
    for message, fields in _FIELDS.items():
        declared = file.message_type.add(name=message)
        for name, number, kind in fields:
            _declare(declared, name, number, kind)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("artistindex.GraphDef"))


def _declare(message: descriptor_pb2.DescriptorProto, name: str, number: int, kind: str) -> None:
    """Declare a field of `kind`: a scalar or a message, "*" for a list, "{}" for a map to one."""
    if kind.endswith("{}"):
        entry = message.nested_type.add(
            name=f"{name.capitalize()}Entry",
            options=descriptor_pb2.MessageOptions(map_entry=True),
        )
        _declare(entry, "key", 1, "string")
        _declare(entry, "value", 2, kind.removesuffix("{}"))
        kind = f"{message.name}.{entry.name}*"
    field = message.field.add(name=name, number=number)
    base = kind.rstrip("*")
    field.label = field.LABEL_REPEATED if kind.endswith("*") else field.LABEL_OPTIONAL
    if base in _SCALARS:
        field.type = getattr(field, f"TYPE_{base.upper()}")
    else:
        field.type = field.TYPE_MESSAGE
        field.type_name = f".artistindex.{base}"
