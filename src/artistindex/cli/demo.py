"""`artistindex demo`."""

import shlex
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import click

from artistindex.cli import exit_codes
from artistindex.cli.options import State, any_path, pass_state
from artistindex.cli.output import message, progress
from artistindex.cli.remedies import line_for
from artistindex.demo import collection
from artistindex.embedding import weights
from artistindex.embedding.registry import DEFAULT_MODELS, MODELS
from artistindex.errors import WeightsError
from artistindex.naming import printable

_NEIGHBOURS = "3"
_NEXT = (
    "Now your own music, a folder of it:",
    "  artistindex build --audio FOLDER --model musicnn",
    "  artistindex query NAME",
    "`artistindex models fetch discogs-effnet` gets a better model,",
    "`artistindex doctor` says what works here.",
)


@click.command(name="demo")
@click.option(
    "--out",
    type=any_path,
    default=Path("artistindex-demo"),
    show_default=True,
    metavar="DIR",
    help="Where the demo goes: an empty or a new folder, or one of an earlier demo.",
)
@pass_state
def command(state: State, out: Path) -> int:
    """Try it all on music made on the spot: no account, no download.

    Nine artists who do not exist play 27 short tracks, two artists in the same style. Then the
    commands that you would run on your own music are run on theirs, with musicnn and every other
    model whose weights are installed. The same music comes out each time.
    """
    music, indexes = out / "music", out / "indexes"
    new = collection.prepare(out)
    played = _play(music, state)
    if not new and not played:
        message(f"the music is in {music} already, from an earlier demo", quiet=state.quiet)
    models = _installed(state)
    twin, other = collection.TWINS
    message(f"{twin} and {other} play in the same style, nobody else does", quiet=state.quiet)
    model_flags = [flag for model in models for flag in ("--model", model)]
    worst = _run(state, indexes, "build", "--audio", str(music), *model_flags)
    for model in models:
        choice = ["--index", model] if len(models) > 1 else []
        worst = worst or _run(state, indexes, "query", twin, "--k", _NEIGHBOURS, *choice)
    worst = worst or _run(state, indexes, "info")
    for line in _NEXT if worst == exit_codes.DONE else ():
        message(line, quiet=state.quiet)
    return worst


def _play(music: Path, state: State) -> int:
    """Record what is missing; returns the number of tracks that were."""
    missing = collection.missing(music)
    if not missing:
        return 0
    message(f"playing {len(missing)} tracks into {music}", quiet=state.quiet)
    with progress(quiet=state.quiet) as shown, ThreadPoolExecutor(2) as pool:
        task = shown.add_task("playing", total=len(missing))
        for _ in pool.map(partial(collection.record, music=music), missing):
            shown.advance(task)
    return len(missing)


def _installed(state: State) -> list[str]:
    """Return musicnn and every model whose weights are there, the usual ones first."""
    installed = []
    for name in dict.fromkeys((*DEFAULT_MODELS, *MODELS)):
        if MODELS[name].packaged or weights.is_installed(MODELS[name]):
            try:
                weights.find_installed(MODELS[name])
            except WeightsError as error:
                if MODELS[name].packaged:
                    raise
                message(f"without {name}: {line_for(error)}", quiet=state.quiet)
            else:
                installed.append(name)
    return installed


def _run(state: State, indexes: Path, name: str, *arguments: str) -> int:
    """Show a command line, run it in this process and return its exit code."""
    from artistindex.cli import cli

    line = ["--indexes", str(indexes), name, *arguments]
    click.echo(f"$ artistindex {printable(shlex.join(line))}")
    flags = ["--quiet"] * state.quiet + ["--verbose"] * state.verbose
    outcome = cli.main(
        [*flags, *line], prog_name="artistindex", standalone_mode=False, obj=state.pool
    )
    click.echo()
    return outcome if isinstance(outcome, int) else 0
