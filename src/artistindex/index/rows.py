"""What an index is made of, one artist after the other, and the files of vectors it goes into."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from artistindex.entities import Artist
from artistindex.index.sidecar import UsedTrack

_T = TypeVar("_T")
_BUFFERED = 4 * 1024 * 1024  # bytes


@dataclass(frozen=True, slots=True, eq=False)
class IndexRow:
    """An artist on its way into an index.

    `vector` is the raw mean of the tracks, float32 of shape (dimension,); with `is_placed` it is of
    unit length and lies in the index's own space already. The name may be `guessed` from a path.
    `licence` is that of the weights which made a vector that came in a pack.
    """

    artist: Artist
    vector: NDArray[np.float32]
    tracks: Sequence[UsedTrack] = ()
    guessed: bool = False
    is_placed: bool = False
    licence: str = ""


class VectorFile:
    """Rows of little-endian float32, written one after the other behind a header of some bytes.

    All have the dimension of the first; `append` raises ValueError for another one.
    """

    def __init__(self, path: Path, *, header: int = 0) -> None:
        self.path = path
        self.count = 0
        self.dimension = 0
        self._header = header
        self._pending: list[NDArray[np.float32]] = []
        self._file = path.open("r+b")
        self._file.seek(header)

    def append(self, vector: NDArray[np.float32]) -> int:
        """Write a vector (dimension,) behind the others; returns its row."""
        if vector.ndim != 1 or (self.count and len(vector) != self.dimension):
            raise ValueError(
                f"a vector of shape {vector.shape} does not go with those of dimension"
                f" {self.dimension}"
            )
        self.dimension = len(vector)
        self._pending.append(vector)
        self.count += 1
        if 4 * self.dimension * len(self._pending) >= _BUFFERED:
            self.flush()
        return self.count - 1

    def extend(self, vectors: NDArray[np.float32]) -> None:
        """Write vectors (n, dimension) behind the others."""
        for vector in vectors:
            self.append(vector)

    def flush(self) -> None:
        """Hand everything to the operating system."""
        if self._pending:
            self._file.write(np.stack(self._pending).astype("<f4", copy=False).data)
            self._pending.clear()
        self._file.flush()

    def write_header(self, header: bytes) -> None:
        """Fill the room that was left for a header."""
        self.flush()
        self._file.seek(0)
        self._file.write(header)
        self._file.flush()

    def mapped(self) -> NDArray[np.float32]:
        """Map what was written: float32 of shape (count, dimension)."""
        self.flush()
        shape = (self.count, self.dimension)
        if not all(shape):
            return np.zeros(shape, np.float32)
        return np.memmap(self.path, "<f4", mode="r", offset=self._header, shape=shape)

    def close(self) -> None:
        """Close the file; what has not been flushed is lost."""
        self._file.close()


def batches(things: Iterable[_T], size: int) -> Iterator[list[_T]]:
    """Yield the things in lists of `size`, the last one shorter."""
    iterator = iter(things)
    while batch := list(islice(iterator, size)):
        yield batch
