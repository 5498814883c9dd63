"""Track vectors of a library become artist vectors; tracks that sound like a stranger's show."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from artistindex.library import Library, StoredArtist, StoredTrack
from artistindex.outliers import outliers
from artistindex.records import Artist, Failure, VectorKey
from artistindex.selection import select

STAGE = "outlier"


@dataclass(slots=True)
class Gathered:
    """What an index is made of, row by row, and the tracks that lie apart.

    `vectors` are raw means, float32 of shape (dimension,); `held` maps an artist's id in the
    library to the tracks behind the vector.
    """

    artists: list[Artist] = field(default_factory=list)
    vectors: list[NDArray[np.float32]] = field(default_factory=list)
    tracks: list[list[StoredTrack]] = field(default_factory=list)
    held: dict[int, list[StoredTrack]] = field(default_factory=dict)
    outliers: int = 0


def gather(
    library: Library, key: VectorKey, *, tracks: int, drop_outliers: bool = False
) -> Gathered:
    """The artists that have vectors of `key`, each with the mean of its first `tracks` tracks.

    Tracks far from the artist's others (outliers.py) are recorded as failures of stage "outlier",
    and left out of the mean only if `drop_outliers`.
    """
    library.clear_failures(stage=STAGE, model=key.model)
    vectors = library.vectors(key)
    found = Gathered()
    for stored in library.artists():
        chosen = select(
            library.tracks_of(stored.id),
            tracks,
            model=key.model,
            usable=lambda track: track.id in vectors,
        )
        if not chosen:
            continue
        odd = _flag(library, stored, chosen, vectors, key.model)
        found.outliers += len(odd)
        if drop_outliers:
            chosen = [track for track in chosen if track.id not in odd]
        found.artists.append(stored.artist)
        found.vectors.append(artist_vector([vectors[track.id] for track in chosen]))
        found.tracks.append(chosen)
        found.held[stored.id] = chosen
    return found


def artist_vector(vectors: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    """The mean of an artist's track vectors: float32 of shape (dimension,)."""
    mean: NDArray[np.float64] = np.stack(vectors).astype(np.float64).mean(axis=0)
    return mean.astype(np.float32)


def _flag(
    library: Library,
    stored: StoredArtist,
    chosen: Sequence[StoredTrack],
    vectors: dict[int, NDArray[np.float32]],
    model: str,
) -> set[int]:
    """Record the tracks that lie apart; their ids."""
    found = outliers([vectors[track.id] for track in chosen])
    for index, score in found:
        reason = (
            f"may not be by {stored.artist.name}: in {model} it lies {score:.1f} times as far from"
            " the artist's other tracks as they lie from each other"
        )
        label = chosen[index].label(stored.artist.name)
        failure = Failure(label, STAGE, reason, artist=stored.artist.name)
        library.fail(failure, track_id=chosen[index].id, model=model)
    return {chosen[index].id for index, _ in found}
