"""The tracks that a map names: one to begin with of each artist, and those that join two."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from artistindex.entities import EntryTrack
from artistindex.index.entry_tracks import entry_track, track_scores
from artistindex.index.reader import ArtistIndex
from artistindex.index.sidecar import UsedTrack
from artistindex.pages.audio_files import AudioFiles
from artistindex.pages.layout import Neighbourhood
from artistindex.query.explain import closest_pair
from artistindex.query.track_vectors import TrackSets

NONE = 255
"""Stands for no track among the positions of `MapTracks`."""
_SCALE = 1000  # cosines are kept as whole thousandths, 1000 more than they are


@dataclass(frozen=True, slots=True)
class PageTrack:
    """A track as a page names it: without a path, and with the address of a file if asked for."""

    title: str
    album: str | None = None
    link: str | None = None
    audio: str | None = None

    @classmethod
    def of(cls, track: EntryTrack, audio: AudioFiles | None) -> Self:
        """Return what a page may tell of `track`; its file only where there is `audio`."""
        address = None if audio is None else audio.address(track.path)
        return cls(track.title, track.album, track.link, address)

    def to_json(self) -> dict[str, Any]:
        """Return the track as the page's code reads it."""
        return {"title": self.title, "link": self.link, "audio": self.audio}


@dataclass(frozen=True, eq=False)
class Joints:
    """The two tracks that join each artist with each neighbour, in columns (artists, k).

    The positions among the tracks named of the artist and of the neighbour, `NONE` where there are
    none, and how alike the two are.
    """

    leaving: NDArray[np.int64]
    entering: NDArray[np.int64]
    scores: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class MapTracks:
    """The tracks named of each artist, the one to begin with first.

    Without `joints` those that join two artists were not looked for.
    """

    tracks: tuple[tuple[PageTrack, ...], ...]
    joints: Joints | None = None


def thousandths(cosines: NDArray[np.floating]) -> NDArray[np.int64]:
    """Return cosines as whole numbers from 0 (for -1) to 2000 (for 1)."""
    whole: NDArray[np.int64] = np.rint((cosines + 1.0) * _SCALE).astype(np.int64)
    return whole.clip(0, 2 * _SCALE)


def tracks_of(
    index: ArtistIndex, neighbours: Neighbourhood, audio: AudioFiles | None, *, joining: bool
) -> MapTracks:
    """Return the tracks to name of the artists of `index`; with `joining` those that join two."""
    if not joining or not len(index.track_vectors):
        return MapTracks(tuple(_Named(index, row, audio).tracks for row in range(len(index))))
    return _joined(index, neighbours, audio)


def _first(index: ArtistIndex, row: int, used: Sequence[UsedTrack]) -> int:
    """Return the position of the track that is nearest to its artist."""
    scores = track_scores(used, index.vectors[row], index.transform)
    return int(np.argmax([-np.inf if score is None else score for score in scores]))


def _joined(index: ArtistIndex, neighbours: Neighbourhood, audio: AudioFiles | None) -> MapTracks:
    sets = TrackSets(index)
    named = [_Named(index, row, audio) for row in range(len(index))]
    shape = neighbours.rows.shape
    leaving, entering = np.full(shape, NONE), np.full(shape, NONE)
    scores = np.full(shape, -1.0)
    for row, others in enumerate(neighbours.rows.tolist()):
        for at, other in enumerate(others):
            pair = closest_pair(sets, row, other)
            if pair is None:
                continue
            leaving[row, at] = named[row].position(pair[0])
            entering[row, at] = named[other].position(pair[1])
            scores[row, at] = pair[2]
    tracks = tuple(artist.tracks for artist in named)
    return MapTracks(tracks, Joints(leaving, entering, scores))


class _Named:
    """The tracks of one artist that the page names, the one to begin with first."""

    def __init__(self, index: ArtistIndex, row: int, audio: AudioFiles | None) -> None:
        self._used = index.tracks_of_row(row)
        self._audio = audio
        self._positions: list[int] = []
        if self._used:
            self.position(_first(index, row, self._used))

    @property
    def tracks(self) -> tuple[PageTrack, ...]:
        """Those named so far."""
        return tuple(
            PageTrack.of(entry_track(self._used[at], None), self._audio) for at in self._positions
        )

    def position(self, at: int) -> int:
        """Return where the track `at` of the index is among those named; `NONE` past the 255th."""
        if at not in self._positions:
            if len(self._positions) == NONE:
                return NONE
            self._positions.append(at)
        return self._positions.index(at)
