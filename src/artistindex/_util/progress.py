"""How long work reports on itself; the command line draws a progress bar from it.

What a run does, and what a person should know of it, goes to `logging.getLogger("artistindex")`:
warnings, one line a step at INFO, one line a track at DEBUG.
"""

from typing import Protocol


class Reporter(Protocol):
    """Hears what a run is doing and how far it has come."""

    def activity(self, text: str) -> None:
        """Hear what is done from now on, such as "scanning music"."""

    def planned(self, tracks: int) -> None:
        """Hear that so many more tracks are to be embedded."""

    def finished(self, label: str, *, audio_seconds: float, failed: bool) -> None:
        """Hear that a track is done with; `audio_seconds` is how much of it was embedded."""

    def downloaded(self, name: str, done: int, total: int | None) -> None:
        """Hear that `done` bytes of a file have arrived, of `total` where that is known."""


class NullReporter:
    """A reporter that reports to nobody."""

    def activity(self, text: str) -> None: ...

    def planned(self, tracks: int) -> None: ...

    def finished(self, label: str, *, audio_seconds: float, failed: bool) -> None: ...

    def downloaded(self, name: str, done: int, total: int | None) -> None: ...
