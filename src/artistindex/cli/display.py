"""How far a run has come: a bar on a terminal, now and then a line elsewhere."""

import time
from collections.abc import Callable
from threading import Event, Thread
from types import TracebackType
from typing import TYPE_CHECKING, Self

from artistindex.cli.output import bar, message
from artistindex.naming import printable

if TYPE_CHECKING:
    from rich.progress import Progress

_SECONDS_A_LINE = 30.0
_MIN_LABEL = 10  # characters
_BEHIND_LABEL = 50  # characters that bar, counts, rate and time take at the most


class Display:
    """The reporter of the command line; a context manager that draws while it is open.

    On a terminal a bar shows what is done, how many tracks of how many, the rate (seconds of audio
    embedded a second of wall time) and the time left. Elsewhere a line says so every
    `interval` seconds, also while nothing is heard of the run.
    """

    def __init__(
        self,
        *,
        quiet: bool,
        clock: Callable[[], float] = time.monotonic,
        interval: float = _SECONDS_A_LINE,
    ) -> None:
        self._quiet = quiet
        self._clock = clock
        self._interval = interval
        self._bar = bar(quiet=quiet)
        self._activity = "starting"
        self._done = self._total = 0
        self._audio_seconds = 0.0

    def __enter__(self) -> Self:
        self._progress: Progress = self._bar.__enter__()
        self._task = self._progress.add_task(self._activity, total=None, state="")
        self._began: float | None = None
        self._closed = Event()
        self._lines: Thread | None = None
        if self._progress.disable and not self._quiet:
            self._lines = Thread(target=self._say_now_and_then, name="display", daemon=True)
            self._lines.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._closed.set()
        if self._lines is not None:
            self._lines.join()
        self._bar.__exit__(kind, error, trace)

    def activity(self, text: str) -> None:
        """Show what is done from now on."""
        self._activity = text
        self._progress.update(self._task, description=printable(text))

    def planned(self, tracks: int) -> None:
        """Lengthen the bar by `tracks`."""
        if self._began is None:
            self._began = self._clock()
        self._total += tracks
        self._progress.update(self._task, total=self._total, state=self._state())

    def finished(self, label: str, *, audio_seconds: float, failed: bool) -> None:
        """Advance the bar by one track."""
        self._done += 1
        self._audio_seconds += audio_seconds
        self._progress.update(
            self._task,
            completed=self._done,
            description=self._end_of(printable(label)),
            state=self._state(),
        )

    def downloaded(self, name: str, done: int, total: int | None) -> None:
        """Show how much of a file has arrived."""
        self._activity = f"downloading {name}, {done / 1e6:.0f} MB"
        if total:
            self._activity += f" of {total / 1e6:.0f}"
        self._progress.update(self._task, description=self._activity, completed=done, total=total)
        if done == total:
            self._progress.reset(self._task, total=None)

    def _state(self) -> str:
        """Return how many of how many, the rate and the time left, as the bar has them."""
        if not self._done:
            return f"{self._done}/{self._total}"
        return f"{self._done}/{self._total} {self._rate:.0f}x {_in_words(self._left)} left"

    def _end_of(self, label: str) -> str:
        """Return as much of the end of `label`, the more telling one, as there is room for."""
        room = max(_MIN_LABEL, self._progress.console.width - _BEHIND_LABEL)
        return label if len(label) <= room else f"…{label[1 - room :]}"

    @property
    def _rate(self) -> float:
        """Seconds of audio a second since the first track was planned."""
        return self._audio_seconds / max(self._passed, 1e-3)

    @property
    def _passed(self) -> float:
        return 0.0 if self._began is None else self._clock() - self._began

    @property
    def _left(self) -> float:
        """Seconds left, should the other tracks take as long as those so far."""
        return (self._total - self._done) * self._passed / self._done

    def _say_now_and_then(self) -> None:
        while not self._closed.wait(self._interval):
            message(self._line())

    def _line(self) -> str:
        """Return what is done and how far it is, for a log."""
        if not self._total or not self._done:
            return self._activity
        return (
            f"{self._done} of {self._total} tracks, {self._rate:.0f} s of audio a second,"
            f" {_in_words(self._left)} left"
        )


def _in_words(seconds: float) -> str:
    """Return a time to the minute, or to ten seconds below two minutes."""
    if seconds < 120:
        return f"{max(10, round(seconds, -1)):.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60} min"
