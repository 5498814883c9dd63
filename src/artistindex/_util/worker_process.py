"""One worker process with a pipe: how it is started, spoken to and ended."""

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from multiprocessing import connection, resource_tracker
from types import ModuleType
from typing import Any

NOT_FOR_WORKERS = (signal.SIGINT, signal.SIGTERM)
"""Signals that are meant for the process that started the worker alone."""
_SECONDS_TO_LEAVE = 5.0


class WorkerProcess:
    """A spawned process (forked ones hang in native libraries), and this side's end of its pipe.

    It runs `work(pipe)`, a function of a module, which first calls `stand_by_parent`.
    """

    def __init__(self, work: "Callable[[connection.Connection], None]") -> None:
        resource_tracker.ensure_running()  # its start lets go of the signals that are held
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_run, args=(work, theirs), daemon=True)
        try:
            _run_in_a_thread(self._start)
        except BaseException:
            if self._process.pid is not None:
                self.kill()
            raise
        finally:
            theirs.close()

    def _start(self) -> None:
        with _signals_held(), _no_main_module():
            self._process.start()

    def send(self, message: object) -> None:
        """Send a message; raises EOFError where the process is gone."""
        try:
            self._pipe.send(message)
        except OSError as error:
            raise EOFError from error

    def receive(self, timeout: float) -> Any:
        """Return the next message of the process.

        Raises EOFError where it died, TimeoutError where none came in `timeout` seconds; it is
        ended then.
        """
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
        """Let the process leave once it has nothing to do."""
        self._pipe.close()

    def end(self) -> int | None:
        """Wait until the process is gone; returns its exit code."""
        self.close()
        self._process.join(_SECONDS_TO_LEAVE)
        if self._process.is_alive():
            self.kill()
            self._process.join()
        return self._process.exitcode


def stand_by_parent() -> None:
    """Prepare a worker process: deaf to signals that mean its parent, and gone when that is."""
    for number in NOT_FOR_WORKERS:
        signal.signal(number, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def how_it_died(exit_code: int | None) -> str:
    """Return in words how a worker process ended."""
    if exit_code is None or exit_code >= 0:
        return f"its worker process ended with exit code {exit_code}"
    try:
        name = signal.Signals(-exit_code).name
    except ValueError:
        name = "unknown"
    hint = "; out of memory?" if -exit_code == getattr(signal, "SIGKILL", 9) else ""
    return f"its worker process was killed by signal {-exit_code} ({name}{hint})"


def _end_with_parent() -> None:
    """A killed parent can stop nobody, and a job may take long: leave with it."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)


def _run(work: "Callable[[connection.Connection], None]", pipe: "connection.Connection") -> None:
    """Run `work` in the new process; it ends without a word once nobody listens."""
    with suppress(BrokenPipeError, ConnectionResetError):
        work(pipe)


def _run_in_a_thread(function: Callable[[], None]) -> None:
    """Run `function` to its end, whatever is raised meanwhile.

    An interrupt is raised in the main thread alone: it never cuts in half what another one does.
    """
    with ThreadPoolExecutor(1) as thread:
        thread.submit(function).result()


@contextmanager
def _signals_held() -> Iterator[None]:
    """A process started in here never hears what is meant for this one alone: a Ctrl-C would have
    it print a traceback into the terminal, a SIGTERM to the group cost the job that it has."""
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
