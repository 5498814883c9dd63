"""The frozen dataclasses that travel between the modules."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray


class Service(StrEnum):
    """A service that knows artists by ids, in the order in which their ids are asked for."""

    SPOTIFY = "spotify"
    DEEZER = "deezer"
    MUSICBRAINZ = "musicbrainz"


class TrackStage(StrEnum):
    """How far a track has come."""

    LISTED = "listed"
    MATCHED = "matched"
    FETCHED = "fetched"
    EMBEDDED = "embedded"


class FailureStage(StrEnum):
    """Where something went wrong.

    `IDENTITY` and `OUTLIER` are doubts: who is meant, and whether a track is the artist's.
    """

    CATALOGUE = "catalogue"
    IDENTITY = "identity"
    MATCH = "match"
    FETCH = "fetch"
    READ = "read"
    DECODE = "decode"
    EMBED = "embed"
    OUTLIER = "outlier"


@dataclass(frozen=True, slots=True)
class Artist:
    """An artist, spelled the artist's own way, with the ids that pin who is meant.

    `ids` maps services to the artist's id there, in the order of `Service`; an empty id is none.
    """

    name: str
    ids: Mapping[str, str] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        if self.ids:
            ids = {service: self.ids[service] for service in Service if self.ids.get(service)}
            object.__setattr__(self, "ids", ids)

    def with_id(self, service: str, id_: str) -> Self:
        """Return the artist with the id of one service set."""
        return replace(self, ids={**self.ids, service: id_})

    def contradicts(self, other: "Artist") -> bool:
        """Tell whether a service knows the two by different ids, so that they are two people."""
        return any(other.ids.get(service, id_) != id_ for service, id_ in self.ids.items())

    @property
    def described(self) -> str:
        """The name with the ids that tell namesakes apart."""
        ids = ", ".join(f"{service}:{id_}" for service, id_ in self.ids.items())
        return f"{self.name} ({ids})" if ids else self.name


@dataclass(frozen=True, slots=True)
class Track:
    """A piece of music by one or more artists, before anything is known of its sound.

    `duration` is in seconds. `path` is set for a file of the user's own; `catalogue` ("spotify",
    "deezer") and `catalogue_id` for a track that a catalogue listed. `isrc` and `musicbrainz_id`
    name the recording. The artists are `guessed` if they come from the path, not from a tag.
    """

    artists: tuple[Artist, ...]
    title: str
    album: str | None = None
    duration: float | None = None
    path: Path | None = None
    catalogue: str | None = None
    catalogue_id: str | None = None
    isrc: str | None = None
    musicbrainz_id: str | None = None
    guessed: bool = False


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


class Pooling(StrEnum):
    """What makes one vector of a track's patches: their mean, or it and their deviation, joined."""

    MEAN = "mean"
    MEAN_STD = "mean+std"


@dataclass(frozen=True, slots=True)
class VectorKey:
    """What must agree for two vectors to be compared.

    `layer` is the output of the model's graph that they are of, "" for the model's own.
    """

    model: str
    weights_sha256: str
    precision: str = "f32"
    excerpt: str = "full"
    layer: str = ""
    pooling: str = Pooling.MEAN

    @classmethod
    def made_elsewhere(cls, model: str) -> Self:
        """Return the key of vectors that came without weights: a hash of the name stands for them.

        Whoever calls two models alike mixes them.
        """
        stand_in = hashlib.sha256(f"vectors made elsewhere: {model}".encode()).hexdigest()
        return cls(model, stand_in)


@dataclass(frozen=True, slots=True)
class TrackVector:
    """What is kept of the patches of one track, in the layer that `key` names.

    `vector` is their mean and `deviation` their standard deviation, float32 of shape (dimension,);
    None where it is not known.
    """

    key: VectorKey
    vector: NDArray[np.float32]
    patches: int
    engine: str
    deviation: NDArray[np.float32] | None = None


@dataclass(frozen=True, slots=True)
class EntryTrack:
    """A track to begin with, near to what was asked.

    `score` is the cosine of the track with the query, None where the index has no vector of it.
    `path` is its file, `link` its page on a service, `ids` those of services.
    """

    title: str
    album: str | None = None
    path: Path | None = None
    link: str | None = None
    score: float | None = None
    ids: Mapping[str, str] = field(default_factory=dict, hash=False)

    def to_json(self) -> dict[str, Any]:
        """Return the track as an entry of `entry_tracks`."""
        return {
            "title": self.title,
            "album": self.album,
            "path": None if self.path is None else str(self.path),
            "link": self.link,
            "score": self.score,
            "ids": dict(self.ids),
        }


@dataclass(frozen=True, slots=True)
class Neighbour:
    """One line of an answer.

    `score` is the inner product of unit vectors (the cosine), `percentile` the share of pairs of
    the index's artists that are less alike, in percent (None where the index has no pairs; where
    artists are subtracted, the share of the others who are less alike to what was asked), and
    `tracks` the number of tracks behind the artist's vector. `ids` and `links` are the artist's by
    service; `entry_tracks` up to three tracks nearest to the query, of different recordings.
    """

    rank: int
    artist: str
    score: float
    percentile: float | None
    tracks: int
    ids: Mapping[str, str] = field(default_factory=dict, hash=False)
    links: Mapping[str, str] = field(default_factory=dict, hash=False)
    entry_tracks: tuple[EntryTrack, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the neighbour in the JSON shape of `artistindex query`."""
        return {
            "rank": self.rank,
            "artist": self.artist,
            "score": self.score,
            "percentile": self.percentile,
            "tracks": self.tracks,
            "ids": dict(self.ids),
            "links": dict(self.links),
            "entry_tracks": [track.to_json() for track in self.entry_tracks],
        }


@dataclass(frozen=True, slots=True)
class Failure:
    """What went wrong with an artist, a file or a track, and why."""

    what: str
    stage: str
    reason: str
    retryable: bool = False
    artist: str | None = None
    when: str | None = None
