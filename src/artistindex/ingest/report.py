"""What a build did."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from artistindex.index.manifest import Manifest
from artistindex.ingest.extract import ExtractionReport


@dataclass(frozen=True, slots=True)
class FailedArtist:
    """An artist who was asked for and is missing from an index, and why."""

    artist: str
    stage: str
    reason: str


@dataclass(frozen=True, slots=True)
class BuiltIndex:
    """An index after a build; `changed` tells whether the build changed it."""

    model: str
    path: Path
    manifest: Manifest
    changed: bool


@dataclass(slots=True)
class BuildReport:
    """What a build did. `tracks` counts those behind the artists asked for, `seconds` its time."""

    requested: int = 0
    indexed: int = 0
    failed: list[FailedArtist] = field(default_factory=list)
    tracks: int = 0
    outliers: int = 0
    seconds: float = 0.0
    indexes: list[BuiltIndex] = field(default_factory=list)
    extraction: ExtractionReport = field(default_factory=ExtractionReport)

    def to_json(self) -> dict[str, Any]:
        """Return the JSON shape of `artistindex build --format json`."""
        extraction = self.extraction
        return {
            "requested": self.requested,
            "indexed": self.indexed,
            "failed": [
                {"artist": entry.artist, "stage": entry.stage, "reason": entry.reason}
                for entry in self.failed
            ],
            "tracks": self.tracks,
            "extracted": extraction.embedded,
            "failed_tracks": extraction.failed,
            "failures": extraction.failures_by_stage(),
            "outliers": self.outliers,
            "seconds": round(self.seconds, 3),
            "audio_seconds": round(extraction.audio_seconds, 3),
            "spent": {stage: round(time, 3) for stage, time in extraction.timings.items()},
            "indexes": [
                {
                    "index": index.model,
                    "artists": index.manifest.artists,
                    "dimension": index.manifest.dimension,
                    "path": str(index.path),
                    "changed": index.changed,
                }
                for index in self.indexes
            ],
        }
