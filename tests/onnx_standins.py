"""Stand-ins for models of ONNX: small networks with random weights, and what describes them.

As with the stand-ins of TensorFlow, every value of the input counts, and the same seed writes the
same bytes.
"""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

RATE = 24_000
PATCH = 12_000
"""Half a second, as the descriptions below have it."""

OPSET = 17


class Net:
    """Nodes and constants of a graph that grows from its input to its outputs."""

    def __init__(self, seed: int = 0) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self._random = np.random.default_rng(seed)

    def op(self, kind: str, *inputs: str, **attributes: Any) -> str:
        """Add a node; returns the name of its output."""
        name = f"{kind.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [name], **attributes))
        return name

    def const(self, values: Any, dtype: Any = np.float32) -> str:
        name = f"const_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(values, dtype), name))
        return name

    def weights(self, *shape: int) -> str:
        scale = 1 / np.sqrt(np.prod(shape[:-1]))
        return self.const(scale * self._random.standard_normal(shape))

    def reshape(self, tensor: str, *shape: int) -> str:
        return self.op("Reshape", tensor, self.const(shape, np.int64))

    def dense(self, tensor: str, sizes: tuple[int, int]) -> str:
        return self.op(
            "Add", self.op("MatMul", tensor, self.weights(*sizes)), self.weights(1, sizes[1])
        )

    def block(self, tensor: str, width: int) -> str:
        """A transformer block: attention of one head, then two dense layers, both with residues."""
        query, key, value = (self.dense(tensor, (width, width)) for _ in range(3))
        scores = self.op("MatMul", query, self.op("Transpose", key, perm=[0, 2, 1]))
        scaled = self.op("Div", scores, self.const(np.sqrt(width)))
        attended = self.op("MatMul", self.op("Softmax", scaled, axis=-1), value)
        tensor = self._norm(self.op("Add", tensor, attended), width)
        hidden = self.op("Tanh", self.dense(tensor, (width, 2 * width)))
        return self._norm(self.op("Add", tensor, self.dense(hidden, (2 * width, width))), width)

    def _norm(self, tensor: str, width: int) -> str:
        ones, zeros = self.const(np.ones(width)), self.const(np.zeros(width))
        return self.op("LayerNormalization", tensor, ones, zeros, axis=-1)

    def write(
        self,
        path: Path,
        source: tuple[str, list[Any]],
        outputs: dict[str, tuple[str, list[Any]]],
        **more: Any,
    ) -> Path:
        """Write the graph; `outputs` maps names to a tensor of the graph and its shape."""
        for name, (tensor, _) in outputs.items():
            self.nodes.append(helper.make_node("Identity", [tensor], [name]))
        graph = helper.make_graph(
            self.nodes,
            "standin",
            [helper.make_tensor_value_info(source[0], TensorProto.FLOAT, source[1])],
            [
                helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
                for name, (_, shape) in outputs.items()
            ],
            self.constants,
        )
        model = helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=9, **more
        )
        onnx.checker.check_model(model)
        path.write_bytes(model.SerializeToString(deterministic=True))
        return path


def write_waveform(
    path: Path, seed: int = 0, *, batch: int | None = None, patch: int = PATCH, width: int = 16
) -> Path:
    """samples [batch, patch] -> embedding [batch, width]: a convolution, then a dense layer."""
    net = Net(seed)
    frames = (patch - 400) // 160 + 1
    wide = net.op("Unsqueeze", "samples", net.const([1], np.int64))
    kernel = net.const(np.random.default_rng(seed).standard_normal((8, 1, 400)) / 20)
    mixed = net.op("Tanh", net.op("Conv", wide, kernel, strides=[160]))
    flat = net.reshape(mixed, -1, 8 * frames)
    embedding = net.op("Tanh", net.dense(flat, (8 * frames, width)))
    size: Any = batch or "batch"
    return net.write(path, ("samples", [size, patch]), {"embedding": (embedding, [size, width])})


def write_mel(
    path: Path,
    seed: int = 0,
    *,
    batch: int | None = None,
    sizes: tuple[int, int] = (128, 96),
    width: int = 24,
    tensors: tuple[str, str] = ("mel", "embedding"),
) -> Path:
    """mel [batch, frames, bands] -> embedding [batch, width]."""
    net = Net(seed)
    frames, bands = sizes
    mixed = net.op("Tanh", net.dense(tensors[0], (bands, 4)))
    flat = net.reshape(mixed, -1, frames * 4)
    embedding = net.op("Tanh", net.dense(flat, (frames * 4, width)))
    size: Any = batch or "batch"
    source = (tensors[0], [size, frames, bands])
    return net.write(path, source, {tensors[1]: (embedding, [size, width])})


def write_transformer(
    path: Path, seed: int = 0, *, layers: int = 12, width: int = 8, patch: int | None = None
) -> Path:
    """input_values [batch, samples] -> hidden_states [layers + 1, batch, time, width], as MERT."""
    net = Net(seed)
    tensor = net.op("Unsqueeze", "input_values", net.const([1], np.int64))
    kernel = net.const(np.random.default_rng(seed).standard_normal((width, 1, 640)) / 25)
    tensor = net.op("Tanh", net.op("Conv", tensor, kernel, strides=[320]))
    tensor = net.op("Transpose", tensor, perm=[0, 2, 1])
    states = [tensor]
    for _ in range(layers):
        tensor = net.block(tensor, width)
        states += [tensor]
    axis = net.const([0], np.int64)
    stacked = net.op("Concat", *(net.op("Unsqueeze", s, axis) for s in states), axis=0)
    samples: Any = patch or "samples"
    shape = [layers + 1, "batch", "time", width]
    source = ("input_values", ["batch", samples])
    return net.write(path, source, {"hidden_states": (stacked, shape)})


WAVEFORM = f"""
name = "my-model"
licence = "CC0"

[input]
kind = "waveform"
tensor = "samples"
sample_rate = {RATE}
patch = {PATCH}
hop = {PATCH}

[output]
tensor = "embedding"
dimension = 16
"""

MEL = """
name = "my-mel"
licence = "CC0"

[input]
kind = "mel"
tensor = "mel"
sample_rate = 22050
patch = 128
hop = 64

[mel]
fft = 1024
frame = 1024
hop = 256
bands = 96
scale = "slaney"
low = 20
high = 11025
unit_area = true
logarithm = "log10"
floor = 1e-10
gain = 10

[output]
tensor = "embedding"
dimension = 24
"""

MERT = f"""
name = "small-mert"
licence = "CC0"

[input]
kind = "waveform"
tensor = "input_values"
sample_rate = {RATE}
patch = {PATCH}
hop = {PATCH}
standardise = true

[output]
tensor = "hidden_states"
axes = ["layer", "batch", "time", "values"]
layer = 11
dimension = 8
"""


def describe(path: Path, text: str) -> Path:
    """Write a description."""
    path.write_text(text)
    return path
