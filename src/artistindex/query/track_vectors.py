"""The tracks behind the artists of an index, one by one, with their vectors."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from artistindex.errors import BrokenLibrary, Remedy
from artistindex.index.reader import ArtistIndex
from artistindex.index.sidecar import UsedTrack
from artistindex.index.transforms import Transform

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
    """Track sets by row of an open index: its own, or where it has none, those of its library.

    An index of format 1 has none; the library lies beside it, where it was built.
    """

    def __init__(self, index: ArtistIndex) -> None:
        self._index = index
        self._sets: dict[int, TrackSet] = {}

    @property
    def transform(self) -> Transform:
        """That of the index."""
        return self._index.transform

    @property
    def are_here(self) -> bool:
        """Whether the index has vectors of tracks, or a library beside it."""
        return bool(len(self._index.track_vectors)) or self._library_path.is_file()

    @property
    def _library_path(self) -> Path:
        from artistindex.library.library import FILE_NAME

        return self._index.path.parent / FILE_NAME

    def of(self, row: int) -> TrackSet:
        """The tracks behind `row`.

        Raises BrokenLibrary where the library is asked, and is missing or no longer holds what the
        index was made of.
        """
        if row not in self._sets:
            self._sets[row] = self._read(row)
        return self._sets[row]

    def _read(self, row: int) -> TrackSet:
        tracks = self._index.tracks_of_row(row)
        if not len(self._index.track_vectors):
            tracks = self._from_library(row, tracks)
        vectors = [track.vector for track in tracks if track.vector is not None]
        if not tracks or len(vectors) < len(tracks):
            own = self._index.vectors_of([row])
            return TrackSet((None,), (None,), own, own)
        raw = np.array(vectors, np.float32)
        titles = tuple(track.title for track in tracks)
        recordings = tuple(track.recording for track in tracks)
        return TrackSet(titles, recordings, raw, self.transform.apply(raw))

    def _from_library(self, row: int, tracks: Sequence[UsedTrack]) -> list[UsedTrack]:
        """The `tracks` behind `row` with vectors and recordings out of the library."""
        vectors, recordings = self._library
        ids = [track.library_id for track in tracks if track.library_id is not None]
        if len(ids) < len(tracks):
            return list(tracks)
        raw = np.array([vectors[id_] for id_ in ids if id_ in vectors], np.float32)
        if len(raw) < len(ids) or (ids and self._differs(row, raw)):
            raise BrokenLibrary(
                f"the library has changed since the index {self._index.name} was built (the tracks"
                f" of {self._index.artists[row]})",
                remedy=Remedy.BUILD_AGAIN,
            )
        return [
            replace(track, vector=vectors[id_], recording=recordings[id_])
            for track, id_ in zip(tracks, ids, strict=True)
        ]

    def _differs(self, row: int, raw: Rows) -> bool:
        (mean,) = self.centroids(raw, np.ones((1, len(raw))))
        return float(mean @ self._index.vectors_of([row])[0]) < _AS_BUILT

    @cached_property
    def _library(self) -> tuple[Mapping[int, NDArray[np.float32]], Mapping[int, int]]:
        """Track id -> vector, and track id -> recording."""
        from artistindex.library.library import Library

        path = self._library_path
        if not path.is_file():
            raise BrokenLibrary(
                f"this needs the vectors of single tracks, and there is no {path.name} beside the"
                f" index {self._index.path}: ask where the index was built"
            )
        with Library.open(path, read_only=True) as library:
            return library.vectors(self._index.manifest.key), library.recordings()

    def centroids(self, raw: Rows, weights: NDArray[np.number]) -> Rows:
        """Artist vectors in the index's space (m, d'), for weights (m, t) of raw tracks (t, d)."""
        wide = weights.astype(np.float64) / weights.sum(axis=1, keepdims=True)
        means = wide @ raw.astype(np.float64)
        return self.transform.apply(means.astype(np.float32))


def same_recordings(tracks: TrackSet, other: TrackSet) -> NDArray[np.bool_]:
    """Which pairs of tracks (t, u) are one recording, as the library knows it.

    Two artists who share a recording are not alike for that.
    """
    return np.array(
        [
            [mine is not None and mine == its for its in other.recordings]
            for mine in tracks.recordings
        ]
    )
