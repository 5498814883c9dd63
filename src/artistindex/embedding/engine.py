"""Which engine runs a model: Essentia, the reference, or OpenVINO, which is several times faster.

OpenVINO is taken once it has shown, on this kind of machine and with these weights, that it
computes what Essentia computes: the self-check, whose outcome is kept in the cache.
"""

import json
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from artistindex._util.dirs import cache_folder
from artistindex._util.files import atomic_write
from artistindex.embedding.registry import SAMPLE_RATE, ModelSpec
from artistindex.embedding.weights import Weights
from artistindex.errors import EngineError, Misuse

ENGINES = ("auto", "essentia", "openvino")
PRECISIONS = ("f32", "bf16")
LIMIT = 1e-3  # the largest relative L2 difference of a patch that passes the self-check

Say = Callable[[str], None]


class EmbeddingModel(Protocol):
    """A loaded model: it holds its graph in memory and is asked for one track after another."""

    spec: ModelSpec
    engine: str

    @property
    def dimension(self) -> int:
        """The length of an embedding, as the graph has it."""
        ...

    def patches(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """The embedding of each patch: float32 of shape (patches, dimension).

        `samples` are mono at 16 kHz, float32 of shape (n,). Too few of them for one patch give
        shape (0, dimension).
        """
        ...


@dataclass(frozen=True, slots=True)
class EngineRun:
    """One engine's part of a self-check: `speed` in seconds of audio a second."""

    engine: str
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
    choice: str
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
    say: Say | None = None,
) -> EmbeddingModel:
    """Load `weights` into `engine`; `auto` is what `choose` says.

    OpenVINO computes in `precision` with `threads` threads; Essentia always in f32, with as many
    threads as its TensorFlow takes. Raises Misuse for an engine or precision that does not exist
    or go together, EngineError where the engine is missing or cannot load the weights.
    """
    if select_engine(weights, engine=engine, precision=precision, say=say) == "essentia":
        from artistindex.embedding.essentia import EssentiaModel

        return EssentiaModel(weights)
    from artistindex.embedding.openvino import OpenVinoModel

    return OpenVinoModel(weights, precision=precision, threads=threads)


def select_engine(
    weights: Weights, *, engine: str = "auto", precision: str = "f32", say: Say | None = None
) -> str:
    """The engine that is meant by `engine`: "essentia" or "openvino".

    For "auto" the outcome of the self-check, made now if there is none yet for these weights,
    versions and processor. `say` gets one line where that is not a checked openvino. Raises
    Misuse and EngineError as `load_model` does.
    """
    if engine not in ENGINES:
        raise Misuse(f"unknown engine {engine!r}; there are {', '.join(ENGINES)}")
    if precision not in PRECISIONS:
        raise Misuse(f"unknown precision {precision!r}; there are {', '.join(PRECISIONS)}")
    if engine == "auto":
        outcome = _recalled(weights) or self_check(weights)
        if outcome.reason and say:
            say(f"{outcome.model}: using engine {outcome.choice}, as {outcome.reason}")
        engine = outcome.choice
    if engine == "essentia" and precision != "f32":
        raise Misuse(f"engine essentia computes in f32 only; for {precision} use engine openvino")
    return engine


def self_check(weights: Weights, *, seconds: float = 8.0) -> SelfCheck:
    """Run both engines on the same synthetic audio and compare, in f32, patch by patch.

    The outcome of a comparison is kept in the cache. Essentia runs in this process, which must
    not be a forked one. Raises EngineError where neither engine can run the weights.
    """
    samples = synthetic_audio(seconds)
    try:
        reference, theirs = _timed(weights, "essentia", samples)
    except EngineError as error:
        _, ours = _timed(weights, "openvino", samples)
        return _outcome(weights, "openvino", f"there is nothing to compare it with: {error}", ours)
    try:
        found, ours = _timed(weights, "openvino", samples)
    except EngineError as error:
        return _outcome(weights, "essentia", str(error), theirs)
    outcome = _compared(weights, reference, found, (theirs, ours))
    _keep(weights, outcome)
    return outcome


def _compared(
    weights: Weights,
    reference: NDArray[np.float32],
    found: NDArray[np.float32],
    runs: tuple[EngineRun, EngineRun],
) -> SelfCheck:
    if reference.shape != found.shape:
        made = f"openvino made embeddings of shape {found.shape}, Essentia {reference.shape}"
        return _outcome(weights, "essentia", made, *runs)
    difference = float(largest_difference(found, reference))
    passed = difference <= LIMIT
    reason = "" if passed else f"openvino's embeddings differ by {difference:.1e} (over {LIMIT:g})"
    outcome = _outcome(weights, "openvino" if passed else "essentia", reason, *runs)
    return replace(outcome, difference=difference if np.isfinite(difference) else None)


def largest_difference(found: NDArray[np.float32], reference: NDArray[np.float32]) -> float:
    """The largest |found - reference| / |reference| of the rows of two matrices."""
    distances = np.linalg.norm(found - reference, axis=1)
    return float(np.max(distances / np.maximum(np.linalg.norm(reference, axis=1), 1e-12)))


def synthetic_audio(seconds: float) -> NDArray[np.float32]:
    """Notes, beats and hiss, always the same: 16 kHz mono float32 with a peak of one half."""
    random = np.random.default_rng(16_000)
    moments = np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    beat = moments % 0.5
    sound = 0.2 * random.standard_normal(len(moments)) * np.exp(-20 * beat)
    sound += 0.02 * random.standard_normal(len(moments))
    for step, ratio in enumerate((1, 5 / 4, 3 / 2, 2)):
        pitch = 110 * ratio * 2 ** ((moments // 2 + step) % 4)
        turns = 2 * np.pi * np.cumsum(pitch) / SAMPLE_RATE
        sound += 0.1 * (np.sin(turns) + np.sin(3 * turns) / 3) * np.exp(-3 * beat)
    return np.asarray(0.5 * sound / np.abs(sound).max(), np.float32)


def _timed(
    weights: Weights, engine: str, samples: NDArray[np.float32]
) -> tuple[NDArray[np.float32], EngineRun]:
    model = load_model(weights, engine=engine)
    model.patches(samples)  # what comes first is slower
    start = time.perf_counter()
    found = model.patches(samples)
    taken = time.perf_counter() - start
    return found, EngineRun(engine, len(found), len(samples) / SAMPLE_RATE / taken)


def _outcome(weights: Weights, choice: str, reason: str, *runs: EngineRun) -> SelfCheck:
    return SelfCheck(weights.spec.name, weights.sha256, choice, reason, runs)


def _recalled(weights: Weights) -> SelfCheck | None:
    """The kept outcome; None where there is none or it cannot be read."""
    try:
        kept = json.loads(_kept_in(weights).read_text("utf-8"))
        runs = tuple(EngineRun(**run) for run in kept.pop("runs"))
        outcome = SelfCheck(**kept, runs=runs)
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None
    known = outcome.choice in ENGINES[1:] and outcome.sha256 == weights.sha256
    return outcome if known and isinstance(outcome.reason, str) else None


def _keep(weights: Weights, outcome: SelfCheck) -> None:
    path = _kept_in(weights)
    with suppress(OSError):  # a cache that cannot be written costs another check next time
        path.parent.mkdir(parents=True, exist_ok=True)
        atomic_write(path, json.dumps(asdict(outcome), indent=2).encode())


def _kept_in(weights: Weights) -> Path:
    """One file for each model, weights, version of either engine, and kind of processor."""
    features = np.show_config(mode="dicts")["SIMD Extensions"]
    versions = [_version(name) for name in ("openvino", "essentia-tensorflow", "numpy")]
    told = json.dumps([weights.sha256, weights.spec.output, versions, features], sort_keys=True)
    return cache_folder("checks") / f"{weights.spec.name}-{sha256(told.encode()).hexdigest()}.json"


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
