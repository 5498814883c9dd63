"""What a worker process does: one track's audio, decoded once, through every model asked for."""

import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Protocol, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from artistindex._util.remote_files import local_copy
from artistindex.audio.decode import Audio, Excerpt, decode
from artistindex.embedding.engine import EmbeddingModel, Engine, Precision, load_model
from artistindex.embedding.onnxruntime import Device
from artistindex.embedding.weights import Weights
from artistindex.entities import Pooling, TrackVector, VectorKey
from artistindex.errors import ArtistIndexError, TrackError

Vector = NDArray[np.float32]
Layers = dict[str, NDArray[np.float32]]
"""The patches of a window of sound by layer: float32 of shape (patches, dimension)."""

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True, slots=True)
class ModelConfig:
    """One model as every worker runs it: `engine` is resolved, never AUTO."""

    weights: Weights
    engine: Engine
    precision: Precision = Precision.F32
    threads: int = 1
    device: Device = Device.CPU

    @property
    def name(self) -> str:
        """Return the model's name."""
        return self.weights.spec.name

    def key(self, excerpt: str) -> VectorKey:
        """Return the key under which the library keeps the mean vectors of `excerpt`."""
        return VectorKey(self.name, self.weights.identity, self.precision, excerpt)


@dataclass(frozen=True, slots=True)
class Job:
    """One track to embed: its audio file, and the models whose vector is missing."""

    track_id: int
    path: Path
    label: str
    models: tuple[ModelConfig, ...]
    excerpt: str = "full"

    def run(self) -> "EmbedResult":
        """Embed the track, as `embed_track` does."""
        return embed_track(self)


@dataclass(frozen=True, slots=True)
class EmbedResult:
    """A finished track.

    `duration` is the whole track's and `seconds` what was decoded of it; `failed_models` holds
    (model, reason) for models that could not make a vector; `timings` is seconds of wall time per
    stage ("decode", "load", and each model's name).
    """

    track_id: int
    audio_sha256: str
    duration: float
    seconds: float
    vectors: tuple[TrackVector, ...]
    failed_models: tuple[tuple[str, str], ...]
    timings: dict[str, float] = field(default_factory=dict)


_models: dict[ModelConfig, Future[EmbeddingModel]] = {}
_loader = ThreadPoolExecutor(1, thread_name_prefix="load")


class EmbeddingTrack:
    """A decoded track on its way through the models; what became of it so far."""

    def __init__(self, job: Job, audio: Audio, timings: defaultdict[str, float]) -> None:
        self._job = job
        self._sha256, self._duration, self._seconds = audio.sha256, audio.duration, audio.seconds
        self._vectors: list[TrackVector] = []
        self._failed_models: list[tuple[str, str]] = []
        self._timings = timings

    def embed(self, config: ModelConfig, outputs: Callable[[EmbeddingModel], list[Layers]]) -> None:
        """Add the vectors of a model: `outputs` takes it and returns the patches of each window."""
        with _timed(self._timings, "load"):
            model = _model(config).result()
        with _timed(self._timings, config.name):
            try:
                statistics = _statistics(outputs(model), config.name, self._seconds)
            except TrackError as error:
                self._failed_models.append((config.name, error.reason))
                return
        self._vectors += _vectors(model, config.key(self._job.excerpt), statistics)

    def result(self) -> EmbedResult:
        """Return the finished track."""
        return EmbedResult(
            track_id=self._job.track_id,
            audio_sha256=self._sha256,
            duration=self._duration,
            seconds=self._seconds,
            vectors=tuple(self._vectors),
            failed_models=tuple(self._failed_models),
            timings=dict(self._timings),
        )


def embed_track(job: Job) -> EmbedResult:
    """Decode `job.path` once and embed it with each of `job.models`.

    Models are loaded while the first track is decoded, and stay for the next job of this process.
    Raises TrackError where the track is at fault, EngineError or WeightsError where a model is.
    """
    track, audio = decode_track(job, job.models)
    for config in job.models:
        track.embed(config, partial(outputs_of, audio))
    return track.result()


def decode_track(job: Job, here: Sequence[ModelConfig]) -> tuple[EmbeddingTrack, Audio]:
    """Decode `job.path` for all of its models, while those that run `here` are loaded."""
    for config in here:
        _model(config)
    timings: defaultdict[str, float] = defaultdict(float)
    with _timed(timings, "decode"):
        audio = _decoded(job)
    return EmbeddingTrack(job, audio, timings), audio


def outputs_of(audio: Audio, model: EmbeddingModel) -> list[Layers]:
    """Return the patches of each window, by layer."""
    return [model.outputs(window) for window in audio.at(model.spec.sampling)]


def _decoded(job: Job) -> Audio:
    samplings = {config.weights.spec.sampling for config in job.models}
    try:
        with local_copy(job.path) as path:
            return decode(path, excerpt=Excerpt.parse(job.excerpt), samplings=samplings)
    except OSError as error:
        reason = f"cannot be read: {error.strerror or error}"
        raise TrackError("read", reason, retryable=True) from error


@dataclass(frozen=True, slots=True)
class PatchStatistics:
    """The `mean` and `deviation` of so many `patches`: float32 of shape (dimension,)."""

    mean: Vector
    deviation: Vector
    patches: int

    @classmethod
    def of(cls, patches: NDArray[np.float32]) -> Self:
        """Compute those of `patches`, float32 of shape (patches, dimension)."""
        deviation = patches.std(axis=0, dtype=np.float64).astype(np.float32)
        return cls(patches.mean(axis=0), deviation, len(patches))

    def pooled(self, pooling: str) -> Vector:
        """Return the vector that stands for the track."""
        if pooling == Pooling.MEAN:
            return self.mean
        return np.concatenate([self.mean, self.deviation])


def patch_statistics(model: EmbeddingModel, audio: Audio) -> dict[str, PatchStatistics]:
    """Return the statistics of the model's patches by layer, the model's own output ("") first.

    Patches never span two windows of an excerpt. Raises TrackError where the audio is too short for
    one patch or the model answers with something that is not finite.
    """
    return _statistics(outputs_of(audio, model), model.spec.name, audio.seconds)


def _statistics(windows: list[Layers], name: str, seconds: float) -> dict[str, PatchStatistics]:
    layers = {layer: np.concatenate([window[layer] for window in windows]) for layer in windows[0]}
    if not len(layers[""]):
        raise TrackError("embed", f"{seconds:.2f} s of audio are too short for {name}")
    for patches in layers.values():
        if not np.isfinite(patches).all() or not patches.mean(axis=0).any():
            raise TrackError("embed", f"{name} gave a vector that is zero or not finite")
    return {layer: PatchStatistics.of(patches) for layer, patches in layers.items()}


def track_vector(
    model: EmbeddingModel, audio: Audio, *, layer: str = "", pooling: str = Pooling.MEAN
) -> tuple[Vector, int]:
    """Return what stands for the track in `layer`, and how many patches there were.

    Raises TrackError as `patch_statistics` does.
    """
    statistics = patch_statistics(model, audio)[layer]
    return statistics.pooled(pooling), statistics.patches


@contextmanager
def _timed(timings: defaultdict[str, float], stage: str) -> Iterator[None]:
    started = time.perf_counter()
    yield
    timings[stage] += time.perf_counter() - started


def _vectors(
    model: EmbeddingModel, key: VectorKey, by_layer: dict[str, PatchStatistics]
) -> list[TrackVector]:
    return [
        TrackVector(
            replace(key, layer=layer),
            statistics.mean,
            patches=statistics.patches,
            engine=model.engine,
            deviation=statistics.deviation,
        )
        for layer, statistics in by_layer.items()
    ]


def _model(config: ModelConfig) -> "Future[EmbeddingModel]":
    if config not in _models:
        _models[config] = _loader.submit(
            load_model,
            config.weights,
            engine=config.engine,
            precision=config.precision,
            threads=config.threads,
            device=config.device,
        )
    return _models[config]


class Runnable(Protocol[T_co]):
    """What a worker process is given to do."""

    def run(self) -> T_co:
        """Do it; raises TrackError where the track is at fault."""
        ...


def embed_safely(job: Runnable[T]) -> T | TrackError:
    """Run `job` as a pool does: a track's own trouble is an answer, not an exception.

    What nobody foresaw is the track's trouble too, with its reason; only what concerns every track
    (a model that cannot be loaded) is raised.
    """
    try:
        return job.run()
    except TrackError as error:
        return error
    except ArtistIndexError:
        raise
    except MemoryError:
        return TrackError("embed", "not enough memory for this track", retryable=True)
    except Exception as error:
        return TrackError("embed", f"unexpected {type(error).__name__}: {error}", retryable=True)
