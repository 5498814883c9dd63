"""What an index is read from: the files of a folder, or the collections of Milvus."""

from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from artistindex.index.kinds import Searcher
from artistindex.index.manifest import Manifest
from artistindex.index.sidecar import Entry, StoredArray, UsedTrack


class VectorRows(Protocol):
    """The unit vectors of the artists, read when they are asked for."""

    @property
    def close(self) -> Callable[[], Any]:
        """Return what closes the file or the connection that they are read from."""
        ...

    @property
    def shape(self) -> tuple[int, int]:
        """Return how many artists and dimensions there are."""
        ...

    def __len__(self) -> int: ...

    def __getitem__(self, part: slice, /) -> NDArray[np.float32]: ...

    def take(self, rows: Collection[int] | NDArray[np.integer[Any]]) -> NDArray[np.float32]:
        """Return some `rows`, in that order: (rows, dimension)."""
        ...

    def blocks(self) -> Iterator[NDArray[np.float32]]:
        """Yield all rows in order, some at once."""
        ...

    def products(self, vector: NDArray[np.floating]) -> NDArray[np.float32]:
        """Return the inner product of every row with `vector` (dimension,): (rows,)."""
        ...


class TrackVectors(Protocol):
    """The vectors of the tracks behind the artists, as the model made them."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Return how many vectors and dimensions there are."""
        ...

    def __len__(self) -> int: ...

    def __getitem__(self, part: Any, /) -> Any: ...

    def __array__(self, *arguments: Any, **more: Any) -> NDArray[Any]: ...


class ArtistTable(Protocol):
    """Which row is which artist, and the tracks behind each; see `sidecar.Sidecar`."""

    def names(self) -> list[str]: ...

    def entries(self, rows: Sequence[int] | None = None) -> list[Entry]: ...

    def find(self, name: str) -> list[Entry]: ...

    def candidates(self, typed: str) -> dict[int, str]: ...

    def names_beginning(self, prefix: str, limit: int) -> list[str]: ...

    def tracks(self, rows: Sequence[int], vectors: Any) -> dict[int, list[UsedTrack]]: ...

    def tracks_of_vectors(
        self, numbers: Sequence[int], vectors: Any
    ) -> dict[int, tuple[list[int], UsedTrack]]: ...

    def library_ids(self) -> Iterator[tuple[int, int]]: ...

    def rows_below(self, tracks: int) -> list[int]: ...

    def arrays(self) -> list[StoredArray]: ...

    def check(self, vectors: int) -> None: ...

    def close(self) -> Any: ...


class IndexParts(NamedTuple):
    """An open index, wherever it lies."""

    path: Path
    manifest: Manifest
    rows: VectorRows
    searcher: Searcher
    sidecar: ArtistTable
    track_vectors: TrackVectors
