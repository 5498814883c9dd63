"""What `build` does: discover who is meant, embed what is missing, index each model's vectors."""

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from artistindex import naming
from artistindex._util.progress import NullReporter, Reporter
from artistindex.audio.sources.base import AudioSource
from artistindex.audio.sources.open import open_source
from artistindex.embedding import weights
from artistindex.embedding.device import DevicePool, needs_device
from artistindex.embedding.embed import ModelConfig
from artistindex.embedding.engine import Engine, Precision, select_device, select_engine
from artistindex.embedding.onnxruntime import Device
from artistindex.embedding.pool import Pool, WorkerPool, default_workers
from artistindex.embedding.registry import spec_of
from artistindex.embedding.spec import ModelSpec
from artistindex.embedding.weights import Weights
from artistindex.errors import Misuse, Remedy, WeightsError
from artistindex.index.manifest import replaceable
from artistindex.index.transforms import MIN_ARTISTS
from artistindex.ingest import indexing
from artistindex.ingest.config import BuildConfig, IndexSettings
from artistindex.ingest.discover import add_folder, add_names
from artistindex.ingest.early import EarlyIndexes
from artistindex.ingest.extract import ExtractionRun, IndexPlan
from artistindex.ingest.fetcher import Fetcher
from artistindex.ingest.rebuild import Indexed, write
from artistindex.ingest.report import BuildReport, BuiltIndex, FailedArtist
from artistindex.library.decisions import FILE_NAME as DECISIONS_FILE
from artistindex.library.decisions import Decisions
from artistindex.library.library import FILE_NAME, Library
from artistindex.library.lock import writer_lock
from artistindex.library.rows import StoredArtist, StoredTrack
from artistindex.metadata import local_files
from artistindex.metadata.resolver import open_resolver
from artistindex.metadata.tag_reader import ReadsTags

Fetch = Callable[[ModelSpec], Weights]

_FATAL_STAGES = ("catalogue", "match", "fetch", "read", "decode", "embed")
_log = logging.getLogger(__name__)


def build(
    config: BuildConfig | None = None,
    /,
    *,
    source: AudioSource | None = None,
    pool: Pool | None = None,
    fetch: Fetch | None = None,
    reporter: Reporter | None = None,
    **settings: Any,
) -> BuildReport:
    """Embed tracks of each artist with every model, and index each model's vectors.

    What to do says `config`, or its fields as keywords: `build(audio="music", models=["musicnn"])`.
    The audio of names comes from `source` (YouTube by default), weights that are missing from
    `fetch` (downloaded by default); tracks are embedded by `pool` (worker processes by default).
    `reporter` hears how far it has come. Tracks that sound like somebody else's are recorded as
    such, and left out where the settings say so.

    Raises Misuse, WeightsError, EngineError, BrokenLibrary, BrokenIndex, Busy, and ArtistIndexError
    where the folder holds no music. Artists that fail are in the report.
    """
    config = replace(config or BuildConfig(), **settings)
    return _Build(config, source, pool, fetch, reporter or NullReporter()).run()


class _Build:
    """One build, from its settings to its report."""

    def __init__(
        self,
        config: BuildConfig,
        source: AudioSource | None,
        pool: Pool | None,
        fetch: Fetch | None,
        reporter: Reporter,
    ) -> None:
        self._config = config
        self._source = source
        self._pool = pool
        self._fetch = fetch or partial(weights.download, reporter=reporter)
        self._reporter = reporter
        self._report = BuildReport()

    def run(self) -> BuildReport:
        """Do all of it; raises what `build` does."""
        started = time.perf_counter()
        all_settings = self._config.index_settings()
        self._look_before_work(all_settings)
        with writer_lock(self._config.folder):
            plans = self._plans(all_settings)
            with Library.open(self._config.folder / FILE_NAME) as library:
                library.clear_failures(stage="read")  # a mount that vanished may be back
                if self._config.retry_failed:
                    library.clear_failures()
                with self._open_pool(plans) as pool:
                    artists = self._discover(library, plans, pool)
                    self._extract(library, artists, plans, pool)
                indexed = self._index(library, plans)
                self._count(library, artists, indexed)
        self._report.seconds = time.perf_counter() - started
        return self._report

    def _look_before_work(self, all_settings: Sequence[IndexSettings]) -> None:
        """Raise what would end the build anyway, before weights are fetched and tracks embedded."""
        self._before = {
            settings.model: replaceable(self._config.folder / settings.model)
            for settings in all_settings
        }
        if self._config.music is not None:
            local_files.demand_audio(self._config.music)
        Decisions.read(self._config.folder / DECISIONS_FILE)

    def _plans(self, all_settings: Sequence[IndexSettings]) -> list[IndexPlan]:
        """Return a plan for each index; an index that nobody named may be left as it is.

        Raises WeightsError where that would be all of them.
        """
        plans, errors = [], []
        for settings in all_settings:
            try:
                plans.append(self._plan(settings))
            except WeightsError as error:
                if self._config.models is not None or self._before[settings.model] is None:
                    raise
                extra = {"remedy": error.remedy, "details": error.details}
                _log.warning("its index is left as it is: %s", error, extra=extra)
                errors.append(error)
        if not plans:
            raise errors[0]
        return plans

    def _plan(self, settings: IndexSettings) -> IndexPlan:
        self._begin(f"loading {settings.model}")
        installed = self._fetch(spec_of(settings.model))
        self._demand_same_weights(installed)
        self._begin(f"checking the engine of {settings.model}")
        precision = Precision.parse(settings.precision)
        device = self._device(installed, precision)
        if device is Device.CUDA:
            engine = Engine.ONNXRUNTIME
        else:
            engine = select_engine(installed, engine=self._config.engine, precision=precision)
        _log.info("%s: running in %s, %s, on %s", settings.model, engine, precision, device)
        return IndexPlan(settings, ModelConfig(installed, engine, precision, device=device))

    def _device(self, installed: Weights, precision: Precision) -> Device:
        """Return where the model runs; machines of a cluster use their processors."""
        if self._config.cluster is not None:
            return Device.CPU
        config = self._config
        return select_device(
            installed, device=config.device, engine=config.engine, precision=precision
        )

    def _demand_same_weights(self, installed: Weights) -> None:
        """Raise WeightsError where an index would be made anew although nobody named its model."""
        before = self._before[installed.spec.name]
        if self._config.models is not None or before is None:
            return
        if before.key.weights_sha256 != installed.identity:
            raise WeightsError(
                f"{installed.spec.name} was made with other weights (sha256"
                f" {before.key.weights_sha256[:12]}…) than the installed ones"
                f" ({installed.sha256[:12]}…)",
                remedy=Remedy.NAME_THE_MODEL,
                model=installed.spec.name,
            )

    def _begin(self, activity: str) -> None:
        _log.info("%s", activity)
        self._reporter.activity(activity)

    # -- who ---------------------------------------------------------------------------------------

    def _discover(
        self, library: Library, plans: Sequence[IndexPlan], pool: Pool
    ) -> list[StoredArtist]:
        """Return the artists to build with, and note in the report who cannot be."""
        if self._config.music is not None:
            artists = self._from_folder(library, self._config.music, pool)
        else:
            artists = self._from_names(library, max(plan.settings.tracks for plan in plans))
        self._report.requested = len(artists) + len(self._report.failed)
        return artists

    def _from_folder(self, library: Library, music: Path, pool: Pool) -> list[StoredArtist]:
        """Return the folder's artists, or those of them that are named."""
        self._begin(f"scanning {music}")
        ids = add_folder(
            library,
            music,
            self._reporter,
            rescan=self._config.rescan,
            prune=self._config.prune,
            reader=pool if isinstance(pool, ReadsTags) else None,
        )
        present = [artist for artist in library.artists() if artist.id in ids]
        meant = self._meant(library)
        names = {naming.normalise(name): name for name in meant}
        for name in names.values():
            if not any(naming.same_name(name, artist.artist.name) for artist in present):
                self._fail(name, "catalogue", f"no music by {name} in {music}")
        return [
            artist
            for artist in present
            if not names or naming.normalise(artist.artist.name) in names
        ]

    def _meant(self, library: Library) -> list[str]:
        """Return whom the names mean by what the user decided about names."""
        meant = library.decisions.meant_by(self._config.artists)
        if self._config.artists and not meant:
            raise Misuse("every artist that is named is to be ignored", remedy=Remedy.UNIGNORE)
        return meant

    def _from_names(self, library: Library, tracks: int) -> list[StoredArtist]:
        """Return the artists whom the names mean; without names all of the library's."""
        named = self._meant(library)
        catalogue, ids = self._config.catalogue, self._config.ids_file
        pins = library.decisions.ids
        with open_resolver(catalogue, ids=ids, pins=pins, limit=2 * tracks) as resolver:
            pinned = [name for name in library.requests() if resolver.pins.of(name) is not None]
            called = named or list(dict.fromkeys([*library.pending_requests(), *pinned]))
            if called:
                self._begin(f"looking up {len(called)} names")
            discovered = add_names(library, called, resolver, tracks=tracks)
        for failure in discovered.failures:
            self._fail(failure.what, failure.stage, failure.reason)
        imported = library.only_imported() if not named else set()
        artists = [
            artist
            for artist in library.artists()
            if artist.id in discovered.artist_ids or (not named and artist.id not in imported)
        ]
        if not artists and not self._report.failed and not imported:
            raise Misuse(
                "no artist is named and the library holds none", remedy=Remedy.NAME_ARTISTS
            )
        return artists

    def _fail(self, artist: str, stage: str, reason: str) -> None:
        self._report.failed.append(FailedArtist(artist, stage, reason))

    # -- what is missing ---------------------------------------------------------------------------

    def _extract(
        self,
        library: Library,
        artists: Sequence[StoredArtist],
        plans: Sequence[IndexPlan],
        pool: Pool,
    ) -> None:
        self._begin("embedding")
        with self._open_fetcher(library) as fetcher:
            extraction = ExtractionRun(library, pool, fetcher, self._reporter)
            self._report.extraction = extraction.report
            for plan in plans:
                self._say_what_changes(library, extraction, artists, plan)
            early = EarlyIndexes(partial(self._write_early, library, plans))
            for task in extraction.run(artists, plans):
                early.on_track(task.artist)

    def _say_what_changes(
        self,
        library: Library,
        extraction: ExtractionRun,
        artists: Sequence[StoredArtist],
        plan: IndexPlan,
    ) -> None:
        """Log how a plan differs from the index that is there, and what that costs."""
        before = self._before[plan.settings.model]
        if before is None or not (changes := indexing.changes(before, plan)):
            return
        again: dict[int, StoredTrack] = {}
        if before.key != plan.key:
            embedded = library.embedded_track_ids(before.key)
            pending = extraction.pending_tasks(artists, [plan])
            again = {task.stored.id: task.stored for task in pending if task.stored.id in embedded}
        hours = sum(stored.track.duration or 0.0 for stored in again.values()) / 3600
        cost = f"{len(again)} tracks ({hours:.1f} hours of music) are" if again else "nothing is"
        _log.warning("%s: %s; %s embedded again", plan.settings.model, ", ".join(changes), cost)

    def _write_early(self, library: Library, plans: Sequence[IndexPlan]) -> None:
        """Write the indexes that lose nothing by it: new ones, and those made alike before."""
        for plan in plans:
            before = self._before[plan.settings.model]
            if before is None or before.key == plan.key:
                self._write(library, plan, min_artists=MIN_ARTISTS)

    @contextmanager
    def _open_pool(self, plans: Sequence[IndexPlan]) -> Iterator[Pool]:
        if self._pool is not None:
            yield self._pool
            return
        if self._config.cluster is not None:
            from artistindex.ingest.cluster import open_cluster

            self._begin(f"waiting for the cluster {self._config.cluster}")
            with open_cluster(self._config.cluster, timeout=self._config.timeout) as cluster:
                yield cluster
            return
        workers = self._config.workers or default_workers()
        kind = DevicePool if needs_device([plan.model for plan in plans]) else WorkerPool
        with kind(workers, timeout=self._config.timeout) as pool:
            yield pool

    @contextmanager
    def _open_fetcher(self, library: Library) -> Iterator[Fetcher | None]:
        """Open the fetcher of catalogue tracks; a folder of music needs none."""
        if self._config.music is not None:
            yield None
            return
        with ExitStack() as stack:
            source = self._source or stack.enter_context(open_source())
            yield stack.enter_context(Fetcher(library.path, source))

    # -- the indexes -------------------------------------------------------------------------------

    def _index(self, library: Library, plans: Sequence[IndexPlan]) -> dict[str, Indexed]:
        """Write the index of every plan, and return what it is made of by model."""
        by_model: dict[str, Indexed] = {}
        for plan in plans:
            model = plan.settings.model
            self._begin(f"writing the index {model}")
            indexed = by_model[model] = self._write(library, plan)
            indexing.say_who_is_left_out(library, plan.key)
            self._report.outliers += indexed.outliers
            if indexed.manifest is not None:
                changed = indexed.manifest != self._before[model]
                folder = self._config.folder / model
                self._report.indexes.append(BuiltIndex(model, folder, indexed.manifest, changed))
        return by_model

    def _write(self, library: Library, plan: IndexPlan, *, min_artists: int = 1) -> Indexed:
        return write(
            self._config.folder / plan.settings.model,
            library,
            indexing.recipe_of(plan),
            licence=plan.model.weights.spec.licence,
            min_artists=min_artists,
            kind=plan.settings.kind,
            refit=self._config.is_fitted_anew,
        )

    def _count(
        self,
        library: Library,
        artists: Sequence[StoredArtist],
        indexed: Mapping[str, Indexed],
    ) -> None:
        """Count who is in every index, and say of the others why they are not."""
        last = {row.artist: row for row in library.failures() if row.stage in _FATAL_STAGES}
        for stored in artists:
            lacking = [name for name, index in indexed.items() if stored.id not in index.rows]
            if not lacking:
                self._report.indexed += 1
                continue
            failure = last.get(stored.artist.name)
            ended = self._report.extraction.ended
            reason = failure.reason if failure else ended or "no track could be had"
            where = "" if len(lacking) == len(indexed) else f"not in {', '.join(lacking)}: "
            self._fail(
                stored.artist.name, failure.stage if failure else "fetch", f"{where}{reason}"
            )
        ids = [stored.id for stored in artists]
        behind = set[int]().union(*(index.tracks_behind(ids) for index in indexed.values()))
        self._report.tracks = len(behind)
