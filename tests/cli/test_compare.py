"""`artistindex compare`: what it prints and writes, and what it refuses."""

import csv
import io
import json

import pytest

from truths import write_truth

LISTS = {f"Artist {at}": [f"Artist {(at + step) % 20}" for step in (1, 2, 3)] for at in range(20)}


@pytest.fixture
def truth(tmp_path):
    return write_truth(tmp_path / "truth.json", LISTS)


@pytest.fixture
def two(planted):
    return [planted(), planted(model="musicnn", seed=1)]


@pytest.fixture
def old(tmp_path):
    """A file of similarities as the experiment wrote them."""
    pairs = [(first, second) for first in range(9) for second in range(first)]
    listed = [
        {
            "artist1": f"Artist {first}",
            "artist2": f"Artist {second}",
            "cosine_similarity": first / 10,
        }
        for first, second in pairs
    ]
    path = tmp_path / "old.json"
    path.write_text(json.dumps({"pairwise_similarities": listed}))
    return path


def test_the_table_begins_with_the_verdict(run, two, truth):
    code, out, err = run("compare", "vggish", "musicnn", "--truth", truth)
    assert code == 0
    assert out.startswith(("No index is ", "vggish agrees", "musicnn agrees"))
    for part in ("By how much", "How sure", "overlap@10"):
        assert part in out
    assert out.count("\n") <= 24  # a screenful
    assert "--full" in err


def test_full_shows_every_table(run, two, truth, old):
    arguments = ("compare", "vggish", "musicnn", "--truth", truth, "--full")
    code, out, _ = run(*arguments)
    assert code == 0
    for part in ("By how much", "How sure", "## Similarities", "Hubs", "overlap@10"):
        assert part in out
    assert "criteria" not in out
    assert "criteria" in run(*arguments, "--similarities", f"old={old}")[1]


def test_json(run, two, truth):
    code, out, _ = run("compare", "vggish", "musicnn", "--truth", truth, "--format", "json")
    document = json.loads(out)
    assert code == 0
    assert document["indexes"] == ["vggish", "musicnn"]
    assert document["artists"] == 20
    assert {"verdict", "spread", "agreement", "disagreement", "hubness", "differences"} <= set(
        document
    )
    assert len(document["criteria"]) == 8
    assert [index["index"] for index in document["evaluation"]["indexes"]] == document["indexes"]


def test_csv_has_a_line_for_each_number(run, two, truth):
    code, out, _ = run("compare", "vggish", "musicnn", "--truth", truth, "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert code == 0
    assert {"similarities", "music-map", "difference", "agreement", "criteria"} <= {
        row["part"] for row in rows
    }
    assert float(next(row["value"] for row in rows if row["measure"] == "mean")) < 1


def test_a_report_is_written(run, two, truth, tmp_path):
    code, _, err = run(
        "compare", "vggish", "musicnn", "--truth", truth, "--report", tmp_path / "report"
    )
    assert code == 0
    assert (tmp_path / "report" / "report.html").is_file()
    assert (tmp_path / "report" / "report.md").is_file()
    assert "report.html" in err


def test_an_index_beside_the_experiments_results(run, two, old):
    code, out, _ = run("compare", "vggish", "--similarities", f"old={old}", "--format", "json")
    document = json.loads(out)
    assert (code, document["indexes"], document["artists"]) == (0, ["vggish", "old"], 9)


def test_pairs_with_expectations(run, two, tmp_path):
    pairs = tmp_path / "pairs.csv"
    pairs.write_text("artist,artist,expected\nArtist 0,artist 1,-1-1\n")
    code, out, _ = run("compare", "vggish", "musicnn", "--pairs", pairs, "--format", "json")
    assert code == 0
    assert [pair["met"] for pair in json.loads(out)["pairs"]] == [True, True]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["vggish"], 2, "at least two indexes"),
        ([], 2, "at least two indexes"),
        (["vggish", "vggish"], 2, "named 2 times"),
        (["vggish", "nosuch"], 2, "unknown index 'nosuch'"),
        (["vggish", "discogs-effnet"], 1, "no index at"),
        (["vggish", "musicnn", "--k", "50"], 2, "larger than the pool"),
        (["vggish", "musicnn", "--similarities", "old"], 2, "takes NAME=FILE"),
        (["vggish", "musicnn", "--similarities", "old=/nonexistent"], 2, "cannot read"),
        (["vggish", "musicnn", "--pairs", "experiment"], 1, "'Vril', whom none of the indexes"),
        (["vggish", "musicnn", "--pairs", "/nonexistent"], 2, "cannot read"),
        (["vggish", "musicnn", "--truth", "/nonexistent"], 2, "cannot read"),
    ],
)
def test_what_cannot_be_compared(run, two, arguments, code, message):
    exit_code, out, err = run("compare", *arguments)
    assert (exit_code, out, err.count("\n")) == (code, "", 1)
    assert err.startswith("Error: ")
    assert message in err


def test_indexes_of_different_formats(run, two):
    manifest = two[1] / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"format": 2', '"format": 3'))
    code, out, err = run("compare", "vggish", "musicnn")
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert "musicnn" in err
    assert "format 3" in err


def test_similarities_named_twice(run, two, old):
    arguments = ("--similarities", f"old={old}")
    code, _, err = run("compare", "vggish", *arguments, *arguments)
    assert code == 2
    assert "names 'old' twice" in err


def test_a_report_where_a_file_is(run, two, tmp_path):
    (tmp_path / "file").touch()
    code, out, err = run("compare", "vggish", "musicnn", "--report", tmp_path / "file")
    assert (code, out) == (2, ""), "compared, and only then looked"
    assert "is a file" in err


def test_two_settings_of_one_model_by_their_paths(run, planted, tmp_path):
    for name, seed in (("A_B & C%", 0), ("other", 1)):
        planted(folder=tmp_path / name, seed=seed)
    paths = [tmp_path / name / "vggish" for name in ("A_B & C%", "other")]
    code, out, _ = run("compare", *paths, "--format", "json", "--seed", "5")
    document = json.loads(out)
    assert code == 0
    assert document["indexes"] == list(map(str, paths))
    assert document["provenance"]["seed"] == 5
    code, out, _ = run("compare", *paths, "--format", "latex")
    assert code == 0
    assert r"A\_B \& C\%" in out
    assert out.count(r"\begin{tabular}") == out.count(r"\end{tabular}") == 3
    code, out, err = run("compare", *paths, tmp_path / "nowhere")
    assert (code, out) == (1, "")
    assert "no index at" in err
