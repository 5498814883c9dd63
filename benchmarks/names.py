"""Typos and prefixes among the names of a very large index.

    python benchmarks/names.py DIR [--questions 100]

DIR is an index (kinds.py builds one of made-up artists). A typo is a name with a letter swapped,
dropped, doubled or changed. docs/performance.md quotes it.
"""

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from artistindex.index.reader import ArtistIndex


def typo(name: str, draw: np.random.Generator) -> str:
    """Return a name as somebody may mistype it."""
    at = int(draw.integers(1, max(2, len(name) - 1)))
    before, letter, after = name[:at], name[at : at + 1], name[at + 1 :]
    ways = (
        before + after[:1] + letter + after[1:],
        before + after,
        before + letter + letter + after,
        before + "aeiourstn"[int(draw.integers(9))] + after,
    )
    return ways[int(draw.integers(len(ways)))]


def main() -> None:
    """Ask, and print what it takes and how often the name is among the closest."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("index", type=Path)
    parser.add_argument("--questions", type=int, default=100)
    options = parser.parse_args()
    draw = np.random.default_rng(3)
    with ArtistIndex.open(options.index) as index:
        rows = np.sort(draw.choice(len(index), options.questions, replace=False)).tolist()
        names = [entry.artist.name for entry in index.entries_of(rows)]
        typed = [typo(name, draw) for name in names]
        closest = _timed("typo", index.closest_names, typed)
        found = [name in answer for name, answer in zip(names, closest, strict=True)]
        print(json.dumps({"of_typos_found": float(np.mean(found)), "artists": len(index)}))
        _timed("prefix", index.names_beginning, [name[:4] for name in names])


def _timed(what: str, ask: Callable[[str], list[str]], questions: list[str]) -> list[list[str]]:
    answers, seconds = [], []
    for question in questions:
        started = time.perf_counter()
        answers.append(ask(question))
        seconds.append(time.perf_counter() - started)
    p50, p95 = np.quantile(seconds, [0.5, 0.95])
    print(
        json.dumps({"what": what, "p50_ms": round(1000 * p50, 1), "p95_ms": round(1000 * p95, 1)})
    )
    return answers


if __name__ == "__main__":
    main()
