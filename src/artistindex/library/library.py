"""The library: who was asked for, their tracks, the track vectors and what went wrong.

One SQLite file, the only thing here that must never be lost: every finished track is committed at
once, foreign keys are on and schema migrations are recorded.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Self

from artistindex import naming
from artistindex.entities import Artist, AudioMatch, Failure, Track, TrackVector, VectorKey
from artistindex.errors import AmbiguousArtist, UnknownArtist
from artistindex.library.artist_groups import ArtistGroups
from artistindex.library.artist_matching import find_same
from artistindex.library.artists import Artists
from artistindex.library.database import Database
from artistindex.library.decisions import FILE_NAME as DECISIONS_FILE
from artistindex.library.decisions import Decisions
from artistindex.library.failures import Failures
from artistindex.library.fingerprints import Fingerprints
from artistindex.library.index_states import IndexState, IndexStates
from artistindex.library.migrations import MIGRATIONS
from artistindex.library.recordings import Recordings
from artistindex.library.requests import Requests
from artistindex.library.rows import AddedVectors, ImportedArtist, StoredArtist, StoredTrack
from artistindex.library.tracks import FileFacts, Tracks
from artistindex.library.vectors import ImportedVectors, TrackVectors, Vector

FILE_NAME = "library.sqlite3"
ELSEWHERE = "elsewhere"
"""The engine that is noted for vectors which were not made here."""
_ARTISTS_AT_ONCE = 500  # whose tracks are read together


class Library:
    """An open library; use it as a context manager.

    Every method that changes something commits before it returns, unless it is called within
    `transaction`. SQLite's errors (a full disk, a file that is no database) come out as
    BrokenLibrary.
    """

    def __init__(self, database: Database) -> None:
        self.path = database.path
        self._db = database
        self._artists = Artists(database)
        self._requests = Requests(database)
        self._tracks = Tracks(database)
        self._recordings = Recordings(database)
        self._vectors = TrackVectors(database)
        self._imported = ImportedVectors(database)
        self._failures = Failures(database)
        self._index_states = IndexStates(database)

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

    def transaction(self) -> AbstractContextManager[None]:
        """All that is changed in here is committed at the end, or nothing of it."""
        return self._db.transaction()

    def verify(self) -> None:
        """Raise BrokenLibrary where SQLite's own integrity or foreign key check finds damage."""
        self._db.verify()

    def counts(self) -> dict[str, int]:
        """Rows of each table that a person asks about."""
        tables = ("artists", "tracks", "track_vectors", "imported_vectors", "failures")
        counts = {table: self._db.count(table) for table in tables}
        return counts | {"track_vectors": self._vectors.count()}

    def stages(self) -> dict[str, int]:
        """How many tracks have come how far."""
        return {str(stage): tracks for stage, tracks in self._tracks.stages().items()}

    # -- artists and requests --------------------------------------------------------------------

    @cached_property
    def decisions(self) -> Decisions:
        """What the user decided about names, in the file beside the library.

        Raises Misuse where that file cannot be understood.
        """
        return Decisions.read(self.path.with_name(DECISIONS_FILE))

    def artists(self) -> list[StoredArtist]:
        """All artists, in the order in which they came, as the user decided who they are."""
        return self._groups().artists

    def find_decided(self, name: str) -> StoredArtist:
        """The one of `artists` whom `name` means, by what the user decided; else `find_artist`."""
        artists = self.artists()
        called = [stored for stored in artists if naming.same_name(stored.artist.name, name)]
        if len(called) == 1:
            return called[0]
        raw = self.find_artist(name)
        heads = self.deciding_for([raw.id])
        return next((stored for stored in artists if stored.id in heads), raw)

    def deciding_for(self, artist_ids: Iterable[int]) -> set[int]:
        """The ids of those of `artists` whom these artists are, as the user decided."""
        return self._groups().heads_of(artist_ids)

    def _groups(self) -> ArtistGroups:
        return ArtistGroups(self._artists.all(), self.decisions)

    def guessed_artist_ids(self) -> set[int]:
        """The ids of the artists whom only the paths of files name, no tag and no service."""
        return self._artists.guessed()

    def find_artist(self, name: str) -> StoredArtist:
        """The one artist called `name`, or whose id it is ("spotify:ID", "deezer:ID" and so on).

        Raises UnknownArtist, or AmbiguousArtist with all whose name folds alike.
        """
        candidates = self._artists.find(name)
        shown = naming.truncate(name)
        if not candidates:
            raise UnknownArtist(f"no artist {shown!r} in the library")
        if len(candidates) > 1:
            spelled = [naming.truncate(stored.artist.described) for stored in candidates]
            raise AmbiguousArtist(
                f"{shown!r} could be any of {'; '.join(spelled)}: spell it so, or name it by an id",
                spelled,
            )
        return candidates[0]

    def forget(self, artist: StoredArtist) -> int:
        """Remove an artist, its credits, and tracks nobody else is credited for.

        Returns the number of tracks removed.
        """
        with self._db.transaction():
            self._failures.clear_artist(artist.artist.name)
            self._requests.remove_of(artist.id)
            self._artists.remove(artist.id)
            return self._tracks.remove_uncredited()

    def add_request(self, names: Iterable[str]) -> None:
        """Note names that were asked for, so that an interrupted run can be resumed."""
        with self._db.transaction():
            self._requests.add(names)

    def requests(self) -> list[str]:
        """Every name asked for so far, in the order in which they were."""
        return self._requests.all()

    def pending_requests(self) -> list[str]:
        """The names asked for whose artist is not known and whose look-up has not failed."""
        return self._requests.pending()

    def artist_for(self, name: str) -> StoredArtist | None:
        """The artist that a name asked for earlier turned out to mean."""
        return self._requests.artist_for(name)

    def resolve_request(self, name: str, artist: Artist, tracks: Sequence[Track]) -> int:
        """Record that `name` means `artist`, with `tracks` of a catalogue in order of preference.

        Where the name meant another artist before (an id pinned anew), what that one left is
        detached: it goes unless another request or a file of the user's own still holds it.
        """
        with self._db.transaction():
            before = self._requests.artist_for(name)
            artist_id = self._artists.add(artist)
            self._requests.resolve(name, artist_id)
            if before is not None and before.id != artist_id:
                self._artists.detach(before.id)
                self._tracks.remove_uncredited()
            for position, track in enumerate(tracks):
                track_id = self._tracks.put_listed(track)
                self._tracks.credit(artist_id, track_id, position)
                self._recordings.decide(track_id)
            self._failures.clear_request(name)
        return artist_id

    def remove_request(self, name: str) -> None:
        """Drop a name asked for: its parts have taken its place."""
        with self._db.transaction():
            self._requests.remove(name)

    # -- tracks ----------------------------------------------------------------------------------

    def file(self, path: Path, size: int, mtime_ns: int) -> Track | None:
        """What is known of the file at `path`, provided that it has not changed since."""
        return self._tracks.file(path, size, mtime_ns)

    def upsert_file(
        self, track: Track, *, size: int, mtime_ns: int, folder: Path | None = None
    ) -> int:
        """Record a file of the user's own, found below the music folder `folder`.

        One that changed loses its vectors and failures. One that did not keeps them, whatever its
        tags say now, and so does one that was moved: the same name, size and time, and no longer
        where it was.
        """
        if track.path is None:
            raise ValueError("a file's track needs its path")
        file = FileFacts(track.path, size, mtime_ns, folder)
        with self._db.transaction():
            stored = self._tracks.find_file(file)
            if stored is not None and (stored.size, stored.mtime_ns) == (size, mtime_ns):
                self._update_file(stored, track, file)
                return stored.id
            if stored is not None:
                self._tracks.remove(stored.id)
                self._artists.remove_trackless()
            track_id = self._tracks.insert_file(track, file)
            for artist in track.artists:
                self._tracks.credit(self._artists.add(artist), track_id)
            return track_id

    def _update_file(self, stored: StoredTrack, track: Track, file: FileFacts) -> None:
        """Record what is new of a file whose audio is the same."""
        as_it_was = replace(stored.track, artists=track.artists, duration=track.duration)
        if stored.missing or stored.folder != file.folder or as_it_was != track:
            self._tracks.set_file(stored.id, track, file)
            self._recordings.decide(stored.id)
        artist_ids = [self._artists.add(artist) for artist in track.artists]
        if set(artist_ids) != set(self._tracks.artists_of(stored.id)):
            self._tracks.set_credits(stored.id, artist_ids)
            self._artists.remove_trackless()

    def files_below(self, folder: Path) -> dict[Path, int]:
        """Path -> id of the files recorded below `folder`, without those known to be missing."""
        return self._tracks.files_below(folder)

    def set_missing(self, track_ids: Iterable[int]) -> list[Artist]:
        """Record that files are gone; returns the artists of whom no track is left.

        A file that comes back unchanged is taken up again, with its vectors.
        """
        with self._db.transaction():
            before = self._artists.with_tracks()
            self._tracks.set_missing(track_ids)
            after = {stored.id for stored in self._artists.with_tracks()}
            return [stored.artist for stored in before if stored.id not in after]

    def artists_of(self, track_id: int) -> list[int]:
        """The ids of the artists that a track is credited to."""
        return self._tracks.artists_of(track_id)

    def tracks_of(self, artist_id: int) -> list[StoredTrack]:
        """The tracks of this very artist, in the order of `tracks_by_artist`."""
        return next(self._tracks.of_groups([[artist_id]]))

    def tracks_by_artist(
        self, artists: Iterable[StoredArtist] | None = None
    ) -> Iterator[tuple[StoredArtist, list[StoredTrack]]]:
        """Yield each of `artists`, or every one, with its tracks as they stand for it.

        The user's own files, spread over albums, then catalogue tracks in the catalogue's order,
        these with the names of all who are credited there. They are read so many artists at a
        time, whom what is written meanwhile does not concern.
        """
        groups = self._groups()
        artists = groups.artists if artists is None else list(artists)
        for start in range(0, len(artists), _ARTISTS_AT_ONCE):
            batch = artists[start : start + _ARTISTS_AT_ONCE]
            tracks = list(self._tracks.of_groups([groups.members_of(stored) for stored in batch]))
            yield from zip(batch, tracks, strict=True)

    def recordings(self) -> dict[int, int]:
        """Track id -> recording: tracks with the same number are one recording."""
        return self._recordings.by_track()

    def set_match(self, track_id: int, match: AudioMatch) -> None:
        """Record which audio was chosen for a track; nothing is known of how it sounds."""
        with self._db.transaction():
            if self._tracks.set_match(track_id, match):
                self._recordings.part(track_id)
            self._recordings.decide(track_id)

    def set_fetched(self, track_id: int) -> None:
        """Record that a matched track's audio is at hand; one that came further stays there."""
        with self._db.transaction():
            self._tracks.set_fetched(track_id)

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
            self._tracks.set_embedded(track_id, audio_sha256=audio_sha256, duration=duration)
            self._recordings.decide(track_id)
            self._failures.clear_track(track_id)
            for embedding in vectors:
                self._vectors.put(track_id, embedding)
                self._failures.clear_track(track_id, embedding.key.model)
            for model, failure in failures:
                self._failures.put(failure, track_id=track_id, model=model)

    def embedded_track_ids(self, key: VectorKey) -> set[int]:
        """The ids of the tracks that have a vector of `key`."""
        return self._vectors.track_ids(key)

    def vectors(self, key: VectorKey) -> dict[int, Vector]:
        """Track id -> vector (float32, shape (dimension,)) for every vector of `key`."""
        return self._vectors.all(key)

    def stream_vectors(self, key: VectorKey) -> Iterator[tuple[int, Vector]]:
        """Yield id and vector, as `vectors` has them, read from the file as they are asked for."""
        return self._vectors.stream(key)

    def vectors_by_artist(
        self, key: VectorKey, artists: Iterable[StoredArtist] | None = None
    ) -> Iterator[tuple[StoredArtist, list[tuple[StoredTrack, Vector]]]]:
        """Yield each of `artists`, or every one, with its tracks that have a vector of `key`.

        In the orders of `artists` and `tracks_by_artist`; vectors are float32 of shape
        (dimension,). No more than one artist's vectors are in memory at a time.
        """
        groups = self._groups()
        artists = groups.artists if artists is None else list(artists)
        members = [groups.members_of(stored) for stored in artists]
        vectors = self._vectors.by_group(key, members)
        tracks = self._tracks.of_groups(members)
        for artist, its, own in zip(artists, tracks, vectors, strict=True):
            yield artist, [(track, own[track.id]) for track in its if track.id in own]

    def add_vectors(
        self,
        key: VectorKey,
        rows: Iterable[tuple[Track, Vector]],
        *,
        replace: bool = False,
    ) -> AddedVectors:
        """Keep vectors of tracks that were made elsewhere, all of them or none.

        `rows` are tracks with their vectors, float32 of shape (dimension,); they are read once. A
        track is the one that is here by that title (and album, where both say one) of the first
        artist, else a new one without sound, which no build tries to find. A track with a vector of
        `key` keeps it, unless `replace`. `VectorKey.made_elsewhere` makes a key for a model without
        weights.

        Raises ValueError for a vector that is not finite, or of another dimension than those of
        `key` that are here.
        """
        added = AddedVectors()
        dimensions = self.dimensions(key)
        embedded = self._vectors.track_ids(key)
        with self._db.transaction():
            for track, vector in rows:
                dimensions = dimensions or {len(vector)}
                if len(vector) not in dimensions:
                    raise ValueError(
                        f"a vector of dimension {len(vector)} does not go with those of"
                        f" {key.model} here, of dimension {max(dimensions)}"
                    )
                track_id = self._track_heard_elsewhere(track, added)
                is_new = track_id not in embedded
                added.note(track_id, is_new=is_new, is_replaced=not is_new and replace)
                if is_new or replace:
                    self._vectors.put_pooled(track_id, key, vector, ELSEWHERE)
        return added

    def _track_heard_elsewhere(self, track: Track, added: AddedVectors) -> int:
        artist_ids = [self._artists.add(artist) for artist in track.artists]
        titled = self._tracks.find_titled(artist_ids[0], track)
        track_id = next((id_ for id_ in titled if id_ not in added.track_ids), None)
        if track_id is None:
            track_id = self._tracks.insert_heard_elsewhere(track)
            for artist_id in artist_ids:
                self._tracks.credit(artist_id, track_id)
            self._recordings.decide_by_id(track_id)
        return track_id

    def dimensions(self, key: VectorKey) -> set[int]:
        """The dimensions of the vectors of `key`, of tracks or out of packs: one, or none."""
        return self._vectors.dimensions(key) | self._imported.dimensions(key)

    def fingerprints(self, key: VectorKey) -> Iterator[tuple[StoredArtist, bytes]]:
        """Yield every artist with a vector of `key`, and the fingerprint of what its row is of.

        In the order of `artists`. No vector is read.
        """
        groups = self._groups()
        members = [groups.members_of(stored) for stored in groups.artists]
        prints = Fingerprints(self._db, self.guessed_artist_ids())
        return prints.of(key, groups.artists, members)

    def index_state(self, index: str) -> IndexState | None:
        """What is remembered of the index in the folder called `index`."""
        return self._index_states.get(index)

    def put_index_state(self, index: str, state: IndexState) -> None:
        """Remember what the index in the folder called `index` was made of."""
        with self._db.transaction():
            self._index_states.put(index, state)

    def models_by_track(self, track_ids: Iterable[int]) -> dict[int, list[str]]:
        """Track id -> the models that the track has vectors of, for those that have any."""
        return self._vectors.models_by_track(track_ids)

    def keys(self) -> list[tuple[VectorKey, int]]:
        """Every key with a track vector, and how many it has."""
        return self._vectors.keys()

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
        return dict(self._imported.stream(key))

    def stream_imported(self, key: VectorKey) -> Iterator[tuple[int, ImportedArtist]]:
        """As `imported`, read from the file as it is asked for."""
        return self._imported.stream(key)

    def imported_among(
        self, artist_ids: Iterable[int], key: VectorKey
    ) -> dict[int, ImportedArtist]:
        """As `imported`, of some artists."""
        return self._imported.among(artist_ids, key)

    def imported_of(self, artist_id: int, key: VectorKey) -> ImportedArtist | None:
        """What a pack brought of an artist with `key`; None where none did."""
        return self._imported.of(artist_id, key)

    def imported_otherwise(self, key: VectorKey) -> int:
        """How many artists have an imported vector of the model of `key`, but none of `key`."""
        return self._imported.of_other_keys(key)

    def only_imported(self) -> set[int]:
        """The ids of the artists who came with a pack and were never asked for here."""
        return self._imported.only_here()

    def _put_imported(self, artist_id: int | None, key: VectorKey, entry: ImportedArtist) -> int:
        if artist_id is None:
            same = find_same(entry.artist, self._artists)
            artist_id = same[0] if same else self._artists.insert(entry.artist)
        self._imported.put(artist_id, key, entry)
        return artist_id

    # -- failures --------------------------------------------------------------------------------

    def add_failure(
        self, failure: Failure, *, track_id: int | None = None, model: str = ""
    ) -> None:
        """Record what went wrong; the same trouble with the same thing is kept once."""
        with self._db.transaction():
            self._failures.put(failure, track_id=track_id, model=model)

    def replace_failures(
        self, stage: str, model: str, failures: Sequence[tuple[Failure, int]]
    ) -> None:
        """Record (failure, id of the track), all there are of `stage` and `model`."""
        with self._db.transaction():
            self._failures.replace(stage, model, failures)

    def failures(self) -> list[Failure]:
        """What went wrong and has not gone right since, oldest first."""
        return self._failures.all()

    def clear_failures(
        self, *, stage: str | None = None, model: str | None = None, below: Path | None = None
    ) -> int:
        """Forget failures, so that the next run tries again; returns how many there were.

        Only those of `stage`, of `model`, of files below the folder `below`, where these are given.
        """
        with self._db.transaction():
            return self._failures.clear(stage=stage, model=model, below=below)
