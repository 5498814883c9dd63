"""The tracks of an artist to begin with: those nearest to what was asked."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from artistindex.entities import EntryTrack
from artistindex.index.sidecar import UsedTrack
from artistindex.index.transforms import Transform
from artistindex.metadata.links import track_link

MAX_TRACKS = 3


def entry_tracks(
    tracks: Sequence[UsedTrack], asked: NDArray[np.float32], transform: Transform
) -> tuple[EntryTrack, ...]:
    """Return up to three `tracks` nearest to the unit vector `asked` (dimension,), best first.

    Of a recording only one is taken. Tracks without a vector come last, in the order given.
    """
    scores = track_scores(tracks, asked, transform)
    ranked = sorted(zip(tracks, scores, strict=True), key=_nearest_first)
    recordings: set[int] = set()
    entries = []
    for track, score in ranked:
        if track.recording is None or track.recording not in recordings:
            entries.append(entry_track(track, score))
        if track.recording is not None:
            recordings.add(track.recording)
    return tuple(entries[:MAX_TRACKS])


def track_scores(
    tracks: Sequence[UsedTrack], asked: NDArray[np.float32], transform: Transform
) -> list[float | None]:
    """Return the cosine of each track with `asked`; None for one without a vector."""
    vectors = [track.vector for track in tracks if track.vector is not None]
    if not vectors:
        return [None] * len(tracks)
    cosines = iter((transform.apply(np.array(vectors, np.float32)) @ asked).tolist())
    return [None if track.vector is None else next(cosines) for track in tracks]


def _nearest_first(pair: tuple[UsedTrack, float | None]) -> float:
    _, score = pair
    return np.inf if score is None else -score


def entry_track(track: UsedTrack, score: float | None) -> EntryTrack:
    """Return a track of an index as answers show it."""
    return EntryTrack(
        title=track.title,
        album=track.album,
        path=track.path,
        link=track_link(track.ids),
        score=score,
        ids=track.ids,
    )
