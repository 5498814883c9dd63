"""Fetching a model's weights with a progress bar, for every command that may have to."""

from artistindex.cli.display import Display
from artistindex.cli.options import State
from artistindex.embedding import weights
from artistindex.embedding.spec import ModelSpec
from artistindex.embedding.weights import Weights


def fetch_weights(spec: ModelSpec, state: State, *, base_url: str | None = None) -> Weights:
    """Return the installed weights of `spec`, downloaded first where there are none."""
    if spec.packaged or weights.is_installed(spec):
        return weights.find_installed(spec)
    with Display(quiet=state.quiet) as display:
        return weights.download(spec, base_url=base_url, reporter=display)
