"""The reference engine: Essentia's official TensorflowPredict* algorithm of each model."""

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from artistindex.embedding.quiet_essentia import essentia_standard
from artistindex.embedding.registry import SAMPLE_RATE
from artistindex.embedding.weights import Weights
from artistindex.errors import EngineError


class EssentiaModel:
    """A model inside Essentia, loaded once and used for any number of tracks.

    Not for a forked process, where the TensorFlow inside hangs; nor does it let go of Python's
    global lock, so threads bring nothing.
    """

    engine = "essentia"

    def __init__(self, weights: Weights) -> None:
        """Raises EngineError where Essentia is not installed or cannot load the graph."""
        self.spec = weights.spec
        standard = essentia_standard()
        try:
            self._predict = getattr(standard, self.spec.algorithm)(
                graphFilename=str(weights.path),
                input=self.spec.input,
                output=self.spec.output,
                patchHopSize=self.spec.hop,
            )
        except RuntimeError as error:
            raise EngineError(f"Essentia cannot load {weights.path} ({_reason(error)})") from error

    @cached_property
    def dimension(self) -> int:
        """Length of an embedding; it is the graph that knows, so one patch is computed."""
        return int(self._run(np.zeros(SAMPLE_RATE * 4, np.float32)).shape[1])

    def patches(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """The embedding of each patch; see `EmbeddingModel.patches`."""
        found = self._run(samples) if len(samples) else np.empty(0, np.float32)
        return found if found.ndim == 2 else np.empty((0, self.dimension), np.float32)

    def _run(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        try:
            found = self._predict(np.ascontiguousarray(samples, np.float32))
        except RuntimeError as error:
            raise EngineError(
                f"Essentia failed to run {self.spec.name} ({_reason(error)})"
            ) from error
        return np.asarray(found, np.float32)


def _reason(error: RuntimeError) -> str:
    """The first line of Essentia's message, without the names of its own classes before it."""
    said = str(error).rpartition("TensorflowPredict: ")[2].strip()
    return said.splitlines()[0] if said else "it does not say why"
