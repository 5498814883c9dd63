"""Kinds of index side by side: exact, ours, hnswlib and usearch, built once and kept.

    python benchmarks/kinds.py build DIR --artists 1000000 --dimension 512 [--uniform]
    python benchmarks/kinds.py others DIR
    python benchmarks/kinds.py compare DIR

`build` makes vectors (made_up.py) and writes our index of them through the package; `others`
builds those of hnswlib (float32) and usearch (float16), with the same links and the same depth;
`compare` asks all of them the same 1,000 vectors, one thread each, in turns, and measures the
memory of each in a process of its own. docs/performance.md quotes it.
"""

import argparse
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from artistindex.entities import Artist, VectorKey
from artistindex.index import hnsw
from artistindex.index.manifest import Recipe
from artistindex.index.reader import ArtistIndex
from artistindex.index.rows import IndexRow
from artistindex.index.writer import write_rows
from artistindex.query.ranking import search
from made_up import names, vectors

K = 10
DEPTHS = (16, 24, 32, 48, 64, 96, 128, 192, 256)
ROUNDS = 3
AT_ONCE = 50_000
OURS, BY_NAME, PLAIN, EXACT = "artistindex", "artistindex, by name", "its graph, FAISS", "exact"
HNSWLIB, USEARCH = "hnswlib f32", "usearch f16"

Ask = Callable[[NDArray[np.float32], int, int], Any]
"""Asks with a vector, its number and a depth of search; returns the rows."""


def built(folder: Path, make: Callable[[], Any], what: str) -> None:
    """Print what it takes to make something."""
    started, cpu = time.perf_counter(), time.process_time()
    make()
    figures = {
        "built": what,
        "minutes": round((time.perf_counter() - started) / 60, 1),
        "cpu_minutes": round((time.process_time() - cpu) / 60, 1),
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        "file_mb": sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) >> 20,
    }
    print(json.dumps(figures), flush=True)


def build(folder: Path, artists: int, dimension: int, *, uniform: bool, kind: str) -> None:
    """Write our index of made-up artists."""
    rows, _ = vectors(folder, artists, dimension, uniform=uniform)
    made = (
        IndexRow(Artist(name), np.array(vector))
        for name, vector in zip(names(len(rows)), rows, strict=True)
    )
    index = folder / kind
    recipe = Recipe(VectorKey("vggish", "0" * 64))
    built(index, lambda: write_rows(index, made, recipe, kind=kind), f"artistindex, {kind}")


def build_others(folder: Path) -> None:
    """Build the indexes of the other libraries, each in a process of its own."""
    for what in (HNSWLIB, USEARCH):
        command = [sys.executable, __file__, "other", str(folder), what]
        subprocess.run(command, check=True)


def build_other(folder: Path, what: str) -> None:
    """Build the index of one other library, unless it is there."""
    rows = np.load(folder / "rows.npy", mmap_mode="r")
    if what == HNSWLIB and not (folder / "hnswlib.bin").exists():
        built(folder / "hnswlib.bin", lambda: _build_hnswlib(folder, rows), what)
    if what == USEARCH and not (folder / "usearch.bin").exists():
        built(folder / "usearch.bin", lambda: _build_usearch(folder, rows), what)


def _build_hnswlib(folder: Path, rows: NDArray[np.float32]) -> None:
    import hnswlib

    index = hnswlib.Index("ip", rows.shape[1])
    index.init_index(len(rows), M=hnsw.LINKS, ef_construction=hnsw.BUILD_DEPTH, random_seed=1)
    for start in range(0, len(rows), AT_ONCE):
        block = rows[start : start + AT_ONCE]
        index.add_items(block, np.arange(start, start + len(block)))
    index.save_index(str(folder / "hnswlib.bin"))


def _build_usearch(folder: Path, rows: NDArray[np.float32]) -> None:
    from usearch.index import Index

    index = Index(
        ndim=rows.shape[1],
        metric="ip",
        dtype="f16",
        connectivity=hnsw.LINKS,
        expansion_add=hnsw.BUILD_DEPTH,
    )
    for start in range(0, len(rows), AT_ONCE):
        block = rows[start : start + AT_ONCE]
        index.add(np.arange(start, start + len(block)), block)
    index.save(str(folder / "usearch.bin"))


# --- asking -------------------------------------------------------------------------------------


def open_ours(folder: Path) -> ArtistIndex:
    """Open our index, whose searches take one thread."""
    import faiss

    untyped: Any = faiss
    untyped.omp_set_num_threads(1)
    return ArtistIndex.open(folder / "hnsw")


def asks(folder: Path, what: str) -> Ask:
    """Open an index and return how it is asked."""
    if what == HNSWLIB:
        return _hnswlib(folder)
    if what == USEARCH:
        return _usearch(folder)
    index = open_ours(folder)
    searcher: Any = index._searcher
    if what == EXACT:
        return lambda vector, number, depth: searcher.exact.search(vector[None], K)[1][0]
    if what == PLAIN:
        return _plain(searcher.graph)
    if what == BY_NAME:
        asked = [name for name in index.artists[::100] if len(index.find_rows(name)) == 1]
        return lambda vector, number, depth: [
            hit.row for hit in search(index, asked[number], K, entry_tracks=False)
        ]

    def ours(vector: NDArray[np.float32], number: int, depth: int) -> Any:
        object.__setattr__(searcher, "search_depth", depth)
        return [row for _, row in index.search_rows(vector, K)]

    return ours


def _plain(graph: Any) -> Ask:
    import faiss

    untyped: Any = faiss
    return lambda vector, number, depth: graph.search(
        vector[None], K, params=untyped.SearchParametersHNSW(efSearch=depth)
    )[1][0]


def _hnswlib(folder: Path) -> Ask:
    import hnswlib

    index = hnswlib.Index("ip", np.load(folder / "queries.npy").shape[1])
    index.load_index(str(folder / "hnswlib.bin"))
    index.set_num_threads(1)

    def ask(vector: NDArray[np.float32], number: int, depth: int) -> Any:
        index.set_ef(depth)
        return index.knn_query(vector[None], K)[0][0]

    return ask


def _usearch(folder: Path) -> Ask:
    from usearch.index import Index

    index: Any = Index.restore(str(folder / "usearch.bin"))

    def ask(vector: NDArray[np.float32], number: int, depth: int) -> Any:
        index.expansion_search = depth
        return index.search(vector, K, threads=1).keys

    return ask


def truth(folder: Path) -> NDArray[np.int64]:
    """The rows that are exactly nearest to each query: (queries, 10); kept in a file."""
    path = folder / "truth.npy"
    if not path.exists():
        rows, queries = np.load(folder / "rows.npy", mmap_mode="r"), np.load(folder / "queries.npy")
        scores, nearest = np.empty((len(queries), 0)), np.empty((len(queries), 0), np.int64)
        for start in range(0, len(rows), AT_ONCE):
            products = queries @ np.array(rows[start : start + AT_ONCE]).T
            best = np.argpartition(-products, K, axis=1)[:, :K]
            scores = np.hstack([scores, np.take_along_axis(products, best, 1)])
            nearest = np.hstack([nearest, best + start])
        order = np.argsort(-scores, axis=1)[:, :K]
        np.save(path, np.take_along_axis(nearest, order, 1))
    exact: NDArray[np.int64] = np.load(path)
    return exact


def compare(folder: Path) -> None:
    """Print recall and the median time of a question, at each depth, and each one's memory."""
    others = [name for name, file in ((HNSWLIB, "hnswlib.bin"), (USEARCH, "usearch.bin"))
              if (folder / file).exists()]  # fmt: skip
    whats = [OURS, PLAIN, *others]
    for what in whats:
        subprocess.run([sys.executable, __file__, "memory", str(folder), what], check=True)
    queries, exact = np.load(folder / "queries.npy"), truth(folder)
    ways = {what: asks(folder, what) for what in whats}
    for depth in DEPTHS:
        times: dict[str, list[float]] = {what: [] for what in ways}
        recalls = dict.fromkeys(ways, 0.0)
        for round_ in range(ROUNDS):
            for what, ask in ways.items():
                rows, seconds = _timed(ask, queries, depth)
                times[what] += seconds
                if not round_:
                    recalls[what] = _recall(rows, exact)
        for what, seconds in times.items():
            print(_line(what, depth, recalls[what], seconds), flush=True)
    depth = int(ArtistIndex.open(folder / "hnsw").manifest.parameters["ef_search"])
    for what in ROUNDS * (PLAIN, BY_NAME):
        print(_line(what, depth, None, _timed(asks(folder, what), queries, depth)[1]), flush=True)
    print(_line(EXACT, 0, 1.0, _timed(asks(folder, EXACT), queries[:30], 0)[1]))


def _timed(ask: Ask, queries: NDArray[np.float32], depth: int) -> tuple[list[Any], list[float]]:
    rows, seconds = [], []
    for number, vector in enumerate(queries):
        started = time.perf_counter()
        rows.append(ask(vector, number, depth))
        seconds.append(time.perf_counter() - started)
    return rows, seconds


def _recall(rows: list[Any], exact: NDArray[np.int64]) -> float:
    shares = [
        len({int(row) for row in answer} & set(nearest.tolist())) / K
        for answer, nearest in zip(rows, exact, strict=True)
    ]
    return float(np.mean(shares))


def _line(what: str, depth: int, recall: float | None, seconds: list[float]) -> str:
    return json.dumps(
        {
            "what": what,
            "depth": depth,
            "recall": recall and round(recall, 4),
            "p50_ms": round(1000 * float(np.median(seconds)), 3),
            "p10_ms": round(1000 * float(np.quantile(seconds, 0.1)), 3),
        }
    )


def memory(folder: Path, what: str) -> None:
    """Print the memory of a process that opens one index and asks it everything."""
    queries = np.load(folder / "queries.npy")
    ask = asks(folder, what)
    for number, vector in enumerate(queries):
        ask(vector, number, 48)
    status = Path("/proc/self/status").read_text()
    figures = {
        key: int(status.partition(f"{key}:")[2].split()[0]) // 1024
        for key in ("VmRSS", "RssAnon", "RssFile")
    }
    print(json.dumps({"memory": what, **figures}), flush=True)


def main() -> None:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("build", "others", "compare", "other", "memory"))
    parser.add_argument("folder", type=Path)
    parser.add_argument("which", nargs="?", default="")
    parser.add_argument("--artists", type=int, default=100_000)
    parser.add_argument("--dimension", type=int, default=512)
    parser.add_argument("--uniform", action="store_true")
    parser.add_argument("--kind", default="hnsw")
    given = parser.parse_args()
    if given.what == "build":
        size = (given.artists, given.dimension)
        build(given.folder, *size, uniform=given.uniform, kind=given.kind)
    else:
        does: dict[str, Callable[[], None]] = {
            "others": lambda: build_others(given.folder),
            "other": lambda: build_other(given.folder, given.which),
            "memory": lambda: memory(given.folder, given.which),
            "compare": lambda: compare(given.folder),
        }
        does[given.what]()


if __name__ == "__main__":
    main()
