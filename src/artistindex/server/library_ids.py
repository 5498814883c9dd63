"""The ids by which a player's library knows songs and artists, out of a file that it exported.

The file is CSV with a header or JSON, one song a row: `id` and `title` and `artist`, and as far as
they are known `path`, `album`, `mbid` (of the recording), `artist_id` and `artist_mbid`. What
Jellyfin answers at /Items is understood, too. A song of the index is the library's by its path, by
its recording's MBID, or by artist and title; an artist by MBID or by name.
"""

import csv
import io
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

from artistindex import naming
from artistindex.errors import Misuse
from artistindex.index.reader import ArtistIndex
from artistindex.index.sidecar import Entry, UsedTrack
from artistindex.listeners.user_files import parse_json, read_text

_UNDERSTOOD = (
    "expected CSV whose first line has the columns id, title and artist, or a JSON list of objects"
    " with these keys"
)
_MIN_SHARED = 2  # of a path's last parts, the file's name among them, for it to be the same file


@dataclass(frozen=True, slots=True)
class Song:
    """A song of a library; what it does not say is empty."""

    id: str
    title: str
    artist: str
    album: str = ""
    path: str = ""
    mbid: str = ""
    artist_id: str = ""
    artist_mbid: str = ""


def read_songs(path: Path) -> list[Song]:
    """Return the songs in a file; raises Misuse, in one line, where it is not understood."""
    text = read_text(path)
    rows = _from_json(text, path) if text.lstrip()[:1] in ("[", "{") else _from_csv(text, path)
    songs = [_song(row) for row in rows]
    usable = [song for song in songs if song.id and song.title and song.artist]
    if not usable:
        raise Misuse(f"{path}: no song with an id, a title and an artist in it; {_UNDERSTOOD}")
    return usable


_KEYS = frozenset(field.name for field in fields(Song))


def _song(row: Mapping[str, Any]) -> Song:
    texts = {key: str(row.get(key) or "").strip() for key in _KEYS}
    return Song(**texts)


def _from_csv(text: str, source: Path) -> Iterator[Mapping[str, Any]]:
    rows = csv.DictReader(io.StringIO(text))
    heading = [name.strip().lower() for name in rows.fieldnames or ()]
    if not {"id", "title", "artist"} <= set(heading):
        raise Misuse(f"{source}: {_UNDERSTOOD}")
    rows.fieldnames = heading
    try:
        yield from rows
    except csv.Error as error:
        raise Misuse(f"{source}: not CSV: {error} in line {rows.line_num}") from None


def _from_json(text: str, source: Path) -> Iterator[Mapping[str, Any]]:
    content = parse_json(text, source)
    is_jellyfin = isinstance(content, dict) and isinstance(content.get("Items"), list)
    items = content["Items"] if is_jellyfin else content
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise Misuse(f"{source}: {_UNDERSTOOD}")
    return map(_from_jellyfin, items) if is_jellyfin else iter(items)


def _from_jellyfin(item: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a song of Jellyfin's /Items (fields Path and ProviderIds)."""
    artists = item.get("ArtistItems") or item.get("AlbumArtists") or ()
    first = artists[0] if isinstance(artists, list) and artists else {}
    ids = item.get("ProviderIds") or {}
    return {
        "id": item.get("Id"),
        "title": item.get("Name"),
        "artist": first.get("Name") or item.get("AlbumArtist"),
        "album": item.get("Album"),
        "path": item.get("Path"),
        "mbid": ids.get("MusicBrainzRecording"),
        "artist_id": first.get("Id"),
        "artist_mbid": ids.get("MusicBrainzArtist"),
    }


# --- the library and the index ------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class KnownSong:
    """A song by the id that players know, and the row of its artist."""

    id: str
    row: int
    title: str
    album: str | None
    mbid: str | None


class PlayerIds:
    """Songs and artists of an index by the ids of a library, and the other way round.

    `songs` are those whose artist the index has, by id; `artists` rows by the artist's id.
    """

    def __init__(self, index: ArtistIndex, songs: Sequence[Song]) -> None:
        rows = _ArtistRows(index.entries)
        by_row: dict[int, list[Song]] = defaultdict(list)
        self.artists: dict[str, int] = {}
        for song in songs:
            row = rows.of(song)
            if row is not None:
                by_row[row].append(song)
                if song.artist_id:
                    self.artists.setdefault(song.artist_id, row)
        self.songs: dict[str, KnownSong] = {}
        self._ids: dict[tuple[int, str, str | None], str] = {}
        for row, own in by_row.items():
            self._match(row, own, index.tracks_of_row(row))
        self._artist_ids = {row: id_ for id_, row in reversed(self.artists.items())}

    def song_id(self, row: int, title: str, album: str | None) -> str | None:
        """Return the id of a track of the artist in `row`; None where the library lacks it."""
        return self._ids.get((row, title, album))

    def artist_id(self, row: int) -> str | None:
        """Return the id of the artist in `row`; None where the library lacks it."""
        return self._artist_ids.get(row)

    @property
    def rows(self) -> frozenset[int]:
        """The rows of the artists that the library has."""
        return frozenset(self._artist_ids)

    def _match(self, row: int, songs: Sequence[Song], tracks: Sequence[UsedTrack]) -> None:
        """Note which of an artist's `songs` is which of the `tracks` behind the artist's row."""
        for track in tracks:
            song = _song_of(track, songs)
            if song is not None:
                self._ids[row, track.title, track.album] = song.id
        for song in songs:
            self.songs[song.id] = KnownSong(
                song.id, row, song.title, song.album or None, song.mbid or None
            )


class _ArtistRows:
    """Rows of an index by what a song says of its artist."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self._by_mbid: dict[str, int] = {}
        self._by_name: dict[str, list[int]] = defaultdict(list)
        for entry in entries:
            if mbid := entry.artist.ids.get("musicbrainz"):
                self._by_mbid[mbid] = entry.row
            self._by_name[naming.normalise(entry.artist.name)].append(entry.row)

    def of(self, song: Song) -> int | None:
        """Return the row of a song's artist; None for nobody, or for one of several namesakes."""
        row = self._by_mbid.get(song.artist_mbid)
        if row is not None:
            return row
        rows = self._by_name.get(naming.normalise(song.artist), [])
        return rows[0] if len(rows) == 1 else None


def _song_of(track: UsedTrack, songs: Sequence[Song]) -> Song | None:
    """Return the one of an artist's songs that is the track: by path, MBID, or title."""
    by_path = _by_path(track, songs)
    if by_path is not None:
        return by_path
    mbid = track.ids.get("musicbrainz")
    if mbid:
        for song in songs:
            if song.mbid == mbid:
                return song
    title, album = naming.normalise(track.title), naming.normalise(track.album or "")
    titled = [song for song in songs if naming.normalise(song.title) == title]
    titled.sort(key=lambda song: naming.normalise(song.album) != album)
    return titled[0] if titled else None


def _by_path(track: UsedTrack, songs: Sequence[Song]) -> Song | None:
    """Return the song whose path ends most like the track's, if no other ends as much like it.

    The library may have been on another disk: what is before the last folders does not count.
    """
    if track.path is None:
        return None
    own = _parts(str(track.path))
    shared = [(_shared(own, _parts(song.path)), song) for song in songs if song.path]
    most = max((count for count, _ in shared), default=0)
    closest = [song for count, song in shared if count == most]
    return closest[0] if most >= _MIN_SHARED and len(closest) == 1 else None


def _parts(path: str) -> tuple[str, ...]:
    kind = PureWindowsPath if "\\" in path and "/" not in path else PurePosixPath
    return tuple(naming.normalise(part) for part in reversed(kind(path).parts))


def _shared(parts: Sequence[str], others: Sequence[str]) -> int:
    """Return how many parts are the same, counted from the file's name."""
    count = 0
    for part, other in zip(parts, others, strict=False):
        if part != other:
            break
        count += 1
    return count
