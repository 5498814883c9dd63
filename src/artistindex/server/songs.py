"""Songs and artists of an index by the ids of players: those of a library, or our own.

Without a library, an id is the name itself in letters that any client sends back unchanged: "ar-"
and an artist, "tr-" and an artist, a title and an album.
"""

import base64
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from artistindex import naming
from artistindex.entities import EntryTrack
from artistindex.errors import UnknownTrack
from artistindex.index.reader import ArtistIndex
from artistindex.index.sidecar import UsedTrack
from artistindex.query.artist_path import find_path
from artistindex.query.query import ResolvedQuery
from artistindex.query.ranking import search
from artistindex.query.track_search import search_tracks
from artistindex.server.library_ids import PlayerIds, Song

AnyTrack = UsedTrack | EntryTrack

_ARTIST, _TRACK = "ar-", "tr-"


@dataclass(frozen=True, slots=True)
class PlayerSong:
    """A song as players are told of it: its `id`, and the row, name and id of its artist."""

    id: str
    title: str
    album: str | None
    mbid: str | None
    row: int
    artist: str
    artist_id: str


@dataclass(frozen=True, slots=True)
class PlayerArtist:
    """An artist as players are told; `id` is None where the library lacks who it is."""

    row: int
    name: str
    id: str | None
    mbid: str | None


class SongBook:
    """The songs and artists of an open index, by id; `library` are the songs of a player's own."""

    def __init__(self, index: ArtistIndex, library: Sequence[Song] | None) -> None:
        self._index, self._library = index, library

    @cached_property
    def _ids(self) -> PlayerIds | None:
        return None if self._library is None else PlayerIds(self._index, self._library)

    @cached_property
    def _rows_without_id(self) -> frozenset[int]:
        if self._ids is None:
            return frozenset()
        return frozenset(range(len(self._index))) - self._ids.rows

    # --- by id ----------------------------------------------------------------------------------

    def artist(self, id_: str) -> PlayerArtist:
        """Return who has an id, or the song of an id; raises UnknownArtist, UnknownTrack."""
        row = self._artist_row(id_)
        if row is None:
            row = self.song(id_).row
        return self._artist_of(row)

    def _artist_row(self, id_: str) -> int | None:
        if self._ids is not None:
            return self._ids.artists.get(id_)
        names = _decoded(_ARTIST, id_)
        return None if len(names) != 1 else self._index.row(str(names[0]))

    def song(self, id_: str) -> PlayerSong:
        """Return the song that has an id; raises UnknownTrack."""
        if self._ids is not None:
            known = self._ids.songs.get(id_)
            if known is None:
                raise _unknown(id_)
            return self._song(known.row, known.id, known.title, known.album, known.mbid)
        values = _decoded(_TRACK, id_)
        if len(values) != 3:
            raise _unknown(id_)
        artist, title, album = values
        row = self._index.row(str(artist))
        for track in self._index.tracks_of_row(row):
            if (track.title, track.album) == (title, album):
                return self._song(row, id_, title, album, track.ids.get("musicbrainz"))
        raise _unknown(id_)

    # --- what is like it ------------------------------------------------------------------------

    def similar_artists(
        self, artist: PlayerArtist, count: int, *, with_absent: bool = False
    ) -> list[tuple[PlayerArtist, float]]:
        """Return the artists nearest to one, with their cosines, of those that the library has."""
        exclude = () if with_absent else self._rows_without_id
        query = self._query(artist.row)
        hits = search(self._index, query, count, exclude=exclude, entry_tracks=False)
        return [(self._artist_of(hit.row), hit.neighbour.score) for hit in hits]

    def songs_like_artist(self, artist: PlayerArtist, count: int) -> list[PlayerSong]:
        """Return songs of an artist and of the nearest, one of each before another of any."""
        exclude = self._rows_without_id
        query = self._query(artist.row)
        hits = search(self._index, query, count, exclude=exclude, entry_tracks=False)
        rows = [artist.row, *(hit.row for hit in hits)]
        tracks = self._index.entry_tracks(rows, query.vector)
        songs = [list(self._songs_of(row, tracks[row])) for row in rows]
        turns = max(map(len, songs), default=0)
        in_turn = [own[turn] for turn in range(turns) for own in songs if turn < len(own)]
        return in_turn[:count]

    def songs_like(self, song: PlayerSong, count: int) -> list[tuple[PlayerSong, float]]:
        """Return the songs nearest to one, with their cosines; the artist's own may be among them.

        A song that is none of the index's tracks is asked about by its artist. Raises BrokenIndex
        where the index has no vectors of tracks.
        """

        def is_playable(rows: Sequence[int], track: UsedTrack) -> bool:
            other = self._song_among(rows, track)
            return other is not None and other.id != song.id

        hits = search_tracks(self._index, self._song_query(song), count, accepts=is_playable)
        scored = [(self._song_among(hit.rows, hit.track), hit.track.score or 0.0) for hit in hits]
        return [(other, score) for other, score in scored if other is not None]

    def way(self, start: PlayerSong, end: PlayerSong, count: int) -> list[PlayerSong]:
        """Return songs from `start` to `end`, both among them, at most `count` and at least two.

        They are those that join the steps from one artist to the other.
        """
        between: list[PlayerSong] = []
        if start.row != end.row:
            names = (self._artist_of(song.row).name for song in (start, end))
            for step in find_path(self._index, *names):
                if step.joined_by:
                    for name, track in (
                        (step.artist, step.joined_by.leaving),
                        (step.next, step.joined_by.entering),
                    ):
                        between += self._songs_of(self._index.row(name), [track])
        songs = {song.id: song for song in between if song.id not in (start.id, end.id)}
        return [start, *_thinned(list(songs.values()), count - 2), end]

    def similarities(self, songs: Sequence[PlayerSong]) -> list[float]:
        """Return the cosine of each song with the first."""
        first = self._unit(songs[0])
        return [
            1.0 if song.id == songs[0].id else float(self._unit(song) @ first) for song in songs
        ]

    # --- in the terms of the index --------------------------------------------------------------

    def _query(self, row: int) -> ResolvedQuery:
        (vector,) = self._index.vectors_of([row])
        return ResolvedQuery(vector.astype("f8"), rows=(row,))

    def _song_query(self, song: PlayerSong) -> ResolvedQuery:
        track = self._track_of(song)
        recording = None if track is None else track.recording
        recordings = frozenset[int]() if recording is None else frozenset([recording])
        return ResolvedQuery(self._unit(song).astype("f8"), recordings=recordings)

    def _track_of(self, song: PlayerSong) -> UsedTrack | None:
        for track in self._index.tracks_of_row(song.row):
            if self._song_id(song.row, track.title, track.album) == song.id:
                return track
        return None

    def _unit(self, song: PlayerSong) -> Any:
        """The unit vector of a song's track, or of its artist where there is none."""
        track = self._track_of(song)
        if track is not None and track.vector is not None:
            return self._index.transform.apply(track.vector[None, :])[0]
        return self._index.vectors_of([song.row])[0]

    def _artist_of(self, row: int) -> PlayerArtist:
        (entry,) = self._index.entries_of([row])
        id_ = (
            _encoded(_ARTIST, entry.artist.name) if self._ids is None else self._ids.artist_id(row)
        )
        return PlayerArtist(row, entry.artist.name, id_, entry.artist.ids.get("musicbrainz"))

    def _songs_of(self, row: int, tracks: Iterable[EntryTrack]) -> Iterable[PlayerSong]:
        for track in tracks:
            song = self._song_among((row,), track)
            if song is not None:
                yield song

    def _song_among(self, rows: Iterable[int], track: AnyTrack) -> PlayerSong | None:
        """The song that a track of one of the artists in `rows` is; None where nobody has it."""
        for row in rows:
            id_ = self._song_id(row, track.title, track.album)
            if id_ is not None:
                return self._song(row, id_, track.title, track.album, track.ids.get("musicbrainz"))
        return None

    def _song_id(self, row: int, title: str, album: str | None) -> str | None:
        if self._ids is not None:
            return self._ids.song_id(row, title, album)
        (entry,) = self._index.entries_of([row])
        return _encoded(_TRACK, entry.artist.name, title, album)

    def _song(
        self,
        row: int,
        id_: str,
        title: str,
        album: str | None,
        mbid: str | None,
    ) -> PlayerSong:
        artist = self._artist_of(row)
        return PlayerSong(id_, title, album, mbid, row, artist.name, artist.id or "")


def _thinned(songs: list[PlayerSong], count: int) -> list[PlayerSong]:
    """Return `count` of the songs, evenly spaced; all where there are no more."""
    if len(songs) <= count:
        return songs
    return [songs[(2 * at + 1) * len(songs) // (2 * count)] for at in range(count)]


def _encoded(kind: str, *values: str | None) -> str:
    text = json.dumps(values, separators=(",", ":"))
    return kind + base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _decoded(kind: str, id_: str) -> list[Any]:
    """Return the values in an id of our own; none where it is no such id."""
    try:
        encoded = id_.removeprefix(kind) if id_.startswith(kind) else ""
        values = json.loads(base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)))
    except (ValueError, RecursionError):
        return []
    return values if isinstance(values, list) else []


def _unknown(id_: str) -> UnknownTrack:
    return UnknownTrack(f"there is no song {naming.quoted(id_)} here")
