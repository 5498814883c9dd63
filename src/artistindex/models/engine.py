"""Which engine runs a model: Essentia, the reference, or OpenVINO, which is faster."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from artistindex.errors import Misuse
from artistindex.models.registry import ModelSpec
from artistindex.models.weights import Weights

ENGINES = ("auto", "essentia", "openvino")
PRECISIONS = ("f32", "bf16")


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


def load_model(
    weights: Weights, *, engine: str = "auto", precision: str = "f32", threads: int = 1
) -> EmbeddingModel:
    """Load `weights` into `engine`, computing in `precision` with `threads` threads.

    Raises Misuse for an engine or precision that does not exist or go together, EngineError where
    the engine is missing or cannot load the weights.
    """
    if engine not in ENGINES:
        raise Misuse(f"unknown engine {engine!r}; there are {', '.join(ENGINES)}")
    if precision not in PRECISIONS:
        raise Misuse(f"unknown precision {precision!r}; there are {', '.join(PRECISIONS)}")
    if engine == "essentia":
        from artistindex.models.essentia_engine import EssentiaModel

        if precision != "f32":
            raise Misuse(f"engine essentia computes in f32 only, not in {precision}")
        return EssentiaModel(weights)
    from artistindex.models.openvino_engine import OpenVinoModel

    return OpenVinoModel(weights, precision=precision, threads=threads)
