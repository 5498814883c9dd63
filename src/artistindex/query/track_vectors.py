"""The tracks behind the artists of an index, one by one: their vectors, out of its library."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from artistindex.errors import BrokenLibrary
from artistindex.index.reader import ArtistIndex
from artistindex.index.transforms import Transform
from artistindex.library.library import FILE_NAME, Library

Rows = NDArray[np.float32]

_AS_BUILT = 0.999  # the cosine between an artist's row and the mean of the tracks it was made of


@dataclass(frozen=True, eq=False)
class TrackSet:
    """An artist's tracks: `raw` (t, d) as the model made them, `units` (t, d') as the index has it.

    An artist who came in a pack, without tracks, is one track without a title: its own vector, in
    both spaces that of the index. `recordings` are those of the library, None there.
    """

    titles: tuple[str | None, ...]
    recordings: tuple[int | None, ...]
    raw: Rows
    units: Rows

    @property
    def is_imported(self) -> bool:
        """Whether there are no tracks, only the artist's vector."""
        return self.recordings == (None,)

    def __len__(self) -> int:
        return len(self.titles)


class TrackSets:
    """Track sets by row of an open index."""

    def __init__(
        self,
        index: ArtistIndex,
        vectors: Mapping[int, NDArray[np.float32]],
        recordings: Mapping[int, int],
    ) -> None:
        self._index = index
        self._vectors = vectors
        self._recordings = recordings
        self._sets: dict[int, TrackSet] = {}

    @classmethod
    def beside(cls, index: ArtistIndex) -> Self:
        """Read the track vectors from the library in the folder where `index` lies.

        Read-only. Raises BrokenLibrary where there is none, as beside a copied index, or it cannot
        be read.
        """
        path = index.path.parent / FILE_NAME
        if not path.is_file():
            raise BrokenLibrary(
                f"this needs the vectors of single tracks, and there is no {FILE_NAME} beside the"
                f" index {index.path}: ask where the index was built"
            )
        with Library.open(path, read_only=True) as library:
            return cls(index, library.vectors(index.manifest.key), library.recordings())

    @property
    def transform(self) -> Transform:
        """That of the index."""
        return self._index.transform

    def of(self, row: int) -> TrackSet:
        """The tracks behind `row`.

        Raises BrokenLibrary where the library no longer holds what the index was made of.
        """
        if row not in self._sets:
            self._sets[row] = self._read(row)
        return self._sets[row]

    def _read(self, row: int) -> TrackSet:
        used = self._index.tracks_of_row(row)
        own = self._index.vectors[row]
        ids = [track.library_id for track in used]
        if not used or None in ids:
            return TrackSet((None,), (None,), own[None, :], own[None, :])
        vectors = [self._vectors[id_] for id_ in ids if id_ is not None and id_ in self._vectors]
        raw = np.array(vectors, np.float32)
        whole = len(vectors) == len(ids)
        if not whole or float(self.centroids(raw, np.ones((1, len(ids))))[0] @ own) < _AS_BUILT:
            raise BrokenLibrary(
                f"the library has changed since the index {self._index.name} was built (the tracks"
                f" of {self._index.artists[row]}): run `artistindex build` again"
            )
        titles = tuple(track.title for track in used)
        recordings = tuple(self._recordings[at] for at in ids if at is not None)
        return TrackSet(titles, recordings, raw, self.transform.apply(raw))

    def centroids(self, raw: Rows, weights: NDArray[np.number]) -> Rows:
        """Artist vectors in the index's space (m, d'), for weights (m, t) of raw tracks (t, d)."""
        wide = weights.astype(np.float64) / weights.sum(axis=1, keepdims=True)
        means = wide @ raw.astype(np.float64)
        return self.transform.apply(means.astype(np.float32))


def same_recordings(one: TrackSet, other: TrackSet) -> NDArray[np.bool_]:
    """Which pairs of tracks (t, u) are one recording, as the library knows it.

    Two artists who share a recording are not alike for that.
    """
    return np.array(
        [[mine is not None and mine == its for its in other.recordings] for mine in one.recordings]
    )
