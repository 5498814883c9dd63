"""Tracks by name, out of an index that has their vectors (format 2)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from artistindex import naming
from artistindex.errors import BrokenIndex, Misuse, Remedy, UnknownTrack
from artistindex.index.reader import ArtistIndex
from artistindex.index.sidecar import UsedTrack

_CLOSEST = 5


@dataclass(frozen=True, eq=False, slots=True)
class FoundTrack:
    """A track that was asked for: whose it is, and its unit vector (dimension,)."""

    row: int
    artist: str
    track: UsedTrack
    vector: NDArray[np.float32]


def find_track(index: ArtistIndex, name: str) -> FoundTrack:
    """Return the track called "Artist - Title".

    Raises UnknownArtist, UnknownTrack with the artist's titles, Misuse for a name without " - ",
    AmbiguousArtist, and BrokenIndex where the index has no vectors of tracks.
    """
    demand_track_vectors(index)
    parts = name.split(" - ")
    if len(parts) < 2:
        raise Misuse(f'{naming.truncate(name)!r} is no track: expected "Artist - Title"')
    splits = [(" - ".join(parts[:at]), " - ".join(parts[at:])) for at in range(1, len(parts))]
    artist, title = next((pair for pair in splits if index.find_rows(pair[0])), splits[0])
    row = index.row(artist)
    tracks = [track for track in index.tracks_of_row(row) if track.vector is not None]
    folded = naming.normalise(title)
    for track in tracks:
        if naming.normalise(track.title) == folded and track.vector is not None:
            (vector,) = index.transform.apply(track.vector[None, :])
            return FoundTrack(row, index.display_name(artist), track, vector)
    raise _unknown_track(index.display_name(artist), title, [track.title for track in tracks])


def demand_track_vectors(index: ArtistIndex) -> None:
    """Raise BrokenIndex where the index has no vectors of tracks."""
    if not len(index.track_vectors):
        raise BrokenIndex(
            f"the index {index.path} has no vectors of single tracks", remedy=Remedy.BUILD_AGAIN
        )


def _unknown_track(artist: str, title: str, titles: list[str]) -> UnknownTrack:
    from rapidfuzz import fuzz, process

    folded = {at: naming.normalise(known) for at, known in enumerate(titles)}
    hits = process.extract(
        naming.normalise(title)[:200], folded, scorer=fuzz.WRatio, limit=_CLOSEST
    )
    closest = [titles[at] for _, _, at in hits]
    listed = ", ".join(map(naming.truncate, closest)) or "none"
    return UnknownTrack(
        f"no track {naming.truncate(title)!r} behind {naming.truncate(artist)} in the index; the"
        f" closest titles are {listed}",
        closest,
    )
