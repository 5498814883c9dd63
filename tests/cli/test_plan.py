import json
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer

from artistindex.cli.plan import dry_run
from artistindex.errors import Misuse
from conftest import Run
from music_services import Performer, Song, World, serve_deezer
from services import unused_url
from video_site import BOT, VideoSite

VRILLAH, VRIL, REZZ = (Performer(name, n) for n, name in enumerate(("Vrillah", "Vril", "Rezz"), 1))


@pytest.fixture
def world(httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> World:
    songs = [Song("Edge", (REZZ,), 10), Song("Torus XXXII", (VRIL,), 11, album="Anima Mundi")]
    world = World([VRILLAH, VRIL, REZZ], songs)
    monkeypatch.setenv("ARTISTINDEX_DEEZER_URL", serve_deezer(httpserver, world))
    monkeypatch.setenv("ARTISTINDEX_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    return world


def plan(
    *names: str, output_format: str = "json", ids: Path | None = None, quiet: bool = False
) -> int:
    return dry_run(
        names, catalogue="deezer", ids=ids, tracks=5, output_format=output_format, quiet=quiet
    )


def test_json(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    assert plan("vril", "Rezz b2b Nobody") == 3
    printed = capsys.readouterr()
    document = json.loads(printed.out)
    assert document["catalogue"] == "deezer"
    assert document["artists"][0] == {
        "requested": "vril",
        "artist": "Vril",
        "id": "2",
        "how": "exact",
        "warnings": [],
        "tracks": [
            {
                "title": "Torus XXXII",
                "artists": ["Vril"],
                "album": "Anima Mundi",
                "duration": 200.0,
                "id": "11",
                "isrc": None,
            }
        ],
    }
    assert document["artists"][1]["how"] == "part"
    [failed] = document["failed"]
    assert failed["requested"] == "Rezz b2b Nobody"
    assert failed["artist"] == "Nobody"
    assert failed["stage"] == "catalogue"
    assert not failed["pending"]
    assert "looked up by part" in printed.err
    assert 'Nobody: Deezer has no artist called "Nobody"' in printed.err


def test_table_and_csv(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    assert plan("Vril", output_format="table") == 0
    table = capsys.readouterr().out
    assert "Torus XXXII" in table
    assert "exact" in table
    assert plan("Vril", output_format="csv") == 0
    assert capsys.readouterr().out.splitlines() == [
        "artist,id,matched,tracks",
        "Vril,2,exact,Torus XXXII",
    ]


def test_pinned(world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ids = tmp_path / "ids.json"
    ids.write_text('{"mapping": {"Vril": {"deezer": "2"}}}')
    assert plan("Vril", ids=ids, quiet=True) == 0
    printed = capsys.readouterr()
    assert json.loads(printed.out)["artists"][0]["how"] == "pinned"
    assert printed.err == ""
    ids.write_text('{"Vril": "2"}')
    with pytest.raises(Misuse, match="expected"):
        plan("Vril", ids=ids)


def test_nobody_found(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    assert plan("Nobody", "", "y" * 10_000) == 1
    errors = capsys.readouterr().err
    assert "(empty): an empty name" in errors
    assert max(map(len, errors.splitlines())) < 400


def test_no_network(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ARTISTINDEX_DEEZER_URL", unused_url())
    monkeypatch.setenv("ARTISTINDEX_CACHE", str(tmp_path / "cache"))
    assert plan("Rezz", "Vril") == 1
    printed = capsys.readouterr()
    assert all(row["pending"] for row in json.loads(printed.out)["failed"])
    assert "2 not looked up: Deezer: cannot be reached" in printed.err


def test_explained_matches(
    world: World, httpserver: HTTPServer, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = VideoSite(httpserver)
    for name, value in site.environment.items():
        monkeypatch.setenv(name, value)
    site.add("aaaaaaaaaaa", "Vril - Torus XXXII (Live)")
    site.add("bbbbbbbbbbb", "Torus XXXII", channel="Vril - Topic")
    arguments = ("build", "Vril", "--catalogue", "deezer", "--dry-run", "--explain-match")
    code, out, err = run(*arguments, "--format", "json")
    assert code == 0, err
    [track] = json.loads(out)["artists"][0]["tracks"]
    assert [video["id"] for video in track["candidates"]] == ["bbbbbbbbbbb", "aaaaaaaaaaa"]
    assert [video["accepted"] for video in track["candidates"]] == [True, False]
    assert track["candidates"][1]["reason"] == "another version: live"
    assert track["problem"] is None
    code, out, err = run(*arguments, "--format", "csv")
    header, first, second = out.splitlines()
    assert header == "artist,track,video,channel,seconds,score,accepted,reason"
    assert first.startswith("Vril,Torus XXXII,Torus XXXII,Vril - Topic,200.0,")
    assert second.endswith(",0.0,no,another version: live")
    code, out, err = run(*arguments)
    assert code == 0
    assert "another version: live" in out
    assert not list(run.indexes.glob("*"))


def test_once_the_videos_service_ends_it_is_not_asked_again(
    world: World, httpserver: HTTPServer, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = VideoSite(httpserver)
    for name, value in site.environment.items():
        monkeypatch.setenv(name, value)
    site.fail("search", BOT, BOT)
    arguments = ("build", "Vril", "Rezz", "--catalogue", "deezer", "--dry-run", "--explain-match")
    code, out, err = run(*arguments, "--format", "json")
    assert code == 0, err
    problems = [artist["tracks"][0]["problem"] for artist in json.loads(out)["artists"]]
    assert "not a bot" in problems[0]
    assert "--cookies FILE" in problems[0]
    assert problems[1] == problems[0]
    assert site.asked["search"] == 1


@pytest.mark.parametrize(
    "options", [("--explain-match",), ("--dry-run", "--explain-match", "--audio-source", "preview")]
)
def test_what_cannot_be_explained(run: Run, options: tuple[str, ...]) -> None:
    code, _, err = run("build", "Vril", *options)
    assert code == 2
    assert "--explain-match is for --dry-run" in err
