"""What `artistindex build` does: ingest what is named, then index each model's vectors."""

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from artistindex import names
from artistindex.audio.decode import Excerpt
from artistindex.audio.sources import open_source
from artistindex.catalogues.resolve import Lookup, open_lookup
from artistindex.crew import DEFAULT_TIMEOUT, default_workers
from artistindex.errors import ArtistIndexError, Misuse
from artistindex.fetching import AudioSource
from artistindex.index.build import write_index
from artistindex.index.manifest import Manifest
from artistindex.index.sidecar import UsedTrack
from artistindex.index.transforms import TRANSFORMS
from artistindex.ingest import (
    Extraction,
    Observer,
    Silent,
    add_folder,
    add_names,
    extract,
    key_of,
)
from artistindex.library import FILE_NAME, Library, StoredArtist
from artistindex.locks import writer_lock
from artistindex.models import engine as engines
from artistindex.models import weights
from artistindex.models.registry import DEFAULT_MODELS, spec_of
from artistindex.models.weights import Weights
from artistindex.records import Artist
from artistindex.selection import select
from artistindex.worker import ModelPlan

Fetch = Callable[[Any], Weights]


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
    seconds: float = 0.0
    indexes: list[BuiltIndex] = field(default_factory=list)
    extraction: Extraction = field(default_factory=Extraction)

    @property
    def exit_code(self) -> int:
        """0 where every artist is indexed, 3 where some are, 1 where none is."""
        if not self.failed:
            return 0
        return 3 if self.indexed else 1

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
    audio: Path | None = None,
    indexes: Path = Path("indexes"),
    models: Sequence[str] = DEFAULT_MODELS,
    tracks: int = 5,
    engine: str = "auto",
    precision: str = "f32",
    excerpt: str = "full",
    transform: str = "none",
    workers: int | None = None,
    timeout: float = DEFAULT_TIMEOUT,
    retry_failed: bool = False,
    catalogue: str | None = None,
    ids: Path | None = None,
    source: AudioSource | None = None,
    fetch: Fetch = weights.fetch,
    observer: Observer | None = None,
    waiting: Callable[[str], None] | None = None,
) -> BuildReport:
    """Embed `tracks` tracks of each artist with every model, and index each model's vectors.

    With `audio`, the artists are those of that folder (only `artists`, where some are named).
    Otherwise the names are looked up in `catalogue` ("spotify" or "deezer"; None takes Spotify
    where there are credentials), where the file `ids` may pin who is meant, and the audio comes
    from `source`, YouTube by default. Without any name, what is pending in the library is resumed
    and the indexes are built again. `timeout` is in seconds a track. `fetch` gets a model's weights
    where they are missing.

    Raises Misuse, WeightsError, EngineError, BrokenLibrary, BrokenIndex, Busy (without `waiting`),
    and ArtistIndexError where the folder holds no music. Artists that fail are in the report.
    """
    started = time.perf_counter()
    observer = observer or Silent()
    _check(tracks=tracks, workers=workers, transform=transform)
    excerpt = str(Excerpt.parse(excerpt))
    found = [fetch(spec_of(model)) for model in dict.fromkeys(models)]
    plans = [_plan(each, engine, precision, observer) for each in found]
    report = BuildReport()
    with writer_lock(indexes, waiting=waiting), Library.open(indexes / FILE_NAME) as library:
        if retry_failed:
            library.clear_failures()
        with ExitStack() as stack:
            if audio is not None:
                asked = _from_folder(library, artists, audio, report, observer)
            else:
                source = source or stack.enter_context(open_source(note=observer.note))
                lookup = stack.enter_context(open_lookup(catalogue, ids=ids, limit=2 * tracks))
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
        held = [
            _index(library, indexes / plan.name, plan, excerpt, tracks, transform, report)
            for plan in plans
        ]
        _judge(library, asked, plans, held, report)
    report.seconds = time.perf_counter() - started
    return report


def _check(*, tracks: int, workers: int | None, transform: str) -> None:
    if tracks < 1:
        raise Misuse(f"--tracks must be at least 1, not {tracks}")
    if workers is not None and workers < 1:
        raise Misuse(f"--workers must be at least 1, not {workers}")
    if transform not in TRANSFORMS:
        raise Misuse(f"unknown transform {transform!r}; there are {', '.join(TRANSFORMS)}")


def _plan(found: Weights, engine: str, precision: str, observer: Observer) -> ModelPlan:
    chosen = engines.choose(found, engine=engine, precision=precision, say=observer.note)
    return ModelPlan(found, chosen, precision)


def _from_folder(
    library: Library,
    wanted: Sequence[str],
    audio: Path,
    report: BuildReport,
    observer: Observer,
) -> list[StoredArtist]:
    """The folder's artists, or those of them that are wanted."""
    ids = add_folder(library, audio, observer)
    found = [artist for artist in library.artists() if artist.id in ids]
    keys = {names.fold(name): name for name in wanted}
    for name in keys.values():
        if not any(names.same(name, artist.artist.name) for artist in found):
            report.failed.append(FailedArtist(name, "catalogue", f"no music by {name} in {audio}"))
    asked = [artist for artist in found if not keys or names.fold(artist.artist.name) in keys]
    report.requested = len(asked) + len(report.failed)
    return asked


def _from_names(
    library: Library,
    wanted: Sequence[str],
    lookup: Lookup,
    tracks: int,
    report: BuildReport,
    observer: Observer,
) -> list[StoredArtist]:
    """The artists whom the names mean; without names all of the library, the pending ones too."""
    called = list(wanted) or library.unanswered()
    ids, failed = add_names(library, called, lookup, tracks=tracks, observer=observer)
    for failure in failed:
        report.failed.append(FailedArtist(failure.what, failure.stage, failure.reason))
    asked = [artist for artist in library.artists() if not wanted or artist.id in ids]
    report.requested = len(asked) + len(report.failed)
    return asked


def _index(
    library: Library,
    folder: Path,
    plan: ModelPlan,
    excerpt: str,
    tracks: int,
    transform: str,
    report: BuildReport,
) -> dict[int, list[int]]:
    """Write one model's index; returns the tracks behind each artist, by their library ids."""
    key = key_of(plan, excerpt)
    vectors = library.vectors(key)
    artists: list[Artist] = []
    means = []
    used: list[list[UsedTrack]] = []
    held: dict[int, list[int]] = {}
    for stored in library.artists():
        chosen = select(
            library.tracks_of(stored.id),
            tracks,
            model=plan.name,
            usable=lambda track: track.id in vectors,
        )
        if chosen:
            artists.append(stored.artist)
            means.append(artist_vector([vectors[track.id] for track in chosen]))
            used.append([UsedTrack(each.track.title, each.track.album, each.id) for each in chosen])
            held[stored.id] = [each.id for each in chosen]
    if artists:
        before = _manifest(folder)
        made = write_index(
            folder,
            key=key,
            artists=artists,
            vectors=np.stack(means),
            tracks=used,
            licence=plan.weights.spec.licence,
            transform=transform,
        )
        report.indexes.append(BuiltIndex(plan.name, folder, made, made != before))
    return held


def artist_vector(vectors: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    """The mean of an artist's track vectors: float32 of shape (dimension,)."""
    mean: NDArray[np.float64] = np.stack(vectors).astype(np.float64).mean(axis=0)
    return mean.astype(np.float32)


def _manifest(folder: Path) -> Manifest | None:
    try:
        return Manifest.read(folder)
    except ArtistIndexError:
        return None


def _judge(
    library: Library,
    asked: Sequence[StoredArtist],
    plans: Sequence[ModelPlan],
    held: Sequence[dict[int, list[int]]],
    report: BuildReport,
) -> None:
    """Count who is in every index, and say of the others why they are not."""
    behind: set[int] = set()
    last = {failure.artist: failure for failure in library.failures()}
    for stored in asked:
        behind |= {track for each in held for track in each.get(stored.id, ())}
        lacking = [
            plan.name for plan, each in zip(plans, held, strict=True) if stored.id not in each
        ]
        if not lacking:
            report.indexed += 1
            continue
        failure = last.get(stored.artist.name)
        why = failure.reason if failure else report.extraction.ended or "no track could be had"
        stage = failure.stage if failure else "fetch"
        missing = "" if len(lacking) == len(plans) else f"not in {', '.join(lacking)}: "
        report.failed.append(FailedArtist(stored.artist.name, stage, f"{missing}{why}"))
    report.tracks = len(behind)
