"""Measure the wrong-audio detector: plant a stranger's track in each artist; see who is flagged.

    python benchmarks/outliers.py --tune MUSIC --report OTHER [OTHER...] [--model musicnn]

Every artist with at least four tracks takes part, by the artist tag. Trials are drawn with a fixed
seed: `--tracks` of an artist's own (or all, if fewer), in which nobody should be flagged, and the
same with one of them replaced by another artist's track, who should be. The threshold is chosen on
the first folder, as the smallest that keeps false alarms under 5% of the tracks, and the other
folders are only reported. Trials that share tracks are not independent: the Wilson intervals are
those of as many independent trials, so they are too narrow.
"""

import argparse
import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from artistindex.embedding.embed import Job, ModelConfig, embed_track
from artistindex.embedding.registry import spec_of
from artistindex.embedding.weights import find_installed
from artistindex.errors import TrackError
from artistindex.ingest.outliers import MIN_TRACKS, THRESHOLD, scores
from artistindex.metadata.local_files import AudioFile, scan

Collection = dict[str, NDArray[np.float32]]
TRIALS = 400  # of each artist


@dataclass(frozen=True)
class Trials:
    """Scores of tracks where nobody is strange, and of strangers with those of their company."""

    clean: list[NDArray[np.float64]]
    planted: list[tuple[float, NDArray[np.float64]]]

    def false_alarms(self, threshold: float) -> tuple[int, int]:
        flags = [scored > threshold for scored in self.clean]
        return sum(int(f.sum()) for f in flags), sum(map(len, flags))

    def detections(self, threshold: float) -> tuple[int, int]:
        return sum(stranger > threshold for stranger, _ in self.planted), len(self.planted)

    def accused(self, threshold: float) -> tuple[int, int]:
        """Own tracks flagged beside a stranger."""
        return sum(int((own > threshold).sum()) for _, own in self.planted), sum(
            len(own) for _, own in self.planted
        )

    def oddest(self) -> tuple[int, int]:
        """Trials in which the stranger has the highest score, whatever the threshold."""
        return sum(bool(s > own.max()) for s, own in self.planted), len(self.planted)


def embedded(folder: Path, plan: ModelConfig, excerpt: str, cache: Path | None) -> Collection:
    """The track vectors of every artist in `folder`."""
    file = cache / f"{folder.name}-{plan.name}-{excerpt}.npz" if cache else None
    if file and file.exists():
        with np.load(file, allow_pickle=False) as arrays:
            return {name: arrays[name] for name in arrays.files}
    vectors_of: dict[str, dict[str, NDArray[np.float32]]] = defaultdict(dict)
    for number, item in enumerate(scan(folder)):
        if isinstance(item, AudioFile) and item.track.artists and item.track.path:
            job = Job(number, item.track.path, str(item.track.path), (plan,), excerpt)
            try:
                embedding = embed_track(job)
            except TrackError as error:
                print(f"left out: {item.track.path.name}: {error}")
                continue
            for vector in embedding.vectors:
                vectors_of[item.track.artists[0].name][embedding.audio_sha256] = vector.vector
    collection = {name: np.stack(list(rows.values())) for name, rows in vectors_of.items()}
    if file:
        np.savez(file, allow_pickle=False, **collection)
    return collection


def trials(
    collection: Collection, tracks: int, *, foreign: Collection | None = None, seed: int = 0
) -> Trials:
    """Draw the trials of one collection; strangers come from it too, unless from `foreign`."""
    rng = np.random.default_rng(seed)
    outcome = Trials([], [])
    for name, own in collection.items():
        if len(own) < MIN_TRACKS:
            continue
        others = foreign or {other: rows for other, rows in collection.items() if other != name}
        strangers = np.concatenate(list(others.values()))
        size = min(tracks, len(own))
        for _ in range(TRIALS):
            sample = own[rng.choice(len(own), size, replace=False)]
            outcome.clean.append(scores(sample))
            mixed = np.concatenate([sample[1:], strangers[rng.integers(len(strangers))][None]])
            scored = scores(mixed)
            outcome.planted.append((float(scored[-1]), scored[:-1]))
    return outcome


def smallest(outcome: Trials, share: float = 0.05) -> float:
    """The smallest threshold, in steps of a quarter, with fewer false alarms than `share`."""
    for threshold in np.arange(1.0, 10.0, 0.25):
        flagged, total = outcome.false_alarms(float(threshold))
        if flagged < share * total:
            return float(threshold)
    return 10.0


def wilson(successes: int, total: int, z: float = 1.96) -> str:
    """A share with its 95% interval after Wilson (1927)."""
    share, square = successes / total, z * z / total
    middle = (share + square / 2) / (1 + square)
    half = z * math.sqrt(share * (1 - share) / total + square / (4 * total)) / (1 + square)
    return f"{share:.3f} [{middle - half:.3f}, {middle + half:.3f}]"


def describe(
    name: str, collection: Collection, outcome: Trials, thresholds: Iterable[float]
) -> None:
    """Print one collection's table."""
    sizes = {artist: len(rows) for artist, rows in collection.items() if len(rows) >= MIN_TRACKS}
    print(f"\n{name}: {len(sizes)} artists {sizes}, {len(outcome.planted)} trials of each kind")
    print(f"stranger has the highest score: {wilson(*outcome.oddest())}")
    print("| threshold | strangers found | own tracks flagged, no stranger | beside a stranger |")
    print("|---|---|---|---|")
    for threshold in thresholds:
        cells = (
            wilson(*count(threshold))
            for count in (outcome.detections, outcome.false_alarms, outcome.accused)
        )
        print(f"| {threshold:.2f} | " + " | ".join(cells) + " |")


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("--tune", type=Path, required=True, metavar="MUSIC")
    parser.add_argument("--report", type=Path, nargs="*", default=[], metavar="MUSIC")
    parser.add_argument("--model", default="musicnn")
    parser.add_argument("--engine", default="openvino", choices=("openvino", "essentia"))
    parser.add_argument("--excerpt", default="full", help="full, or 3x30")
    parser.add_argument("--tracks", type=int, default=5, help="an artist's tracks in a trial")
    parser.add_argument("--keep", type=Path, help="a folder in which to keep the vectors")
    options = parser.parse_args(arguments)
    plan = ModelConfig(find_installed(spec_of(options.model)), options.engine)
    folders = [options.tune, *options.report]
    music = {f.name: embedded(f, plan, options.excerpt, options.keep) for f in folders}
    chosen = smallest(trials(music[options.tune.name], options.tracks))
    print(f"{options.model}, {options.tracks} tracks; chosen on the first folder: {chosen:.2f}")
    thresholds = sorted({2.0, 4.0, chosen, THRESHOLD})
    for name, collection in music.items():
        outcome = trials(collection, options.tracks)
        describe(f"{name}, strangers of its own", collection, outcome, thresholds)
        for other, foreign in music.items():
            if other != name:
                outcome = trials(collection, options.tracks, foreign=foreign)
                describe(f"{name}, strangers from {other}", collection, outcome, thresholds)


if __name__ == "__main__":
    main()
