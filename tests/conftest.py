"""What every test gets: folders of its own, and planted vectors."""

import inspect
import itertools
import logging
import os
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import hypothesis
import numpy as np
import pytest
from filelock import FileLock
from numpy.typing import NDArray

import sounds
from artistindex.embedding.registry import MODELS
from artistindex.entities import Artist, VectorKey
from artistindex.index.sidecar import UsedTrack
from artistindex.index.writer import write_index
from builds import InProcessPool, Place, write_music
from services import JumpingClock

# how long an example takes says more of the machine than of the code
hypothesis.settings.register_profile("patient", deadline=None)
hypothesis.settings.load_profile("patient")

# What starts from here, the processes of xdist and the commands under test, has one core of its
# own, and need not compile every module anew.
os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

_OF_MANY_PROCESSES = {"built", "online", "multiprocessing", "subprocess"}
"""Fixtures and modules: what names them starts processes; else a module says so by `pytestmark`."""

_OF_THE_PERSON = (
    "ARTISTINDEX_INDEXES",
    "ARTISTINDEX_CONFIG",
    "ARTISTINDEX_CONTACT",
    "ARTISTINDEX_SPOTIFY_CONFIG",
    "SPOTIPY_CLIENT_ID",
    "SPOTIPY_CLIENT_SECRET",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "http_proxy",
    "https_proxy",
    "all_proxy",
)
SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"


def pytest_configure() -> None:
    """Let Ctrl-C reach what the tests start, also where a shell has pytest in the background."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test as of a browser, of several processes, or of this process alone."""
    for item in items:
        if not isinstance(item, pytest.Function):
            continue
        function = inspect.unwrap(item.function)
        names = {*item.fixturenames, *function.__code__.co_names}
        if "driver" in item.fixturenames:
            item.add_marker("browser")
        elif names & _OF_MANY_PROCESSES:
            item.add_marker("process")
        elif not {"process", "slow"} & {mark.name for mark in item.iter_markers()}:
            item.add_marker("unit")


OnceForAll = Callable[[str, Callable[[Path], object]], Path]


@pytest.fixture(scope="session")
def once_for_all(tmp_path_factory: pytest.TempPathFactory) -> OnceForAll:
    """Fills a folder once for all processes of a run, which share it: none may change it."""
    root = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        root = root.parent

    def folder_of(name: str, fill: Callable[[Path], object]) -> Path:
        folder, complete = root / name, root / f"{name}.complete"
        with FileLock(root / f"{name}.lock"):
            if not complete.exists():
                shutil.rmtree(folder, ignore_errors=True)
                folder.mkdir()
                fill(folder)
                complete.touch()
        return folder

    return folder_of


@pytest.fixture(scope="session")
def _homes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Names of folders, none of which is there."""
    root = tmp_path_factory.mktemp("homes")
    return (root / str(number) for number in itertools.count())


@pytest.fixture(autouse=True)
def _own_folders(_homes: Iterator[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads or writes the caches, models, credentials or settings of whoever runs it."""
    home = next(_homes)
    home.mkdir()
    monkeypatch.setenv("ARTISTINDEX_CACHE", str(home / "cache"))
    monkeypatch.setenv("ARTISTINDEX_MODELS", str(home / "models"))
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / "config"))
    for name in _OF_THE_PERSON:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="session", autouse=True)
def _weights_of_our_own_making_are_trusted() -> Iterator[None]:
    """Stand-ins are not tried in a process of their own, which takes seconds (test_trial.py)."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("artistindex.embedding.weights.try_weights", lambda *_: None)
        yield


@pytest.fixture(scope="session", autouse=True)
def _nothing_waits_for_the_disk() -> Iterator[None]:
    """What tests leave need not outlast a power cut; kills are tried on processes of their own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("os.fsync", lambda _: None)
        yield


@pytest.fixture(scope="session")
def httpserver_listen_address() -> tuple[str, int]:
    return ("127.0.0.1", 0)


@pytest.fixture
def clock() -> JumpingClock:
    """A clock for clients of services: it jumps instead of waiting."""
    return JumpingClock()


@pytest.fixture(scope="session")
def built(once_for_all: OnceForAll) -> Place:
    """Four artists with two tracks each, in every format, embedded by Essentia with three models.

    For all tests together: none may change it.
    """
    return Place(once_for_all("built", _build))


def _build(folder: Path) -> None:
    place = Place(folder)
    with pytest.MonkeyPatch.context() as environment:
        place.add_stand_ins(environment, "discogs-effnet", "vggish")
    tracks = dict.fromkeys(("Rezz", "Sigur Rós", "AC/DC", "ハハ"), 2)
    write_music(place.music, tracks, suffixes=sounds.FORMATS)
    models = ("discogs-effnet", "vggish", "musicnn")
    chosen = [word for model in models for word in ("--model", model)]
    report = place.build("--engine", "essentia", *chosen)
    assert report["indexed"] == 4


@pytest.fixture
def shared() -> Path:
    """The folder of shared data; skips where there is none."""
    if not SHARED.is_dir():
        pytest.skip("needs the shared data, which lies beside the project")
    return SHARED


_LAST_RESORT = logging.lastResort


@pytest.fixture
def run(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> "Run":
    """Runs a command line in this process: `run("query", "Rezz")` -> (code, stdout, stderr)."""
    return Run(tmp_path / "indexes", capfd)


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    """What a command sets of logging is undone."""
    logger = logging.getLogger("artistindex")
    yield
    logger.setLevel(logging.NOTSET)
    logger.handlers.clear()
    logging.lastResort = _LAST_RESORT


class Run:
    """A command line bound to a folder of indexes; `pool` embeds in place of worker processes."""

    def __init__(self, indexes: Path, capfd: pytest.CaptureFixture[str]) -> None:
        self.indexes = indexes
        self.pool: InProcessPool | None = None
        self._capfd = capfd

    def __call__(self, *arguments: object) -> tuple[int, str, str]:
        from artistindex.cli import run

        self._capfd.readouterr()
        code = run(["--indexes", str(self.indexes), *map(str, arguments)], pool=self.pool)
        output = self._capfd.readouterr()
        return code, output.out, output.err


@pytest.fixture
def planted(tmp_path: Path) -> Callable[..., Path]:
    """Writes an index of given or random vectors: `planted({"A": [1, 0], "B": [0, 1]})`."""

    def plant(
        vectors: dict[str, NDArray[np.float32]] | None = None,
        *,
        count: int = 20,
        dimension: int = 8,
        model: str = "vggish",
        folder: Path | None = None,
        seed: int = 0,
    ) -> Path:
        if vectors is None:
            rows = np.random.default_rng(seed).normal(size=(count, dimension))
            vectors = {f"Artist {at}": row.astype(np.float32) for at, row in enumerate(rows)}
        target = (folder or tmp_path / "indexes") / model
        published = MODELS[model].sha256 if model in MODELS else None
        write_index(
            target,
            key=VectorKey(model, published or "a" * 64),
            artists=[Artist(name) for name in vectors],
            vectors=np.array(list(vectors.values()), np.float32),
            tracks=[[UsedTrack(f"{name}'s song")] for name in vectors],
            licence="none",
        )
        return target

    return plant
