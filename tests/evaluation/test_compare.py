"""`compare`: what is said of two indexes, on planted vectors."""

import json

import numpy as np
import pytest

from artistindex import compare
from artistindex.entities import Artist, Failure, Track, TrackVector
from artistindex.errors import BrokenIndex, Misuse, UnknownArtist
from artistindex.evaluation.expected_pairs import EXPERIMENT
from artistindex.index.manifest import Manifest
from artistindex.library.library import FILE_NAME, Library
from truths import write_truth

COUNT = 60


@pytest.fixture
def vectors():
    rows = np.random.default_rng(5).normal(size=(COUNT, 12))
    return {f"Artist {at}": row.astype(np.float32) for at, row in enumerate(rows)}


@pytest.fixture
def truth(tmp_path, vectors):
    """Everybody's ten nearest by the planted vectors."""
    names, rows = list(vectors), np.array(list(vectors.values()))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    order = np.argsort(-(rows @ rows.T), axis=1)[:, 1:11]
    lists = {names[at]: [names[row] for row in line] for at, line in enumerate(order)}
    return write_truth(tmp_path / "truth.json", lists)


@pytest.fixture
def good_and_bad(planted, vectors):
    return [
        planted(vectors, model="discogs-effnet"),
        planted(count=COUNT, model="vggish", seed=9, dimension=6),
    ]


def test_the_better_index_is_named_with_how_much_and_how_sure(good_and_bad, truth):
    comparison = compare(good_and_bad, truth=truth)
    verdict = comparison.verdict
    assert verdict.better == "discogs-effnet"
    assert verdict.metric == "overlap@10"
    assert verdict.headline == "discogs-effnet agrees better with music-map than vggish."
    difference = comparison.difference("discogs-effnet", "vggish", "overlap@10")
    assert difference.value > 0.5
    assert f"{100 * difference.value:+.1f} points" in verdict.sentences[1]
    assert "excludes zero" in verdict.sentences[1]
    other_way = comparison.difference("vggish", "discogs-effnet", "overlap@10")
    assert other_way.value == -difference.value


def test_of_two_random_indexes_the_luckier_is_not_better(planted, truth):
    """By luck alone, one of two random indexes may be clearly ahead of the other."""
    for seed in range(12):
        folders = [planted(count=COUNT, model=m, seed=2 * seed + at) for at, m in enumerate("cd")]
        comparison = compare(folders, truth=truth, resamples=500)
        assert comparison.evaluation is not None
        evaluations = comparison.evaluation.indexes
        if not any(index.metrics[comparison.headline].beats_chance for index in evaluations):
            assert comparison.verdict.better is None


def test_two_random_indexes_are_not_told_apart(planted, truth):
    folders = [planted(count=COUNT, model=model, seed=at) for at, model in enumerate(("a", "b"), 2)]
    verdict = compare(folders, truth=truth).verdict
    assert verdict.better is None
    assert verdict.headline == (
        "No index is shown to agree with music-map better than chance does."
    )
    assert any("Not shown to be better than chance" in line for line in verdict.sentences)


def test_without_a_truth_nothing_is_judged(good_and_bad):
    comparison = compare(good_and_bad)
    assert comparison.verdict.better is None
    assert "No truth was given" in comparison.verdict.headline
    assert comparison.to_json()["evaluation"] is None
    overlap = {
        criterion.index: criterion
        for criterion in comparison.criteria
        if criterion.name.startswith("overlap")
    }
    assert overlap["vggish"].passed is None


def test_the_spread_is_that_of_all_pairs(good_and_bad, vectors):
    spread = compare(good_and_bad).spreads["discogs-effnet"]
    rows = np.array(list(vectors.values()), np.float64)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    values = (rows @ rows.T)[np.triu_indices(COUNT, 1)]
    assert (spread.low, spread.high) == pytest.approx((values.min(), values.max()), abs=1e-6)
    assert (spread.mean, spread.deviation) == pytest.approx((values.mean(), values.std()), abs=1e-6)
    assert spread.pairs == sum(spread.counts) == len(values)
    assert spread.range == pytest.approx(np.ptp(values), abs=1e-6)


def test_an_index_agrees_with_itself(planted, vectors):
    comparison = compare([planted(vectors, model="a"), planted(vectors, model="b")])
    (agreement,) = comparison.agreements
    assert [overlap.value for overlap in agreement.overlaps.values()] == [1, 1]
    assert agreement.rbo.value == pytest.approx(1)
    for disagreement in comparison.disagreements:
        assert disagreement.only_first == disagreement.only_second == ()


def test_unlike_indexes_agree_as_by_chance(good_and_bad):
    (agreement,) = compare(good_and_bad).agreements
    for k, overlap in agreement.overlaps.items():
        assert overlap.chance == pytest.approx(k / (COUNT - 1))
        assert overlap.value == pytest.approx(overlap.chance, abs=0.05)
    assert agreement.rbo.value == pytest.approx(agreement.rbo.chance, abs=0.05)


def test_disagreement_is_worst_first_and_names_who_only_one_has(good_and_bad):
    comparison = compare(good_and_bad, ks=[5])
    assert [disagreement.rbo for disagreement in comparison.disagreements] == sorted(
        disagreement.rbo for disagreement in comparison.disagreements
    )
    for disagreement in comparison.disagreements:
        assert len(disagreement.only_first) == len(disagreement.only_second) <= 5
        assert not set(disagreement.only_first) & set(disagreement.only_second)


def test_only_shared_artists_are_compared(planted, vectors, truth):
    some = dict(list(vectors.items())[:40])
    more = dict(list(vectors.items())[20:])
    comparison = compare([planted(some, model="a"), planted(more, model="b")], truth=truth)
    assert list(comparison.artists) == [f"Artist {at}" for at in range(20, 40)]
    assert comparison.left_out == {"a": 20, "b": 20}
    assert comparison.evaluation is not None
    assert all(index.protocol.candidates == 19 for index in comparison.evaluation.indexes)


def test_pairs_by_range_and_by_level(planted, vectors, tmp_path):
    pairs = tmp_path / "pairs.csv"
    pairs.write_text("Artist 0,Artist 1,-1-1\nArtist 0,Artist 1,0.99-1\nArtist 0,ARTIST 1,high\n")
    close = {**vectors, "Artist 1": vectors["Artist 0"] * 3 + vectors["Artist 2"] * 0.9}
    similarities = compare(
        [planted(close, model="a"), planted(vectors, model="b")], pairs=pairs
    ).pairs
    assert [similarity.index for similarity in similarities] == ["a"] * 3 + ["b"] * 3
    assert [similarity.is_met for similarity in similarities[:3]] == [True, False, True]
    assert 90 < similarities[0].percentile <= 100
    assert similarities[0].cosine > 0.9


def test_pairs_nobody_has(good_and_bad, tmp_path):
    pairs = tmp_path / "pairs.csv"
    pairs.write_text("Artist 0,Artist 111,low\n")
    with pytest.raises(UnknownArtist, match="'Artist 111', whom none") as raised:
        compare(good_and_bad, pairs=pairs)
    assert "Artist 11" in raised.value.closest


def test_the_experiments_own_results(shared, tmp_path):
    files = {
        "VGGish 2025": shared / "spikes" / "spike_4_similarities.json",
        "MERT": shared / "spikes" / "spike_5_similarities.json",
    }
    truth = shared / "musicmap" / "similar_artists_map.json"
    comparison = compare([], similarities=files, truth=truth, pairs=EXPERIMENT)
    assert comparison.ks == (5,)
    by_pair = {(entry.index, entry.pair.first): entry for entry in comparison.pairs}
    for artist, cosine in (("Vril", 0.711), ("Calibre", 0.962), ("TroyBoi", 0.891)):
        assert by_pair["VGGish 2025", artist].cosine == pytest.approx(cosine, abs=5e-4)
    criteria = {(entry.index, entry.name): entry for entry in comparison.criteria}
    assert criteria["VGGish 2025", "expected pairs"].value == 0
    spread = criteria["VGGish 2025", "range of similarities"]
    assert spread.value == pytest.approx(0.263, abs=5e-4)
    assert not spread.passed
    assert "proves nothing alone" in spread.note
    evaluation = comparison.evaluation_of("VGGish 2025")
    assert evaluation.metrics["recall@5"].chance == pytest.approx(5 / 7)
    # the old 0%: nobody's first five on music-map are among the eight at all
    assert evaluation.metrics["open_overlap@5"].value == 0
    assert evaluation.metrics["open_overlap@5"].ceiling == 0
    assert comparison.verdict.better is None


def test_an_index_beside_the_experiments_results(shared, planted):
    eight = [
        "Vril",
        "Calibre",
        "deadmau5",
        "Rezz",
        "TroyBoi",
        "IMANU",
        "PEEKABOO",
        "Sabrina Carpenter",
    ]
    rows = np.random.default_rng(0).normal(size=(8, 4)).astype(np.float32)
    index = planted(dict(zip(eight, rows, strict=True)))
    files = {"MERT": shared / "spikes" / "spike_5_similarities.json"}
    comparison = compare([index], similarities=files, pairs=EXPERIMENT)
    assert comparison.names == ["vggish", "MERT"]
    assert len(comparison.artists) == 8


def test_the_library_beside_an_index_tells_what_was_extracted(planted, tmp_path):
    folder = planted(count=3)
    key = Manifest.read(folder).key
    with Library.open(folder.parent / FILE_NAME) as library:
        for at in range(8):
            path = tmp_path / f"{at}.wav"
            track = Track((Artist(f"Artist {at % 3}"),), f"Song {at}", path=path)
            file_id = library.upsert_file(track, size=1, mtime_ns=1)
            if at < 6:
                vector = TrackVector(key, np.ones(8, np.float32), 1, "essentia")
                library.add_embedding(
                    file_id, audio_sha256=f"{at:064d}", duration=9.0, vectors=[vector]
                )
            else:
                failure = Failure(str(path), "decode", "broken")
                library.add_failure(
                    failure, track_id=file_id, model="vggish" if at == 6 else "musicnn"
                )
    comparison = compare([folder, planted(count=3, model="musicnn")])
    extracted = {
        criterion.index: criterion
        for criterion in comparison.criteria
        if criterion.name == "tracks extracted"
    }
    assert extracted["vggish"].detail == "6 of 7 tracks"
    assert extracted["vggish"].value == pytest.approx(6 / 7)
    assert extracted["vggish"].passed
    assert (extracted["musicnn"].value, extracted["musicnn"].passed) == (0, False)


def test_three_indexes(good_and_bad, planted, truth):
    comparison = compare(
        [*good_and_bad, planted(count=COUNT, model="musicnn", seed=3)], truth=truth
    )
    assert len(comparison.agreements) == 3
    assert comparison.verdict.better == "discogs-effnet"
    assert {pair[:2] for pair in comparison.differences} == {
        ("discogs-effnet", "vggish"),
        ("discogs-effnet", "musicnn"),
        ("vggish", "musicnn"),
    }


def test_json_is_json(good_and_bad, truth):
    json.dumps(compare(good_and_bad, truth=truth).to_json(), allow_nan=False)


def test_two_artists_are_enough(planted):
    comparison = compare([planted(count=2, model="a"), planted(count=2, model="b", seed=1)])
    assert comparison.ks == (1,)
    json.dumps(comparison.to_json(), allow_nan=False)


def test_nothing_to_compare(planted, vectors, tmp_path):
    first = planted(vectors)
    with pytest.raises(Misuse, match="at least two indexes to compare, not 1"):
        compare([first])
    second = planted({"X": np.ones(2, np.float32), "Artist 0": np.ones(2, np.float32)}, model="a")
    with pytest.raises(
        Misuse, match=r"need two artists in common, not 1 .*vggish has Artist 0.*a has X"
    ):
        compare([first, second])
    with pytest.raises(BrokenIndex):
        compare([first, tmp_path / "none"])
