"""Names that are nearly alike, by the trigrams that they share: for indexes of very many artists.

A trigram is three characters of a folded name, each word of which stands between two spaces. A
table of the sidecar lists the rows of each; of those that share the most with what was typed,
rapidfuzz tells which are closest.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

MIN_NAMES = 5_000
"""The fewest names that a table is written for: so many are compared one by one in a quarter of a
second."""

_NAMES_AT_ONCE = 20_000
_END = 0x0A  # between two names: a folded name holds no line break
_SPACE = 0x20
_BITS = 21  # of a character

Codes = NDArray[np.int64]
Rows = NDArray[np.uint32]


def trigrams(names: Sequence[str]) -> tuple[Codes, Rows]:
    """Return every trigram of the folded `names`, as a number, and the position of its name.

    Trigrams that reach from one word into the next are none.
    """
    text = "\n".join(f" {name} " for name in names)
    points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), "<u4").astype(np.int64)
    if len(points) < 3:
        return np.empty(0, np.int64), np.empty(0, np.uint32)
    first, middle, last = points[:-2], points[1:-1], points[2:]
    rows = np.cumsum(points == _END)[:-2]
    inside = (first != _END) & (middle != _END) & (last != _END) & (middle != _SPACE)
    codes = (first << (2 * _BITS)) | (middle << _BITS) | last
    return codes[inside], rows[inside].astype(np.uint32)


def lists(names: Iterable[str]) -> Iterator[tuple[int, bytes]]:
    """Yield each trigram of the folded `names`, in order, and the rows that have it.

    The rows are little-endian uint32, in order, each once.
    """
    codes, rows, start = [], [], 0
    iterator = iter(names)
    while batch := list(islice(iterator, _NAMES_AT_ONCE)):
        some_codes, some_rows = trigrams(batch)
        codes.append(some_codes)
        rows.append(some_rows + np.uint32(start))
        start += len(batch)
    if not codes:
        return
    all_codes, all_rows = np.concatenate(codes), np.concatenate(rows).astype("<u4")
    order = np.argsort(all_codes, kind="stable")
    all_codes, all_rows = all_codes[order], all_rows[order]
    is_first = _differs(all_codes) | _differs(all_rows)
    all_codes, all_rows = all_codes[is_first], all_rows[is_first]
    starts = np.flatnonzero(_differs(all_codes))
    for at, end in zip(starts.tolist(), [*starts[1:].tolist(), len(all_codes)], strict=True):
        yield int(all_codes[at]), all_rows[at:end].tobytes()


def _differs(values: NDArray[np.integer[Any]]) -> NDArray[np.bool_]:
    """Which values are not the one before."""
    differs = np.ones(len(values), np.bool_)
    differs[1:] = values[1:] != values[:-1]
    return differs


def sharing_most(listed: Sequence[Rows], count: int, limit: int) -> list[int]:
    """Return up to `limit` of `count` rows, those in the most of the lists, first the earlier."""
    rows = np.concatenate([np.empty(0, np.uint32), *listed])
    shared = np.bincount(rows[rows < count], minlength=count)
    rows_at_least = np.cumsum(np.bincount(shared)[::-1])[::-1]  # in so many lists, or in more
    enough = np.flatnonzero(rows_at_least >= min(limit, int(np.count_nonzero(shared))))
    least = max(1, int(enough[-1])) if len(enough) else 1
    candidates = np.flatnonzero(shared >= least)
    order = np.argsort(-shared[candidates], kind="stable")[:limit]
    best: list[int] = candidates[order].tolist()
    return best
