"""What it costs to ask Milvus in place of a file: recall, time of a question, time to load.

    python benchmarks/milvus_index.py milvus:bench.db milvus:http://127.0.0.1:19530

Made artists lie in groups, as real ones do. Each address gets the index twice, exact and as
a graph; questions go through `ArtistIndex` like anybody's, with names and entry tracks.
docs/cluster.md quotes it.
"""

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np

from artistindex.entities import Artist, VectorKey
from artistindex.index.milvus_push import push
from artistindex.index.reader import ArtistIndex
from artistindex.index.sidecar import UsedTrack
from artistindex.index.writer import write_index

K = 10


def write(folder: Path, artists: int, dimension: int, kind: str) -> Path:
    """Write an index of made artists, one track each."""
    random = np.random.default_rng(0)
    groups = random.normal(size=(max(2, artists // 50), dimension))
    own = groups[random.integers(len(groups), size=artists)]
    vectors = np.asarray(own + 0.7 * random.normal(size=own.shape), np.float32)
    write_index(
        folder / "vggish",
        key=VectorKey("vggish", "a" * 64),
        artists=[Artist(f"Artist {at}", {"spotify": f"id{at}"}) for at in range(artists)],
        vectors=vectors,
        tracks=[[UsedTrack(f"Song {at}", vector=row)] for at, row in enumerate(vectors)],
        kind=kind,
    )
    return folder / "vggish"


def ask(index: ArtistIndex, names: list[str]) -> tuple[list[set[str]], list[float]]:
    """The neighbours of each artist, and the milliseconds that the answers took."""
    answers, times = [], []
    index.neighbours(names[0], K)  # the first one loads things
    for name in names:
        started = time.perf_counter()
        neighbours = index.neighbours(name, K)
        times.append(1000 * (time.perf_counter() - started))
        answers.append({neighbour.artist for neighbour in neighbours})
    return answers, times


def report(where: str, opened: float, times: list[float], recall: float) -> None:
    middle, high = np.percentile(times, [50, 95])
    print(
        f"{where:40} open {1000 * opened:7.0f} ms   p50 {middle:6.1f} ms   p95 {high:6.1f} ms"
        f"   recall@{K} {recall:.3f}",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("addresses", nargs="+")
    parser.add_argument("--artists", type=int, default=20_000)
    parser.add_argument("--dimension", type=int, default=512)
    parser.add_argument("--questions", type=int, default=100)
    options = parser.parse_args()
    random = np.random.default_rng(1)
    asked = random.choice(options.artists, options.questions, replace=False)
    names = [f"Artist {at}" for at in asked]
    with tempfile.TemporaryDirectory() as folder:
        truth: list[set[str]] = []
        for kind in ("flat", "hnsw"):
            path = write(Path(folder) / kind, options.artists, options.dimension, kind)
            for address in (str(path), *options.addresses):
                place = address if address == str(path) else f"{address}#{kind}"
                if place != str(path):
                    started = time.perf_counter()
                    with ArtistIndex.open(path) as index:
                        push(index, place)
                    print(f"{place:40} pushed in {time.perf_counter() - started:.1f} s")
                started = time.perf_counter()
                with ArtistIndex.open(place) as index:
                    opened = time.perf_counter() - started
                    answers, times = ask(index, names)
                truth = truth or answers
                shares = [len(own & exact) / K for own, exact in zip(answers, truth, strict=True)]
                where = f"folder ({kind})" if place == str(path) else place
                report(where, opened, times, float(np.mean(shares)))


if __name__ == "__main__":
    main()
