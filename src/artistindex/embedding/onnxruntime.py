"""ONNX Runtime: the reference for models of ONNX, and the way to an NVIDIA device.

Nobody has run it on CUDA here: there the same code asks for another provider, and a device that
does not compute what the processor computes is refused (engine.device_check).
"""

import math
from enum import StrEnum, auto
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from artistindex._util.extras import load_extra
from artistindex.embedding.front_end import embeddings, input_shape, model_input
from artistindex.embedding.weights import Weights
from artistindex.errors import EngineError, MissingExtra, Misuse, Remedy

_MAX_BATCH = 32
_MAX_VALUES = 2**19  # of the patches of a batch


class Device(StrEnum):
    """Where ONNX Runtime computes; AUTO is CUDA where it is there and has passed a check."""

    AUTO = auto()
    CPU = auto()
    CUDA = auto()

    @classmethod
    def parse(cls, name: str) -> "Device":
        """Return the device called `name`; raises Misuse where there is none."""
        try:
            return cls(name)
        except ValueError:
            raise Misuse(f"unknown device {name!r}; there are {', '.join(cls)}") from None


_PROVIDERS: dict[Device, tuple[str, dict[str, str]]] = {
    Device.CPU: ("CPUExecutionProvider", {}),
    Device.CUDA: ("CUDAExecutionProvider", {"use_tf32": "0"}),  # whose 10 bits are no f32
}
_DTYPES = {"tensor(float)": np.float32, "tensor(float16)": np.float16, "tensor(double)": np.float64}


class OnnxRuntimeModel:
    """A model inside ONNX Runtime, loaded once and used for any number of tracks."""

    engine = "onnxruntime"

    def __init__(self, weights: Weights, *, threads: int = 1, device: Device = Device.CPU) -> None:
        """Load the graph. Raises EngineError where ONNX Runtime or the device is missing."""
        self.spec = weights.spec
        runtime = import_onnxruntime()
        if device is Device.CUDA and not has_cuda():
            raise _no_cuda()
        try:
            self._session = _open(runtime, weights, threads, device)
        except Exception as error:  # its exceptions have no class in common
            raise EngineError(
                f"ONNX Runtime cannot load {weights.path} ({_reason(error)})"
            ) from error
        if _PROVIDERS[device][0] not in self._session.get_providers():
            raise _no_cuda()  # it falls back to the processor without an error
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
        return self.infer(model_input(samples, self.spec))

    def infer(self, source: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
        """Return the patches by layer; see `DeviceModel.infer`."""
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


def has_cuda() -> bool:
    """Return whether the ONNX Runtime that is installed, if any, was made for CUDA."""
    try:
        return _PROVIDERS[Device.CUDA][0] in import_onnxruntime().get_available_providers()
    except EngineError:
        return False


def _no_cuda() -> EngineError:
    return EngineError(
        "ONNX Runtime has no CUDA here: that takes its package for it, in the place of the other"
        " one, and NVIDIA's driver, CUDA and cuDNN",
        remedy=Remedy.INSTALL_EXTRA,
        extra="gpu",
    )


def _open(runtime: ModuleType, weights: Weights, threads: int, device: Device) -> Any:
    options = runtime.SessionOptions()
    options.log_severity_level = 4  # fatal: what goes wrong is raised
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    providers = dict(_PROVIDERS[place] for place in (device, Device.CPU))  # for ops it lacks
    return runtime.InferenceSession(
        str(weights.path),
        sess_options=options,
        providers=list(providers.items()),
    )


def _reason(error: Exception) -> str:
    """Return the first line of a message, without the codes before it."""
    text = (str(error).strip().splitlines() or [type(error).__name__])[0]
    return text.rpartition(" : ")[2]
