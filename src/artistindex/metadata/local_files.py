"""A folder of music: every audio file with its artists, from tags, else from paths."""

import errno
import os
import stat
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import zip_longest
from pathlib import Path
from typing import TypeVar

from artistindex import naming
from artistindex._util.remote_files import list_files, url_of
from artistindex.entities import Failure, Track
from artistindex.errors import ArtistIndexError, Misuse, TrackError
from artistindex.metadata.attribution import Decision, TaggedFile, decide_artists
from artistindex.metadata.filename import readable
from artistindex.metadata.tag_reader import ReadsTags, TagReader

_KINDS = (
    "3g2 3gp aac ac3 adts aif aifc aiff ape asf au caf dff dsf dts eac3 flac flv m4a m4b m4p"
    " m4r m4v mk3d mka mkv mlp mov mp1 mp2 mp3 mp4 mpa mpc mpga oga ogg ogx oma opus rm snd"
    " spx tak thd ts tta voc w64 wav wave weba webm wma wv"
)
SUFFIXES = frozenset(f".{kind}" for kind in _KINDS.split())
# Of music too, but notes, instruments, locked or without a decoder.
_UNREAD_KINDS = (
    "669 aa aax aaxc amf it kar mid midi mod mo3 mptm mtm nsf ofr ofs psf ra s3m shn sid spc stm"
    " vgm vgz xm"
)
_UNREAD = frozenset(f".{kind}" for kind in _UNREAD_KINDS.split())
_NO_ARTIST = "no artist: neither a tag nor a path such as Artist/Album/Title or Artist - Title"

Known = Callable[[Path, int, int], Track | None]
_Item = TypeVar("_Item")


@dataclass(frozen=True, slots=True)
class AudioFile:
    """A file with an artist: its track, its size in bytes and when it was last changed."""

    track: Track
    size: int
    mtime_ns: int


@dataclass(slots=True)
class FolderScan:
    """The audio files of a folder in the order of their names, before anything is decided.

    `failures` are the files and folders that could not be read, of stage "catalogue"; `unread`
    counts files of music that no decoder here opens, by suffix.
    """

    root: Path
    files: list[TaggedFile] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    unread: Counter[str] = field(default_factory=Counter)


def scan(
    folder: Path,
    *,
    known: Known = lambda path, size, mtime_ns: None,
    artists: Iterable[str] = (),
    reader: ReadsTags | None = None,
) -> Iterator[AudioFile | Failure]:
    """Every audio file below `folder` with its artists: `scan_folder`, then `decide_artists`.

    A file without any artist, and what cannot be read, come out as failures of stage "catalogue".
    `artists` are names that are artists by themselves. Raises what `scan_folder` raises.
    """
    scanned = scan_folder(folder, known=known, reader=reader)
    for decision in decide_artists(scanned.files, artists):
        yield audio_file(decision)
    yield from scanned.failures


def scan_folder(
    folder: Path,
    *,
    known: Known = lambda path, size, mtime_ns: None,
    reader: ReadsTags | None = None,
    progress: Callable[[int], None] = lambda count: None,
) -> FolderScan:
    """Read the tags of every audio file below `folder`, folder by folder.

    `known(path, size, mtime_ns)` gives the track of a file that was read before and has not changed
    since; such a file is not opened unless its artist was guessed. What is hidden is passed over,
    links are followed but no folder is entered twice. Paths are absolute. `reader` reads the tags;
    by default a process of its own does. `progress` hears how many files are done.

    `folder` may lie elsewhere (_util/remote_files.py). Raises Misuse unless it is a folder, and
    ArtistIndexError where it holds no audio file.
    """
    root = _demand_folder(folder)
    scanned = FolderScan(root)
    for file in _files(root, scanned, known):
        if isinstance(file, Failure):
            scanned.failures.append(file)
        else:
            scanned.files.append(file)
    if not scanned.files and not scanned.failures:
        raise _no_audio(folder)
    if reader is not None:
        _read_tags(scanned, reader, progress)
    else:
        with TagReader() as process:
            _read_tags(scanned, process, progress)
    return scanned


def demand_audio(folder: Path) -> None:
    """Raise what `scan_folder` would raise of `folder`, without reading any file.

    Of a folder elsewhere nothing is asked twice.
    """
    root = _demand_folder(folder)
    if url_of(root) is not None:
        return
    if next(_walk(root, FolderScan(root)), None) is None:
        raise _no_audio(folder)


def audio_file(decision: Decision) -> AudioFile | Failure:
    """Return a file with the artists that were decided on, or why it has none."""
    file = decision.file
    if decision.artists:
        return AudioFile(decision.track, file.size, file.mtime_ns)
    return _failure(file.path, f"{_NO_ARTIST} ({decision.note})" if decision.note else _NO_ARTIST)


def spread_over_albums(items: Sequence[_Item], track: Callable[[_Item], Track]) -> list[_Item]:
    """`items` in the order in which they stand for an artist: one of each album in turn.

    `track` gives an item's track. Albums go by their names (without one, by their folders) and the
    files of an album by their paths, so that the order never depends on how they were scanned.
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


def _demand_folder(folder: Path) -> Path:
    if url_of(folder) is not None:
        return folder
    if not folder.is_dir():
        wrong = "is not a folder" if folder.exists() else "does not exist"
        raise Misuse(f"{readable(folder)} {wrong}; expected a folder of music")
    return folder.resolve()


def _no_audio(folder: Path) -> ArtistIndexError:
    return ArtistIndexError(
        f"{readable(folder)} holds no audio file; looked for {', '.join(_KINDS.split())}"
    )


def _files(root: Path, scanned: FolderScan, known: Known) -> Iterator[TaggedFile | Failure]:
    """Yield the audio files below `root`, as they are before their tags are read."""
    if url_of(root) is None:
        yield from (_file(path, root, known) for path in _walk(root, scanned))
        return
    for file in list_files(root):
        hidden = any(part.startswith(".") for part in file.path.relative_to(root).parts)
        suffix = file.path.suffix.lower()
        if suffix in SUFFIXES and not hidden:
            yield _tagged(file.path, root, file.size, file.mtime_ns, known)
        elif suffix in _UNREAD and not hidden:
            scanned.unread[suffix] += 1


def _walk(root: Path, scanned: FolderScan) -> Iterator[Path]:
    """Yield the audio files; what cannot be entered or decoded is taken down in `scanned`."""
    entered: set[tuple[int, int]] = set()
    unreadable: list[OSError] = []
    for place, folders, files in os.walk(root, followlinks=True, onerror=unreadable.append):
        if not _enter(place, entered, unreadable):
            folders.clear()
            continue
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            suffix = os.path.splitext(name)[1].lower()
            if name.startswith("."):
                continue
            if suffix in SUFFIXES:
                yield Path(place, name)
            elif suffix in _UNREAD:
                scanned.unread[suffix] += 1
    for error in unreadable:
        reason = f"the folder cannot be read: {error.strerror}"
        scanned.failures.append(
            Failure(readable(error.filename), "catalogue", reason, retryable=True)
        )


def _enter(place: str, entered: set[tuple[int, int]], unreadable: list[OSError]) -> bool:
    """Whether a folder is met for the first time: a link may lead back to it."""
    try:
        status = os.stat(place)
    except OSError as error:
        unreadable.append(error)
        return False
    met = (status.st_dev, status.st_ino) in entered
    entered.add((status.st_dev, status.st_ino))
    return not met


def _file(path: Path, root: Path, known: Known) -> TaggedFile | Failure:
    try:
        status = path.stat()
    except OSError as error:
        return _failure(path, f"cannot be read: {error.strerror}", retryable=True)
    if not stat.S_ISREG(status.st_mode):
        return _failure(path, "not a regular file")
    if not os.access(path, os.R_OK):
        return _failure(path, f"cannot be read: {os.strerror(errno.EACCES)}", retryable=True)
    return _tagged(path, root, status.st_size, status.st_mtime_ns, known)


def _tagged(path: Path, root: Path, size: int, mtime_ns: int, known: Known) -> TaggedFile:
    earlier = known(path, size, mtime_ns)
    if earlier is not None and earlier.guessed:
        earlier = None  # what is guessed depends on all the files that are here now
    return TaggedFile(path, path.relative_to(root), size, mtime_ns, earlier=earlier)


def _read_tags(scanned: FolderScan, reader: ReadsTags, progress: Callable[[int], None]) -> None:
    """Give every file its tags; one whose tags cannot be read becomes a failure."""
    unread = [file.path for file in scanned.files if file.earlier is None]
    outcomes = reader.read(unread)
    files = []
    for count, file in enumerate(scanned.files, 1):
        progress(count)
        outcome = next(outcomes) if file.earlier is None else file.tags
        if isinstance(outcome, TrackError):
            scanned.failures.append(
                _failure(file.path, outcome.reason, retryable=outcome.retryable)
            )
        else:
            files.append(replace(file, tags=outcome))
    scanned.files = files


def _failure(path: Path, reason: str, *, retryable: bool = False) -> Failure:
    return Failure(readable(path), "catalogue", reason, retryable=retryable)
