"""The first run of new weights, in a process of its own with limits.

A graph that passes every check can still end the process that runs it: an engine may have a bug
that only this graph meets. So weights run once where nothing is lost before they are installed.
"""

import json
import pickle
import signal
import subprocess
import sys
from pathlib import Path

from artistindex.embedding.spec import ModelSpec
from artistindex.errors import WeightsError

MAX_SECONDS = 300  # VGGish, the largest of the built-in models, takes about ten
_PROGRAM = "from artistindex.embedding import trial_process; trial_process.run_standard_input()"


def try_weights(
    spec: ModelSpec, path: Path, sha256: str, *, max_seconds: float = MAX_SECONDS
) -> dict[str, str | None]:
    """Run the weights of `spec` in `path` once in every engine that is here, in another process.

    Returns why each engine refuses them, None where it does not; that is no failure of the trial.
    Raises WeightsError where the process dies or does not end within `max_seconds`.
    """
    program = [sys.executable, "-c", _PROGRAM]
    try:
        process = subprocess.run(  # noqa: S603  # nothing in it is from outside
            program,
            input=pickle.dumps((spec, path, sha256)),
            capture_output=True,
            timeout=max_seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        how = f"did not end within {max_seconds:g} s"
    else:
        if process.returncode == 0:
            return _refusals(process.stdout)
        how = f"was ended by {_cause(process.returncode, process.stderr)}"
    raise WeightsError(f"{path} is refused: the process that tried it {how}")


def _refusals(stdout: bytes) -> dict[str, str | None]:
    """Read the last line of what the process wrote; what it ran may have written before."""
    try:
        answer = json.loads(stdout.splitlines()[-1])
        return {str(engine): None if why is None else str(why) for engine, why in answer.items()}
    except (IndexError, ValueError, AttributeError):
        return {}


def _cause(code: int, stderr: bytes) -> str:
    if code < 0:
        try:
            return f"signal {-code} ({signal.Signals(-code).name})"
        except ValueError:
            return f"signal {-code}"
    lines = stderr.decode(errors="replace").strip().splitlines()
    return f"exit code {code}" + (f" ({lines[-1][:200]})" if lines else "")
