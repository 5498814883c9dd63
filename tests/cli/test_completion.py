"""Shells are offered models, indexes and artists' names, and never an error."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from artistindex.cli import cli
from artistindex.entities import Artist
from artistindex.library.library import FILE_NAME, Library

Plant = Callable[..., Path]
NAMES = ("Artist 1", "Artist's 2", "Björk", "AC/DC", "-M-", "od\x1bd")


@pytest.fixture
def folder(planted: Plant) -> Path:
    vectors = np.eye(len(NAMES), dtype=np.float32)
    return planted(dict(zip(NAMES, vectors, strict=True)), model="vggish").parent


def offered(
    monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes], *words: str
) -> list[str]:
    """What zsh, which quotes by itself, is offered for the last of `words`."""
    monkeypatch.setenv("COMP_WORDS", " ".join(words))
    monkeypatch.setenv("COMP_CWORD", str(len(words) - 1))
    monkeypatch.setenv("_ARTISTINDEX_COMPLETE", "zsh_complete")
    capsysbinary.readouterr()
    with pytest.raises(SystemExit):
        cli.main([], prog_name="artistindex")
    out, err = capsysbinary.readouterr()
    assert err == b""
    return out.decode().split("\n")[1:-1:3]


@pytest.mark.parametrize("words", ["query", "query --minus", "ls", "forget", "path", "alias"])
def test_artists_are_offered(
    folder: Path,
    words: str,
    monkeypatch: pytest.MonkeyPatch,
    capsysbinary: pytest.CaptureFixture[bytes],
) -> None:
    before = ["artistindex", "--indexes", str(folder), *words.split()]
    assert offered(monkeypatch, capsysbinary, *before, "art") == ["Artist 1", "Artist's 2"]
    after = ["artistindex", *words.split()[:1], "--indexes", str(folder), *words.split()[1:]]
    assert offered(monkeypatch, capsysbinary, *after, "BJ") == ["Björk"]
    assert offered(monkeypatch, capsysbinary, *after, "") == list(NAMES[:4])


def test_indexes_and_models_are_offered(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    start = ["artistindex", "--indexes", str(folder)]
    assert offered(monkeypatch, capsysbinary, *start, "query", "--index", "") == ["vggish"]
    assert offered(monkeypatch, capsysbinary, *start, "compare", "v") == ["vggish"]
    assert offered(monkeypatch, capsysbinary, *start, "models", "fetch", "mus") == ["musicnn"]
    assert offered(monkeypatch, capsysbinary, *start, "build", "--model", "vgg") == ["vggish"]


def test_a_library_without_an_index_offers_its_artists(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    with Library.open(tmp_path / FILE_NAME) as library:
        library.resolve_request("Rezz", Artist("Rezz", {"deezer": "1"}), [])
    words = ("artistindex", "--indexes", str(tmp_path), "ls", "")
    assert offered(monkeypatch, capsysbinary, *words) == ["Rezz"]


def test_nothing_there_offers_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    words = ("artistindex", "--indexes", str(tmp_path / "no"), "query", "")
    assert offered(monkeypatch, capsysbinary, *words) == []
    (tmp_path / "settings.toml").write_text("[broken")
    monkeypatch.setenv("ARTISTINDEX_CONFIG", str(tmp_path / "settings.toml"))
    assert offered(monkeypatch, capsysbinary, *words) == []


_TRY = """
eval "$(_ARTISTINDEX_COMPLETE=bash_source artistindex)"
COMP_WORDS=(artistindex query --indexes "$1" "$2"); COMP_CWORD=4
_artistindex_completion artistindex
printf '%s\\n' "${COMPREPLY[@]}"
"""


@pytest.mark.parametrize(
    ("typed", "expected"),
    [("art", ["Artist\\ 1", "Artist\\'s\\ 2"]), ('"Art', ["Artist 1", "Artist's 2"])],
)
def test_bash_takes_a_name_for_one_word(folder: Path, typed: str, expected: list[str]) -> None:
    if shutil.which("bash") is None:
        pytest.skip("needs bash")
    programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", _TRY, "bash", folder, typed],
        env=os.environ | {"PATH": programs},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout.splitlines() == expected, done.stderr
