"""Three hundred artists, a network that fails in every way, and a process that is killed."""

import logging
import random
import sqlite3
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from werkzeug import Response

import online as places
import sounds
from artistindex.index.manifest import Manifest
from artistindex.index.reader import ArtistIndex, verify
from artistindex.library.library import FILE_NAME, Library
from online import Online, Process

pytestmark = pytest.mark.process

ARTISTS = 300
SEED = 7
KILLING = 100.0  # seconds in which processes are killed; then they may come to an end
IN_ALL = 900.0  # seconds for everything, where the machine is busy
MODEL = ("--model", "musicnn", "--engine", "openvino", "--workers", 1, "--tracks", 1)

log = logging.getLogger(__name__)


@dataclass
class Trouble:
    """What goes wrong with each thing that is asked for: the same for the same seed.

    `lasting` never gets better; the rest is drawn for each request anew.
    """

    audio: list[bytes]
    lasting: dict[str, str]
    seen: Counter[str] = field(default_factory=Counter)

    def __call__(self, what: str, number: int) -> Response | None:
        random_ = random.Random(f"{SEED} {what} {number}")
        kind = self.lasting.get(what) or self._passing(what, random_.random(), random_)
        self.seen[kind] += 1
        return getattr(self, f"_{kind}")(random_) if kind != "none" else None

    def _passing(self, what: str, chance: float, random_: random.Random) -> str:
        if chance < 0.003:
            return "stalled"
        if chance > 0.12:
            return "none"
        spoilt = "half" if what.startswith("v") else "garbage"
        return random_.choice(["slow", "refused", "limited", "broken", spoilt, spoilt])

    def _gone(self, random_: random.Random) -> Response:
        return Response(status="404 Video unavailable")

    def _refused(self, random_: random.Random) -> Response:
        return Response(status=403)

    def _limited(self, random_: random.Random) -> Response:
        return Response(status=429)

    def _broken(self, random_: random.Random) -> Response:
        return Response(status=503)

    def _garbage(self, random_: random.Random) -> Response:
        return Response(random_.choice(["<html>log in</html>", '{"data": 3}', "[[", "null"]))

    def _stalled(self, random_: random.Random) -> Response:
        time.sleep(6)
        return Response(status=504)

    def _slow(self, random_: random.Random) -> None:
        time.sleep(random_.uniform(0.2, 1))

    def _half(self, random_: random.Random) -> Response:
        """Broken off: fewer bytes than were announced."""
        whole = random_.choice(self.audio)

        def body() -> Iterator[bytes]:
            yield whole[: len(whole) // 2]

        return Response(
            body(), content_type="audio/mp4", headers={"Content-Length": str(len(whole))}
        )

    def _truncated(self, random_: random.Random) -> Response:
        """Complete, as far as anyone can tell, and yet half a file."""
        whole = random_.choice(self.audio)
        return Response(whole[: len(whole) // 2], content_type="audio/mp4")


@pytest.fixture
def online(tmp_path: Path) -> Iterator[Online]:
    with places.serving() as served:
        audio = [
            sounds.write(tmp_path / f"audio/{n}.m4a", sounds.music(4, seed=n)) for n in range(12)
        ]
        random_ = random.Random(SEED)
        lasting = {}
        for number in range(ARTISTS):
            performer = served.add(f"Artist {number:03d}", ["Song"], audio[number % len(audio)])
            if random_.random() < 0.08:
                lasting[places.video_id(performer, 0)] = random_.choice(["gone", "truncated"])
        served.faults = Trouble([path.read_bytes() for path in audio], lasting)
        yield served


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_every_artist_is_indexed_or_listed_with_a_reason(online: Online, tmp_path: Path) -> None:
    soak = Soak(online, tmp_path)
    while soak.seconds < KILLING:
        soak.run_and_kill()
        check_library(soak.indexes)
    killed, so_far = soak.kills, soak.embedded_count()
    soak.run_to_the_end()
    while soak.unfinished() and soak.seconds < IN_ALL:
        soak.run_to_the_end("--retry-failed")
    log.info("%s kills, %s tracks embedded until then", killed, so_far)
    log.info("%s ends, %.0f s, faults: %s", soak.ends, soak.seconds, dict(soak.trouble.seen))
    assert killed >= 6
    assert so_far > 0
    assert soak.unfinished() == []
    check_library(soak.indexes)
    check_index(soak.indexes)
    check_failures(soak)


class Soak:
    """One library, and the processes that come and go over it."""

    def __init__(self, online: Online, folder: Path) -> None:
        self.online = online
        assert isinstance(online.faults, Trouble)
        self.trouble = online.faults
        self.indexes = folder / "indexes"
        self.wanted = [performer.name for performer in online.world.performers]
        self.kills = self.ends = 0
        self._names = folder / "names.txt"
        self._names.write_text("\n".join([*self.wanted, "Nobody at all"]))
        self._drawn = random.Random(SEED)
        self._began = time.monotonic()

    @property
    def seconds(self) -> float:
        """Since the beginning."""
        return time.monotonic() - self._began

    def run_and_kill(self) -> None:
        """Run, with the names or without, and kill it some seconds after it got somewhere.

        That is a first answer, or, when most names are answered, mostly a first vector.
        """
        names = ("--artists", self._names) if self._drawn.random() < 0.3 or not self.kills else ()
        listed = self.kills and self.counts()["tracks"] > ARTISTS / 2
        progress = (
            self.embedded_count
            if listed and self._drawn.random() < 0.7
            else self.online.asked.total
        )
        before, give_up = progress(), self.seconds + 60
        process, begun = self._start(*names), False
        while not process.ended and self.seconds < give_up:
            if not begun and progress() > before:
                begun, give_up = True, self.seconds + self._drawn.uniform(1, 6)
            time.sleep(0.05)
        if process.ended:
            self._end(process)
        else:
            process.kill()
            self.kills += 1

    def run_to_the_end(self, *more: str) -> None:
        """Run with all names."""
        self._end(self._start("--artists", self._names, *more))

    def embedded_count(self) -> int:
        """How many tracks have a vector."""
        return self.counts()["track_vectors"]

    def counts(self) -> dict[str, int]:
        """Rows of the library's tables."""
        with Library.open(self.indexes / FILE_NAME) as library:
            return library.counts()

    def unfinished(self) -> list[str]:
        """The artists who have no vector, though nothing speaks against it for good."""
        with Library.open(self.indexes / FILE_NAME) as library:
            keys = [key for key, _ in library.keys()]  # noqa: SIM118 - a method, not a dict's
            embedded = set().union(*map(library.embedded_track_ids, keys))
            finished = {
                stored.artist.name
                for stored in library.artists()
                for track in library.tracks_of(stored.id)
                if track.id in embedded
            }
        lost = {self.wanted[int(video[1:8]) - 1] for video in self.trouble.lasting}
        return [name for name in self.wanted if name not in finished | lost]

    def _start(self, *arguments: object) -> Process:
        environment = self.online.environment | {"ARTISTINDEX_INDEXES": str(self.indexes)}
        return Process("build", *arguments, *MODEL, "--format", "json", environment=environment)

    def _end(self, process: Process) -> None:
        code, out, err = process.finish(within=max(1.0, IN_ALL - self.seconds))
        assert code in (0, 1, 3), err
        assert out.startswith("{"), err
        assert "Traceback" not in err
        self.ends += 1


def check_library(indexes: Path) -> None:
    """Whole, and with nothing in it twice."""
    path = indexes / FILE_NAME
    if not path.exists():
        return
    with Library.open(path) as library:  # not read-only: it may have to be rolled back
        library.verify()
    with sqlite3.connect(path) as connection:
        for table, columns in (
            ("artists", "folded"),
            ("tracks", "catalogue, catalogue_id"),
            ("tracks", "source_id"),
            ("track_vectors", "track_id, model, layer"),
            ("failures", "what, stage"),
        ):
            twice = connection.execute(
                f"SELECT {columns}, count(*) FROM {table} GROUP BY {columns}"
                " HAVING count(*) > 1 AND "
                + " AND ".join(f"{c} NOT NULL" for c in columns.split(", "))
            ).fetchall()
            assert not twice, f"{table}: {twice}"
    connection.close()


def check_index(indexes: Path) -> None:
    """The index holds exactly the artists that have a vector, each with its own."""
    folder = indexes / "musicnn"
    verify(folder)
    manifest = Manifest.read(folder)
    with Library.open(indexes / FILE_NAME, read_only=True) as library:
        vectors = library.vectors(manifest.key)
        expected = {}
        for stored in library.artists():
            for track in library.tracks_of(stored.id):
                if track.id in vectors:
                    expected[stored.artist.name] = vectors[track.id]
    with ArtistIndex.open(folder) as index:
        assert sorted(index.artists) == sorted(expected)
        for name, vector in expected.items():
            unit = vector / np.linalg.norm(vector)
            np.testing.assert_allclose(index.vector(name), unit, atol=1e-6)


def check_failures(soak: Soak) -> None:
    """Who is not in the index is listed, once, with a stage and a reason."""
    with Library.open(soak.indexes / FILE_NAME, read_only=True) as library:
        failures = library.failures()
    stage_of = {failure.artist: failure.stage for failure in failures}
    assert len(stage_of) == len(failures)
    stages = {"gone": "fetch", "truncated": "decode"}
    expected = {
        soak.wanted[int(video[1:8]) - 1]: stages[kind]
        for video, kind in soak.trouble.lasting.items()
    }
    assert stage_of == expected | {"Nobody at all": "catalogue"}
    assert all(failure.reason for failure in failures)
