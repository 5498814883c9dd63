"""What the commands share: the global state and the options that several of them take."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import click

from artistindex.cli import completion

if TYPE_CHECKING:
    from artistindex.embedding.pool import Pool

FORMATS = ("table", "json", "csv")
PAPER_FORMATS = (*FORMATS, "markdown", "latex")


@dataclass(frozen=True, slots=True)
class State:
    """The global flags; `click.Context.obj` of every command.

    `pool` embeds what a build has to; None for worker processes of its own.
    """

    indexes: Path
    quiet: bool = False
    verbose: int = 0
    pool: "Pool | None" = None


pass_state = click.make_pass_decorator(State)


class _Decorator(Protocol):
    def __call__(self, command: Any, /) -> Any: ...


format_option: _Decorator = click.option(
    "--format",
    "output_format",
    type=click.Choice(FORMATS),
    default="table",
    show_default=True,
    help="How to print: a table for people, or json or csv for programs.",
)

paper_format_option: _Decorator = click.option(
    "--format",
    "output_format",
    type=click.Choice(PAPER_FORMATS),
    default="table",
    show_default=True,
    help="How to print: a table for people, json or csv for programs, markdown or latex (booktabs)"
    " for papers.",
)
seed_option: _Decorator = click.option(
    "--seed",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    metavar="N",
    help="What the intervals are drawn with: the same seed gives the same numbers.",
)

any_path = click.Path(path_type=Path)
names_file = click.Path(path_type=Path, allow_dash=True)
"""A file of names; - is standard input."""


def is_given(*names: str) -> bool:
    """Return whether an option was given with this command, not in the file of settings."""
    context = click.get_current_context()
    given = (click.core.ParameterSource.COMMANDLINE, click.core.ParameterSource.ENVIRONMENT)
    return any(context.get_parameter_source(name) in given for name in names)


def cookie_options(command: Any) -> Any:
    """`--cookies FILE` and `--cookies-from-browser NAME`."""
    browser = click.option(
        "--cookies-from-browser", metavar="NAME", help="A browser to take cookies from."
    )
    file = click.option(
        "--cookies", type=any_path, metavar="FILE", help="A cookie file for YouTube."
    )
    return file(browser(command))


def candidate_options(command: Any) -> Any:
    """`--min-tracks N`, `--exclude FILE` and `--only FILE`: who may be in an answer."""
    min_tracks = click.option(
        "--min-tracks",
        type=click.IntRange(min=0),
        default=0,
        metavar="N",
        help="List only artists with so many tracks behind them.",
    )
    exclude = click.option(
        "--exclude",
        type=names_file,
        metavar="FILE",
        help="Leave out the artists named in FILE, such as those who are known already.",
    )
    only = click.option(
        "--only", type=names_file, metavar="FILE", help="List only artists named in FILE."
    )
    return min_tracks(exclude(only(command)))


def index_option(help_text: str) -> _Decorator:
    """`--index M`, which may be given several times; the command receives `index`, a tuple."""
    return click.option(
        "--index",
        metavar="MODEL",
        multiple=True,
        shell_complete=completion.indexes,
        help=help_text,
    )
