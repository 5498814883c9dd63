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

    Tracks that failed for `model` and tracks with the same audio as an earlier one are passed over,
    and so are those that are not `usable`.
    """
    chosen: list[StoredTrack] = []
    heard: set[str] = set()
    for track in tracks:
        if len(chosen) == count:
            break
        if track.failed & {"", model} or not usable(track):
            continue
        if track.audio_sha256 is not None:
            if track.audio_sha256 in heard:
                continue
            heard.add(track.audio_sha256)
        chosen.append(track)
    return chosen
