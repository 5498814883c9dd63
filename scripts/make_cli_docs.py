"""Writes docs/cli.md from the commands' own help: `python scripts/make_cli_docs.py`."""

from collections.abc import Iterator
from pathlib import Path

import click

from artistindex.cli import cli

PAGE = Path(__file__).resolve().parents[1] / "docs" / "cli.md"
WIDTH = 90
HEADER = """\
# The command line

Made from `--help` by `python scripts/make_cli_docs.py`; edit the commands, not this page.

Data goes to standard output, progress and messages to standard error. Every command that lists
takes `--format table|json|csv`. In tables and CSV control characters are shown escaped, and a CSV
cell that a spreadsheet would run as a formula begins with an apostrophe. The global options
`--indexes DIR`, `--quiet` and `--verbose` may stand anywhere in the line.

On a terminal a table fits the screen: columns of lesser use are left out, which `…` says, paths are
relative and cut in the middle. A file or a pipe gets everything.

| exit code | means |
|---|---|
| 0 | done; single tracks may have failed, and are listed by `artistindex failures` |
| 1 | failed, or every artist failed |
| 2 | misused: one `Error:` line says how |
| 3 | finished, but some artists failed |
| 130 | interrupted; what was finished is kept |

A name that begins with a dash goes after `--`: `artistindex query -- -k`.

## A file of settings

Defaults of one's own stand in a TOML file: `config.toml` in the user's folder for settings
(`~/.config/artistindex` on Linux, `~/Library/Application Support/artistindex` on macOS), or the
file that `ARTISTINDEX_CONFIG` names. Its keys are the names of options; those of a command stand in
its table:

```toml
indexes = "~/music/indexes"

[build]
audio = "~/Music"
model = ["musicnn"]  # an option that may be given several times takes a list

[query]
k = 5

[models.list]
format = "json"
```

A flag goes over the environment, and that over the file. An unknown key is an error that names the
nearest known one. `artistindex config show` says every setting and where it comes from.

## Shell completion

Commands, options, models, indexes and artists' names are completed by the shell once it has been
told how:

```sh
# bash 4.4 or newer, in ~/.bashrc
eval "$(_ARTISTINDEX_COMPLETE=bash_source artistindex)"
# zsh, in ~/.zshrc
eval "$(_ARTISTINDEX_COMPLETE=zsh_source artistindex)"
# fish, once
_ARTISTINDEX_COMPLETE=fish_source artistindex > ~/.config/fish/completions/artistindex.fish
```
"""


def commands(
    command: click.Command, context: click.Context
) -> Iterator[tuple[click.Command, click.Context]]:
    """`command` and all below it, each with the context that names it."""
    yield command, context
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            if below is not None and not below.hidden:
                yield from commands(below, click.Context(below, info_name=name, parent=context))


def every_command() -> Iterator[tuple[click.Command, click.Context]]:
    """The command line itself and all of its commands."""
    context = click.Context(
        cli, info_name="artistindex", terminal_width=WIDTH, **cli.context_settings
    )
    return commands(cli, context)


def page() -> str:
    """The whole of docs/cli.md."""
    parts = [HEADER]
    for command, context in every_command():
        parts.append(f"## {context.command_path}\n\n```text\n{command.get_help(context)}\n```\n")
    return "\n".join(parts)


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
