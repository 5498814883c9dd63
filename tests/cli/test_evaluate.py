"""`artistindex evaluate`: shapes, tables, exit codes, one line for each error."""

import csv
import io
import json

import pytest

from truths import write_truth

LISTS = {f"Artist {at}": [f"Artist {(at + step) % 20}" for step in (1, 2, 3)] for at in range(20)}


@pytest.fixture
def truth(tmp_path):
    return write_truth(tmp_path / "truth.json", LISTS | {"Artist 19": None})


def test_json(run, planted, truth):
    planted()
    planted(model="musicnn", seed=1)
    code, out, err = run("evaluate", "--truth", truth, "--format", "json")
    document = json.loads(out)
    assert code == 0
    assert document["truth"] == str(truth)
    assert [index["index"] for index in document["indexes"]] == ["vggish", "musicnn"]
    metric = document["indexes"][0]["metrics"]["overlap@5"]
    assert metric["chance"] == pytest.approx(5 / 19)
    assert "vggish: 19 queries in a pool of 20 artists; 100.0% of the artists listed" in err
    assert "1: music-map has no list for them" in err


def test_one_index_and_other_ks(run, planted, truth):
    planted()
    planted(model="musicnn", seed=1)
    arguments = ("--truth", truth, "--index", "musicnn", "--k", "7", "--k", "3")
    code, out, _ = run("evaluate", *arguments, "--format", "json")
    (index,) = json.loads(out)["indexes"]
    assert (code, index["index"]) == (0, "musicnn")
    assert [name for name in index["metrics"] if name.startswith("overlap")] == [
        "overlap@3",
        "overlap@7",
    ]


def test_the_table_shows_chance_and_ceiling_beside_every_value(run, planted, truth):
    planted()
    code, out, _ = run("evaluate", "--truth", truth)
    assert code == 0
    for word in ("metric", "pool", "value", "low", "high", "chance", "ceiling", "open_overlap@5"):
        assert word in out


def test_csv_per_artist(run, planted, truth):
    planted()
    code, out, _ = run("evaluate", "--truth", truth, "--per-artist", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert (code, len(rows)) == (0, 19)
    assert rows[0]["artist"] == "Artist 0"
    assert rows[0]["in_pool"] == "3"
    assert 0 <= float(rows[0]["overlap@5"]) <= 1


def test_json_per_artist(run, planted, truth):
    planted()
    _, out, _ = run("evaluate", "--truth", truth, "--per-artist", "--format", "json")
    (index,) = json.loads(out)["indexes"]
    assert index["artists"][0]["music_map"] == LISTS["Artist 0"]
    assert index["left_out_artists"]["no_list"] == ["Artist 19"]


def test_quiet(run, planted, truth):
    planted()
    assert run("--quiet", "evaluate", "--truth", truth)[2] == ""


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is no JSON"),
        ("[]", "is no JSON object of artists"),
        ("{}", "holds no list"),
        ('{"mapping": {"Rezz": "4aK"}}', "'mapping' has no \"status\""),
        ('{"A": {"status": "error"}, "A": {"status": "error"}}', "names 'A' twice"),
    ],
)
def test_a_truth_of_another_shape(run, planted, tmp_path, text, message):
    planted()
    path = tmp_path / "bad.json"
    path.write_text(text)
    code, out, err = run("evaluate", "--truth", path)
    assert (code, out) == (2, "")
    assert err.startswith("Error: ")
    assert err.count("\n") == 1
    assert message in err
    assert "expected music-map lists" in err


def test_no_artist_in_common(run, planted, tmp_path):
    planted()
    truth = write_truth(tmp_path / "t.json", {"W": ["X"], "X": ["W"], "Y": ["W"], "Z": ["W"]})
    code, _, err = run("evaluate", "--truth", truth)
    assert code == 2
    assert "(Artist 0, Artist 1, Artist 2)" in err
    assert "(W, X, Y)" in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(("k", "message"), [(0, "at least 1"), (20, "19 artists are ranked")])
def test_a_k_that_means_nothing(run, planted, truth, k, message):
    planted()
    code, _, err = run("evaluate", "--truth", truth, "--k", k)
    assert (code, err.count("\n")) == (2, 1)
    assert message in err


def test_one_artist(run, planted, truth):
    planted(count=1)
    code, _, err = run("evaluate", "--truth", truth)
    assert (code, err.count("\n")) == (2, 1)
    assert "nobody to rank" in err


def test_a_newer_index(run, planted, truth):
    manifest = planted() / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"format": 2', '"format": 3'))
    code, _, err = run("evaluate", "--truth", truth)
    assert (code, err.count("\n")) == (1, 1)
    assert "newer" in err


def test_no_index(run, truth):
    code, _, err = run("evaluate", "--truth", truth)
    assert (code, err.count("\n")) == (1, 1)
    assert "artistindex build" in err


def test_strengths_that_are_no_numbers(run, planted, tmp_path):
    planted()
    truth = write_truth(
        tmp_path / "t.json", {"Artist 0": {"Artist 1": float("nan"), "Artist 2": 1}}
    )
    code, out, err = run("evaluate", "--truth", truth, "--format", "json")
    assert code == 0
    assert "NaN" not in out
    assert "1 listed artists have no strength" in err


def test_what_was_read_is_said(run, planted, tmp_path):
    planted()
    path = tmp_path / "pairs.csv"
    path.write_text("artist,similar,weight\nArtist 1,Artist 2,3\nArtist 1,Nobody,2\nX,Y,1\n")
    code, _, err = run("evaluate", "--truth", path, "--k", "3")
    assert code == 0
    assert "read as pairs of artists, with strengths: 2 artists with a list, 3 pairs" in err
    assert "of 5 names are indexed 2 in vggish" in err


def test_csv_says_who_was_asked_and_how_to_repeat_it(run, planted, truth):
    planted()
    arguments = ("--truth", truth, "--format", "csv", "--seed", "3")
    code, out, _ = run("evaluate", *arguments)
    rows = list(csv.DictReader(io.StringIO(out)))
    assert code == 0
    assert {(row["queries"], row["pool_artists"], row["seed"]) for row in rows} == {
        ("19", "20", "3")
    }
    assert float(rows[0]["coverage"]) == 1
    assert len(rows[0]["truth_sha256"]) == 64
    _, again, _ = run("evaluate", *arguments)
    numbers = [{key: row[key] for key in ("value", "low", "high")} for row in rows]
    assert numbers == [
        {key: row[key] for key in ("value", "low", "high")}
        for row in csv.DictReader(io.StringIO(again))
    ]


def test_tables_for_papers(run, planted, truth):
    planted()
    code, out, _ = run("evaluate", "--truth", truth, "--format", "latex", "--k", "5")
    assert code == 0
    lines = out.splitlines()
    assert lines[0].startswith("% artistindex ")
    assert r"\toprule" in lines
    (row,) = (line for line in lines if "open\\_overlap@5" in line)
    assert row.endswith(r" \\")
    assert row.count("&") == 8
    code, out, _ = run("evaluate", "--truth", truth, "--format", "markdown", "--k", "5")
    assert code == 0
    assert "| index | metric | value |" in out
    assert "<!-- artistindex " in out
