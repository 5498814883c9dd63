"""`artistindex models`: the models, their weights and which engine runs them here."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from artistindex import naming
from artistindex.cli import completion
from artistindex.cli.downloads import fetch_weights
from artistindex.cli.groups import SuggestingGroup
from artistindex.cli.options import State, any_path, format_option, pass_state
from artistindex.cli.output import emit, message, working
from artistindex.cli.remedies import line_for
from artistindex.embedding import weights
from artistindex.embedding.registry import all_specs, spec_of
from artistindex.embedding.spec import ModelSpec
from artistindex.embedding.weights import Weights
from artistindex.errors import WeightsError

_CHECKED_SECONDS = 40.0  # fills one batch of the fixed size that EffNet has in Essentia
_COLUMNS = ("model", "installed", "dimension", "verified", "bytes", "sha256", "licence", "path")


@click.group(name="models", cls=SuggestingGroup)
def command() -> None:
    """List, install and check the models' weights."""


@command.command(name="list")
@format_option
@pass_state
def list_(state: State, output_format: str) -> None:
    """List every model and whether its weights are installed.

    Those that are not verified have never been run by the project with the publisher's weights.
    """
    rows = [_row(spec, state) for spec in all_specs()]
    shown = rows if output_format != "table" else [_brief(row) for row in rows]
    emit(shown, _COLUMNS, output_format, payload=rows)


@command.command()
@click.argument("model", shell_complete=completion.models)
@click.option(
    "--format",
    "output_format",
    type=click.Choice(["toml", "json"]),
    default="toml",
    show_default=True,
    help="How to print: the description, to begin one of your own with, or json with all there is.",
)
@pass_state
def show(state: State, model: str, output_format: str) -> None:
    """Show what MODEL is: how it is fed, and what is taken of its output."""
    from artistindex.embedding.engine import engines_of
    from artistindex.embedding.spec_file import to_document

    spec = spec_of(model)
    if output_format == "toml":
        import tomlkit

        click.echo(tomlkit.dumps(to_document(spec)), nl=False)
        return
    row = _row(spec, state)
    payload = to_document(spec) | row | {"engines": list(engines_of(spec))}
    emit([row], _COLUMNS, output_format, payload=payload)


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
@click.argument("arguments", metavar="[MODEL] FILE", nargs=-1, shell_complete=completion.models)
@click.option("--unverified", is_flag=True, help="Take a file that is not the publisher's.")
@click.option(
    "--spec",
    "description",
    type=any_path,
    metavar="TOML",
    help="Add a model of your own, which this file describes (docs/models.md).",
)
@pass_state
def add(
    state: State, arguments: tuple[str, ...], unverified: bool, description: Path | None
) -> None:
    """Install FILE as the weights of MODEL, or of a model of your own.

    Without --unverified it must have the published size and sha256, or, for a model without
    them, the usual size; its sha256 is then trusted and a different one refused later.
    Whichever way, a graph that could reach beyond the model is refused.

    With --spec the model is one of your own, an ONNX, TensorFlow or TFLite file; every command
    takes it by its name afterwards.
    """
    expected = ["MODEL", "FILE"] if description is None else ["FILE"]
    if len(arguments) < len(expected):
        raise click.UsageError(f"Missing argument '{expected[len(arguments)]}'.")
    if len(arguments) > len(expected):
        extra = naming.quoted(arguments[len(expected)])
        raise click.UsageError(f"expected {' '.join(expected)}, and no {extra}")
    if description is not None and unverified:
        raise click.UsageError("--unverified is for models that have a publisher, not for --spec")
    file = Path(arguments[-1])
    with working(f"checking {file}", quiet=state.quiet):
        if description is None:
            installed = weights.install(spec_of(arguments[0]), file, unverified=unverified)
        else:
            installed = weights.install_own(description, file)
    _say_installed(installed, state)


@command.command()
@click.argument("model", shell_complete=completion.models)
@pass_state
def remove(state: State, model: str) -> None:
    """Remove the weights of MODEL; one of your own is forgotten altogether.

    Vectors and indexes stay, and can be asked by artists; to ask with sound, or to build on, its
    weights must be added again.
    """
    was_there = weights.remove(spec_of(model))
    message(f"{model}: {'removed' if was_there else 'was not installed'}", quiet=state.quiet)


@command.command(name="check")
@click.argument("model", shell_complete=completion.models)
@format_option
@pass_state
def check_(state: State, model: str, output_format: str) -> None:
    """Run MODEL in each engine that can, on the same audio, and compare.

    Prints how many patches each made, how fast (seconds of audio a second, in f32), the largest
    relative difference of a patch, and the engine that --engine auto takes from now on.
    """
    from artistindex.embedding import engine

    with working(f"running {model} in its engines", quiet=state.quiet):
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
        "dimension": spec.dimension,
        "verified": spec.verified,
        "own": spec.own,
    }


def _brief(row: dict[str, Any]) -> dict[str, Any]:
    """Return the row for people: the start of the hash and the name of the licence."""
    return row | {
        "installed": "yes" if row["installed"] else "no",
        "verified": "yes" if row["verified"] else "no",
        "sha256": row["sha256"] and row["sha256"][:12],
        "licence": row["licence"].partition(" (")[0],
    }
