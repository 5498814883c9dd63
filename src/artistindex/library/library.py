"""The library: who was asked for, their tracks, the track vectors and what went wrong.

One SQLite file, the only thing here that must never be lost: every finished track is committed at
once, foreign keys are on and schema migrations are recorded. Vectors are little-endian float32.
"""

import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from sqlite3 import Row
from typing import Self

import numpy as np
from numpy.typing import NDArray

from artistindex import naming
from artistindex.entities import Artist, AudioMatch, Failure, Service, Track, TrackVector, VectorKey
from artistindex.errors import AmbiguousArtist, UnknownArtist
from artistindex.library.database import Database, now
from artistindex.library.migrations import MIGRATIONS
from artistindex.library.recordings import NEW_RECORDING, Recordings, title_key
from artistindex.library.rows import (
    VECTOR_TYPE,
    ImportedArtist,
    StoredArtist,
    StoredTrack,
    artist_of,
    imported_artist,
    stored_path,
    stored_track,
    track_of,
)
from artistindex.metadata.filename import readable
from artistindex.metadata.local_files import spread_over_albums

FILE_NAME = "library.sqlite3"


class Library:
    """The tables behind an open connection; use it as a context manager.

    Every method that changes something commits before it returns. SQLite's errors (a full disk, a
    file that is no database) come out as BrokenLibrary.
    """

    def __init__(self, database: Database) -> None:
        self._db = database
        self._recordings = Recordings(database)
        self.path = database.path

    @classmethod
    def open(cls, path: str | Path, *, read_only: bool = False) -> Self:
        """Open the library at `path`, a file, making or migrating it unless `read_only`.

        Raises BrokenLibrary where it is missing (read-only), damaged, or from a newer version.
        """
        return cls(Database.open(Path(path), MIGRATIONS, read_only=read_only))

    def close(self) -> None:
        """Close the connection."""
        self._db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # -- artists and requests --------------------------------------------------------------------

    def add_artist(self, artist: Artist) -> int:
        """The id of `artist`'s row, found by a shared id, else by the very same spelling, or new.

        Folded names never join two artists. Ids that the row lacked are filled in.
        """
        artist = replace(artist, name=naming.clean(artist.name))
        with self._db.transaction():
            return self._add_artist(artist)

    def artists(self) -> list[StoredArtist]:
        """All artists, in the order in which they came."""
        rows = self._db.all("SELECT * FROM artists ORDER BY id")
        return [StoredArtist(row["id"], artist_of(row)) for row in rows]

    def find_artists(self, name: str) -> list[StoredArtist]:
        """The artists whose folded name is that of `name`; those spelled just so, if there are."""
        rows = self._db.all(
            "SELECT * FROM artists WHERE folded = ? ORDER BY id", naming.normalise(name)
        )
        found = [StoredArtist(row["id"], artist_of(row)) for row in rows]
        exact = [entry for entry in found if entry.artist.name == naming.clean(name)]
        return exact or found

    def add_request(self, wanted: Iterable[str]) -> None:
        """Note names that were asked for, so that an interrupted run can be resumed."""
        with self._db.transaction():
            for name in wanted:
                self._db.run(
                    "INSERT OR IGNORE INTO requests (name, asked) VALUES (?, ?)",
                    naming.clean(name),
                    now(),
                )

    def artist_for(self, name: str) -> StoredArtist | None:
        """The artist that a name asked for earlier turned out to mean."""
        rows = self._db.all(
            "SELECT artists.* FROM artists JOIN requests ON artist_id = artists.id"
            " WHERE requests.name = ?",
            naming.clean(name),
        )
        return StoredArtist(rows[0]["id"], artist_of(rows[0])) if rows else None

    def requests(self) -> list[str]:
        """Every name asked for so far, in the order in which they were."""
        return [row["name"] for row in self._db.all("SELECT name FROM requests ORDER BY rowid")]

    def pending_requests(self) -> list[str]:
        """The names asked for whose artist is not known and whose look-up has not failed."""
        rows = self._db.all(
            "SELECT name FROM requests WHERE artist_id IS NULL AND NOT EXISTS"
            " (SELECT 1 FROM failures WHERE what = requests.name AND stage = 'catalogue')"
            " ORDER BY asked, rowid"
        )
        return [row["name"] for row in rows]

    def remove_request(self, name: str) -> None:
        """Drop a name asked for: its parts have taken its place."""
        with self._db.transaction():
            self._db.run("DELETE FROM requests WHERE name = ?", naming.clean(name))

    def resolve_request(self, name: str, artist: Artist, tracks: Sequence[Track]) -> int:
        """Record that `name` means `artist`, with `tracks` of a catalogue in order of preference.

        Where the name meant another artist before (an id pinned anew), what that one left is
        detached: it goes unless another request or a file of the user's own still holds it.
        """
        with self._db.transaction():
            before = self.artist_for(name)
            artist_id = self._add_artist(replace(artist, name=naming.clean(artist.name)))
            self._db.run(
                "INSERT INTO requests (name, artist_id, asked) VALUES (?, ?, ?)"
                " ON CONFLICT (name) DO UPDATE SET artist_id = excluded.artist_id",
                naming.clean(name),
                artist_id,
                now(),
            )
            if before is not None and before.id != artist_id:
                self._detach(before.id)
            for position, track in enumerate(tracks):
                track_id = self._put_listed(track)
                self._credit(artist_id, track_id, position)
                self._recordings.decide(track_id)
            self._db.run(
                "DELETE FROM failures WHERE what = ? AND stage IN ('catalogue', 'identity')", name
            )
        return artist_id

    def find_artist(self, name: str) -> StoredArtist:
        """The one artist called `name`, or whose id it is ("spotify:ID", "deezer:ID" and so on).

        Raises UnknownArtist, or AmbiguousArtist with all whose name folds alike.
        """
        found = self.find_artists(name) or self._artists_by_id(name)
        shown = naming.truncate(name)
        if not found:
            raise UnknownArtist(f"no artist {shown!r} in the library")
        if len(found) > 1:
            spelled = [naming.truncate(entry.artist.described) for entry in found]
            raise AmbiguousArtist(
                f"{shown!r} could be any of {'; '.join(spelled)}: spell it so, or name it by an id",
                spelled,
            )
        return found[0]

    def forget(self, artist: str | StoredArtist) -> int:
        """Remove an artist, its credits, and tracks nobody else is credited for.

        Returns the number of tracks removed. Raises what `find_artist` raises.
        """
        stored = self.find_artist(artist) if isinstance(artist, str) else artist
        with self._db.transaction():
            before = self._db.count("tracks")
            self._db.run("DELETE FROM failures WHERE artist = ?", stored.artist.name)
            self._db.run("DELETE FROM requests WHERE artist_id = ?", stored.id)
            self._db.run("DELETE FROM artists WHERE id = ?", stored.id)
            self._drop_uncredited()
            return before - self._db.count("tracks")

    # -- tracks ----------------------------------------------------------------------------------

    def file(self, path: Path, size: int, mtime_ns: int) -> Track | None:
        """What is known of the file at `path`, provided that it has not changed since."""
        rows = self._db.all(
            "SELECT * FROM tracks WHERE path = ? AND size = ? AND mtime_ns = ?",
            stored_path(path),
            size,
            mtime_ns,
        )
        return self._with_artists(track_of(rows[0]), rows[0]["id"]) if rows else None

    def upsert_file(self, track: Track, *, size: int, mtime_ns: int) -> int:
        """Record a file of the user's own; one that changed loses its vectors and failures."""
        if track.path is None:
            raise ValueError("a file's track needs its path")
        path = stored_path(track.path)
        with self._db.transaction():
            rows = self._db.all("SELECT id, size, mtime_ns FROM tracks WHERE path = ?", path)
            if rows and (rows[0]["size"], rows[0]["mtime_ns"]) == (size, mtime_ns):
                return int(rows[0]["id"])
            if rows:
                self._db.run("DELETE FROM tracks WHERE id = ?", rows[0]["id"])
                self._drop_trackless()
            track_id = self._db.run(
                "INSERT INTO tracks (title, title_key, album, duration, isrc, stage, source, path,"
                " size, mtime_ns, recording)"
                f" VALUES (?, ?, ?, ?, ?, 'fetched', 'file', ?, ?, ?, {NEW_RECORDING})",
                track.title,
                title_key(track.title),
                track.album,
                track.duration,
                track.isrc,
                path,
                size,
                mtime_ns,
            )
            for artist in track.artists:
                tidied = replace(artist, name=naming.clean(artist.name))
                self._credit(self._add_artist(tidied), track_id, 0)
            return track_id

    def artists_of(self, track_id: int) -> list[int]:
        """The ids of the artists that a track is credited to."""
        rows = self._db.all("SELECT artist_id FROM credits WHERE track_id = ?", track_id)
        return [row["artist_id"] for row in rows]

    def tracks_of(self, artist_id: int) -> list[StoredTrack]:
        """An artist's tracks in the order in which they stand for it.

        The user's own files, spread over albums, then catalogue tracks in the catalogue's order,
        these with the names of all who are credited there.
        """
        rows = self._db.all(
            "SELECT tracks.*, (SELECT group_concat(model, ' ') FROM failures"
            "   WHERE track_id = tracks.id AND stage <> 'outlier') AS failed_models"
            " FROM tracks JOIN credits ON track_id = tracks.id WHERE artist_id = ?"
            " ORDER BY path IS NULL, position, tracks.id",
            artist_id,
        )
        stored = [stored_track(row) for row in rows]
        files = [each for each in stored if each.track.path is not None]
        listed = [each for each in stored if each.track.path is None]
        return spread_over_albums(files, lambda each: each.track) + listed

    def set_match(self, track_id: int, match: AudioMatch) -> None:
        """Record which audio was chosen for a track; nothing is known of how it sounds."""
        with self._db.transaction():
            if self._db.all(
                "SELECT 1 FROM tracks WHERE id = ? AND audio_sha256 IS NOT NULL", track_id
            ):
                self._recordings.part(track_id)
            self._db.run(
                "UPDATE tracks SET stage = 'matched', source = ?, source_id = ?, match_score = ?,"
                " match_reason = ?, audio_sha256 = NULL WHERE id = ?",
                match.source,
                match.source_id,
                match.score,
                match.reason,
                track_id,
            )
            self._recordings.decide(track_id)

    def set_fetched(self, track_id: int) -> None:
        """Record that a matched track's audio is at hand; one that came further stays there."""
        with self._db.transaction():
            self._db.run(
                "UPDATE tracks SET stage = 'fetched' WHERE id = ? AND stage = 'matched'", track_id
            )

    # -- vectors ---------------------------------------------------------------------------------

    def add_embedding(
        self,
        track_id: int,
        *,
        audio_sha256: str,
        duration: float,
        vectors: Sequence[TrackVector],
        failures: Sequence[tuple[str, Failure]] = (),
    ) -> None:
        """Commit a finished track: its vectors, and (model, failure) for models it fell short of.

        `audio_sha256` is the hash of the decoded samples, `duration` the track's in seconds.
        Raises ValueError for a vector that is not finite.
        """
        with self._db.transaction():
            self._db.run(
                "UPDATE tracks SET audio_sha256 = ?, duration = ?, stage = 'embedded' WHERE id = ?",
                audio_sha256,
                duration,
                track_id,
            )
            self._recordings.decide(track_id)
            self._db.run("DELETE FROM failures WHERE track_id = ? AND model = ''", track_id)
            for made in vectors:
                self._put_vector(track_id, made)
                self._db.run(
                    "DELETE FROM failures WHERE track_id = ? AND model = ?",
                    track_id,
                    made.key.model,
                )
            for model, failure in failures:
                self._put_failure(failure, track_id=track_id, model=model)

    def tracks_with(self, key: VectorKey) -> set[int]:
        """The ids of the tracks that have a vector of `key`."""
        rows = self._db.all(f"SELECT track_id FROM track_vectors WHERE {_KEY}", *_key(key))
        return {row["track_id"] for row in rows}

    def vectors(self, key: VectorKey) -> dict[int, NDArray[np.float32]]:
        """Track id -> vector (float32, shape (dimension,)) for every vector of `key`."""
        rows = self._db.all(f"SELECT track_id, vector FROM track_vectors WHERE {_KEY}", *_key(key))
        return {row["track_id"]: np.frombuffer(row["vector"], VECTOR_TYPE) for row in rows}

    def recordings(self) -> dict[int, int]:
        """Return track id -> recording: tracks with the same number are one recording."""
        return self._recordings.by_track()

    def keys(self) -> list[tuple[VectorKey, int]]:
        """Every key with a vector, and how many it has."""
        rows = self._db.all(
            "SELECT model, weights_sha256, precision, excerpt, count(*) AS held"
            " FROM track_vectors GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4"
        )
        return [(VectorKey(*tuple(row)[:4]), row["held"]) for row in rows]

    # -- vectors of packs ------------------------------------------------------------------------

    def put_imported(
        self, entries: Iterable[tuple[int | None, VectorKey, ImportedArtist]]
    ) -> list[int]:
        """Keep artists' vectors out of a pack, all of them or none; returns the artists' ids.

        Each comes with the id of the artist whom it is of, or None for one who is new (once, of
        several vectors). What is known of an artist already stays as it is. Raises ValueError for a
        vector that is not finite.
        """
        with self._db.transaction():
            return [self._put_imported(*entry) for entry in entries]

    def imported(self, key: VectorKey) -> dict[int, ImportedArtist]:
        """Artist id -> what a pack brought of them with `key`, in the order of ids."""
        rows = self._db.all(
            "SELECT artists.*, imported_vectors.* FROM imported_vectors"
            f" JOIN artists ON artist_id = artists.id WHERE {_KEY} ORDER BY artist_id",
            *_key(key),
        )
        return {row["artist_id"]: imported_artist(row) for row in rows}

    def imported_otherwise(self, key: VectorKey) -> int:
        """How many artists have an imported vector of the model of `key`, but none of `key`."""
        rows = self._db.all(
            "SELECT count(DISTINCT artist_id) FROM imported_vectors AS other WHERE model = ?"
            " AND NOT EXISTS (SELECT 1 FROM imported_vectors"
            f"                 WHERE artist_id = other.artist_id AND {_KEY})",
            key.model,
            *_key(key),
        )
        return int(rows[0][0])

    def only_imported(self) -> set[int]:
        """The ids of the artists who came with a pack and were never asked for here."""
        rows = self._db.all(
            "SELECT DISTINCT artist_id FROM imported_vectors"
            " WHERE artist_id NOT IN (SELECT artist_id FROM credits)"
            " AND artist_id NOT IN (SELECT artist_id FROM requests WHERE artist_id IS NOT NULL)"
        )
        return {row["artist_id"] for row in rows}

    # -- failures --------------------------------------------------------------------------------

    def add_failure(
        self, failure: Failure, *, track_id: int | None = None, model: str = ""
    ) -> None:
        """Record what went wrong; the same trouble with the same thing is kept once."""
        with self._db.transaction():
            self._put_failure(failure, track_id=track_id, model=model)

    def failures(self) -> list[Failure]:
        """What went wrong and has not gone right since, oldest first."""
        rows = self._db.all("SELECT * FROM failures ORDER BY at, id")
        return [
            Failure(
                what=row["what"],
                stage=row["stage"],
                reason=row["reason"],
                retryable=bool(row["retryable"]),
                artist=row["artist"],
                when=row["at"],
            )
            for row in rows
        ]

    def clear_failures(
        self, *, stage: str | None = None, model: str | None = None, below: Path | None = None
    ) -> int:
        """Forget failures, so that the next run tries again; returns how many there were.

        Only those of `stage`, of `model`, of files below the folder `below`, where these are given.
        """
        inside = None if below is None else f"{readable(below).rstrip(os.sep)}{os.sep}"
        with self._db.transaction():
            before = self._db.count("failures")
            self._db.run(
                "DELETE FROM failures WHERE (?1 IS NULL OR stage = ?1)"
                " AND (?2 IS NULL OR model = ?2)"
                " AND (?3 IS NULL OR substr(what, 1, length(?3)) = ?3)",
                stage,
                model,
                inside,
            )
            return before - self._db.count("failures")

    def counts(self) -> dict[str, int]:
        """Rows of each table that a person asks about."""
        tables = ("artists", "tracks", "track_vectors", "imported_vectors", "failures")
        return {table: self._db.count(table) for table in tables}

    def stages(self) -> dict[str, int]:
        """How many tracks have come how far."""
        rows = self._db.all("SELECT stage, count(*) AS held FROM tracks GROUP BY stage")
        return {row["stage"]: row["held"] for row in rows}

    def verify(self) -> None:
        """Raise BrokenLibrary where SQLite's own integrity or foreign key check finds damage."""
        self._db.verify()

    # -- inside ----------------------------------------------------------------------------------

    def _add_artist(self, artist: Artist) -> int:
        row = self._row_by_id(artist) or self._row_by_spelling(artist)
        if row is None:
            return self._insert_artist(artist)
        for service, id_ in artist.ids.items():
            if row[f"{service}_id"] is None:
                change = f"UPDATE OR IGNORE artists SET {service}_id = ? WHERE id = ?"
                self._db.run(change, id_, row["id"])
        return int(row["id"])

    def _artists_by_id(self, name: str) -> list[StoredArtist]:
        service, _, id_ = naming.clean(name).partition(":")
        if service not in tuple(Service) or not id_:
            return []
        rows = self._db.all(f"SELECT * FROM artists WHERE {service}_id = ?", id_)
        return [StoredArtist(row["id"], artist_of(row)) for row in rows]

    def _insert_artist(self, artist: Artist) -> int:
        return self._db.run(
            "INSERT INTO artists (name, folded, spotify_id, deezer_id, musicbrainz_id)"
            " VALUES (?, ?, ?, ?, ?)",
            artist.name,
            naming.normalise(artist.name),
            *(artist.ids.get(service) for service in Service),
        )

    def _row_by_id(self, artist: Artist) -> Row | None:
        for service, id_ in artist.ids.items():
            if rows := self._db.all(f"SELECT * FROM artists WHERE {service}_id = ?", id_):
                return rows[0]
        return None

    def _row_by_spelling(self, artist: Artist) -> Row | None:
        rows = self._db.all("SELECT * FROM artists WHERE name = ? ORDER BY id", artist.name)
        for row in rows:
            if not artist.contradicts(artist_of(row)):
                return row
        return None

    def _put_listed(self, track: Track) -> int:
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

    def _credit(self, artist_id: int, track_id: int, position: int) -> None:
        self._db.run(
            "INSERT INTO credits (artist_id, track_id, position) VALUES (?, ?, ?)"
            " ON CONFLICT DO UPDATE SET position = excluded.position",
            artist_id,
            track_id,
            position,
        )

    def _detach(self, artist_id: int) -> None:
        self._db.run(
            "DELETE FROM artists WHERE id = ?1"
            " AND NOT EXISTS (SELECT 1 FROM requests WHERE artist_id = ?1)"
            " AND NOT EXISTS (SELECT 1 FROM credits JOIN tracks ON track_id = tracks.id"
            "                 WHERE artist_id = ?1 AND source = 'file')"
            " AND NOT EXISTS (SELECT 1 FROM imported_vectors WHERE artist_id = ?1)",
            artist_id,
        )
        self._drop_uncredited()

    def _drop_uncredited(self) -> None:
        self._db.run("DELETE FROM tracks WHERE id NOT IN (SELECT track_id FROM credits)")

    def _drop_trackless(self) -> None:
        self._db.run(
            "DELETE FROM artists WHERE id NOT IN (SELECT artist_id FROM credits)"
            " AND id NOT IN (SELECT artist_id FROM requests WHERE artist_id IS NOT NULL)"
            " AND id NOT IN (SELECT artist_id FROM imported_vectors)"
        )

    def _put_imported(self, artist_id: int | None, key: VectorKey, entry: ImportedArtist) -> int:
        vector = np.ascontiguousarray(entry.vector, VECTOR_TYPE)
        if not np.isfinite(vector).all():
            raise ValueError(f"the imported vector of {entry.artist.name!r} is not finite")
        if artist_id is None:
            row = self._row_by_id(entry.artist) or self._row_by_spelling(entry.artist)
            artist_id = int(row["id"]) if row else self._insert_artist(entry.artist)
        self._db.run(
            "INSERT OR REPLACE INTO imported_vectors VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            artist_id,
            *_key(key),
            vector.size,
            vector.tobytes(),
            json.dumps(entry.tracks, ensure_ascii=False),
            entry.licence,
            entry.preferred,
            now(),
        )
        return artist_id

    def _put_vector(self, track_id: int, made: TrackVector) -> None:
        vector = np.ascontiguousarray(made.vector, VECTOR_TYPE)
        if not np.isfinite(vector).all():
            raise ValueError(f"the {made.key.model} vector of track {track_id} is not finite")
        self._db.run(
            "INSERT OR REPLACE INTO track_vectors VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            track_id,
            *_key(made.key),
            made.engine,
            made.patches,
            vector.size,
            vector.tobytes(),
            now(),
        )

    def _put_failure(self, failure: Failure, *, track_id: int | None, model: str) -> None:
        self._db.run(
            "INSERT INTO failures (what, artist, stage, reason, retryable, at, track_id, model)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (what, stage, model) DO UPDATE SET reason = excluded.reason,"
            " artist = excluded.artist,"
            " retryable = excluded.retryable, at = excluded.at, track_id = excluded.track_id",
            _storable(failure.what),
            failure.artist and _storable(failure.artist),
            failure.stage,
            _storable(failure.reason),
            failure.retryable,
            now(),
            track_id,
            model,
        )

    def _with_artists(self, track: Track, track_id: int) -> Track:
        rows = self._db.all(
            "SELECT artists.* FROM artists JOIN credits ON artist_id = artists.id"
            " WHERE track_id = ? ORDER BY artists.id",
            track_id,
        )
        return replace(track, artists=tuple(artist_of(row) for row in rows))


_KEY = "model = ? AND weights_sha256 = ? AND precision = ? AND excerpt = ?"


def _key(key: VectorKey) -> tuple[str, str, str, str]:
    return key.model, key.weights_sha256, key.precision, key.excerpt


def _storable(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
