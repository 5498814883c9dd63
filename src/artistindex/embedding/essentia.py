"""The reference engine: Essentia's official TensorflowPredict* algorithm of each model."""

import os
from functools import cached_property
from types import ModuleType

import numpy as np
from numpy.typing import NDArray

from artistindex.embedding.spec import SAMPLE_RATE
from artistindex.embedding.weights import Weights
from artistindex.errors import EngineError, Remedy

_SILENCE = np.zeros(4 * SAMPLE_RATE, np.float32)  # longer than any model's patch


class EssentiaModel:
    """A model inside Essentia, loaded once and used for any number of tracks.

    Not for a forked process, where the TensorFlow inside hangs; nor does it let go of Python's
    global lock, so threads bring nothing.
    """

    engine = "essentia"

    def __init__(self, weights: Weights) -> None:
        """Load the graph. Raises EngineError where Essentia is not installed or cannot."""
        self.spec = weights.spec
        if self.spec.algorithm is None:
            raise EngineError(f"Essentia has no algorithm for {self.spec.name}")
        algorithm = getattr(essentia_standard(), self.spec.algorithm)
        try:
            self._predict = {
                layer: algorithm(
                    graphFilename=str(weights.path),
                    input=self.spec.input,
                    output=output,
                    patchHopSize=self.spec.hop,
                )
                for layer, output in {"": self.spec.output, **self.spec.layers}.items()
            }
        except RuntimeError as error:
            raise EngineError(f"Essentia cannot load {weights.path} ({_reason(error)})") from error

    @cached_property
    def dimension(self) -> int:
        """Return the length of an embedding; only the graph knows, so one patch is computed."""
        return int(self._run(_SILENCE).shape[1])

    def patches(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the embedding of each patch; see `EmbeddingModel.patches`."""
        return self._patches(samples, "")

    def outputs(self, samples: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
        """Return the patches by layer; see `EmbeddingModel.outputs`.

        The algorithms have one output each, so every layer takes a run of its own.
        """
        return {layer: self._patches(samples, layer) for layer in self._predict}

    def _patches(self, samples: NDArray[np.float32], layer: str) -> NDArray[np.float32]:
        embeddings = self._run(samples, layer) if len(samples) else np.empty(0, np.float32)
        if embeddings.ndim == 2:
            return embeddings
        return np.empty((0, self._run(_SILENCE, layer).shape[1]), np.float32)

    def _run(self, samples: NDArray[np.float32], layer: str = "") -> NDArray[np.float32]:
        try:
            embeddings = self._predict[layer](np.ascontiguousarray(samples, np.float32))
        except RuntimeError as error:
            raise EngineError(
                f"Essentia failed to run {self.spec.name} ({_reason(error)})"
            ) from error
        return np.asarray(embeddings, np.float32)


def essentia_standard() -> ModuleType:
    """Import `essentia.standard`, Essentia's and TensorFlow's messages switched off.

    The one place that imports it. It takes seconds and the TensorFlow inside hangs in a forked
    process, so call this where the work is done. Raises EngineError where Essentia is missing.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        import essentia

        essentia.log.infoActive = False  # before essentia.standard, whose import logs
        essentia.log.warningActive = False
        import essentia.standard
    except ImportError as error:
        raise EngineError(
            f"Essentia is not usable here ({error})", remedy=Remedy.INSTALL_ESSENTIA
        ) from error
    module: ModuleType = essentia.standard
    return module


def _reason(error: RuntimeError) -> str:
    """Return the first line of Essentia's message, without its own classes' names before it."""
    message = str(error).rpartition("TensorflowPredict: ")[2].strip()
    return message.splitlines()[0] if message else "it does not say why"
