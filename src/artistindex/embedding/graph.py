"""What is known of a graph of any format before it runs: its bodies, inputs and outputs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from artistindex import naming
from artistindex.errors import WeightsError

MAX_BYTES = 2**31 - 1  # what one protobuf message can hold
MAX_INTEGERS = 64  # a constant that says a shape has no more values
MAIN = ""  # the body that is no function of the library

Shape = tuple[int | None, ...]
"""The sizes of a tensor's axes, None where one is not said."""


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
    """The bodies of a graph: its own nodes under `MAIN`, each function's under its name.

    `gradients` are the functions that the library names as gradients. `inputs` and `outputs` are
    the tensors that the graph declares, with their shapes, None where one is not said; where
    `outputs` is None every node's outputs are the graph's.
    """

    bodies: dict[str, tuple[Node, ...]]
    inputs: Mapping[str, Shape | None]
    outputs: Mapping[str, Shape | None] | None = None
    gradients: tuple[str, ...] = field(default=())

    @cached_property
    def nodes(self) -> dict[str, str]:
        """The op of every node outside the functions."""
        return {node.name: node.op for node in self.bodies[MAIN]}

    @cached_property
    def ops(self) -> frozenset[str]:
        """Every op that is named anywhere."""
        return frozenset(node.op for body in self.bodies.values() for node in body)

    def has(self, tensor: str) -> bool:
        """Tell whether the graph gives `tensor`; one of TensorFlow is "node" or "node:index"."""
        if self.outputs is not None:
            return tensor in self.outputs
        name, _, index = tensor.partition(":")
        outputs = {node.name: node.outputs for node in self.bodies[MAIN]}
        return int(index or 0) < outputs.get(name, 0)


def read_bytes(path: Path, kind: str) -> bytes:
    """Return the content of `path`; raises WeightsError where it is larger than a graph can be."""
    if path.stat().st_size > MAX_BYTES:
        raise WeightsError(f"{path} is over 2 GiB, more than {kind} can have")
    return path.read_bytes()


def no_graph(path: Path, kind: str, content: bytes) -> WeightsError:
    """Return the error that says what a file is that holds no graph."""
    return WeightsError(f"{path} is no {kind}; {_what_it_is(content)}")


def unique(path: Path, nodes: tuple[Node, ...]) -> tuple[Node, ...]:
    """Return `nodes`; raises WeightsError where two have one name."""
    if len({node.name for node in nodes}) < len(nodes):
        raise WeightsError(f"{path} is refused: two nodes of it have one name")
    return nodes


def add_function(
    path: Path, bodies: dict[str, tuple[Node, ...]], name: str, nodes: tuple[Node, ...]
) -> None:
    """Add a body to `bodies`; raises WeightsError where there is one of that name."""
    if name in bodies:
        raise WeightsError(f"{path} is refused: the function {naming.quoted(name)} comes twice")
    bodies[name] = unique(path, nodes)


def _what_it_is(content: bytes) -> str:
    if not content:
        return "it is empty"
    start = content[:512].lstrip().lower()
    if start.startswith((b"<!doctype", b"<html", b"<?xml")):
        return "it is a web page, perhaps saved in place of the file"
    if start.startswith(b"version https://git-lfs"):
        return "it is a Git LFS pointer, not the file itself"
    return "it may be damaged or cut short"
