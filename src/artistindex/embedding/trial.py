"""The first run of new weights, in a process of its own with limits.

A graph that passes every check can still end the process that runs it: an engine may have a bug
that only this graph meets. So weights run once where nothing is lost before they are installed.
"""

import pickle
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

from artistindex.errors import EngineError, WeightsError

if TYPE_CHECKING:
    from artistindex.embedding.weights import Weights

MAX_SECONDS = 300  # VGGish, the largest of the built-in models, takes about ten
MAX_MEMORY = 12 * 1024**3  # bytes of address space; both engines together map about four GiB
_SECONDS_OF_AUDIO = 4.0
_PROGRAM = "from artistindex.embedding.trial import run_standard_input; run_standard_input()"


def try_weights(weights: "Weights", *, max_seconds: float = MAX_SECONDS) -> None:
    """Run `weights` once in every engine that is here, in another process.

    That an engine refuses them is no failure of the trial. Raises WeightsError where the process
    dies or does not end within `max_seconds`.
    """
    program = [sys.executable, "-c", _PROGRAM]
    try:
        process = subprocess.run(  # noqa: S603  # nothing in it is from outside
            program,
            input=pickle.dumps(weights),
            capture_output=True,
            timeout=max_seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        how = f"did not end within {max_seconds:g} s"
    else:
        if process.returncode == 0:
            return
        how = f"was ended by {_cause(process.returncode, process.stderr)}"
    raise WeightsError(f"{weights.path} is refused: the process that tried it {how}")


def run_standard_input() -> None:
    """Run the pickled weights of standard input in every engine; what `try_weights` starts."""
    weights: Weights = pickle.load(sys.stdin.buffer)  # noqa: S301  # our parent wrote it
    from artistindex.embedding.engine import ENGINES, load_model, synthetic_audio

    samples = synthetic_audio(_SECONDS_OF_AUDIO)
    _limit_memory()
    for name in (engine for engine in ENGINES if engine != "auto"):
        try:
            load_model(weights, engine=name).patches(samples)
        except EngineError as error:
            print(error, file=sys.stderr)  # noqa: T201


def _limit_memory() -> None:
    try:
        import resource
    except ImportError:  # there is no such limit on Windows
        return

    resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY, MAX_MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _cause(code: int, stderr: bytes) -> str:
    if code < 0:
        try:
            return f"signal {-code} ({signal.Signals(-code).name})"
        except ValueError:
            return f"signal {-code}"
    lines = stderr.decode(errors="replace").strip().splitlines()
    return f"exit code {code}" + (f" ({lines[-1][:200]})" if lines else "")
