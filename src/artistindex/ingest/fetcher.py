"""Fetching a catalogue track's audio, in a thread of its own, and recording how far it came."""

from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from types import TracebackType
from typing import Protocol, Self

from artistindex.entities import AudioMatch, Track
from artistindex.errors import TrackError
from artistindex.library.library import Library
from artistindex.library.rows import StoredTrack


class AudioSource(Protocol):
    """A place to get a catalogue track's audio from; see audio/sources/."""

    @property
    def name(self) -> str:
        """Return what the library records as the source: "youtube" or "preview"."""

    def candidates(self, track: Track) -> Sequence[AudioMatch]:
        """Return acceptable audio for `track`, best first.

        Raises TrackError (stage "match") where there is none, naming the nearest ones that were
        turned down, and ServiceEnded where the service must not be asked again in this run.
        """

    def fetch(self, match: AudioMatch) -> Path:
        """Return the audio file of `match`, from the cache or downloaded.

        Raises TrackError (stage "fetch") and ServiceEnded.
        """

    def release(self, path: Path, *, useless: bool = False) -> None:
        """Say that the file has been used; deletes it if nothing is cached or it is `useless`."""


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
                path = self._source.fetch(match)
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
