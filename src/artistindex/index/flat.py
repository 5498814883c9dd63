"""The file of an index's vectors: a FAISS header, and float32 rows of unit length.

Every kind of index has it. It is searched exactly, and what another kind has found is scored by it.
"""

import os
import struct
import weakref
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from artistindex.errors import BrokenIndex
from artistindex.index.manifest import Manifest

if TYPE_CHECKING:
    import faiss

# IndexFlatIP on disk: "IxFI", dimension, rows, two unused words, trained flag, metric, length
_HEADER = struct.Struct("<4siqqqBiQ")
HEADER_BYTES = _HEADER.size
_UNUSED = 1 << 20  # what FAISS puts into the unused words

_VALUES_AT_ONCE = 1 << 23  # read together where all rows are looked at: 32 MB

Rows = NDArray[np.float32]


def header(rows: int, dimension: int) -> bytes:
    """Return what stands before the `rows` in the file, as `faiss.write_index` writes it."""
    return _HEADER.pack(b"IxFI", dimension, rows, _UNUSED, _UNUSED, 1, 0, rows * dimension)


class StoredRows:
    """The rows in a file of vectors, read when they are asked for: `shape` (rows, dimension).

    Nothing is mapped: a page of a mapped file brings fifteen others into the process's memory
    with it, which for single rows out of a million is the whole file soon.
    """

    def __init__(self, path: Path, shape: tuple[int, int], *, offset: int = _HEADER.size) -> None:
        self.path, self.shape = path, shape
        self._handle = os.open(path, os.O_RDONLY)
        self._offset = offset
        self.close = weakref.finalize(self, os.close, self._handle)
        """Closes the file, which else is closed with the last use of the rows."""

    def __len__(self) -> int:
        return self.shape[0]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def take(self, rows: Collection[int] | NDArray[np.integer[Any]]) -> Rows:
        """Return some `rows`, in that order: (rows, dimension). Raises BrokenIndex, IndexError."""
        size, handle, offset = 4 * self.shape[1], self._handle, self._offset
        numbers = list(map(int, rows))
        if numbers and not 0 <= min(numbers) <= max(numbers) < len(self):
            raise IndexError(f"there are {len(self)} rows, not {min(numbers)} to {max(numbers)}")
        content = b"".join([os.pread(handle, size, offset + size * row) for row in numbers])
        if len(content) != size * len(numbers):
            raise self._is_short()
        return np.frombuffer(bytearray(content), "<f4").reshape(len(numbers), self.shape[1])

    def __getitem__(self, part: slice) -> Rows:
        """Return the rows of a slice."""
        start, stop, step = part.indices(len(self))
        if step != 1:
            return self.take(range(start, stop, step))
        rows = np.empty((max(0, stop - start), self.shape[1]), "<f4")
        self._read(start, rows)
        return rows

    def blocks(self) -> Iterator[Rows]:
        """Yield all rows in order, some megabytes at once."""
        size = max(1, _VALUES_AT_ONCE // self.shape[1])
        for start in range(0, len(self), size):
            yield self[start : start + size]

    def products(self, vector: NDArray[np.floating]) -> Rows:
        """Return the inner product of every row with `vector` (dimension,): (rows,)."""
        asked = vector.astype(np.float32)
        products: Rows = np.concatenate([block @ asked for block in self.blocks()])
        return products

    def _read(self, row: int, place: Rows) -> None:
        view, at = memoryview(place.data).cast("B"), self._offset + 4 * row * self.shape[1]
        while view:
            count = os.preadv(self._handle, [view], at)
            if not count:
                raise self._is_short()
            view, at = view[count:], at + count

    def _is_short(self) -> BrokenIndex:
        return BrokenIndex(f"{self.path} is shorter than it was: build the index again")


class Exact:
    """Searches all rows, exactly."""

    def __init__(self, index: "faiss.Index") -> None:
        self._index = index

    def search(
        self, asked: Rows, k: int, *, allowed: NDArray[np.bool_] | None = None
    ) -> tuple[Rows, NDArray[np.int64]]:
        """Return the scores and rows of the `k` nearest to each of the unit vectors `asked`.

        Both are of shape (asked, k), nearest first; row -1 stands where there are no more. Without
        those `allowed` (rows,), all rows may answer.
        """
        import faiss

        untyped: Any = faiss  # its stubs know the C++ signatures alone
        parameters = None
        if allowed is not None:
            bits = np.packbits(allowed, bitorder="little")
            parameters = untyped.SearchParameters(sel=untyped.IDSelectorBitmap(bits))
        scores, rows = self._index.search(asked, k, params=parameters)
        return scores, rows


def open_flat(folder: Path, manifest: Manifest) -> Exact:
    """Map the file that the manifest of `folder` names, after a look at its header.

    FAISS trusts the numbers there with its memory. Raises BrokenIndex, and FileNotFoundError where
    the file has vanished.
    """
    path, rows, dimension = _path(folder, manifest), manifest.artists, manifest.dimension
    with path.open("rb") as file:
        head = file.read(_HEADER.size)
    expected = _HEADER.unpack(header(rows, dimension))
    if (
        len(head) < _HEADER.size
        or _without_unused(_HEADER.unpack(head)) != _without_unused(expected)
        or manifest.index_file.bytes != _HEADER.size + 4 * rows * dimension
    ):
        raise BrokenIndex(
            f"{path} is not the flat index of {rows} vectors of dimension {dimension} that the"
            " manifest describes: build the index again"
        )
    return Exact(map_index(path))


def map_index(path: Path) -> "faiss.Index":
    """Map a FAISS file whose header is known to be sound; raises as `open_flat`."""
    import faiss

    try:
        return faiss.read_index(str(path), faiss.IO_FLAG_MMAP_IFC)
    except RuntimeError as error:
        if not path.exists():
            raise FileNotFoundError(2, "vanished", str(path)) from error
        raise BrokenIndex(f"FAISS cannot read {path}: build the index again") from error


def stored_rows(folder: Path, manifest: Manifest) -> StoredRows:
    """Open the file of vectors that the manifest of `folder` names."""
    return StoredRows(_path(folder, manifest), (manifest.artists, manifest.dimension))


def _path(folder: Path, manifest: Manifest) -> Path:
    return folder / manifest.index_file.name


def _without_unused(fields: tuple[object, ...]) -> tuple[object, ...]:
    return (*fields[:3], *fields[5:])
