"""Worker processes that outlive what a track can do to them: a crash, a hang, a kill."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import connection, resource_tracker
from types import TracebackType
from typing import TYPE_CHECKING, Self

from artistindex.errors import EngineError, TrackError
from artistindex.worker import Embedded, Job, guarded

if TYPE_CHECKING:
    from pebble import ProcessPool

DEFAULT_TIMEOUT = 900.0
_MOST_BREAKS = 3
_ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"), "1"
)
"""One worker a processor is enough: a linear algebra library whose second thread waits for work
takes 0.12 s of processor time for every two minutes of audio (measured), a tenth of the whole."""


def default_workers() -> int:
    """One worker for each processor that this process may use, eight at the most."""
    if hasattr(os, "sched_getaffinity"):
        return min(len(os.sched_getaffinity(0)), 8)
    return min(os.cpu_count() or 1, 8)


class Crew:
    """A pool of spawned worker processes (Essentia hangs when forked), started at the first job.

    A job that takes longer than `timeout` seconds is ended with its worker. Use it as a context
    manager: leaving it normally waits for the workers, leaving it by an exception stops them.
    """

    def __init__(self, workers: int, *, timeout: float = DEFAULT_TIMEOUT) -> None:
        self.workers = workers
        self._timeout = timeout
        self._pool: ProcessPool | None = None
        self._pool_of: dict[Future[Embedded | TrackError], ProcessPool] = {}
        self._breaks = 0

    def submit(self, job: Job) -> "Future[Embedded | TrackError]":
        """Give `job` to the next free worker; raises EngineError where workers only die."""
        while True:
            pool = self._pool or self._start()
            try:
                with _interrupts_held():  # the first job starts the pool's threads
                    future = pool.schedule(guarded, args=(job,), timeout=self._timeout)
            except RuntimeError as error:  # broken, before any future could say so
                self._broken(pool, error)
            else:
                self._pool_of[future] = pool
                return future

    def _start(self) -> "ProcessPool":
        from pebble import ProcessPool

        os.environ.update(_ONE_THREAD)  # read when a worker imports numpy, and so too late by then
        resource_tracker.ensure_running()  # its start lets go of the interrupts that are held
        context = multiprocessing.get_context("spawn")
        self._pool = ProcessPool(max_workers=self.workers, initializer=_start, context=context)
        return self._pool

    def outcome(self, future: "Future[Embedded | TrackError]") -> Embedded | TrackError | None:
        """What became of a finished job; None where it must be submitted again.

        A worker that died or was ended costs the job it had: a TrackError that names the signal or
        the time limit. Raises EngineError or WeightsError where no track could be embedded at all.
        """
        from pebble import ProcessExpired

        pool = self._pool_of.pop(future)
        try:
            found = future.result()
        except TimeoutError:
            return TrackError(
                "decode", f"took longer than {self._timeout:.0f} s and was ended", retryable=True
            )
        except BrokenProcessPool as error:
            self._broken(pool, error)
            return None
        except ProcessExpired as error:
            return TrackError("decode", _how_it_died(error.exitcode), retryable=True)
        self._breaks = 0
        return found

    def _broken(self, pool: "ProcessPool", error: RuntimeError) -> None:
        """A worker died between two jobs, and the pool with it: none of the jobs is to blame."""
        if self._pool is pool:
            self._pool = None
            self._breaks += 1
            pool.stop()
            pool.join()  # or the other workers would stay, each with its models
        if self._breaks > _MOST_BREAKS:
            raise EngineError(
                "the worker processes die before they begin; is there enough memory?"
                " (--workers 1 needs the least)"
            ) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._pool is None:
            return
        if kind is None:
            self._pool.close()
        else:
            self._pool.stop()
        self._pool.join()


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """What starts in here inherits that Ctrl-C is held back: it is this thread's business alone.

    A worker that is just being started would otherwise print a traceback into the terminal.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _start() -> None:
    """Runs in every worker first."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """A killed parent can stop nobody, and a track may take long: leave with it."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)


def _how_it_died(exit_code: int | None) -> str:
    if exit_code is None or exit_code >= 0:
        return f"its worker process ended with exit code {exit_code}"
    try:
        name = signal.Signals(-exit_code).name
    except ValueError:
        name = "unknown"
    hint = "; out of memory?" if -exit_code == getattr(signal, "SIGKILL", 9) else ""
    return f"its worker process was killed by signal {-exit_code} ({name}{hint})"
