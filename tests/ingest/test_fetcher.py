"""The fetching thread: candidates in turn, stages recorded, nothing forgotten."""

import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from artistindex.entities import Artist, AudioMatch, Track, TrackVector, VectorKey
from artistindex.errors import ServiceEnded, TrackError
from artistindex.ingest.fetcher import Fetcher
from artistindex.library.library import FILE_NAME, Library
from artistindex.library.rows import StoredTrack

REZZ = Artist("Rezz")


@dataclass
class Scripted:
    """A source whose audio is there, or gone, as it is told."""

    matches: Sequence[str] = ("a", "b")
    gone: Sequence[str] = ()
    name: str = "youtube"
    searched: int = 0
    fetched: list[str] = field(default_factory=list)

    def candidates(self, track: Track) -> list[AudioMatch]:
        self.searched += 1
        if not self.matches:
            raise TrackError("match", "the search found no video")
        return [AudioMatch(self.name, id_, 90.0, "fits", track.title) for id_ in self.matches]

    def fetch(self, match: AudioMatch, *, duration: float | None = None) -> Path:
        self.fetched.append(match.source_id)
        if match.source_id in self.gone:
            raise TrackError("fetch", f"{match.source_id} is unavailable")
        if match.source_id == "end":
            raise ServiceEnded("proof of a person is wanted")
        return Path(match.source_id)

    def release(self, path: Path, *, useless: bool = False) -> None:
        """Nothing is kept."""

    def close(self) -> None:
        """Nothing is open."""


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    with Library.open(tmp_path / FILE_NAME) as opened:
        opened.resolve_request(
            "Rezz", REZZ, [Track((REZZ,), "Edge", catalogue="deezer", catalogue_id="1")]
        )
        yield opened


def track(library: Library) -> StoredTrack:
    (stored,) = library.tracks_of(1)
    return stored


def fetch(library: Library, source: Scripted) -> Path:
    with Fetcher(library.path, source) as fetcher:
        return fetcher.submit(track(library)).result(30)


def embed(library: Library) -> None:
    vector = TrackVector(VectorKey("vggish", "a" * 64), np.ones(3, np.float32), 1, "openvino")
    library.add_embedding(1, audio_sha256="f" * 64, duration=200.0, vectors=[vector])


def test_the_first_candidate_that_can_be_had_is_recorded(library: Library) -> None:
    assert fetch(library, Scripted(gone=["a"])) == Path("b")
    stored = track(library)
    assert (stored.stage, stored.match) == ("fetched", AudioMatch("youtube", "b", 90.0, "fits"))


def test_what_was_matched_before_is_fetched_without_a_search(library: Library) -> None:
    fetch(library, Scripted())
    again = Scripted(matches=["b", "a"])
    assert fetch(library, again) == Path("a")
    assert (again.searched, again.fetched) == (0, ["a"])


def test_what_was_matched_before_and_is_gone_is_replaced(library: Library) -> None:
    fetch(library, Scripted())
    again = Scripted(gone=["a"])
    assert fetch(library, again) == Path("b")
    assert again.fetched == ["a", "b"]


def test_another_source_is_asked_anew(library: Library) -> None:
    fetch(library, Scripted())
    assert fetch(library, Scripted(matches=["p"], name="preview")) == Path("p")
    assert track(library).match == AudioMatch("preview", "p", 90.0, "fits")


def test_the_last_reason_is_the_one_that_is_told(library: Library) -> None:
    with pytest.raises(TrackError, match="b is unavailable") as raised:
        fetch(library, Scripted(gone=["a", "b"]))
    assert raised.value.stage == "fetch"
    with pytest.raises(TrackError, match="no video"):
        fetch(library, Scripted(matches=[], gone=["a", "b"]))


def test_a_service_that_ends_leaves_the_track_where_it_is(library: Library) -> None:
    with pytest.raises(ServiceEnded):
        fetch(library, Scripted(matches=["end", "b"]))
    assert track(library).stage == "matched"
    assert library.failures() == []


def test_fetching_the_same_audio_for_another_model_forgets_nothing(library: Library) -> None:
    fetch(library, Scripted())
    embed(library)
    before = track(library)
    fetch(library, Scripted())
    assert track(library) == before
    assert before.stage == "embedded"
    assert before.audio_sha256 == "f" * 64


def test_other_audio_than_before_starts_the_track_anew(library: Library) -> None:
    fetch(library, Scripted())
    embed(library)
    fetch(library, Scripted(gone=["a"]))
    stored = track(library)
    assert (stored.stage, stored.audio_sha256) == ("fetched", None)


def test_leaving_by_an_exception_does_not_wait_for_the_network(library: Library) -> None:
    import threading

    let_go = threading.Event()

    class Slow(Scripted):
        def fetch(self, match: AudioMatch, *, duration: float | None = None) -> Path:
            let_go.wait(60)
            return Path(match.source_id)

    fetcher = Fetcher(library.path, Slow())
    future = fetcher.submit(track(library))
    with pytest.raises(KeyboardInterrupt), fetcher:
        raise KeyboardInterrupt
    assert not future.done()
    let_go.set()
    assert future.result(30) == Path("a")


INTERRUPTED = """
import os, signal, sys, threading, time
from pathlib import Path
from artistindex.ingest.fetcher import Fetcher
from artistindex.library.library import Library

class Endless:
    name = "youtube"
    def candidates(self, track):
        threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()
        time.sleep(3600)

path = Path(sys.argv[1])
with Library.open(path) as library:
    (stored,) = library.tracks_of(1)
try:
    with Fetcher(path, Endless()) as fetcher:
        fetcher.submit(stored).result()
except KeyboardInterrupt:
    print("interrupted")
"""


def test_an_interrupt_does_not_wait_for_the_network(library: Library) -> None:
    result = subprocess.run(
        [sys.executable, "-c", INTERRUPTED, str(library.path)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (result.returncode, result.stdout, result.stderr) == (0, "interrupted\n", "")
