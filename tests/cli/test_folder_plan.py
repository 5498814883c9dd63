"""`artistindex build --audio DIR --dry-run`: whose the files of a folder are, and why."""

import csv
import io
import json
from pathlib import Path

import pytest

import sounds
from artistindex.library.library import FILE_NAME
from builds import InProcessPool
from conftest import Run

pytestmark = pytest.mark.process

BUILD = ("build", "--model", "musicnn", "--engine", "openvino", "--audio")


@pytest.fixture
def music(tmp_path: Path) -> Path:
    """Files of several artists, some together, some guessed, some nobody's."""
    folder = tmp_path / "music"
    for number, (artist, title) in enumerate(
        [
            ("Rezz", "Edge"),
            ("Vril", "Torus"),
            ("Rezz & Vril", "Together"),
            ("Calibre feat. DRS", "Even If"),
            ("Various Artists", "Track 7"),
        ]
    ):
        path = sounds.write(folder / f"{number:02}.wav", sounds.tone(440, 0.5))
        sounds.tag(path, artist=artist, title=title)
    for number in range(3):
        sounds.write(folder / "Burial" / "Untrue" / f"{number} Song.wav", sounds.tone(440, 0.5))
    return folder


def test_who_would_be_there_and_why(run: Run, music: Path) -> None:
    code, out, err = run(*BUILD, music, "--dry-run", "--format", "json")
    assert code == 0
    payload = json.loads(out)
    artists = {row["artist"]: row for row in payload["artists"]}
    assert list(artists) == ["Burial", "Calibre", "Rezz", "Vril"]
    assert {name: row["files"] for name, row in artists.items()} == {
        "Burial": 3,
        "Calibre": 1,
        "Rezz": 2,
        "Vril": 2,
    }
    assert {name: row["guessed"] for name, row in artists.items() if row["guessed"]} == {
        "Burial": 3
    }
    assert artists["Rezz"]["notes"] == ["'Rezz & Vril' is split into Rezz, Vril"]
    assert artists["Calibre"]["notes"] == ["the guests of 'Calibre feat. DRS' get no credit"]
    (nobody,) = payload["nobody"]
    assert nobody["path"] == "04.wav"
    assert "'Various Artists' is nobody" in nobody["note"]
    assert payload["failed"] == []
    assert "4 artists, 1 of them guessed; 1 file would not be used; nothing was written" in err
    assert not run.indexes.exists()


def test_the_table_and_the_csv_say_the_same(run: Run, music: Path) -> None:
    code, out, _ = run(*BUILD, music, "--dry-run", "--format", "csv")
    assert code == 0
    rows = list(csv.DictReader(io.StringIO(out)))
    assert [(row["artist"], row["files"], row["from"]) for row in rows] == [
        ("Burial", "3", "guess"),
        ("Calibre", "1", "tags"),
        ("Rezz", "2", "tags"),
        ("Vril", "2", "tags"),
        ("", "1", ""),
    ]
    assert rows[-1]["why"] == "'Various Artists' is nobody"
    table = run(*BUILD, music, "--dry-run")[1]
    assert "is split into Rezz, Vril" in table


def test_it_foretells_what_a_build_does(run: Run, music: Path) -> None:
    foretold = json.loads(run(*BUILD, music, "--dry-run", "--format", "json")[1])
    run.pool = InProcessPool()
    assert run(*BUILD, music)[0] == 1  # too short to embed, but recorded
    before = (run.indexes / FILE_NAME).read_bytes()
    code, out, _ = run(*BUILD, music, "--dry-run", "--format", "json")
    assert code == 0
    again = json.loads(out)
    assert [(row["artist"], row["files"]) for row in again["artists"]] == [
        (row["artist"], row["files"]) for row in foretold["artists"]
    ]
    assert (run.indexes / FILE_NAME).read_bytes() == before


def test_only_those_named(run: Run, music: Path) -> None:
    code, out, _ = run(*BUILD, music, "rezz", "--dry-run", "--format", "json")
    assert code == 0
    assert [row["artist"] for row in json.loads(out)["artists"]] == ["Rezz"]


def test_a_folder_of_nobody(run: Run, tmp_path: Path) -> None:
    path = sounds.write(tmp_path / "music" / "song.wav", sounds.tone(440, 0.5))
    sounds.tag(path, artist="Unknown Artist", title="Track 1")
    code, out, err = run(*BUILD, path.parent, "--dry-run", "--format", "json")
    assert (code, json.loads(out)["artists"]) == (1, [])
    assert "0 artists" in err


def test_what_was_decided_about_names_is_respected(run: Run, music: Path) -> None:
    assert run("alias", "Vril", "Rezz")[0] == 0
    assert run("ignore", "Burial")[0] == 0
    code, out, _ = run(*BUILD, music, "--dry-run", "--format", "json")
    assert code == 0
    payload = json.loads(out)
    artists = {row["artist"]: row for row in payload["artists"]}
    assert list(artists) == ["Calibre", "Rezz"]
    assert "'Vril' is Rezz, as you decided" in artists["Rezz"]["notes"]
    assert payload["ignored"] == {"Burial": 3}
    assert "'Burial' is ignored" in run(*BUILD, music, "--dry-run", "--format", "csv")[1]
