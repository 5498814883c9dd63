import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest

from artistindex.cli.query import command as query_command
from artistindex.index.reader import ArtistIndex
from artistindex.query.ranking import RANKERS
from builds import Place
from planted_library import plant_tracks, styles

Plant = Callable[..., Path]


def test_the_json_shape(planted: Plant, run: Any) -> None:
    with ArtistIndex.open(planted()) as index:
        expected = index.neighbours("Artist 3", 2)
    code, out, err = run("query", "artist 3", "--k", 2, "--format", "json")
    assert (code, err) == (0, "")
    payload = json.loads(out)
    assert {"index", "query", "k", "neighbours"} <= set(payload)
    assert (payload["index"], payload["query"], payload["k"]) == ("vggish", ["Artist 3"], 2)
    for neighbour, expected_row in zip(payload["neighbours"], expected, strict=True):
        assert (neighbour["rank"], neighbour["artist"], neighbour["tracks"]) == (
            expected_row.rank,
            expected_row.artist,
            expected_row.tracks,
        )
        assert neighbour["score"] == pytest.approx(expected_row.score)
        assert neighbour["percentile"] == pytest.approx(expected_row.percentile)


def test_several_names(planted: Plant, run: Any) -> None:
    with ArtistIndex.open(planted()) as index:
        expected = [neighbour.artist for neighbour in index.neighbours(["Artist 3", "Artist 5"], 4)]
    out = run("query", "Artist 3", "Artist 5", "--k", 4, "--format", "json")[1]
    assert [neighbour["artist"] for neighbour in json.loads(out)["neighbours"]] == expected


def test_table_and_csv(planted: Plant, run: Any) -> None:
    planted()
    _, table, _ = run("query", "Artist 3", "--k", 3)
    _, listed, _ = run("query", "Artist 3", "--k", 3, "--format", "csv")
    assert table.split()[:3] == ["rank", "artist", "score"]
    assert len(table.splitlines()) == 2 + 3
    assert listed.splitlines()[0].startswith("rank,artist,score")
    assert len(listed.splitlines()) == 1 + 3


def test_more_than_there_are(planted: Plant, run: Any) -> None:
    planted()
    for k in (19, 20, 10**30):
        code, out, _ = run("query", "Artist 3", "--k", k, "--format", "json")
        assert code == 0
        assert len(json.loads(out)["neighbours"]) == 19


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("Artist 3", "--k", "0"), 2, "k must be at least 1"),
        (("Artist 3", "--k", "-1"), 2, "k must be at least 1"),
        (("Artist 3", "--k", "ten"), 2, "not a valid integer"),
        (("Artist 3", "--index", "nonsense"), 2, "unknown index 'nonsense'"),
        (("Artist 3", "--index", "musicnn"), 1, "no index at"),
        (("Artist 3", "--format", "xml"), 2, "xml"),
        (("Artist33",), 1, "the closest names are Artist 3"),
        ((), 2, ""),
    ],
)
def test_what_cannot_be_answered(
    planted: Plant, run: Any, arguments: tuple[str, ...], code: int, message: str
) -> None:
    planted()
    exit_code, out, err = run("query", *arguments)
    assert (exit_code, out) == (code, "")
    (line,) = err.splitlines()
    assert line.startswith("Error: ")
    assert message in line


def test_without_any_index(run: Any) -> None:
    code, out, err = run("query", "Rezz")
    assert (code, out) == (1, "")
    assert err.startswith("Error: no index in ")


@pytest.mark.parametrize("line", ["query Rezz", "info", "ls", "failures"])
def test_the_wrong_folder_is_named_whole(
    line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from artistindex import cli

    monkeypatch.chdir(tmp_path)
    assert cli.run(line.split()) == 1
    (message,) = capsys.readouterr().err.splitlines()
    assert f"{tmp_path}/indexes" in message


def test_namesakes_are_mentioned(run: Any, planted: Plant) -> None:
    import numpy as np

    planted(dict(zip(("Vril", "VRIL", "Rezz"), np.eye(3), strict=True)))
    code, out, err = run("query", "Vril")
    assert (code, err.strip()) == (0, "the index also holds 'VRIL'")
    assert "VRIL" in out
    code, _, err = run("query", "vril")
    assert (code, err.count("Error:")) == (1, 1)
    assert "Vril; VRIL" in err


LOADED = """
import sys
from artistindex.cli import run
code = run(["--indexes", sys.argv[1], "query", "Rezz"])
heavy = {"essentia", "openvino", "av", "yt_dlp", "spotipy", "matplotlib", "requests", "bs4",
         "multiprocessing.pool", "sqlalchemy", "scipy", "sklearn", "mutagen"}
print(code, sorted(heavy & set(sys.modules)), file=sys.stderr)
"""


def test_a_query_loads_nothing_heavy(built: Place) -> None:
    result = subprocess.run(
        [sys.executable, "-c", LOADED, str(built.indexes)],
        capture_output=True,
        text=True,
        timeout=100,
        check=True,
    )
    assert result.stderr.strip() == "0 []"


# --- rankers ------------------------------------------------------------------------------------


def test_every_ranker_has_its_word(run: Any) -> None:
    (option,) = [option for option in query_command.params if option.name == "ranker"]
    assert isinstance(option.type, click.Choice)
    assert tuple(option.type.choices) == tuple(RANKERS)


@pytest.mark.parametrize(
    ("ranker", "older"),
    [
        ("cosine", ()),
        ("cosine", ("--hubs", "none")),
        ("csls", ("--hubs", "csls")),
        ("mp", ("--hubs", "mp")),
        ("tracks", ("--rerank", "tracks")),
        ("tracks", ("--hubs", "none", "--rerank", "tracks")),
    ],
)
def test_older_spellings_of_a_ranker_answer_alike(
    run: Any, ranker: str, older: tuple[str, ...]
) -> None:
    plant_tracks(run.indexes, styles())
    asked = ("query", "Artist 3", "--format", "json")
    answer = run(*asked, "--ranker", ranker)
    assert answer == run(*asked, *older)
    assert answer[0] == 0


@pytest.mark.parametrize(
    ("flags", "named"),
    [
        (("--ranker", "csls", "--rerank", "tracks"), "--ranker and --rerank do not go together"),
        (("--ranker", "cosine", "--hubs", "mp"), "--ranker and --hubs do not go together"),
        (("--ranker", "mp", "--explain"), "--ranker and --explain do not go together"),
        (("--ranker", "tracks", "--for", "tracks"), "--for tracks and --ranker do not go"),
        (("--ranker", "tracks", "--minus", "Artist 4"), "--ranker looks at tracks"),
    ],
)
def test_what_does_not_go_with_a_ranker_is_misuse(
    run: Any, flags: tuple[str, ...], named: str
) -> None:
    plant_tracks(run.indexes, styles())
    code, _, err = run("query", "Artist 3", *flags)
    assert (code, err.count("\n")) == (2, 1)
    assert named in err


def test_hidden_spellings_are_not_in_the_help(run: Any) -> None:
    out = run("query", "--help")[1]
    assert "--ranker" in out
    assert "--hubs" not in out
    assert "--rerank" not in out
