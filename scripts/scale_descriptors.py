"""Make data/descriptors.json anew: what each descriptor is on average over some music.

    python scripts/scale_descriptors.py MUSIC OUT.json

Indexes of `descriptors` that were made with another file are not compared with later ones: change
`sha256` in embedding/registry.py with it. docs/quality.md says which music the shipped file is of.
"""

import json
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from artistindex._util.files import atomic_write
from artistindex.audio.decode import Excerpt, decode
from artistindex.embedding.descriptor_model import SAMPLE_RATE, Algorithms
from artistindex.embedding.descriptors import NAMES
from artistindex.embedding.registry import DESCRIPTORS
from artistindex.errors import TrackError

VERSION = 1
EXCERPT = "1x60"
MIN_SECONDS = 20.0


def document(values: NDArray[np.float64]) -> bytes:
    """Return the content of the file for measured values, (tracks, descriptors)."""
    content = {
        "version": VERSION,
        "tracks": len(values),
        "names": NAMES,
        "mean": [round(float(value), 6) for value in values.mean(axis=0)],
        "deviation": [round(max(float(value), 1e-3), 6) for value in values.std(axis=0)],
    }
    return (json.dumps(content, indent=1) + "\n").encode()


def measure(music: Path) -> NDArray[np.float64]:
    """Return the descriptors of every file below a folder that is music, one row a file."""
    algorithms, rows = Algorithms(), []
    for path in sorted(path for path in music.rglob("*") if path.is_file()):
        try:
            audio = decode(path, excerpt=Excerpt.parse(EXCERPT), samplings=[DESCRIPTORS.sampling])
        except TrackError as error:
            sys.stderr.write(f"{path}: {error}\n")
            continue
        (samples,) = audio.at(DESCRIPTORS.sampling)
        if len(samples) >= MIN_SECONDS * SAMPLE_RATE:
            rows.append(algorithms.measure(samples))
    return np.array(rows)


if __name__ == "__main__":
    source, target = map(Path, sys.argv[1:])
    atomic_write(target, document(measure(source)))
