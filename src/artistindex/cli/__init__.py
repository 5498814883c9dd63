"""The command line: one file per command, loaded when it is asked for; here the error boundary."""

import importlib
import io
import os
import signal
import sys
import traceback
from contextlib import nullcontext, suppress
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, TextIO, cast

import click

from artistindex import __version__
from artistindex.cli import exit_codes, logs, settings
from artistindex.cli.groups import SuggestingGroup, accept_global_options
from artistindex.cli.options import State
from artistindex.cli.remedies import line_for
from artistindex.errors import ArtistIndexError, Misuse
from artistindex.naming import printable

if TYPE_CHECKING:
    from artistindex.embedding.pool import Pool

_COMMANDS = {
    "alias": "alias",
    "build": "build",
    "compare": "compare",
    "config": "config",
    "demo": "demo",
    "doctor": "doctor",
    "evaluate": "evaluate",
    "export": "export",
    "failures": "failures",
    "forget": "forget",
    "ids": "ids",
    "ignore": "ignore",
    "import": "import_",
    "info": "info",
    "ls": "ls",
    "match": "match",
    "models": "models",
    "musicmap": "musicmap",
    "page": "page",
    "path": "path",
    "push": "push",
    "query": "query",
    "serve": "serve",
    "tune": "tune",
    "worker": "worker",
}
_INTERRUPTED = 130
_INTERRUPTS = (signal.SIGINT, signal.SIGTERM)


class _Unread(Exception):
    """A broken pipe on its way past click, which would leave with 1."""


class _LazyGroup(SuggestingGroup):
    """Imports a command's module only when that command is named, so that a query stays quick."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        module = importlib.import_module(f"artistindex.cli.{_COMMANDS[cmd_name]}")
        return accept_global_options(cast(click.Command, module.command))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name, command, rest = super().resolve_command(ctx, args)
        if name and command and ctx.default_map and name in ctx.default_map:
            table = settings.defaults_of(command, ctx.default_map[name], name)
            ctx.default_map = {**ctx.default_map, name: table}
        return name, command, rest

    def make_context(self, *arguments: Any, **more: Any) -> click.Context:
        is_completing = more.get("resilient_parsing", False)
        with suppress(Misuse) if is_completing else nullcontext():
            more["default_map"] = settings.read_settings(self, click.Context(self))
        try:  # prints --help and --version
            return super().make_context(*arguments, **more)
        except BrokenPipeError as error:
            raise _Unread from error

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError as error:
            raise _Unread from error


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--indexes",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("indexes"),
    envvar="ARTISTINDEX_INDEXES",
    show_default=True,
    show_envvar=True,
    help="The folder of the library and its indexes.",
)
@click.option("--quiet", is_flag=True, help="Print data only: no progress, no remarks.")
@click.option(
    "--verbose",
    count=True,
    help="Say more, twice each track too; show a traceback with an error.",
)
@click.version_option(__version__, prog_name="artistindex")
@click.pass_context
def cli(ctx: click.Context, indexes: Path, quiet: bool, verbose: int) -> None:
    """Turn artists into vectors by how their music sounds, and find who sounds alike."""
    logs.set_up(quiet=quiet, verbosity=verbose)
    ctx.obj = State(indexes=indexes, quiet=quiet, verbose=verbose, pool=ctx.obj)


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and leave with its exit code; every error becomes one line."""
    for number in _INTERRUPTS:
        if signal.getsignal(number) is not signal.SIG_IGN:  # as `nohup` has it
            signal.signal(number, _interrupt)
    sys.stdout = sys.stdout or _nowhere()  # Python has none where it was started with it closed
    sys.stderr = sys.stderr or _nowhere()
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a name never fails for its letters
    code = run(sys.argv[1:] if arguments is None else arguments)
    _ignore_interrupts()  # all is said and done
    sys.exit(code)


def run(arguments: list[str], *, pool: "Pool | None" = None) -> int:
    """Run one command line in this process and return its exit code.

    `pool` embeds what a build has to, in place of worker processes of its own.
    """
    try:
        outcome: Any = cli.main(arguments, prog_name="artistindex", standalone_mode=False, obj=pool)
        sys.stdout.flush()
    except (BrokenPipeError, _Unread):  # the reader went away (`| head -1`): nobody is left to tell
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (click.Abort, KeyboardInterrupt):
        _complain("interrupted; what was finished is kept, the same command goes on from there")
        return _INTERRUPTED
    except click.exceptions.NoArgsIsHelpError as error:  # its message is the whole help
        click.echo(error.format_message(), err=True)
        return error.exit_code
    except click.ClickException as error:
        _complain(error.format_message())
        return error.exit_code
    except Exception as error:
        if "--verbose" in arguments:
            _show_traceback(error)
            return 1
        return _explain(error)
    return outcome if isinstance(outcome, int) else 0


def _explain(error: Exception) -> int:
    """Say in one line what went wrong, and return the exit code."""
    match error:
        case ArtistIndexError():
            _complain(line_for(error))
            return exit_codes.for_error(error)
        case OSError():
            _complain(": ".join(map(str, filter(None, (error.filename, error.strerror or error)))))
        case _:
            reason = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
            _complain(f"{reason} (unexpected; --verbose shows where)")
    return 1


def _show_traceback(error: Exception) -> None:
    """Print a traceback, its text from strangers escaped: an error may quote a name."""
    lines = "".join(traceback.format_exception(error)).split("\n")
    click.echo("\n".join(map(printable, lines)), err=True, nl=False)


def _interrupt(number: int, frame: FrameType | None) -> None:
    """Stop in order, as for Ctrl-C so for SIGTERM: no worker stays behind. Once is enough."""
    _ignore_interrupts()
    raise KeyboardInterrupt


def _ignore_interrupts() -> None:
    for number in _INTERRUPTS:
        signal.signal(number, signal.SIG_IGN)


def _nowhere() -> TextIO:
    return Path(os.devnull).open("w", encoding="utf-8")


def _complain(reason: str) -> None:
    click.echo(f"Error: {printable(' '.join(reason.split()))}", err=True)
