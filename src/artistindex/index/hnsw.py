"""An approximate kind: a graph of near rows (HNSW) over vectors in bfloat16, out of FAISS.

The graph finds candidates, the stored float32 rows score them: what is listed has its exact cosine.
docs/performance.md has the measurement that chose it among FAISS's kinds.
"""

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from artistindex.errors import BrokenIndex
from artistindex.index.flat import Exact, Rows, StoredRows, map_index
from artistindex.index.manifest import Manifest, Recall

if TYPE_CHECKING:
    import faiss

LINKS = 16
"""Links of a row to near ones in each direction, HNSW's M (docs/performance.md)."""
BUILD_DEPTH = 100
"""Rows that are looked at for the links of a new one, HNSW's efConstruction."""
SEARCH_DEPTHS = (64, 96, 128, 192, 256, 384, 512)
"""The efSearch that are tried when an index is built: the first that finds enough is taken.

Vectors that are no rows of the index are harder: where 24 find 0.997 for its own artists, they find
0.976 for others, and 64 find 0.995 (docs/performance.md).
"""
MIN_RECALL = 0.995
"""What is enough: of the ten nearest others, so many are found."""

_MADE_SO: Mapping[str, float | str] = {
    "codes": "bf16",
    "M": LINKS,
    "ef_construction": BUILD_DEPTH,
}
_K = 10
_SAMPLED = 500  # artists, of whom the recall is measured
_SEED = 0
_GROWTH = 4  # times as many candidates where too few of them may answer
_MIN_ALLOWED = 0.1  # of the rows: with fewer, exact search is quicker
_MAX_PART = 0.02  # of the rows as candidates: with more, exact search is quicker
_FEW = 40

# a FAISS file's common head, after its four letters: dimension, rows, two unused, trained, metric
_HEAD = struct.Struct("<4siqqqBi")
_LENGTH = struct.Struct("<Q")
_SETTINGS = 5 * 4  # entry point, top level, two depths, one unused
_QUANTIZER = struct.Struct("<iifQQQ")  # type, range, its argument, dimension, code size, trained


@dataclass(frozen=True)
class Graph:
    """Searches by the graph; exactly where few rows may answer, or very many are asked for."""

    graph: "faiss.IndexHNSWSQ"
    rows: StoredRows
    exact: Exact
    search_depth: int

    def search(
        self, asked: Rows, k: int, *, allowed: NDArray[np.bool_] | None = None
    ) -> tuple[Rows, NDArray[np.int64]]:
        """Return the exact scores and the rows of (nearly) the `k` nearest, as `Exact.search`."""
        if allowed is not None and allowed.mean() < _MIN_ALLOWED:
            return self.exact.search(asked, k, allowed=allowed)
        count = _candidates_for(k)
        while count <= max(_FEW, _MAX_PART * len(self.rows)):
            candidates = self._candidates(asked, count)
            best = [
                self._best(vector, near[near >= 0], k, allowed)
                for vector, near in zip(asked, candidates, strict=True)
            ]
            if min((len(rows) for _, rows in best), default=k) == k:
                scores = np.array([scores for scores, _ in best], np.float32)
                return scores.reshape(-1, k), np.array([rows for _, rows in best]).reshape(-1, k)
            count *= _GROWTH  # who is nearest may not answer: look further
        return self.exact.search(asked, k, allowed=allowed)

    def _candidates(self, asked: Rows, count: int) -> NDArray[np.int64]:
        import faiss

        untyped: Any = faiss
        depth = round(self.search_depth * max(1.0, count / _candidates_for(_K + 1)))
        searchable: Any = self.graph
        rows: NDArray[np.int64] = searchable.search(
            asked, count, params=untyped.SearchParametersHNSW(efSearch=depth)
        )[1]
        return rows

    def _best(
        self,
        asked: Rows,
        candidates: NDArray[np.int64],
        k: int,
        allowed: NDArray[np.bool_] | None,
    ) -> tuple[Rows, NDArray[np.int64]]:
        rows = np.sort(candidates if allowed is None else candidates[allowed[candidates]])
        scores = self.rows.take(rows) @ asked
        order = np.argsort(-scores, kind="stable")[:k]  # of equals the earlier row first
        return scores[order], rows[order]


def _candidates_for(k: int) -> int:
    """A few more than are asked for: bfloat16 may put near ones out of order."""
    return k + 5 + k // 10


def build(rows: StoredRows, exact: Exact, path: Path) -> tuple[dict[str, float | str], Recall]:
    """Write the graph over `rows` to the file `path`; return its parameters and its recall.

    `exact` searches the same rows. They are read block by block; in memory stand the graph and the
    codes, two bytes a value and 140 bytes a row. Threads make the graph, so that it differs a
    little each time.
    """
    import faiss

    untyped: Any = faiss
    codes = untyped.ScalarQuantizer.QT_bf16
    graph = untyped.IndexHNSWSQ(rows.shape[1], codes, LINKS, untyped.METRIC_INNER_PRODUCT)
    graph.hnsw.efConstruction = BUILD_DEPTH
    graph.is_trained = True  # there is nothing to learn about a float
    for block in rows.blocks():
        graph.add(block)
    depth, recall = _enough(graph, rows, exact)
    graph.hnsw.efSearch = depth
    untyped.write_index(graph, str(path))
    return {**_MADE_SO, "ef_search": depth}, recall


def is_made_so(parameters: Mapping[str, float | str]) -> bool:
    """Whether a graph of such parameters is one that `build` would make."""
    return {**parameters, **_MADE_SO} == parameters


def _enough(graph: "faiss.IndexHNSWSQ", rows: StoredRows, exact: Exact) -> tuple[int, Recall]:
    """Return the least depth of search that finds enough, and what it finds."""
    count = min(_SAMPLED, len(rows))
    sample = np.sort(np.random.default_rng(_SEED).choice(len(rows), count, replace=False))
    asked = rows.take(sample)
    k = min(_K, len(rows) - 1)
    nearest = _nearest_others(rows, asked, sample, k)
    for depth in SEARCH_DEPTHS:
        searcher = Graph(graph, rows, exact, depth)
        value = recall_of(searcher, asked, sample, nearest)
        if value >= MIN_RECALL:
            break
    return depth, Recall(round(value, 4), k, count)


def recall_of(
    searcher: Graph, asked: Rows, sample: NDArray[np.int64], nearest: NDArray[np.int64]
) -> float:
    """Return the mean share of each artist's `nearest` others (sample, k) that are found."""
    k = nearest.shape[1]
    if not k:
        return 1.0
    _, found = searcher.search(asked, k + 1)
    shares = [
        len(set(row[row != own][:k]) & set(exact)) / k
        for row, own, exact in zip(found, sample, nearest, strict=True)
    ]
    return float(np.mean(shares))


def _nearest_others(
    rows: StoredRows, asked: Rows, sample: NDArray[np.int64], k: int
) -> NDArray[np.int64]:
    """The `k` rows that are exactly nearest to each of `asked`, its own left out."""
    scores = np.full((len(asked), 0), 0.0, np.float32)
    nearest = np.zeros((len(asked), 0), np.int64)
    start = 0
    for block in rows.blocks():
        products = asked @ block.T
        is_own = (sample >= start) & (sample < start + len(block))
        products[is_own, sample[is_own] - start] = -np.inf
        numbers = np.broadcast_to(np.arange(start, start + len(block)), products.shape)
        scores, nearest = np.hstack([scores, products]), np.hstack([nearest, numbers])
        best = np.argsort(-scores, axis=1, kind="stable")[:, :k]
        scores = np.take_along_axis(scores, best, 1)
        nearest = np.take_along_axis(nearest, best, 1)
        start += len(block)
    return nearest


# --- the file -----------------------------------------------------------------------------------


def open_graph(path: Path, manifest: Manifest, rows: StoredRows, exact: Exact) -> Graph:
    """Map the graph at `path`, of the index that `manifest` describes, after a look at its layout.

    FAISS itself refuses links to rows that are not there. Raises as `flat.open_flat`.
    """
    with path.open("rb") as file:
        if not _is_sound(file, path.stat().st_size, *rows.shape):
            raise BrokenIndex(
                f"{path} is not the graph of {rows.shape[0]} vectors of dimension {rows.shape[1]}"
                " that the manifest describes: build the index again"
            )
    depth = manifest.parameters.get("ef_search")
    if not isinstance(depth, int) or not 0 < depth <= SEARCH_DEPTHS[-1]:
        raise BrokenIndex(f"the manifest of {path.parent} has no sound ef_search: build it again")
    graph: Any = map_index(path)
    return Graph(graph, rows, exact, depth)


def _is_sound(file: BinaryIO, size: int, rows: int, dimension: int) -> bool:
    """Whether the lengths in a file of `size` bytes are those of bfloat16 codes of such rows.

    FAISS trusts them with its memory.
    """
    try:
        _expect_head(file, b"IHNs", rows, dimension)
        _skip(file, 8, at_most=64)  # chances of the levels
        _skip(file, 4, at_most=64)  # links of the levels
        _skip(file, 4, exactly=rows)  # levels
        _skip(file, 8, exactly=rows + 1)  # offsets
        _skip(file, 4, at_most=64 * 2 * LINKS * rows)  # links
        file.seek(_SETTINGS, 1)
        _expect_head(file, b"IxSQ", rows, dimension)
        quantizer = _QUANTIZER.unpack(file.read(_QUANTIZER.size))
        _expect(quantizer[3:] == (dimension, 2 * dimension, 0))
        _skip(file, 1, exactly=2 * dimension * rows)  # codes
        return file.tell() == size
    except (struct.error, ValueError, OSError):
        return False


def _expect_head(file: BinaryIO, letters: bytes, rows: int, dimension: int) -> None:
    head = _HEAD.unpack(file.read(_HEAD.size))
    _expect(head[:3] == (letters, dimension, rows) and head[5:] == (1, 0))


def _skip(file: BinaryIO, size: int, *, exactly: int | None = None, at_most: int = 0) -> None:
    (length,) = _LENGTH.unpack(file.read(_LENGTH.size))
    _expect(length == exactly if exactly is not None else length <= at_most)
    file.seek(size * length, 1)


def _expect(condition: bool) -> None:
    if not condition:
        raise ValueError
