"""What a weights file may hold: checked before anything runs it.

A weights file is a program. TensorFlow would run whatever ops it names, among them ones that read
and write files or call Python; a function that calls itself or a constant of a terabyte ends the
process. So a graph is read first and refused unless every op, in the open or inside a function of
its library, is on the list of what inference needs, and unless it ends.
"""

from collections.abc import Mapping
from math import prod
from pathlib import Path

from artistindex import naming
from artistindex.embedding.graph_def import MAIN, Graph, Node, read_graph
from artistindex.embedding.spec import ModelSpec
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
_COUNTLESS = 10**18
_PLACEHOLDERS = ("Placeholder", "PlaceholderWithDefault")
_PASSED_ON = ("Identity", "StopGradient", "Snapshot", "Cast")


def check_graph_is_safe(path: Path, spec: ModelSpec) -> None:
    """Raise WeightsError unless `path` is a harmless graph with the tensors of `spec`.

    Refused are ops that are not on the list, functions that are missing or reach themselves, nodes
    in a circle (no op of a loop is on the list), and graphs that expand beyond MAX_NODES nodes or
    MAX_VALUES values of constants and fills.
    """
    graph = read_graph(path)
    problem = _forbidden(graph) or _endless(graph) or _explosive(graph)
    if problem:
        raise WeightsError(f"{path} is refused: {problem}; get the file from its publisher")
    if graph.nodes.get(spec.input) not in _PLACEHOLDERS:
        raise WeightsError(f"{path} is not {spec.name}: it has no input {spec.input!r}")
    for output in (spec.output, *spec.layers.values()):
        if not graph.has(output):
            raise WeightsError(f"{path} is not {spec.name}: it has no output {output!r}")


def _forbidden(graph: Graph) -> str | None:
    forbidden = sorted(graph.ops - ALLOWED_OPS)
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
    for name in _sorted_by_needs(calls) or ():
        body = graph.bodies[name]
        nodes[name] = _bounded(len(body) + sum(nodes[call] for call in calls[name]))
        values[name] = _bounded(_filled(body) + sum(values[call] for call in calls[name]))
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


def _filled(body: tuple[Node, ...]) -> int:
    """How many values the constants and fills of a body have, as far as it says so itself."""
    nodes = {node.name: node for node in body}
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
        case "Const":
            return node.size
        case "Fill" | "RandomUniform" | "RandomStandardNormal":
            shape = _integers(first, nodes)
            return None if shape is None else prod(max(1, abs(size)) for size in shape)
        case "BroadcastTo":
            shape = _integers(second, nodes)
            return None if shape is None else prod(max(1, abs(size)) for size in shape)
        case "Tile":
            times = _integers(second, nodes) or ()
            return sizes.get(first, 1) * prod(max(1, abs(size)) for size in times)
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
    if node.op in ("Pack", "ConcatV2"):
        parts = [part.integers for name in node.inputs if (part := nodes.get(name))]
        return tuple(value for part in parts if part for value in part) or None
    return node.integers


def _bounded(total: int) -> int:
    """A sum that stays small enough to go on adding with."""
    return min(total, _COUNTLESS)


def _counted(number: int) -> str:
    return f"{number:,}" if number < _COUNTLESS else "countless"
