"""What a long run shows: a bar that keeps its room, or a line now and then; and what it logs."""

import io
import time
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from artistindex.cli import output
from artistindex.cli.display import Display
from builds import InProcessPool, write_music

BUILD = ("build", "--model", "musicnn", "--engine", "openvino")


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_line_says_how_far_the_run_is() -> None:
    clock = Clock()
    with Display(quiet=True, clock=clock) as display:
        display.activity("scanning music: 900 files")
        assert display._line() == "scanning music: 900 files"
        display.planned(100)
        for number in range(8):
            clock.now += 4
            display.finished(f"{number}.mp3", audio_seconds=200, failed=False)
        assert display._line() == "8 of 100 tracks, 50 s of audio a second, 6 min left"


def test_a_log_gets_a_line_every_interval_while_nothing_is_heard_of_the_run(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with Display(quiet=False, interval=0.02) as display:
        display.activity("scanning music")
        time.sleep(0.2)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) >= 2
    assert set(lines) <= {"starting", "scanning music"}
    time.sleep(0.05)
    assert capsys.readouterr().err == ""


def test_a_short_run_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with Display(quiet=False) as display:
        display.activity("scanning music")
    assert capsys.readouterr().err == ""


def test_quiet_is_quiet(capsys: pytest.CaptureFixture[str]) -> None:
    with Display(quiet=True, interval=0.001) as display:
        display.activity("scanning music")
        time.sleep(0.02)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_the_bar_keeps_its_room_and_names_are_cut(
    width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    screen = io.StringIO()
    terminal = Console(file=screen, force_terminal=True, width=width, color_system=None)
    monkeypatch.setattr(output, "console", lambda *, stderr: terminal)
    with Display(quiet=False) as display:
        display.planned(1234)
        display.finished(
            "/music/" + "a very long name \x1b[31m" * 20, audio_seconds=9, failed=False
        )
        display._progress.refresh()
        output.message("a remark \x1b]0;gone\x07 beside the bar")
    text = screen.getvalue()
    assert "1/1234" in text
    assert "…" in text
    assert "a remark \\x1b]0;gone\\x07 beside" in text.replace("\n", "")
    assert "\x1b[31m" not in text


def test_downloads_are_shown_in_megabytes() -> None:
    with Display(quiet=True) as display:
        display.downloaded("vggish", 12_000_000, 288_000_000)
        assert display._line() == "downloading vggish, 12 MB of 288"


def test_verbose_logs_steps_and_twice_tracks(run: Any, tmp_path: Path) -> None:
    run.pool = InProcessPool()
    music = tmp_path / "music"
    write_music(music, {"Rezz\u202e\x1b": 1}, seconds=3.2)
    code, _, plain = run(*BUILD, "--audio", music)
    assert code == 0
    assert "scanning" not in plain
    run.indexes = tmp_path / "again"
    code, _, steps = run("--verbose", *BUILD, "--audio", music)
    assert code == 0
    assert f"scanning {music}" in steps
    assert "000.wav" not in steps
    run.indexes = tmp_path / "and-again"
    code, _, tracks = run("--verbose", "--verbose", *BUILD, "--audio", music)
    assert f"embedded {music}/000.wav" in tracks
    for text in (plain, steps, tracks):
        assert not {"\x1b", "\u202e"} & set(text)
