"""The FAISS file of an exact index: a header, and float32 rows of unit length."""

import struct
from pathlib import Path
from typing import TYPE_CHECKING

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


def header(rows: int, dimension: int) -> bytes:
    """Return what stands before the `rows` in the file, as `faiss.write_index` writes it."""
    return _HEADER.pack(b"IxFI", dimension, rows, _UNUSED, _UNUSED, 1, 0, rows * dimension)


def open_flat(folder: Path, manifest: Manifest) -> "faiss.Index":
    """Map the file that the manifest of `folder` names, after a look at its header.

    FAISS trusts the numbers there with its memory. Raises BrokenIndex, and FileNotFoundError where
    the file has vanished.
    """
    import faiss

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
    try:
        return faiss.read_index(str(path), faiss.IO_FLAG_MMAP_IFC)
    except RuntimeError as error:
        if not path.exists():
            raise FileNotFoundError(2, "vanished", str(path)) from error
        raise BrokenIndex(f"FAISS cannot read {path}: build the index again") from error


def mapped_rows(folder: Path, manifest: Manifest) -> NDArray[np.float32]:
    """Map the vectors themselves: (artists, dimension), not aligned in memory."""
    shape = (manifest.artists, manifest.dimension)
    path = _path(folder, manifest)
    return np.memmap(path, "<f4", mode="r", offset=_HEADER.size, shape=shape)


def _path(folder: Path, manifest: Manifest) -> Path:
    return folder / manifest.index_file.name


def _without_unused(fields: tuple[object, ...]) -> tuple[object, ...]:
    return (*fields[:3], *fields[5:])
