"""Every missing track vector, made once and kept.

The state lives in the library alone. A round looks which tracks stand for the artists
(`selection.select`), fetches and embeds those that lack a vector, and commits each as it ends;
since a failed track makes room for the next one, rounds follow until nothing is missing. An
interrupted run therefore needs nothing to go on but to be started again. Tracks are looked for
while others are embedded: however many there are, few are in memory.
"""

import logging
import time
from collections import Counter, defaultdict, deque
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from artistindex._util.progress import Reporter
from artistindex.embedding.embed import EmbedResult, Job, ModelConfig
from artistindex.embedding.pool import Pool
from artistindex.entities import Failure, Pooling, VectorKey
from artistindex.errors import ServiceEnded, TrackError
from artistindex.ingest.config import IndexSettings
from artistindex.ingest.fetcher import Fetcher
from artistindex.library.library import Library
from artistindex.library.rows import StoredArtist, StoredTrack
from artistindex.library.selection import select

_MAX_FETCHED_AHEAD = 4  # audio files that may wait for a free worker
_MAX_TO_FETCH = 10_000  # tracks without a file that are passed by in search of those with one
_SORTED_A_WORKER = 16  # of the last tracks, for each worker, the largest are embedded first

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class IndexPlan:
    """An index to build: how it is made, and what runs its model."""

    settings: IndexSettings
    model: ModelConfig

    @property
    def key(self) -> VectorKey:
        """Return the key under which the library keeps the index's track vectors."""
        settings = self.settings
        key = self.model.key(settings.excerpt)
        return replace(key, layer=settings.layer, pooling=settings.pooling)


@dataclass(slots=True)
class ExtractionReport:
    """What a run did: tracks embedded and failed, seconds of audio, wall time.

    `timings` adds up the workers' seconds per stage, `reasons` counts failures by stage and reason;
    `ended` is why a service was given up on.
    """

    embedded: int = 0
    failed: int = 0
    audio_seconds: float = 0.0
    seconds: float = 0.0
    timings: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    reasons: Counter[tuple[str, str]] = field(default_factory=Counter)
    ended: str | None = None

    def failures_by_stage(self) -> dict[str, int]:
        """Return how many tracks failed at each stage."""
        stages: Counter[str] = Counter()
        for (stage, _), count in self.reasons.items():
            stages[stage] += count
        return dict(stages)


@dataclass(slots=True)
class Task:
    """A track on its way, and the models that lack its vector of `excerpt`."""

    stored: StoredTrack
    artist: str
    models: tuple[ModelConfig, ...]
    excerpt: str

    @property
    def label(self) -> str:
        """Return what failures call the track."""
        return self.stored.label(self.artist)

    @property
    def place(self) -> tuple[int, str]:
        """Return what a task is known by: no two of one run share it at a time."""
        return self.stored.id, self.excerpt


class ExtractionRun:
    """Everything in flight: one thread that waits for the network, workers that embed."""

    def __init__(
        self, library: Library, pool: Pool, fetcher: Fetcher | None, reporter: Reporter
    ) -> None:
        self.report = ExtractionReport()
        self._library = library
        self._pool = pool
        self._fetcher = fetcher
        self._reporter = reporter
        self._embedded: dict[IndexPlan, set[int]] = {}
        self._tried: set[tuple[int, str]] = set()  # and still without a vector
        self._under_way: set[tuple[int, str]] = set()
        self._to_fetch: deque[Task] = deque()
        self._to_embed: deque[tuple[Task, Path]] = deque()
        self._fetching: dict[Future[Path], Task] = {}
        self._embedding: dict[Future[EmbedResult | TrackError], tuple[Task, Path]] = {}

    def run(self, artists: Sequence[StoredArtist], plans: Sequence[IndexPlan]) -> Iterator[Task]:
        """Embed what is missing of the tracks that stand for `artists` in each of `plans`.

        Yields each track that is done with, embedded or failed, once the library has it. Tracks
        without a file of their own wait for another run where there is no fetcher. Raises
        EngineError or WeightsError where a model does not load, BrokenLibrary where nothing can be
        recorded any more; what was finished before is kept.
        """
        started = time.perf_counter()
        while pending := sum(1 for _ in self.pending_tasks(artists, plans)):
            self._reporter.planned(pending)
            done = 0
            for task in self._embed(self.pending_tasks(artists, plans)):
                done += 1
                yield task
            self._reporter.planned(done - pending)  # a track of two artists was counted twice
        self.report.seconds += time.perf_counter() - started

    def pending_tasks(
        self, artists: Sequence[StoredArtist], plans: Sequence[IndexPlan]
    ) -> Iterator[Task]:
        """Yield the tracks that stand for each of `artists` and lack a vector, with the models.

        Of an artist a track is yielded once for each excerpt that is asked of it, and not again
        once tried; what is embedded meanwhile is seen.
        """
        self._embedded = {plan: self._library.embedded_track_ids(plan.key) for plan in plans}
        for artist, tracks in self._library.tracks_by_artist(artists):
            pending: dict[tuple[int, str], Task] = {}
            for plan in plans:
                for stored in self._standing(tracks, plan):
                    task = Task(stored, artist.artist.name, (), plan.settings.excerpt)
                    task = pending.setdefault(task.place, task)
                    if plan.model not in task.models:
                        task.models = (*task.models, plan.model)
            yield from pending.values()

    def _standing(self, tracks: Sequence[StoredTrack], plan: IndexPlan) -> list[StoredTrack]:
        """Return those of an artist's tracks that stand for it in `plan` and lack a vector."""
        embedded, excerpt = self._embedded[plan], plan.settings.excerpt
        standing = select(
            tracks,
            plan.settings.tracks,
            model=plan.settings.model,
            usable=lambda stored: stored.id in embedded or self._can_get(stored, excerpt),
        )
        return [stored for stored in standing if stored.id not in embedded]

    def _can_get(self, stored: StoredTrack, excerpt: str) -> bool:
        if (stored.id, excerpt) in self._tried:
            return False
        can_fetch = self._fetcher is not None and self.report.ended is None
        is_listed = stored.track.catalogue is not None  # else only its vectors are known
        return stored.track.path is not None or (can_fetch and is_listed)

    def _embed(self, tasks: Iterator[Task]) -> Iterator[Task]:
        """Bring `tasks` to their end: embedded, failed, or left because a service ended."""
        coming = self._largest_first_at_the_end(self._not_under_way(tasks))
        while True:
            self._fill(coming)
            in_flight: list[Future[Any]] = [*self._fetching, *self._embedding]
            if not in_flight:
                return
            finished, _ = wait(in_flight, return_when=FIRST_COMPLETED)
            for future in finished:
                if done := self._on_done(future):
                    self._under_way.discard(done.place)
                    yield done

    def _not_under_way(self, tasks: Iterator[Task]) -> Iterator[Task]:
        """Yield the tasks to begin; another artist's track may be under way."""
        for task in tasks:
            if task.place not in self._under_way:
                self._under_way.add(task.place)
                yield task

    def _largest_first_at_the_end(self, tasks: Iterator[Task]) -> Iterator[Task]:
        """Yield `tasks`, the largest files first at the end: so the workers end together."""
        last: deque[Task] = deque()
        for task in tasks:
            last.append(task)
            while len(last) > _SORTED_A_WORKER * self._pool.workers:
                yield last.popleft()
        yield from sorted(last, key=lambda task: -(task.stored.size or 0))

    def _fill(self, coming: Iterator[Task]) -> None:
        """Keep the network thread and the workers busy, and no more than a few files waiting."""
        while len(self._embedding) < 2 * self._pool.workers:
            if not self._to_embed and not self._take(coming):
                break
            if self._to_embed:
                task, path = self._to_embed.popleft()
                job = Job(task.stored.id, path, task.label, task.models, task.excerpt)
                self._embedding[self._pool.submit(job)] = (task, path)
        while self._fetcher and self._to_fetch and self._may_fetch():
            task = self._to_fetch.popleft()
            self._fetching[self._fetcher.submit(task.stored)] = task

    def _take(self, coming: Iterator[Task]) -> bool:
        """Put the next task where it waits; returns whether there was one."""
        if len(self._to_fetch) >= _MAX_TO_FETCH or not (task := next(coming, None)):
            return False
        if (path := task.stored.track.path) is not None:
            self._to_embed.append((task, path))
        elif self.report.ended is None:
            self._to_fetch.append(task)
        else:
            self._under_way.discard(task.place)
        return True

    def _may_fetch(self) -> bool:
        return not self._fetching and len(self._to_embed) < _MAX_FETCHED_AHEAD

    def _on_done(self, future: Future[Any]) -> Task | None:
        """Take a track a step further; returns it where that was the last one."""
        if future in self._fetching:
            return self._on_fetched(self._fetching.pop(future), future)
        task, path = self._embedding.pop(future)
        self._on_embedded(task, path, future)
        return task

    def _on_fetched(self, task: Task, future: Future[Path]) -> Task | None:
        try:
            self._to_embed.append((task, future.result()))
        except TrackError as error:
            self._on_failed(task, error)
            return task
        except ServiceEnded as error:
            self.report.ended = str(error)
            _log.warning("%s", error, extra={"remedy": error.remedy, "details": error.details})
            self._under_way -= {task.place, *(waiting.place for waiting in self._to_fetch)}
            self._to_fetch.clear()
        return None

    def _on_embedded(
        self, task: Task, path: Path, future: Future[EmbedResult | TrackError]
    ) -> None:
        outcome = future.result()
        useless = isinstance(outcome, TrackError) and outcome.stage == "decode"
        if task.stored.track.path is None and self._fetcher is not None:
            self._fetcher.release(path, useless=useless)
        if isinstance(outcome, TrackError):
            self._on_failed(task, outcome)
        else:
            self._record(task, outcome)

    def _record(self, task: Task, result: EmbedResult) -> None:
        failures = [
            (model, Failure(task.label, "embed", reason, artist=task.artist))
            for model, reason in result.failed_models
        ]
        self._library.add_embedding(
            result.track_id,
            audio_sha256=result.audio_sha256,
            duration=result.duration,
            vectors=result.vectors,
            failures=failures,
        )
        self._note(task, result)
        self.report.embedded += bool(result.vectors)
        self.report.failed += bool(result.failed_models)
        self.report.reasons.update(("embed", reason) for _, reason in result.failed_models)
        self.report.audio_seconds += result.seconds
        for stage, seconds in result.timings.items():
            self.report.timings[stage] += seconds
        _log.debug("embedded %s (%.0f s of audio)", task.label, result.seconds)
        for model, reason in result.failed_models:
            _log.debug("failed in %s: %s: %s", model, task.label, reason)
        self._reporter.finished(task.label, audio_seconds=result.seconds, failed=not result.vectors)

    def _note(self, task: Task, result: EmbedResult) -> None:
        """Remember for which plans the track has a vector now, and if it was tried in vain."""
        keys = {vector.key for vector in result.vectors}
        for plan, embedded in self._embedded.items():
            if replace(plan.key, pooling=Pooling.MEAN) in keys:  # deviations come with it
                embedded.add(task.stored.id)
            elif plan.model in task.models and plan.settings.excerpt == task.excerpt:
                self._tried.add(task.place)

    def _on_failed(self, task: Task, error: TrackError) -> None:
        self._tried.add(task.place)
        failure = Failure(task.label, error.stage, error.reason, error.retryable, task.artist)
        self._library.add_failure(failure, track_id=task.stored.id)
        self.report.failed += 1
        self.report.reasons[error.stage, error.reason] += 1
        _log.debug("failed to %s: %s: %s", error.stage, task.label, error.reason)
        self._reporter.finished(task.label, audio_seconds=0.0, failed=True)
