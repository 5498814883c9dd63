"""A folder of music: every audio file with its artists, from tags, else from paths."""

import errno
import os
import re
import stat
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import TypeVar

from artistindex import naming
from artistindex.entities import Artist, Failure, Track
from artistindex.errors import ArtistIndexError, Misuse
from artistindex.metadata.filename import from_path, is_various_artists, readable
from artistindex.metadata.tags import Tags, read_tags

_KINDS = (
    "aac aif aiff ape au caf flac m4a m4b mka mp2 mp3 mp4 mpc oga ogg opus tta w64 wav webm wma wv"
)
SUFFIXES = frozenset(f".{kind}" for kind in _KINDS.split())

Known = Callable[[Path, int, int], Track | None]
_Item = TypeVar("_Item")
_MUSICBRAINZ_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True, slots=True)
class AudioFile:
    """A file with an artist: its track, its size in bytes and when it was last changed."""

    track: Track
    size: int
    mtime_ns: int


def scan(
    folder: Path, *, known: Known = lambda path, size, mtime_ns: None
) -> Iterator[AudioFile | Failure]:
    """Every audio file below `folder`, folder by folder in the order of their names.

    `known(path, size, mtime_ns)` gives the track of a file that was read before and has not changed
    since; such a file is not opened. A file without any artist, and a folder that cannot be read,
    come out as failures of stage "catalogue". What is hidden is passed over, links are followed
    but no folder is entered twice. Paths are absolute.

    Raises Misuse unless `folder` is a folder, and ArtistIndexError where it holds no audio file.
    """
    if not folder.is_dir():
        wrong = "is not a folder" if folder.exists() else "does not exist"
        raise Misuse(f"{readable(folder)} {wrong}; expected a folder of music")
    root = folder.resolve()
    empty = True
    for found in _walk(root):
        if isinstance(found, Failure):
            yield found
            continue
        empty = False
        yield _audio_file(found, root, known)
    if empty:
        raise ArtistIndexError(
            f"{readable(folder)} holds no audio file; looked for {', '.join(_KINDS.split())}"
        )


def spread_over_albums(items: Sequence[_Item], track: Callable[[_Item], Track]) -> list[_Item]:
    """`items` in the order in which they stand for an artist: one of each album in turn.

    `track` gives an item's track. Albums go by their names (without one, by their folders) and the
    files of an album by their paths, so that the order never depends on how they were found.
    """
    albums: dict[tuple[str, str], list[_Item]] = {}
    for item in sorted(items, key=lambda item: _path(track(item))):
        its = track(item)
        album = naming.normalise(its.album) if its.album else ""
        albums.setdefault((album, "" if album else os.path.dirname(_path(its))), []).append(item)
    turns = zip_longest(*(albums[key] for key in sorted(albums)))
    return [item for turn in turns for item in turn if item is not None]


def _path(track: Track) -> str:
    return os.fspath(track.path or "")


def _walk(root: Path) -> Iterator[Path | Failure]:
    entered: set[tuple[int, int]] = set()
    unreadable: list[OSError] = []
    for place, folders, files in os.walk(root, followlinks=True, onerror=unreadable.append):
        if not _enter(place, entered, unreadable):
            folders.clear()
            continue
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            if not name.startswith(".") and os.path.splitext(name)[1].lower() in SUFFIXES:
                yield Path(place, name)
    for error in unreadable:
        reason = f"the folder cannot be read: {error.strerror}"
        yield Failure(readable(error.filename), "catalogue", reason, retryable=True)


def _enter(place: str, entered: set[tuple[int, int]], unreadable: list[OSError]) -> bool:
    """Whether a folder is met for the first time: a link may lead back to it."""
    try:
        held = os.stat(place)
    except OSError as error:
        unreadable.append(error)
        return False
    met = (held.st_dev, held.st_ino) in entered
    entered.add((held.st_dev, held.st_ino))
    return not met


def _audio_file(path: Path, root: Path, known: Known) -> AudioFile | Failure:
    try:
        held = path.stat()
    except OSError as error:
        return _failure(path, f"cannot be read: {error.strerror}", retryable=True)
    if not stat.S_ISREG(held.st_mode):
        return _failure(path, "not a regular file")
    if not os.access(path, os.R_OK):
        return _failure(path, f"cannot be read: {os.strerror(errno.EACCES)}", retryable=True)
    track = known(path, held.st_size, held.st_mtime_ns) or _read(path, root)
    if not track.artists:
        return _failure(
            path,
            "no artist: neither a tag nor a path such as Artist/Album/Title or Artist - Title",
        )
    return AudioFile(track, held.st_size, held.st_mtime_ns)


def _read(path: Path, root: Path) -> Track:
    tags = read_tags(path)
    named = from_path(path.relative_to(root))
    return Track(
        _artists(tags) or named.artists,
        next(iter(tags.titles), named.title),
        album=next(iter(tags.albums), named.album),
        path=path,
    )


def _artists(tags: Tags) -> tuple[Artist, ...]:
    """`artist` counts, `albumartist` only where it is missing; ids where there is one for each."""
    if not tags.artists:
        return tuple(
            Artist(name) for name in _distinct(tags.album_artists) if not is_various_artists(name)
        )
    ids: list[str | None] = [id_.lower() for id_ in tags.musicbrainz_ids]
    valid = all(id_ and _MUSICBRAINZ_ID.fullmatch(id_) for id_ in ids)
    if not valid or len(ids) != len(tags.artists):
        return tuple(map(Artist, _distinct(tags.artists)))
    pairs = zip(tags.artists, ids, strict=True)
    return tuple(
        dict.fromkeys(Artist(name, {"musicbrainz": id_} if id_ else {}) for name, id_ in pairs)
    )


def _distinct(spelled: Sequence[str]) -> list[str]:
    """The first spelling of each name."""
    found: dict[str, str] = {}
    for name in spelled:
        found.setdefault(naming.normalise(name), name)
    return list(found.values())


def _failure(path: Path, reason: str, *, retryable: bool = False) -> Failure:
    return Failure(readable(path), "catalogue", reason, retryable=retryable)
