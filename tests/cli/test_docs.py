"""Every command explains itself, docs/cli.md says the same, and shells can complete it."""

import os
import subprocess
import sys
from typing import Any

import click
import pytest

from make_cli_docs import PAGE, every_command, page

ALL = [(context.command_path, command) for command, context in every_command()]


@pytest.mark.parametrize(("path", "command"), ALL, ids=[path for path, _ in ALL])
def test_every_command_and_option_has_help(path: str, command: click.Command) -> None:
    assert command.help
    assert len(command.help.splitlines()[0]) > 20
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert parameter.help, f"{path} {parameter.opts[0]}"


@pytest.mark.parametrize(("path", "command"), ALL, ids=[path for path, _ in ALL])
def test_help_is_shown(path: str, command: click.Command, run: Any) -> None:
    code, out, err = run(*path.split()[1:], "--help")
    assert (code, err) == (0, "")
    assert out.startswith(f"Usage: {path} ")


def test_the_page_is_current() -> None:
    current = PAGE.read_text("utf-8")
    assert current == page(), "run `python scripts/make_cli_docs.py`"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("artistindex que", ["plain,query"]),
        ("artistindex query --form", ["plain,--format"]),
        ("artistindex ls --format ", ["plain,table", "plain,json", "plain,csv"]),
        ("artistindex query --format j", ["plain,json", "plain,jspf"]),
        ("artistindex models a", ["plain,add"]),
    ],
)
def test_bash_completes(words: str, expected: list[str]) -> None:
    typed = words.split(" ")
    result = subprocess.run(
        [sys.executable, "-m", "artistindex"],
        env=os.environ
        | {
            "_ARTISTINDEX_COMPLETE": "bash_complete",
            "COMP_WORDS": words,
            "COMP_CWORD": str(len(typed) - 1),
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert result.stdout.splitlines() == expected, result.stderr
