"""`artistindex config`: which settings are in force, and where each comes from."""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import click
from click.core import ParameterSource

from artistindex._util.dirs import cache_folder, models_folder
from artistindex.cli import settings
from artistindex.cli.groups import GLOBAL_OPTIONS, SuggestingGroup
from artistindex.cli.options import State, format_option, pass_state
from artistindex.cli.output import emit, message

_COLUMNS = ("setting", "value", "from")
_DEFAULT_IN_HELP = re.compile(r"\[default: (.*)\]", re.DOTALL)


@click.group(name="config", cls=SuggestingGroup)
def command() -> None:
    """Say what is set: by a flag, the environment, the file of settings, or by default.

    The file is TOML in the user's folder for settings, or what ARTISTINDEX_CONFIG names. Its keys
    are the names of options, as in `indexes = "~/indexes"`; those of a command stand in its table,
    as `k = 5` below `[query]`. A flag goes over the environment, and that over the file.
    """


@command.command()
@click.argument("name", metavar="[COMMAND]", required=False)
@format_option
@click.pass_context
@pass_state
def show(state: State, context: click.Context, name: str | None, output_format: str) -> None:
    """Show every setting, or those of COMMAND, and where each comes from."""
    root = context.find_root()
    program = cast(click.Group, root.command)
    rows = [*_global_rows(state, context), *_environment_rows()]
    names = program.list_commands(root)
    if name is not None:
        if name not in names:
            raise click.UsageError(f"no command {name!r}: there are {', '.join(names)}")
        rows, names = [], [name]
    for each in names:
        below = cast(click.Command, program.get_command(root, each))
        table = (root.default_map or {}).get(each, {})
        if each != "config":  # its own are translated: it is what runs
            table = settings.defaults_of(below, table, each)
        rows += _command_rows(below, table, each)
    shown = rows if output_format == "json" else [_in_words(row) for row in rows]
    emit(shown, _COLUMNS, output_format, payload=[_plain(row) for row in rows])
    is_there = settings.file_path().is_file()
    verb = "settings are read from" if is_there else "settings would be read from"
    message(f"{verb} {settings.file_path()}", quiet=state.quiet)


def _global_rows(state: State, context: click.Context) -> Iterator[dict[str, Any]]:
    root = context.find_root()
    for option in root.command.params:
        if option.name in GLOBAL_OPTIONS:
            source = root.get_parameter_source(option.name)
            here: click.Context | None = context
            while here is not None:
                if here.get_parameter_source(option.name) is ParameterSource.COMMANDLINE:
                    source = ParameterSource.COMMANDLINE
                here = here.parent
            value = getattr(state, option.name)
            yield _row(option.name, value, _words_for(source, option))


def _words_for(source: ParameterSource | None, option: click.Parameter) -> str:
    match source:
        case ParameterSource.COMMANDLINE:
            return "command line"
        case ParameterSource.ENVIRONMENT:
            return str(option.envvar)
        case ParameterSource.DEFAULT_MAP:
            return str(settings.file_path())
        case _:
            return "default"


def _environment_rows() -> Iterator[dict[str, Any]]:
    """The settings that only the environment has."""
    in_force = {
        "ARTISTINDEX_CACHE": cache_folder(),
        "ARTISTINDEX_MODELS": models_folder(),
        settings.ENVIRONMENT: settings.file_path(),
    }
    more = {name for name in os.environ if name.startswith("ARTISTINDEX_")}
    for name in sorted(in_force.keys() | more - {"ARTISTINDEX_INDEXES"}):
        is_set = bool(os.environ.get(name))
        value = in_force.get(name) or os.environ.get(name)
        yield _row(name, value, "environment" if is_set else "default")


def _command_rows(
    command: click.Command, table: dict[str, Any], name: str
) -> Iterator[dict[str, Any]]:
    for key, option in settings.options_of(command, is_top=False).items():
        if option.hidden and option.name not in table:
            continue
        if option.name in table:
            yield _row(f"{name}.{key}", table[option.name], str(settings.file_path()))
        else:
            words = _DEFAULT_IN_HELP.search(option.help or "")
            default = option.to_info_dict()["default"]
            yield _row(f"{name}.{key}", default, "default", words[1] if words else None)
    if isinstance(command, click.Group):
        for below_name, below in command.commands.items():
            yield from _command_rows(below, table.get(below_name, {}), f"{name}.{below_name}")


def _row(setting: str, value: Any, source: str, words: str | None = None) -> dict[str, Any]:
    return {"setting": setting, "value": value, "from": source, "default": words}


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    """The row as JSON has it; `default` says in words what is done where the value is null."""
    value = row["value"]
    return row | {"value": str(value) if isinstance(value, Path) else value}


def _in_words(row: dict[str, Any]) -> dict[str, Any]:
    """The row with a text for each value."""
    value = row["value"]
    if value in (None, (), []):
        value = row["default"]
    elif isinstance(value, bool):
        value = "yes" if value else "no"
    elif isinstance(value, list | tuple):
        value = ", ".join(map(str, value))
    return row | {"value": None if value is None else str(value)}
