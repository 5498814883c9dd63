"""First answers early: a long build writes its indexes while it goes on."""

import logging
import time
from collections.abc import Callable

MIN_ARTISTS = 100
"""How many artists are enough for the first indexes."""

SECONDS_BETWEEN = 300.0
"""How long after one writing the next one comes, at the least."""

_SHARE_OF_TIME = 0.05  # that may go into writing

_log = logging.getLogger(__name__)


class EarlyIndexes:
    """Decides when indexes are worth writing: at the first hundred artists, then now and then.

    `write` writes them; `clock` is in seconds.
    """

    def __init__(
        self, write: Callable[[], None], *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._write = write
        self._clock = clock
        self._artists: set[str] = set()
        self._due = clock() + SECONDS_BETWEEN
        self._written = False

    def on_track(self, artist: str) -> None:
        """Hear that a track of `artist` is done with, and write where it is time."""
        self._artists.add(artist)
        first = not self._written and len(self._artists) >= MIN_ARTISTS
        if not first and self._clock() < self._due:
            return
        started = self._clock()
        self._write()
        self._written = True
        took = self._clock() - started
        self._due = started + took + max(SECONDS_BETWEEN, took / _SHARE_OF_TIME)
        _log.warning(
            "the indexes hold the first %d artists of this build: they can be asked while it goes"
            " on",
            len(self._artists),
        )
