"""`artistindex models`: the models, their weights and which engine runs them here."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from artistindex.cli import completion
from artistindex.cli.downloads import fetch_weights
from artistindex.cli.groups import SuggestingGroup
from artistindex.cli.options import State, any_path, format_option, pass_state
from artistindex.cli.output import emit, message, working
from artistindex.cli.remedies import line_for
from artistindex.embedding import weights
from artistindex.embedding.registry import MODELS, spec_of
from artistindex.embedding.spec import ModelSpec
from artistindex.embedding.weights import Weights
from artistindex.errors import WeightsError

_CHECKED_SECONDS = 40.0  # fills one batch of the fixed size that EffNet has in Essentia
_COLUMNS = ("model", "installed", "bytes", "sha256", "licence", "path")


@click.group(name="models", cls=SuggestingGroup)
def command() -> None:
    """List, install and check the models' weights."""


@command.command(name="list")
@format_option
@pass_state
def list_(state: State, output_format: str) -> None:
    """List every model and whether its weights are installed."""
    rows = [_row(spec, state) for spec in MODELS.values()]
    shown = rows if output_format != "table" else [_brief(row) for row in rows]
    emit(shown, _COLUMNS, output_format, payload=rows)


@command.command()
@click.argument("model", shell_complete=completion.models)
@click.option(
    "--base-url",
    metavar="URL",
    help="Where the publisher's folders lie, to use a mirror.  [env var: ARTISTINDEX_MODELS_URL]",
)
@pass_state
def fetch(state: State, model: str, base_url: str | None) -> None:
    """Download the weights of MODEL, unless they are installed.

    Size and sha256 are checked against what the publisher states; where no sha256 is published,
    the first one seen is trusted, and a different one is refused later.
    """
    _say_installed(fetch_weights(spec_of(model), state, base_url=base_url), state)


@command.command()
@click.argument("model", shell_complete=completion.models)
@click.argument("file", type=any_path)
@click.option("--unverified", is_flag=True, help="Take a file that is not the publisher's.")
@pass_state
def add(state: State, model: str, file: Path, unverified: bool) -> None:
    """Install FILE as the weights of MODEL.

    Without --unverified it must have the published size and sha256, or, for a model without
    them, the usual size; its sha256 is then trusted and a different one refused later.
    Whichever way, a graph that could reach beyond the model is refused.
    """
    with working(f"checking {file}", quiet=state.quiet):
        installed = weights.install(spec_of(model), file, unverified=unverified)
    _say_installed(installed, state)


@command.command(name="check")
@click.argument("model", shell_complete=completion.models)
@format_option
@pass_state
def check_(state: State, model: str, output_format: str) -> None:
    """Run MODEL in both engines on the same audio and compare.

    Prints how many patches each made, how fast (seconds of audio a second, in f32), the largest
    relative difference of a patch, and the engine that --engine auto takes from now on.
    """
    from artistindex.embedding import engine

    with working(f"running {model} in both engines", quiet=state.quiet):
        check = engine.self_check(weights.find_installed(spec_of(model)), seconds=_CHECKED_SECONDS)
    rows = [
        {
            "model": model,
            **asdict(run),
            "difference": _scientific(check.difference) if run.engine == "openvino" else None,
            "choice": "auto" if run.engine == check.choice else "",
        }
        for run in check.runs
    ]
    columns = ("model", "engine", "patches", "speed", "difference", "choice")
    emit(rows, columns, output_format, payload=asdict(check))
    if check.reason:
        message(f"{model}: engine auto takes {check.choice}, as {check.reason}", quiet=state.quiet)


def _scientific(value: float | None) -> str | None:
    return None if value is None else f"{value:.1e}"


def _say_installed(installed: Weights, state: State) -> None:
    message(
        f"{installed.spec.name}: installed {installed.path} "
        f"({installed.bytes:,} bytes, sha256 {installed.sha256}; licence {installed.spec.licence})",
        quiet=state.quiet,
    )


def _row(spec: ModelSpec, state: State) -> dict[str, Any]:
    """Return a line of the list; weights that cannot be used count as not installed."""
    installed = None
    if weights.is_installed(spec):
        try:
            installed = weights.find_installed(spec)
        except WeightsError as error:
            message(line_for(error), quiet=state.quiet)
    return {
        "model": spec.name,
        "installed": installed is not None,
        "path": str(installed.path) if installed else None,
        "sha256": installed.sha256 if installed else None,
        "bytes": installed.bytes if installed else None,
        "licence": spec.licence,
    }


def _brief(row: dict[str, Any]) -> dict[str, Any]:
    """Return the row for people: the start of the hash and the name of the licence."""
    return row | {
        "installed": "yes" if row["installed"] else "no",
        "sha256": row["sha256"] and row["sha256"][:12],
        "licence": row["licence"].partition(" (")[0],
    }
