"""Vectors in an .npy file, which may be a stranger's: mapped, never unpickled."""

import math
from collections.abc import Callable, Iterator
from pathlib import Path
from tokenize import TokenError
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from artistindex import naming
from artistindex.errors import Misuse
from artistindex.packs.names_file import read_names
from artistindex.packs.vector_table import VectorTable, rows_at_once

MAGIC = b"\x93NUMPY"
_MAX_HEADER_BYTES = 4096
BAD_HEADER = (ValueError, TypeError, SyntaxError, RecursionError, MemoryError, TokenError)
"""What numpy raises for a header that is none."""

_READERS: dict[tuple[int, int], Callable[..., Any]] = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}


def npy_table(path: Path, names: Path, *, is_tracks: bool) -> VectorTable:
    """Return the vectors in `path` with the names in `names`.

    They are float16, float32 or float64, of shape (rows, dimension). Raises Misuse for anything
    else, for an array of objects, and for a file of another size than its header states.
    """
    vectors = map_npy(path)
    rows = read_names(names, is_tracks=is_tracks)
    if len(rows) != len(vectors):
        raise Misuse(f"{path} holds {len(vectors)} vectors, but {names} names {len(rows)}")
    return VectorTable(path, rows, vectors.shape[1], lambda: _blocks(vectors), is_tracks=is_tracks)


def map_npy(path: Path) -> NDArray[np.floating]:
    """Map the array in `path`: floats of shape (rows, dimension). Raises Misuse."""
    try:
        with path.open("rb") as file:
            shape, is_fortran, kind = _header(file, path)
            offset = file.tell()
            size = path.stat().st_size
    except OSError as error:
        raise Misuse(f"cannot read {path}: {error.strerror or error}") from error
    if kind.kind != "f" or kind.itemsize not in (2, 4, 8):
        what = "objects of Python" if kind.hasobject else naming.quoted(str(kind), 40)
        raise Misuse(f"{path} holds {what}; expected float16, float32 or float64")
    if len(shape) != 2 or min(shape) < 1:
        shown = naming.truncate(str(shape), 60)
        raise Misuse(f"{path} has the shape {shown}; expected rows of vectors, one a name")
    if size != offset + kind.itemsize * math.prod(shape):
        raise Misuse(f"{path} does not have the size that its header states")
    vectors: NDArray[np.floating] = np.memmap(
        path,
        kind,
        mode="r",
        offset=offset,
        shape=(shape[0], shape[1]),
        order="F" if is_fortran else "C",
    )
    return vectors


def _header(file: BinaryIO, path: Path) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    try:
        read = _READERS[np.lib.format.read_magic(file)]
        shape, is_fortran, kind = read(file, max_header_size=_MAX_HEADER_BYTES)
    except (*BAD_HEADER, KeyError):
        raise Misuse(f"{path} is no .npy file that is read here (versions 1.0 and 2.0)") from None
    return shape, is_fortran, kind


def _blocks(vectors: NDArray[np.floating]) -> Iterator[NDArray[np.floating]]:
    size = rows_at_once(vectors.shape[1])
    for start in range(0, len(vectors), size):
        yield np.array(vectors[start : start + size])
