"""How many questions a second `artistindex serve` answers, and whether it stays whole meanwhile.

    python benchmarks/serve.py --artists 20000 --dimension 512

An index of random vectors, five tracks an artist, is served on the loopback and asked for the
neighbours of random artists by name, over connections that are kept:

speed    1, 8 and 64 clients, 1 and 2 workers, beside `search` in one process without HTTP; with
         the processor time of a request, which says more where the machine has other work
memory   what the server has resident while it answers 100,000 requests
swap     10,000 requests while the index is written anew again and again: none may fail
"""

import argparse
import asyncio
import json
import random
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import psutil

from artistindex.entities import Artist, VectorKey
from artistindex.index.reader import ArtistIndex
from artistindex.index.sidecar import UsedTrack
from artistindex.index.writer import write_index
from artistindex.query.ranking import search

_TRACKS = 5
_ADDRESS = re.compile(r"http://127\.0\.0\.1:(\d+)/")


def write_random_index(folder: Path, artists: int, dimension: int, seed: int) -> None:
    """Write an index of random artists, each with five tracks around it."""
    generator = np.random.default_rng(seed)
    vectors = generator.normal(size=(artists, dimension)).astype(np.float32)
    write_index(
        folder,
        key=VectorKey("vggish", "a" * 64),
        artists=[Artist(f"Artist {row}") for row in range(artists)],
        vectors=vectors,
        tracks=(_tracks(generator, vector, row) for row, vector in enumerate(vectors)),
        licence="none",
    )


def _tracks(generator: np.random.Generator, vector: np.ndarray, row: int) -> list[UsedTrack]:
    noise = generator.normal(size=(_TRACKS, len(vector))).astype(np.float32)
    return [
        UsedTrack(f"Song {number}", "Album", recording=row * _TRACKS + number, vector=vector + near)
        for number, near in enumerate(noise)
    ]


@contextmanager
def serving(indexes: Path, workers: int) -> Iterator[tuple[int, psutil.Process]]:
    """Start the server: (port, process)."""
    command = [sys.executable, "-m", "artistindex", "--indexes", str(indexes), "serve"]
    options = ["--port", "0", "--rate", "0", "--workers", str(workers)]
    with subprocess.Popen([*command, *options], stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            address = _ADDRESS.search(process.stderr.readline())
            assert address, "the server did not start"
            yield int(address[1]), psutil.Process(process.pid)
        finally:
            process.terminate()


@dataclass
class Load:
    """Requests of some clients, and what came back."""

    port: int
    artists: int
    statuses: Counter[int] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)

    async def run(self, clients: int, requests: int) -> float:
        """Send so many requests; the requests a second."""
        begun = time.perf_counter()
        left = iter(range(requests))
        await asyncio.gather(*(self._client(number, left) for number in range(clients)))
        return requests / (time.perf_counter() - begun)

    async def _client(self, number: int, left: Iterator[int]) -> None:
        names = random.Random(number)
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        for _ in left:
            path = f"/api/v1/neighbours?artist=Artist%20{names.randrange(self.artists)}&k=10"
            sent = time.perf_counter()
            writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            self.statuses[await _read_answer(reader)] += 1
            self.seconds.append(time.perf_counter() - sent)
        writer.close()
        await writer.wait_closed()

    def percentile(self, share: float) -> float:
        """The milliseconds within which so many percent were answered."""
        return float(np.percentile(self.seconds, share) * 1000)


async def _read_answer(reader: asyncio.StreamReader) -> int:
    head = await reader.readuntil(b"\r\n\r\n")
    length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
    assert length, head
    await reader.readexactly(int(length[1]))
    return int(head.split(b" ", 2)[1])


# --- what is measured ---------------------------------------------------------------------------


def in_process(folder: Path, artists: int, count: int) -> dict[str, float]:
    """The same questions without HTTP."""
    names = random.Random(0)
    with ArtistIndex.open(folder) as index:
        search(index, "Artist 0", 10)
        seconds, busy = [], time.process_time()
        for _ in range(count):
            begun = time.perf_counter()
            search(index, f"Artist {names.randrange(artists)}", 10)
            seconds.append(time.perf_counter() - begun)
        busy = time.process_time() - busy
    return {
        "requests_per_second": count / sum(seconds),
        "cpu_ms": 1000 * busy / count,
        "p50_ms": float(np.percentile(seconds, 50) * 1000),
        "p99_ms": float(np.percentile(seconds, 99) * 1000),
    }


def speed(
    folder: Path, artists: int, clients: Sequence[int], workers: Sequence[int], count: int
) -> list[dict[str, float]]:
    """Requests a second and milliseconds, by workers and clients."""
    rows = []
    for number in workers:
        with serving(folder.parent, number) as (port, process):
            asyncio.run(Load(port, artists).run(max(clients), 200))  # each worker is warm
            time.sleep(1)
            for many in clients:
                load = Load(port, artists)
                busy = _cpu_seconds(process)
                rate = asyncio.run(load.run(many, count))
                busy = _cpu_seconds(process) - busy
                assert set(load.statuses) == {200}, load.statuses
                rows.append(
                    {
                        "workers": number,
                        "clients": many,
                        "requests_per_second": rate,
                        "cpu_ms": 1000 * busy / count,
                        "p50_ms": load.percentile(50),
                        "p99_ms": load.percentile(99),
                    }
                )
    return rows


def _cpu_seconds(process: psutil.Process) -> float:
    """What a server and its workers have used, which a busy machine changes least."""
    times = [member.cpu_times() for member in (process, *process.children(recursive=True))]
    return sum(spent.user + spent.system for spent in times)


def memory(folder: Path, artists: int, requests: int, parts: int = 10) -> list[dict[str, float]]:
    """Megabytes of the server's own after each part of the requests, one worker."""
    with serving(folder.parent, 1) as (port, process):
        rows = []
        for part in range(parts + 1):
            if part:
                load = Load(port, artists)
                asyncio.run(load.run(8, requests // parts))
                assert set(load.statuses) == {200}, load.statuses
            usage = process.memory_full_info()
            rows.append(
                {
                    "requests": part * requests // parts,
                    "rss_mb": usage.rss / 1e6,
                    "own_mb": usage.uss / 1e6,
                    "open_files": process.num_fds(),
                }
            )
        return rows


async def swap(folder: Path, artists: int, dimension: int, requests: int) -> dict[str, object]:
    """Statuses of requests during which the index was written anew, again and again."""
    with serving(folder.parent, 2) as (port, process):
        await Load(port, artists).run(8, 200)
        load = Load(port, artists)
        asking = asyncio.create_task(load.run(16, requests))
        swaps = 0
        while not asking.done():
            swaps += 1
            await asyncio.to_thread(write_random_index, folder, artists, dimension, swaps)
        await asyncio.sleep(1)
        await Load(port, artists).run(8, 50)
        descriptors = [child.num_fds() for child in process.children()]
        return {
            "requests": requests,
            "statuses": dict(load.statuses),
            "swaps": swaps,
            "p99_ms": load.percentile(99),
            "open_files": descriptors,
        }


def main() -> None:
    """Measure, and print JSON."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--artists", type=int, default=20_000)
    parser.add_argument("--dimension", type=int, default=512)
    parser.add_argument("--requests", type=int, default=3_000, help="for each speed")
    parser.add_argument("--memory-requests", type=int, default=100_000)
    parser.add_argument("--swap-requests", type=int, default=10_000)
    parser.add_argument("--swap-artists", type=int, default=2_000)
    parser.add_argument("--parts", nargs="+", default=["speed", "memory", "swap"])
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary, "indexes", "vggish")
        write_random_index(folder, options.artists, options.dimension, 0)
        outcome: dict[str, object] = {"artists": options.artists, "dimension": options.dimension}
        if "speed" in options.parts:
            outcome["in_process"] = in_process(folder, options.artists, options.requests)
            outcome["speed"] = speed(folder, options.artists, (1, 8, 64), (1, 2), options.requests)
        if "memory" in options.parts:
            outcome["memory"] = memory(folder, options.artists, options.memory_requests)
        if "swap" in options.parts:
            other = Path(temporary, "swapped", "vggish")
            write_random_index(other, options.swap_artists, options.dimension, 0)
            outcome["swap"] = asyncio.run(
                swap(other, options.swap_artists, options.dimension, options.swap_requests)
            )
    print(json.dumps(outcome, indent=2))


if __name__ == "__main__":
    main()
