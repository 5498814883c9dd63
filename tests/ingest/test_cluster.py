"""A Dask cluster as a pool: here in this process, its worker processes real (see test_nodes.py)."""

import pickle
from collections.abc import Iterator
from concurrent.futures import CancelledError
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from artistindex._util.dirs import cache_folder
from artistindex._util.files import sha256_file
from artistindex.embedding import weights
from artistindex.embedding.embed import Job, ModelConfig
from artistindex.embedding.engine import Engine
from artistindex.embedding.registry import spec_of
from artistindex.errors import (
    ClusterError,
    EngineError,
    Misuse,
    Remedy,
    TrackError,
    WeightsError,
)
from artistindex.index.reader import ArtistIndex
from artistindex.ingest import cluster, cluster_node
from artistindex.ingest.config import BuildConfig
from artistindex.ingest.pipeline import build
from artistindex.metadata.tags import Tags
from builds import InProcessPool, Place, write_music

pytestmark = pytest.mark.process

SECONDS = 1.2  # a little more than VGGish's patch


@pytest.fixture
def client() -> Iterator[Any]:
    """A client of a scheduler and a worker of one thread, both in this process."""
    distributed = pytest.importorskip("distributed")
    with (
        distributed.LocalCluster(
            n_workers=1,
            threads_per_worker=1,
            processes=False,
            protocol="tcp://",
            memory_limit=0,
            host="127.0.0.1",
            dashboard_address="127.0.0.1:0",
        ) as local,
        distributed.Client(local) as client,
    ):
        yield client


def neighbours(folder: Path) -> dict[str, list[str]]:
    with ArtistIndex.open(folder / "vggish") as index:
        return {name: [row.artist for row in index.neighbours(name)] for name in index.artists}


def test_a_cluster_builds_what_this_machine_builds(
    client: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The weights travel to the cache of the machine; a broken track costs itself alone."""
    place = Place(tmp_path)
    place.add_stand_ins(monkeypatch, "vggish")
    write_music(place.music, {"Rezz": 2, "Vril": 1, "Calibre": 1}, seconds=SECONDS)
    (place.music / "003.wav").write_bytes(b"no sound")
    config = BuildConfig(audio=place.music, models=["vggish"], engine="openvino")
    with cluster.ClusterPool(client, timeout=60) as pool:
        assert pool.workers == 1
        far = build(config, indexes=tmp_path / "far", pool=pool)
    near = build(config, indexes=tmp_path / "near", pool=InProcessPool())
    assert far.extraction.embedded == near.extraction.embedded == 3
    assert far.extraction.reasons == near.extraction.reasons
    assert far.failed == near.failed
    assert neighbours(tmp_path / "far") == neighbours(tmp_path / "near")
    with (
        ArtistIndex.open(tmp_path / "far/vggish") as one,
        ArtistIndex.open(tmp_path / "near/vggish") as other,
    ):
        assert one.artists == other.artists
        np.testing.assert_allclose(one.vectors, other.vectors, atol=1e-6)
    (arrived,) = cache_folder("cluster").iterdir()
    installed = weights.find_installed(spec_of("vggish"))
    assert sha256_file(arrived) == installed.sha256 == arrived.stem


def test_weights_that_arrive_altered_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Place(tmp_path).add_stand_ins(monkeypatch, "vggish")
    installed = weights.find_installed(spec_of("vggish"))
    content = installed.path.read_bytes()
    assert cluster_node.find_weights(installed) is None
    cluster_node.store_piece(installed, "driver", 0, content[:1000])
    with pytest.raises(WeightsError, match="vggish arrived altered on"):
        cluster_node.store_piece(installed, "driver", 1000, content[:-1000])
    assert list(cache_folder("cluster").iterdir()) == []
    cluster_node.store_piece(installed, "driver", 0, content[:1000])
    cluster_node.store_piece(installed, "driver", 1000, content[1000:])
    assert cluster_node.find_weights(installed) is not None


def test_weights_that_never_reach_a_machine_end_the_build(
    client: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Place(tmp_path).add_stand_ins(monkeypatch, "vggish")
    lost = replace(weights.find_installed(spec_of("vggish")), path=tmp_path / "lost.pb")
    job = Job(1, tmp_path / "a.wav", "a", (ModelConfig(lost, Engine.OPENVINO),))
    with cluster.ClusterPool(client, timeout=60) as pool:
        outcome = pool.submit(job)
        with pytest.raises(
            ClusterError, match=r"the weights of vggish do not reach tcp://.*lost\.pb"
        ):
            outcome.result(timeout=30)


def test_a_machine_of_another_version_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    order = cluster_node.Order.of(Job(1, Path("a.wav"), "a", ()), timeout=1)
    assert pickle.loads(pickle.dumps(order)).job().label == "a"
    with pytest.raises(ClusterError, match=r"runs artistindex .*, the build 0\.0\.1") as caught:
        replace(order, version="0.0.1").job()
    assert caught.value.remedy is Remedy.SAME_VERSION


@pytest.mark.parametrize("address", ["local:0", "local:two", "tcp://127.0.0.1:no", "%", "head:1"])
def test_what_is_no_address_is_misuse(address: str) -> None:
    with pytest.raises(Misuse), cluster.open_cluster(address, timeout=1):
        pass


def test_where_no_scheduler_is_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "SECONDS_TO_ANSWER", 0.3)
    with (
        pytest.raises(
            ClusterError, match=r"no scheduler answers at tcp://127\.0\.0\.1:9$"
        ) as error,
        cluster.open_cluster("tcp://127.0.0.1:9", timeout=1),
    ):
        pass
    assert error.value.remedy is Remedy.START_SCHEDULER


@pytest.mark.parametrize(
    ("address", "warned"),
    [
        ("tcp://127.0.0.1:8786", False),
        ("tcp://localhost:8786", False),
        ("tcp://[::1]:8786", False),
        ("tls://10.0.0.5:8786", False),
        ("tcp://10.0.0.5:8786", True),
        ("tcp://head-node:8786", True),
        ("tcp://0.0.0.0:8786", True),
    ],
)
def test_an_address_that_others_reach_is_warned_about(
    address: str, warned: bool, caplog: pytest.LogCaptureFixture
) -> None:
    cluster.check_address(address)
    assert bool(caplog.records) == warned


class Task:
    """What Dask gives for a task, of which only the outcome matters."""

    def __init__(self, outcome: Exception) -> None:
        self._outcome = outcome

    def result(self) -> Any:
        raise self._outcome


def test_what_ends_badly_is_the_tracks_the_clusters_or_the_models_fault() -> None:
    from distributed import KilledWorker

    outcome = cluster._answer(Task(KilledWorker("key", None, 3))).outcome
    assert isinstance(outcome, TrackError)
    assert (outcome.reason, outcome.retryable) == (
        "4 machines of the cluster died while they had it",
        True,
    )
    for error, remedy in (
        (CancelledError(), Remedy.GO_ON),
        (ModuleNotFoundError("No module named 'artistindex'"), Remedy.START_WORKERS),
    ):
        with pytest.raises(ClusterError) as caught:
            cluster._answer(Task(error))
        assert caught.value.remedy is remedy
    with pytest.raises(EngineError, match="no engine"):
        cluster._answer(Task(EngineError("no engine")))


def test_a_cluster_has_workers_of_its_own() -> None:
    with pytest.raises(Misuse, match="a cluster has its own"):
        BuildConfig(cluster="local:2", workers=2)


def test_the_workers_read_tags_too(client: Any, tmp_path: Path) -> None:
    paths = write_music(tmp_path, {"Rezz": 2}, seconds=0.1)
    missing = tmp_path / "missing.wav"
    with cluster.ClusterPool(client, timeout=60) as pool:
        first, lost, last = pool.read([paths[0], missing, paths[1]])
    assert isinstance(first, Tags)
    assert isinstance(last, Tags)
    assert (first.artists, last.titles) == (("Rezz",), ("Rezz 1",))
    assert isinstance(lost, TrackError)
    assert (lost.stage, lost.reason) == ("catalogue", "cannot be read: No such file or directory")
