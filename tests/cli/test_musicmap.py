"""`artistindex musicmap`: into a file that is never lost."""

import json

import pytest

from services import unused_url
from truths import write_truth

PAGE = "<a href=x class=S id=s0>{}</a><a href=y class=S id=s1>Justice</a>"


@pytest.fixture
def music_map(httpserver, monkeypatch):
    monkeypatch.setenv("ARTISTINDEX_MUSICMAP_URL", httpserver.url_for("/"))
    httpserver.expect_request("/rezz").respond_with_data(PAGE.format("REZZ"))
    httpserver.expect_request("/nobody").respond_with_data("", status=404)
    return httpserver


def test_lists_are_fetched_and_evaluate_reads_them(run, music_map, tmp_path, planted):
    out = tmp_path / "new" / "lists.json"
    code, out_json, err = run("musicmap", "Rezz", "--out", out, "--format", "json")
    assert code == 0
    assert json.loads(out_json) == [
        {"artist": "Rezz", "status": "fetched", "listed": 1, "reason": None}
    ]
    assert "1 fetched" in err
    planted(count=3)
    assert "have no artist in common" in run("evaluate", "--truth", out)[2]


def test_the_file_keeps_what_it_has(run, music_map, tmp_path):
    out = write_truth(tmp_path / "lists.json", {"Vril": ["Traumprinz"]})
    code, _, err = run("musicmap", "Vril", "Rezz", "Nobody", "--out", out)
    assert code == 3
    assert list(json.loads(out.read_text())) == ["Vril", "Rezz", "Nobody"]
    assert "1 known, 1 fetched, 1 unknown" in err


def test_names_from_a_file(run, music_map, tmp_path):
    names = tmp_path / "names.txt"
    names.write_text("Rezz\n\nrezz\n")
    code, out_json, _ = run(
        "musicmap", "--artists", names, "--out", tmp_path / "o", "--format", "json"
    )
    assert code == 0
    assert len(json.loads(out_json)) == 1


def test_nobody_found(run, music_map, tmp_path):
    assert run("musicmap", "Nobody", "--out", tmp_path / "o.json")[0] == 1


def test_no_network(run, monkeypatch, tmp_path):
    monkeypatch.setenv("ARTISTINDEX_MUSICMAP_URL", unused_url())
    out = tmp_path / "o.json"
    code, out_json, _ = run("musicmap", "Rezz", "Vril", "--out", out, "--format", "json")
    assert code == 1
    first, second = json.loads(out_json)
    assert "cannot be reached" in first["reason"]
    assert "not asked" in second["reason"]
    assert not out.exists()


@pytest.mark.parametrize("text", ["{", "[]", '{"mapping": {}}'])
def test_an_out_of_another_shape_is_left_alone(run, music_map, tmp_path, text):
    out = tmp_path / "mine.json"
    out.write_text(text)
    code, out_json, err = run("musicmap", "Rezz", "--out", out)
    assert (code, out_json, err.count("\n")) == (2, "", 1)
    assert out.read_text() == text
    assert music_map.log == []


@pytest.mark.parametrize("names", [(), ("",), (" ", "\n")])
def test_nobody_named(run, tmp_path, names):
    code, _, err = run("musicmap", *names, "--out", tmp_path / "o.json")
    assert code == 2
    assert "name at least one artist" in err


def test_help_names_every_option(run):
    for command in ("evaluate", "compare", "musicmap"):
        code, out_json, _ = run(command, "--help")
        assert code == 0
        assert "--format" in out_json
