"""Fetching a model's weights with a progress bar, for every command that may have to."""

from artistindex.cli.options import State
from artistindex.cli.output import console, message
from artistindex.embedding import weights
from artistindex.embedding.registry import ModelSpec
from artistindex.embedding.weights import Weights


def fetch_weights(spec: ModelSpec, state: State, *, base_url: str | None = None) -> Weights:
    """The installed weights of `spec`, downloaded first where there are none."""
    if spec.packaged or weights.is_installed(spec):
        return weights.find_installed(spec)
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    target = console(stderr=True)
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    hidden = state.quiet or not target.is_terminal
    with Progress(*columns, console=target, transient=True, disable=hidden) as shown:
        task = shown.add_task(spec.name, total=None)
        return weights.download(
            spec,
            base_url=base_url,
            progress=lambda done, total: shown.update(task, completed=done, total=total),
            say=lambda line: message(line, quiet=state.quiet),
        )
