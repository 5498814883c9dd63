"""Does a held-out track find its artist? On tracks whose true ranking is known."""

import json

import numpy as np
import pytest

from artistindex.errors import BrokenLibrary, Misuse
from artistindex.evaluation import chance
from artistindex.evaluation.artist_retrieval import (
    artist_retrieval,
    compare_rankers,
    compare_transforms,
    retrieve,
)
from artistindex.evaluation.track_pool import TrackPool, by_centroid
from planted_library import plant_tracks, pool_of, styles

X, Y, Z = np.eye(3)


# -- the protocol --------------------------------------------------------------------------------


def test_metrics_are_those_worked_out_by_hand() -> None:
    """B's tracks find B at once; A's two look away from each other and come in last of three."""
    pool = pool_of({"A": [X, -X], "B": [Y, Y + 0.1 * Z], "C": [X + Y]})
    retrieval = retrieve("musicnn", pool, by_centroid(pool))
    assert retrieval.queries == 4
    assert retrieval.left_out == {"no other track of the artist": 1}
    assert retrieval.candidates == 3
    assert retrieval.metrics["hit@1"].value == 0.5
    assert retrieval.metrics["mrr"].value == pytest.approx((1 / 3 + 1 / 3 + 1 + 1) / 4)
    expected = (0.5 + 0.5 + 1 + 1) / 4
    assert retrieval.metrics["ndcg"].value == pytest.approx(expected)
    assert retrieval.metrics["hit@1"].chance == pytest.approx(1 / 3)
    assert retrieval.metrics["mrr"].chance == pytest.approx((1 + 1 / 2 + 1 / 3) / 3)
    assert [artist["artist"] for artist in retrieval.per_artist()] == ["A", "B"]
    assert retrieval.per_artist()[0]["metrics"]["mrr"] == pytest.approx(1 / 3)


def test_a_perfect_space_scores_one_and_a_random_one_chance() -> None:
    perfect = pool_of(styles(spread=0.01))
    retrieval = retrieve("perfect", perfect, by_centroid(perfect), ks=(3,))
    assert [estimate.value for estimate in retrieval.metrics.values()] == [1.0] * 4
    draw = np.random.default_rng(1)
    pool = pool_of({f"A{at}": draw.normal(size=(6, 30)) for at in range(40)})
    lost = retrieve("random", pool, lambda track: draw.normal(size=40), ks=(3,))
    for estimate in lost.metrics.values():
        assert estimate.value is not None
        assert estimate.chance_low is not None
        assert estimate.chance_high is not None
        assert estimate.chance_low - 0.02 < estimate.value < estimate.chance_high + 0.02


def test_a_tie_counts_against() -> None:
    pool = pool_of({"A": [X, X + 1e-9], "B": [X], "C": [Y]})
    retrieval = retrieve("tied", pool, lambda track: np.ones(3))
    assert retrieval.metrics["mrr"].value == pytest.approx(1 / 3)


def test_a_shared_track_is_right_for_each_of_its_artists() -> None:
    pool = pool_of({"A": [X, X + 0.1 * Y], "B": [Z, Z + 0.1 * Y], "C": [Y]})
    owned = pool.credits.copy()
    owned[1, 0] = True  # A's first is by B too
    shared = TrackPool.of_credits(pool.artists, pool.ids, owned, pool.recordings, pool.vectors)
    retrieval = retrieve("shared", shared, by_centroid(shared))
    assert retrieval.column("hit@1")[0] == 1.0
    alone = chance.hit(2, 3, 1).mean
    assert retrieval.metrics["hit@1"].chance == pytest.approx((alone + 3 / 3) / 4)


def test_nobody_with_two_tracks_is_misuse() -> None:
    pool = pool_of({"A": [X], "B": [Y]})
    with pytest.raises(Misuse, match="nothing can be held out"):
        retrieve("none", pool, by_centroid(pool))


def test_differences_are_against_the_one_named() -> None:
    pool = pool_of(styles(spread=1.5))
    scorers = {
        "plain": by_centroid(pool),
        "blind": lambda track: np.arange(12.0),
        "again": by_centroid(pool),
    }
    comparison = compare_rankers(pool, scorers, against="plain")
    assert set(comparison.differences) == {("blind", "plain"), ("again", "plain")}
    assert comparison.differences["again", "plain"].value == 0.0
    worse = comparison.differences["blind", "plain"]
    assert worse.value < 0
    assert worse.is_clear
    assert worse.p < 0.05
    assert len(compare_rankers(pool, scorers).differences) == 3


# -- indexes and the command line ----------------------------------------------------------------


def test_indexes_are_judged_on_the_same_tracks(tmp_path) -> None:
    folder = plant_tracks(tmp_path, styles(), models={"vggish": styles(spread=3, seed=1)}).parent
    comparison = artist_retrieval([folder / "musicnn", folder / "vggish"], is_fused=True)
    assert [retrieval.index for retrieval in comparison.retrievals] == [
        "musicnn",
        "vggish",
        "fused by rrf",
        "fused by score",
    ]
    assert {retrieval.queries for retrieval in comparison.retrievals} == {60}
    assert comparison.differences["vggish", "musicnn"].is_clear
    assert len(comparison.differences) == 6


def test_same_audio_in_the_library_never_helps(tmp_path) -> None:
    """Both of A's tracks are one recording, though their vectors differ: no query."""
    world = {"A": [X, Y], "B": [Z, Z + 0.5 * Y], "C": [X + Y, X - Y]}
    folder = plant_tracks(tmp_path, world, hashes={"A 1": "same", "A 2": "same"})
    (retrieval,) = artist_retrieval([folder]).retrievals
    assert retrieval.queries == 4
    assert retrieval.left_out == {"no other track of the artist": 2}


def test_every_transform_is_compared_with_none(tmp_path) -> None:
    comparison = compare_transforms(plant_tracks(tmp_path, styles(), transform="centre"))
    assert [retrieval.index for retrieval in comparison.retrievals] == [
        "none",
        "centre",
        "all-but-the-top",
        "whiten",
        "whiten-tracks",
    ]
    assert {other for _, other in comparison.differences} == {"none"}


def test_evaluate_holds_tracks_out(run) -> None:
    plant_tracks(run.indexes, styles(), models={"vggish": styles(seed=1)})
    code, out, err = run("evaluate", "--artist-retrieval", "--fused", "--format", "json")
    document = json.loads(out)
    assert code == 0
    assert document["protocol"] == "artist retrieval"
    names = [index["index"] for index in document["indexes"]]
    assert names[2:] == ["fused by rrf", "fused by score"]
    assert document["indexes"][0]["metrics"]["hit@1"].keys() >= {"value", "low", "high", "chance"}
    assert "60 tracks of 12 artists held out" in err
    assert "vggish less" in err or "musicnn less" in err
    _, table, _ = run("evaluate", "--artist-retrieval", "--index", "musicnn", "--k", 3)
    assert "hit@3" in table
    _, table, _ = run("evaluate", "--artist-retrieval", "--per-artist", "--format", "csv")
    assert table.splitlines()[0] == "index,artist,tracks,hit@1,mrr,ndcg"
    assert len(table.splitlines()) == 1 + 2 * 12


def test_evaluate_needs_one_thing_to_judge_by(run, planted, tmp_path) -> None:
    planted()
    for flags in ((), ("--truth", tmp_path / "t.json", "--artist-retrieval")):
        code, _, err = run("evaluate", *flags)
        assert (code, "--truth FILE, or else --artist-retrieval" in err) == (2, True)
    code, _, err = run("evaluate", "--artist-retrieval")
    assert (code, "no library.sqlite3 beside the index" in err) == (1, True)
    with pytest.raises(BrokenLibrary):
        artist_retrieval([tmp_path / "indexes" / "vggish"])


def test_one_index_cannot_be_fused_and_k_must_be_sound(run) -> None:
    plant_tracks(run.indexes, styles(artists=4, tracks=2))
    assert run("evaluate", "--artist-retrieval", "--fused")[0] == 2
    assert run("evaluate", "--artist-retrieval", "--k", 0)[0] == 2
