"""Reads tags in a process of its own: a stranger's file may take all memory, or never end."""

from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self, runtime_checkable

from artistindex._util.worker_process import WorkerProcess, how_it_died
from artistindex.errors import ArtistIndexError, TrackError
from artistindex.metadata.tag_worker import tags_or_error, work
from artistindex.metadata.tags import Tags

DEFAULT_TIMEOUT = 60.0  # seconds a file; honest ones take a thousandth of one
_BATCH = 256  # files that are sent at once
_MAX_FAILED_STARTS = 3
_SECONDS_TO_START = 300.0


@runtime_checkable
class ReadsTags(Protocol):
    """Whatever reads the tags of files, in their order."""

    def read(self, paths: Sequence[Path]) -> Iterator[Tags | TrackError]:
        """Yield the tags of each file, or why it has none that can be read."""


class TagReader:
    """A worker process that reads tags: started for the first file, and again after a death.

    Use it as a context manager.
    """

    def __init__(
        self, *, timeout: float = DEFAULT_TIMEOUT, work: "Callable[[Connection], None]" = work
    ) -> None:
        self._timeout = timeout
        self._work = work
        self._worker: WorkerProcess | None = None

    def read(self, paths: Sequence[Path]) -> Iterator[Tags | TrackError]:
        """Yield the tags of each file, or why they could not be read.

        A file that takes longer than the time limit, or ends the worker, costs itself alone.
        """
        for start in range(0, len(paths), _BATCH):
            yield from self._read_batch(paths[start : start + _BATCH])

    def _read_batch(self, paths: Sequence[Path]) -> Iterator[Tags | TrackError]:
        done = 0
        while done < len(paths):
            worker = self._worker = self._worker or _started(self._work)
            try:
                worker.send(paths[done:])
                while done < len(paths):
                    outcome = worker.receive(self._timeout)
                    done += 1
                    yield outcome
            except TimeoutError:
                self._end()
                reason = f"its tags took longer than {self._timeout:.0f} s to read"
            except EOFError:
                reason = f"reading its tags ended badly: {how_it_died(self._end())}"
            else:
                return
            done += 1
            yield TrackError("catalogue", reason)

    def _end(self) -> int | None:
        worker, self._worker = self._worker, None
        return worker.end() if worker else None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is not None and self._worker is not None:
            self._worker.kill()
        self._end()


class TagReaderHere:
    """Reads tags in this process: for few files of the user's own, and for tests."""

    def read(self, paths: Sequence[Path]) -> Iterator[Tags | TrackError]:
        """Yield the tags of each file, or why they could not be read."""
        return map(tags_or_error, paths)


def _started(work: "Callable[[Connection], None]") -> WorkerProcess:
    for _ in range(_MAX_FAILED_STARTS):
        worker = WorkerProcess(work)
        try:
            worker.receive(_SECONDS_TO_START)
        except (EOFError, TimeoutError):
            worker.end()
            continue
        except BaseException:  # an interrupt: what has begun must not outlive it
            worker.kill()
            worker.end()
            raise
        return worker
    raise ArtistIndexError("the process that reads tags dies before it begins: enough memory?")
