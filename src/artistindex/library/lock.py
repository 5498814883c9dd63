"""One writer at a time for a library and its indexes."""

import logging
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from artistindex._util import files
from artistindex.errors import BrokenLibrary, Busy

_log = logging.getLogger(__name__)


@contextmanager
def writer_lock(folder: Path, *, wait: bool = False) -> Iterator[None]:
    """Hold `folder`, a library and its indexes, for writing; the lock goes with the process.

    Where another process holds it, that is an error, Busy, which names the owner (process, host,
    since when); with `wait` it is logged as a warning, and the call waits.
    """
    from filelock import Timeout

    owner = folder / ".writer"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = files.file_lock(folder / ".lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            line = f"{folder} is being written by {_read_owner(owner)}"
            if not wait:
                raise Busy(f"{line}: wait for it to end, then run this again") from None
            _log.warning("%s", line)
            lock.acquire()
    except OSError as error:
        raise BrokenLibrary(f"cannot write to {folder}: {error.strerror or error}") from error
    try:
        with _telling_owner(owner):
            yield
    finally:
        lock.release()


@contextmanager
def _telling_owner(owner: Path) -> Iterator[None]:
    command = Path(sys.argv[0]).name or "python"
    since = datetime.now(UTC).isoformat(timespec="seconds")
    try:
        owner.unlink(missing_ok=True)  # of a process that was killed, or a link in the way
        with owner.open("x", encoding="utf-8") as file:
            file.write(
                f"{command} (process {os.getpid()} on {socket.gethostname()}, since {since})"
            )
    except OSError as error:
        raise BrokenLibrary(f"cannot write {owner}: {error.strerror or error}") from error
    try:
        yield
    finally:
        owner.unlink(missing_ok=True)


def _read_owner(owner: Path) -> str:
    try:
        with open(owner, encoding="utf-8", errors="replace", opener=files.no_follow) as file:
            return file.read(200).strip() or "another process"
    except OSError:
        return "another process"
