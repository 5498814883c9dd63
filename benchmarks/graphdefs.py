"""Writing TensorFlow graphs without TensorFlow, with the protos that TensorBoard brings.

For stand-in models and for the conversion of real ones; the package itself only reads graphs.
"""

import numpy as np
from numpy.typing import NDArray
from tensorboard.compat.proto.attr_value_pb2 import AttrValue
from tensorboard.compat.proto.function_pb2 import FunctionDef
from tensorboard.compat.proto.graph_pb2 import GraphDef
from tensorboard.compat.proto.node_def_pb2 import NodeDef
from tensorboard.compat.proto.tensor_shape_pb2 import TensorShapeProto
from tensorboard.compat.proto.types_pb2 import DT_FLOAT, DT_INT32

TF_GRAPH_VERSION = 561


def attr(value: object) -> AttrValue:
    """The attribute of a node: a bool, float, bytes, shape (tuple), type (int), list of types."""
    if isinstance(value, AttrValue):
        return value
    if isinstance(value, bool):
        return AttrValue(b=value)
    if isinstance(value, int):
        return AttrValue(type=value)
    if isinstance(value, float):
        return AttrValue(f=value)
    if isinstance(value, bytes):
        return AttrValue(s=value)
    if isinstance(value, tuple):
        return AttrValue(shape=shape(value))
    if isinstance(value, list):
        return AttrValue(list=AttrValue.ListValue(type=value))
    raise TypeError(f"no attribute from {type(value).__name__}")


def ints(*values: int) -> AttrValue:
    return AttrValue(list=AttrValue.ListValue(i=values))


def shape(sizes: tuple[int, ...]) -> TensorShapeProto:
    return TensorShapeProto(dim=[TensorShapeProto.Dim(size=size) for size in sizes])


def node(name: str, op: str, *inputs: str, **attributes: object) -> NodeDef:
    return NodeDef(
        name=name, op=op, input=inputs, attr={key: attr(value) for key, value in attributes.items()}
    )


def const(name: str, value: NDArray[np.float32] | NDArray[np.int32] | np.int32 | float) -> NodeDef:
    """A constant; scalars go into the typed field, since OpenVINO misreads them as raw content."""
    array = np.asarray(value, np.float32 if isinstance(value, float) else None)
    kind = DT_FLOAT if array.dtype == np.float32 else DT_INT32
    tensor_value = AttrValue()
    tensor_value.tensor.dtype = kind
    tensor_value.tensor.tensor_shape.CopyFrom(shape(array.shape))
    if array.ndim:
        tensor_value.tensor.tensor_content = array.tobytes()
    elif kind == DT_FLOAT:
        tensor_value.tensor.float_val.append(float(array))
    else:
        tensor_value.tensor.int_val.append(int(array))
    return node(name, "Const", dtype=kind, value=tensor_value)


def placeholder(name: str, sizes: tuple[int, ...]) -> NodeDef:
    return node(name, "Placeholder", dtype=DT_FLOAT, shape=sizes)


def graph(nodes: list[NodeDef], functions: list[FunctionDef] | None = None) -> bytes:
    definition = GraphDef(node=nodes)
    definition.versions.producer = TF_GRAPH_VERSION
    definition.library.function.extend(functions or [])
    content: bytes = definition.SerializeToString(deterministic=True)
    return content


class Body:
    """Collects the nodes of a net; within a function tensors go by node and output name."""

    def __init__(self, seed: int, *, in_function: bool = False) -> None:
        self.nodes: list[NodeDef] = []
        self.random = np.random.default_rng(seed)
        self.in_function = in_function

    def add(self, new_node: NodeDef, output: str) -> str:
        self.nodes.append(new_node)
        return f"{new_node.name}:{output}:0" if self.in_function else new_node.name

    def const(
        self, name: str, value: NDArray[np.float32] | NDArray[np.int32] | np.int32 | float
    ) -> str:
        return self.add(const(name, value), "output")

    def weights(self, name: str, rows: int, columns: int) -> str:
        values = self.random.standard_normal((rows, columns)) / np.sqrt(rows)
        return self.const(name, values.astype(np.float32))

    def binary(self, name: str, op: str, left: str, other: str) -> str:
        return self.add(node(name, op, left, other, T=DT_FLOAT), "z")

    def reshape(self, name: str, tensor: str, *sizes: int) -> str:
        target = self.const(f"{name}/shape", np.array(sizes, np.int32))
        operation = node(name, "Reshape", tensor, target, T=DT_FLOAT, Tshape=DT_INT32)
        return self.add(operation, "output")

    def dense(self, name: str, tensor: str, rows: int, columns: int) -> str:
        weights = self.weights(f"{name}/kernel", rows, columns)
        values = self.random.standard_normal(columns, np.float32) / np.float32(8)
        bias = self.const(f"{name}/bias", values)
        product = node(
            f"{name}/MatMul",
            "MatMul",
            tensor,
            weights,
            T=DT_FLOAT,
            transpose_a=False,
            transpose_b=False,
        )
        operation = node(
            f"{name}/BiasAdd",
            "BiasAdd",
            self.add(product, "product"),
            bias,
            T=DT_FLOAT,
            data_format=b"NHWC",
        )
        return self.add(operation, "output")

    def tanh(self, name: str, tensor: str) -> str:
        return self.add(node(name, "Tanh", tensor, T=DT_FLOAT), "y")
