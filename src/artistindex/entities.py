"""The frozen dataclasses that travel between the modules."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Artist:
    """An artist, spelled the artist's own way, with the ids that pin who is meant."""

    name: str
    spotify_id: str | None = None
    deezer_id: str | None = None
    musicbrainz_id: str | None = None

    @property
    def described(self) -> str:
        """The name with the ids that tell namesakes apart."""
        given = {
            "spotify": self.spotify_id,
            "deezer": self.deezer_id,
            "musicbrainz": self.musicbrainz_id,
        }
        ids = ", ".join(f"{service}:{id_}" for service, id_ in given.items() if id_)
        return f"{self.name} ({ids})" if ids else self.name


@dataclass(frozen=True, slots=True)
class Track:
    """A piece of music by one or more artists, before anything is known of its sound.

    `duration` is in seconds. `path` is set for a file of the user's own; `catalogue` ("spotify",
    "deezer") and `catalogue_id` for a track that a catalogue listed. `isrc` names the recording.
    """

    artists: tuple[Artist, ...]
    title: str
    album: str | None = None
    duration: float | None = None
    path: Path | None = None
    catalogue: str | None = None
    catalogue_id: str | None = None
    isrc: str | None = None


@dataclass(frozen=True, slots=True)
class AudioMatch:
    """Audio that was found for a catalogue's track.

    `source` is "youtube" or "preview" and `source_id` the id there; `score` says how well it fits
    (0 to 100) and `reason` why it was taken.
    """

    source: str
    source_id: str
    score: float
    reason: str
    title: str = ""


@dataclass(frozen=True, slots=True)
class VectorKey:
    """What must agree for two vectors to be compared."""

    model: str
    weights_sha256: str
    precision: str = "f32"
    excerpt: str = "full"


@dataclass(frozen=True, slots=True)
class TrackVector:
    """The mean over the patches of one track: `vector` is float32 of shape (dimension,)."""

    key: VectorKey
    vector: NDArray[np.float32]
    patches: int
    engine: str


@dataclass(frozen=True, slots=True)
class Neighbour:
    """One line of an answer.

    `score` is the inner product of unit vectors (the cosine), `percentile` the share of pairs of
    the index's artists that are less alike, in percent (None where the index has no pairs), and
    `tracks` the number of tracks behind the artist's vector.
    """

    rank: int
    artist: str
    score: float
    percentile: float | None
    tracks: int


@dataclass(frozen=True, slots=True)
class Failure:
    """What went wrong with an artist, a file or a track, and why."""

    what: str
    stage: str
    reason: str
    retryable: bool = False
    artist: str | None = None
    when: str | None = None
