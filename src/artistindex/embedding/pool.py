"""Worker processes that outlive what a track can do to them: a crash, a hang, a kill.

The pool is our own since none of those at hand says who was to blame: pebble breaks its whole pool
when one idle worker dies, and plain Dask blames innocent tasks for the death of their worker and
has no time limit for one. This one names the track, the signal and the limit.
"""

import errno
import os
import threading
from collections import deque
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from types import TracebackType
from typing import Protocol, Self, cast

from artistindex._util.worker_process import WorkerProcess, how_it_died
from artistindex.embedding.embed import EmbedResult, Job, Runnable, T
from artistindex.embedding.pool_worker import work
from artistindex.errors import ArtistIndexError, EngineError, Remedy, TrackError

DEFAULT_TIMEOUT = 900.0
_MAX_FAILED_STARTS = 3
_SECONDS_TO_START = 300.0


def default_workers() -> int:
    """Return one worker for each processor that this process may use, eight at the most."""
    if hasattr(os, "sched_getaffinity"):
        return min(len(os.sched_getaffinity(0)), 8)
    return min(os.cpu_count() or 1, 8)


class Pool(Protocol):
    """What embeds tracks, `workers` at a time."""

    workers: int

    def submit(self, job: Job) -> Future[EmbedResult | TrackError]:
        """Embed `job` some time; see `WorkerPool.submit`."""


class WorkerPool:
    """Spawned worker processes (Essentia hangs when forked), started as jobs come in.

    Each has a pipe of its own and a thread here that waits for it, so that the death of one says
    which job was to blame and disturbs no other. A job that takes longer than `timeout` seconds is
    ended with its worker. Use it as a context manager: leaving it normally waits for the workers,
    leaving it by an exception stops them.
    """

    def __init__(self, workers: int, *, timeout: float = DEFAULT_TIMEOUT) -> None:
        self.workers = workers
        self._timeout = timeout
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="worker")
        self._lock = threading.Lock()
        self._idle: deque[_Worker] = deque()
        self._alive: set[_Worker] = set()
        self._stopped = False

    def submit(self, job: Runnable[T]) -> Future[T | TrackError]:
        """Give `job` to the next free worker.

        A worker that dies or is ended costs the job it had: the result is a TrackError that names
        the signal or the time limit. The result raises EngineError or WeightsError where no track
        could be embedded at all.
        """
        return self._threads.submit(self._run, job)

    def _run(self, job: Runnable[T]) -> T | TrackError:
        failed_starts = 0
        while failed_starts < _MAX_FAILED_STARTS:
            worker = self._acquire()
            if not worker.begin(job):
                self._reap(worker)
                failed_starts += worker.begun == 0
                continue
            try:
                outcome = worker.outcome(self._timeout)
            except TimeoutError:
                self._reap(worker)
                reason = f"took longer than {self._timeout:.0f} s and was ended"
                return TrackError("decode", reason, retryable=True)
            except EOFError:
                return TrackError("decode", how_it_died(self._reap(worker)), retryable=True)
            self._idle.append(worker)
            if isinstance(outcome, ArtistIndexError) and not isinstance(outcome, TrackError):
                raise outcome
            return cast("T | TrackError", outcome)
        raise EngineError("the worker processes die before they begin", remedy=Remedy.FEWER_WORKERS)

    def _acquire(self) -> "_Worker":
        """Return an idle worker, or a new one."""
        with self._lock:
            if self._stopped:
                raise CancelledError
            if self._idle:
                return self._idle.pop()
            try:
                worker = _Worker()
            except OSError as error:
                full = error.errno in (errno.EMFILE, errno.ENFILE)
                raise EngineError(
                    f"no worker process can start ({error})",
                    remedy=Remedy.MORE_FILES if full else Remedy.FEWER_WORKERS,
                ) from error
            except AssertionError as error:  # multiprocessing's word for it
                raise EngineError(
                    "no worker process can start, since this one is daemonic: build elsewhere"
                ) from error
            self._alive.add(worker)
            return worker

    def _reap(self, worker: "_Worker") -> int | None:
        """See a worker to its end and return its exit code.

        Behind the lock like every start, since multiprocessing looks for the dead when it starts a
        process, and two threads that ask for the same exit code may both go without.
        """
        with self._lock:
            self._alive.discard(worker)
            return worker.end()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close(kill=kind is not None)

    def close(self, *, kill: bool = False) -> None:
        """Wait for the workers to finish, or `kill` them, and see them to their end."""
        if kill:
            with self._lock:
                self._stopped = True
                for worker in self._alive:
                    worker.kill()
        self._threads.shutdown(cancel_futures=kill)
        for worker in tuple(self._alive):
            worker.close()
        for worker in tuple(self._alive):
            self._reap(worker)


class _Worker(WorkerProcess):
    """One process that embeds; `begun` counts its jobs."""

    def __init__(self) -> None:
        super().__init__(work)
        self.begun = 0

    def begin(self, job: Runnable[object]) -> bool:
        """Return whether the process took `job`: an earlier death cannot be the job's fault."""
        try:
            self.send(job)
            self.receive(_SECONDS_TO_START)
        except (EOFError, TimeoutError):
            return False
        self.begun += 1
        return True

    def outcome(self, timeout: float) -> object:
        """Return what became of the job begun last.

        Raises EOFError where the process died, TimeoutError where it had to be ended.
        """
        return self.receive(timeout)
