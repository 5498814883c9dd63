"""The tracks of a library, and whose they are."""

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path

from artistindex._util.remote_files import url_of
from artistindex.entities import AudioMatch, FailureStage, Track, TrackStage
from artistindex.library.database import Database
from artistindex.library.recordings import NEW_RECORDING, title_key
from artistindex.library.rows import (
    StoredTrack,
    artist_of,
    stored_path,
    stored_track,
    track_of,
)
from artistindex.metadata.local_files import spread_over_albums


@dataclass(frozen=True, slots=True)
class FileFacts:
    """A file of the user's own: its path, size in bytes and time, and the music folder it is in."""

    path: Path
    size: int
    mtime_ns: int
    folder: Path | None = None


_FAILED = f"""(SELECT group_concat(model, ' ') FROM failures
    WHERE track_id = tracks.id AND stage <> '{FailureStage.OUTLIER}') AS failed_models"""
_TRACKS = f"SELECT tracks.*, {_FAILED} FROM tracks"
_OF_GROUPS = f"""
    SELECT asked.key AS place, member.key AS member, credits.position, tracks.*, {_FAILED}
    FROM json_each(?) AS asked CROSS JOIN json_each(asked.value) AS member
    CROSS JOIN credits ON artist_id = member.value CROSS JOIN tracks ON track_id = tracks.id"""
# CROSS JOIN keeps the order of the groups, so that nothing has to be sorted as a whole


class Tracks:
    """The tables of tracks and credits. What changes them runs within the caller's transaction."""

    def __init__(self, database: Database) -> None:
        self._db = database

    # -- reading ---------------------------------------------------------------------------------

    def file(self, path: Path, size: int, mtime_ns: int) -> Track | None:
        """Return what is known of the file at `path`, provided that it has not changed since."""
        rows = self._db.all(
            "SELECT * FROM tracks WHERE path = ? AND size = ? AND mtime_ns = ?",
            stored_path(path),
            size,
            mtime_ns,
        )
        return self._with_artists(track_of(rows[0]), rows[0]["id"]) if rows else None

    def artists_of(self, track_id: int) -> list[int]:
        """Return the ids of the artists that a track is credited to."""
        rows = self._db.all("SELECT artist_id FROM credits WHERE track_id = ?", track_id)
        return [row["artist_id"] for row in rows]

    def of_groups(self, groups: Sequence[Sequence[int]]) -> Iterator[list[StoredTrack]]:
        """Yield the tracks of each group of artists, in the order in which they stand for it."""
        rows = self._db.stream(_OF_GROUPS, json.dumps(groups))
        by_place = groupby(rows, lambda row: int(row["place"]))
        place, group = next(by_place, (-1, None))
        for at in range(len(groups)):
            if at != place:
                yield []
                continue
            in_order = sorted(
                group or (), key=lambda row: (row["member"], row["position"], row["id"])
            )
            tracks = {row["id"]: stored_track(row) for row in in_order}  # each once
            yield _spread(list(tracks.values()))
            place, group = next(by_place, (-1, None))

    def stages(self) -> dict[TrackStage, int]:
        """Return how many tracks have come how far."""
        rows = self._db.all("SELECT stage, count(*) AS tracks FROM tracks GROUP BY stage")
        return {TrackStage(row["stage"]): row["tracks"] for row in rows}

    # -- writing ---------------------------------------------------------------------------------

    def insert_file(self, track: Track, file: FileFacts) -> int:
        """Make a row for a file that is new; returns its id."""
        return self._db.run(
            "INSERT INTO tracks (title, title_key, album, duration, isrc, musicbrainz_id, guessed,"
            " stage, source, path, size, mtime_ns, folder, recording)"
            f" VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'file', ?, ?, ?, ?, {NEW_RECORDING})",
            track.title,
            title_key(track.title),
            track.album,
            track.duration,
            track.isrc,
            track.musicbrainz_id,
            track.guessed,
            TrackStage.FETCHED,
            stored_path(file.path),
            file.size,
            file.mtime_ns,
            file.folder and stored_path(file.folder),
        )

    def find_file(self, file: FileFacts) -> StoredTrack | None:
        """Return the track of the file at a path, or of the very file that was moved there."""
        rows = self._db.all(f"{_TRACKS} WHERE path = ?", stored_path(file.path))
        return stored_track(rows[0]) if rows else self._find_moved(file)

    def _find_moved(self, file: FileFacts) -> StoredTrack | None:
        """Return the one file of that name, size and time that is no longer where it was."""
        rows = self._db.all(f"{_TRACKS} WHERE size = ? AND mtime_ns = ?", file.size, file.mtime_ns)
        moved = [
            track
            for track in map(stored_track, rows)
            if (path := track.track.path) and path.name == file.path.name and is_gone(path)
        ]
        return moved[0] if len(moved) == 1 else None

    def set_file(self, track_id: int, track: Track, file: FileFacts) -> None:
        """Record where a file is now and what its tags say; its audio is the same."""
        self._db.run(
            "UPDATE tracks SET title = ?, title_key = ?, album = ?, isrc = ?, musicbrainz_id = ?,"
            " guessed = ?, path = ?, folder = ?, missing = 0 WHERE id = ?",
            track.title,
            title_key(track.title),
            track.album,
            track.isrc,
            track.musicbrainz_id,
            track.guessed,
            stored_path(file.path),
            file.folder and stored_path(file.folder),
            track_id,
        )

    def set_credits(self, track_id: int, artist_ids: Sequence[int]) -> None:
        """Say whose a file is, and nobody else's."""
        self._db.run("DELETE FROM credits WHERE track_id = ?", track_id)
        for artist_id in artist_ids:
            self.credit(artist_id, track_id)

    def files_below(self, folder: Path) -> dict[Path, int]:
        """Return path -> id of the files below a folder that are not known to be missing."""
        rows = self._db.stream(
            "SELECT id, path FROM tracks WHERE source = 'file' AND NOT missing"
            " AND substr(CAST(path AS BLOB), 1, length(?1)) = ?1",
            os.fsencode(os.path.join(folder, "")),
        )
        return {Path(os.fsdecode(row["path"])): row["id"] for row in rows}

    def set_missing(self, track_ids: Iterable[int]) -> None:
        """Record that files are not where they were."""
        self._db.run(
            "UPDATE tracks SET missing = 1 WHERE id IN (SELECT value FROM json_each(?))",
            json.dumps(list(track_ids)),
        )

    def put_listed(self, track: Track) -> int:
        """Return the id of a catalogue's track, which is made unless it is there."""
        rows = self._db.all(
            "SELECT id FROM tracks WHERE catalogue = ? AND catalogue_id = ?",
            track.catalogue,
            track.catalogue_id,
        )
        if rows:
            return int(rows[0]["id"])
        return self._db.run(
            "INSERT INTO tracks"
            " (title, title_key, album, duration, isrc, catalogue, catalogue_id, billing,"
            "  recording)"
            f" VALUES (?, ?, ?, ?, ?, ?, ?, ?, {NEW_RECORDING})",
            track.title,
            title_key(track.title),
            track.album,
            track.duration,
            track.isrc,
            track.catalogue,
            track.catalogue_id,
            json.dumps([artist.name for artist in track.artists]),
        )

    def find_titled(self, artist_id: int, track: Track) -> list[int]:
        """Return the ids of an artist's tracks of that title, and album if both say one."""
        rows = self._db.all(
            "SELECT id FROM tracks JOIN credits ON track_id = tracks.id WHERE artist_id = ?"
            " AND title_key = ? AND title = ? AND (album = ?4 OR album IS NULL OR ?4 IS NULL)"
            " ORDER BY missing, id",
            artist_id,
            title_key(track.title),
            track.title,
            track.album,
        )
        return [row["id"] for row in rows]

    def insert_heard_elsewhere(self, track: Track) -> int:
        """Make a row for a track of which there is a vector and no sound; returns its id."""
        return self._db.run(
            "INSERT INTO tracks (title, title_key, album, duration, isrc, musicbrainz_id, stage,"
            f" billing, recording) VALUES (?, ?, ?, ?, ?, ?, ?, ?, {NEW_RECORDING})",
            track.title,
            title_key(track.title),
            track.album,
            track.duration,
            track.isrc,
            track.musicbrainz_id,
            TrackStage.EMBEDDED,
            json.dumps([artist.name for artist in track.artists]),
        )

    def credit(self, artist_id: int, track_id: int, position: int = 0) -> None:
        """Say that a track is an artist's, at a place in the order of preference."""
        self._db.run(
            "INSERT INTO credits (artist_id, track_id, position) VALUES (?, ?, ?)"
            " ON CONFLICT DO UPDATE SET position = excluded.position",
            artist_id,
            track_id,
            position,
        )

    def set_match(self, track_id: int, match: AudioMatch) -> bool:
        """Record which audio was chosen; returns whether the track had been heard before."""
        heard = self._db.all("SELECT audio_sha256 FROM tracks WHERE id = ?", track_id)
        self._db.run(
            "UPDATE tracks SET stage = ?, source = ?, source_id = ?, match_score = ?,"
            " match_reason = ?, audio_sha256 = NULL WHERE id = ?",
            TrackStage.MATCHED,
            match.source,
            match.source_id,
            match.score,
            match.reason,
            track_id,
        )
        return bool(heard) and heard[0]["audio_sha256"] is not None

    def set_fetched(self, track_id: int) -> None:
        """Record that a matched track's audio is at hand; one that came further stays there."""
        self._db.run(
            "UPDATE tracks SET stage = ? WHERE id = ? AND stage = ?",
            TrackStage.FETCHED,
            track_id,
            TrackStage.MATCHED,
        )

    def set_embedded(self, track_id: int, *, audio_sha256: str, duration: float) -> None:
        """Record the hash of a track's decoded samples and its duration in seconds."""
        self._db.run(
            "UPDATE tracks SET audio_sha256 = ?, duration = ?, stage = ? WHERE id = ?",
            audio_sha256,
            duration,
            TrackStage.EMBEDDED,
            track_id,
        )

    def remove(self, track_id: int) -> None:
        """Delete a track with its vectors, credits and failures."""
        self._db.run("DELETE FROM tracks WHERE id = ?", track_id)

    def remove_uncredited(self) -> int:
        """Delete the tracks that are nobody's; returns how many there were."""
        before = self._db.count("tracks")
        self._db.run("DELETE FROM tracks WHERE id NOT IN (SELECT track_id FROM credits)")
        return before - self._db.count("tracks")

    def _with_artists(self, track: Track, track_id: int) -> Track:
        rows = self._db.all(
            "SELECT artists.* FROM artists JOIN credits ON artist_id = artists.id"
            " WHERE track_id = ? ORDER BY artists.id",
            track_id,
        )
        return replace(track, artists=tuple(artist_of(row) for row in rows))


def _spread(tracks: Sequence[StoredTrack]) -> list[StoredTrack]:
    """The user's own files, spread over albums, then catalogue tracks in the catalogue's order."""
    files = [stored for stored in tracks if stored.track.path is not None]
    listed = [stored for stored in tracks if stored.track.path is None]
    return spread_over_albums(files, lambda stored: stored.track) + listed


def is_gone(path: Path) -> bool:
    """Whether there is no file at `path`; one that cannot be looked at is not gone for that.

    Nor is one that lies elsewhere: only listing its folder tells.
    """
    if url_of(path) is not None:
        return False
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    return False
