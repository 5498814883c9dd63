"""The global options stand anywhere in the line; a near miss is answered with the right word."""

from collections.abc import Callable
from pathlib import Path

import click
import pytest

from artistindex import cli
from artistindex.cli.options import State
from conftest import Run
from make_cli_docs import every_command

LEAVES = [
    (context.command_path.split()[1:], command)
    for command, context in every_command()
    if not isinstance(command, click.Group)
]
LINES = {
    "before": lambda words, options: [*options, *words],
    "after": lambda words, options: [*words, *options],
    "between": lambda words, options: [words[0], *options, *words[1:]],
    "apart": lambda words, options: [*options[:2], *words, *options[2:]],
}


@pytest.mark.parametrize("place", LINES)
@pytest.mark.parametrize(("words", "command"), LEAVES, ids=[" ".join(leaf[0]) for leaf in LEAVES])
def test_every_command_takes_the_global_options_anywhere(
    words: list[str],
    command: click.Command,
    place: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    states: list[State | None] = []

    def record(_: click.Command, context: click.Context) -> None:
        states.append(context.find_object(State))

    monkeypatch.setattr(click.Command, "invoke", _unless_group(record))
    required = ["x" for parameter in command.params if isinstance(parameter, click.Argument)]
    likes = ["--likes", "x"] if words == ["match"] else []
    truth = ["--truth", "x"] if words in (["evaluate"], ["compare"]) else []
    out = ["--out", "x"] if words == ["musicmap"] else []
    arguments = [*words, *likes, *truth, *out, *required]
    options = ["--indexes", str(tmp_path), "--quiet", "--verbose", "--verbose"]
    code = cli.run(LINES[place](arguments, options))
    assert (code, states[-1]) == (0, State(indexes=tmp_path, quiet=True, verbose=2))


def _unless_group(record: Callable[..., None]) -> Callable[..., None]:
    real = click.Command.invoke

    def invoke(self: click.Command, context: click.Context) -> None:
        if isinstance(self, click.Group):
            return real(self, context)
        return record(self, context)

    return invoke


def test_the_option_behind_the_command_goes_over_the_one_before(
    planted: Callable[..., Path], tmp_path: Path, run: Run
) -> None:
    planted(folder=tmp_path / "there")
    code, out, err = run("query", "Artist 1", "--indexes", tmp_path / "there", "--quiet")
    assert (code, err) == (0, "")
    assert "Artist" in out


@pytest.mark.parametrize(
    ("line", "right"),
    [
        ("--quite query x", "--quiet"),
        ("query x --quite", "--quiet"),
        ("--indexs d info", "--indexes"),
        ("info --indexs d", "--indexes"),
        ("models list --indexs d", "--indexes"),
        ("query x --formt json", "--format"),
        ("build x --modle musicnn", "--model"),
        ("buld x", "did you mean build?"),
        ("modles list", "did you mean models?"),
        ("models lst", "did you mean list?"),
    ],
)
def test_a_near_miss_is_answered_with_the_right_word(run: Run, line: str, right: str) -> None:
    code, out, err = run(*line.split())
    assert (code, out) == (2, "")
    (message,) = err.splitlines()
    assert message.startswith("Error: ")
    assert right in message


def test_a_word_near_nothing_is_answered_with_all_there_are(run: Run) -> None:
    code, _, err = run("xyzzy")
    assert code == 2
    assert "'xyzzy': there are alias, build, " in err


def test_a_name_after_two_dashes_is_no_option(planted: Callable[..., Path], run: Run) -> None:
    planted({"--quiet": [1, 0], "B": [0.9, 0.1], "C": [0, 1]})
    code, out, err = run("query", "--", "--quiet")
    assert (code, err) == (0, "")
    assert out.index("B") < out.index("C")
