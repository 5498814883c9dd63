"""What a worker process does: one track's audio, decoded once, through every model asked for."""

import time
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from artistindex.audio.decode import Audio, Excerpt, decode
from artistindex.embedding.engine import EmbeddingModel, Engine, Precision, load_model
from artistindex.embedding.weights import Weights
from artistindex.entities import TrackVector, VectorKey
from artistindex.errors import ArtistIndexError, TrackError


@dataclass(frozen=True, slots=True)
class ModelConfig:
    """One model as every worker runs it: `engine` is resolved, never AUTO."""

    weights: Weights
    engine: Engine
    precision: Precision = Precision.F32
    threads: int = 1

    @property
    def name(self) -> str:
        """Return the model's name."""
        return self.weights.spec.name

    def key(self, excerpt: str) -> VectorKey:
        """Return the key under which the library keeps the vectors of `excerpt`."""
        return VectorKey(self.name, self.weights.sha256, self.precision, excerpt)


@dataclass(frozen=True, slots=True)
class Job:
    """One track to embed: its audio file, and the models whose vector is missing."""

    track_id: int
    path: Path
    label: str
    models: tuple[ModelConfig, ...]
    excerpt: str = "full"


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


def embed_track(job: Job) -> EmbedResult:
    """Decode `job.path` once and embed it with each of `job.models`.

    Models are loaded while the first track is decoded, and stay for the next job of this process.
    Raises TrackError where the track is at fault, EngineError or WeightsError where a model is.
    """
    loading = [_model(config) for config in job.models]
    timings: defaultdict[str, float] = defaultdict(float)
    with _timed(timings, "decode"):
        audio = decode(job.path, excerpt=Excerpt.parse(job.excerpt))
    vectors, failed_models = [], []
    for config, future in zip(job.models, loading, strict=True):
        with _timed(timings, "load"):
            model = future.result()
        with _timed(timings, config.name):
            try:
                vectors.append(_vector(model, config, audio, job.excerpt))
            except TrackError as error:
                failed_models.append((config.name, error.reason))
    return EmbedResult(
        track_id=job.track_id,
        audio_sha256=audio.sha256,
        duration=audio.duration,
        seconds=audio.seconds,
        vectors=tuple(vectors),
        failed_models=tuple(failed_models),
        timings=dict(timings),
    )


def track_vector(model: EmbeddingModel, audio: Audio) -> tuple[np.ndarray, int]:
    """Return the mean over the model's patches, float32 (dimension,), and how many there were.

    Patches never span two windows of an excerpt. Raises TrackError where the audio is too short for
    one patch or the model answers with something that is not finite.
    """
    patches = np.concatenate([model.patches(window) for window in audio.windows])
    if not len(patches):
        raise TrackError(
            "embed", f"{audio.seconds:.2f} s of audio are too short for {model.spec.name}"
        )
    vector = patches.mean(axis=0)
    if not np.isfinite(vector).all() or not vector.any():
        raise TrackError("embed", f"{model.spec.name} gave a vector that is zero or not finite")
    return vector, len(patches)


@contextmanager
def _timed(timings: defaultdict[str, float], stage: str) -> Iterator[None]:
    started = time.perf_counter()
    yield
    timings[stage] += time.perf_counter() - started


def _vector(model: EmbeddingModel, config: ModelConfig, audio: Audio, excerpt: str) -> TrackVector:
    vector, patches = track_vector(model, audio)
    key = config.key(excerpt)
    return TrackVector(key=key, vector=vector, patches=patches, engine=model.engine)


def _model(config: ModelConfig) -> "Future[EmbeddingModel]":
    if config not in _models:
        _models[config] = _loader.submit(
            load_model,
            config.weights,
            engine=config.engine,
            precision=config.precision,
            threads=config.threads,
        )
    return _models[config]


def embed_safely(job: Job) -> EmbedResult | TrackError:
    """Embed `job` as a pool does: a track's own trouble is an answer, not an exception.

    What nobody foresaw is the track's trouble too, with its reason; only what concerns every track
    (a model that cannot be loaded) is raised.
    """
    try:
        return embed_track(job)
    except TrackError as error:
        return error
    except ArtistIndexError:
        raise
    except MemoryError:
        return TrackError("embed", "not enough memory for this track", retryable=True)
    except Exception as error:
        return TrackError("embed", f"unexpected {type(error).__name__}: {error}", retryable=True)
