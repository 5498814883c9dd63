"""Defaults from a TOML file whose keys are the options' names, with a table for each command.

    indexes = "~/music/indexes"

    [query]
    k = 5

What is given on the command line goes over the environment, and that over the file.
"""

import os
import tomllib
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import click

from artistindex.cli.groups import GLOBAL_OPTIONS
from artistindex.errors import Misuse

ENVIRONMENT = "ARTISTINDEX_CONFIG"


def file_path() -> Path:
    """Return where the file is looked for: $ARTISTINDEX_CONFIG, else the user's folder for them."""
    from platformdirs import user_config_path

    chosen = os.environ.get(ENVIRONMENT)
    return Path(chosen).expanduser() if chosen else user_config_path("artistindex") / "config.toml"


def read_settings(group: click.Group, context: click.Context) -> dict[str, Any]:
    """Return the file's defaults as click takes them; those of commands are still as written.

    Without a file there are none. Raises Misuse for a file that cannot be read, and for a key that
    is neither a global option nor a command.
    """
    path = file_path()
    if not os.path.isfile(path):  # false, too, where its folder may not be entered
        if os.environ.get(ENVIRONMENT):
            raise Misuse(f"{path}, which {ENVIRONMENT} names, is no file")
        return {}
    try:
        document = tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Misuse(f"{path} is no TOML: {error}") from error
    commands = group.list_commands(context)
    own = {key: value for key, value in document.items() if key not in commands}
    tables = {key: value for key, value in document.items() if key in commands}
    return _defaults(group, own, "", more_keys=commands) | tables


def defaults_of(command: click.Command, table: Any, name: str) -> dict[str, Any]:
    """Return the `table` of a command as click takes it: by parameter, each value checked.

    Raises Misuse for an unknown key and for a value that the option refuses.
    """
    if not isinstance(table, Mapping):
        raise Misuse(f"{file_path()}: {name} is a command: write a table, [{name}]")
    below = command.commands if isinstance(command, click.Group) else {}
    own = {key: value for key, value in table.items() if key not in below}
    defaults = _defaults(command, own, f"{name}.", more_keys=below)
    for key in table.keys() & below.keys():
        defaults[key] = defaults_of(below[key], table[key], f"{name}.{key}")
    return defaults


def options_of(command: click.Command, *, is_top: bool) -> dict[str, click.Option]:
    """Return the options that the file may set for `command`, by key."""
    return {
        max(parameter.opts, key=len).lstrip("-"): parameter
        for parameter in command.params
        if isinstance(parameter, click.Option)
        and parameter.name not in ("help", "version")
        and (is_top or parameter.name not in GLOBAL_OPTIONS)
    }


def _defaults(
    command: click.Command, table: Mapping[str, Any], prefix: str, *, more_keys: Iterable[str]
) -> dict[str, Any]:
    options = options_of(command, is_top=not prefix)
    defaults = {}
    for key, value in table.items():
        if key not in options:
            shown = [name for name, option in options.items() if not option.hidden]
            raise Misuse(_unknown(prefix, key, [*shown, *more_keys]))
        parameter = options[key]
        defaults[str(parameter.name)] = _checked(command, parameter, value, f"{prefix}{key}")
    return defaults


def _unknown(prefix: str, key: str, keys: list[str]) -> str:
    near = get_close_matches(key, keys, n=1)
    if near:
        hint = f"did you mean {prefix}{near[0]}?"
    elif prefix and key in GLOBAL_OPTIONS:
        hint = "it goes above all tables"
    else:
        hint = f"there are {', '.join(sorted(keys))}"
    return f"{file_path()}: unknown key {prefix}{key}: {hint}"


def _checked(command: click.Command, parameter: click.Option, value: Any, key: str) -> Any:
    """Return `value` as the option takes it, ~ replaced in paths; raises Misuse for a wrong one."""
    is_switch = parameter.is_flag and not parameter.count
    if isinstance(value, bool) != is_switch:
        expected = "true or false" if is_switch else "no true or false"
        raise Misuse(f"{file_path()}: {key}: expected {expected}")
    if isinstance(parameter.type, click.Path) and isinstance(value, str):
        value = os.path.expanduser(value)
    try:
        parameter.type_cast_value(click.Context(command), value)
    except (click.BadParameter, TypeError) as error:
        reason = error.message if isinstance(error, click.BadParameter) else str(error)
        raise Misuse(f"{file_path()}: {key}: {reason}") from error
    return value
