"""A folder of music: artists and titles from tags, else from paths."""

import os
import re
import stat
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any, TypeVar

from artistindex import names
from artistindex.errors import ArtistIndexError, Misuse
from artistindex.records import Artist, Failure, Track

_KINDS = "aac aif aiff alac ape flac m4a m4b mka mp2 mp3 mp4 mpc oga ogg opus tta wav webm wma wv"
SUFFIXES = frozenset(f".{kind}" for kind in _KINDS.split())
Known = Callable[[Path, int, int], Track | None]
_VARIOUS = frozenset(names.fold(name) for name in ("Various Artists", "Various", "VA", "V.A."))
_NUMBER = re.compile(r"^\d{1,3}(?:\s*[-._)]\s*|\s+)(?=\S)")
_MUSICBRAINZ = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class AudioFile:
    """A file with an artist: its track, its size in bytes and when it was last changed."""

    track: Track
    size: int
    mtime_ns: int


@dataclass(frozen=True, slots=True)
class Tags:
    """What a file's tags say; every field may hold several values, or none."""

    artists: tuple[str, ...] = ()
    album_artists: tuple[str, ...] = ()
    titles: tuple[str, ...] = ()
    albums: tuple[str, ...] = ()
    musicbrainz_ids: tuple[str, ...] = ()


def scan(
    folder: Path, *, known: Known = lambda path, size, mtime_ns: None
) -> Iterator[AudioFile | Failure]:
    """Every audio file below `folder`, in the order of their paths.

    `known(path, size, mtime_ns)` gives the track of a file that was read before and has not changed
    since; it is not read again. A file without any artist, and a folder that cannot be read, come
    out as failures of stage "catalogue". Hidden files are passed over, links to folders followed
    once. Raises Misuse unless `folder` is a folder, and ArtistIndexError where it holds no audio.
    """
    if not folder.is_dir():
        wrong = "is not a folder" if folder.exists() else "does not exist"
        raise Misuse(f"{folder} {wrong}: --audio takes a folder of music")
    root = folder.resolve()
    empty = True
    for found in _walk(root):
        if isinstance(found, Failure):
            yield found
            continue
        empty = False
        yield _audio_file(found, root, known)
    if empty:
        kinds = ", ".join(_KINDS.split())
        raise ArtistIndexError(f"{folder} holds no music: looked for {kinds} files")


def spread_over_albums(items: Sequence[_T], track: Callable[[_T], Track]) -> list[_T]:
    """`items` in the order in which they stand for an artist: one of each album in turn.

    Albums and the files within each go by their paths, so that the order never depends on how they
    were found.
    """
    albums: dict[tuple[str, str], list[_T]] = {}
    for item in sorted(items, key=lambda item: os.fspath(track(item).path or "")):
        its = track(item)
        place = os.fspath(its.path.parent) if its.path else ""
        albums.setdefault((names.fold(its.album or ""), "" if its.album else place), []).append(
            item
        )
    turns = zip_longest(*(albums[key] for key in sorted(albums)))
    return [item for turn in turns for item in turn if item is not None]


def _walk(root: Path) -> Iterator[Path | Failure]:
    seen: set[tuple[int, int]] = set()
    unreadable: list[OSError] = []
    for place, folders, files in os.walk(root, followlinks=True, onerror=unreadable.append):
        held = os.stat(place)
        if (held.st_dev, held.st_ino) in seen:  # a link that leads back: a loop, or seen already
            folders.clear()
            continue
        seen.add((held.st_dev, held.st_ino))
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            if not name.startswith(".") and Path(name).suffix.lower() in SUFFIXES:
                yield Path(place) / name
    for error in unreadable:
        reason = f"the folder cannot be read: {error.strerror}"
        yield Failure(_shown(error.filename), "catalogue", reason, retryable=True)


def _audio_file(path: Path, root: Path, known: Known) -> AudioFile | Failure:
    try:
        held = path.stat()
    except OSError as error:
        return Failure(_shown(path), "catalogue", f"cannot be read: {error.strerror}", True)
    if not stat.S_ISREG(held.st_mode):
        return Failure(_shown(path), "catalogue", "is no regular file")
    track = known(path, held.st_size, held.st_mtime_ns) or _read(path, root)
    if not track.artists:
        return Failure(
            _shown(path),
            "catalogue",
            "no artist: neither a tag nor a path such as Artist/Album/Title or Artist - Title",
        )
    return AudioFile(track, held.st_size, held.st_mtime_ns)


def _read(path: Path, root: Path) -> Track:
    tags = read_tags(path)
    named = from_path(path.relative_to(root))
    artists = _artists(tags) or named.artists
    title = _first(tags.titles) or named.title
    return Track(artists, title, album=_first(tags.albums) or named.album, path=path)


def _artists(tags: Tags) -> tuple[Artist, ...]:
    """`artist` counts, `albumartist` only where it is missing; an id belongs to the same place."""
    spelled = [name for name in map(names.tidy, tags.artists) if name]
    ids: Sequence[str | None] = tags.musicbrainz_ids
    if not spelled:
        spelled, ids = [name for name in map(names.tidy, tags.album_artists) if name], ()
    if len(ids) != len(spelled) or not all(id_ and _MUSICBRAINZ.fullmatch(id_) for id_ in ids):
        ids = [None] * len(spelled)
    found = zip(spelled, ids, strict=True)
    return tuple(dict.fromkeys(Artist(name, musicbrainz_id=id_) for name, id_ in found))


def from_path(path: Path) -> Track:
    """What a path says, relative to the folder of music.

    It is read as "Artist/Album/Title" or "Artist - Title", track numbers before the title dropped.
    `artists` is empty where the path names none.
    """
    stem = _NUMBER.sub("", names.tidy(_shown(path.stem))) or path.stem
    before, dash, after = stem.partition(" - ")
    folders = [names.tidy(_shown(part)) for part in path.parts[:-1]]
    if len(folders) >= 2 and names.fold(folders[-2]) not in _VARIOUS:
        artist, album = folders[-2], folders[-1]
        title = after if dash and names.same(before, artist) else stem
        return Track((Artist(artist),), _NUMBER.sub("", title) or title, album=album)
    parent = folders[-1] if folders else None
    if dash and before.strip() and after.strip():
        return Track((Artist(before.strip()),), _NUMBER.sub("", after).strip(), album=parent)
    return Track((), stem, album=parent)


def read_tags(path: Path) -> Tags:
    """The tags of a file: mutagen's, else those that FFmpeg finds; none where they are damaged."""
    found = _from_mutagen(path)
    return found if found.artists or found.album_artists else _from_container(path, found)


_FIELDS = ("artists", "album_artists", "titles", "albums", "musicbrainz_ids")
_KEYS = {  # for each way of tagging, the keys of the fields
    "vorbis": ("artist", "albumartist", "title", "album", "musicbrainz_artistid"),
    "id3": ("TPE1", "TPE2", "TIT2", "TALB", "TXXX:MusicBrainz Artist Id"),
    "mp4": (
        "\xa9ART",
        "aART",
        "\xa9nam",
        "\xa9alb",
        "----:com.apple.iTunes:MusicBrainz Artist Id",
    ),
    "ape": ("Artist", "Album Artist", "Title", "Album", "MUSICBRAINZ_ARTISTID"),
    "asf": ("Author", "WM/AlbumArtist", "Title", "WM/AlbumTitle", "MusicBrainz/Artist Id"),
}


def _from_mutagen(path: Path) -> Tags:
    import mutagen

    try:
        with path.open("rb") as file:
            opened = mutagen.File(file)
    except (mutagen.MutagenError, OSError, ValueError, KeyError, IndexError, EOFError):
        return Tags()  # damaged tags say nothing; whether the audio is sound is seen later
    tags = getattr(opened, "tags", None)
    if tags is None:
        return Tags()
    keys = _KEYS[_way_of_tagging(tags)]
    values = {field: _values(tags, key) for field, key in zip(_FIELDS, keys, strict=True)}
    return Tags(**values)


def _way_of_tagging(tags: Any) -> str:
    from mutagen.apev2 import APEv2
    from mutagen.asf import ASFTags
    from mutagen.id3 import ID3
    from mutagen.mp4 import MP4Tags

    for kind, name in ((ID3, "id3"), (MP4Tags, "mp4"), (APEv2, "ape"), (ASFTags, "asf")):
        if isinstance(tags, kind):
            return name
    return "vorbis"


def _values(tags: Any, key: str) -> tuple[str, ...]:
    try:
        held = tags[key]
    except (KeyError, ValueError):
        return ()
    several = getattr(held, "text", held)
    listed = several if isinstance(several, list) else [several]
    return tuple(_text(value) for value in listed)


def _text(value: object) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _from_container(path: Path, found: Tags) -> Tags:
    import av

    try:
        with av.open(str(path), metadata_errors="replace") as container:
            streams = [stream.metadata for stream in container.streams.audio]
            held = {
                k.lower(): v for each in (*streams, container.metadata) for k, v in each.items()
            }
    except (av.FFmpegError, OSError, ValueError):
        return found
    return Tags(
        *(
            getattr(found, field) or ((held[key],) if held.get(key) else ())
            for field, key in zip(
                _FIELDS, ("artist", "album_artist", "title", "album", ""), strict=True
            )
        )
    )


def _first(values: Sequence[str]) -> str | None:
    return next((tidied for tidied in map(names.tidy, values) if tidied), None)


def _shown(path: str | Path) -> str:
    return os.fsencode(os.fspath(path)).decode("utf-8", "backslashreplace")
