"""Joins catalogues, audio, models and library: every missing track vector, made once and kept.

The state lives in the library alone. A round looks which tracks stand for the artists
(`selection.select`), gets and embeds those that lack a vector, and commits each as it ends; since a
failed track makes room for the next one, rounds follow until nothing is missing. An interrupted
run therefore needs nothing to go on but to be started again.
"""

import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from artistindex._util.progress import NullReporter, Reporter
from artistindex.embedding.embed import EmbedResult, Job, ModelConfig
from artistindex.embedding.pool import WorkerPool
from artistindex.entities import Artist, Failure, Service, VectorKey
from artistindex.errors import ArtistIndexError, ServiceEnded, TrackError
from artistindex.ingest.fetcher import AudioSource, Fetcher
from artistindex.library.library import Library
from artistindex.library.rows import StoredArtist, StoredTrack
from artistindex.library.selection import select
from artistindex.metadata import local_files
from artistindex.metadata.resolver import ArtistResolver, Resolved

_FETCHED_AHEAD = 4  # audio files that may wait for a free worker
_SORTED_A_WORKER = 16  # of the last tracks, for each worker, the largest are embedded first


@dataclass(slots=True)
class ExtractionReport:
    """What a run of `extract` did: tracks embedded and failed, seconds of audio, wall time.

    `spent` adds up the workers' seconds per stage, `reasons` counts failures by stage and reason;
    `ended` is why a service was given up on.
    """

    embedded: int = 0
    failed: int = 0
    audio_seconds: float = 0.0
    seconds: float = 0.0
    spent: dict[str, float] = field(default_factory=dict)
    reasons: Counter[tuple[str, str]] = field(default_factory=Counter)
    ended: str | None = None

    def failures_by_stage(self) -> dict[str, int]:
        """How many tracks failed at each stage."""
        found: Counter[str] = Counter()
        for (stage, _), count in self.reasons.items():
            found[stage] += count
        return dict(found)


def key_of(plan: ModelConfig, excerpt: str) -> VectorKey:
    """The key under which the library keeps the vectors that `plan` makes."""
    return VectorKey(plan.name, plan.weights.sha256, plan.precision, excerpt)


def extract(
    library: Library,
    artists: Sequence[StoredArtist],
    plans: Sequence[ModelConfig],
    *,
    tracks: int,
    excerpt: str,
    workers: int,
    timeout: float,
    source: AudioSource | None = None,
    observer: Reporter | None = None,
) -> ExtractionReport:
    """Embed what is missing of the first `tracks` tracks of each of `artists` with every plan.

    Tracks without a file of their own are fetched from `source`; without one they wait. Raises
    EngineError or WeightsError where a model does not load, BrokenLibrary where nothing can be
    recorded any more; what was finished before is kept.
    """
    started = time.perf_counter()
    with ExitStack() as stack:
        crew = stack.enter_context(WorkerPool(workers, timeout=timeout))
        fetcher = stack.enter_context(Fetcher(library.path, source)) if source else None
        run = ExtractionRun(library, crew, fetcher, excerpt, observer or NullReporter())
        while todo := run.missing(artists, plans, tracks):
            run.embed(todo)
    run.done.seconds = time.perf_counter() - started
    return run.done


def add_folder(library: Library, music: Path, observer: Reporter | None = None) -> set[int]:
    """Record the audio files below `music`; returns the ids of their artists.

    Files that have not changed since they were recorded are not read again. Raises what
    `folder.scan` raises, and ArtistIndexError where no file has an artist.
    """
    observer = observer or NullReporter()
    ids: set[int] = set()
    nameless = 0
    library.clear_failures(stage="catalogue", below=music.resolve())
    for found in local_files.scan(music, known=library.file):
        if isinstance(found, Failure):
            library.add_failure(found)
            nameless += 1
        else:
            track_id = library.upsert_file(found.track, size=found.size, mtime_ns=found.mtime_ns)
            ids.update(library.artists_of(track_id))
    if nameless:
        observer.note(f"not usable: {nameless} of the files; `artistindex failures` says why")
    if not ids:
        raise ArtistIndexError(
            f"no file in {music} has an artist: `artistindex failures` lists them"
        )
    return ids


def add_names(
    library: Library,
    wanted: Sequence[str],
    lookup: ArtistResolver,
    *,
    tracks: int,
    observer: Reporter | None = None,
) -> tuple[set[int], list[Failure]]:
    """Find the artists called `wanted` and list tracks of each.

    Returns the artists' ids, and what went wrong with the other names. A name answered before is
    not looked up again, unless another id is pinned for it now or fewer than `tracks` tracks are
    listed. What is not found is recorded as a failure of stage "catalogue"; a name whose turn did
    not come, since the catalogue ended, is not: it is left for another run.
    """
    observer = observer or NullReporter()
    library.add_request(wanted)
    ids: set[int] = set()
    failed: list[Failure] = []
    unknown = []
    for name in wanted:
        stored = library.artist_for(name)
        if stored is not None and _still_good(library, name, stored, lookup, tracks):
            ids.add(stored.id)
        else:
            unknown.append(name)
    for outcome in lookup.resolve(unknown):
        if outcome.artist is not None:
            ids.add(_answer(library, outcome, outcome.artist, observer))
        elif outcome.failure is not None:
            failed.append(outcome.failure)
            if not outcome.pending:
                library.add_failure(outcome.failure)
    return ids, failed


def _still_good(
    library: Library, name: str, stored: StoredArtist, lookup: ArtistResolver, tracks: int
) -> bool:
    pin = lookup.pins.of(name)
    if pin is not None:
        for service in Service:
            if pin.ids.get(service) not in (None, stored.artist.ids.get(service)):
                return False
    return sum(each.track.catalogue is not None for each in library.tracks_of(stored.id)) >= tracks


def _answer(library: Library, outcome: Resolved, artist: Artist, observer: Reporter) -> int:
    """Record who a name means; its parts take the place of a collaboration's name."""
    if outcome.name != outcome.requested:
        library.remove_request(outcome.requested)
    artist_id = library.resolve_request(outcome.name, artist, outcome.tracks)
    for warning in outcome.warnings:
        library.add_failure(Failure(outcome.name, "identity", warning, artist=artist.name))
        observer.note(f"{outcome.name}: {warning}")
    return artist_id


@dataclass(slots=True)
class Task:
    """A track on its way, and the models that lack its vector."""

    stored: StoredTrack
    artist: str
    models: tuple[ModelConfig, ...]

    @property
    def label(self) -> str:
        return self.stored.label(self.artist)


class ExtractionRun:
    """Everything in flight: one thread that waits for the network, workers that embed."""

    def __init__(
        self,
        library: Library,
        crew: WorkerPool,
        fetcher: Fetcher | None,
        excerpt: str,
        observer: Reporter,
    ) -> None:
        self.done = ExtractionReport()
        self._library = library
        self._crew = crew
        self._fetcher = fetcher
        self._excerpt = excerpt
        self._observer = observer
        self._tried: set[int] = set()
        self._afar: deque[Task] = deque()
        self._ready: deque[tuple[Task, Path]] = deque()
        self._fetching: dict[Future[Path], Task] = {}
        self._embedding: dict[Future[EmbedResult | TrackError], tuple[Task, Path]] = {}

    def missing(
        self, artists: Iterable[StoredArtist], plans: Sequence[ModelConfig], count: int
    ) -> list[Task]:
        """The tracks that stand for `artists`, lack a vector, and were not tried in this run."""
        held = {
            plan: self._library.embedded_track_ids(key_of(plan, self._excerpt)) for plan in plans
        }
        tasks: dict[int, Task] = {}
        for artist, tracks in self._library.tracks_by_artist(artists):
            for plan in plans:
                usable = self._usable(held[plan])
                for stored in select(tracks, count, model=plan.name, usable=usable):
                    if stored.id not in held[plan]:
                        task = tasks.setdefault(stored.id, Task(stored, artist.artist.name, ()))
                        task.models = tuple(dict.fromkeys((*task.models, plan)))
        return list(tasks.values())

    def _usable(self, held: set[int]) -> Callable[[StoredTrack], bool]:
        return lambda track: track.id in held or self._can_get(track)

    def _can_get(self, track: StoredTrack) -> bool:
        if track.id in self._tried:
            return False
        from_afar = self._fetcher is not None and self.done.ended is None
        return track.track.path is not None or from_afar

    def embed(self, tasks: Sequence[Task]) -> None:
        """Bring `tasks` to their end: embedded, failed, or left because a service ended."""
        self._observer.planned(len(tasks))
        for task in self._largest_first_at_the_end(tasks):
            self._tried.add(task.stored.id)
            path = task.stored.track.path
            if path is None:
                self._afar.append(task)
            else:
                self._ready.append((task, path))
        while self._afar or self._ready or self._fetching or self._embedding:
            self._fill()
            flying: list[Future[Any]] = [*self._fetching, *self._embedding]
            finished, _ = wait(flying, return_when=FIRST_COMPLETED)
            for future in finished:
                self._settle(future)

    def _largest_first_at_the_end(self, tasks: Sequence[Task]) -> list[Task]:
        """`tasks`, of whose end the largest files come first: so the workers end together."""
        end = max(0, len(tasks) - _SORTED_A_WORKER * self._crew.workers)
        last = sorted(tasks[end:], key=lambda task: -(task.stored.size or 0))
        return [*tasks[:end], *last]

    def _fill(self) -> None:
        """Keep the network thread and the workers busy, and no more than a few files waiting."""
        while self._fetcher and self._afar and self._may_fetch():
            task = self._afar.popleft()
            self._fetching[self._fetcher.submit(task.stored)] = task
        while self._ready and len(self._embedding) < 2 * self._crew.workers:
            task, path = self._ready.popleft()
            job = Job(task.stored.id, path, task.label, task.models, self._excerpt)
            self._embedding[self._crew.submit(job)] = (task, path)

    def _may_fetch(self) -> bool:
        return not self._fetching and len(self._ready) < _FETCHED_AHEAD

    def _settle(self, future: Future[Any]) -> None:
        if future in self._fetching:
            self._fetched(self._fetching.pop(future), future)
        else:
            self._embedded(*self._embedding.pop(future), future)

    def _fetched(self, task: Task, future: Future[Path]) -> None:
        try:
            self._ready.append((task, future.result()))
        except TrackError as error:
            self._failed(task, error)
        except ServiceEnded as error:
            self.done.ended = str(error)
            self._observer.note(str(error))
            self._afar.clear()

    def _embedded(self, task: Task, path: Path, future: Future[EmbedResult | TrackError]) -> None:
        outcome = future.result()
        useless = isinstance(outcome, TrackError) and outcome.stage == "decode"
        if task.stored.track.path is None and self._fetcher is not None:
            self._fetcher.release(path, useless=useless)
        if isinstance(outcome, TrackError):
            self._failed(task, outcome)
        else:
            self._record(task, outcome)

    def _record(self, task: Task, made: EmbedResult) -> None:
        shortfalls = [
            (model, Failure(task.label, "embed", reason, artist=task.artist))
            for model, reason in made.failed_models
        ]
        self._library.add_embedding(
            made.track_id,
            audio_sha256=made.audio_sha256,
            duration=made.duration,
            vectors=made.vectors,
            failures=shortfalls,
        )
        self.done.embedded += bool(made.vectors)
        self.done.failed += bool(made.failed_models)
        self.done.reasons.update(("embed", reason) for _, reason in made.failed_models)
        self.done.audio_seconds += made.seconds
        for stage, seconds in made.spent.items():
            self.done.spent[stage] = self.done.spent.get(stage, 0.0) + seconds
        self._observer.finished(task.label, audio_seconds=made.seconds, failed=not made.vectors)

    def _failed(self, task: Task, error: TrackError) -> None:
        failure = Failure(task.label, error.stage, error.reason, error.retryable, task.artist)
        self._library.add_failure(failure, track_id=task.stored.id)
        self.done.failed += 1
        self.done.reasons[error.stage, error.reason] += 1
        self._observer.finished(task.label, audio_seconds=0.0, failed=True)
