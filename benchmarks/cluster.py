"""What a cluster costs beside the pool of this machine, and how many workers one driver feeds.

    python benchmarks/cluster.py --tracks 40 --seconds 60

Embeds the same made music with MusiCNN by worker processes and by Dask workers on loopback, one and
two of each, in turn. The rate is that from the first finished track to the last, so that starting
counts for nothing. Then workers that answer at once show what the driver can do alone: jobs out,
vectors back, commits. docs/cluster.md quotes it.
"""

import argparse
import pickle
import tempfile
import time
import wave
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from artistindex import build
from artistindex._util.progress import NullReporter
from artistindex.embedding.embed import EmbedResult, Job, ModelConfig
from artistindex.embedding.engine import Engine
from artistindex.embedding.registry import spec_of
from artistindex.embedding.weights import find_installed
from artistindex.entities import Artist, Track, TrackVector
from artistindex.errors import TrackError
from artistindex.ingest import cluster
from artistindex.ingest.cluster_node import Answer, Order
from artistindex.library.library import FILE_NAME, Library


class Times(NullReporter):
    """When each track was finished."""

    def __init__(self) -> None:
        self.at: list[float] = []

    def finished(self, label: str, *, audio_seconds: float, failed: bool) -> None:
        if failed:
            raise SystemExit(f"{label} failed")
        self.at.append(time.perf_counter())


def rate_of(music: Path, **where: Any) -> tuple[float, float]:
    """Tracks a second once work is under way, and seconds to the first."""
    times, started = Times(), time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        build(
            audio=music,
            indexes=folder,
            models=["musicnn"],
            engine="openvino",
            tracks=10_000,
            reporter=times,
            **where,
        )
    return (len(times.at) - 1) / (times.at[-1] - times.at[0]), times.at[0] - started


def answer_at_once(order: Order) -> Answer:
    """What a worker would say that needs no time: vectors of the size of two models'."""
    job = order.job()
    vectors = tuple(
        TrackVector(config.key(job.excerpt), np.ones(1280, np.float32), 60, "openvino")
        for config in job.models
    )
    return Answer("", EmbedResult(job.track_id, str(job.track_id), 200.0, 200.0, vectors, ()))


def driver_rate(jobs: int) -> tuple[float, int, int]:
    """Jobs a second of a driver that waits for nobody, and bytes of a job and of its answer."""
    config = ModelConfig(find_installed(spec_of("musicnn")), Engine.OPENVINO)
    order = Order.of(Job(1, Path("/srv/music/Artist/Album/01 Title.flac"), "a", (config,)), 900)
    with (
        tempfile.TemporaryDirectory() as folder,
        Library.open(Path(folder) / FILE_NAME) as library,
        quick_cluster() as pool,
    ):
        ids = [
            library.upsert_file(
                Track((Artist(f"Artist {at // 5}"),), f"Song {at}", path=Path(f"/music/{at}")),
                size=1,
                mtime_ns=1,
            )
            for at in range(jobs)
        ]
        waiting: dict[Future[EmbedResult | TrackError], None] = {}
        started = time.perf_counter()
        while ids or waiting:
            while ids and len(waiting) < 4 * pool.workers:
                job = Job(ids.pop(), Path("/srv/music/song.flac"), "song", (config,))
                waiting[pool.submit(job)] = None
            for future in wait(waiting, return_when=FIRST_COMPLETED).done:
                del waiting[future]
                result = future.result()
                assert isinstance(result, EmbedResult)
                library.add_embedding(
                    result.track_id,
                    audio_sha256=result.audio_sha256,
                    duration=result.duration,
                    vectors=result.vectors,
                )
        seconds = time.perf_counter() - started
    answer = answer_at_once(order)
    return jobs / seconds, len(pickle.dumps(order)), len(pickle.dumps(answer))


@contextmanager
def quick_cluster() -> Iterator[cluster.ClusterPool]:
    """A cluster whose workers answer at once."""
    embed_here = vars(cluster)["embed_here"]
    vars(cluster)["embed_here"] = answer_at_once
    try:
        with cluster.open_cluster("local:2", timeout=60) as pool:
            yield pool
    finally:
        vars(cluster)["embed_here"] = embed_here


def make_music(folder: Path, tracks: int, seconds: float) -> None:
    """Write so many tracks of made music, five to an artist."""
    folder.mkdir()
    for number in range(tracks):
        random = np.random.default_rng(number)
        moments = np.arange(int(44_100 * seconds)) / 44_100
        pitch = 110 * 2 ** (random.integers(0, 36) / 12)
        sound = 0.3 * np.sin(2 * np.pi * pitch * moments) + 0.05 * random.normal(size=len(moments))
        path = folder / f"Artist {number // 5} - Song {number}.wav"
        with wave.open(str(path), "wb") as file:
            file.setparams((1, 2, 44_100, 0, "NONE", ""))
            file.writeframes((sound * 32_000).astype("<i2").tobytes())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tracks", type=int, default=40)
    parser.add_argument("--seconds", type=float, default=60.0, help="of a track")
    parser.add_argument("--jobs", type=int, default=2000, help="of the driver alone")
    parser.add_argument("--rounds", type=int, default=2)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        music = Path(folder) / "music"
        make_music(music, options.tracks, options.seconds)
        for workers in (1, 2):
            for where in ({"workers": workers}, {"cluster": f"local:{workers}"}) * options.rounds:
                rate, first = rate_of(music, **where)
                print(
                    f"{where}: {rate:.2f} tracks a second, the first after {first:.1f} s",
                    flush=True,
                )
    rate, out, back = driver_rate(options.jobs)
    print(f"driver alone: {rate:.0f} jobs a second; {out} bytes out, {back} bytes back")


if __name__ == "__main__":
    main()
