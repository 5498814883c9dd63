"""`evaluate`: real index folders against a truth file."""

import json

import numpy as np
import pytest

from artistindex import evaluate
from artistindex.errors import BrokenIndex, Misuse
from artistindex.index.reader import ArtistIndex
from truths import write_truth

LISTS = {f"Artist {at}": [f"Artist {(at + step) % 20}" for step in (1, 2, 3)] for at in range(20)}


@pytest.fixture
def truth(tmp_path):
    return write_truth(tmp_path / "truth.json", LISTS)


def test_the_json_shape(planted, truth):
    document = evaluate([planted(), planted(model="musicnn", seed=1)], truth).to_json()
    assert document["truth"] == str(truth)
    assert [index["index"] for index in document["indexes"]] == ["vggish", "musicnn"]
    index = document["indexes"][0]
    assert (index["queries"], index["pool"], index["coverage"]) == (20, 20, 1.0)
    for k in (5, 10):
        for name in (
            "overlap",
            "open_overlap",
            "precision",
            "recall",
            "ndcg",
            "graded_ndcg",
            "hit",
        ):
            metric = index["metrics"][f"{name}@{k}"]
            assert {"value", "low", "high", "chance", "ceiling", "pool"} <= metric.keys()
            assert metric["low"] <= metric["value"] <= metric["high"] <= 1
    assert {"mrr", "pearson", "spearman"} <= index["metrics"].keys()
    json.dumps(document, allow_nan=False)


def test_per_artist_detail_adds_up_to_the_means(planted, truth):
    evaluation = evaluate([planted()], truth)
    document = evaluation.to_json(per_artist=True)["indexes"][0]
    assert len(document["artists"]) == 20
    for name in ("overlap@5", "ndcg@10", "mrr"):
        mean = np.mean([artist["metrics"][name] for artist in document["artists"]])
        assert mean == pytest.approx(document["metrics"][name]["value"])
    first = document["artists"][0]
    with ArtistIndex.open(planted()) as index:
        answers = [neighbour.artist for neighbour in index.neighbours(first["artist"], 10)]
    assert first["nearest"] == answers
    assert first["music_map"] == LISTS[first["artist"]]


def test_the_seed_decides(planted, truth):
    folder = planted()
    first, same, second = (
        evaluate([folder], truth, seed=seed).to_json()["indexes"] for seed in (1, 1, 2)
    )
    assert first == same
    assert first != second


def test_an_open_index_will_do(planted, truth, monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "0")  # the second may pass between the two
    with ArtistIndex.open(planted()) as index:
        assert evaluate([index], truth).to_json() == evaluate([index.path], truth).to_json()


def test_a_default_k_beyond_the_pool_is_said_to_mean_nothing(planted, tmp_path):
    truth = write_truth(
        tmp_path / "small.json", {"Artist 0": ["Artist 1"], "Artist 2": ["Artist 1"]}
    )
    evaluation = evaluate([planted(count=6)], truth)
    metric = evaluation.indexes[0].metrics["overlap@10"]
    assert (metric.value, metric.chance) == (1, 1)
    assert not metric.beats_chance
    assert any("k = 10 takes in all 5 candidates" in note for note in evaluation.notes)
    assert any("2 queries are few" in note for note in evaluation.notes)
    with pytest.raises(Misuse, match="k = 6 is larger than the pool of vggish, where 5 artists"):
        evaluate([planted(count=6)], truth, ks=[6])


def test_strengths_that_are_no_numbers_spoil_nothing(planted, tmp_path):
    path = tmp_path / "nan.json"
    write_truth(path, {"Artist 0": {"Artist 1": float("nan"), "Artist 2": 3.0, "Artist 3": -1.0}})
    evaluation = evaluate([planted()], path)
    assert "2 listed artists have no strength" in evaluation.notes[0]
    json.dumps(evaluation.to_json(), allow_nan=False)


def test_correlations_need_something_that_varies(planted, tmp_path):
    path = write_truth(tmp_path / "flat.json", {"Artist 0": dict.fromkeys(["Artist 1"], 2.0)})
    metric = evaluate([planted()], path).indexes[0].metrics["spearman"]
    assert (metric.value, metric.low, metric.high, metric.chance) == (None, None, None, 0)


def test_a_missing_index(tmp_path, truth):
    with pytest.raises(BrokenIndex, match="no index at"):
        evaluate([tmp_path / "none"], truth)
