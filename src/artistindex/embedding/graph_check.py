"""What a weights file may hold: checked before anything runs it.

A weights file is a program. TensorFlow would run whatever ops it names, among them ones that read
and write files or call Python; a function that calls itself or a constant of a terabyte ends the
process, and an ONNX model may name any file as the place of its values. So a graph is read first
and refused unless every op, in the open or inside a function of its library, is on the list of what
inference needs, and unless it ends.
"""

from collections import ChainMap
from collections.abc import Mapping
from math import prod
from pathlib import Path

from artistindex import naming
from artistindex.embedding.front_end import input_shape
from artistindex.embedding.graph import MAIN, Graph, Node, Shape
from artistindex.embedding.graph_def import read_graph_def
from artistindex.embedding.onnx_model import read_onnx
from artistindex.embedding.spec import Axis, Format, ModelSpec
from artistindex.embedding.tflite_model import ALLOWED_TFLITE_OPS, read_tflite
from artistindex.errors import WeightsError

MAX_NODES = 1_000_000  # with every function written out where it is called
MAX_DEPTH = 100  # functions within functions
MAX_VALUES = 2**30  # of constants and fills together: 4 GiB as float32

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

_ONNX_OPS = """
Constant Identity Dropout If
Conv ConvTranspose Gemm MatMul Einsum Attention RotaryEmbedding BatchNormalization
InstanceNormalization LayerNormalization GroupNormalization RMSNormalization LRN LpNormalization
MeanVarianceNormalization GRU LSTM RNN
MaxPool AveragePool LpPool GlobalAveragePool GlobalMaxPool GlobalLpPool
ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum
ReduceSumSquare ArgMax ArgMin CumSum TopK
Relu LeakyRelu PRelu Elu Celu Selu Gelu Mish Swish HardSigmoid HardSwish Sigmoid Tanh Softmax
LogSoftmax Hardmax Softplus Softsign ThresholdedRelu Shrink Erf
Add Sub Mul Div Mod Pow Max Min Mean Sum Sqrt Reciprocal Exp Log Neg Abs Sign Floor Ceil Round Clip
Sin Cos Tan Asin Acos Atan Sinh Cosh Asinh Acosh Atanh
Equal Greater GreaterOrEqual Less LessOrEqual And Or Xor Not Where IsNaN IsInf
Reshape Flatten Squeeze Unsqueeze Transpose Pad Concat Split Slice Gather GatherElements GatherND
ScatterElements ScatterND Tile Expand Resize ReverseSequence Trilu EyeLike DepthToSpace SpaceToDepth
Shape Size Cast CastLike ConstantOfShape Range OneHot
QuantizeLinear DequantizeLinear DynamicQuantizeLinear QLinearConv QLinearMatMul MatMulInteger
ConvInteger
DFT STFT HannWindow HammingWindow BlackmanWindow MelWeightMatrix
"""  # no Loop and no Scan, whose end nobody can foresee; the last line: front ends within a model
ALLOWED_ONNX_OPS = frozenset(_ONNX_OPS.split())
_COUNTLESS = 10**18
_PASSED_ON = ("Identity", "StopGradient", "Snapshot", "Cast")


def check_graph_is_safe(path: Path, spec: ModelSpec) -> None:
    """Raise WeightsError unless `path` is a harmless graph with the tensors of `spec`.

    Refused are ops that are not on the list, functions that are missing or reach themselves, nodes
    in a circle (no op of a loop is on the list), graphs that expand beyond MAX_NODES nodes or
    MAX_VALUES values of constants and fills, and values that lie in other files.
    """
    graph, allowed = _read(path, spec.format)
    problem = _forbidden(graph, allowed) or _endless(graph) or _explosive(graph)
    if problem:
        raise WeightsError(f"{path} is refused: {problem}; get the file from its publisher")
    problem = _other_input(graph, spec) or _other_output(graph, spec)
    if problem:
        raise WeightsError(f"{path} is not {spec.name}: {problem}")


def _read(path: Path, written: Format) -> tuple[Graph, frozenset[str]]:
    """Return a graph and the ops that it may hold."""
    if written is Format.ONNX:
        graph = read_onnx(path)
        return graph, ALLOWED_ONNX_OPS | graph.bodies.keys()
    if written is Format.TFLITE:
        return read_tflite(path), ALLOWED_TFLITE_OPS | {"Constant"}
    return read_graph_def(path), ALLOWED_OPS


def _other_input(graph: Graph, spec: ModelSpec) -> str | None:
    if spec.input not in graph.inputs:
        return f"it has no input {spec.input!r}{_listed(graph.inputs)}"
    if graph.outputs is None:  # TensorFlow, where placeholders beside it are switches
        return None
    further = [naming.quoted(name) for name in graph.inputs if name != spec.input]
    if further:
        return f"it has further inputs, {', '.join(further)}, of which the spec knows nothing"
    shape, expected = graph.inputs[spec.input], input_shape(spec)
    if shape is None or _fits(shape, expected):
        return None
    return (
        f"its input {spec.input!r} is {_written(shape)}, but the spec's axes"
        f" ({', '.join(spec.input_axes)}), patch and bands make {_written(expected)}"
    )


def _other_output(graph: Graph, spec: ModelSpec) -> str | None:
    for output in (spec.output, *spec.layers.values()):
        if not graph.has(output):
            return f"it has no output {output!r}{_listed(graph.outputs or {})}"
        shape = (graph.outputs or {}).get(output)
        expected = tuple(
            spec.dimension if axis is Axis.VALUES else None for axis in spec.output_axes
        )
        if shape is not None and not _fits(shape, expected):
            axes = ", ".join(spec.output_axes)
            return (
                f"its output {output!r} is {_written(shape)}, but the spec's axes ({axes}) and"
                f" dimension make {_written(expected)}"
            )
    return None


def _fits(shape: Shape, expected: Shape) -> bool:
    return len(shape) == len(expected) and all(
        size is None or other is None or size == other
        for size, other in zip(shape, expected, strict=True)
    )


def _written(shape: Shape) -> str:
    return f"[{', '.join('?' if size is None else str(size) for size in shape)}]"


def _listed(tensors: Mapping[str, Shape | None]) -> str:
    """What there is in the place of a tensor that is missing."""
    shapes = ((name, "" if shape is None else _written(shape)) for name, shape in tensors.items())
    there = [f"{naming.quoted(name)} {shape}".strip() for name, shape in shapes]
    return f", only {', '.join(there[:5])}" if there else ""


def _forbidden(graph: Graph, allowed: frozenset[str]) -> str | None:
    forbidden = sorted(graph.ops - allowed)
    if forbidden:
        ops = ", ".join(naming.truncate(op) for op in forbidden[:5])
        return f"it holds {ops}, which no embedding model needs and which could reach beyond it"
    calls = {name for body in graph.bodies.values() for node in body for name in node.calls}
    missing = sorted((calls | set(graph.gradients)) - graph.bodies.keys())
    if missing:
        return f"it calls {naming.quoted(missing[0])}, which is no function of its own"
    return None


def _endless(graph: Graph) -> str | None:
    for name, body in graph.bodies.items():
        if _sorted_by_needs({node.name: node.inputs for node in body}) is None:
            where = f"the function {naming.quoted(name)}" if name else "the graph"
            return f"nodes of {where} wait for each other in a circle"
    if _sorted_by_needs(_calls(graph)) is None:
        return "a function of it reaches itself"
    return None


def _explosive(graph: Graph) -> str | None:
    """What a graph that ends would expand to, each function written out where it is called."""
    calls = _calls(graph)
    nodes: dict[str, int] = {}
    values: dict[str, int] = {}
    depth: dict[str, int] = {}
    main = {node.name: node for node in graph.bodies[MAIN]}
    for name in _sorted_by_needs(calls) or ():
        body = graph.bodies[name]
        nodes[name] = _bounded(len(body) + sum(nodes[call] for call in calls[name]))
        values[name] = _bounded(_filled(body, main) + sum(values[call] for call in calls[name]))
        depth[name] = 1 + max((depth[call] for call in calls[name]), default=0)
    if nodes[MAIN] > MAX_NODES:
        return f"it expands to {_counted(nodes[MAIN])} nodes, more than {MAX_NODES:,}"
    if values[MAIN] > MAX_VALUES:
        return f"its constants and fills are {_counted(values[MAIN])} values, over {MAX_VALUES:,}"
    if depth[MAIN] > MAX_DEPTH:
        return f"its functions call each other {depth[MAIN]} deep, more than {MAX_DEPTH}"
    return None


def _calls(graph: Graph) -> dict[str, tuple[str, ...]]:
    """The functions that every body calls, as often as it does."""
    return {
        name: tuple(call for node in body for call in node.calls)
        for name, body in graph.bodies.items()
    }


def _sorted_by_needs(needs: Mapping[str, tuple[str, ...]]) -> list[str] | None:
    """The names so that each comes after those that it needs; None where they run in a circle."""
    waiting = {name: {need for need in given if need in needs} for name, given in needs.items()}
    wanted_by: dict[str, list[str]] = {name: [] for name in needs}
    for name, missing in waiting.items():
        for need in missing:
            wanted_by[need].append(name)
    ready = [name for name, missing in waiting.items() if not missing]
    for name in ready:  # grows while it is read
        for user in wanted_by[name]:
            waiting[user].discard(name)
            if not waiting[user]:
                ready.append(user)
    return ready if len(ready) == len(needs) else None


def _filled(body: tuple[Node, ...], main: dict[str, Node]) -> int:
    """How many values the constants and fills of a body have, as far as it says so itself.

    A branch may name nodes of the graph around it, `main`.
    """
    nodes = ChainMap({node.name: node for node in body}, main)
    sizes: dict[str, int] = {}
    order = _sorted_by_needs({node.name: node.inputs for node in body}) or ()
    for name in order:
        size = _size(nodes[name], nodes, sizes)
        if size is not None:
            sizes[name] = size
    return sum(size for name, size in sizes.items() if nodes[name].op not in _PASSED_ON)


def _size(node: Node, nodes: Mapping[str, Node], sizes: Mapping[str, int]) -> int | None:
    """The number of values of a constant, or of what a constant shape fills; else None."""
    first, second = (*node.inputs, "", "")[:2]
    match node.op:
        case "Const" | "Constant":
            return node.size
        case "Fill" | "RandomUniform" | "RandomStandardNormal" | "ConstantOfShape":
            shape = _integers(first, nodes)
            return None if shape is None else prod(max(1, abs(size)) for size in shape)
        case "BroadcastTo" | "Expand":
            shape = _integers(second, nodes)
            return None if shape is None else prod(max(1, abs(size)) for size in shape)
        case "Tile":
            times = _integers(second, nodes) or ()
            return sizes.get(first, 1) * prod(max(1, abs(size)) for size in times)
        case "Resize":  # whose sizes, where it has no scales, come last
            return prod(
                max(1, abs(size)) for size in _integers(("", *node.inputs)[-1], nodes) or ()
            )
        case "Pad" | "PadV2" | "MirrorPad":
            return prod(max(1, abs(size)) for size in _integers(second, nodes) or ())
        case "Range":
            bounds = [values[0] for name in node.inputs if (values := _integers(name, nodes))]
            if len(bounds) != 3:
                return None
            start, limit, step = bounds
            return max(0, (limit - start) // (step or 1))
        case "OneHot":
            (depth,) = (_integers(second, nodes) or (1,))[:1]
            return sizes.get(first, 1) * max(1, depth)
        case op if op in _PASSED_ON or op in ("ZerosLike", "OnesLike", "Reshape"):
            return sizes.get(first)
    return None


def _integers(name: str, nodes: Mapping[str, Node]) -> tuple[int, ...] | None:
    """The integers that a node holds, through nodes that pass them on or pack them."""
    node = nodes.get(name)
    while node is not None and node.op in _PASSED_ON and node.inputs:
        node = nodes.get(node.inputs[0])
    if node is None:
        return None
    if node.op in ("Pack", "ConcatV2", "Concat"):
        parts = [part.integers for name in node.inputs if (part := nodes.get(name))]
        return tuple(value for part in parts if part for value in part) or None
    return node.integers


def _bounded(total: int) -> int:
    """A sum that stays small enough to go on adding with."""
    return min(total, _COUNTLESS)


def _counted(number: int) -> str:
    return f"{number:,}" if number < _COUNTLESS else "countless"
