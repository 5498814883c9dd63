"""What long work tells about itself; the command line draws a progress bar from it."""

from typing import Protocol


class Reporter(Protocol):
    """Hears how far a run has come."""

    def planned(self, tracks: int) -> None:
        """Hear that so many more tracks are to be embedded."""

    def finished(self, label: str, *, audio_seconds: float, failed: bool) -> None:
        """Hear that a track is done with."""

    def note(self, text: str) -> None:
        """Hear something that a person should know, in one line."""


class NullReporter:
    """A reporter that says nothing."""

    def planned(self, tracks: int) -> None: ...

    def finished(self, label: str, *, audio_seconds: float, failed: bool) -> None: ...

    def note(self, text: str) -> None: ...
