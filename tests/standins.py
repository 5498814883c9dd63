"""Stand-ins for the models: tiny frozen graphs with the true names and shapes of their tensors.

Every output value depends on every value of a patch, on its place and on the order of the axes: a
wrong hop, a dropped patch or a swapped axis changes the vector. Weights are drawn from `seed`, so
the same seed writes the same bytes and another one another model. Both engines run them.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tensorboard.compat.proto.attr_value_pb2 import AttrValue
from tensorboard.compat.proto.function_pb2 import FunctionDef
from tensorboard.compat.proto.graph_pb2 import GraphDef
from tensorboard.compat.proto.node_def_pb2 import NodeDef
from tensorboard.compat.proto.tensor_shape_pb2 import TensorShapeProto
from tensorboard.compat.proto.types_pb2 import DT_FLOAT, DT_INT32, DT_STRING

TF_GRAPH_VERSION = 561
HIDDEN = 48
MEAN_OF_LOG_MEL = {"musicnn": 1.5, "vggish": -1.5}


def attr(value: object) -> AttrValue:
    """The attribute of a node: a bool, int, float, bytes, shape (tuple), type or list of types."""
    if isinstance(value, AttrValue):
        return value
    if isinstance(value, bool):
        return AttrValue(b=value)
    if isinstance(value, int):
        return AttrValue(type=value)
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


def const(name: str, value: NDArray[np.float32] | NDArray[np.int32] | float) -> NodeDef:
    """A constant; scalars go into the typed field, since OpenVINO misreads them as raw content."""
    array = np.asarray(value, np.float32 if isinstance(value, float) else None)
    kind = DT_FLOAT if array.dtype == np.float32 else DT_INT32
    made = AttrValue()
    made.tensor.dtype = kind
    made.tensor.tensor_shape.CopyFrom(shape(array.shape))
    if array.ndim:
        made.tensor.tensor_content = array.tobytes()
    elif kind == DT_FLOAT:
        made.tensor.float_val.append(float(array))
    else:
        made.tensor.int_val.append(int(array))
    return node(name, "Const", dtype=kind, value=made)


def placeholder(name: str, sizes: tuple[int, ...]) -> NodeDef:
    return node(name, "Placeholder", dtype=DT_FLOAT, shape=sizes)


def graph(nodes: list[NodeDef], functions: list[FunctionDef] | None = None) -> bytes:
    made = GraphDef(node=nodes)
    made.versions.producer = TF_GRAPH_VERSION
    made.library.function.extend(functions or [])
    return made.SerializeToString(deterministic=True)


class Body:
    """Collects the nodes of a net; within a function tensors go by node and output name."""

    def __init__(self, seed: int, *, in_function: bool = False) -> None:
        self.nodes: list[NodeDef] = []
        self.random = np.random.default_rng(seed)
        self.in_function = in_function

    def add(self, made: NodeDef, output: str) -> str:
        self.nodes.append(made)
        return f"{made.name}:{output}:0" if self.in_function else made.name

    def const(self, name: str, value: NDArray[np.float32] | NDArray[np.int32] | float) -> str:
        return self.add(const(name, value), "output")

    def weights(self, name: str, rows: int, columns: int) -> str:
        drawn = self.random.standard_normal((rows, columns)) / np.sqrt(rows)
        return self.const(name, drawn.astype(np.float32))

    def binary(self, name: str, op: str, one: str, other: str) -> str:
        return self.add(node(name, op, one, other, T=DT_FLOAT), "z")

    def reshape(self, name: str, tensor: str, *sizes: int) -> str:
        target = self.const(f"{name}/shape", np.array(sizes, np.int32))
        made = node(name, "Reshape", tensor, target, T=DT_FLOAT, Tshape=DT_INT32)
        return self.add(made, "output")

    def dense(self, name: str, tensor: str, rows: int, columns: int) -> str:
        weights = self.weights(f"{name}/kernel", rows, columns)
        bias = self.const(
            f"{name}/bias", self.random.standard_normal(columns).astype(np.float32) / 8
        )
        product = node(
            f"{name}/MatMul",
            "MatMul",
            tensor,
            weights,
            T=DT_FLOAT,
            transpose_a=False,
            transpose_b=False,
        )
        made = node(
            f"{name}/BiasAdd",
            "BiasAdd",
            self.add(product, "product"),
            bias,
            T=DT_FLOAT,
            data_format=b"NHWC",
        )
        return self.add(made, "output")

    def tanh(self, name: str, tensor: str) -> str:
        return self.add(node(name, "Tanh", tensor, T=DT_FLOAT), "y")

    def hidden(self, tensor: str, front_end: str, sizes: tuple[int, int], *, batch: int) -> str:
        """(batch, frames, bands) -> (batch, HIDDEN): bands mixed in each frame, then all frames."""
        frames, bands = sizes
        mean = self.const("mean", MEAN_OF_LOG_MEL[front_end])
        centred = self.binary("centred", "Sub", tensor, mean)
        rows = self.reshape("rows", centred, -1, bands)
        mixed = self.tanh("mixed", self.dense("bands", rows, bands, 4))
        flat = self.reshape("flat", mixed, batch, frames * 4)
        return self.tanh("hidden", self.dense("frames", flat, frames * 4, HIDDEN))


def write_effnet(path: Path, seed: int = 0, *, function_library: bool = False) -> Path:
    """Discogs-EffNet: [64, 128, 96] -> PartitionedCall:0 [64, 512] and :1 [64, 1280].

    With `function_library` PartitionedCall is what a TF2 export has, a call of a function of the
    graph's library, and the batch of 64 is wired into it; else it is an IdentityN.
    """
    name = "serving_default_melspectrogram"
    source = placeholder(name, (64, 128, 96))
    if function_library:
        function = _effnet_function(seed)
        call = node(
            "PartitionedCall",
            "PartitionedCall",
            name,
            Tin=[DT_FLOAT],
            Tout=[DT_FLOAT, DT_FLOAT],
            f=AttrValue(func={"name": function.signature.name}),
            config=b"",
            config_proto=b"",
            executor_type=b"",
        )
        content = graph([source, call], [function])
    else:
        body = Body(seed)
        outputs = _effnet_body(body, name, batch=-1)
        call = node("PartitionedCall", "IdentityN", *outputs, T=[DT_FLOAT, DT_FLOAT])
        content = graph([source, *body.nodes, call])
    path.write_bytes(content)
    return path


def _effnet_body(body: Body, tensor: str, *, batch: int) -> tuple[str, str]:
    hidden = body.hidden(tensor, "musicnn", (128, 96), batch=batch)
    return body.dense("head", hidden, HIDDEN, 512), body.dense("embedding", hidden, HIDDEN, 1280)


def _effnet_function(seed: int) -> FunctionDef:
    body = Body(seed, in_function=True)
    head, embedding = _effnet_body(body, "melspectrogram", batch=64)
    function = FunctionDef(node_def=body.nodes, ret={"head": head, "embedding": embedding})
    function.signature.name = "__inference_signature_wrapper_1"
    function.signature.input_arg.add(name="melspectrogram", type=DT_FLOAT)
    function.signature.output_arg.add(name="head", type=DT_FLOAT)
    function.signature.output_arg.add(name="embedding", type=DT_FLOAT)
    return function


def write_vggish(path: Path, seed: int = 0) -> Path:
    """VGGish: model/Placeholder [n, 96, 64] -> model/vggish/embeddings [n, 128]."""
    body = Body(seed)
    source = placeholder("model/Placeholder", (-1, 96, 64))
    hidden = body.hidden(source.name, "vggish", (96, 64), batch=-1)
    last = body.dense("model/vggish/fc2", hidden, HIDDEN, 128)
    output = node("model/vggish/embeddings", "Identity", last, T=DT_FLOAT)
    path.write_bytes(graph([source, *body.nodes, output]))
    return path


def write_musicnn(path: Path, seed: int = 0) -> Path:
    """MusiCNN: model/Placeholder [n, 187, 96] -> model/dense/BiasAdd [n, 200]."""
    body = Body(seed)
    source = placeholder("model/Placeholder", (-1, 187, 96))
    hidden = body.hidden(source.name, "musicnn", (187, 96), batch=-1)
    body.dense("model/dense", hidden, HIDDEN, 200)
    path.write_bytes(graph([source, *body.nodes]))
    return path


def write_model(name: str, path: Path, seed: int = 0) -> Path:
    """The stand-in of the model that the registry calls `name`."""
    writers = {"vggish": write_vggish, "musicnn": write_musicnn}
    return writers.get(name, write_effnet)(path, seed)


def write_without_output(path: Path) -> Path:
    """A sound graph with the input of EffNet and VGGish, and none of their outputs."""
    nodes = [
        placeholder("serving_default_melspectrogram", (64, 128, 96)),
        placeholder("model/Placeholder", (-1, 96, 64)),
        node("elsewhere", "Identity", "model/Placeholder", T=DT_FLOAT),
    ]
    path.write_bytes(graph(nodes))
    return path


def write_with_forbidden_op(path: Path, op: str = "ReadFile", *, in_function: bool = False) -> Path:
    """An EffNet that also holds `op`, in the open or within a function of its library."""
    write_effnet(path, function_library=in_function)
    made = GraphDef.FromString(path.read_bytes())
    nodes = made.library.function[0].node_def if in_function else made.node
    name = node("filename", "Const", dtype=DT_STRING)
    name.attr["value"].tensor.dtype = DT_STRING
    name.attr["value"].tensor.string_val.append(b"/etc/passwd")
    nodes.extend([name, node("secret", op, "filename:output:0" if in_function else "filename")])
    path.write_bytes(made.SerializeToString(deterministic=True))
    return path


def write_no_graph(path: Path) -> Path:
    """Bytes that are no GraphDef."""
    path.write_bytes(np.random.default_rng(5).bytes(4096))
    return path
