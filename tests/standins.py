"""Stand-ins for the models: tiny frozen graphs with the true names and shapes of their tensors.

Every output value depends on every value of a patch, on its place and on the order of the axes: a
wrong hop, a dropped patch or a swapped axis changes the vector. Weights are drawn from `seed`, so
the same seed writes the same bytes and another one another model. Both engines run them.
"""

from pathlib import Path

import numpy as np
from tensorboard.compat.proto.attr_value_pb2 import AttrValue
from tensorboard.compat.proto.function_pb2 import FunctionDef
from tensorboard.compat.proto.graph_pb2 import GraphDef
from tensorboard.compat.proto.types_pb2 import DT_FLOAT, DT_STRING

import onnx_standins
from graphdefs import Body, graph, node, placeholder

HIDDEN = 48
MEAN_OF_LOG_MEL = {"musicnn": 1.5, "vggish": -1.5}


class Net(Body):
    """The one net that all stand-ins share, between their own inputs and outputs."""

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
        body = Net(seed)
        outputs = _effnet_body(body, name, batch=-1)
        call = node("PartitionedCall", "IdentityN", *outputs, T=[DT_FLOAT, DT_FLOAT])
        content = graph([source, *body.nodes, call])
    path.write_bytes(content)
    return path


def _effnet_body(body: Net, tensor: str, *, batch: int) -> tuple[str, str]:
    hidden = body.hidden(tensor, "musicnn", (128, 96), batch=batch)
    return body.dense("head", hidden, HIDDEN, 512), body.dense("embedding", hidden, HIDDEN, 1280)


def _effnet_function(seed: int) -> FunctionDef:
    body = Net(seed, in_function=True)
    head, embedding = _effnet_body(body, "melspectrogram", batch=64)
    function = FunctionDef(node_def=body.nodes, ret={"head": head, "embedding": embedding})
    function.signature.name = "__inference_signature_wrapper_1"
    function.signature.input_arg.add(name="melspectrogram", type=DT_FLOAT)
    function.signature.output_arg.add(name="head", type=DT_FLOAT)
    function.signature.output_arg.add(name="embedding", type=DT_FLOAT)
    return function


def write_vggish(path: Path, seed: int = 0) -> Path:
    """VGGish: model/Placeholder [n, 96, 64] -> model/vggish/embeddings [n, 128]."""
    body = Net(seed)
    source = placeholder("model/Placeholder", (-1, 96, 64))
    hidden = body.hidden(source.name, "vggish", (96, 64), batch=-1)
    last = body.dense("model/vggish/fc2", hidden, HIDDEN, 128)
    output = node("model/vggish/embeddings", "Identity", last, T=DT_FLOAT)
    path.write_bytes(graph([source, *body.nodes, output]))
    return path


def write_musicnn(path: Path, seed: int = 0) -> Path:
    """MusiCNN: model/Placeholder [n, 187, 96] -> model/dense/BiasAdd [n, 200], its batch norm."""
    body = Net(seed)
    source = placeholder("model/Placeholder", (-1, 187, 96))
    hidden = body.hidden(source.name, "musicnn", (187, 96), batch=-1)
    dense = body.dense("model/dense", hidden, HIDDEN, 200)
    shift = body.const("shift", 0.25)
    body.binary("model/batch_normalization_10/batchnorm/add_1", "AddV2", dense, shift)
    path.write_bytes(graph([source, *body.nodes]))
    return path


def write_model(name: str, path: Path, seed: int = 0) -> Path:
    """The stand-in of the model that the registry calls `name`."""
    if name == "discogs-effnet-onnx":
        tensors = ("melspectrogram", "embeddings")
        return onnx_standins.write_mel(path, seed, batch=64, width=512, tensors=tensors)
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
    definition = GraphDef.FromString(path.read_bytes())
    nodes = definition.library.function[0].node_def if in_function else definition.node
    name = node("filename", "Const", dtype=DT_STRING)
    name.attr["value"].tensor.dtype = DT_STRING
    name.attr["value"].tensor.string_val.append(b"/etc/passwd")
    nodes.extend([name, node("secret", op, "filename:output:0" if in_function else "filename")])
    path.write_bytes(definition.SerializeToString(deterministic=True))
    return path


def write_no_graph(path: Path) -> Path:
    """Bytes that are no GraphDef."""
    path.write_bytes(np.random.default_rng(5).bytes(4096))
    return path
