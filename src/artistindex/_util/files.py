"""Writing files: never half, and never through a link that somebody put in the way.

A crash or a full disk leaves the old file or the new one. A folder that was given to us may hold
links made by a stranger: a link in the place of a file is replaced, or refused where the file must
be opened as it is; a link in the place of a folder is refused. The folder that a person named is
the person's own choice and may itself be a link.
"""

import errno
import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from filelock import BaseFileLock


def atomic_write(path: Path, content: bytes) -> None:
    """Replace `path` by `content`, as `atomic_writer` does."""
    with atomic_writer(path) as file:
        file.write(content)


@contextmanager
def atomic_writer(path: Path) -> Iterator[BinaryIO]:
    """Open a file that takes the place of `path` at the end, as `atomic_path` does."""
    with atomic_path(path) as part, part.open("wb") as file:
        yield file


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Name a new file that takes the place of `path` at the end: flushed to the disk, then renamed.

    For what writes by name; the name is one that nobody could foresee. Raises OSError. Whatever is
    raised on the way, the temporary file beside `path` is gone then and what was at `path` is
    untouched.
    """
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
    try:
        yield Path(name)
        replace_file(Path(name), path)
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(name)
        raise
    finally:
        os.close(handle)


def replace_file(part: Path, path: Path) -> None:
    """Flush `part`, a file beside `path`, to the disk, then let it take the place of `path`.

    Raises OSError, also where `part` is a link, and leaves what was at `path`.
    """
    with open(part, "rb+", opener=no_follow) as file:
        os.fsync(file.fileno())
        os.chmod(part, 0o666 & ~_umask())
    part.replace(path)
    _flush_folder(path.parent)


def no_follow(path: str, flags: int) -> int:
    """Open a file for `open(path, mode, opener=no_follow)`, which raises OSError for a link."""
    return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0), 0o666)


def refuse_link(path: Path) -> None:
    """Raise OSError where `path` itself is a link: for what can only be opened by its name."""
    if path.is_symlink():
        reason = f"{path.name} is a link, and nothing is written through links"
        raise OSError(errno.ELOOP, reason, str(path))


def make_folder(path: Path, *, within: Path | None = None) -> None:
    """Make a folder of ours inside the folder `within` that was given (by default its parent).

    Raises OSError, also where it or a folder between the two is a link.
    """
    for place in (path, *path.parents):
        if place == (within or path.parent):
            break
        refuse_link(place)
    path.mkdir(parents=True, exist_ok=True)


def file_lock(path: Path) -> "BaseFileLock":
    """Return the lock between processes that the file `path` stands for.

    Raises OSError where it is a link.
    """
    from filelock import FileLock

    refuse_link(path)
    return FileLock(path)


def sha256_file(path: Path) -> str:
    """Return the SHA-256 of a file's content, as 64 hexadecimal digits. Raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _umask() -> int:
    mask = os.umask(0o022)
    os.umask(mask)
    return mask


def _flush_folder(folder: Path) -> None:
    if os.name != "posix":  # elsewhere a folder cannot be opened to be flushed
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
