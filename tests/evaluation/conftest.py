"""Two indexes of strangers, compared and reported once for all tests that look at the result."""

from pathlib import Path

import numpy as np
import pytest

from artistindex import compare
from artistindex.entities import Artist, VectorKey
from artistindex.evaluation.compare import Comparison
from artistindex.evaluation.report.render import write_report
from artistindex.index.writer import write_index
from hostile_names import NAMES
from truths import write_truth


@pytest.fixture(scope="session")
def strange(tmp_path_factory: pytest.TempPathFactory) -> Comparison:
    """Strangers among thirty plain artists, with a truth and a pair about them."""
    folder = tmp_path_factory.mktemp("strange")
    names = [*NAMES, *(f"Artist {at}" for at in range(30))]
    generator = np.random.default_rng(0)
    for model in ("vggish", "musicnn"):
        write_index(
            folder / model,
            key=VectorKey(model, "0" * 64),
            artists=[Artist(name) for name in names],
            vectors=generator.normal(size=(len(names), 6)).astype(np.float32),
        )
    lists = {
        name: [names[(at + step) % len(names)] for step in range(1, 2 + at % 9)]
        for at, name in enumerate(names)
    }
    truth = write_truth(folder / "<b>truth.json", lists)
    pairs = folder / "pairs.csv"
    pairs.write_text(f'"{NAMES[0]}",Beyoncé,low\n', "utf-8")
    return compare([folder / "vggish", folder / "musicnn"], truth=truth, pairs=pairs)


@pytest.fixture(scope="session")
def strange_report(strange: Comparison, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of its report."""
    folder = tmp_path_factory.mktemp("strange") / "a" / "report"
    write_report(strange, folder)
    return folder
