"""Reading a model's graph without running it: which ops it has and which tensors it gives.

A weights file is a program. TensorFlow would run whatever ops it names, among them ones that read
and write files or call Python, so a graph is read here first and refused unless every op, in the
open or inside a function of its library, is on the list of what inference needs.
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError, Message

from artistindex.embedding.registry import ModelSpec
from artistindex.errors import WeightsError

MAX_BYTES = 2**31 - 1  # what one protobuf message can hold

_INFERENCE_OPS = """
Const Placeholder PlaceholderWithDefault Identity IdentityN NoOp StopGradient Snapshot
PartitionedCall StatefulPartitionedCall If StatelessIf Switch Merge
Conv1D Conv2D DepthwiseConv2dNative Conv2DBackpropInput BiasAdd BiasAddV1 MatMul BatchMatMul
BatchMatMulV2 BatchMatMulV3 Einsum _FusedConv2D _FusedMatMul _FusedDepthwiseConv2dNative
FusedBatchNorm FusedBatchNormV2 FusedBatchNormV3 LRN L2Loss
MaxPool MaxPoolV2 AvgPool Mean Sum Prod Max Min All Any ArgMax ArgMin Cumsum
Relu Relu6 LeakyRelu Elu Selu Sigmoid Tanh Softmax LogSoftmax Softplus Softsign Erf
Add AddV2 AddN Sub Mul MulNoNan Div DivNoNan RealDiv FloorDiv FloorMod Mod TruncateDiv
Maximum Minimum Pow Square SquaredDifference Sqrt Rsqrt Reciprocal Inv Exp Expm1 Log Log1p
Neg Abs Sign Sin Cos Floor Ceil Round Rint ClipByValue
Equal NotEqual Greater GreaterEqual Less LessEqual LogicalAnd LogicalOr LogicalNot
Where Select SelectV2 IsNan IsInf IsFinite
Reshape Squeeze ExpandDims Transpose Pad PadV2 MirrorPad Concat ConcatV2 Pack Unpack Split SplitV
Slice StridedSlice Gather GatherV2 GatherNd Tile BroadcastTo BroadcastArgs Reverse ReverseV2
Shape ShapeN Size Rank Cast Fill Range ZerosLike OnesLike OneHot TopK TopKV2
SpaceToBatchND BatchToSpaceND SpaceToDepth DepthToSpace ResizeBilinear ResizeNearestNeighbor
RandomUniform RandomStandardNormal
"""  # the last line: dropout, which frozen graphs still carry
ALLOWED_OPS = frozenset(_INFERENCE_OPS.split())

_SEVERAL_OUTPUTS = {"IdentityN": "T", "PartitionedCall": "Tout", "StatefulPartitionedCall": "Tout"}


@dataclass(frozen=True)
class Graph:
    """What a GraphDef says: the op of every node, the outputs of each, the library's ops too."""

    nodes: dict[str, str]
    outputs: dict[str, int]
    ops: frozenset[str]

    def has(self, tensor: str) -> bool:
        """Whether the graph computes `tensor`, named as "node" or "node:index"."""
        name, _, index = tensor.partition(":")
        return int(index or 0) < self.outputs.get(name, 0)


def read_graph(path: Path) -> Graph:
    """Read the GraphDef in `path`, weights skipped. Raises WeightsError where there is none.

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
    inner = (node.op for function in message.library.function for node in function.node_def)
    return Graph(
        nodes={node.name: node.op for node in message.node},
        outputs={node.name: _output_count(node) for node in message.node},
        ops=frozenset(node.op for node in message.node) | frozenset(inner),
    )


def check_graph_is_safe(path: Path, spec: ModelSpec) -> None:
    """Raise WeightsError unless `path` is a harmless graph with the tensors of `spec`."""
    graph = read_graph(path)
    forbidden = sorted(graph.ops - ALLOWED_OPS)
    if forbidden:
        raise WeightsError(
            f"{path} is refused: it holds {', '.join(forbidden[:5])}, which no embedding model "
            "needs and which could reach beyond the model; get the file from its publisher"
        )
    if graph.nodes.get(spec.input) not in ("Placeholder", "PlaceholderWithDefault"):
        raise WeightsError(f"{path} is not {spec.name}: it has no input {spec.input!r}")
    if not graph.has(spec.output):
        raise WeightsError(f"{path} is not {spec.name}: it has no output {spec.output!r}")


def _output_count(node: Any) -> int:
    types = _SEVERAL_OUTPUTS.get(node.op)
    return len(node.attr[types].list.type) if types else 1


def _what_it_is(content: bytes) -> str:
    if not content:
        return "it is empty"
    start = content[:512].lstrip().lower()
    if start.startswith((b"<!doctype", b"<html", b"<?xml")):
        return "it is a web page, perhaps saved in place of the file"
    if start.startswith(b"version https://git-lfs"):
        return "it is a Git LFS pointer, not the file itself"
    return "it may be damaged or cut short"


@cache
def _message_class() -> type[Message]:
    """A GraphDef with only the fields that are read here; protobuf skips all the others.

    Numbers from tensorflow/core/framework/{graph,node_def,attr_value,function}.proto.
    """
    file = descriptor_pb2.FileDescriptorProto(
        name="artistindex/graph.proto", package="artistindex", syntax="proto3"
    )
    for message, fields in _FIELDS.items():
        declared = file.message_type.add(name=message)
        for name, number, kind in fields:
            _declare(declared, name, number, kind)
    entry = next(m for m in file.message_type if m.name == "NodeDef").nested_type.add(
        name="AttrEntry", options=descriptor_pb2.MessageOptions(map_entry=True)
    )
    _declare(entry, "key", 1, "string")
    _declare(entry, "value", 2, "AttrValue")
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("artistindex.GraphDef"))


_FIELDS = {
    "GraphDef": (("node", 1, "NodeDef*"), ("library", 2, "FunctionDefLibrary")),
    "FunctionDefLibrary": (("function", 1, "FunctionDef*"),),
    "FunctionDef": (("node_def", 3, "NodeDef*"),),
    "NodeDef": (("name", 1, "string"), ("op", 2, "string"), ("attr", 5, "NodeDef.AttrEntry*")),
    "AttrValue": (("list", 1, "ListValue"),),
    "ListValue": (("type", 6, "int32*"),),
}


def _declare(message: descriptor_pb2.DescriptorProto, name: str, number: int, kind: str) -> None:
    field = message.field.add(name=name, number=number)
    base = kind.rstrip("*")
    field.label = field.LABEL_REPEATED if kind.endswith("*") else field.LABEL_OPTIONAL
    if base in ("string", "int32"):
        field.type = field.TYPE_STRING if base == "string" else field.TYPE_INT32
    else:
        field.type = field.TYPE_MESSAGE
        field.type_name = f".artistindex.{base}"
