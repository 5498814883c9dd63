"""Make the background that small libraries lean on: statistics of free music judged nowhere.

    apt-get download PACKAGE...     # those of PACKAGES below, from Debian's archive (bookworm)
    dpkg-deb -x PACKAGE_*.deb FOLDER/PACKAGE
    python scripts/make_background.py FOLDER

Written is src/artistindex/index/data/musicnn-background.npz: for every track and layer the mean and
the standard deviation over MusiCNN's patches (middle 60 seconds), from which `index.background`
takes the covariance of any pooling. None of this music is among what docs/quality.md judges by.
"""

import argparse
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from artistindex.audio.decode import Excerpt, decode
from artistindex.embedding.embed import PatchStatistics, patch_statistics
from artistindex.embedding.engine import EmbeddingModel, load_model
from artistindex.embedding.registry import spec_of
from artistindex.embedding.weights import find_installed
from artistindex.errors import TrackError
from artistindex.index.background import PATH

PACKAGES = (
    "asc-music",
    "btanks-data",
    "drascula-music",
    "extremetuxracer-data",
    "freeorion-data",
    "fretsonfire-songs-muldjord",
    "fretsonfire-songs-sectoid",
    "lincity-ng-data",
    "nexuiz-music",
    "planetblupi-music-ogg",
    "pushover-data",
    "renpy-demo",
    "scorched3d-data",
    "trackballs-data",
    "ufoai-music",
    "xmoto-data",
)
EXCERPT = Excerpt.parse("1x60")
SUFFIXES = (".ogg", ".mp3", ".opus", ".flac")
MIN_BYTES, MIN_PATCHES = 600_000, 20  # what is smaller or shorter is a jingle or an effect


def music_in(folder: Path, unpacked: Path) -> Iterator[Path]:
    """Yield the audio files of a package, those within its .pk3 archives too."""
    for archive in sorted(folder.rglob("*.pk3")):
        with zipfile.ZipFile(archive) as opened:
            opened.extractall(unpacked / folder.name)
    for root in (folder, unpacked / folder.name):
        for path in sorted(root.rglob("*")):
            if path.suffix in SUFFIXES and path.stat().st_size > MIN_BYTES:
                yield path


def statistics_of(model: EmbeddingModel, path: Path) -> dict[str, PatchStatistics] | None:
    """Return the statistics of one file by layer; None where it is no usable music."""
    try:
        statistics = patch_statistics(model, decode(path, excerpt=EXCERPT))
    except TrackError as error:
        print(f"{path}: {error.reason}")
        return None
    return statistics if statistics[""].patches >= MIN_PATCHES else None


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n\n")[0])
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    weights = find_installed(spec_of("musicnn"))
    model = load_model(weights)
    rows: list[dict[str, PatchStatistics]] = []
    sources: list[str] = []
    with tempfile.TemporaryDirectory() as unpacked:
        for package in PACKAGES:
            for path in music_in(folder / package, Path(unpacked)):
                if (statistics := statistics_of(model, path)) is not None:
                    rows.append(statistics)
                    sources.append(f"{package}/{path.name}")
            print(package, len(rows), flush=True)
    layers = {
        layer or "output": np.array([row[layer].pooled("mean+std") for row in rows], np.float16)
        for layer in rows[0]
    }
    PATH.parent.mkdir(exist_ok=True)
    texts = {"weights": np.array(weights.identity), "sources": np.array(sources)}
    np.savez_compressed(PATH, allow_pickle=False, **texts, **layers)
    print(f"{PATH}: {len(rows)} tracks, {PATH.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
