"""Fusions and transforms, judged as indexes are."""

import json

from planted_library import plant_tracks, styles


def truth(path, world):
    """Lists that put artists of nearby numbers close."""
    listed = {
        name: {
            "status": "success",
            "similar_artists": [
                {
                    "name": f"Artist {(at + step) % 12}",
                    "rank": step,
                    "relationship_strength": 9 - step,
                }
                for step in range(1, 6)
            ],
            "total_count": 5,
        }
        for at, name in enumerate(world)
    }
    path.write_text(json.dumps(listed))
    return path


def test_fusions_are_held_against_music_map(run, tmp_path) -> None:
    plant_tracks(run.indexes, styles(), models={"vggish": styles(seed=1)})
    lists = truth(tmp_path / "truth.json", styles())
    code, out, _ = run("evaluate", "--truth", lists, "--fused", "--k", 3, "--format", "json")
    document = json.loads(out)
    assert code == 0
    assert {entry["index"] for entry in document["indexes"]} == {
        "musicnn", "vggish", "fused by rrf", "fused by score",
    }  # fmt: skip
    pairs = {tuple(entry["indexes"]) for entry in document["differences"]}
    assert ("fused by rrf", "vggish") in pairs
    assert run("evaluate", "--truth", lists, "--fused", "--index", "vggish")[0] == 2


def test_compare_shows_transforms_side_by_side(run, tmp_path) -> None:
    plant_tracks(run.indexes, styles(), transform="all-but-the-top")
    lists = truth(tmp_path / "truth.json", styles())
    code, out, _ = run("compare", "musicnn", "--transforms", "--truth", lists, "--k", 3,
                       "--format", "json")  # fmt: skip
    document = json.loads(out)
    assert code == 0
    assert list(document["hubness"]) == [
        "none",
        "centre",
        "all-but-the-top",
        "whiten",
        "whiten-tracks",
    ]
    assert len(document["evaluation"]["indexes"]) == 5
    assert [entry["indexes"] for entry in document["differences"]] == [
        ["centre", "none"],
        ["all-but-the-top", "none"],
        ["whiten", "none"],
        ["whiten-tracks", "none"],
    ]
    _, table, _ = run("compare", "--transforms")
    assert "artist retrieval" in table
    assert run("compare", "musicnn", "vggish", "--transforms")[0] == 2
    assert run("compare", "--transforms", "--report", tmp_path / "r")[0] == 2
