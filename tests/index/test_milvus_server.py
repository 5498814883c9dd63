"""The server of Milvus, as the package `milvus` has it, answers as Milvus Lite does."""

import shutil
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from artistindex.entities import Artist, VectorKey
from artistindex.index.milvus_push import push
from artistindex.index.reader import ArtistIndex
from artistindex.index.sidecar import UsedTrack
from artistindex.index.writer import write_index

pytestmark = [pytest.mark.slow, pytest.mark.process, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The address of a server that runs for these tests alone."""
    milvus = pytest.importorskip("milvus", reason="needs the package milvus, a server in a wheel")
    folder = tempfile.mkdtemp()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = milvus.MilvusServer(debug=False)
    server.set_base_dir(folder)
    server.listen_port = port
    try:
        server.start()
    except TimeoutError as error:
        server.stop()
        pytest.skip(f"the server does not start here: {error}")
    yield f"milvus:http://127.0.0.1:{server.listen_port}"
    server.stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.parametrize("kind", ["flat", "hnsw"])
def test_a_server_answers_as_the_folder_does(server: str, tmp_path: Path, kind: str) -> None:
    random = np.random.default_rng(0)
    names = ["Sigur Rós", "The \"Quoted\" \\ 'Band'", *(f"Artist {n}" for n in range(1500))]
    vectors = random.normal(size=(len(names), 32)).astype(np.float32)
    write_index(
        tmp_path / "vggish",
        key=VectorKey("vggish", "a" * 64),
        artists=[Artist(name, {"spotify": f"id-{at}"}) for at, name in enumerate(names)],
        vectors=vectors,
        tracks=[[UsedTrack(f"{name}'s song", vector=vectors[at])] for at, name in enumerate(names)],
        licence="none",
        kind=kind,
    )
    place = f"{server}#{kind}"
    with ArtistIndex.open(tmp_path / "vggish") as near:
        assert str(push(near, place)) == place
        push(near, place)  # the second takes the place of the first
        with ArtistIndex.open(place) as far:
            same = 0
            for name in ("sigur ros", names[1], "spotify:id-7", *names[10:40]):
                assert far.row(name) == near.row(name)
                ours, theirs = far.neighbours(name), near.neighbours(name)
                scores = {row.artist: row.score for row in theirs}
                shared = [row for row in ours if row.artist in scores]
                assert all(
                    row.score == pytest.approx(scores[row.artist], abs=1e-6) for row in shared
                )
                same += len(shared)
            assert same >= (330 if kind == "flat" else 320)
            np.testing.assert_array_equal(far.vectors[:50], near.vectors[:50])
