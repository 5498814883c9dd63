"""The kinds of index, which all answer the same: exact search, and an approximate one for many.

flat   every row is looked at: nothing is written but the vectors
hnsw   a graph leads to near rows (hnsw.py)
"""

from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from artistindex.errors import Misuse
from artistindex.index import hnsw
from artistindex.index.flat import StoredRows, open_flat
from artistindex.index.manifest import AUTO, Kind, Manifest

MAX_EXACT_VALUES = 64_000_000
"""Numbers in an index up to which `auto` takes exact search: 256 MB, 125,000 artists of 512.

One core looks through that many in 25 ms (docs/performance.md).
"""


class Searcher(Protocol):
    """What finds the rows nearest to a vector, by inner product."""

    def search(
        self,
        asked: NDArray[np.float32],
        k: int,
        *,
        allowed: NDArray[np.bool_] | None = None,
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Return the scores and rows of the `k` nearest to each of the unit vectors `asked`.

        Both are of shape (asked, k), nearest first; row -1 stands where there are no more. Without
        those `allowed` (rows,), all rows may answer.
        """
        ...


def kind_for(kind: str, artists: int, dimension: int) -> Kind:
    """Return the kind that `kind`, which may be "auto", means for an index of that size.

    Raises Misuse for an unknown one.
    """
    if kind == AUTO:
        return Kind.FLAT if artists * dimension <= MAX_EXACT_VALUES else Kind.HNSW
    if kind not in tuple(Kind):
        raise Misuse(f"unknown kind of index {kind!r}; there are {', '.join((AUTO, *Kind))}")
    return Kind(kind)


def open_searcher(folder: Path, manifest: Manifest, rows: StoredRows) -> Searcher:
    """Open what searches the index in `folder`.

    Raises BrokenIndex, and FileNotFoundError where a file has vanished.
    """
    exact = open_flat(folder, manifest)
    if manifest.graph_file is None:
        return exact
    return hnsw.open_graph(folder / manifest.graph_file.name, manifest, rows, exact)
