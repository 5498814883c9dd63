"""Files that lie elsewhere, named by URL: s3://bucket/music, http://host/music/ (fsspec).

A URL is kept as a path, as pathlib makes one of it (`s3:/bucket/music/song.flac`), so that whatever
sorts, joins and stores paths need not know of it. Only who opens a file asks `local_copy` for it.
"""

import calendar
import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from artistindex._util.extras import load_extra
from artistindex.errors import ArtistIndexError, Misuse

_AS_PATH = re.compile(r"([a-z][a-z0-9+.-]+):/([^/].*)", re.DOTALL)
_TIMES = ("mtime", "LastModified", "last_modified", "updated", "created")


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file elsewhere: its URL as a path, its size in bytes and when it was last changed."""

    path: Path
    size: int
    mtime_ns: int


def url_of(path: str | os.PathLike[str]) -> str | None:
    """Return the URL that a path stands for; None for a path of this machine."""
    match = _AS_PATH.fullmatch(os.fspath(path))
    if match is None:
        return None
    scheme, rest = match.groups()
    return f"{scheme}:///{rest}" if scheme == "file" else f"{scheme}://{rest}"


def list_files(folder: Path) -> list[RemoteFile]:
    """Return every file below the remote `folder`, by name.

    Raises Misuse for a scheme that nobody knows, MissingExtra, and ArtistIndexError where the
    place cannot be listed.
    """
    url = str(url_of(folder))
    filesystem, root = _open(url)
    try:
        entries = filesystem.find(root, detail=True)
    except Exception as error:  # every store has its own
        raise ArtistIndexError(f"{url} cannot be listed ({_reason(error)})") from error
    files = [
        RemoteFile(_place(folder, root, name), int(entry.get("size") or 0), _time(entry))
        for name, entry in entries.items()
    ]
    return sorted(files, key=lambda file: os.fspath(file.path))


@contextmanager
def local_copy(path: Path) -> Iterator[Path]:
    """Give a file of this machine with the content of `path`, which may stand for a URL.

    A copy is gone at the end. Raises OSError for whatever goes wrong on the way, and
    ArtistIndexError as `list_files` does.
    """
    url = url_of(path)
    if url is None:
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="artistindex-") as folder:
        copy = Path(folder) / f"audio{path.suffix}"
        _fetch(url, copy)
        yield copy


def _fetch(url: str, copy: Path) -> None:
    filesystem, name = _open(url)
    try:
        with filesystem.open(name, "rb") as source, copy.open("xb") as target:
            shutil.copyfileobj(source, target, 1 << 20)
    except OSError:
        raise
    except Exception as error:  # every store has its own
        raise OSError(_reason(error)) from error


def _open(url: str) -> tuple[Any, str]:
    """Return the file system of a URL, and what the place is called there."""
    fsspec = load_extra("fsspec", "cluster")
    try:
        filesystem, name = fsspec.core.url_to_fs(url)
    except ImportError as error:
        raise Misuse(f"{url} needs another package ({_reason(error)})") from error
    except ValueError as error:
        raise Misuse(f"{url} is no place that can be read ({_reason(error)})") from error
    return filesystem, name


def _place(folder: Path, root: str, name: str) -> Path:
    """Return the path that stands for the file called `name` below `root`, which is `folder`."""
    return folder / name.removeprefix(root.rstrip("/")).lstrip("/")


def _time(entry: Mapping[str, Any]) -> int:
    """Return when a file was changed, in nanoseconds; without a time, a number of its version."""
    for key in _TIMES:
        value = entry.get(key)
        if isinstance(value, int | float):
            return int(value * 1_000_000_000)
        if isinstance(value, datetime):
            return calendar.timegm(value.utctimetuple()) * 1_000_000_000
    version = str(entry.get("ETag") or entry.get("etag") or "")
    return int.from_bytes(hashlib.sha256(version.encode()).digest()[:7], "big")


def _reason(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())
