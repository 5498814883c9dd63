"""What every command has in common: one line for an error, pipes, terminals, letters."""

import json
import logging
import os
import pty
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from artistindex import __version__, cli
from artistindex.naming import UNPRINTABLE, printable

pytestmark = pytest.mark.process

Plant = Callable[..., Path]
COMMAND = (sys.executable, "-m", "artistindex")


def start(folder: Path, *arguments: str, **more: Any) -> subprocess.Popen[bytes]:
    command = [*COMMAND, "--indexes", str(folder.parent), *arguments]
    more = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **more}
    environment = os.environ | more.pop("env", {})
    return cast("subprocess.Popen[bytes]", subprocess.Popen(command, env=environment, **more))


def test_the_version(run: Any) -> None:
    assert run("--version") == (0, f"artistindex, version {__version__}\n", "")


@pytest.mark.parametrize("arguments", [[], ["models"]])
def test_nothing_said_is_answered_with_help(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run(arguments) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.startswith("Usage: artistindex ")
    assert len(output.err.splitlines()) > 10


@pytest.mark.parametrize("arguments", [("nonsense",), ("--nonsense",), ("query", "--nonsense")])
def test_misuse_is_one_line(run: Any, arguments: tuple[str, ...]) -> None:
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    (line,) = err.splitlines()
    assert line.startswith("Error: ")
    assert "onsense" in line


@pytest.mark.parametrize("arguments", [("--help",), ("--version",), ("query", "--help"), ("info",)])
def test_a_reader_who_is_gone_is_no_error(planted: Plant, arguments: tuple[str, ...]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with start(planted(), *arguments, stdout=writing) as process:
        os.close(writing)
        _, err = process.communicate(timeout=60)
    assert (process.returncode, err.count(b"Traceback")) == (0, 0)


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-"])
def test_a_closed_stream_is_written_to_in_vain(planted: Plant, closed: str) -> None:
    folder = planted()
    for arguments in ("info", "query 'Artist 3'", "models list", "--help"):
        line = f'"$0" -m artistindex --indexes "$1" {arguments} {closed}'
        result = subprocess.run(
            ["sh", "-c", line, sys.executable, str(folder.parent)],
            capture_output=True,
            timeout=60,
            check=False,
        )
        assert (result.returncode, b"Error" in result.stderr) == (0, False), (
            arguments,
            result.stderr,
        )


def test_a_traceback_is_for_verbose_only(planted: Plant) -> None:
    folder = planted()
    with start(folder, "query", "Nobody") as process:
        _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert err.startswith(b"Error: no artist 'Nobody'")
    assert len(err.splitlines()) == 1
    command = [*COMMAND, "--verbose", "--indexes", str(folder.parent), "query", "Nobody"]
    result = subprocess.run(command, capture_output=True, timeout=60, check=False)
    assert result.returncode == 1
    assert b"Traceback" in result.stderr


def test_a_traceback_never_obeys_what_it_quotes(
    planted: Plant, run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    planted()

    def fail(*_: object, **__: object) -> None:
        raise ValueError("\x1b]0;owned\x07 \u202egnp.exe \x9b31m")

    monkeypatch.setattr("artistindex.cli.query.emit", fail)
    code, out, err = run("--verbose", "query", "Artist 1")
    assert (code, out) == (1, "")
    assert err.startswith("Traceback (most recent call last):\n")
    assert err.endswith("ValueError: \\x1b]0;owned\\x07 \\u202egnp.exe \\x9b31m\n")
    assert not UNPRINTABLE.search(err.replace("\n", ""))


def test_what_other_libraries_log_is_escaped_too(
    planted: Plant, run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    planted()
    monkeypatch.setattr(logging.getLogger(), "handlers", [])  # those of pytest
    monkeypatch.setattr(
        "artistindex.cli.query.emit",
        lambda *_, **__: logging.getLogger("a_library").warning("retrying %s", "\x1b[2J"),
    )
    for quiet, expected in (("--quiet", ""), ("--verbose", "retrying \\x1b[2J\n")):
        assert run(quiet, "query", "Artist 1") == (0, "", expected)


def test_what_nobody_foresaw_is_one_line(
    planted: Plant, run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    planted()
    monkeypatch.setattr("artistindex.cli.query.emit", lambda *_, **__: 1 / 0)
    code, out, err = run("query", "Artist 1")
    assert (code, out) == (1, "")
    assert err == "Error: ZeroDivisionError: division by zero (unexpected; --verbose shows where)\n"


@pytest.mark.parametrize("form", ["table", "json", "csv"])
def test_a_reader_that_goes_away_is_no_error(planted: Plant, form: str) -> None:
    folder = planted(count=2000)
    with start(folder, "query", "Artist 1", "--k", "1999", "--format", form) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline()
        process.stdout.close()
        err = process.stderr.read()
        assert (process.wait(60), err) == (0, b"")


def test_a_full_output_is_one_line(planted: Plant) -> None:
    folder = planted()
    if not Path("/dev/full").exists():
        pytest.skip("needs /dev/full")
    with (
        open("/dev/full", "wb") as full,
        start(folder, "query", "Artist 1", stdout=full) as process,
    ):
        _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert err == b"Error: No space left on device\n"


def test_letters_that_the_terminal_lacks_are_escaped(planted: Plant) -> None:
    folder = planted(dict(zip(("Sigur Rós", "ハハ"), np.eye(2, dtype=np.float32), strict=True)))
    western = {"PYTHONIOENCODING": "latin-1"}
    for form in ("table", "json", "csv"):
        with start(folder, "query", "Sigur Ros", "--format", form, env=western) as process:
            out, err = process.communicate(timeout=60)
        assert process.returncode == 0, err
        assert b"\\u30cf\\u30cf" in out
        assert form != "json" or b"Sigur R\xf3s" in out


def test_a_file_is_never_wrapped_and_a_narrow_terminal_never_overrun(planted: Plant) -> None:
    long = "A name of many words " * 10
    folder = planted(dict(zip((long, "B", "C"), np.eye(3), strict=True)))
    with start(folder, "query", "B", env={"COLUMNS": "40"}) as process:
        out, _ = process.communicate(timeout=60)
    assert long.strip() in out.decode()
    main, side = pty.openpty()
    with start(
        folder, "query", "B", stdout=side, env={"COLUMNS": "40", "TERM": "xterm"}
    ) as process:
        process.communicate(timeout=60)
    os.close(side)
    screen = b""
    try:
        while chunk := os.read(main, 65536):
            screen += chunk
    except OSError:  # what Linux says at the end
        pass
    os.close(main)
    plain = re.sub(r"\x1b\[[0-9;]*m|\r", "", screen.decode())
    lines = plain.splitlines()
    assert max(map(len, lines)) <= 40
    assert "".join(lines).count("many") + "".join(lines).count("words") > 10


def test_printable() -> None:
    assert printable("a\x1b[31mb\nc\x00\x7f\x9b\u202e\udcff") == (
        "a\\x1b[31mb\\nc\\x00\\x7f\\x9b\\u202e\\udcff"
    )
    for plain in ("Sigur Rós", "שלום", "ハハ", "👩‍👩‍👧", "C:\\new"):
        assert printable(plain) == plain


def test_json_escapes_what_a_terminal_must_not_see(capsys: pytest.CaptureFixture[str]) -> None:
    from artistindex.cli.output import emit_json

    name = "a\x9b\u202e\udcff\x7fשלום"
    emit_json({"name": name})
    out = capsys.readouterr().out
    assert out == '{\n  "name": "a\\u009b\\u202e\\udcff\\u007fשלום"\n}\n'
    assert json.loads(out)["name"] == name
