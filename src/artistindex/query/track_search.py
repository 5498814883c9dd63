"""Tracks as answers, out of an index that has their vectors (format 2)."""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from artistindex.entities import EntryTrack
from artistindex.errors import Misuse
from artistindex.index.entry_tracks import entry_track
from artistindex.index.reader import ArtistIndex
from artistindex.index.sidecar import UsedTrack
from artistindex.index.transforms import unit
from artistindex.query.query import AnyQuery, resolve
from artistindex.query.track_names import demand_track_vectors

Accepts = Callable[[Sequence[int], UsedTrack], bool]
"""Tells whether a track, behind the artists of some rows, may answer."""

_AT_ONCE = 65_536  # track vectors that are transformed together


@dataclass(frozen=True, slots=True)
class TrackHit:
    """A track in an answer, the artists of the index behind whom it stands, and their rows."""

    rank: int
    artists: tuple[str, ...]
    track: EntryTrack
    rows: tuple[int, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the track in the JSON shape of `artistindex query --for tracks`."""
        return {"rank": self.rank, "artists": list(self.artists), **self.track.to_json()}


def search_tracks(
    index: ArtistIndex,
    query: AnyQuery,
    k: int = 10,
    *,
    exclude: Collection[int] = (),
    accepts: Accepts | None = None,
) -> list[TrackHit]:
    """Return the `k` tracks nearest to `query`, best first, each recording once.

    Left out are the recordings asked with, the tracks of the artists asked about, those of the
    artists in the rows `exclude`, and those that `accepts` is not true of. Raises Misuse for `k`
    below 1, what `search` raises for a query, and BrokenIndex where the index has no vectors of
    tracks.
    """
    if k < 1:
        raise Misuse(f"k must be at least 1, not {k}")
    demand_track_vectors(index)
    resolved = resolve(index, query)
    (asked,) = unit(resolved.vector[None, :])
    excluded = {*exclude, *resolved.rows}
    recordings = set(resolved.recordings)
    hits: list[TrackHit] = []
    for score, rows, track in _nearest(index, asked):
        is_new = track.recording is None or track.recording not in recordings
        if excluded.isdisjoint(rows) and is_new and (accepts is None or accepts(rows, track)):
            artists = tuple(index.artists[row] for row in rows)
            hits.append(TrackHit(len(hits) + 1, artists, entry_track(track, score), tuple(rows)))
            recordings |= set() if track.recording is None else {track.recording}
        if len(hits) == k:
            break
    return hits


def _nearest(
    index: ArtistIndex, asked: NDArray[np.float32]
) -> Iterator[tuple[float, list[int], UsedTrack]]:
    """The score, artists' rows and track of every track vector, nearest first."""
    vectors = index.track_vectors
    scores = np.concatenate(
        [
            index.transform.apply(np.array(vectors[at : at + _AT_ONCE], np.float32)) @ asked
            for at in range(0, len(vectors), _AT_ONCE)
        ]
    )
    order = np.argsort(-scores, kind="stable")
    for at in range(0, len(order), 500):
        chosen = order[at : at + 500].tolist()
        by_vector = index.tracks_of_vectors(chosen)
        for number in chosen:
            rows, track = by_vector[number]
            yield float(scores[number]), rows, track
