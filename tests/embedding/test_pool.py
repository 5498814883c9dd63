"""Workers that crash, hang, are killed or interrupted, each a real process of its own."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

import sounds
from builds import Place, write_music

pytestmark = pytest.mark.process

CRASH_INJECTION = Path(__file__).parents[1] / "crash_injection"

# Submits the files named on the command line and prints what becomes of each.
SUBMIT = """
import json, sys, time
from pathlib import Path
from artistindex.embedding.pool import WorkerPool
from artistindex.errors import TrackError
from artistindex.embedding.embed import Job

workers, timeout, *paths = sys.argv[1:]
with WorkerPool(int(workers), timeout=float(timeout)) as pool:
    jobs = [Job(at, Path(path), path, ()) for at, path in enumerate(paths)]
    flying = [(job, pool.submit(job)) for job in jobs]
    for job, future in flying:
        outcome = future.result()
        failed = isinstance(outcome, TrackError)
        name = Path(job.path).stem
        if failed:
            print(json.dumps([name, outcome.stage, outcome.reason, outcome.retryable]))
        else:
            print(json.dumps([name, round(outcome.duration, 2)]))
"""


def submit(
    folder: Path, names: list[str], *, workers: int = 1, timeout: float = 60
) -> list[list[object]]:
    """What a pool makes of files so called: [name, duration] or [name, what is in the error]."""
    for name in names:
        sounds.write(folder / f"{name}.wav", sounds.tone(440, 1))
    paths = [str(folder / f"{name}.wav") for name in names]
    result = subprocess.run(
        [sys.executable, "-c", SUBMIT, str(workers), str(timeout), *paths],
        env=os.environ | {"PYTHONPATH": str(CRASH_INJECTION)},
        capture_output=True,
        text=True,
        timeout=200,
        check=True,
    )
    assert result.stderr == ""
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_a_worker_that_dies_costs_the_track_that_it_had(tmp_path: Path) -> None:
    names = ["fine", "segfault", "also", "killed", "exits", "last"]
    assert submit(tmp_path, names, workers=2) == [
        ["fine", 1.0],
        ["segfault", "decode", "its worker process was killed by signal 11 (SIGSEGV)", True],
        ["also", 1.0],
        [
            "killed",
            "decode",
            "its worker process was killed by signal 9 (SIGKILL; out of memory?)",
            True,
        ],
        ["exits", "decode", "its worker process ended with exit code 7", True],
        ["last", 1.0],
    ]


def test_a_track_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    assert submit(tmp_path, ["fine", "endless", "last"], timeout=5) == [
        ["fine", 1.0],
        ["endless", "decode", "took longer than 5 s and was ended", True],
        ["last", 1.0],
    ]


KILL_IDLE = """
import os, signal, sys, time
from pathlib import Path
import psutil
from artistindex.embedding.pool import WorkerPool
from artistindex.embedding.embed import Job

def run(pool):
    return round(pool.submit(Job(1, Path(sys.argv[1]), "a", ())).result().duration, 2)

def workers():
    found = psutil.Process().children()
    return [one for one in found if "--multiprocessing-fork" in one.cmdline()]

with WorkerPool(2) as pool:
    for _ in range(3):
        assert run(pool) == 1.0
        for worker in workers()[: int(sys.argv[2])]:
            worker.kill()
        time.sleep(float(sys.argv[3]))
    assert run(pool) == 1.0
    assert len(workers()) <= 2, "workers of a broken pool stayed"
assert not workers()
"""


@pytest.mark.parametrize(("killed", "pause"), [(1, 1.0), (2, 1.0), (2, 0.0)])
def test_a_worker_killed_while_idle_is_replaced(tmp_path: Path, killed: int, pause: float) -> None:
    path = sounds.write(tmp_path / "fine.wav", sounds.tone(440, 1))
    result = subprocess.run(
        [sys.executable, "-c", KILL_IDLE, str(path), str(killed), str(pause)],
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert result.returncode == 0, result.stderr


NEVER_START = """
import sys
from pathlib import Path
from artistindex.embedding.pool import WorkerPool
from artistindex.errors import EngineError
from artistindex.embedding.embed import Job

try:
    with WorkerPool(1) as pool:
        pool.submit(Job(1, Path("x.wav"), "x", ())).result()
except EngineError as error:
    print(error)
"""


def test_workers_that_only_die_end_the_build(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import os, sys\nif '--multiprocessing-fork' in sys.orig_argv:\n    os._exit(9)\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", NEVER_START],
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert "die before they begin" in result.stdout, result.stderr


NO_ROOM = """
import os, resource
from pathlib import Path
from artistindex.embedding.pool import WorkerPool
from artistindex.errors import EngineError
from artistindex.embedding.embed import Job

_, most = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (len(os.listdir("/proc/self/fd")), most))
try:
    with WorkerPool(1) as pool:
        pool.submit(Job(1, Path("x.wav"), "x", ())).result()
except EngineError as error:
    print(error, error.remedy)
"""


WITHOUT_GUARD = """
import os
from pathlib import Path
from artistindex.embedding.pool import WorkerPool
from artistindex.embedding.embed import Job

before = dict(os.environ)
with WorkerPool(1) as pool:
    print(round(pool.submit(Job(1, Path(PATH), "x", ())).result().duration, 2))
assert dict(os.environ) == before, "a worker's settings are not this program's"
"""


@pytest.mark.parametrize("way", ["a script", "standard input"])
def test_a_program_without_a_guard_is_not_run_again_by_its_workers(
    tmp_path: Path, way: str
) -> None:
    path = sounds.write(tmp_path / "fine.wav", sounds.tone(440, 1))
    code = f"PATH = {str(path)!r}\n{WITHOUT_GUARD}"
    script = tmp_path / "script.py"
    script.write_text(code)
    result = subprocess.run(
        [sys.executable, script if way == "a script" else "-"],
        input=code,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert (result.returncode, result.stdout) == (0, "1.0\n"), result.stderr


DAEMON = """
import multiprocessing, sys
from pathlib import Path
from artistindex.embedding.pool import WorkerPool
from artistindex.errors import EngineError
from artistindex.embedding.embed import Job

def work():
    try:
        with WorkerPool(1) as pool:
            pool.submit(Job(1, Path("x.wav"), "x", ())).result()
    except EngineError as error:
        print(error, flush=True)

process = multiprocessing.get_context("fork").Process(target=work, daemon=True)
process.start()
process.join()
"""


def test_a_daemonic_process_cannot_have_workers() -> None:
    result = subprocess.run(
        [sys.executable, "-c", DAEMON], capture_output=True, text=True, timeout=60, check=False
    )
    assert "since this one is daemonic" in result.stdout, result.stderr


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="counts open files in /proc")
def test_a_worker_that_cannot_be_started_ends_the_build() -> None:
    result = subprocess.run(
        [sys.executable, "-c", NO_ROOM], capture_output=True, text=True, timeout=60, check=False
    )
    assert "no worker process can start" in result.stdout, result.stderr
    assert "Too many open files" in result.stdout
    assert "more_files" in result.stdout


# -- interrupts --------------------------------------------------------------------------------


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """Tracks of which the third takes two seconds to decode."""
    place = Place(tmp_path)
    paths = write_music(place.music, {"Rezz": 4})
    paths[2].rename(place.music / "sleepy.wav")
    return place


BUILD = ("build", "--model", "musicnn", "--engine", "openvino", "--workers", 2)


def start(place: Place) -> subprocess.Popen[str]:
    return place.start(*BUILD, "--audio", place.music, env={"PYTHONPATH": str(CRASH_INJECTION)})


def family(process: subprocess.Popen[str]) -> list[psutil.Process]:
    return psutil.Process(process.pid).children(recursive=True)


def wait_until(condition: Callable[[], object], *, seconds: float = 60) -> None:
    for _ in range(int(seconds * 20)):
        if condition():
            return
        time.sleep(0.05)
    raise AssertionError("waited in vain")


def finish(process: subprocess.Popen[str], workers: list[psutil.Process]) -> tuple[str, str]:
    """Its output once it and its workers are gone."""
    out, err = process.communicate(timeout=60)
    _, alive = psutil.wait_procs(workers, timeout=10)
    assert not alive
    return out, err


@pytest.mark.parametrize(
    ("number", "moment"),
    [
        (signal.SIGINT, "starting"),
        pytest.param(signal.SIGINT, "working", marks=pytest.mark.slow),
        pytest.param(signal.SIGTERM, "working", marks=pytest.mark.slow),
    ],
)
def test_an_interrupted_build_leaves_one_line_and_no_process(
    place: Place, number: signal.Signals, moment: str
) -> None:
    """The signal reaches the workers too: each would print a traceback, or lose its track."""
    with start(place) as process:
        wait_until(lambda: len(family(process)) >= 2)
        if moment == "working":
            wait_until((place.music / "sleepy.wav.begun").exists)
        workers = family(process)
        os.killpg(process.pid, number)
        out, err = finish(process, workers)
    assert process.returncode == 130
    assert out == ""
    assert err.strip() == (
        "Error: interrupted; what was finished is kept, the same command goes on from there"
    )
    assert place.build("--model", "musicnn", "--engine", "openvino")["tracks"] == 4


@pytest.mark.parametrize("pause", [0.0, 0.02, 0.2])
def test_a_second_interrupt_changes_nothing(place: Place, pause: float) -> None:
    with start(place) as process:
        wait_until(lambda: len(family(process)) >= 3)
        workers = family(process)
        for _ in range(3):
            os.killpg(process.pid, signal.SIGINT)
            time.sleep(pause)
        _, err = finish(process, workers)
    assert (process.returncode, len(err.strip().splitlines())) == (130, 1), err


def test_workers_end_with_a_killed_parent(place: Place) -> None:
    with start(place) as process:
        wait_until(lambda: len(family(process)) >= 3)
        workers = family(process)
        process.kill()
        finish(process, workers)
    report = place.build("--model", "musicnn", "--engine", "openvino")
    assert report["tracks"] == 4


@pytest.mark.slow
def test_a_crashing_decoder_costs_one_track_of_a_build(tmp_path: Path) -> None:
    place = Place(tmp_path)
    paths = write_music(place.music, {"Rezz": 4}, suffixes=(".flac",))
    paths[1].rename(place.music / "segfault.flac")
    paths[2].rename(place.music / "killed.flac")
    chosen = ("--model", "musicnn", "--engine", "openvino")
    report = place.build(*chosen, env={"PYTHONPATH": str(CRASH_INJECTION)})
    assert (report["extracted"], report["failed_tracks"], report["indexed"]) == (2, 2, 1)
    code, out, _ = place.run("failures", "--format", "json")
    reasons = {Path(row["what"]).stem: row["reason"] for row in json.loads(out)}
    assert code == 0
    assert "signal 11 (SIGSEGV)" in reasons["segfault"]
    assert "signal 9 (SIGKILL" in reasons["killed"]
    assert place.build(*chosen, "--retry-failed")["tracks"] == 4


MEASURE = """
import json, sys, threading, time
from pathlib import Path
import psutil
from artistindex import build
from artistindex._util.progress import NullReporter

class Weigh(NullReporter):
    def __init__(self):
        self.sizes = []
    def finished(self, label, *, audio_seconds, failed):
        family = [psutil.Process(), *psutil.Process().children(recursive=True)]
        self.sizes.append(sum(one.memory_info().rss for one in family))

reporter = Weigh()
build(audio=Path("music"), indexes=Path("indexes"), models=sys.argv[2:], engine=sys.argv[1],
      tracks=1000, workers=1, reporter=reporter)
print(json.dumps(reporter.sizes))
"""


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("engine", ["essentia", "openvino"])
def test_memory_stays_flat_over_200_tracks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, engine: str
) -> None:
    """The median of the last forty tracks against that of forty tracks after warming up."""
    place = Place(tmp_path)
    place.add_stand_ins(monkeypatch, "discogs-effnet", "vggish")
    write_music(place.music, {"Rezz": 200}, suffixes=sounds.FORMATS, seconds=2.2)
    result = subprocess.run(
        [sys.executable, "-c", MEASURE, engine, "discogs-effnet", "vggish"],
        env=os.environ | place.environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=500,
        check=True,
    )
    sizes = json.loads(result.stdout)
    assert len(sizes) == 200
    early, late = sorted(sizes[40:80]), sorted(sizes[160:])
    assert late[20] - early[20] < 20e6, [size // 1_000_000 for size in sizes[::20]]
