"""`artistindex tune`."""

import json
from pathlib import Path

from artistindex.index.manifest import Manifest
from planted_library import plant_tracks, styles


def test_the_recipes_are_set_side_by_side(run, tmp_path: Path) -> None:
    plant_tracks(tmp_path, styles(artists=8, tracks=3))
    run.indexes = tmp_path
    code, out, err = run("tune", "--format", "json")
    document = json.loads(out)
    assert code == 0
    assert (document["index"], document["current"], document["best"]) == (
        "musicnn",
        "plain",
        "plain",
    )
    assert [index["index"] for index in document["indexes"]] == ["plain", "whitened"]
    assert document["lacking"] == {"spread": 24, "batch-norm": 24}
    assert "24 tracks would have to be embedded again" in err
    assert "no recipe is better than the plain one" in err


def test_an_index_that_has_the_best_recipe_is_left_alone(run, tmp_path: Path) -> None:
    folder = plant_tracks(tmp_path, styles(artists=8, tracks=3))
    before = Manifest.read(folder)
    run.indexes = tmp_path
    code, _, _ = run("tune", "--apply")
    assert code == 0
    assert Manifest.read(folder) == before
