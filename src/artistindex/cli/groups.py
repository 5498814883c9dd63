"""Commands that take the global options wherever they stand, and groups that know near misses."""

from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import click

from artistindex.cli import logs
from artistindex.cli.options import State

GLOBAL_OPTIONS = ("indexes", "quiet", "verbose")


class SuggestingGroup(click.Group):
    """Names the nearest command where there is none of the name given."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        commands = self.list_commands(ctx)
        if name in commands or name.startswith("-") or ctx.resilient_parsing:
            return super().resolve_command(ctx, args)
        near = get_close_matches(name, commands, n=1)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(commands)}"
        raise click.UsageError(f"no command {name!r}: {hint}", ctx)


def accept_global_options(command: click.Command) -> click.Command:
    """Let `command`, and all below it, take the global options too; returns it."""
    own = {parameter.name for parameter in command.params}
    command.params.extend(option for option in _options() if option.name not in own)
    if isinstance(command, click.Group):
        for below in command.commands.values():
            accept_global_options(below)
    return command


def _options() -> list[click.Option]:
    """Return the global options as a command takes them: what it says goes over the state."""
    return [
        click.Option(
            ["--indexes"],
            type=click.Path(path_type=Path, file_okay=False),
            expose_value=False,
            callback=_overrule,
            help="The folder of the library and its indexes.",
        ),
        click.Option(
            ["--quiet"],
            is_flag=True,
            expose_value=False,
            callback=_overrule,
            help="Print data only: no progress, no remarks.",
        ),
        click.Option(
            ["--verbose"],
            count=True,
            expose_value=False,
            callback=_overrule,
            help="Say more; show a traceback with an error.",
        ),
    ]


def _overrule(ctx: click.Context, parameter: click.Parameter, value: Any) -> None:
    if value and ctx.resilient_parsing:  # a shell asks for completions: nothing runs
        ctx.find_root().params[str(parameter.name)] = value
    state = ctx.find_object(State)
    if not value or state is None or parameter.name is None:
        return
    if parameter.name == "verbose":
        value += state.verbose
    ctx.obj = state = replace(state, **{parameter.name: value})
    logs.set_up(quiet=state.quiet, verbosity=state.verbose)
