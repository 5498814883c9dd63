"""ONNX Runtime: the reference for models of ONNX, and the way to an NVIDIA device."""

import math
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from artistindex._util.extras import load_extra
from artistindex.embedding.front_end import embeddings, input_shape, model_input
from artistindex.embedding.weights import Weights
from artistindex.errors import EngineError, MissingExtra, Remedy

_MAX_BATCH = 32
_MAX_VALUES = 2**19  # of the patches of a batch
_DTYPES = {"tensor(float)": np.float32, "tensor(float16)": np.float16, "tensor(double)": np.float64}


class OnnxRuntimeModel:
    """A model inside ONNX Runtime, loaded once and used for any number of tracks."""

    engine = "onnxruntime"

    def __init__(self, weights: Weights, *, threads: int = 1) -> None:
        """Load the graph. Raises EngineError where ONNX Runtime is missing or cannot."""
        self.spec = weights.spec
        runtime = import_onnxruntime()
        try:
            self._session = _open(runtime, weights, threads)
        except Exception as error:  # its exceptions have no class in common
            raise _cannot("load", weights, error) from error
        self._path = weights.path
        (source,) = self._session.get_inputs()
        self._dtype = _DTYPES[source.type]
        self._batch, self._is_fixed = self._best_batch(source)
        self._outputs = [self.spec.output, *self.spec.layers.values()]
        self.dimension = self._run(np.zeros((1, *self._patch_shape()), np.float32))[0].shape[1]
        if self.dimension != self.spec.dimension:
            raise EngineError(
                f"{weights.path} gives {self.dimension} values, {self.spec.name} has"
                f" {self.spec.dimension}"
            )

    def patches(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the embedding of each patch; see `EmbeddingModel.patches`."""
        return self.outputs(samples)[""]

    def outputs(self, samples: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
        """Return the patches by layer; see `EmbeddingModel.outputs`."""
        source = model_input(samples, self.spec)
        parts: list[list[NDArray[np.float32]]] = [
            [np.empty((0, self.dimension), np.float32)] for _ in self._outputs
        ]
        for start in range(0, len(source), self._batch):
            rows = self._run(source[start : start + self._batch])
            for part, output in zip(parts, rows, strict=True):
                part.append(output)
        layers = ("", *self.spec.layers)
        return dict(zip(layers, map(np.concatenate, parts), strict=True))

    def _run(self, patches: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        """Run patches, (batch, ...), and fill them up where the graph has a fixed batch."""
        count = len(patches)
        if self._is_fixed and count < self._batch:
            patches = np.concatenate(
                [patches, np.zeros_like(patches, shape=(self._batch - count, *patches.shape[1:]))]
            )
        values = np.ascontiguousarray(patches, self._dtype)
        try:
            outputs = self._session.run(self._outputs, {self.spec.input: values})
            rows = [embeddings(output, self.spec) for output in outputs]
        except Exception as error:
            raise EngineError(
                f"ONNX Runtime failed to run {self._path} ({_reason(error)})"
            ) from error
        if any(len(output) != len(patches) for output in rows):
            raise EngineError(f"{self._path} does not give one embedding for each patch")
        return [output[:count] for output in rows]

    def _best_batch(self, source: Any) -> tuple[int, bool]:
        """The patches at once, and whether the graph wants just so many."""
        size = source.shape[0] if source.shape else None
        if isinstance(size, int) and size > 0:
            return size, True
        values = math.prod(self._patch_shape())
        return self.spec.batch or max(1, min(_MAX_BATCH, _MAX_VALUES // values)), False

    def _patch_shape(self) -> list[int]:
        return [size for size in input_shape(self.spec) if size is not None]


def import_onnxruntime() -> ModuleType:
    """Import `onnxruntime`. Raises EngineError where it is missing."""
    try:
        return load_extra("onnxruntime", "onnx")
    except MissingExtra as error:
        raise EngineError(
            f"ONNX Runtime is not usable here ({error})", remedy=Remedy.INSTALL_EXTRA, extra="onnx"
        ) from error


def _open(runtime: ModuleType, weights: Weights, threads: int) -> Any:
    options = runtime.SessionOptions()
    options.log_severity_level = 4  # fatal: what goes wrong is raised
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    return runtime.InferenceSession(
        str(weights.path), sess_options=options, providers=["CPUExecutionProvider"]
    )


def _cannot(do: str, weights: Weights, error: Exception) -> EngineError:
    return EngineError(f"ONNX Runtime cannot {do} {weights.path} ({_reason(error)})")


def _reason(error: Exception) -> str:
    """Return the first line of a message, without the codes before it."""
    text = (str(error).strip().splitlines() or [type(error).__name__])[0]
    return text.rpartition(" : ")[2]
