"""Track vectors of a library become artist vectors; tracks that sound like a stranger's show."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from artistindex.entities import Artist, Failure, VectorKey
from artistindex.index.sidecar import UsedTrack
from artistindex.ingest.outliers import outliers
from artistindex.library.library import Library
from artistindex.library.rows import ImportedArtist, StoredArtist, StoredTrack
from artistindex.library.selection import select

STAGE = "outlier"


@dataclass(slots=True)
class ArtistVectors:
    """What an index is made of, row by row, and the tracks that lie apart.

    `vectors` are raw means, float32 of shape (dimension,), and `tracks` those behind each, with
    their own vectors; `track_ids` maps an artist's id in the library to the ids of these tracks.
    `guessed` tells whose name only paths say. Tracks out of a pack have neither ids nor vectors;
    `licences` are those of the packs' weights.
    """

    artists: list[Artist] = field(default_factory=list)
    vectors: list[NDArray[np.float32]] = field(default_factory=list)
    tracks: list[list[UsedTrack]] = field(default_factory=list)
    guessed: list[bool] = field(default_factory=list)
    track_ids: dict[int, list[int]] = field(default_factory=dict)
    outliers: int = 0
    licences: list[str] = field(default_factory=list)

    def add_tracks(
        self,
        stored: StoredArtist,
        tracks: Sequence[UsedTrack],
        vector: NDArray[np.float32],
        *,
        guessed: bool,
    ) -> None:
        """Add a row for an artist with tracks of the library."""
        self.artists.append(stored.artist)
        self.guessed.append(guessed)
        self.vectors.append(vector)
        self.tracks.append(list(tracks))
        ids = [track.library_id for track in tracks]
        self.track_ids[stored.id] = [id_ for id_ in ids if id_ is not None]

    def add_imported(self, stored: StoredArtist, imported: ImportedArtist) -> None:
        """Add a row for an artist out of a pack."""
        self.artists.append(stored.artist)
        self.guessed.append(False)
        self.vectors.append(imported.vector)
        self.tracks.append([UsedTrack(title, album) for title, album in imported.tracks])
        self.track_ids[stored.id] = []
        if imported.licence not in self.licences:
            self.licences.append(imported.licence)


def artist_vectors(
    library: Library, key: VectorKey, *, tracks: int, drop_outliers: bool = False
) -> ArtistVectors:
    """Return the artists that have vectors of `key`, with the mean of their first `tracks` tracks.

    Tracks far from the artist's others (outliers.py) are recorded as failures of stage "outlier",
    and left out of the mean only if `drop_outliers`. Artists without tracks of the user's own are
    taken as a pack brought them.
    """
    library.clear_failures(stage=STAGE, model=key.model)
    imported = library.imported(key)
    guessed = library.guessed_artist_ids()
    rows = ArtistVectors()
    for stored, embedded in library.vectors_by_artist(key):
        vectors = {track.id: vector for track, vector in embedded}
        chosen = select([track for track, _ in embedded], tracks, model=key.model)
        pack = imported.get(stored.id)
        if pack is not None and (pack.preferred or not chosen):
            rows.add_imported(stored, pack)
            continue
        if not chosen:
            continue
        apart = _flag(library, stored, chosen, vectors, key.model)
        rows.outliers += len(apart)
        if drop_outliers:
            chosen = [track for track in chosen if track.id not in apart]
        mean = artist_vector([vectors[track.id] for track in chosen])
        used = [_used(track, vectors[track.id]) for track in chosen]
        rows.add_tracks(stored, used, mean, guessed=stored.id in guessed)
    return rows


def _used(stored: StoredTrack, vector: NDArray[np.float32]) -> UsedTrack:
    """Return the track as an index keeps it."""
    track, match = stored.track, stored.match
    ids = {
        track.catalogue: track.catalogue_id,
        match and match.source: match and match.source_id,
        "isrc": track.isrc,
        "musicbrainz": track.musicbrainz_id,
    }
    return UsedTrack(
        title=track.title,
        album=track.album,
        library_id=stored.id,
        recording=stored.recording,
        ids={service: id_ for service, id_ in ids.items() if service and id_},
        path=track.path,
        vector=vector,
    )


def artist_vector(vectors: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    """Return the mean of an artist's track vectors: float32 of shape (dimension,)."""
    mean: NDArray[np.float64] = np.stack(vectors).astype(np.float64).mean(axis=0)
    return mean.astype(np.float32)


def _flag(
    library: Library,
    stored: StoredArtist,
    chosen: Sequence[StoredTrack],
    vectors: dict[int, NDArray[np.float32]],
    model: str,
) -> set[int]:
    """Record the tracks that lie apart, and return their ids."""
    apart: set[int] = set()
    for outlier in outliers([vectors[track.id] for track in chosen]):
        track = chosen[outlier.index]
        reason = (
            f"may not be by {stored.artist.name}: in {model} it lies {outlier.score:.1f} times as"
            " far from the artist's other tracks as they lie from each other"
        )
        label = track.label(stored.artist.name)
        failure = Failure(label, STAGE, reason, artist=stored.artist.name)
        library.add_failure(failure, track_id=track.id, model=model)
        apart.add(track.id)
    return apart
