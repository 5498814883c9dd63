"""Indexes held against truths of other shapes than music-map's."""

import json

import numpy as np
import pytest

from artistindex import compare, evaluate
from artistindex.entities import Artist, VectorKey
from artistindex.errors import Misuse
from artistindex.index.writer import write_index

COUNT = 24
MBIDS = [f"{at:08d}-0000-4000-8000-{at:012d}" for at in range(COUNT)]


@pytest.fixture(scope="module")
def rings(tmp_path_factory):
    """Two indexes, of artists on a ring and of the same artists anywhere; and a namesake."""
    folder = tmp_path_factory.mktemp("rings")
    angles = 2 * np.pi * np.arange(COUNT) / COUNT
    ring = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    noise = np.random.default_rng(3).normal(size=(COUNT, 2)).astype(np.float32)
    artists = [
        Artist("Twin" if at < 2 else f"Artist {at}", {"musicbrainz": MBIDS[at]})
        for at in range(COUNT)
    ]
    for name, vectors in (("ring", ring), ("noise", noise)):
        key = VectorKey(name, "c" * 64)
        write_index(folder / name, key=key, artists=artists, vectors=vectors)
    return folder


def by_ids() -> str:
    return "".join(
        f"{MBIDS[at]}\t{MBIDS[at - 1]} {MBIDS[(at + 1) % COUNT]}\n" for at in range(COUNT)
    )


def test_ids_find_namesakes_too(rings, tmp_path):
    truth = tmp_path / "gold.txt"
    truth.write_text(by_ids())
    evaluation = evaluate([rings / "ring"], truth, ks=[2], resamples=50)
    (index,) = evaluation.indexes
    assert len(index.protocol.queries) == COUNT  # the two called Twin among them
    assert index.metrics["overlap@2"].value == 1
    assert index.protocol.names_in_pool == COUNT
    assert evaluation.judge == "the truth"
    assert "pearson" not in index.metrics
    assert evaluation.to_json()["read_as"] == {
        "format": "lists of MusicBrainz ids",
        "queries": COUNT,
        "pairs": 2 * COUNT,
        "names": COUNT,
        "is_ranked": True,
        "is_graded": False,
    }


def test_an_artist_listed_by_name_and_by_id_counts_once(rings, tmp_path):
    truth = tmp_path / "lists.json"
    listed = ["Artist 3", MBIDS[3], f"musicbrainz:{MBIDS[2]}", "Artist 5", "Twin"]
    truth.write_text(json.dumps({"Artist 2": listed}))
    (index,) = evaluate([rings / "ring"], truth, ks=[2], resamples=10).indexes
    (query,) = index.protocol.queries
    assert (query.rows.tolist(), query.places.tolist()) == ([3, 5], [1, 4])


def test_labels_have_no_order(rings, tmp_path):
    truth = tmp_path / "labels.csv"
    rows = [f"Artist {at},{'left' if at < COUNT // 2 else 'right'}" for at in range(2, COUNT)]
    truth.write_text("\n".join(["artist,genre", *rows]))
    comparison = compare([rings / "ring", rings / "noise"], truth=truth, ks=[3], resamples=200)
    metrics = comparison.evaluations[0].metrics
    assert metrics.keys() == {"precision@3", "recall@3", "ndcg@3", "hit@3", "mrr"}
    assert comparison.headline == "recall@3"
    assert comparison.verdict.better == "ring"
    assert comparison.verdict.headline == "ring agrees better with the truth than noise."
    assert "music-map" not in json.dumps(comparison.to_json()["verdict"])


def test_fusions_are_compared_too(rings, tmp_path):
    truth = tmp_path / "gold.txt"
    truth.write_text(by_ids())
    folders = [rings / "ring", rings / "noise"]
    comparison = compare(folders, truth=truth, ks=[2], is_fused=True, resamples=50)
    names = [evaluation.index for evaluation in comparison.evaluations]
    assert names == ["ring", "noise", "fused by rrf", "fused by score"]
    assert comparison.difference("fused by score", "noise", "overlap@2").value > 0
    assert comparison.names == ["ring", "noise"]
    with pytest.raises(Misuse, match="judged by a truth"):
        compare(folders, is_fused=True)


def test_a_result_says_what_it_can_be_repeated_by(rings, tmp_path, monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1763942400")
    truth = tmp_path / "gold.txt"
    truth.write_text(by_ids())
    evaluation = evaluate([rings / "ring"], truth, ks=[2], seed=7, resamples=10)
    provenance = evaluation.to_json()["provenance"]
    assert (provenance["seed"], provenance["resamples"]) == (7, 10)
    assert provenance["date"] == "2025-11-24T00:00:00+00:00"
    assert provenance["indexes"][0]["weights_sha256"] == "c" * 64
    assert len(provenance["truth_sha256"]) == 64
    assert {"artistindex", "python", "numpy"} <= provenance["versions"].keys()
    assert evaluation.provenance is not None
    assert any("c" * 64 in sentence for sentence in evaluation.provenance.sentences())
