"""Time a cold `artistindex query` beside a bare `import faiss`, and warm queries beside numpy.

    python benchmarks/query.py [--artists 2000] [--dimension 1280] [--runs 15] [--json FILE]

Cold: whole processes, in turns, medians. Warm: one open index, queries a second by name and by
vector, beside the same search as one product of a matrix and a vector in numpy.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from artistindex import ArtistIndex
from artistindex.entities import Artist, VectorKey
from artistindex.index.sidecar import UsedTrack
from artistindex.index.writer import write_index

K = 10
_WARM_SECONDS = 2.0


def main() -> None:
    """Parse, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--artists", type=int, default=2000)
    parser.add_argument("--dimension", type=int, default=1280)
    parser.add_argument("--runs", type=int, default=15)
    parser.add_argument("--json", type=Path, help="write the figures here, too")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        indexes = Path(folder)
        plant(indexes / "discogs-effnet", options.artists, options.dimension)
        figures = cold(indexes, options.runs) | warm(indexes / "discogs-effnet")
    for name, value in figures.items():
        print(f"{name}: {value}")
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n")


def plant(folder: Path, artists: int, dimension: int) -> None:
    """An index of random artists with five tracks each."""
    rows = np.random.default_rng(0).standard_normal((artists, dimension), np.float32)
    write_index(
        folder,
        key=VectorKey("discogs-effnet", "0" * 64),
        artists=[Artist(f"Artist {at}") for at in range(artists)],
        vectors=rows,
        tracks=[
            [UsedTrack(f"Track {n}", "Album", 5 * at + n) for n in range(5)]
            for at in range(artists)
        ],
    )


def cold(indexes: Path, runs: int) -> dict[str, Any]:
    """Medians, in seconds, of whole processes."""
    commands = {
        "import faiss": [sys.executable, "-c", "import faiss"],
        "cold query": [
            *(sys.executable, "-m", "artistindex", "--indexes", str(indexes)),
            *("query", "Artist 7", "--format", "json"),
        ],
    }
    taken: dict[str, list[float]] = {name: [] for name in commands}
    for run in range(runs + 1):
        for name, command in commands.items():
            spent = _timed(command)
            if run:  # the first fills the page cache
                taken[name].append(spent)
    medians = {name: statistics.median(times) for name, times in taken.items()}
    ratio = medians["cold query"] / medians["import faiss"]
    return {f"{name} (s)": round(value, 3) for name, value in medians.items()} | {
        "cold query / import faiss": round(ratio, 2)
    }


def _timed(command: Sequence[str]) -> float:
    started = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - started


def warm(folder: Path) -> dict[str, Any]:
    """Queries a second of one open index, and of plain numpy on the same vectors."""
    with ArtistIndex.open(folder) as index:
        vectors = index.vectors
        query = vectors[7]
        return {
            "warm queries a second, by name": _rate(lambda: index.neighbours("Artist 7", K)),
            "warm queries a second, by vector": _rate(lambda: index.search_vector(query, K)),
            "numpy products and sorts a second": _rate(lambda: np.argsort(-(vectors @ query))[:K]),
        }


def _rate(ask: Callable[[], object]) -> int:
    count, started = 0, time.perf_counter()
    while time.perf_counter() - started < _WARM_SECONDS:
        ask()
        count += 1
    return round(count / (time.perf_counter() - started))


if __name__ == "__main__":
    main()
