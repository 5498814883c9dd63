"""Tables fit the terminal: lesser columns go first, no word or number breaks, paths are cut."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from artistindex import cli
from artistindex.cli.tables import table_of
from artistindex.entities import Artist, Failure, Track
from artistindex.library.library import FILE_NAME, Library

WIDTHS = (60, 80, 120)
WORDS = st.text("abcdefghij", min_size=1, max_size=9)
TEXTS = st.lists(WORDS, min_size=1, max_size=12).map(" ".join)


def table_lines(rows: list[dict[str, Any]], titles: list[str], width: int) -> list[str]:
    screen = Console(width=width, highlight=False, color_system=None)
    with screen.capture() as text:
        screen.print(table_of(rows, titles, width))
    return text.get().splitlines()


@given(
    st.lists(
        st.fixed_dictionaries(
            {"artist": TEXTS, "score": st.floats(0, 1), "tracks": st.integers(0, 99), "ids": TEXTS}
        ),
        min_size=1,
        max_size=5,
    ),
    st.integers(40, 130),
)
def test_no_line_is_too_long_and_no_word_or_number_breaks(
    rows: list[dict[str, Any]], width: int
) -> None:
    lines = table_lines(rows, ["artist", "score", "tracks", "ids"], width)
    assert max(map(cell_len, lines)) <= width
    words = " ".join(lines).split()
    for row in rows:
        assert set(row["artist"].split()) <= set(words)
        assert f"{row['score']:.3f}" in words


def test_lesser_columns_go_first_and_an_ellipsis_stands_for_them() -> None:
    row = {"model": "vggish", "bytes": 288_000_000, "sha256": "a" * 64, "licence": "CC BY " * 5}
    titles = list(row)
    assert table_lines([row], titles, 200)[0].split() == titles
    assert table_lines([row], titles, 80)[0].split() == ["model", "bytes", "licence", "…"]
    assert table_lines([row], titles, 40)[0].split() == ["model", "bytes", "…"]


def test_paths_are_relative_and_cut_in_the_middle(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    inside = os.path.join(os.getcwd(), "music", "x.ogg")
    far = "/somewhere/" + "very/" * 20 + "far.ogg"
    rows = [{"title": "T", "path": path} for path in (inside, far)]
    _, _, near, cut = table_lines(rows, ["title", "path"], 60)
    assert near.split() == ["T", "music/x.ogg"]
    assert cut.startswith("T       /somewhere/")
    assert cut.endswith("very/far.ogg")
    assert "…" in cut
    assert len(cut) == 60


def test_times_are_to_the_minute() -> None:
    lines = table_lines(
        [{"what": "x", "when": "2025-11-25T18:52:43.123+00:00"}], ["what", "when"], 60
    )
    assert lines[-1].split() == ["x", "2025-11-25", "18:52"]


def test_wide_letters_count_twice() -> None:
    lines = table_lines([{"artist": "ハハ " * 20, "score": 0.5}], ["artist", "score"], 40)
    assert max(map(cell_len, lines)) <= 40
    assert " ".join(lines).split().count("ハハ") == 20


class _Screen:
    """A standard output that says it is a terminal, and keeps what is printed."""

    encoding = "utf-8"

    def __init__(self) -> None:
        self.text = ""

    def write(self, text: str) -> int:
        self.text += text
        return len(text)

    def flush(self) -> None:
        pass

    def isatty(self) -> bool:
        return True


@pytest.fixture
def evening(planted: Callable[..., Path], tmp_path: Path) -> Path:
    """A folder with an index, and a library with tracks and failures, all of long names."""
    import numpy as np

    names = [f"The Extraordinarily Patient Orchestra of the {at}th Borough" for at in range(12)]
    vectors = np.random.default_rng(1).normal(size=(12, 8)).astype(np.float32)
    planted(dict(zip(names, vectors, strict=True)))
    indexes = tmp_path / "indexes"
    (tmp_path / "names").write_text("\n".join(names[:6]), "utf-8")
    with Library.open(indexes / FILE_NAME) as library:
        for at, name in enumerate(names):
            artist = Artist(name, {"spotify": f"{at:022}", "deezer": f"{at}"})
            track = Track((artist,), "A Rather Long Title", catalogue="deezer", catalogue_id=name)
            library.resolve_request(name, artist, [track])
            library.add_failure(
                Failure(
                    what=f"{name} - A Rather Long Title",
                    artist=name,
                    stage="decode",
                    reason="the file ended in the middle of a frame of it, and more is not known",
                    retryable=False,
                    when="2025-11-25T18:52:43+00:00",
                )
            )
    return indexes


COMMANDS = {
    "models": ("models", "list"),
    "failures": ("failures",),
    "ls": ("ls",),
    "query": ("query", "The Extraordinarily Patient Orchestra of the 3th Borough"),
    "match": ("match", "{names}", "--likes", "{names}"),
    "info": ("info",),
    "config": ("config", "show"),
}


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", COMMANDS)
def test_what_is_listed_fits_the_screen(
    name: str, width: int, evening: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    screen = _Screen()
    monkeypatch.setattr(sys, "stdout", screen)
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("TERM", "dumb")
    line = [word.format(names=evening.parent / "names") for word in COMMANDS[name]]
    assert cli.run(["--quiet", "--indexes", str(evening), *line]) == 0
    lines = screen.text.splitlines()
    assert len(lines) > 2
    assert max(map(cell_len, lines)) <= width
    assert "Extraordinarily" in screen.text or name in ("models", "info", "config")
