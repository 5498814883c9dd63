"""`artistindex export` and `artistindex import`, as they are typed."""

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from conftest import Run

Plant = Callable[..., Path]


@pytest.fixture
def pack(run: Run, planted: Plant, tmp_path: Path) -> Path:
    """A pack of two indexes of twenty artists; nothing is left here but the pack."""
    for model in ("own-model", "other-model"):
        planted(model=model)
    path = tmp_path / "pack.zip"
    assert run("--quiet", "export", path)[0] == 0
    run.indexes = tmp_path / "elsewhere"
    return path


def test_export_says_what_went_in(run: Run, planted: Plant, tmp_path: Path) -> None:
    planted(dimension=128)
    code, out, err = run("export", tmp_path / "p.zip", "--index", "vggish")
    assert (code, out) == (0, "")
    assert "vggish: 20 artists" in err
    assert "licence of the weights: none" in err
    code, _, err = run("export", tmp_path / "p.zip")
    assert code == 1
    assert "is there already: name another file, or give --overwrite" in err
    assert run("export", tmp_path / "p.zip", "--overwrite")[0] == 0
    assert run("export", tmp_path / "q.zip", "--index", "nonsense")[0] == 2


def test_a_pack_can_be_asked_where_it_arrives(run: Run, pack: Path) -> None:
    code, out, err = run("import", pack, "--format", "json")
    assert code == 0
    assert json.loads(out) == {
        "pack": str(pack),
        "indexes": [
            {
                "index": model,
                "path": str(run.indexes / model),
                "licence": "none",
                "artists": 20,
                "in_pack": 20,
                "added": 20,
                "unchanged": 0,
                "kept": 0,
                "replaced": 0,
                "collisions": [],
            }
            for model in ("other-model", "own-model")
        ],
    }
    assert f"reading {pack}" in err
    assert "own-model: a model that this version does not know, weights aaaaaaaaaaaa…" in err
    assert "own-model: licence of the weights: none" in err
    code, out, _ = run("query", "Artist 3", "--index", "own-model", "--format", "json")
    assert code == 0
    assert len(json.loads(out)["neighbours"]) == 10
    assert run("info", "--verify")[0] == 0


def test_collisions_are_told(run: Run, pack: Path, planted: Plant) -> None:
    planted({"Artist 3": [1] * 8, "Mine": [1, 2] * 4}, folder=run.indexes, model="own-model")
    code, out, err = run("import", pack, "--format", "csv")
    assert code == 0
    rows = list(csv.DictReader(io.StringIO(out)))
    assert [(row["index"], row["artists"], row["added"], row["kept"]) for row in rows] == [
        ("other-model", "20", "20", "0"),
        ("own-model", "21", "19", "1"),
    ]
    assert "own-model: 'Artist 3' is here too (same name): the one here is taken" in err
    code, out, err = run("import", pack, "--replace", "--format", "json")
    [collision] = json.loads(out)["indexes"][1]["collisions"]
    assert (collision["artist"], collision["kept"]) == ("Artist 3", "pack")
    assert -1 <= collision["similarity"] <= 1
    assert "the pack's is taken" in err


def test_what_is_no_pack_is_one_line(run: Run, planted: Plant, tmp_path: Path) -> None:
    planted()
    before = sorted(run.indexes.rglob("*"))
    letter = tmp_path / "letter.zip"
    letter.write_text("Dear Sir")
    for path in (letter, tmp_path / "none.zip", tmp_path):
        code, out, err = run("--quiet", "import", path)
        assert (code, out) == (1, "")
        assert err.startswith("Error: ")
        assert err.count("\n") == 1
    assert sorted(run.indexes.rglob("*")) == before


def test_forget_takes_an_imported_artist_back(run: Run, pack: Path) -> None:
    assert run("import", pack)[0] == 0
    assert run("forget", "Artist 3")[0] == 0
    code, out, _ = run("info", "--format", "json")
    assert code == 0
    assert json.loads(out)["library"]["counts"]["imported_vectors"] == 38
