"""How far an ingest has come: a progress bar on a terminal, plain remarks elsewhere."""

import time
from types import TracebackType
from typing import Self

from artistindex.cli.output import message, progress
from artistindex.naming import printable

_SHOWN = 40


class Display:
    """The observer of a build; a context manager that draws the bar while it is open.

    The rate is seconds of audio embedded a second of wall time.
    """

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._bar = progress(quiet=quiet, rate=True)
        self._audio_seconds = 0.0

    def __enter__(self) -> Self:
        self._progress = self._bar.__enter__()
        self._task = self._progress.add_task("tracks", total=0, rate="", visible=False)
        self._total = 0
        self._started = time.monotonic()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bar.__exit__(kind, error, trace)

    def planned(self, tracks: int) -> None:
        """Lengthen the bar by `tracks`."""
        self._total += tracks
        self._progress.update(self._task, total=self._total, visible=True)

    def finished(self, label: str, *, audio_seconds: float, failed: bool) -> None:
        """Advance the bar by one track."""
        self._audio_seconds += audio_seconds
        passed = max(time.monotonic() - self._started, 1e-3)
        self._progress.update(
            self._task,
            advance=1,
            description=printable(label)[-_SHOWN:],
            rate=f"{self._audio_seconds / passed:.0f}x",
        )

    def note(self, text: str) -> None:
        """Say a line above the bar."""
        if self._progress.disable:
            message(text, quiet=self._quiet)
        else:
            self._progress.console.print(printable(text))
