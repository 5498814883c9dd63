"""`compare`: what is said of two indexes, on planted vectors."""

import json

import numpy as np
import pytest

from artistindex import compare
from artistindex.entities import Artist, Failure, Track, TrackVector, VectorKey
from artistindex.errors import BrokenIndex, Misuse, UnknownArtist
from artistindex.evaluation.expected_pairs import EXPERIMENT
from artistindex.library.library import FILE_NAME, Library
from truths import write_truth

COUNT = 60


@pytest.fixture
def vectors():
    drawn = np.random.default_rng(5).normal(size=(COUNT, 12))
    return {f"Artist {at}": row.astype(np.float32) for at, row in enumerate(drawn)}


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
    found = compare(good_and_bad, truth=truth)
    verdict = found.verdict
    assert verdict.better == "discogs-effnet"
    assert verdict.metric == "overlap@10"
    assert verdict.headline == "discogs-effnet agrees better with music-map than vggish."
    difference = found.difference("discogs-effnet", "vggish", "overlap@10")
    assert difference.value > 0.5
    assert f"{100 * difference.value:+.1f} points" in verdict.sentences[1]
    assert "excludes zero" in verdict.sentences[1]
    assert found.difference("vggish", "discogs-effnet", "overlap@10").value == -difference.value


def test_of_two_random_indexes_the_luckier_is_not_better(planted, truth):
    """By luck alone, one of two random indexes may be clearly ahead of the other."""
    for seed in range(12):
        folders = [planted(count=COUNT, model=m, seed=2 * seed + at) for at, m in enumerate("cd")]
        found = compare(folders, truth=truth, resamples=500)
        judged = found.evaluation.indexes
        if not any(each.metrics[found.headline].beats_chance for each in judged):
            assert found.verdict.better is None


def test_two_random_indexes_are_not_told_apart(planted, truth):
    folders = [planted(count=COUNT, model=model, seed=at) for at, model in enumerate(("a", "b"), 2)]
    verdict = compare(folders, truth=truth).verdict
    assert verdict.better is None
    assert verdict.headline == (
        "No index is shown to agree with music-map better than chance does."
    )
    assert any("Not shown to be better than chance" in line for line in verdict.sentences)


def test_without_a_truth_nothing_is_judged(good_and_bad):
    found = compare(good_and_bad)
    assert found.verdict.better is None
    assert "No truth was given" in found.verdict.headline
    assert found.to_json()["evaluation"] is None
    overlap = {one.index: one for one in found.criteria if one.name.startswith("overlap")}
    assert overlap["vggish"].passed is None


def test_the_spread_is_that_of_all_pairs(good_and_bad, vectors):
    found = compare(good_and_bad).spreads["discogs-effnet"]
    rows = np.array(list(vectors.values()), np.float64)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    values = (rows @ rows.T)[np.triu_indices(COUNT, 1)]
    assert (found.low, found.high) == pytest.approx((values.min(), values.max()), abs=1e-6)
    assert (found.mean, found.deviation) == pytest.approx((values.mean(), values.std()), abs=1e-6)
    assert found.pairs == sum(found.counts) == len(values)
    assert found.range == pytest.approx(np.ptp(values), abs=1e-6)


def test_an_index_agrees_with_itself(planted, vectors):
    found = compare([planted(vectors, model="a"), planted(vectors, model="b")])
    (agreement,) = found.agreements
    assert [one.value for one in agreement.overlaps.values()] == [1, 1]
    assert agreement.rbo.value == pytest.approx(1)
    assert all(one.only_first == one.only_second == () for one in found.disagreements)


def test_unlike_indexes_agree_as_by_chance(good_and_bad):
    (agreement,) = compare(good_and_bad).agreements
    for k, found in agreement.overlaps.items():
        assert found.chance == pytest.approx(k / (COUNT - 1))
        assert found.value == pytest.approx(found.chance, abs=0.05)
    assert agreement.rbo.value == pytest.approx(agreement.rbo.chance, abs=0.05)


def test_disagreement_is_worst_first_and_names_who_only_one_has(good_and_bad):
    found = compare(good_and_bad, ks=[5])
    assert [one.rbo for one in found.disagreements] == sorted(
        one.rbo for one in found.disagreements
    )
    for one in found.disagreements:
        assert len(one.only_first) == len(one.only_second) <= 5
        assert not set(one.only_first) & set(one.only_second)


def test_only_shared_artists_are_compared(planted, vectors, truth):
    some = dict(list(vectors.items())[:40])
    more = dict(list(vectors.items())[20:])
    found = compare([planted(some, model="a"), planted(more, model="b")], truth=truth)
    assert list(found.artists) == [f"Artist {at}" for at in range(20, 40)]
    assert found.left_out == {"a": 20, "b": 20}
    assert all(one.protocol.candidates == 19 for one in found.evaluation.indexes)


def test_pairs_by_range_and_by_level(planted, vectors, tmp_path):
    pairs = tmp_path / "pairs.csv"
    pairs.write_text("Artist 0,Artist 1,-1-1\nArtist 0,Artist 1,0.99-1\nArtist 0,ARTIST 1,high\n")
    close = {**vectors, "Artist 1": vectors["Artist 0"] * 3 + vectors["Artist 2"] * 0.9}
    found = compare([planted(close, model="a"), planted(vectors, model="b")], pairs=pairs).pairs
    assert [one.index for one in found] == ["a"] * 3 + ["b"] * 3
    assert [one.is_met for one in found[:3]] == [True, False, True]
    assert 90 < found[0].percentile <= 100
    assert found[0].cosine > 0.9


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
    found = compare([], similarities=files, truth=truth, pairs=EXPERIMENT)
    assert found.ks == (5,)
    by_pair = {(one.index, one.pair.first): one for one in found.pairs}
    for artist, cosine in (("Vril", 0.711), ("Calibre", 0.962), ("TroyBoi", 0.891)):
        assert by_pair["VGGish 2025", artist].cosine == pytest.approx(cosine, abs=5e-4)
    criteria = {(one.index, one.name): one for one in found.criteria}
    assert criteria["VGGish 2025", "expected pairs"].value == 0
    spread = criteria["VGGish 2025", "range of similarities"]
    assert spread.value == pytest.approx(0.263, abs=5e-4)
    assert not spread.passed
    assert "proves nothing alone" in spread.note
    judged = found.evaluation_of("VGGish 2025")
    assert judged.metrics["recall@5"].chance == pytest.approx(5 / 7)
    # the old 0%: nobody's first five on music-map are among the eight at all
    assert judged.metrics["open_overlap@5"].value == 0
    assert judged.metrics["open_overlap@5"].ceiling == 0
    assert found.verdict.better is None


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
    drawn = np.random.default_rng(0).normal(size=(8, 4)).astype(np.float32)
    index = planted(dict(zip(eight, drawn, strict=True)))
    files = {"MERT": shared / "spikes" / "spike_5_similarities.json"}
    found = compare([index], similarities=files, pairs=EXPERIMENT)
    assert found.names == ["vggish", "MERT"]
    assert len(found.artists) == 8


def test_the_library_beside_an_index_tells_what_was_extracted(planted, tmp_path):
    folder = planted(count=3)
    key = VectorKey("vggish", "0" * 64)
    with Library.open(folder.parent / FILE_NAME) as library:
        for at in range(8):
            path = tmp_path / f"{at}.wav"
            track = Track((Artist(f"Artist {at % 3}"),), f"Song {at}", path=path)
            found = library.upsert_file(track, size=1, mtime_ns=1)
            if at < 6:
                made = TrackVector(key, np.ones(8, np.float32), 1, "essentia")
                library.add_embedding(
                    found, audio_sha256=f"{at:064d}", duration=9.0, vectors=[made]
                )
            else:
                failure = Failure(str(path), "decode", "broken")
                library.add_failure(
                    failure, track_id=found, model="vggish" if at == 6 else "musicnn"
                )
    found = compare([folder, planted(count=3, model="musicnn")])
    extracted = {one.index: one for one in found.criteria if one.name == "tracks extracted"}
    assert extracted["vggish"].detail == "6 of 7 tracks"
    assert extracted["vggish"].value == pytest.approx(6 / 7)
    assert extracted["vggish"].passed
    assert (extracted["musicnn"].value, extracted["musicnn"].passed) == (0, False)


def test_three_indexes(good_and_bad, planted, truth):
    found = compare([*good_and_bad, planted(count=COUNT, model="musicnn", seed=3)], truth=truth)
    assert len(found.agreements) == 3
    assert found.verdict.better == "discogs-effnet"
    assert {pair[:2] for pair in found.differences} == {
        ("discogs-effnet", "vggish"),
        ("discogs-effnet", "musicnn"),
        ("vggish", "musicnn"),
    }


def test_json_is_json(good_and_bad, truth):
    json.dumps(compare(good_and_bad, truth=truth).to_json(), allow_nan=False)


def test_two_artists_are_enough(planted):
    found = compare([planted(count=2, model="a"), planted(count=2, model="b", seed=1)])
    assert found.ks == (1,)
    json.dumps(found.to_json(), allow_nan=False)


def test_nothing_to_compare(planted, vectors, tmp_path):
    one = planted(vectors)
    with pytest.raises(Misuse, match="at least two indexes to compare, not 1"):
        compare([one])
    other = planted({"X": np.ones(2, np.float32), "Artist 0": np.ones(2, np.float32)}, model="a")
    with pytest.raises(
        Misuse, match=r"need two artists in common, not 1 .*vggish has Artist 0.*a has X"
    ):
        compare([one, other])
    with pytest.raises(BrokenIndex):
        compare([one, tmp_path / "none"])
