"""What runs in the process of a trial (trial.py): new weights once through every engine."""

import json
import pickle
import sys

from artistindex.embedding.engine import engines_of, load_model, synthetic_audio
from artistindex.embedding.weights import Weights
from artistindex.errors import EngineError

MAX_MEMORY = 12 * 1024**3  # bytes of address space; both engines together map about four GiB
_SECONDS_OF_AUDIO = 4.0
_PATCHES = 1.5


def run_standard_input() -> None:
    """Run the pickled weights of standard input in every engine; what `try_weights` starts."""
    spec, path, sha256 = pickle.load(sys.stdin.buffer)  # noqa: S301  # our parent wrote it
    weights = Weights(spec, path, sha256, path.stat().st_size)
    rate = spec.front_end.sample_rate
    samples = synthetic_audio(max(_SECONDS_OF_AUDIO, _PATCHES * spec.patch_samples / rate), rate)
    _limit_memory()
    refusals: dict[str, str | None] = {}
    for engine in engines_of(spec):
        try:
            load_model(weights, engine=engine).patches(samples)
            refusals[engine] = None
        except EngineError as error:
            refusals[engine] = str(error)
    print(json.dumps(refusals))  # noqa: T201


def _limit_memory() -> None:
    try:
        import resource
    except ImportError:  # there is no such limit on Windows
        return

    resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY, MAX_MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
