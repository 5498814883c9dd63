"""The index that is served: always the newest of its folder, and closed when nobody reads it."""

import hashlib
import json
import logging
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from artistindex import __version__, naming
from artistindex.errors import ArtistIndexError
from artistindex.index.manifest import FILE_NAME, seal
from artistindex.index.reader import ArtistIndex

_SECONDS_TO_NEXT_TRY = 5.0  # after an index could not be opened

_logger = logging.getLogger(__name__)

Worked = TypeVar("Worked")

_Stamp = tuple[int, int, int]
"""What tells one manifest from another: its inode, size and time of change in nanoseconds."""


class OpenIndex:
    """An open index with what is worked out of it once; `version` names what it would answer."""

    def __init__(self, index: ArtistIndex, salt: str = "") -> None:
        self.index = index
        content = json.dumps([__version__, seal(index.manifest.to_json()), salt])
        self.version = hashlib.sha256(content.encode()).hexdigest()[:32]
        self.readers = 0
        self._worked_out: dict[str, Any] = {}
        self._locks: dict[str, threading.Lock] = {}

    def once(self, name: str, work: Callable[[], Worked]) -> Worked:
        """Return what `work` makes of the index, worked out by whoever asks for it first."""
        if name not in self._worked_out:
            with self._locks.setdefault(name, threading.Lock()):
                if name not in self._worked_out:
                    self._worked_out[name] = work()
        result: Worked = self._worked_out[name]
        return result

    @cached_property
    def folded_names(self) -> list[str]:
        """The names as they are looked up, in row order."""
        return [naming.normalise(name) for name in self.index.artists]


class LiveIndex:
    """Lends the index in `folder`, and opens it again once its manifest is another.

    Whoever was lent the old one reads on in it; it is closed with its last reader. While the new
    one is being opened, and where it cannot be, the old one answers. What is said in `salt` goes
    into the version of every answer. Safe to use from several threads.
    """

    def __init__(self, folder: Path, salt: str = "") -> None:
        self._folder, self._salt = folder, salt
        self._lock, self._opening = threading.Lock(), threading.Lock()
        self._next_try = 0.0
        self._stamp = _stamp(folder)
        self._current = OpenIndex(ArtistIndex.open(folder), salt)

    @contextmanager
    def lend(self) -> Iterator[OpenIndex]:
        """Lend the newest index for the length of the block."""
        self._renew()
        with self._lock:
            lent = self._current
            lent.readers += 1
        try:
            yield lent
        finally:
            with self._lock:
                lent.readers -= 1
                is_done = lent is not self._current and not lent.readers
            if is_done:
                lent.index.close()

    def close(self) -> None:
        """Close the index; nobody may read it any more."""
        self._current.index.close()

    def _renew(self) -> None:
        try:
            stamp = _stamp(self._folder)
        except OSError:  # it is being moved, or gone: what is open stays valid
            return
        if stamp == self._stamp or time.monotonic() < self._next_try:
            return
        if self._opening.acquire(blocking=False):
            try:
                self._replace(stamp)
            finally:
                self._opening.release()

    def _replace(self, stamp: _Stamp) -> None:
        try:
            newer = OpenIndex(ArtistIndex.open(self._folder), self._salt)
        except (ArtistIndexError, OSError) as error:
            self._next_try = time.monotonic() + _SECONDS_TO_NEXT_TRY
            _logger.warning("the index is not renewed, the one before goes on answering: %s", error)
            return
        with self._lock:
            older, self._current, self._stamp = self._current, newer, stamp
            is_done = not older.readers
        if is_done:
            older.index.close()
        _logger.info("serving the index made at %s", newer.index.manifest.created)


def _stamp(folder: Path) -> _Stamp:
    status = os.stat(folder / FILE_NAME)
    return status.st_ino, status.st_size, status.st_mtime_ns
