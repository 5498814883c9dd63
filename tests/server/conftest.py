"""A served index of made vectors, asked in this process."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import uvicorn
from defusedxml import ElementTree
from starlette.testclient import TestClient

from artistindex.entities import Artist, VectorKey
from artistindex.index.sidecar import UsedTrack
from artistindex.index.writer import write_index
from artistindex.server.app import create_app
from artistindex.server.settings import Settings

NAMES = ("Rezz", "deadmau5", "Sigur Rós", "AC/DC", "ハハ", "Beyoncé", "Tyler, The Creator", "Vril")
MUSIC = Path("/home/somebody/Music")


def write_served_index(folder: Path, *, seed: int = 0, names: tuple[str, ...] = NAMES) -> Path:
    """Eight artists with three tracks each, whose files are said to lie in somebody's music."""
    random = np.random.default_rng(seed)
    vectors = random.normal(size=(len(names), 8)).astype(np.float32)
    write_index(
        folder,
        key=VectorKey("vggish", "a" * 64),
        artists=[
            Artist(name, {"musicbrainz": f"{at:08d}-0000-4000-8000-000000000000"})
            for at, name in enumerate(names)
        ],
        vectors=vectors,
        tracks=[
            [_track(name, number, vectors[at], random) for number in range(3)]
            for at, name in enumerate(names)
        ],
        licence="none",
    )
    return folder


def _track(name: str, number: int, vector: Any, random: np.random.Generator) -> UsedTrack:
    return UsedTrack(
        title=f"Song {number}",
        album="First",
        recording=hash_of(name, number),
        ids={"musicbrainz": f"{hash_of(name, number):08d}-0000-4000-8000-00000000abcd"},
        path=MUSIC / name.replace("/", "_") / f"{number} Song.flac",
        vector=(vector + 0.3 * random.normal(size=8)).astype(np.float32),
    )


def hash_of(name: str, number: int) -> int:
    """A number for a recording, the same in every run."""
    return sum(map(ord, name)) * 10 + number


def parse_xml(content: bytes) -> Any:
    """The root of a document."""
    return ElementTree.fromstring(content)


@pytest.fixture(scope="session")
def served_index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an index that no test may change."""
    return write_served_index(tmp_path_factory.mktemp("served") / "vggish")


@pytest.fixture
def serving(served_index: Path) -> Iterator[Callable[..., TestClient]]:
    """Serves the index in this process: `serving(token="...")` -> a client."""
    with ExitStack() as stack:

        def start(folder: Path = served_index, **settings: Any) -> TestClient:
            app = create_app(Settings(folder, **settings))
            return stack.enter_context(TestClient(app, base_url="http://localhost"))

        yield start


@pytest.fixture
def client(serving: Callable[..., TestClient]) -> TestClient:
    return serving()


@contextmanager
def listening(app: Any, **options: Any) -> Iterator[int]:
    """Serve an application by uvicorn, in a thread, on a free port of the loopback."""
    config = uvicorn.Config(app, log_config=None, lifespan="on", ws="none", **options)
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join()
