"""A scheduler and its nodes as processes of their own, which are killed and lose the music."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import sounds
from artistindex.library.library import FILE_NAME, Library
from builds import Place, write_music

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

CRASH_INJECTION = Path(__file__).parents[1] / "crash_injection"

# Builds from `music` and prints what came of it.
BUILD = """
import json, sys
from artistindex import build

address, timeout = sys.argv[1:]
if __name__ == "__main__":
    where = {"workers": 2} if address == "here" else {"cluster": address}
    indexes = f"indexes-{address.partition(':')[0]}"
    report = build(audio="music", indexes=indexes, models=["musicnn"], engine="openvino",
                   tracks=100, timeout=float(timeout), **where)
    reasons = sorted([stage, why, n] for (stage, why), n in report.extraction.reasons.items())
    print(json.dumps({"embedded": report.extraction.embedded, "failed": report.extraction.failed,
                      "reasons": reasons}))
"""


def free_port() -> int:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        return int(server.getsockname()[1])


class Cluster:
    """A scheduler on loopback, and the nodes that were started for it."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.port = free_port()
        self._processes: list[subprocess.Popen[str]] = []
        self.scheduler = self.start(
            *("-m", "distributed.cli.dask_scheduler", "--host", "127.0.0.1"),
            *("--port", str(self.port), "--no-dashboard"),
        )

    @property
    def address(self) -> str:
        return f"tcp://127.0.0.1:{self.port}"

    def log(self, number: int) -> Path:
        """Where the process that was started as such a number says what it does."""
        return self.place.root / f"log-{number}"

    def start(self, *arguments: str, before: tuple[str, ...] = ()) -> subprocess.Popen[str]:
        injected = {"PYTHONPATH": str(CRASH_INJECTION)}
        with self.log(len(self._processes)).open("w") as log:
            process = subprocess.Popen(
                [*before, sys.executable, *arguments],
                env=os.environ | self.place.environment | injected,
                cwd=self.place.root,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                start_new_session=True,
            )
        self._processes.append(process)
        return process

    def node(self, *, host: str = "127.0.0.1", before: tuple[str, ...] = ()) -> Any:
        arguments = ("-m", "artistindex", "worker", self.address, "--workers", "1", "--host", host)
        return self.start(*arguments, before=before)

    def build(self, timeout: float = 60) -> subprocess.Popen[str]:
        (self.place.root / "build.py").write_text(BUILD)
        return self.start("build.py", self.address, str(timeout))

    def end(self) -> None:
        for process in self._processes:
            kill_group(process)
            process.communicate()


def kill_group(process: subprocess.Popen[str]) -> None:
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def outcome(build: subprocess.Popen[str]) -> dict[str, Any]:
    out, _ = build.communicate(timeout=200)
    assert build.returncode == 0
    report: dict[str, Any] = json.loads(out)
    return report


def wait_for(condition: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "what was waited for did not come"
        time.sleep(0.02)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


@pytest.fixture
def cluster(place: Place) -> Iterator[Cluster]:
    new_cluster = Cluster(place)
    yield new_cluster
    new_cluster.end()


def add(place: Place, *names: str) -> None:
    """Add tracks that are called so, all of one artist."""
    for number, name in enumerate(names, 500):
        path = sounds.write(place.music / f"{name}.wav", sounds.music(4, seed=number))
        sounds.tag(path, artist="Troubled", title=name)


def stages(place: Place, folder: str = "indexes-tcp") -> Counter[str]:
    """How many tracks have come how far, once nothing in the library contradicts that."""
    with Library.open(place.root / folder / FILE_NAME, read_only=True) as library:
        library.verify()
        tracks = library.stages()
        keys = library.keys()  # of both layers
        assert all(count == tracks["embedded"] for _, count in keys), "a track is lost or doubled"
        assert len(library.failures()) <= tracks.get("fetched", 0)
        return Counter({str(stage): count for stage, count in tracks.items()})


def test_poisoned_tracks_cost_themselves_alone_and_are_named(
    cluster: Cluster, place: Place
) -> None:
    write_music(place.music, {f"Artist {n}": 2 for n in range(6)})
    add(place, "segfault", "killed", "exits", "endless")
    cluster.node()
    cluster.node()
    far = outcome(cluster.build(timeout=8))
    assert (far["embedded"], far["failed"]) == (12, 4)
    assert far["reasons"] == [
        ["decode", "its worker process ended with exit code 7", 1],
        ["decode", "its worker process was killed by signal 11 (SIGSEGV)", 1],
        ["decode", "its worker process was killed by signal 9 (SIGKILL; out of memory?)", 1],
        ["decode", "took longer than 8 s and was ended", 1],
    ]
    assert stages(place) == {"embedded": 12, "fetched": 4}
    assert far == outcome(cluster.start("build.py", "here", "8"))


def test_a_node_that_is_killed_costs_a_retry(cluster: Cluster, place: Place) -> None:
    write_music(place.music, {f"Artist {n}": 2 for n in range(6)})
    add(place, "sleepy")
    doomed = cluster.node()
    build = cluster.build()
    wait_for((place.music / "sleepy.wav.begun").exists)
    kill_group(doomed)  # while it holds this track, and the next
    cluster.node()
    assert outcome(build) == {"embedded": 13, "failed": 0, "reasons": []}
    assert stages(place) == {"embedded": 13}


def test_a_share_that_vanishes_leaves_tracks_for_the_next_build(
    cluster: Cluster, place: Place
) -> None:
    write_music(place.music, {f"Artist {n}": 2 for n in range(6)})
    add(place, "sleepy")
    cluster.node()
    build = cluster.build()
    wait_for((place.music / "sleepy.wav.begun").exists)
    place.music.rename(place.root / "unmounted")  # while this track is embedded
    report = outcome(build)
    ((stage, reason, count),) = report["reasons"]
    assert (stage, reason) == ("read", "cannot be read: No such file or directory")
    assert report["embedded"] + report["failed"] == 13
    assert count == report["failed"] >= 6
    (place.root / "unmounted").rename(place.music)
    again = outcome(cluster.build())
    assert again == {"embedded": count, "failed": 0, "reasons": []}
    assert stages(place) == {"embedded": 13}


def test_what_one_node_cannot_read_is_read_by_another(cluster: Cluster, place: Place) -> None:
    write_music(place.music, {f"Artist {n}": 2 for n in range(4)})
    hidden = (
        "unshare",
        "--mount",
        "sh",
        "-c",
        f'mount -t tmpfs tmpfs "{place.music}" && exec "$@"',
    )
    if subprocess.run([*hidden, "sh", "true"], capture_output=True).returncode:
        pytest.skip("needs leave to mount something")
    cluster.node(host="127.0.0.2", before=(*hidden, "sh"))
    cluster.node()
    logs = [cluster.log(1), cluster.log(2)]
    wait_for(lambda: all("Registered to" in log.read_text() for log in logs))
    assert outcome(cluster.build()) == {"embedded": 8, "failed": 0, "reasons": []}
    assert stages(place) == {"embedded": 8}


def test_a_scheduler_that_dies_ends_the_build_and_keeps_what_was_done(
    cluster: Cluster, place: Place
) -> None:
    write_music(place.music, {f"Artist {n}": 2 for n in range(6)})
    add(place, "sleepy")
    cluster.node()
    command = ("build", "--audio", place.music, "--model", "musicnn", "--engine", "openvino")
    with place.start(*command, "--cluster", cluster.address) as build:
        wait_for((place.music / "sleepy.wav.begun").exists)
        kill_group(cluster.scheduler)
        out, err = build.communicate(timeout=120)
    assert (build.returncode, out) == (1, "")
    line = err.splitlines()[-1]
    assert line.startswith(
        "Error: the connection to the cluster is lost: what was finished is kept"
    )
    done = stages(place, "indexes").get("embedded", 0)
    assert place.build("--model", "musicnn", "--engine", "openvino")["extracted"] == 13 - done
