"""The original experiment's four criteria of success, with their numbers."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from artistindex.entities import VectorKey
from artistindex.evaluation.agreement import PairFound, Spread
from artistindex.evaluation.evaluate import IndexEvaluation
from artistindex.index.manifest import Manifest
from artistindex.library.library import FILE_NAME, Library

RANGE, OVERLAP, EXTRACTED = 0.4, 0.10, 0.85
RANGE_NOTE = "a wide range can be had by subtracting the mean vector and proves nothing alone"


@dataclass(frozen=True, slots=True)
class Criterion:
    """One criterion and one index: the `value` found, what was `wanted`, and whether it is met.

    `value` and `passed` are None where nothing was given to judge it by.
    """

    name: str
    index: str
    wanted: str
    value: float | None
    passed: bool | None
    detail: str
    note: str = ""

    def to_json(self) -> dict[str, Any]:
        """The criterion as a JSON object."""
        return {
            "criterion": self.name,
            "index": self.index,
            "wanted": self.wanted,
            "value": self.value,
            "passed": self.passed,
            "detail": self.detail,
            "note": self.note,
        }


@dataclass(frozen=True, slots=True)
class ExtractionRate:
    """How many of the tracks that were tried have a vector of an index's key."""

    embedded: int
    tried: int


def extraction_of(library: Library, key: VectorKey) -> ExtractionRate:
    """Count the tracks with a vector of `key`, and those that failed for its model."""
    embedded = library.tracks_with(key)
    tracks = {
        stored.id: stored for artist in library.artists() for stored in library.tracks_of(artist.id)
    }
    failed = {row for row, stored in tracks.items() if stored.failed & {"", key.model}} - embedded
    return ExtractionRate(len(embedded), len(embedded) + len(failed))


def extraction_beside(index: Path) -> ExtractionRate | None:
    """The extraction of an index by the library in the folder above it, None without one."""
    path = index.parent / FILE_NAME
    if not path.is_file():
        return None
    with Library.open(path, read_only=True) as library:
        return extraction_of(library, Manifest.read(index).key)


def criteria(
    index: str,
    *,
    spread: Spread,
    pairs: Sequence[PairFound],
    judged: IndexEvaluation | None,
    extraction: ExtractionRate | None,
) -> Iterator[Criterion]:
    """The four criteria for one index."""
    yield Criterion(
        "range of similarities",
        index,
        f"> {RANGE}",
        spread.range,
        spread.range > RANGE,
        f"{spread.low:.3f} to {spread.high:.3f}",
        RANGE_NOTE,
    )
    yield _pairs_criterion(index, pairs)
    yield _overlap_criterion(index, judged)
    yield _extraction_criterion(index, extraction)


def _pairs_criterion(index: str, pairs: Sequence[PairFound]) -> Criterion:
    name, wanted = "expected pairs", "all met"
    if not pairs:
        return Criterion(name, index, wanted, None, None, "no pairs given that the index has")
    met = sum(found.is_met for found in pairs)
    detail = f"{met} of {len(pairs)} within what was expected"
    return Criterion(name, index, wanted, met / len(pairs), met == len(pairs), detail)


def _overlap_criterion(index: str, judged: IndexEvaluation | None) -> Criterion:
    name = "overlap with music-map"
    wanted = f"> {OVERLAP:.0%} and, with its whole interval, above chance"
    if judged is None:
        return Criterion(name, index, wanted, None, None, "no truth given")
    metric = f"overlap@{judged.ks[0]}"
    found = judged.metrics[metric]
    ends = "no interval" if found.low is None else f"{found.low:.1%} to {found.high:.1%}"
    detail = f"{metric} {found.value:.1%} ({ends}), chance {found.chance:.1%}"
    passed = (found.value or 0.0) > OVERLAP and found.beats_chance
    return Criterion(name, index, wanted, found.value, passed, detail)


def _extraction_criterion(index: str, extraction: ExtractionRate | None) -> Criterion:
    name, wanted = "tracks extracted", f">= {EXTRACTED:.0%}"
    if extraction is None or not extraction.tried:
        return Criterion(name, index, wanted, None, None, "no library beside the index")
    share = extraction.embedded / extraction.tried
    detail = f"{extraction.embedded} of {extraction.tried} tracks"
    return Criterion(name, index, wanted, share, share >= EXTRACTED, detail)
