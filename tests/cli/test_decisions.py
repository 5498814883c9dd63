"""Seeing who is in the library, and deciding about names."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from artistindex.entities import Artist, AudioMatch, Track, TrackVector, VectorKey
from artistindex.library.library import FILE_NAME, Library
from planted_library import plant_tracks

WORLD = {"Bros": [[1, 0], [1, 1]], "Brothers": [[0, 1]], "Rezz": [[1, 2], [2, 1]]}


@pytest.fixture
def planted_run(run):
    plant_tracks(run.indexes, {name: np.array(rows, float) for name, rows in WORLD.items()})
    return run


def listed(run, *arguments: object) -> list[dict[str, Any]]:
    code, out, _ = run("ls", *arguments, "--format", "json")
    assert code == 0
    return json.loads(out)


def names(run) -> list[str]:
    return [row["artist"] for row in listed(run)]


def test_ls_lists_artists_with_what_is_known_of_them(planted_run) -> None:
    with Library.open(planted_run.indexes / FILE_NAME) as library:
        guess = Track((Artist("Guess"),), "T", path=Path("/music/guess.mp3"), guessed=True)
        library.upsert_file(guess, size=1, mtime_ns=1)
        library.resolve_request("Vril", Artist("Vril", {"deezer": "2"}), [])
    rows = {row["artist"]: row for row in listed(planted_run)}
    assert list(rows) == ["Bros", "Brothers", "Rezz", "Guess", "Vril"]
    assert rows["Bros"] == {
        "artist": "Bros",
        "ids": {},
        "tracks": 2,
        "indexes": ["musicnn"],
        "guessed": False,
    }
    assert rows["Guess"] == {
        "artist": "Guess",
        "ids": {},
        "tracks": 1,
        "indexes": [],
        "guessed": True,
    }
    assert rows["Vril"]["ids"] == {"deezer": "2"}
    _, table, _ = planted_run("ls")
    assert "deezer:2" in table
    _, out, _ = planted_run("ls", "--format", "csv")
    assert [row["artist"] for row in csv.DictReader(io.StringIO(out))] == list(rows)


def test_ls_lists_the_tracks_of_an_artist(planted_run) -> None:
    key = VectorKey("vggish", "1" * 64)
    with Library.open(planted_run.indexes / FILE_NAME) as library:
        listed_track = Track((Artist("Rezz"),), "Edge", catalogue="deezer", catalogue_id="1")
        artist_id = library.resolve_request("Rezz", Artist("Rezz"), [listed_track])
        own = library.tracks_of(artist_id)
        vector = TrackVector(key, np.ones(2, np.float32), 1, "openvino")
        library.add_embedding(own[0].id, audio_sha256="1", duration=100.0, vectors=[vector])
        library.set_match(own[2].id, AudioMatch("youtube", "abc", 90.0, ""))
    rows = listed(planted_run, "rezz")
    assert [row["title"] for row in rows] == ["Rezz 1", "Rezz 2", "Edge"]
    assert [row["source"] for row in rows] == ["file", "file", "youtube"]
    assert [row["models"] for row in rows] == [["musicnn", "vggish"], ["musicnn"], []]
    assert rows[0]["path"].endswith("Rezz 1.ogg")
    assert rows[2]["path"] is None
    assert len({row["recording"] for row in rows}) == 3
    _, table, _ = planted_run("ls", "Rezz")
    assert "musicnn vggish" in table


def test_ls_of_a_stranger_or_without_a_library_is_one_line(planted_run, run, tmp_path) -> None:
    code, _, err = planted_run("ls", "Nobody")
    assert (code, err.count("\n")) == (1, 1)
    assert "Nobody" in err
    run.indexes = tmp_path / "none"
    code, _, err = run("ls")
    assert code == 1
    assert "artistindex build" in err


def test_an_alias_is_made_and_undone(planted_run) -> None:
    assert planted_run("alias", "Bros", "Brothers")[0] == 0
    assert names(planted_run) == ["Brothers", "Rezz"]
    assert [row["title"] for row in listed(planted_run, "Bros")] == [
        "Bros 1",
        "Bros 2",
        "Brothers 1",
    ]
    assert planted_run("alias", "--remove", "Bros")[0] == 0
    assert names(planted_run) == ["Bros", "Brothers", "Rezz"]


def test_an_artist_is_ignored_and_taken_in_again(planted_run) -> None:
    assert planted_run("ignore", "REZZ")[0] == 0
    assert names(planted_run) == ["Bros", "Brothers"]
    assert planted_run("ignore", "Rezz", "--remove")[0] == 0
    assert names(planted_run) == ["Bros", "Brothers", "Rezz"]


def test_ids_are_pinned_and_taken_away(planted_run) -> None:
    address = "https://www.deezer.com/de/artist/12?utm=1"
    for id_ in (address, "4GzWhnLHtdFRuPWCWOvtlE"):
        assert planted_run("ids", "Rezz", id_)[0] == 0
    expected = {"spotify": "4GzWhnLHtdFRuPWCWOvtlE", "deezer": "12"}
    assert listed(planted_run)[-1]["ids"] == expected
    assert planted_run("ids", "Rezz", "--remove")[0] == 0
    assert listed(planted_run)[-1]["ids"] == {}


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("alias", "Bros"), 2, "OTHER"),
        (("alias", "Bros", "Brothers", "--remove"), 2, "--remove"),
        (("alias", "Bros", "BROS"), 2, "already"),
        (("alias", "Bros", "--remove"), 2, "'Bros' has no alias"),
        (("ignore", "Bros", "--remove"), 2, "not ignored"),
        (("ids", "Bros"), 2, "ID"),
        (("ids", "Bros", "nonsense"), 2, "22 letters and digits"),
        (("ids", "Bros", "--remove"), 2, "has no ids"),
    ],
)
def test_what_cannot_be_decided_is_one_line(planted_run, arguments, code, words) -> None:
    got, out, err = planted_run(*arguments)
    assert (got, out) == (code, "")
    assert words in err
    assert not (planted_run.indexes / "artists.toml").exists()


def test_a_broken_file_stops_what_would_go_by_it(planted_run) -> None:
    (planted_run.indexes / "artists.toml").write_text("[aliases]\nA = 4\n")
    for arguments in (("ls",), ("alias", "A", "B"), ("build",)):
        code, _, err = planted_run(*arguments)
        assert code == 2
        assert "artists.toml, line 2" in err
