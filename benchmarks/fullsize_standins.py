"""Stand-ins of the models' true architectures and sizes, for measuring time where the weights,
which may not be passed on, are not at hand.

Every layer's random weights are fitted to a batch of made-up patches as they are drawn
(data-dependent initialisation, Mishkin & Matas, arXiv:1511.06422), so that activations neither
vanish nor grow and the embeddings of different patches differ: only then does a difference between
engines, patch by patch, say anything.

    python scripts/fullsize_standins.py FOLDER
"""

import argparse
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from tensorboard.compat.proto.types_pb2 import DT_FLOAT

from artistindex.embedding.melspectrogram import log_mel
from artistindex.embedding.registry import spec_of
from artistindex.embedding.spec import SAMPLE_RATE, MelSpectrogram, ModelSpec
from graphdefs import Body, graph, ints, node, placeholder

Floats = NDArray[np.float32]

# EfficientNet-B0 (Tan & Le, arXiv:1905.11946, table 1): expansion, channels, repeats, stride, size
MBCONV = (
    (1, 16, 1, 1, 3),
    (6, 24, 2, 2, 3),
    (6, 40, 2, 2, 5),
    (6, 80, 3, 2, 3),
    (6, 112, 3, 1, 5),
    (6, 192, 4, 2, 5),
    (6, 320, 1, 1, 3),
)
CALIBRATION_PATCHES = 12
UNEVEN = 0.5  # of a kernel's places, against what they share
BRANCH_GAIN = 0.1  # trained residual branches add little; at 1 a deep net of noise is chaotic


class Layer(NamedTuple):
    """A tensor's name and its value for the calibration batch."""

    name: str
    value: Floats


class FittedNet(Body):
    """Writes layers and computes them on the calibration batch at the same time (NHWC)."""

    def op(
        self, name: str, op: str, inputs: list[str], value: Floats, **attributes: object
    ) -> Layer:
        self.add(node(name, op, *inputs, T=DT_FLOAT, **attributes), "")
        return Layer(name, value.astype(np.float32, copy=False))

    def normals(self, *sizes: int) -> Floats:
        return self.random.standard_normal(sizes, np.float32)

    def kernel(self, size: int, inputs: int, outputs: int) -> Floats:
        """A kernel as smooth as trained ones: mostly the same at each of its places."""
        even = self.normals(1, 1, inputs, outputs)
        return even + np.float32(UNEVEN) * self.normals(size, size, inputs, outputs)

    def conv(self, name: str, x: Layer, channels: int, size: int, stride: int = 1) -> Layer:
        kernel = self.kernel(size, x.value.shape[3], channels)
        kernel *= np.float32(1 / np.sqrt(size * size * x.value.shape[3]))
        inputs = [x.name, self.const(f"{name}/kernel", kernel)]
        columns = _windows(x.value, size, stride)
        value = np.tensordot(columns, kernel.transpose(2, 0, 1, 3), 3)
        return self.op(name, "Conv2D", inputs, value, **_sliding(stride))

    def depthwise(self, name: str, x: Layer, size: int, stride: int) -> Layer:
        kernel = self.kernel(size, x.value.shape[3], 1) / np.float32(size)
        inputs = [x.name, self.const(f"{name}/kernel", kernel)]
        windows = _windows(x.value, size, stride)
        value = np.asarray(np.einsum("nhwcij,ijc->nhwc", windows, kernel[..., 0]), np.float32)
        return self.op(name, "DepthwiseConv2dNative", inputs, value, **_sliding(stride))

    def batch_norm(self, name: str, x: Layer, gain: float = 1.0) -> Layer:
        mean, variance = x.value.mean((0, 1, 2)), x.value.var((0, 1, 2)) + np.float32(1e-4)
        gamma = np.float32(gain) * self.random.uniform(0.7, 1.3, mean.shape).astype(np.float32)
        beta = self.normals(*mean.shape) * np.float32(0.3)
        rows = {"gamma": gamma, "beta": beta, "mean": mean, "variance": variance}
        inputs = [x.name, *(self.const(f"{name}/{key}", row) for key, row in rows.items())]
        value = (x.value - mean) / np.sqrt(variance + np.float32(1e-3)) * gamma + beta
        attributes = {"data_format": b"NHWC", "epsilon": 1e-3, "is_training": False, "U": DT_FLOAT}
        return self.op(name, "FusedBatchNormV3", inputs, value, **attributes)

    def sigmoid(self, name: str, x: Layer) -> Layer:
        return self.op(name, "Sigmoid", [x.name], np.reciprocal(1 + np.exp(-x.value)))

    def multiply(self, name: str, x: Layer, y: Layer) -> Layer:
        return self.op(name, "Mul", [x.name, y.name], x.value * y.value)

    def swish(self, name: str, x: Layer) -> Layer:
        return self.multiply(name, x, self.sigmoid(f"{name}/sigmoid", x))

    def relu(self, name: str, x: Layer) -> Layer:
        return self.op(name, "Relu", [x.name], np.maximum(x.value, 0))

    def mean(self, name: str, x: Layer, *, keep: bool) -> Layer:
        inputs = [x.name, self.const(f"{name}/axes", np.array([1, 2], np.int32))]
        value = x.value.mean((1, 2), keepdims=keep)
        return self.op(name, "Mean", inputs, value, Tidx=3, keep_dims=keep)

    def max_pool(self, name: str, x: Layer) -> Layer:
        n, height, width, channels = x.value.shape
        value = x.value.reshape(n, height // 2, 2, width // 2, 2, channels).max((2, 4))
        sizes = {"ksize": ints(1, 2, 2, 1), "strides": ints(1, 2, 2, 1), "padding": b"SAME"}
        return self.op(name, "MaxPool", [x.name], value, data_format=b"NHWC", **sizes)

    def fitted_dense(self, name: str, x: Layer, columns: int) -> Layer:
        kernel = self.normals(x.value.shape[1], columns)
        product = x.value @ kernel
        return self._fitted(
            name, "MatMul", x, kernel, product, transpose_a=False, transpose_b=False
        )

    def fitted_conv(self, name: str, x: Layer, channels: int) -> Layer:
        kernel = self.kernel(3, x.value.shape[3], channels)
        product = np.tensordot(_windows(x.value, 3, 1), kernel.transpose(2, 0, 1, 3), 3)
        return self._fitted(name, "Conv2D", x, kernel, product, **_sliding(1))

    def _fitted(
        self, name: str, op: str, x: Layer, kernel: Floats, product: Floats, **attributes: object
    ) -> Layer:
        """A layer whose kernel and bias are scaled so that its outputs are of order one."""
        axes = tuple(range(product.ndim - 1))
        scale = 1 / np.sqrt(np.square(product).mean(axes) + np.float32(1e-6))
        kernel *= scale
        bias = self.normals(len(scale)) * np.float32(0.3)
        inputs = [x.name, self.const(f"{name}/weights", kernel)]
        layer = self.op(f"{name}/{op}", op, inputs, product * scale, **attributes)
        inputs = [layer.name, self.const(f"{name}/biases", bias)]
        return self.op(
            f"{name}/BiasAdd", "BiasAdd", inputs, layer.value + bias, data_format=b"NHWC"
        )


def _sliding(stride: int) -> dict[str, object]:
    return {"strides": ints(1, stride, stride, 1), "padding": b"SAME", "data_format": b"NHWC"}


def _windows(x: Floats, size: int, stride: int) -> Floats:
    """(n, height, width, channels, size, size): what a kernel sees, padded as SAME says."""
    pads = []
    for length in x.shape[1:3]:
        total = max((-(-length // stride) - 1) * stride + size - length, 0)
        pads.append((total // 2, total - total // 2))
    padded = np.pad(x, [(0, 0), *pads, (0, 0)])
    windows = np.lib.stride_tricks.sliding_window_view(padded, (size, size), (1, 2))
    return windows[:, ::stride, ::stride]


def _made_up_patches(seed: int, spec: ModelSpec) -> Floats:
    """(patches, frames, bands, 1): log-mel patches of notes, beats and hiss at several levels."""
    random = np.random.default_rng(seed)
    assert isinstance(spec.front_end, MelSpectrogram)
    length = spec.front_end.hop * spec.patch + spec.front_end.frame
    seconds = np.arange(length) / SAMPLE_RATE
    patches = []
    for level in np.geomspace(1e-4, 0.9, CALIBRATION_PATCHES):
        beat = seconds % random.uniform(0.2, 0.6)
        sound = np.exp(-30 * beat) * random.standard_normal(length)
        for pitch in random.uniform(60, 1_500, 5):
            partials = sum(np.sin(2 * np.pi * pitch * k * seconds) / k for k in range(1, 9))
            sound += partials * np.exp(-random.uniform(0, 6) * beat)
        sound += random.uniform(0, 0.3) * random.standard_normal(length)
        sound *= level / np.abs(sound).max()
        patches.append(log_mel(sound.astype(np.float32), spec.front_end)[: spec.patch, :, None])
    return np.stack(patches)


def write_effnet(path: Path, seed: int = 0) -> Path:
    """EfficientNet-B0 on [64, 128, 96]: PartitionedCall:1 of 1280 values, :0 of 512; 19 MB."""
    net = FittedNet(seed)
    name = "serving_default_melspectrogram"
    net.nodes.append(placeholder(name, (64, 128, 96)))
    value = _made_up_patches(seed, spec_of("discogs-effnet"))
    axis = net.const("expand/axis", np.array(3, np.int32))
    x = net.op("expand", "ExpandDims", [name, axis], value, Tdim=3)
    x = net.batch_norm("input/norm", x)
    x = net.swish("stem", net.batch_norm("stem/norm", net.conv("stem/conv", x, 32, 3, 2)))
    for stage, (expansion, channels, repeats, stride, size) in enumerate(MBCONV):
        for block in range(repeats):
            steps = (expansion, channels, stride if block == 0 else 1, size)
            x = _mbconv(net, f"block{stage}{'abcd'[block]}", x, *steps)
    x = net.swish("top", net.batch_norm("top/norm", net.conv("top/conv", x, 1280, 1)))
    embedding = net.mean("embedding", x, keep=False)
    head = net.fitted_dense("head", embedding, 512)
    types = [DT_FLOAT, DT_FLOAT]
    net.nodes.append(node("PartitionedCall", "IdentityN", head.name, embedding.name, T=types))
    path.write_bytes(graph(net.nodes))
    return path


def _mbconv(
    net: FittedNet, name: str, x: Layer, expansion: int, channels: int, stride: int, size: int
) -> Layer:
    """Inverted bottleneck with squeeze and excitation."""
    source, inner = x, x.value.shape[3]
    if expansion > 1:
        wide = net.conv(f"{name}/expand", x, inner * expansion, 1)
        x = net.swish(f"{name}/expand/swish", net.batch_norm(f"{name}/expand/norm", wide))
    deep = net.batch_norm(f"{name}/dw/norm", net.depthwise(f"{name}/dw", x, size, stride))
    x = net.swish(f"{name}/dw/swish", deep)
    pooled = net.mean(f"{name}/se", x, keep=True)
    squeezed = net.swish(f"{name}/se/swish", net.conv(f"{name}/se/reduce", pooled, inner // 4, 1))
    gate = net.sigmoid(
        f"{name}/se/gate", net.conv(f"{name}/se/grow", squeezed, x.value.shape[3], 1)
    )
    x = net.conv(f"{name}/project", net.multiply(f"{name}/se/excite", x, gate), channels, 1)
    residual = x.value.shape == source.value.shape
    x = net.batch_norm(f"{name}/project/norm", x, BRANCH_GAIN if residual else 1.0)
    if residual:
        x = net.op(f"{name}/add", "AddV2", [x.name, source.name], x.value + source.value)
    return x


def write_vggish(path: Path, seed: int = 0) -> Path:
    """VGGish (Hershey et al., arXiv:1609.09430) on [n, 96, 64]: 72 million weights, 289 MB."""
    net = FittedNet(seed)
    name = "model/Placeholder"
    net.nodes.append(placeholder(name, (-1, 96, 64)))
    value = _made_up_patches(seed, spec_of("vggish"))
    target = net.const("model/vggish/shape", np.array([-1, 96, 64, 1], np.int32))
    x = net.op("model/vggish/Reshape", "Reshape", [name, target], value, Tshape=3)
    for layer in (
        "conv1:64",
        "conv2:128",
        "conv3/3_1:256 conv3/3_2:256",
        "conv4/4_1:512 conv4/4_2:512",
    ):
        for part in layer.split():
            stem, channels = part.split(":")
            convolved = net.fitted_conv(f"model/vggish/{stem}", x, int(channels))
            x = net.relu(f"model/vggish/{stem}/Relu", convolved)
        x = net.max_pool(f"model/vggish/pool_{stem}", x)
    target = net.const("model/vggish/flat/shape", np.array([-1, 6 * 4 * 512], np.int32))
    flat = x.value.reshape(len(x.value), -1)
    x = net.op("model/vggish/flat", "Reshape", [x.name, target], flat, Tshape=3)
    for stem in ("fc1/fc1_1", "fc1/fc1_2"):
        dense = net.fitted_dense(f"model/vggish/{stem}", x, 4096)
        x = net.relu(f"model/vggish/{stem}/Relu", dense)
    x = net.fitted_dense("model/vggish/fc2", x, 128)
    net.op("model/vggish/embeddings", "Identity", [x.name], x.value)
    path.write_bytes(graph(net.nodes))
    return path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    for written in (write_effnet(folder / "effnet.pb"), write_vggish(folder / "vggish.pb")):
        print(f"{written}  {written.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
