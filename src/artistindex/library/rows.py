"""What the library's rows hold, as records."""

import json
import os
import sqlite3
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from artistindex.entities import Artist, AudioMatch, Service, Track, TrackStage
from artistindex.metadata.filename import readable

VECTOR_TYPE = np.dtype("<f4")


@dataclass(frozen=True, slots=True)
class StoredTrack:
    """A track of the library: `id`, the record, how far it came, and where its audio is from.

    Tracks with the same number in `recording` are one recording (recordings.py). A file of the
    user's own was found below the music folder `folder`, and is `missing` if it was not there when
    that folder was scanned last.
    `failed` names the models for which it failed ("" stands for all of them); `match` is the audio
    that was chosen for a catalogue's track.
    """

    id: int
    track: Track
    stage: TrackStage
    size: int | None
    mtime_ns: int | None
    audio_sha256: str | None
    recording: int
    folder: Path | None
    missing: bool
    match: AudioMatch | None
    failed: frozenset[str]

    def label(self, artist: str) -> str:
        """What failures call the track: its file's path, else artist, title and catalogue's id."""
        track = self.track
        if track.path is not None:
            return readable(track.path)
        if track.catalogue is None:
            return f"{artist} - {track.title}"
        return f"{artist} - {track.title} [{track.catalogue}:{track.catalogue_id}]"


@dataclass(frozen=True, slots=True)
class StoredArtist:
    """An artist of the library."""

    id: int
    artist: Artist


@dataclass(slots=True)
class AddedVectors:
    """What became of vectors of tracks that were made elsewhere; `track_ids` are in their order."""

    track_ids: dict[int, None] = field(default_factory=dict)
    added: int = 0
    kept: int = 0
    replaced: int = 0

    def note(self, track_id: int, *, is_new: bool, is_replaced: bool) -> None:
        """Count a track."""
        self.track_ids[track_id] = None
        self.added += is_new
        self.replaced += is_replaced
        self.kept += not is_new and not is_replaced


@dataclass(frozen=True, slots=True, eq=False)
class ImportedArtist:
    """An artist's vector out of a pack, made elsewhere from tracks that are not here.

    `vector` is float32 of shape (dimension,), of unit length, before any transform; `tracks` are
    (title, album) of those behind it. It stands for an artist without tracks of the user's own;
    with `preferred` for any. `licence` is that of the model's weights.
    """

    artist: Artist
    vector: NDArray[np.float32]
    tracks: tuple[tuple[str, str | None], ...] = ()
    licence: str = ""
    preferred: bool = False


def stored_path(path: Path) -> str | bytes:
    """Text, so that a person can read the table, unless the file's name is no valid UTF-8."""
    try:
        os.fspath(path).encode("utf-8")
    except UnicodeEncodeError:
        return os.fsencode(path)
    return os.fspath(path)


def artist_of(row: sqlite3.Row) -> Artist:
    """The artist in a row of `artists`."""
    return Artist(row["name"], {service: row[f"{service}_id"] for service in Service})


def stored_artist(row: sqlite3.Row) -> StoredArtist:
    """The artist in a row of `artists`, with its id."""
    return StoredArtist(row["id"], artist_of(row))


def imported_artist(row: sqlite3.Row) -> ImportedArtist:
    """What a row of `imported_vectors` joined with its artist holds."""
    return ImportedArtist(
        artist=artist_of(row),
        vector=np.frombuffer(row["vector"], VECTOR_TYPE),
        tracks=tuple((title, album) for title, album in json.loads(row["tracks"])),
        licence=row["licence"],
        preferred=bool(row["preferred"]),
    )


def track_of(row: sqlite3.Row) -> Track:
    """The track in a row of `tracks`, with the names of its billing."""
    return Track(
        artists=_billed(row["billing"]),
        title=row["title"],
        album=row["album"],
        duration=row["duration"],
        path=None if row["path"] is None else Path(os.fsdecode(row["path"])),
        catalogue=row["catalogue"],
        catalogue_id=row["catalogue_id"],
        isrc=row["isrc"],
        musicbrainz_id=row["musicbrainz_id"],
        guessed=bool(row["guessed"]),
    )


@lru_cache(maxsize=1024)
def _billed(billing: str) -> tuple[Artist, ...]:
    """The artists of a billing, of which an artist's tracks mostly have the same one."""
    return tuple(Artist(name) for name in json.loads(billing))


def _match(row: sqlite3.Row) -> AudioMatch | None:
    if row["source_id"] is None:
        return None
    return AudioMatch(row["source"], row["source_id"], row["match_score"], row["match_reason"])


def stored_track(row: sqlite3.Row) -> StoredTrack:
    """What a row of `tracks` holds, with the models that failed in `failed_models`."""
    failed = row["failed_models"]
    return StoredTrack(
        id=row["id"],
        track=track_of(row),
        stage=TrackStage(row["stage"]),
        size=row["size"],
        mtime_ns=row["mtime_ns"],
        audio_sha256=row["audio_sha256"],
        recording=row["recording"],
        folder=None if row["folder"] is None else Path(os.fsdecode(row["folder"])),
        missing=bool(row["missing"]),
        match=_match(row),
        failed=frozenset() if failed is None else frozenset(failed.split(" ")),
    )
