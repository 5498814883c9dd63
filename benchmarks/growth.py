"""What grows how, from 1,000 to a million artists: building, opening, asking, matching.

    python benchmarks/growth.py FOLDER [--sizes 1000 10000 100000 1000000] [--dimension 64]
        [--json FILE]

Seconds of processor time in one thread, which a busy machine does not change; medians, but for
building. The exponent is the slope of a line through the logarithms of time and size: 0 does not
grow, 1 grows as the artists do.
"""

import os

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1")

import argparse
import json
import shutil
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from artistindex import ArtistIndex, rank_lineup
from artistindex.entities import Artist, VectorKey
from artistindex.errors import UnknownArtist
from artistindex.index.writer import write_index

Figures = dict[str, dict[int, float]]

BILLED = 700  # names on the bills
_LIKED = 300
_FACTORS = 16  # the dimension of what artists differ in
_SYLLABLES = ("ba", "ko", "re", "tu", "li", "ma", "no", "vi", "sha", "dro", "ga", "pe", "zu", "nik")


def main() -> None:
    """Parse, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--sizes", type=int, nargs="+", default=[10**3, 10**4, 10**5, 10**6])
    parser.add_argument("--dimension", type=int, default=64)
    parser.add_argument("--kind", default="auto")
    parser.add_argument("--json", type=Path, help="write the figures here, too")
    options = parser.parse_args()
    figures: Figures = {}
    for size in options.sizes:
        taken = measure(options.folder / str(size), size, options.dimension, options.kind)
        for name, seconds in taken.items():
            figures.setdefault(name, {})[size] = seconds
        print("\n".join(table(figures)), flush=True)
        if options.json:
            options.json.write_text(json.dumps(figures, indent=2) + "\n")


def measure(folder: Path, size: int, dimension: int, kind: str = "auto") -> dict[str, float]:
    """Build an index of so many artists in `folder`, ask it, and delete it; returns seconds."""
    artists = names(size)
    vectors = clustered(size, dimension)

    def build() -> None:
        write_index(
            folder,
            key=VectorKey("vggish", "0" * 64),
            artists=[Artist(name) for name in artists],
            vectors=vectors,
            kind=kind,
        )

    figures = {"build": seconds(build, times=1)}
    figures["open"] = seconds(lambda: ArtistIndex.open(folder).close(), times=5)
    chosen = np.random.default_rng(1).permutation(size)
    billed = [artists[at] for at in chosen[: min(BILLED, size // 2)]]
    liked = [artists[at] for at in chosen[-_LIKED:]]
    with ArtistIndex.open(folder) as index:
        queries = iter(billed * 2)
        figures["query"] = seconds(lambda: index.neighbours(next(queries)), times=21)
        figures["typo"] = seconds(lambda: misspelt(index, next(queries)), times=5)
        figures["700 queries at once"] = seconds(lambda: index.neighbours_many(billed), times=1)
        figures["match of 700 names"] = seconds(lambda: rank_lineup(index, billed, liked), times=1)
    shutil.rmtree(folder)
    return figures


def seconds(run: Callable[[], object], *, times: int) -> float:
    """The median of the processor's time; of many runs the first is not counted."""
    taken = []
    for _ in range(times + (times > 1)):
        started = time.process_time()
        run()
        taken.append(time.process_time() - started)
    return statistics.median(taken[times > 1 :])


def misspelt(index: ArtistIndex, name: str) -> None:
    """Ask for a name with two letters the wrong way round."""
    try:
        index.neighbours(name[:2] + name[3] + name[2] + name[4:])
    except UnknownArtist:
        return


def names(count: int) -> list[str]:
    """So many different names of two invented words."""
    draw = np.random.default_rng(0)
    words = ["".join(draw.choice(_SYLLABLES, size=draw.integers(2, 5))) for _ in range(4_000)]
    unique = sorted(set(words))
    pairs = draw.choice(len(unique) ** 2, size=count, replace=False)
    return [f"{unique[at // len(unique)]} {unique[at % len(unique)]}".title() for at in pairs]


def clustered(count: int, dimension: int) -> NDArray[np.float32]:
    """Vectors (count, dimension) that differ in few directions, and by some noise."""
    draw = np.random.default_rng(0)
    directions = draw.standard_normal((_FACTORS, dimension), np.float32)
    rows = draw.standard_normal((count, _FACTORS), np.float32) @ directions
    rows += 0.3 * draw.standard_normal((count, dimension), np.float32)
    return rows


def table(figures: Figures) -> list[str]:
    """The figures as a Markdown table, with exponents where there are two sizes."""
    sizes = list(next(iter(figures.values())))
    lines = [
        "| | " + " | ".join(f"{size:,}" for size in sizes) + " | exponent |",
        "|---" * (len(sizes) + 2) + "|",
    ]
    for name, taken in figures.items():
        cells = [f"{taken[size]:.3g} s" for size in sizes]
        lines.append(f"| {name} | {' | '.join(cells)} | {exponent(taken)} |")
    return lines


def exponent(taken: dict[int, float]) -> str:
    """The slope of log time over log size; empty for one size."""
    if len(taken) < 2:
        return ""
    slope, _ = np.polyfit(np.log(list(taken)), np.log(list(taken.values())), 1)
    return f"{slope:.2f}"


if __name__ == "__main__":
    main()
