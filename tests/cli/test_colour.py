"""Nothing is said by colour alone, and NO_COLOR (https://no-color.org) is obeyed."""

import io
import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from artistindex import cli
from artistindex.cli.display import Display

_STYLES = re.compile(r"\x1b\[([0-9;]*)m")
_CONTROLS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def on_a_terminal(indexes: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, str]:
    """What a few commands and a bar print on a terminal, to standard output and to error."""
    out, err = Terminal(), Terminal()
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(sys, "stderr", err)
    monkeypatch.setenv("COLUMNS", "80")
    for line in (["info"], ["models", "list"], ["query", "Artist 1"], ["query", "Nobody"]):
        cli.run(["--indexes", str(indexes), *line])
    with Display(quiet=False) as display:
        display.activity("scanning")
        display.planned(3)
        display.finished("A - B", audio_seconds=1.0, failed=False)
        display.finished("A - C", audio_seconds=1.0, failed=True)
    return out.getvalue(), err.getvalue()


def colours(text: str) -> set[int]:
    """The codes of colours, not those of bold or reset, in what was printed."""
    codes = {int(code) for style in _STYLES.findall(text) for code in style.split(";") if code}
    return {code for code in codes if 30 <= code <= 49 or 90 <= code <= 107}


def test_no_color_is_obeyed(planted: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLORTERM", "truecolor")
    monkeypatch.setenv("NO_COLOR", "1")
    out, err = on_a_terminal(planted().parent, monkeypatch)
    assert "Artist 2" in out
    assert "2/3" in err
    assert not colours(out + err)


def test_nothing_is_said_by_colour_alone(
    planted: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    indexes = planted().parent
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLORTERM", "truecolor")
    styled, bar = on_a_terminal(indexes, monkeypatch)
    assert colours(bar), "a bar of one colour would make this test empty"
    monkeypatch.setenv("TERM", "dumb")
    plain, _ = on_a_terminal(indexes, monkeypatch)
    assert _CONTROLS.sub("", styled) == plain
    assert not _CONTROLS.search(plain)
