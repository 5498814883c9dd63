"""Embedding on a device that all share: many processes decode, one feeds it.

A graphics card holds one copy of a model and is quickest with whole batches, while decoding and mel
spectrograms take processors. So worker processes decode and make the patches, and send them to one
process that runs the models of the device on them, a track after another. Models that run on the
processor are run where the track is decoded.
"""

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from types import TracebackType
from typing import Self, cast

import numpy as np
from numpy.typing import NDArray

from artistindex.embedding.embed import (
    EmbeddingTrack,
    EmbedResult,
    Job,
    Layers,
    ModelConfig,
    decode_track,
    outputs_of,
)
from artistindex.embedding.engine import DeviceModel, EmbeddingModel
from artistindex.embedding.front_end import model_input
from artistindex.embedding.onnxruntime import Device
from artistindex.embedding.pool import DEFAULT_TIMEOUT, WorkerPool
from artistindex.errors import TrackError

Patches = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class PreparedTrack:
    """A decoded track with the patches of each window for every model of the device."""

    track: EmbeddingTrack
    inputs: tuple[tuple[ModelConfig, tuple[Patches, ...]], ...]

    def run(self) -> EmbedResult:
        """Embed it on the device; raises EngineError where a model or the device is at fault."""
        for config, sources in self.inputs:
            self.track.embed(config, partial(_infer, sources))
        return self.track.result()


@dataclass(frozen=True, slots=True)
class PrepareJob:
    """A track to decode, and to embed with those models that run on the processor."""

    job: Job

    def run(self) -> PreparedTrack:
        """Do it; raises TrackError where the track is at fault."""
        here = [config for config in self.job.models if config.device is not Device.CUDA]
        track, audio = decode_track(self.job, here)
        for config in here:
            track.embed(config, partial(outputs_of, audio))
        inputs = []
        for config in self.job.models:
            if config.device is Device.CUDA:
                spec = config.weights.spec
                windows = audio.at(spec.sampling)
                inputs.append((config, tuple(model_input(window, spec) for window in windows)))
        return PreparedTrack(track, tuple(inputs))


class DevicePool:
    """Embeds tracks in `workers` processes that decode and one that runs the device.

    A death or a time limit costs the one track that was at it, in either process. Use it as a
    context manager, as `WorkerPool`.
    """

    def __init__(self, workers: int, *, timeout: float = DEFAULT_TIMEOUT) -> None:
        self.workers = workers
        self._decoders = WorkerPool(workers, timeout=timeout)
        self._device = WorkerPool(1, timeout=timeout)
        self._threads = ThreadPoolExecutor(2 * workers, thread_name_prefix="track")

    def submit(self, job: Job) -> Future[EmbedResult | TrackError]:
        """Embed `job` some time; see `WorkerPool.submit`."""
        return self._threads.submit(self._run, job)

    def _run(self, job: Job) -> EmbedResult | TrackError:
        prepared = self._decoders.submit(PrepareJob(job)).result()
        if isinstance(prepared, TrackError):
            return prepared
        return self._device.submit(prepared).result()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        kill = kind is not None
        if not kill:
            self._threads.shutdown()
        self._decoders.close(kill=kill)
        self._device.close(kill=kill)
        self._threads.shutdown(cancel_futures=True)


def needs_device(models: Sequence[ModelConfig]) -> bool:
    """Return whether any of `models` runs on a device that all share."""
    return any(config.device is Device.CUDA for config in models)


def _infer(sources: Sequence[Patches], model: EmbeddingModel) -> list[Layers]:
    on_device = cast(DeviceModel, model)
    return [on_device.infer(source) for source in sources]
