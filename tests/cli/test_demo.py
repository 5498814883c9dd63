import json
import os
import pty
import select
import subprocess
import sys
from pathlib import Path

import pytest

from artistindex.demo import collection
from artistindex.index.reader import ArtistIndex
from conftest import Run

FEW = tuple(
    collection.Act(act.name, act.style, act.album, act.titles[:2])
    for act in collection.ACTS
    if act.name in (*collection.TWINS, "The Paper Ferry")
)


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three artists with two tracks each: the demo in a few seconds."""
    monkeypatch.setattr(collection, "ACTS", FEW)


@pytest.mark.usefixtures("few")
def test_the_demo_shows_what_it_runs(run: Run, tmp_path: Path) -> None:
    out = tmp_path / "demo"
    code, out_text, err = run("demo", "--out", out)
    assert code == 0, err
    commands = [line for line in out_text.splitlines() if line.startswith("$ ")]
    head = f"$ artistindex --indexes {out}/indexes"
    assert commands == [
        f"{head} build --audio {out}/music --model musicnn",
        f"{head} query 'Pressure Ward' --k 3",
        f"{head} info",
    ]
    nearest = out_text.partition(" query ")[2].splitlines()[3]
    assert nearest.split()[:3] == ["1", "Iron", "Turnstile"]
    assert f"playing 6 tracks into {out}/music" in err
    assert len(list((out / "music").rglob("*.flac"))) == 6
    with ArtistIndex.open(out / "indexes/musicnn") as index:
        assert sorted(index.artists) == sorted(act.name for act in FEW)

    before = {path: path.stat().st_mtime_ns for path in out.rglob("*.flac")}
    code, again, err = run("demo", "--out", out)
    assert code == 0, err
    assert again == out_text
    assert "already, from an earlier demo" in err
    assert "nothing new to embed" in err
    assert before == {path: path.stat().st_mtime_ns for path in out.rglob("*.flac")}

    gone = next(iter(before))
    gone.unlink()
    code, _, err = run("--quiet", "demo", "--out", out)
    assert (code, err) == (0, "")
    assert gone.exists()


def test_bad_places(run: Run, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/song.mp3").write_text("mine")
    code, out_text, err = run("demo", "--out", tmp_path / "mine")
    assert (code, out_text) == (2, "")
    assert err.startswith("Error: ")
    assert err.count("\n") == 1
    code, out_text, err = run("demo", "--out", "/proc/demo")
    assert (code, out_text) == (1, "")
    assert "choose another with --out" in err


@pytest.mark.slow
def test_the_whole_demo_and_a_reader_that_leaves(tmp_path: Path) -> None:
    """As users run it: in full, into a pipe that closes early, in a narrow terminal."""
    command = [sys.executable, "-m", "artistindex", "demo", "--out", str(tmp_path / "demo")]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    assert result.stdout.count("$ artistindex") == 3
    assert "27 tracks embedded" in result.stderr
    program = f"{sys.executable} -m artistindex query 'Iron Turnstile' --format json"
    environment = {**os.environ, "ARTISTINDEX_INDEXES": str(tmp_path / "demo/indexes")}
    process = subprocess.run(program, shell=True, capture_output=True, text=True, env=environment)
    assert json.loads(process.stdout)["neighbours"][0]["artist"] == "Pressure Ward"

    piped = subprocess.run(
        f"set -o pipefail; {' '.join(command)} | head -1",
        shell=True,
        executable="/bin/bash",
        capture_output=True,
        text=True,
    )
    assert piped.returncode == 0
    assert piped.stdout.startswith("$ artistindex")
    assert "Traceback" not in piped.stderr
    assert "Error" not in piped.stderr

    screen = in_terminal(command, columns=40)
    assert "Traceback" not in screen
    assert "Turnstile" in screen


def in_terminal(command: list[str], *, columns: int) -> str:
    """What a command shows in a terminal of so many columns."""
    ours, theirs = pty.openpty()
    environment = {**os.environ, "COLUMNS": str(columns), "TERM": "xterm"}
    process = subprocess.Popen(command, stdout=theirs, stderr=theirs, env=environment)
    os.close(theirs)
    screen = b""
    while True:
        ready, _, _ = select.select([ours], [], [], 120)
        try:
            part = os.read(ours, 65_536) if ready else b""
        except OSError:  # the other end was closed
            break
        if not part:
            break
        screen += part
    os.close(ours)
    assert process.wait() == 0
    return screen.decode("utf-8", "replace")
