"""What a result rests on, so that the run can be repeated: versions, weights, truth, seed, date."""

import os
import platform
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Self

from artistindex import __version__
from artistindex.index.manifest import Manifest
from artistindex.listeners.truth_files import GroundTruth

_PACKAGES = ("numpy", "scipy", "faiss-cpu")


@dataclass(frozen=True, slots=True)
class IndexOrigin:
    """Where an index lies and what made its vectors; the hash is that of the model's weights."""

    index: str
    path: str
    model: str
    weights_sha256: str
    recipe: Mapping[str, Any]
    artists: int
    created: str
    made_by: str

    @classmethod
    def of(cls, name: str, path: str, manifest: Manifest) -> Self:
        """Return the origin of the index called `name` in a result."""
        return cls(
            index=name,
            path=path,
            model=manifest.key.model,
            weights_sha256=manifest.key.weights_sha256,
            recipe=manifest.recipe.to_json(),
            artists=manifest.artists,
            created=manifest.created,
            made_by=manifest.made_by,
        )


@dataclass(frozen=True, slots=True)
class Provenance:
    """What a result rests on; `truth_sha256` is None where there is no truth file.

    `date` is in UTC; the environment variable SOURCE_DATE_EPOCH, where it is set, takes its place.
    """

    indexes: tuple[IndexOrigin, ...]
    truth: str | None
    truth_sha256: str | None
    seed: int
    resamples: int
    date: str
    versions: Mapping[str, str]

    @classmethod
    def of(
        cls,
        indexes: Iterable[IndexOrigin],
        truth: GroundTruth | None,
        *,
        seed: int,
        resamples: int,
    ) -> Self:
        """Return the provenance of a result that is being made now."""
        return cls(
            indexes=tuple(indexes),
            truth=None if truth is None else str(truth.path),
            truth_sha256=None if truth is None else truth.sha256,
            seed=seed,
            resamples=resamples,
            date=_now().isoformat(timespec="seconds"),
            versions=dict(_versions()),
        )

    def weights_of(self, index: str) -> str | None:
        """Return the sha256 of the weights behind an index of the result; None where none is."""
        return next(
            (origin.weights_sha256 for origin in self.indexes if origin.index == index), None
        )

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object `provenance`."""
        return asdict(self)

    def sentences(self) -> Iterator[str]:
        """Yield the same in sentences, one for the run, one for the truth and one an index."""
        packages = ", ".join(f"{name} {number}" for name, number in self.versions.items())
        yield f"{packages}; seed {self.seed}, {self.resamples} resamples; {self.date}"
        if self.truth is not None:
            yield f"truth {self.truth}, sha256 {self.truth_sha256}"
        for index in self.indexes:
            recipe = ", ".join(
                f"{name} {index.recipe[name]}"
                for name in ("layer", "pooling", "transform", "excerpt", "precision")
                if index.recipe[name]
            )
            yield f"{index.index}: weights sha256 {index.weights_sha256}; {recipe}"


def _now() -> datetime:
    epoch = os.environ.get("SOURCE_DATE_EPOCH", "")
    return datetime.fromtimestamp(int(epoch), UTC) if epoch.isdecimal() else datetime.now(UTC)


def _versions() -> Iterator[tuple[str, str]]:
    yield "artistindex", __version__
    yield "python", platform.python_version()
    for package in _PACKAGES:
        try:
            yield package, version(package)
        except PackageNotFoundError:  # faiss may come from another distribution
            continue
