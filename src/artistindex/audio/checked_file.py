"""A file whose reading errors are never taken for its end."""

import errno
import os
import stat
from pathlib import Path
from types import TracebackType
from typing import Self

from artistindex.errors import TrackError

_STREAMINFO = 0  # a kind of block (RFC 9639, section 8.1)


class CheckedFile:
    """A regular file that decoders read, and the first error that the system gave them.

    Decoders take an error for the end of the file, FFmpeg's own reader included: a track on a
    mount that vanishes would become a shorter one. Leaving the context raises TrackError of stage
    "read" where an error occurred; such a track is to be tried again, whatever the error's number.
    So does opening the file, which raises one of stage "decode" for what is empty or not regular.
    """

    def __init__(self, path: Path) -> None:
        self.name = f"audio{path.suffix}"  # a hint for FFmpeg's guess at the format
        self._error: OSError | None = None
        try:
            self._size = _size_of(path)
            self._file = path.open("rb", buffering=0)
        except OSError as error:
            raise _unread(error) from error
        except ValueError as error:  # a NUL in the path
            raise TrackError("decode", f"cannot be read: {error}") from error
        self._place, self._start, self._cut = 0, b"", 0
        self._start, self._cut = _flac_start(self)
        self._place = 0

    def read(self, size: int = -1) -> bytes:
        """Read up to `size` bytes; nothing from the first error on."""
        if self._error is not None:
            return b""
        if self._place < len(self._start):
            end = len(self._start) if size < 0 else self._place + size
            content = self._start[self._place : end]
        else:
            content = self._read(size)
        self._place += len(content)
        return content

    def _read(self, size: int) -> bytes:
        try:
            self._file.seek(self._place - len(self._start) + self._cut)
            return self._file.read(size) or b""
        except OSError as error:
            self._error = error
            return b""

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to a place in the file; returns it."""
        base = (0, self._place, self._size - self._cut + len(self._start))[whence]
        if base + offset < 0:
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        self._place = base + offset
        return self._place

    def tell(self) -> int:
        """Return the place in the file."""
        return self._place

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()
        if self._error is not None and (kind is None or issubclass(kind, Exception)):
            raise _unread(self._error) from self._error


def _size_of(path: Path) -> int:
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        raise TrackError("decode", "not a regular file")
    if status.st_size == 0:
        raise TrackError("decode", "an empty file (0 bytes)")
    return status.st_size


def _flac_start(file: CheckedFile) -> tuple[bytes, int]:
    """What FFmpeg reads in place of the first bytes of a file, and how many these are.

    It refuses a FLAC file whose first block is not STREAMINFO, as some taggers leave it; such a
    file is read with that block alone before the sound.
    """
    if file.read(4) != b"fLaC":
        return b"", 0
    place, layout, last = 4, b"", 0
    while not last and len(head := file.read(4)) == 4:
        kind, last, size = head[0] & 0x7F, head[0] & 0x80, int.from_bytes(head[1:], "big")
        if kind == _STREAMINFO:
            if place == 4:
                return b"", 0
            layout = file.read(size)
        place += 4 + size
        file.seek(place)
    mended = b"fLaC" + bytes([0x80 | _STREAMINFO]) + len(layout).to_bytes(3, "big") + layout
    return (mended, place) if layout else (b"", 0)


def _unread(error: OSError) -> TrackError:
    return TrackError("read", f"cannot be read: {error.strerror or error}", retryable=True)
