"""The original experiment's four criteria of success, with their numbers."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from artistindex.entities import VectorKey
from artistindex.evaluation.agreement import PairSimilarity, Spread
from artistindex.evaluation.evaluate import IndexEvaluation, headline_of
from artistindex.index.manifest import Manifest
from artistindex.library.library import FILE_NAME, Library

MIN_RANGE, MIN_OVERLAP, MIN_EXTRACTED = 0.4, 0.10, 0.85
RANGE_NOTE = "a wide range can be had by subtracting the mean vector and proves nothing alone"


@dataclass(frozen=True, slots=True)
class Criterion:
    """One criterion and one index: the `value` found, what is `required`, and whether it is met.

    `value` and `passed` are None where nothing was given to judge it by.
    """

    name: str
    index: str
    required: str
    value: float | None
    passed: bool | None
    detail: str
    note: str = ""

    @property
    def outcome(self) -> str:
        """The result in words."""
        return {True: "met", False: "not met", None: "cannot be told"}[self.passed]

    def to_json(self) -> dict[str, Any]:
        """Return the criterion as a JSON object."""
        return {
            "criterion": self.name,
            "index": self.index,
            "wanted": self.required,
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
    embedded = library.embedded_track_ids(key)
    failed = {
        track.id
        for _, tracks in library.tracks_by_artist()
        for track in tracks
        if track.failed & {"", key.model}
    } - embedded
    return ExtractionRate(len(embedded), len(embedded) + len(failed))


def extraction_beside(index: Path) -> ExtractionRate | None:
    """Return the rate of an index by the library in the folder above it, None without one."""
    path = index.parent / FILE_NAME
    if not path.is_file():
        return None
    with Library.open(path, read_only=True) as library:
        return extraction_of(library, Manifest.read(index).key)


def criteria_of(
    index: str,
    *,
    spread: Spread,
    pairs: Sequence[PairSimilarity],
    evaluation: IndexEvaluation | None,
    extraction: ExtractionRate | None,
) -> list[Criterion]:
    """Return the four criteria for one index."""
    return [
        Criterion(
            "range of similarities",
            index,
            f"> {MIN_RANGE}",
            spread.range,
            spread.range > MIN_RANGE,
            f"{spread.low:.3f} to {spread.high:.3f}",
            RANGE_NOTE,
        ),
        _pairs_criterion(index, pairs),
        _overlap_criterion(index, evaluation),
        _extraction_criterion(index, extraction),
    ]


def _pairs_criterion(index: str, pairs: Sequence[PairSimilarity]) -> Criterion:
    name, required = "expected pairs", "all met"
    if not pairs:
        return Criterion(name, index, required, None, None, "no pairs given that the index has")
    met = sum(pair.is_met for pair in pairs)
    detail = f"{met} of {len(pairs)} within what was expected"
    return Criterion(name, index, required, met / len(pairs), met == len(pairs), detail)


def _overlap_criterion(index: str, evaluation: IndexEvaluation | None) -> Criterion:
    name = "overlap with music-map"
    required = f"> {MIN_OVERLAP:.0%} and, with its whole interval, above chance"
    if evaluation is None:
        return Criterion(name, index, required, None, None, "no truth given")
    metric = headline_of((evaluation,), evaluation.ks[0])
    overlap = evaluation.metrics[metric]
    ends = "no interval" if overlap.low is None else f"{overlap.low:.1%} to {overlap.high:.1%}"
    detail = f"{metric} {overlap.value:.1%} ({ends}), chance {overlap.chance:.1%}"
    passed = (overlap.value or 0.0) > MIN_OVERLAP and overlap.beats_chance
    return Criterion(name, index, required, overlap.value, passed, detail)


def _extraction_criterion(index: str, extraction: ExtractionRate | None) -> Criterion:
    name, required = "tracks extracted", f">= {MIN_EXTRACTED:.0%}"
    if extraction is None or not extraction.tried:
        return Criterion(name, index, required, None, None, "no library beside the index")
    share = extraction.embedded / extraction.tried
    detail = f"{extraction.embedded} of {extraction.tried} tracks"
    return Criterion(name, index, required, share, share >= MIN_EXTRACTED, detail)
