"""`artistindex match`, as it is typed."""

import csv
import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import sounds
from artistindex.index.manifest import Manifest
from artistindex.library.library import FILE_NAME
from online import Online, Process, serving

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def index(planted: Callable[..., Path]) -> Path:
    return planted({"Techno": [1, 0], "House": [0.9, 0.1], "Pop": [0, 1], "=Sum": [0.2, 0.9]})


@pytest.fixture
def listed(tmp_path: Path) -> Callable[..., Path]:
    def write(name: str, *artists: str) -> Path:
        path = tmp_path / name
        path.write_text("\n".join(artists), "utf-8")
        return path

    return write


def test_json_has_the_shape_that_others_rely_on(
    run: Run, index: Path, listed: Callable[..., Path]
) -> None:
    lineup = listed("lineup.txt", "Pop", "techno", "House", "Nobody")
    likes = listed("likes.txt", "Techno", "No One")
    code, out, err = run("match", lineup, "--likes", likes, "--format", "json")
    assert code == 0
    answer = json.loads(out)
    assert answer["index"] == "vggish"
    assert answer["not_indexed"] == ["Nobody"]
    assert answer["likes_not_indexed"] == ["No One"]
    assert answer["ranked"][0] == {
        "rank": 1,
        "artist": "Techno",
        "billed": "techno",
        "score": 1.0,
        "percentile": 100.0,
        "favourite": True,
        "because": [{"artist": "Techno", "score": 1.0}],
        "events": [],
        "tracks": 1,
        "ids": {},
        "links": {"music-map": "https://www.music-map.com/techno"},
        "entry_tracks": [
            {
                "title": "Techno's song",
                "album": None,
                "path": None,
                "link": None,
                "score": None,
                "ids": {},
            }
        ],
    }
    second = answer["ranked"][1]
    assert (second["artist"], second["favourite"], second["percentile"]) == ("House", False, 100.0)
    assert second["because"][0]["artist"] == "Techno"
    assert second["because"][0]["score"] == pytest.approx(second["score"])
    assert "1 of the line-up are not indexed: Nobody" in err
    assert "1 of the favourites are not indexed: No One" in err


def test_csv_and_table_say_why(run: Run, index: Path, listed: Callable[..., Path]) -> None:
    lineup, likes = listed("lineup.csv", "artist,stage", "House,1", "=Sum,2"), listed("l", "Techno")
    code, out, err = run("--quiet", "match", lineup, "--likes", likes, "--format", "csv")
    assert (code, err) == (0, "")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert [row["artist"] for row in rows] == ["House", "'=Sum"]
    assert rows[0]["because"].startswith("Techno 0.99")
    code, out, _ = run("match", lineup, "--likes", listed("l2", "Techno", "House"))
    assert code == 0
    assert "a favourite" in out


def test_dislikes_are_a_list_too(run: Run, index: Path, listed: Callable[..., Path]) -> None:
    arguments = ("match", listed("lineup", "=Sum", "House"), "--likes", listed("likes", "Pop"))
    code, out, _ = run(*arguments, "--dislikes", listed("no", "Techno"), "--format", "json")
    assert code == 0
    assert [entry["artist"] for entry in json.loads(out)["ranked"]] == ["=Sum", "House"]
    assert json.loads(out)["ranked"][1]["against"][0]["artist"] == "Techno"


@pytest.mark.process
def test_a_list_may_be_standard_input(index: Path, listed: Callable[..., Path]) -> None:
    likes = listed("likes", "Techno")
    process = Process(
        "--indexes",
        index.parent,
        "match",
        "-",
        "--likes",
        likes,
        "--format",
        "json",
        environment={},
    )
    code, out, err = process.finish("House\nPop\n")
    assert (code, err) == (0, "")
    assert [entry["artist"] for entry in json.loads(out)["ranked"]] == ["House", "Pop"]


@pytest.mark.parametrize(
    ("arguments", "code", "line"),
    [
        (["LINEUP"], 2, "Missing option '--likes'"),
        (["-", "--likes", "-"], 2, "can be standard input"),
        (["none.txt", "--likes", "LIKES"], 2, "cannot read none.txt"),
        (["EMPTY", "--likes", "LIKES"], 2, "no artist in it"),
        (["LINEUP", "--likes", "EMPTY"], 2, "no artist in it"),
        (["NOBODY", "--likes", "LIKES"], 1, "nobody of the line-up is in the index vggish"),
        (["LINEUP", "--likes", "NOBODY"], 1, "none of the favourites is in the index vggish"),
        (["LINEUP", "--likes", "LIKES", "--dislikes", "LIKES"], 2, "is both liked and disliked"),
        (["LINEUP", "--likes", "LIKES", "--index", "x"], 2, "unknown index 'x'"),
        (["LINEUP", "--likes", "LIKES", "--cookies", "LIKES"], 2, "they go with --ingest"),
        (["LINEUP", "--likes", "LIKES", "--index", "a", "--index", "b"], 2, "give --index once"),
    ],
)
def test_what_cannot_be_meant_is_one_line(
    run: Run, index: Path, listed: Callable[..., Path], arguments: list[str], code: int, line: str
) -> None:
    files = {
        "LINEUP": listed("lineup", "House"),
        "LIKES": listed("likes", "Techno"),
        "EMPTY": listed("empty", "# nobody"),
        "NOBODY": listed("nobody", "Nobody"),
    }
    status, out, err = run("match", *(files.get(argument, argument) for argument in arguments))
    assert (status, out) == (code, "")
    assert line in err
    assert err.count("\n") == 1


# -- ingesting ---------------------------------------------------------------------------------


@pytest.fixture
def online() -> Iterator[Online]:
    with serving() as served:
        yield served


@pytest.mark.slow
def test_who_is_missing_is_ingested_first(
    online: Online, listed: Callable[..., Path], tmp_path: Path
) -> None:
    songs = [sounds.write(tmp_path / f"{at}.wav", sounds.music(6, seed=at)) for at in range(3)]
    for at, name in enumerate(("Liked", "Playing", "Later")):
        online.add(name, ["A song"], songs[at])
    lineup, likes = listed("lineup", "Playing", "Nobody Has Heard"), listed("likes", "Liked")
    indexes = tmp_path / "indexes"

    def match(lineup: Path, *options: str) -> tuple[int, dict[str, Any], str]:
        arguments = ("--indexes", indexes, "match", lineup, "--likes", likes, "--index", "musicnn")
        process = Process(
            *arguments, "--ingest", "--format", "json", *options, environment=online.environment
        )
        code, out, err = process.finish()
        return code, json.loads(out) if out else {}, err

    code, answer, err = match(lineup)
    assert code == 3, err
    assert [entry["artist"] for entry in answer["ranked"]] == ["Playing"]
    assert answer["not_indexed"] == ["Nobody Has Heard"]
    assert [failure["artist"] for failure in answer["failed"]] == ["Nobody Has Heard"]
    assert "ingesting 3 artists" in err

    code, answer, err = match(listed("second", "Later", "Playing"))
    assert code == 0, err
    assert "ingesting 1 artists" in err
    assert {entry["artist"] for entry in answer["ranked"]} == {"Later", "Playing"}
    assert Manifest.read(indexes / "musicnn").artists == 3

    (indexes / FILE_NAME).rename(tmp_path / "elsewhere")
    code, _, err = match(listed("third", "Other"))
    assert code == 1
    assert "has no library beside it to ingest into" in err


def test_weights_that_are_not_the_indexs_end_an_ingest_before_it_begins(
    run: Run, planted: Callable[..., Path], listed: Callable[..., Path]
) -> None:
    folder = planted({"Techno": [1, 0], "House": [0.9, 0.1]}, model="musicnn")
    (folder.parent / FILE_NAME).touch()
    before = (folder / "manifest.json").read_bytes()
    arguments = ("match", listed("lineup", "Other"), "--likes", listed("likes", "Techno"))
    code, out, err = run(*arguments, "--ingest")
    assert (code, out) == (1, "")
    assert "was made with other weights" in err
    assert (folder / "manifest.json").read_bytes() == before
