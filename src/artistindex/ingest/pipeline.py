"""What `artistindex build` does: ingest what is named, then index each model's vectors."""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from artistindex import naming
from artistindex._util.progress import NullReporter, Reporter
from artistindex.audio.decode import Excerpt
from artistindex.audio.sources.open import open_source
from artistindex.embedding import engine as engines
from artistindex.embedding import weights
from artistindex.embedding.embed import ModelConfig
from artistindex.embedding.pool import DEFAULT_TIMEOUT, default_workers
from artistindex.embedding.registry import DEFAULT_MODELS, ModelSpec, spec_of
from artistindex.embedding.weights import Weights
from artistindex.entities import VectorKey
from artistindex.errors import Misuse
from artistindex.index.manifest import Manifest, replaceable
from artistindex.index.sidecar import UsedTrack
from artistindex.index.transforms import TRANSFORMS
from artistindex.index.writer import write_index
from artistindex.ingest.aggregate import ArtistVectors, artist_vectors
from artistindex.ingest.extract import (
    ExtractionReport,
    add_folder,
    add_names,
    extract,
    key_of,
)
from artistindex.ingest.fetcher import AudioSource
from artistindex.library.library import FILE_NAME, Library
from artistindex.library.lock import writer_lock
from artistindex.library.rows import StoredArtist
from artistindex.metadata import local_files
from artistindex.metadata.resolver import ArtistResolver, open_resolver

Fetch = Callable[[ModelSpec], Weights]
_FATAL_STAGES = ("catalogue", "match", "fetch", "read", "decode", "embed")


@dataclass(frozen=True, slots=True)
class FailedArtist:
    """An artist who was asked for and is missing from an index, and why."""

    artist: str
    stage: str
    reason: str


@dataclass(frozen=True, slots=True)
class BuiltIndex:
    """An index after a build; `changed` tells whether it had to be written."""

    model: str
    path: Path
    manifest: Manifest
    changed: bool


@dataclass(slots=True)
class BuildReport:
    """What a build did. `tracks` counts those behind the artists asked for."""

    requested: int = 0
    indexed: int = 0
    failed: list[FailedArtist] = field(default_factory=list)
    tracks: int = 0
    outliers: int = 0
    seconds: float = 0.0
    indexes: list[BuiltIndex] = field(default_factory=list)
    extraction: ExtractionReport = field(default_factory=ExtractionReport)

    def to_json(self) -> dict[str, Any]:
        """The JSON shape of `artistindex build --format json`."""
        return {
            "requested": self.requested,
            "indexed": self.indexed,
            "failed": [
                {"artist": each.artist, "stage": each.stage, "reason": each.reason}
                for each in self.failed
            ],
            "tracks": self.tracks,
            "extracted": self.extraction.embedded,
            "failed_tracks": self.extraction.failed,
            "failures": self.extraction.failures_by_stage(),
            "outliers": self.outliers,
            "seconds": round(self.seconds, 3),
            "audio_seconds": round(self.extraction.audio_seconds, 3),
            "spent": {stage: round(spent, 3) for stage, spent in self.extraction.spent.items()},
            "indexes": [
                {
                    "index": each.model,
                    "artists": each.manifest.artists,
                    "dimension": each.manifest.dimension,
                    "path": str(each.path),
                    "changed": each.changed,
                }
                for each in self.indexes
            ],
        }


def build(
    artists: Sequence[str] = (),
    *,
    audio: str | Path | None = None,
    indexes: str | Path = "indexes",
    models: Sequence[str] = DEFAULT_MODELS,
    tracks: int = 5,
    engine: str = "auto",
    precision: str = "f32",
    excerpt: str = "full",
    transform: str = "none",
    workers: int | None = None,
    timeout: float = DEFAULT_TIMEOUT,
    retry_failed: bool = False,
    drop_outliers: bool = False,
    catalogue: str | None = None,
    ids: str | Path | None = None,
    source: AudioSource | None = None,
    fetch: Fetch = weights.download,
    observer: Reporter | None = None,
    waiting: Callable[[str], None] | None = None,
) -> BuildReport:
    """Embed `tracks` tracks of each artist with every model, and index each model's vectors.

    With `audio`, the artists are those of that folder (only `artists`, where some are named).
    Otherwise the names are looked up in `catalogue` ("spotify" or "deezer"; None takes Spotify
    where there are credentials), where the file `ids` may pin who is meant, and the audio comes
    from `source`, YouTube by default. Without any name, what is pending in the library is resumed
    and the indexes are built again. Tracks that sound like somebody else's are recorded as such,
    and left out with `drop_outliers`. `timeout` is in seconds a track. `fetch` gets a model's
    weights where they are missing.

    Raises Misuse, WeightsError, EngineError, BrokenLibrary, BrokenIndex, Busy (without `waiting`),
    and ArtistIndexError where the folder holds no music. Artists that fail are in the report.
    """
    started = time.perf_counter()
    observer = observer or NullReporter()
    _check(tracks=tracks, workers=workers, transform=transform)
    excerpt = str(Excerpt.parse(excerpt))
    specs = [spec_of(model) for model in dict.fromkeys(models)]
    audio, indexes, ids = _path(audio), Path(indexes), _path(ids)
    _look_before_work(audio, [indexes / spec.name for spec in specs])
    report = BuildReport()
    gathered: dict[str, ArtistVectors] = {}
    with ExitStack() as held:
        held.enter_context(writer_lock(indexes, waiting=waiting))
        plans = [_plan(fetch(spec), engine, precision, observer) for spec in specs]
        library = held.enter_context(Library.open(indexes / FILE_NAME))
        library.clear_failures(stage="read")  # a mount that vanished may be back
        if retry_failed:
            library.clear_failures()
        with ExitStack() as stack:
            if audio is not None:
                asked = _from_folder(library, artists, audio, report, observer)
            else:
                source = source or stack.enter_context(open_source(note=observer.note))
                lookup = stack.enter_context(open_resolver(catalogue, ids=ids, limit=2 * tracks))
                asked = _from_names(library, artists, lookup, tracks, report, observer)
            report.extraction = extract(
                library,
                asked,
                plans,
                tracks=tracks,
                excerpt=excerpt,
                workers=workers or default_workers(),
                timeout=timeout,
                source=source if audio is None else None,
                observer=observer,
            )
        for plan in plans:
            key = key_of(plan, excerpt)
            found = artist_vectors(library, key, tracks=tracks, drop_outliers=drop_outliers)
            _say_who_is_left_out(library, key, observer)
            gathered[plan.name] = found
            report.outliers += found.outliers
            if found.artists:
                made = _index(indexes / plan.name, plan, key, found, transform)
                report.indexes.append(made)
        _judge(library, asked, gathered, report)
    report.seconds = time.perf_counter() - started
    return report


def _check(*, tracks: int, workers: int | None, transform: str) -> None:
    if tracks < 1:
        raise Misuse(f"--tracks must be at least 1, not {tracks}")
    if workers is not None and workers < 1:
        raise Misuse(f"--workers must be at least 1, not {workers}")
    if transform not in TRANSFORMS:
        raise Misuse(f"unknown transform {transform!r}; there are {', '.join(TRANSFORMS)}")


def _path(path: str | Path | None) -> Path | None:
    return None if path is None else Path(path)


def _look_before_work(audio: Path | None, folders: Sequence[Path]) -> None:
    """Raise what would end the build anyway, before weights are fetched and tracks embedded."""
    for place in folders:
        replaceable(place)
    if audio is not None:
        next(local_files.scan(audio), None)


def _plan(found: Weights, engine: str, precision: str, observer: Reporter) -> ModelConfig:
    chosen = engines.select_engine(found, engine=engine, precision=precision, say=observer.note)
    return ModelConfig(found, chosen, precision)


def _from_folder(
    library: Library,
    wanted: Sequence[str],
    audio: Path,
    report: BuildReport,
    observer: Reporter,
) -> list[StoredArtist]:
    """The folder's artists, or those of them that are wanted."""
    ids = add_folder(library, audio, observer)
    found = [artist for artist in library.artists() if artist.id in ids]
    keys = {naming.normalise(name): name for name in wanted}
    for name in keys.values():
        if not any(naming.same_name(name, artist.artist.name) for artist in found):
            report.failed.append(FailedArtist(name, "catalogue", f"no music by {name} in {audio}"))
    asked = [artist for artist in found if not keys or naming.normalise(artist.artist.name) in keys]
    report.requested = len(asked) + len(report.failed)
    return asked


def _from_names(
    library: Library,
    wanted: Sequence[str],
    lookup: ArtistResolver,
    tracks: int,
    report: BuildReport,
    observer: Reporter,
) -> list[StoredArtist]:
    """The artists whom the names mean; without names all of the library, the pending ones too."""
    pinned = [name for name in library.requests() if lookup.pins.of(name) is not None]
    called = list(wanted) or list(dict.fromkeys([*library.pending_requests(), *pinned]))
    ids, failed = add_names(library, called, lookup, tracks=tracks, observer=observer)
    for failure in failed:
        report.failed.append(FailedArtist(failure.what, failure.stage, failure.reason))
    others = library.only_imported() if not wanted else set()
    asked = [
        artist
        for artist in library.artists()
        if artist.id in ids or (not wanted and artist.id not in others)
    ]
    report.requested = len(asked) + len(report.failed)
    if not report.requested and not others:
        raise Misuse(
            "no artist is named and the library holds none: name some, or give --audio DIR"
        )
    return asked


def _index(
    place: Path, plan: ModelConfig, key: VectorKey, found: ArtistVectors, transform: str
) -> BuiltIndex:
    """Write one model's index."""
    before = replaceable(place)
    made = write_index(
        place,
        key=key,
        artists=found.artists,
        vectors=np.stack(found.vectors),
        tracks=[[UsedTrack(*each) for each in several] for several in found.tracks],
        licence="; ".join(dict.fromkeys([plan.weights.spec.licence, *found.licences])),
        transform=transform,
    )
    return BuiltIndex(plan.name, place, made, made != before)


def _say_who_is_left_out(library: Library, key: VectorKey, observer: Reporter) -> None:
    if left_out := library.imported_otherwise(key):
        observer.note(
            f"{key.model}: {left_out} imported artists are left out, since their vectors are of"
            " other weights, precision or excerpt"
        )


def _judge(
    library: Library,
    asked: Sequence[StoredArtist],
    gathered: Mapping[str, ArtistVectors],
    report: BuildReport,
) -> None:
    """Count who is in every index, and say of the others why they are not."""
    behind: set[int] = set()
    last = {each.artist: each for each in library.failures() if each.stage in _FATAL_STAGES}
    for stored in asked:
        for found in gathered.values():
            behind.update(found.held.get(stored.id, ()))
        lacking = [model for model, found in gathered.items() if stored.id not in found.held]
        if not lacking:
            report.indexed += 1
            continue
        failure = last.get(stored.artist.name)
        why = failure.reason if failure else report.extraction.ended or "no track could be had"
        stage = failure.stage if failure else "fetch"
        missing = "" if len(lacking) == len(gathered) else f"not in {', '.join(lacking)}: "
        report.failed.append(FailedArtist(stored.artist.name, stage, f"{missing}{why}"))
    report.tracks = len(behind)
