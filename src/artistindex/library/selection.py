"""Which of an artist's tracks stand for it: the same ones every time."""

from collections.abc import Callable, Sequence

from artistindex.library.rows import StoredTrack


def select(
    tracks: Sequence[StoredTrack],
    count: int,
    *,
    model: str,
    usable: Callable[[StoredTrack], bool] = lambda track: True,
) -> list[StoredTrack]:
    """The first `count` of `tracks` (in the order of preference) that can stand for the artist.

    Tracks that failed for `model`, files that are missing and tracks of the same recording as an
    earlier one are passed over, and so are those that are not `usable`.
    """
    chosen: list[StoredTrack] = []
    recordings: set[int] = set()
    for track in tracks:
        if len(chosen) == count:
            break
        if track.missing or track.failed & {"", model} or track.recording in recordings:
            continue
        if not usable(track):
            continue
        recordings.add(track.recording)
        chosen.append(track)
    return chosen
