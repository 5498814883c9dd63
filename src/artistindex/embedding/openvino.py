"""The fast engine: OpenVINO on the very same weights files, behind a front end in numpy."""

import hashlib
import json
import shutil
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from artistindex._util.dirs import cache_folder
from artistindex._util.files import file_lock, sha256_file
from artistindex.embedding.front_end import embeddings, input_shape, model_input
from artistindex.embedding.spec import Axis, Format, ModelSpec
from artistindex.embedding.weights import Weights
from artistindex.errors import EngineError, Remedy

if TYPE_CHECKING:
    from openvino import CompiledModel, Core, Dimension, Model

WIRED_BATCH = 8
FREE_BATCH = 32
"""Patches at once, at most, where the graph has a batch size wired in and where it has not.

Measured (docs/performance.md): EffNet is fastest with one small size, VGGish, whose dense layers
read 280 MB of weights for every batch, with large batches, of which the last is what is left.
"""
_MAX_VALUES = 2**19  # of the patches of a batch: what FREE_BATCH of the mel models have, and more
_FRAMEWORKS = {Format.TENSORFLOW: "tf", Format.ONNX: "onnx", Format.TFLITE: "tflite"}
_XML, _BIN, _HASHES = "model.xml", "model.bin", "sha256.json"


class OpenVinoModel:
    """A model compiled by OpenVINO for this processor, used for any number of tracks."""

    engine = "openvino"

    def __init__(self, weights: Weights, *, precision: str = "f32", threads: int = 1) -> None:
        """Load the graph. Raises EngineError where OpenVINO cannot, or not in `precision`."""
        self.spec = weights.spec
        openvino = import_openvino()
        try:
            self._model = _compile(openvino, weights, precision, threads)
        except (RuntimeError, OSError) as error:  # every exception of OpenVINO is a RuntimeError
            raise EngineError(
                f"OpenVINO cannot load {weights.path} ({_reason(error)})",
                remedy=_other_engine(self.spec),
            ) from error
        self._tensor = openvino.Tensor
        self._request = self._model.create_infer_request()
        for index, port in enumerate(self._model.inputs):
            shape = [axis.get_max_length() for axis in port.partial_shape]
            values = np.zeros(shape, port.element_type.to_dtype())
            self._request.set_input_tensor(index, self._tensor(values, shared_memory=True))
            if _is_source(port, self.spec):
                self._source = index
                self._free = port.partial_shape.is_dynamic
                self._batch: NDArray[np.float32] = values

    @property
    def dimension(self) -> int:
        """Return the length of an embedding, as the graph has it."""
        return _length(self._model.output(0), self.spec)

    def patches(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the embedding of each patch; see `EmbeddingModel.patches`."""
        return self.outputs(samples)[""]

    def outputs(self, samples: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
        """Return the patches by layer; see `EmbeddingModel.outputs`."""
        source = model_input(samples, self.spec)
        outputs = [
            np.empty((len(source), _length(port, self.spec)), np.float32)
            for port in self._model.outputs
        ]
        for start in range(0, len(source), len(self._batch)):
            part = source[start : start + len(self._batch)]
            self._batch[: len(part)] = part  # what lies behind is of the batch before, and unused
            if self._free:
                batch = self._tensor(self._batch[: len(part)], shared_memory=True)
                self._request.set_input_tensor(self._source, batch)
            self._request.infer()
            for number, rows in enumerate(outputs):
                output = embeddings(self._request.get_output_tensor(number).data, self.spec)
                if len(output) < len(part):  # without memory it answers with nothing, silently
                    raise MemoryError(f"OpenVINO gave {len(output)} of {len(part)} embeddings")
                rows[start : start + len(part)] = output[: len(part)]
        return dict(zip(("", *self.spec.layers), outputs, strict=True))


def import_openvino() -> ModuleType:
    """Import `openvino` without its telemetry. Raises EngineError where it is missing."""
    if "openvino" not in sys.modules:  # it takes a missing telemetry package in its stride
        sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]  # None: missing
    try:
        import openvino
    except ImportError as error:
        raise EngineError(
            f"OpenVINO is not usable here ({error})", remedy=Remedy.INSTALL_OPENVINO
        ) from error
    module: ModuleType = openvino
    return module


def _other_engine(spec: ModelSpec) -> Remedy | None:
    if spec.algorithm is not None:
        return Remedy.USE_ESSENTIA
    return Remedy.USE_ONNXRUNTIME if spec.format is Format.ONNX else None


def _compile(
    openvino: ModuleType, weights: Weights, precision: str, threads: int
) -> "CompiledModel":
    core = openvino.Core()
    if precision == "bf16" and "BF16" not in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
        raise EngineError("this processor cannot compute in bf16", remedy=Remedy.USE_F32)
    model = _load(openvino, core, weights)
    _set_batch(model, weights)
    settings = {
        "INFERENCE_PRECISION_HINT": precision,
        "INFERENCE_NUM_THREADS": threads,
        "ENABLE_CPU_PINNING": False,  # else processes of one thread all pin to the same core
    }
    return core.compile_model(model, "CPU", settings)


def _set_batch(model: "Model", weights: Weights) -> None:
    """Give every input a shape: as many patches as are best, or the batch wired into the graph.

    Placeholders beside the patches, such as a switch for training, stay at zero.
    """
    spec = weights.spec
    source = next((port for port in model.inputs if _is_source(port, spec)), None)
    if source is None:
        raise EngineError(f"{weights.path} has no input {spec.input!r}")
    for batch in _batches(source, spec):
        shapes = {
            port: [batch if size is None else size for size in input_shape(spec)]
            if _is_source(port, spec)
            else _static(port)
            for port in model.inputs
        }
        with suppress(RuntimeError):
            model.reshape(shapes)
            if all(_gives(port, batch, spec) for port in model.outputs):
                return
    shape = [size or "batch" for size in input_shape(spec)]
    raise EngineError(
        f"{weights.path} does not take the patches of {spec.name}, {shape}, or does not answer them"
        f" with {spec.dimension} values on the axes {', '.join(spec.output_axes)}"
    )


def _batches(source: Any, spec: ModelSpec) -> "list[Dimension]":
    """The sizes of a batch to try, best first."""
    from openvino import Dimension

    if spec.format is Format.TENSORFLOW:
        wired = [Dimension(size) for size in (WIRED_BATCH, spec.batch) if size]
        return wired if spec.batch else [Dimension(1, FREE_BATCH), *wired]
    shape = source.partial_shape
    if shape.rank.is_static and len(shape) == len(spec.input_axes) and shape[0].is_static:
        return [shape[0]]
    values = np.prod([size or 1 for size in input_shape(spec)], dtype=np.int64)
    best = spec.batch or max(1, min(FREE_BATCH, _MAX_VALUES // int(values)))
    return [Dimension(1, best), Dimension(best), Dimension(1)]


def _gives(port: Any, batch: "Dimension", spec: ModelSpec) -> bool:
    """Whether an output has the axes of the spec, and a row for each patch of `batch`.

    Of a model of Essentia's the graph alone says how long a row is.
    """
    shape, axes = port.partial_shape, spec.output_axes
    if shape.rank.is_dynamic or len(shape) != len(axes):
        return False
    values = shape[axes.index(Axis.VALUES)]
    if spec.algorithm is None and values != spec.dimension:
        return False
    return bool(shape[axes.index(Axis.BATCH)] == batch and values.is_static)


def _length(port: Any, spec: ModelSpec) -> int:
    return int(port.partial_shape[spec.output_axes.index(Axis.VALUES)].get_length())


def _is_source(port: Any, spec: ModelSpec) -> bool:
    return not port.names.isdisjoint((spec.input, f"{spec.input}:0"))


def _static(port: Any) -> list[int]:
    shape = port.partial_shape
    if shape.rank.is_dynamic:
        return []
    return [axis.get_length() if axis.is_static else 1 for axis in shape]


# -- the converted model, kept in the cache ----------------------------------------------------


def _load(openvino: ModuleType, core: "Core", weights: Weights) -> "Model":
    """Return the graph in OpenVINO's own format, which is read 30 times faster than converted.

    Converted once for these weights and this OpenVINO; processes that want it at the same time
    wait for the first. A cache that is damaged is made anew, one that cannot be written is done
    without.
    """
    folder = cache_folder("converted") / _key(openvino, weights)
    if model := _read(core, folder):
        return model
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with file_lock(folder.with_name(f"{folder.name}.lock")):
            return _read(core, folder) or _keep(openvino, _convert(weights), folder)
    except OSError:
        return _convert(weights)


def _key(openvino: ModuleType, weights: Weights) -> str:
    version = openvino.get_version().partition("-")[0]
    spec = weights.spec
    tensors = "\n".join([spec.output, *spec.layers.values()])
    outputs = hashlib.sha256(tensors.encode()).hexdigest()[:8]
    return f"{spec.name}-{outputs}-{weights.sha256[:32]}-openvino-{version}"


def _convert(weights: Weights) -> "Model":
    """Convert the graph up to the model's outputs, which are looked up by name."""
    from openvino import frontend

    failures = (
        frontend.GeneralFailure,
        frontend.InitializationFailure,
        frontend.NotImplementedFailure,
        frontend.OpConversionFailure,
        frontend.OpValidationFailure,
    )
    try:
        reader = frontend.FrontEndManager().load_by_framework(_FRAMEWORKS[weights.spec.format])
        graph = reader.load(str(weights.path))
        names = (weights.spec.output, *weights.spec.layers.values())
        outputs = [graph.get_place_by_tensor_name(name) for name in names]
        for name, output in zip(names, outputs, strict=True):
            if output is None:
                raise EngineError(f"{weights.path} has no output {name!r}")
        graph.override_all_outputs(outputs)
        return reader.convert(graph)
    except failures as error:
        raise EngineError(f"OpenVINO cannot read {weights.path} ({_reason(error)})") from error


def _read(core: "Core", folder: Path) -> "Model | None":
    """Return the converted model in `folder`, None where there is none or it was altered."""
    try:
        hashes = json.loads((folder / _HASHES).read_text("utf-8"))
        if hashes != _hashes(folder):
            return None
        return core.read_model(folder / _XML)
    except (OSError, ValueError, RuntimeError):
        return None


def _keep(openvino: ModuleType, model: "Model", folder: Path) -> "Model":
    """Write `model` into `folder` in one step; a failure to write costs only the cache."""
    for remains in folder.parent.glob(f"{folder.name}.*/"):  # of a process that was killed
        shutil.rmtree(remains, ignore_errors=True)
    part = Path(tempfile.mkdtemp(prefix=f"{folder.name}.", dir=folder.parent))
    try:
        openvino.save_model(model, part / _XML, compress_to_fp16=False)
        (part / _HASHES).write_text(json.dumps(_hashes(part)), "utf-8")
        shutil.rmtree(folder, ignore_errors=True)
        part.rename(folder)
    except (OSError, RuntimeError):
        shutil.rmtree(part, ignore_errors=True)
    return model


def _hashes(folder: Path) -> dict[str, str]:
    return {name: sha256_file(folder / name) for name in (_XML, _BIN)}


def _reason(error: Exception) -> str:
    """Return the last line of OpenVINO's message; the others are places in its source."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__
