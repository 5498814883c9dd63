"""Which engine runs a model: the reference, or OpenVINO, which is several times faster.

The reference is Essentia for its own models, and ONNX Runtime for those of ONNX. OpenVINO is taken
once it has shown, on this kind of machine and with these weights, that it computes what the
reference computes: the self-check, whose outcome is kept in the cache. Where no reference can run a
model there is nothing to check, and OpenVINO runs it.
"""

import json
import logging
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from enum import StrEnum, auto
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from artistindex._util.dirs import cache_folder
from artistindex._util.files import atomic_write
from artistindex.embedding.onnxruntime import Device, OnnxRuntimeModel, has_cuda
from artistindex.embedding.spec import SAMPLE_RATE, Format, ModelSpec
from artistindex.embedding.weights import Weights
from artistindex.errors import EngineError, Misuse, Remedy

LIMIT = 1e-3  # the largest relative L2 difference of a patch that passes the self-check

_PACKAGES = ("openvino", "essentia-tensorflow", "onnxruntime", "onnxruntime-gpu", "numpy")
_log = logging.getLogger(__name__)


class Engine(StrEnum):
    """What runs a model; AUTO is OpenVINO once it has passed the self-check, else the reference."""

    AUTO = auto()
    ESSENTIA = auto()
    OPENVINO = auto()
    ONNXRUNTIME = auto()

    @classmethod
    def parse(cls, name: str) -> "Engine":
        """Return the engine called `name`; raises Misuse where there is none."""
        try:
            return cls(name)
        except ValueError:
            raise Misuse(f"unknown engine {name!r}; there are {', '.join(cls)}") from None


_TITLES = {
    Engine.ESSENTIA: "Essentia",
    Engine.OPENVINO: "OpenVINO",
    Engine.ONNXRUNTIME: "ONNX Runtime",
}


class Precision(StrEnum):
    """What OpenVINO computes in; the other engines know F32 alone."""

    F32 = auto()
    BF16 = auto()

    @classmethod
    def parse(cls, name: str) -> "Precision":
        """Return the precision called `name`; raises Misuse where there is none."""
        try:
            return cls(name)
        except ValueError:
            raise Misuse(f"unknown precision {name!r}; there are {', '.join(cls)}") from None


class EmbeddingModel(Protocol):
    """A loaded model: its graph stays in memory, and takes one track after another."""

    spec: ModelSpec
    engine: str

    @property
    def dimension(self) -> int:
        """Return the length of an embedding, as the graph has it."""
        ...

    def patches(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the embedding of each patch: float32 of shape (patches, dimension).

        `samples` are mono by `spec.sampling`, float32 of shape (n,). Too few of them for one patch
        give shape (0, dimension).
        """
        ...

    def outputs(self, samples: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
        """Return what `patches` does by layer: the model's own output, called "", comes first."""
        ...


class DeviceModel(EmbeddingModel, Protocol):
    """A loaded model that takes its input from elsewhere too: from a process that decodes."""

    def infer(self, source: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
        """Return what `outputs` does of `source`, the patches that `model_input` makes."""
        ...


@dataclass(frozen=True, slots=True)
class EngineRun:
    """One engine's part of a self-check: `speed` in seconds of audio a second."""

    engine: Engine
    patches: int
    speed: float


@dataclass(frozen=True, slots=True)
class SelfCheck:
    """The outcome of a self-check: the engine that `auto` takes, and why.

    `difference` is the largest relative L2 difference of a patch, None where there was nothing to
    compare with or the engines made different numbers of patches.
    """

    model: str
    sha256: str
    choice: Engine
    reason: str
    runs: tuple[EngineRun, ...]
    difference: float | None = None
    limit: float = LIMIT


def load_model(
    weights: Weights,
    *,
    engine: str = "auto",
    precision: str = "f32",
    threads: int = 1,
    device: Device = Device.CPU,
) -> EmbeddingModel:
    """Load `weights` into `engine`; `auto` is what `select_engine` says.

    OpenVINO computes in `precision` with `threads` threads, ONNX Runtime in f32 with as many;
    Essentia in f32, with as many threads as its TensorFlow takes. `device` is ONNX Runtime's.
    Raises Misuse for an engine or precision that does not exist or go together, EngineError where
    the engine is missing or cannot load the weights.
    """
    match select_engine(weights, engine=engine, precision=precision):
        case Engine.ESSENTIA if weights.spec.format is Format.DESCRIPTORS:
            from artistindex.embedding.descriptor_model import DescriptorModel

            return DescriptorModel(weights)
        case Engine.ESSENTIA:
            from artistindex.embedding.essentia import EssentiaModel

            return EssentiaModel(weights)
        case Engine.ONNXRUNTIME:
            return OnnxRuntimeModel(weights, threads=threads, device=device)
    from artistindex.embedding.openvino import OpenVinoModel

    return OpenVinoModel(weights, precision=precision, threads=threads)


def engines_of(spec: ModelSpec) -> tuple[Engine, ...]:
    """Return what can run a model, its reference first."""
    if spec.format is Format.DESCRIPTORS:
        return (Engine.ESSENTIA,)
    if spec.algorithm is not None:
        return Engine.ESSENTIA, Engine.OPENVINO
    if spec.format is Format.ONNX:
        return Engine.ONNXRUNTIME, Engine.OPENVINO
    return (Engine.OPENVINO,)


def select_engine(weights: Weights, *, engine: str = "auto", precision: str = "f32") -> Engine:
    """Return the engine that is meant by `engine`, one of `engines_of` the model.

    For "auto" the outcome of the self-check, made now if there is none yet for these weights,
    versions and processor; logs a warning where that is not a checked OpenVINO. Raises Misuse and
    EngineError as `load_model` does.
    """
    chosen, width = Engine.parse(engine), Precision.parse(precision)
    if chosen is Engine.AUTO:
        check = _recalled(weights) or self_check(weights)
        if check.reason:
            _log.warning("%s: using engine %s, as %s", check.model, check.choice, check.reason)
        chosen = check.choice
    engines = engines_of(weights.spec)
    if chosen not in engines:
        raise Misuse(f"{weights.spec.name} runs in {' and '.join(engines)}, not in {chosen}")
    if chosen is not Engine.OPENVINO and width is not Precision.F32:
        raise Misuse(
            f"engine {chosen} computes in f32 only, not in {precision}", remedy=Remedy.USE_OPENVINO
        )
    return chosen


def select_device(
    weights: Weights, *, device: str = "auto", engine: str = "auto", precision: str = "f32"
) -> Device:
    """Return the device that is meant by `device`: CPU or CUDA, which only ONNX Runtime uses.

    CUDA must first compute what the processor computes, as `device_check` has it, made now if there
    is no outcome yet; "auto" is CPU where it is not there or does not, and logs why in that case.
    Raises Misuse for a model, engine or precision that does not go with CUDA, EngineError where
    CUDA is asked for and cannot be trusted.
    """
    chosen = Device.parse(device)
    if chosen is Device.CPU:
        return chosen
    goes = Engine.ONNXRUNTIME in engines_of(weights.spec)
    if not goes or engine not in ("auto", "onnxruntime") or precision != "f32":
        if chosen is Device.AUTO:
            return Device.CPU
        raise Misuse(
            f"{weights.spec.name} cannot run on cuda: that takes a model of ONNX, the engine"
            " onnxruntime and f32",
            remedy=Remedy.USE_CPU,
        )
    if chosen is Device.AUTO and not has_cuda():
        return Device.CPU
    try:
        check = _recalled(weights, Device.CUDA) or device_check(weights)
        reason = check.reason
    except EngineError as error:
        if chosen is Device.CUDA:
            raise
        reason = str(error)
    if not reason:
        return Device.CUDA
    if chosen is Device.CUDA:
        raise EngineError(f"{weights.spec.name}: {reason}", remedy=Remedy.USE_CPU)
    _log.warning("%s: using the processor, as %s", weights.spec.name, reason)
    return Device.CPU


def device_check(weights: Weights) -> SelfCheck:
    """Run ONNX Runtime on the processor and on CUDA, and compare patch by patch.

    The outcome is kept in the cache. Raises EngineError where either cannot run the weights.
    """
    _log.info("%s: checking that the device computes what the processor does", weights.spec.name)
    samples = _audio_for(weights.spec, 8.0)
    expected, reference = _timed(weights, Engine.ONNXRUNTIME, samples)
    embeddings, run = _timed(weights, Engine.ONNXRUNTIME, samples, Device.CUDA)
    difference = float(largest_difference(embeddings, expected))
    reason = "" if difference <= LIMIT else f"cuda differs by {difference:.1e} (over {LIMIT:g})"
    check = _outcome(weights, Engine.ONNXRUNTIME, reason, reference, run)
    check = replace(check, difference=difference if np.isfinite(difference) else None)
    _keep(weights, check, Device.CUDA)
    return check


def self_check(weights: Weights, *, seconds: float = 8.0) -> SelfCheck:
    """Run both engines of a model on the same synthetic audio and compare, in f32, patch by patch.

    There are `seconds` of it, or more where two patches need more. The outcome of a comparison is
    kept in the cache. Essentia runs in this process, which must not be a forked one. Raises
    EngineError where no engine can run the weights.
    """
    spec = weights.spec
    samples = _audio_for(spec, seconds)
    engine, *others = engines_of(spec)
    if not others:
        check = _outcome(weights, engine, "", _timed(weights, engine, samples)[1])
        _keep(weights, check)
        return check
    _log.info("%s: checking that both engines agree", spec.name)
    try:
        expected, reference = _timed(weights, engine, samples)
    except EngineError as error:
        _, openvino = _timed(weights, Engine.OPENVINO, samples)
        reason = f"there is nothing to compare it with: {error}"
        return _outcome(weights, Engine.OPENVINO, reason, openvino)
    try:
        embeddings, openvino = _timed(weights, Engine.OPENVINO, samples)
    except EngineError as error:
        return _outcome(weights, engine, str(error), reference)
    check = _compared(weights, expected, embeddings, (reference, openvino))
    _keep(weights, check)
    return check


def _compared(
    weights: Weights,
    expected: NDArray[np.float32],
    embeddings: NDArray[np.float32],
    runs: tuple[EngineRun, EngineRun],
) -> SelfCheck:
    reference, other = (run.engine for run in runs)
    if expected.shape != embeddings.shape:
        reason = (
            f"{other} made embeddings of shape {embeddings.shape}, {_TITLES[reference]}"
            f" {expected.shape}"
        )
        return _outcome(weights, reference, reason, *runs)
    difference = float(largest_difference(embeddings, expected))
    passed = difference <= LIMIT
    reason = "" if passed else f"{other}'s embeddings differ by {difference:.1e} (over {LIMIT:g})"
    check = _outcome(weights, other if passed else reference, reason, *runs)
    return replace(check, difference=difference if np.isfinite(difference) else None)


def largest_difference(embeddings: NDArray[np.float32], reference: NDArray[np.float32]) -> float:
    """Return the largest |embeddings - reference| / |reference| of the rows of two matrices."""
    distances = np.linalg.norm(embeddings - reference, axis=1)
    return float(np.max(distances / np.maximum(np.linalg.norm(reference, axis=1), 1e-12)))


def synthetic_audio(seconds: float, rate: int = SAMPLE_RATE) -> NDArray[np.float32]:
    """Make notes, beats and hiss, always the same: mono float32 with a peak of one half."""
    random = np.random.default_rng(16_000)
    moments = np.arange(int(seconds * rate)) / rate
    beat = moments % 0.5
    sound = 0.2 * random.standard_normal(len(moments)) * np.exp(-20 * beat)
    sound += 0.02 * random.standard_normal(len(moments))
    for step, ratio in enumerate((1, 5 / 4, 3 / 2, 2)):
        pitch = 110 * ratio * 2 ** ((moments // 2 + step) % 4)
        turns = 2 * np.pi * np.cumsum(pitch) / rate
        sound += 0.1 * (np.sin(turns) + np.sin(3 * turns) / 3) * np.exp(-3 * beat)
    return np.asarray(0.5 * sound / np.abs(sound).max(), np.float32)


def _audio_for(spec: ModelSpec, seconds: float) -> NDArray[np.float32]:
    rate = spec.front_end.sample_rate
    return synthetic_audio(max(seconds, 2.5 * spec.patch_samples / rate), rate)


def _timed(
    weights: Weights, engine: Engine, samples: NDArray[np.float32], device: Device = Device.CPU
) -> tuple[NDArray[np.float32], EngineRun]:
    model = load_model(weights, engine=engine, device=device)
    model.patches(samples)  # what comes first is slower
    start = time.perf_counter()
    embeddings = model.patches(samples)
    seconds = time.perf_counter() - start
    audio = len(samples) / weights.spec.front_end.sample_rate
    return embeddings, EngineRun(engine, len(embeddings), audio / seconds)


def _outcome(weights: Weights, choice: Engine, reason: str, *runs: EngineRun) -> SelfCheck:
    return SelfCheck(weights.spec.name, weights.sha256, choice, reason, runs)


def _recalled(weights: Weights, device: Device = Device.CPU) -> SelfCheck | None:
    """Return the check kept earlier; None where there is none or it cannot be read."""
    try:
        fields = json.loads(_file_of(weights, device).read_text("utf-8"))
        runs = tuple(EngineRun(**run) for run in fields.pop("runs"))
        check = SelfCheck(**fields | {"choice": Engine(fields["choice"])}, runs=runs)
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None
    usable = check.choice is not Engine.AUTO and check.sha256 == weights.sha256
    return check if usable and isinstance(check.reason, str) else None


def _keep(weights: Weights, check: SelfCheck, device: Device = Device.CPU) -> None:
    path = _file_of(weights, device)
    with suppress(OSError):  # a cache that cannot be written costs another check next time
        path.parent.mkdir(parents=True, exist_ok=True)
        atomic_write(path, json.dumps(asdict(check), indent=2).encode())


def _file_of(weights: Weights, device: Device) -> Path:
    """Return one file for each model, weights, version of either engine, and processor."""
    features = np.show_config(mode="dicts")["SIMD Extensions"]
    versions = [_version(name) for name in _PACKAGES]
    key = json.dumps([weights.identity, weights.spec.output, versions, features], sort_keys=True)
    name = weights.spec.name if device is Device.CPU else f"{weights.spec.name}-{device}"
    return cache_folder("checks") / f"{name}-{sha256(key.encode()).hexdigest()}.json"


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
