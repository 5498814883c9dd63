"""Fetched audio, kept as it was delivered and used again.

A file lies in the cache folder under a name made of its key ("youtube:<id>"), with a small record
beside it (size and sha256). The audio is renamed into place first and the record last, so what has
a record is whole; it is checked against it before every reuse. The least recently used files go
when the folder outgrows its limit. Two processes may share a folder.

Files named `<YouTube id>.wav`, the cache of the original experiment, are used where they are, and
never changed or deleted.
"""

import errno
import hashlib
import json
import os
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from artistindex._util import files
from artistindex._util.dirs import cache_folder
from artistindex.errors import Remedy, ServiceEnded

MAX_BYTES = 20 << 30
"""The most bytes that a cache keeps unless told otherwise."""

_PLAIN = re.compile(r"[A-Za-z0-9_-]{1,64}")
_SUFFIX = re.compile(r"\.[a-z0-9]{1,5}")
_PARTIAL = ".fetching-"
_ABANDONED = 2 * 3600.0  # seconds after which a dead process's partial download is removed
_IN_USE = 600.0  # seconds for which a file that someone asked for is not evicted
_FULL = (errno.ENOSPC, errno.EDQUOT)


@dataclass(frozen=True, slots=True)
class _Entry:
    audio: Path
    record: Path
    size: int
    used: float


class AudioCache:
    """A folder of fetched audio.

    `limit` is in bytes. With `keep=False` a file lives until it is released, in a folder of its
    own in there; what lies in `folder` is still used. `now` gives the time in seconds since 1970.

    Every method raises ServiceEnded where the folder cannot be written: the error says why, and
    what to do.
    """

    def __init__(
        self,
        folder: Path | None = None,
        *,
        limit: int = MAX_BYTES,
        keep: bool = True,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.folder = folder or cache_folder("audio")
        self._limit = limit
        self._keep = keep
        self._now = now
        self._passing: dict[Path, Path] = {}

    def get(self, key: str) -> Path | None:
        """The whole, unaltered audio of `key`, marked as used now; None where there is none."""
        record = self.folder / f"{_stem(key)}.json"
        now = self._now()
        with suppress(OSError):  # first, so that nobody evicts it now
            os.utime(record, (now, now), follow_symlinks=False)
        return self._sound(record, key) or self._of_the_experiment(key)

    @contextmanager
    def fetching(self) -> Iterator[Path]:
        """A private folder to download into, gone afterwards."""
        with self.explaining():
            self.folder.mkdir(parents=True, exist_ok=True)
            private = Path(tempfile.mkdtemp(prefix=_PARTIAL, dir=self.folder))
        try:
            yield private
        finally:
            shutil.rmtree(private, ignore_errors=True)

    def put(self, key: str, file: Path) -> Path:
        """Take `file` (in the folder of `fetching`) as the audio of `key`; where it lies now."""
        with self.explaining():
            if not self._keep:
                return self._pass(file)
            suffix = file.suffix.lower()
            stem = self.folder / _stem(key)
            audio = stem.with_name(stem.name + (suffix if _SUFFIX.fullmatch(suffix) else ".audio"))
            content = {"key": key, "audio": audio.name, **_measure(file)}
            with self._lock():
                _flush(file)
                file.replace(audio)
                record = stem.with_name(stem.name + ".json")
                files.atomic_write(record, json.dumps(content).encode())
                os.utime(record, (self._now(), self._now()))
                self._evict(sparing=record)
            return audio

    def release(self, path: Path, *, useless: bool = False) -> None:
        """Say that `path` has been used; delete it where nothing is kept, or where it is `useless`.

        Useless is what cannot be decoded: the next run is to fetch it again. A file that this cache
        did not fetch is never deleted.
        """
        folder = self._passing.pop(path, None)
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)
        elif useless and path.parent == self.folder:
            for record in self.folder.glob("*.json"):
                if self._audio(_read(record)) == path:
                    path.unlink(missing_ok=True)
                    record.unlink(missing_ok=True)

    def close(self) -> None:
        """Delete what was fetched and not kept."""
        for path in list(self._passing):
            self.release(path)

    @contextmanager
    def explaining(self) -> Iterator[None]:
        """Turn an operating system's error in the cache folder into a line for a person."""
        try:
            yield
        except OSError as error:
            raise self.unwritable(error) from error

    def unwritable(self, error: OSError) -> ServiceEnded:
        """The error to raise when the cache folder cannot be written because of `error`."""
        if error.errno in _FULL:
            return ServiceEnded(
                f"no space is left for audio in {self.folder}; what is done is kept",
                remedy=Remedy.CHOOSE_AUDIO_FOLDER,
            )
        return ServiceEnded(
            f"cannot write audio to {self.folder}: {error.strerror or error}",
            remedy=Remedy.CHOOSE_AUDIO_FOLDER,
        )

    def _sound(self, record: Path, key: str) -> Path | None:
        """The audio that `record` tells of, if it is still what was delivered."""
        content = _read(record)
        audio = self._audio(content)
        if audio is None or content.get("key") != key:
            return None
        try:
            if audio.stat().st_size != content.get("bytes"):
                return None
            return audio if content.items() >= _measure(audio).items() else None
        except OSError:
            return None

    def _audio(self, content: Mapping[str, object]) -> Path | None:
        """The file that a record names, which lies in this folder and nowhere else."""
        name = content.get("audio")
        plain = isinstance(name, str) and name not in ("", ".", "..") and Path(name).name == name
        return self.folder / str(name) if plain else None

    def _of_the_experiment(self, key: str) -> Path | None:
        source, _, id_ = key.partition(":")
        if source != "youtube" or not _PLAIN.fullmatch(id_):
            return None
        path = self.folder / f"{id_}.wav"
        return path if _is_whole_wav(path) else None

    def _pass(self, file: Path) -> Path:
        self._remove_abandoned()
        folder = Path(tempfile.mkdtemp(prefix=_PARTIAL, dir=self.folder))
        path = folder / f"audio{file.suffix if _SUFFIX.fullmatch(file.suffix) else ''}"
        file.replace(path)
        self._passing[path] = folder
        return path

    @contextmanager
    def _lock(self) -> Iterator[None]:
        with files.file_lock(self.folder / ".lock"):
            yield

    def _evict(self, *, sparing: Path) -> None:
        """Bring the folder under its limit; the caller holds the lock."""
        self._remove_abandoned()
        entries = sorted(self._entries(), key=lambda entry: entry.used)
        total = sum(entry.size for entry in entries)
        for entry in entries:
            if total <= self._limit:
                return
            if entry.record != sparing and self._now() - entry.used > _IN_USE:
                entry.record.unlink(missing_ok=True)
                entry.audio.unlink(missing_ok=True)
                total -= entry.size

    def _entries(self) -> Iterator[_Entry]:
        for record in self.folder.glob("*.json"):
            audio = self._audio(_read(record))
            if audio is not None:
                with suppress(OSError):
                    yield _Entry(audio, record, audio.stat().st_size, record.stat().st_mtime)

    def _remove_abandoned(self) -> None:
        for partial in self.folder.glob(f"{_PARTIAL}*"):
            with suppress(OSError):
                if self._now() - partial.stat().st_mtime > _ABANDONED:
                    shutil.rmtree(partial, ignore_errors=True)


def _stem(key: str) -> str:
    """A file name for any key, whatever it holds, also where names differ only by case."""
    digest = hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()[:12]
    source, _, id_ = key.partition(":")
    plain = _PLAIN.fullmatch(source) and _PLAIN.fullmatch(id_)
    return f"{source}-{id_}-{digest}" if plain else f"other-{digest}"


def _measure(file: Path) -> dict[str, int | str]:
    with file.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
        return {"bytes": stream.tell(), "sha256": digest}


def _flush(file: Path) -> None:
    with file.open("rb+") as stream:
        os.fsync(stream.fileno())


def _read(record: Path) -> dict[str, object]:
    try:
        content = json.loads(record.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def _is_whole_wav(path: Path) -> bool:
    """Whether the file is as long as its RIFF header says (ffmpeg leaves 0xFFFFFFFF in a pipe)."""
    try:
        with path.open("rb") as stream:
            header = stream.read(12)
            length = os.fstat(stream.fileno()).st_size
    except OSError:
        return False
    declared = int.from_bytes(header[4:8], "little")
    is_wav = header[:4] == b"RIFF" and header[8:] == b"WAVE"
    return is_wav and length > 44 and (declared in (0, 0xFFFFFFFF) or declared + 8 <= length)
