"""An index of four styles with a line-up, and pages of it, made once for all tests that look."""

from pathlib import Path

import numpy as np
import pytest

from artistindex.entities import Artist, VectorKey
from artistindex.index.reader import ArtistIndex
from artistindex.index.sidecar import UsedTrack
from artistindex.index.writer import write_index
from hostile_names import NAMES

STYLES = 4
PLAIN = [f"Artist {at}" for at in range(40)]


def write_styles(
    folder: Path, names: list[str], *, tracks: int = 3, seed: int = 0, music: Path | None = None
) -> Path:
    """Write an index in which every fourth artist is of one style, with so many tracks each."""
    generator = np.random.default_rng(seed)
    styles = generator.normal(size=(STYLES, 12))
    used, vectors = [], []
    for at, name in enumerate(names):
        own = np.random.default_rng((seed, at))
        middle = styles[at % STYLES] + own.normal(scale=0.5, size=12)
        rows = (middle + own.normal(scale=0.4, size=(tracks, 12))).astype(np.float32)
        vectors.append(rows.mean(axis=0))
        used.append(
            [
                UsedTrack(
                    f"{name[:20]} song {number}",
                    library_id=at * tracks + number,
                    recording=at * tracks + number,
                    ids={"spotify": f"{at:04}{number}"},
                    path=music and music / f"{at}-{number}.ogg",
                    vector=row,
                )
                for number, row in enumerate(rows)
            ]
        )
    write_index(
        folder,
        key=VectorKey(folder.name, "0" * 64),
        artists=[Artist(name, {"deezer": str(1000 + at)}) for at, name in enumerate(names)],
        vectors=np.array(vectors),
        tracks=used,
    )
    return folder


@pytest.fixture(scope="session")
def styles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an index of forty artists with three tracks each."""
    return write_styles(tmp_path_factory.mktemp("styles") / "musicnn", PLAIN)


@pytest.fixture(scope="session")
def strangers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an index in which half of the names mean harm."""
    return write_styles(tmp_path_factory.mktemp("strangers") / "musicnn", [*NAMES, *PLAIN[:20]])


@pytest.fixture
def index(styles: Path):
    with ArtistIndex.open(styles) as opened:
        yield opened
