"""Fetching a catalogue track's audio, in a thread of its own, and recording how far it came."""

from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from types import TracebackType
from typing import Self

from artistindex.audio.sources.base import AudioSource
from artistindex.entities import AudioMatch
from artistindex.errors import TrackError
from artistindex.library.library import Library
from artistindex.library.rows import StoredTrack


class Fetcher:
    """One thread for all that waits for the network: a polite client asks for one thing at a time.

    The thread records stages through a connection of its own. Use it as a context manager: leaving
    it normally waits for what was submitted; leaving it by an exception does not, and a download
    that is on its way ends with the process.
    """

    def __init__(self, library: Path, source: AudioSource) -> None:
        self._source = source
        self._path = library
        self._library: Library | None = None
        self._submitted: SimpleQueue[tuple[StoredTrack, Future[Path]] | None] = SimpleQueue()
        self._thread = Thread(target=self._work, name="fetch", daemon=True)
        self._thread.start()

    def submit(self, stored: StoredTrack) -> "Future[Path]":
        """Find and fetch the audio of `stored`.

        The future raises TrackError where none can be had, ServiceEnded where the source must not
        be asked again in this run.
        """
        future: Future[Path] = Future()
        self._submitted.put((stored, future))
        return future

    def release(self, path: Path, *, useless: bool = False) -> None:
        """Say that a fetched file has been used, or is `useless` and should not be kept."""
        self._source.release(path, useless=useless)

    def _work(self) -> None:
        while (submitted := self._submitted.get()) is not None:
            stored, future = submitted
            try:
                future.set_result(self._fetch(stored))
            except BaseException as error:
                future.set_exception(error)
        if self._library is not None:
            self._library.close()

    def _fetch(self, stored: StoredTrack) -> Path:
        if self._library is None:
            self._library = Library.open(self._path)
        last_error: TrackError | None = None
        for match in self._matches(stored):
            if match is not stored.match:
                self._library.set_match(stored.id, match)
            try:
                path = self._source.fetch(match, duration=stored.track.duration)
            except TrackError as error:
                last_error = error
            else:
                self._library.set_fetched(stored.id)
                return path
        raise last_error or TrackError("match", "no audio was found")

    def _matches(self, stored: StoredTrack) -> Iterator[AudioMatch]:
        """Yield the audio matched in an earlier run, then what a search finds."""
        tried: set[str] = set()
        if stored.match is not None and stored.match.source == self._source.name:
            tried.add(stored.match.source_id)
            yield stored.match
        for match in self._source.candidates(stored.track):
            if match.source_id not in tried:
                yield match

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._submitted.put(None)
        if kind is None:
            self._thread.join()
