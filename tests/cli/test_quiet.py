"""`--quiet` prints data only, whatever the command; CSV is what a spreadsheet can open."""

import csv
import io
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import click
import pytest
from pytest_httpserver import HTTPServer

import sounds
from artistindex.cli import cli
from artistindex.demo import collection
from artistindex.embedding.registry import MODELS
from conftest import Run
from truths import write_truth

LISTS = {f"Artist {at}": [f"Artist {(at + step) % 20}" for step in (1, 2, 3)] for at in range(20)}
ODD = {"=1+1": [1, 0], "@cmd": [0.9, 0.1], 'Say "so", 東京': [0, 1], "-M-": [0.1, 0.9]}


@pytest.fixture
def commands(
    run: Run,
    planted: Callable[..., Path],
    tmp_path: Path,
    httpserver: HTTPServer,
    monkeypatch: pytest.MonkeyPatch,
) -> dict[str, tuple[object, ...]]:
    """Every command with arguments that make it do its work, in an order in which they can run."""
    for seed, model in enumerate(("vggish", "musicnn")):
        planted(model=model, seed=seed, dimension=MODELS[model].dimension)
    monkeypatch.setenv("ARTISTINDEX_MUSICMAP_URL", httpserver.url_for("/"))
    page = "<a href=x class=S id=s0>Rezz</a><a href=y class=S id=s1>Justice</a>"
    httpserver.expect_request("/rezz").respond_with_data(page)
    monkeypatch.setattr(collection, "ACTS", collection.ACTS[:2])
    music = tmp_path / "music"
    music.mkdir()
    for number in range(4):
        name = music / f"Artist {number // 2} - Song {number}.wav"
        sounds.write(name, sounds.music(4, seed=number))
    truth = write_truth(tmp_path / "truth.json", LISTS)
    (tmp_path / "names").write_text("Artist 1\nArtist 2\nNobody\n")
    pack = tmp_path / "pack.zip"
    return {
        "query": ("query", "Artist 1"),
        "match": ("match", tmp_path / "names", "--likes", tmp_path / "names"),
        "evaluate": ("evaluate", "--truth", truth),
        "compare": ("compare", "vggish", "musicnn", "--truth", truth),
        "musicmap": ("musicmap", "Rezz", "--out", tmp_path / "lists.json"),
        "models": ("models", "list"),
        "export": ("export", pack),
        "import": ("--indexes", tmp_path / "there", "import", pack),
        "build": (
            *("--indexes", tmp_path / "built", "build", "--audio", music),
            *("--model", "musicnn", "--engine", "openvino", "--workers", 1),
        ),
        "failures": ("--indexes", tmp_path / "built", "failures"),
        "info": ("--indexes", tmp_path / "built", "info"),
        "tune": ("--indexes", tmp_path / "built", "tune", "musicnn"),
        "ls": ("--indexes", tmp_path / "built", "ls"),
        "config": ("config", "show", "query"),
        "page": ("--indexes", tmp_path / "built", "page", "--out", tmp_path / "page.html"),
        "push": ("--indexes", tmp_path / "built", "push", f"milvus:{tmp_path / 'music.db'}"),
        "path": ("path", "Artist 1", "Artist 2"),
        "alias": ("--indexes", tmp_path / "built", "alias", "Artist 0", "Artist 1"),
        "ignore": ("--indexes", tmp_path / "built", "ignore", "Artist 1"),
        "ids": ("--indexes", tmp_path / "built", "ids", "Artist 0", "deezer:27"),
        "forget": ("--indexes", tmp_path / "built", "forget", "Artist 1"),
        "doctor": ("doctor", "--offline"),
        "demo": ("demo", "--out", tmp_path / "demo"),
    }


_UNTIL_STOPPED = {"serve", "worker"}  # tested where they are started


def test_quiet_commands_print_data_only(run: Run, commands: dict[str, tuple[object, ...]]) -> None:
    assert set(commands) == set(cli.list_commands(click.Context(cli))) - _UNTIL_STOPPED, (
        "a new command belongs here too"
    )
    for name, arguments in commands.items():
        go = _in_a_process(run) if name == "push" else run
        code, out, err = go("--quiet", *arguments)
        assert (code, err) == (0, ""), name
        assert bool(out) == (name not in (*SILENT, "failures")), name
        if name not in (*SILENT, "demo"):
            code, out, err = go("--quiet", *arguments, "--format", "json", *_again(name))
            assert (code, err) == (0, ""), name
            json.loads(out)


def _in_a_process(run: Run) -> Callable[..., tuple[int, str, str]]:
    """Milvus, started after Essentia, closes what pytest has put in the place of standard error."""

    def go(*arguments: object) -> tuple[int, str, str]:
        command = [sys.executable, "-m", "artistindex", "--indexes", str(run.indexes)]
        done = subprocess.run([*command, *map(str, arguments)], capture_output=True, text=True)
        return done.returncode, done.stdout, done.stderr

    return go


SILENT = ("export", "forget", "alias", "ignore", "ids", "page")


def _again(name: str) -> tuple[str, ...]:
    return ("--retry-failed",) if name == "musicmap" else ()


def test_csv_is_read_back_as_it_was_and_runs_no_formula(
    run: Run, planted: Callable[..., Path]
) -> None:
    planted(ODD)
    code, out, _ = run("query", "=1+1", "--format", "csv")
    assert code == 0
    assert "\r\n" in out
    assert not out.startswith("\ufeff"), "a mark would be part of the first column's name"
    rows = list(csv.DictReader(io.StringIO(out)))
    assert [row["artist"] for row in rows] == ["'@cmd", "'-M-", 'Say "so", 東京']
    assert float(rows[0]["score"]) == pytest.approx(0.994, abs=1e-3)
