"""Worker processes that outlive what a track can do to them: a crash, a hang, a kill."""

import errno
import multiprocessing
import os
import signal
import sys
import threading
from collections import deque
from collections.abc import Iterator
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from contextlib import contextmanager
from multiprocessing import resource_tracker
from types import ModuleType, TracebackType
from typing import Any, Self

from artistindex.embedding.embed import EmbedResult, Job
from artistindex.embedding.pool_worker import NOT_FOR_WORKERS, work
from artistindex.errors import ArtistIndexError, EngineError, TrackError

DEFAULT_TIMEOUT = 900.0
_MAX_FAILED_STARTS = 3
_SECONDS_TO_START = 300.0
_SECONDS_TO_LEAVE = 5.0
_TOO_MANY = "is there enough memory? (--workers 1 needs the least)"


def default_workers() -> int:
    """One worker for each processor that this process may use, eight at the most."""
    if hasattr(os, "sched_getaffinity"):
        return min(len(os.sched_getaffinity(0)), 8)
    return min(os.cpu_count() or 1, 8)


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
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="crew")
        self._lock = threading.Lock()
        self._idle: deque[_Worker] = deque()
        self._alive: set[_Worker] = set()
        self._stopped = False

    def submit(self, job: Job) -> Future[EmbedResult | TrackError]:
        """Give `job` to the next free worker.

        A worker that dies or is ended costs the job it had: the result is a TrackError that names
        the signal or the time limit. The result raises EngineError or WeightsError where no track
        could be embedded at all.
        """
        return self._threads.submit(self._run, job)

    def _run(self, job: Job) -> EmbedResult | TrackError:
        stillborn = 0
        while stillborn < _MAX_FAILED_STARTS:
            worker = self._acquire()
            if not worker.begin(job):
                self._reap(worker)
                stillborn += worker.begun == 0
                continue
            try:
                outcome = worker.outcome(self._timeout)
            except TimeoutError:
                self._reap(worker)
                reason = f"took longer than {self._timeout:.0f} s and was ended"
                return TrackError("decode", reason, retryable=True)
            except EOFError:
                return TrackError("decode", _how_it_died(self._reap(worker)), retryable=True)
            self._idle.append(worker)
            if isinstance(outcome, EmbedResult | TrackError):
                return outcome
            raise outcome
        raise EngineError(f"the worker processes die before they begin; {_TOO_MANY}")

    def _acquire(self) -> "_Worker":
        """An idle worker, or a new one."""
        with self._lock:
            if self._stopped:
                raise CancelledError
            if self._idle:
                return self._idle.pop()
            try:
                worker = _Worker()
            except OSError as error:
                full = error.errno in (errno.EMFILE, errno.ENFILE)
                advice = "raise `ulimit -n`, or use fewer --workers" if full else _TOO_MANY
                raise EngineError(f"no worker process can start ({error}); {advice}") from error
            except AssertionError as error:  # multiprocessing's word for it
                raise EngineError(
                    "no worker process can start, since this one is daemonic: build elsewhere"
                ) from error
            self._alive.add(worker)
            return worker

    def _reap(self, worker: "_Worker") -> int | None:
        """See a worker to its end; returns its exit code.

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
        if kind is not None:
            with self._lock:
                self._stopped = True
                for worker in self._alive:
                    worker.kill()
        self._threads.shutdown(cancel_futures=kind is not None)
        for worker in tuple(self._alive):
            worker.close()
        for worker in tuple(self._alive):
            self._reap(worker)


class _Worker:
    """One process, and this side's end of its pipe; `begun` counts its jobs."""

    def __init__(self) -> None:
        resource_tracker.ensure_running()  # its start lets go of the signals that are held
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=work, args=(theirs,), daemon=True)
        try:
            with _signals_held(), _no_main_module():
                self._process.start()
        finally:
            theirs.close()
        self.begun = 0

    def begin(self, job: Job) -> bool:
        """Whether the process took `job`: that it died before cannot be the job's fault."""
        try:
            self._pipe.send(job)
            self._hear(_SECONDS_TO_START)
        except (EOFError, OSError):
            return False
        self.begun += 1
        return True

    def outcome(self, timeout: float) -> EmbedResult | ArtistIndexError:
        """What became of the job begun last.

        Raises EOFError where the process died, TimeoutError where it had to be ended.
        """
        found: EmbedResult | ArtistIndexError = self._hear(timeout)
        return found

    def _hear(self, timeout: float) -> Any:
        try:
            if self._pipe.poll(timeout):
                return self._pipe.recv()
        except OSError as error:
            raise EOFError from error
        self.kill()
        raise TimeoutError

    def kill(self) -> None:
        """End the process at once."""
        self._process.kill()

    def close(self) -> None:
        """Let the process leave once it has no job."""
        self._pipe.close()

    def end(self) -> int | None:
        """Wait until the process is gone; returns its exit code."""
        self.close()
        self._process.join(_SECONDS_TO_LEAVE)
        if self._process.is_alive():
            self.kill()
            self._process.join()
        return self._process.exitcode


@contextmanager
def _signals_held() -> Iterator[None]:
    """A process started in here never hears what is meant for this one alone: a Ctrl-C would have
    it print a traceback into the terminal, a SIGTERM to the group cost the track that it has."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, NOT_FOR_WORKERS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _no_main_module() -> Iterator[None]:
    """A worker needs nothing of the program that started it, whose script multiprocessing would
    have it run: a script without a guard would build again, one from standard input is no file."""
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


def _how_it_died(exit_code: int | None) -> str:
    if exit_code is None or exit_code >= 0:
        return f"its worker process ended with exit code {exit_code}"
    try:
        name = signal.Signals(-exit_code).name
    except ValueError:
        name = "unknown"
    hint = "; out of memory?" if -exit_code == getattr(signal, "SIGKILL", 9) else ""
    return f"its worker process was killed by signal {-exit_code} ({name}{hint})"
