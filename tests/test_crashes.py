"""Processes killed at random moments, full disks, two writers, readers while a build runs."""

import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from artistindex.index.manifest import Manifest
from artistindex.index.reader import ArtistIndex, verify
from artistindex.library.library import FILE_NAME, Library
from artistindex.packs.export import export_pack
from builds import InProcessPool, Place, write_music

pytestmark = pytest.mark.process

SECONDS = 1.2  # a little more than VGGish's patch
CHOSEN = ("--model", "vggish", "--engine", "openvino")
KILLED_WRITERS = 190
KILLED_BUILDS = 15

# Forks a writer for each line that it reads. A writer goes on where the last one was killed: it
# says "+ n" once track n is recorded and "= n" once an index of n artists is committed.
NURSERY = """
import os, sys
from pathlib import Path
import faiss, filelock
import numpy as np
from artistindex.index.writer import write_index
from artistindex.library.library import FILE_NAME, Library
from artistindex.library.lock import writer_lock
from artistindex.entities import Artist, Failure, Track, TrackVector, VectorKey

KEY = VectorKey("vggish", "0" * 64)

def say(word, number):  # in one piece: who is killed between two leaves half a line
    os.write(1, f"{word} {number}\\n".encode())

def vector(number):
    return np.random.default_rng(number).normal(size=128).astype(np.float32)

def write(folder):
    with writer_lock(folder), Library.open(folder / FILE_NAME) as library:
        for number in range(len(library.embedded_track_ids(KEY)), 10_000):
            track = Track((Artist(f"Artist {number}"),), "Song", path=Path(f"/music/{number}"))
            track_id = library.upsert_file(track, size=1, mtime_ns=1)
            library.add_failure(Failure(f"/music/{number}", "decode", "trouble"), track_id=track_id)
            made = TrackVector(KEY, vector(number), 3, "openvino")
            library.add_embedding(track_id, audio_sha256=str(number), duration=1.0, vectors=[made])
            say("+", number)
            if number % 3 == 2:
                rows = library.vectors(KEY)
                artists = [stored.artist for stored in library.artists()][: len(rows)]
                write_index(folder / "vggish", key=KEY, artists=artists,
                            vectors=np.stack(list(rows.values())))
                say("=", len(artists))

for line in sys.stdin:
    pid = os.fork()
    if not pid:
        write(Path(line.strip()))
    say("pid", pid)
    _, status = os.waitpid(pid, 0)
    say("died", os.waitstatus_to_exitcode(status))
"""


def vector(number: int) -> np.ndarray:
    """What the writer of `NURSERY` records of a track."""
    return np.random.default_rng(number).normal(size=128).astype(np.float32)


@pytest.fixture
def nursery() -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-c", NURSERY],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield process
        assert process.stdin is not None
        process.stdin.close()


def kill_a_writer(
    nursery: subprocess.Popen[str], folder: Path, after: float
) -> tuple[list[int], list[int]]:
    """The tracks recorded and the sizes of the indexes committed by a writer that is killed."""
    assert nursery.stdin is not None
    assert nursery.stdout is not None
    nursery.stdin.write(f"{folder}\n")
    nursery.stdin.flush()
    word, pid = nursery.stdout.readline().split()
    early = []
    while word in ("+", "="):  # the writer was quicker than its nursery
        early.append((word, int(pid)))
        word, pid = nursery.stdout.readline().split()
    assert word == "pid"
    time.sleep(after)
    os.kill(int(pid), signal.SIGKILL)
    while (line := nursery.stdout.readline().split())[0] != "died":
        early.append((line[0], int(line[1])))
    assert line[1] == "-9"
    return [n for word, n in early if word == "+"], [n for word, n in early if word == "="]


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_writers_killed_at_random_moments(nursery: subprocess.Popen[str], tmp_path: Path) -> None:
    """No finished track is lost or doubled; the index is the old one or the new one."""
    draw = random.Random(190)
    cut_short, span = 0, 0.2
    for run in range(KILLED_WRITERS):
        folder = tmp_path / f"{run // 20}"
        folder.mkdir(exist_ok=True)
        if run % 20 == 0:
            recorded: set[int] = set()
            committed = 0
        finished, indexed = kill_a_writer(nursery, folder, draw.uniform(0, span))
        cut_short += bool(finished)
        span *= 0.9 if finished else 1.2  # however quick the machine is
        recorded.update(finished)
        committed = max([committed, *indexed])
        if not (folder / FILE_NAME).exists():
            assert not recorded
            continue
        recorded |= check_library(folder, recorded)
        committed = check_index(folder, committed, len(recorded))
    assert cut_short > KILLED_WRITERS // 4  # kills did hit writers at work


def check_library(folder: Path, recorded: set[int]) -> set[int]:
    """The tracks that the library holds: all that were recorded, each once and whole."""
    with Library.open(folder / FILE_NAME) as library:
        library.verify()
        if not (keys := library.keys()):
            assert not recorded
            return set()
        ((key, count),) = keys
        vectors = library.vectors(key)
        paths = {}
        for artist in library.artists():
            (track,) = library.tracks_of(artist.id)
            assert track.track.path is not None
            paths[track.id] = int(track.track.path.name)
    numbers = [paths[track_id] for track_id in vectors]
    assert sorted(numbers) == list(range(count)), "a track is lost or doubled"
    assert recorded <= set(numbers)
    for track_id, stored in vectors.items():
        np.testing.assert_array_equal(stored, vector(paths[track_id]))
    return set(numbers)


def check_index(folder: Path, committed: int, recorded: int) -> int:
    """The size of the index: that of the last that was committed, or of the one under way."""
    if not (folder / "vggish" / "manifest.json").exists():
        assert not committed
        return 0
    verify(folder / "vggish")
    with ArtistIndex.open(folder / "vggish") as index:
        assert len(index) in (committed, recorded - recorded % 3)
        for row, name in enumerate(index.artists):
            expected = vector(row) / np.linalg.norm(vector(row))
            assert name == f"Artist {row}"
            np.testing.assert_allclose(index.vectors[row], expected, atol=1e-6)
        return len(index)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    new_place = Place(tmp_path)
    new_place.add_stand_ins(monkeypatch, "vggish")
    return new_place


def answers(place: Place) -> dict[str, list[tuple[str, float]]]:
    """Every artist's neighbours, with scores."""
    with ArtistIndex.open(place.indexes / "vggish") as index:
        return {
            name: [
                (neighbour.artist, round(neighbour.score, 5))
                for neighbour in index.neighbours(name)
            ]
            for name in index.artists
        }


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_builds_killed_at_random_moments(place: Place) -> None:
    """As above with whole builds: what they leave is finished by one that is let alone."""
    write_music(place.music, {f"Artist {n}": 3 for n in range(8)}, seconds=SECONDS)
    draw = random.Random(15)
    finished: set[str] = set()
    for _ in range(KILLED_BUILDS):
        with place.start("build", "--audio", place.music, *CHOSEN, "--workers", 1) as process:
            time.sleep(draw.uniform(0.5, 6))
            process.kill()
            process.communicate(timeout=60)
        if not (place.indexes / FILE_NAME).exists():
            continue
        with Library.open(place.indexes / FILE_NAME) as library:
            library.verify()
            tracks = [t for artist in library.artists() for t in library.tracks_of(artist.id)]
            embedded = [str(t.track.path) for t in tracks if t.stage == "embedded"]
        assert len(embedded) == len(set(embedded))
        assert finished <= set(embedded)
        finished = set(embedded)
        if (place.indexes / "vggish" / "manifest.json").exists():
            verify(place.indexes / "vggish")
    report = place.build(*CHOSEN)
    assert report["extracted"] == 24 - len(finished)
    assert (report["indexed"], report["tracks"]) == (8, 24)
    neighbours = answers(place)
    shutil.rmtree(place.indexes)
    place.build(*CHOSEN)
    assert answers(place) == neighbours


# -- readers -----------------------------------------------------------------------------------

READ = """
import json, sys
from artistindex.index.reader import ArtistIndex

folder, reads, names = sys.argv[1], int(sys.argv[2]), json.loads(sys.argv[3])
seen = {}
for number in range(reads):
    with ArtistIndex.open(folder) as index:
        name = names[number % len(names)]
        found = [(each.artist, round(each.score, 5)) for each in index.neighbours(name)]
    seen.setdefault(name, set()).add(json.dumps(found))
print(json.dumps({name: sorted(several) for name, several in seen.items()}))
"""

BUILD_AGAIN = """
import sys
from pathlib import Path
from artistindex import build

built = 0
while not Path("stop").exists():
    report = build(audio=Path("music"), indexes=Path("indexes"), models=["vggish"],
                   engine="openvino", tracks=1 + built % 2)
    assert report.indexes[0].changed, "every build writes another index"
    built += 1
print(built)
"""


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_eight_readers_while_builds_run(place: Place) -> None:
    """Ten thousand reads: none fails, and each sees the index of one build or of another."""
    write_music(place.music, {f"Artist {n}": 2 for n in range(6)}, seconds=SECONDS)
    known: dict[str, set[str]] = {}
    for tracks in (1, 2):
        place.build(*CHOSEN, "--tracks", tracks)
        for name, neighbours in answers(place).items():
            known.setdefault(name, set()).add(json.dumps(neighbours))
    environment = os.environ | place.environment
    with subprocess.Popen(
        [sys.executable, "-c", BUILD_AGAIN],
        cwd=place.root,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    ) as builder:
        folder, names = str(place.indexes / "vggish"), json.dumps(list(known))
        readers = [
            subprocess.Popen(
                [sys.executable, "-c", READ, folder, "1250", names],
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            for _ in range(8)
        ]
        try:
            outcomes = [reader.communicate(timeout=500) for reader in readers]
        finally:
            (place.root / "stop").touch()
        built = int(builder.communicate(timeout=100)[0])
    assert built >= 3
    seen: dict[str, set[str]] = {}
    for reader, (out, err) in zip(readers, outcomes, strict=True):
        assert reader.returncode == 0, err
        for name, answers_seen in json.loads(out).items():
            seen.setdefault(name, set()).update(answers_seen)
    assert seen == known


# -- two at once ---------------------------------------------------------------------------------


def test_a_second_build_is_told_of_the_first(place: Place) -> None:
    write_music(place.music, {"Rezz": 1}, seconds=SECONDS)
    (place.music / "000.wav").rename(place.music / "sleepy.wav")
    saboteur = {"PYTHONPATH": str(Path(__file__).with_name("crash_injection"))}
    command = ("build", "--audio", place.music, *CHOSEN)
    with place.start(*command, env=saboteur) as first:
        deadline = time.monotonic() + 60
        while not (place.indexes / ".writer").exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        code, out, err = place.run(*command)
        _, early = first.communicate(timeout=120)
    assert first.returncode == 0, early
    assert (code, out) == (1, "")
    (line,) = err.splitlines()
    assert line.startswith("Error: ")
    assert f"process {first.pid} on" in line
    assert place.run("query", "Rezz")[0] == 0


# -- a full disk ---------------------------------------------------------------------------------


@contextmanager
def full_beyond(size: int) -> Iterator[None]:
    """No file can grow beyond `size` bytes: writing fails as it does on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.fixture
def build(run: Any, place: Place, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Builds in this process, without workers."""
    run.pool = InProcessPool()
    return lambda *arguments: run("build", "--audio", place.music, *CHOSEN, *arguments)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def one_line(outcome: tuple[int, str, str]) -> str:
    code, out, err = outcome
    assert (code, out) == (1, ""), err
    (line,) = (line for line in err.splitlines() if line.startswith("Error: "))
    assert "unexpected" not in line
    return line


def test_a_full_disk_keeps_the_old_index(build: Any, place: Place) -> None:
    write_music(place.music, {f"Artist {n}": 2 for n in range(12)}, seconds=SECONDS)
    build()
    before = contents(place.indexes / "vggish")
    with full_beyond(4096):
        line = one_line(build("--tracks", 1))
    assert "cannot write the index" in line
    assert "still in place" in line
    assert contents(place.indexes / "vggish") == before
    assert build("--tracks", 1)[0] == 0
    assert contents(place.indexes / "vggish") != before


def test_a_full_disk_keeps_the_library(build: Any, run: Any, place: Place) -> None:
    write_music(place.music, {"Rezz": 2}, seconds=SECONDS)
    build()
    size = (place.indexes / FILE_NAME).stat().st_size
    write_music(place.music / "more", {f"Artist {n}": 2 for n in range(40)}, seconds=0.1)
    with full_beyond(size + 4096):
        line = one_line(build())
    assert FILE_NAME in line
    assert "is there room on the disk?" in line
    with Library.open(place.indexes / FILE_NAME, read_only=True) as library:
        library.verify()
        assert library.counts()["track_vectors"] == 2
    assert run("query", "Rezz")[0] == 0
    assert run("info", "--verify")[0] == 0


def test_a_full_disk_keeps_the_weights(run: Any, place: Place) -> None:
    installed = place.root / "models" / "audioset-vggish-3.pb"
    before = installed.read_bytes()
    with full_beyond(10_000):
        file = place.root / "vggish.pb"
        line = one_line(run("models", "add", "vggish", file, "--unverified"))
    assert "cannot write the weights of vggish" in line
    assert contents(installed.parent).keys() == {".lock", installed.name, "weights.json"}
    assert installed.read_bytes() == before


# -- read-only -----------------------------------------------------------------------------------


READING = (("query", "Rezz"), ("info",), ("info", "--verify"), ("failures",))
BUILDING = ("build", "--model", "musicnn", "--engine", "openvino")


@pytest.fixture
def read_only(built: Place, run: Any) -> Iterator[Path]:
    """The indexes of `built`, where whoever runs the test can write nothing."""
    shutil.copytree(built.indexes, run.indexes)
    for command in (*READING, BUILDING):  # imports what nobody but root may be able to read
        assert run(*command)[0] == 0
    root = Path(tempfile.mkdtemp())
    shutil.copytree(built.indexes, root / "indexes")
    for path in (*root.rglob("*"), root):
        path.chmod(0o555 if path.is_dir() else 0o444)
    uid = os.geteuid()
    if uid == 0:
        os.seteuid(65534)
    run.indexes = root / "indexes"
    try:
        yield run.indexes
    finally:
        os.seteuid(uid)
        for path in (root, *root.rglob("*")):
            path.chmod(0o755)
        shutil.rmtree(root)


def test_a_read_only_folder_answers_and_is_not_written(read_only: Path, run: Any) -> None:
    before = sorted(read_only.rglob("*"))
    for command in READING:
        code, _, err = run(*command)
        assert code == 0, err
    for writing in (("forget", "Rezz"), BUILDING):
        code, out, err = run(*writing)
        assert (code, out) == (1, "")
        (line,) = (line for line in err.splitlines() if line.startswith("Error: "))
        assert "cannot write" in line
    assert sorted(read_only.rglob("*")) == before
    assert Manifest.read(read_only / "vggish").artists == 4


# Imports a pack into a folder again and again, each time in a fork that is killed after a while.
FIRST_IMPORTS = """
import os, random, shutil, signal, sys, time
from pathlib import Path
import faiss, filelock
from artistindex.cli import run
from artistindex.packs import import_ as importing

pack, folder, kills = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
draw = random.Random(0)
for number in range(kills):
    shutil.rmtree(folder, ignore_errors=True)
    heard, told = os.pipe()
    pid = os.fork()
    if not pid:
        os.write(told, b"!")
        importing.import_pack(pack, folder)
        os._exit(0)
    os.read(heard, 1)
    time.sleep(draw.random() * 0.06)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    os.close(heard)
    os.close(told)
    begun = (folder / "library.sqlite3").exists()
    if run(["--indexes", str(folder), "--quiet", "info", "--verify"]) != (0 if begun else 1):
        sys.exit(f"killed import {number} left {sorted(folder.iterdir())}")
"""


@pytest.mark.slow
def test_a_first_import_that_is_killed_leaves_nothing_damaged(planted, tmp_path: Path) -> None:
    export_pack(tmp_path / "pack.zip", planted(dimension=128).parent)
    folders = map(str, (tmp_path / "pack.zip", tmp_path / "first"))
    arguments = [sys.executable, "-c", FIRST_IMPORTS, *folders]
    result = subprocess.run([*arguments, "100"], capture_output=True, text=True, timeout=200)
    assert result.returncode == 0, result.stderr
