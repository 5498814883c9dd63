"""Reading a TFLite model without TensorFlow and without running it.

A FlatBuffer is read in place: every place is checked to lie within the file, and every list to be
no longer than it. The slots of tables and the numbers of ops are those of
tensorflow/lite/schema/schema.fbs.
"""

import struct
from collections.abc import Iterator
from math import prod
from pathlib import Path
from typing import TypeVar

from artistindex import naming
from artistindex.embedding.graph import MAIN, Graph, Node, Shape, no_graph, read_bytes, unique
from artistindex.errors import WeightsError

_KIND = "TFLite model"
_MAGIC = b"TFL3"
_FLOATS = (0, 1)  # FLOAT32, FLOAT16 of TensorType
_CUSTOM = 32

_OPS = {
    number: name
    for first, names in {
        0: "ADD AVERAGE_POOL_2D CONCATENATION CONV_2D DEPTHWISE_CONV_2D DEPTH_TO_SPACE DEQUANTIZE",
        8: "FLOOR FULLY_CONNECTED",
        11: "L2_NORMALIZATION L2_POOL_2D LOCAL_RESPONSE_NORMALIZATION LOGISTIC",
        17: "MAX_POOL_2D MUL RELU RELU_N1_TO_1 RELU6 RESHAPE",
        25: "SOFTMAX SPACE_TO_DEPTH",
        28: "TANH",
        34: "PAD",
        36: "GATHER BATCH_TO_SPACE_ND SPACE_TO_BATCH_ND TRANSPOSE MEAN SUB DIV SQUEEZE",
        45: "STRIDED_SLICE",
        47: "EXP",
        49: "SPLIT LOG_SOFTMAX",
        53: "CAST PRELU MAXIMUM",
        57: "MINIMUM LESS NEG PADV2 GREATER GREATER_EQUAL LESS_EQUAL",
        64: "SELECT SLICE SIN TRANSPOSE_CONV",
        70: "EXPAND_DIMS EQUAL NOT_EQUAL LOG SUM SQRT RSQRT SHAPE POW",
        80: "FAKE_QUANT REDUCE_PROD REDUCE_MAX PACK LOGICAL_OR",
        86: "LOGICAL_AND LOGICAL_NOT UNPACK REDUCE_MIN FLOOR_DIV",
        92: "SQUARE",
        98: "LEAKY_RELU SQUARED_DIFFERENCE MIRROR_PAD ABS SPLIT_V",
        104: "CEIL",
        106: "ADD_N",
        108: "COS",
        111: "ELU",
        114: "QUANTIZE",
        116: "ROUND HARD_SWISH",
        123: "SELECT_V2",
        126: "BATCH_MATMUL",
        128: "CUMSUM",
        150: "GELU",
    }.items()
    for number, name in enumerate(names.split(), first)
}
ALLOWED_TFLITE_OPS = frozenset(_OPS.values())
"""No op with a size of its output among its inputs is among them, none that loops or calls."""

_T = TypeVar("_T")


def read_tflite(path: Path) -> Graph:
    """Read the TFLite model in `path`: every tensor of floating point counts as an output.

    Those of a quantised model hold codes, whose zero is elsewhere. Raises WeightsError where there
    is no model, or one of several graphs.
    """
    content = read_bytes(path, f"a {_KIND}")
    if content[4:8] != _MAGIC:
        raise no_graph(path, _KIND, content)
    try:
        return _graph(path, _Table.root(content))
    except (struct.error, ValueError):
        raise no_graph(path, _KIND, content) from None


def _graph(path: Path, model: "_Table") -> Graph:
    ops = [_op(code) for code in model.tables(1)]
    graphs = list(model.tables(2))
    if len(graphs) != 1:
        raise WeightsError(f"{path} is refused: it has {len(graphs)} graphs, expected one")
    (graph,) = graphs
    tensors = list(graph.tables(0))
    names = [tensor.text(3) for tensor in tensors]
    shapes = [_shape(tensor) for tensor in tensors]
    nodes = []
    for operator in graph.tables(3):
        index = operator.number(0, "<I")
        if index >= len(ops):
            raise ValueError("an op without a code")
        used, given = operator.integers(1), operator.integers(2)
        inputs = tuple(_at(names, at) for at in used if at >= 0)
        nodes += [Node(_at(names, at), ops[index], inputs, ()) for at in given]
    computed = {node.name for node in nodes}
    sources = graph.integers(1)
    given_or_computed = computed | {_at(names, at) for at in sources}
    for name, shape in zip(names, shapes, strict=True):
        size = prod(size or 1 for size in shape)
        if name not in given_or_computed:
            nodes.append(Node(name, "Constant", (), (), size=size))
    for at in sources:
        if _at(tensors, at).number(1, "<b") not in _FLOATS:
            name = naming.quoted(_at(names, at))
            raise WeightsError(f"{path} is refused: its input {name} takes no floating point")
    inputs_by_name = {_at(names, at): _at(shapes, at) for at in sources}
    outputs = {
        name: shape
        for name, shape, tensor in zip(names, shapes, tensors, strict=True)
        if tensor.number(1, "<b") in _FLOATS and name in given_or_computed
    }
    return Graph({MAIN: unique(path, tuple(nodes))}, inputs_by_name, outputs)


def _op(code: "_Table") -> str:
    """The name of an op; older files have its number in a byte, which newer ones fill up to 127."""
    number = max(code.number(0, "<b"), code.number(3, "<i"))
    if number == _CUSTOM:
        return f"custom {code.text(1)}"
    return _OPS.get(number, f"op {number}")


def _shape(tensor: "_Table") -> Shape:
    return tuple(size if size > 0 else None for size in tensor.integers(0))


def _at(values: list[_T], at: int) -> _T:
    if not 0 <= at < len(values):
        raise ValueError("a tensor that is not there")
    return values[at]


class _Table:
    """A table of a FlatBuffer; what it lacks has its default. Raises struct.error or ValueError."""

    def __init__(self, content: bytes, at: int) -> None:
        self._content = content
        self._at = at
        self._fields = at - self._read("<i", at)
        self._slots = (self._read("<H", self._fields) - 4) // 2

    @classmethod
    def root(cls, content: bytes) -> "_Table":
        """Return the table that the whole file is."""
        return cls(content, struct.unpack_from("<I", content)[0])

    def number(self, slot: int, kind: str) -> int:
        """Return a number, 0 where there is none."""
        place = self._place(slot)
        return 0 if place is None else self._read(kind, place)

    def text(self, slot: int) -> str:
        """Return a text, empty where there is none."""
        start, length = self._list(slot, 1)
        return self._content[start : start + length].decode("utf-8", "backslashreplace")

    def integers(self, slot: int) -> list[int]:
        """Return a list of 32-bit integers."""
        start, length = self._list(slot, 4)
        return list(struct.unpack_from(f"<{length}i", self._content, start))

    def tables(self, slot: int) -> Iterator["_Table"]:
        """Yield the tables of a list."""
        start, length = self._list(slot, 4)
        for place in range(start, start + 4 * length, 4):
            yield _Table(self._content, place + self._read("<I", place))

    def _place(self, slot: int) -> int | None:
        if slot >= self._slots:
            return None
        offset = self._read("<H", self._fields + 4 + 2 * slot)
        return self._at + offset if offset else None

    def _list(self, slot: int, size: int) -> tuple[int, int]:
        """Where a list of values of `size` bytes begins, and how many there are."""
        place = self._place(slot)
        if place is None:
            return 0, 0
        start = place + self._read("<I", place)
        length = self._read("<I", start)
        if start + 4 + size * length > len(self._content):
            raise ValueError("a list that is longer than the file")
        return start + 4, length

    def _read(self, kind: str, at: int) -> int:
        if at < 0:  # which struct would take for a place from the end
            raise ValueError("a place before the file")
        value: int = struct.unpack_from(kind, self._content, at)[0]
        return value
