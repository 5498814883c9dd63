"""Does a held-out track find its artist? On tracks whose true ranking is known."""

import itertools
import json

import numpy as np
import pytest
from scipy.stats import false_discovery_control

from artistindex.errors import BrokenLibrary, Misuse
from artistindex.evaluation import cluster_bootstrap, metrics
from artistindex.evaluation.artist_retrieval import (
    artist_retrieval,
    compare_rankers,
    compare_transforms,
    retrieve,
)
from artistindex.evaluation.track_pool import (
    TrackPool,
    by_centroid,
    by_closest_track,
    by_tracks,
    fused,
    read_pools,
    reranked,
)
from artistindex.index.transforms import fit, unit
from artistindex.library.library import FILE_NAME, Library
from artistindex.query.rerank import mean_of_best_matches
from planted_library import key_of, plant_tracks, styles

X, Y, Z = np.eye(3)


def pool_of(world, recordings=None) -> TrackPool:
    """A pool of artists (name -> track vectors), every track a recording of its own."""
    vectors = np.concatenate([np.array(rows, np.float32) for rows in world.values()])
    counts = [len(rows) for rows in world.values()]
    owners = np.repeat(np.arange(len(world)), counts)
    return TrackPool(
        artists=tuple(world),
        ids=tuple(range(len(vectors))),
        credits=owners[None, :] == np.arange(len(world))[:, None],
        recordings=np.arange(len(vectors)) if recordings is None else np.array(recordings),
        vectors=vectors,
    )


def by_hand(pool: TrackPool, held: int, transform: str = "none") -> np.ndarray:
    """Scores by the plainest reading of the protocol."""
    kept = pool.credits & (pool.recordings != pool.recordings[held])
    means = [pool.vectors[own].mean(axis=0) if own.any() else None for own in kept]
    made = fit(transform, np.array([mean for mean in means if mean is not None]))
    asked = made.apply(pool.vectors[held][None, :])[0]
    return np.array(
        [-np.inf if mean is None else made.apply(mean[None, :])[0] @ asked for mean in means]
    )


# -- the ways of ranking -------------------------------------------------------------------------


@pytest.mark.parametrize("transform", ["none", "centre", "all-but-the-top", "whiten"])
def test_the_held_out_track_helps_nobody(transform: str) -> None:
    pool = pool_of(styles(artists=6, tracks=4))
    scorer = by_centroid(pool, transform=transform)
    for held in range(len(pool)):
        np.testing.assert_allclose(scorer(held), by_hand(pool, held, transform), atol=1e-4)


def test_other_takes_of_the_recording_help_nobody_either() -> None:
    world = {"A": [X, X, Y], "B": [X, Z], "C": [Y + Z, Z]}
    pool = pool_of(world, recordings=[0, 0, 1, 0, 2, 3, 4])
    for scorer in (by_centroid(pool), by_tracks(pool), by_closest_track(pool)):
        scores = scorer(0)  # A's X is also A's second and B's first
        assert scores == pytest.approx([0, 0, 0], abs=1e-6)
    np.testing.assert_allclose(by_centroid(pool)(0), by_hand(pool, 0), atol=1e-6)


def test_an_artist_with_nothing_left_is_gone() -> None:
    pool = pool_of({"A": [X], "B": [Y, Z], "C": [X + Y, X]})
    assert by_centroid(pool)(0)[0] == -np.inf
    assert by_tracks(pool)(0)[0] == -np.inf
    assert by_closest_track(pool)(0)[0] == -np.inf


def test_tracks_are_matched_both_ways() -> None:
    pool = pool_of(styles(artists=5, tracks=4))
    units = unit(pool.vectors).astype(np.float64)
    scores = by_tracks(pool)(2)
    for row, own in enumerate(pool.without(2)):
        expected = mean_of_best_matches((units[2] @ units[own].T)[None, :])
        assert scores[row] == pytest.approx(expected, abs=1e-6)


def test_ranking_again_touches_the_top_alone() -> None:
    def first(held: int) -> np.ndarray:
        return np.array([0.9, 0.8, 0.7, -np.inf])

    def again(held: int) -> np.ndarray:
        return np.array([0.1, 0.5, 0.99, -np.inf])

    scores = reranked(first, again, depth=2)(0)
    assert np.argsort(-scores).tolist() == [1, 0, 2, 3]
    assert scores[3] == -np.inf


def test_a_fusion_of_one_ranks_as_it_does() -> None:
    pool = pool_of(styles())
    plain = by_centroid(pool)
    for method in ("rrf", "score"):
        joined = fused([plain, plain], method=method)
        assert (np.argsort(-joined(7)) == np.argsort(-plain(7))).all()


def test_recordings_are_those_of_the_library(tmp_path) -> None:
    world = {"A": [X, Y, Y + 1e-4 * Z], "B": [X, Z]}
    folder = plant_tracks(tmp_path, world, hashes={"A 3": "other audio, however alike it sounds"})
    with Library.open(folder.parent / FILE_NAME, read_only=True) as library:
        (pool,) = read_pools(library, [key_of("musicnn")])
    recordings = pool.recordings.tolist()
    assert recordings[0] == recordings[3]
    assert len(set(recordings)) == 4


# -- the protocol --------------------------------------------------------------------------------


def test_metrics_are_those_worked_out_by_hand() -> None:
    """B's tracks find B at once; A's two look away from each other and come in last of three."""
    pool = pool_of({"A": [X, -X], "B": [Y, Y + 0.1 * Z], "C": [X + Y]})
    found = retrieve("musicnn", pool, by_centroid(pool))
    assert found.queries == 4
    assert found.left_out == {"no other track of the artist": 1}
    assert found.candidates == 3
    assert found.metrics["hit@1"].value == 0.5
    assert found.metrics["mrr"].value == pytest.approx((1 / 3 + 1 / 3 + 1 + 1) / 4)
    expected = (0.5 + 0.5 + 1 + 1) / 4
    assert found.metrics["ndcg"].value == pytest.approx(expected)
    assert found.metrics["hit@1"].chance == pytest.approx(1 / 3)
    assert found.metrics["mrr"].chance == pytest.approx((1 + 1 / 2 + 1 / 3) / 3)
    assert [each["artist"] for each in found.per_artist()] == ["A", "B"]
    assert found.per_artist()[0]["metrics"]["mrr"] == pytest.approx(1 / 3)


def test_a_perfect_space_scores_one_and_a_random_one_chance() -> None:
    perfect = pool_of(styles(spread=0.01))
    found = retrieve("perfect", perfect, by_centroid(perfect), ks=(3,))
    assert [each.value for each in found.metrics.values()] == [1.0] * 4
    draw = np.random.default_rng(1)
    pool = pool_of({f"A{at}": draw.normal(size=(6, 30)) for at in range(40)})
    lost = retrieve("random", pool, lambda held: draw.normal(size=40), ks=(3,))
    for each in lost.metrics.values():
        assert each.chance_low is not None
        assert each.chance_high is not None
        assert each.chance_low - 0.02 < each.value < each.chance_high + 0.02


def test_a_tie_counts_against() -> None:
    pool = pool_of({"A": [X, X + 1e-9], "B": [X], "C": [Y]})
    found = retrieve("tied", pool, lambda held: np.ones(3))
    assert found.metrics["mrr"].value == pytest.approx(1 / 3)


def test_a_shared_track_is_right_for_each_of_its_artists() -> None:
    pool = pool_of({"A": [X, X + 0.1 * Y], "B": [Z, Z + 0.1 * Y], "C": [Y]})
    owned = pool.credits.copy()
    owned[1, 0] = True  # A's first is by B too
    shared = TrackPool(pool.artists, pool.ids, owned, pool.recordings, pool.vectors)
    found = retrieve("shared", shared, by_centroid(shared))
    assert found.column("hit@1")[0] == 1.0
    chance = metrics.chance_hit(2, 3, 1).mean
    assert found.metrics["hit@1"].chance == pytest.approx((chance + 3 / 3) / 4)


def test_nobody_with_two_tracks_is_misuse() -> None:
    pool = pool_of({"A": [X], "B": [Y]})
    with pytest.raises(Misuse, match="nothing can be held out"):
        retrieve("none", pool, by_centroid(pool))


# -- how sure ------------------------------------------------------------------------------------


def test_intervals_draw_artists_not_tracks() -> None:
    """Tracks of one artist that all agree are one observation, not many."""
    owners = np.repeat(np.arange(8), 25)
    values = (owners % 2).astype(float)[:, None]
    drawn = cluster_bootstrap.resampled_means(values, owners, resamples=4000)
    assert drawn.std() == pytest.approx(0.5 / np.sqrt(8), rel=0.1)


def test_flips_are_counted_exactly_for_few() -> None:
    sums = np.array([0.5, 0.2, -0.1, 0.4, 0.3, 0.6])
    totals = [
        abs(sum(s * v for s, v in zip(signs, sums, strict=True)))
        for signs in itertools.product((-1, 1), repeat=6)
    ]
    expected = np.mean([total >= sums.sum() - 1e-9 for total in totals])
    assert cluster_bootstrap.flipped(sums) == pytest.approx(expected)
    assert cluster_bootstrap.flipped(np.zeros(4)) == 1.0
    assert cluster_bootstrap.flipped(np.ones(5)) == pytest.approx(2 / 2**5)


def test_many_flips_agree_with_the_normal_limit() -> None:
    draw = np.random.default_rng(0)
    sums = draw.normal(0.2, 1, size=200)
    z = sums.sum() / np.sqrt(np.sum(sums**2))
    from scipy.stats import norm

    assert cluster_bootstrap.flipped(sums) == pytest.approx(2 * norm.sf(abs(z)), abs=0.01)


def test_holm_corrects_for_how_many_there_are() -> None:
    assert cluster_bootstrap.holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx(
        [0.03, 0.06, 0.06, 0.02]
    )
    assert cluster_bootstrap.holm([0.9, 0.8]) == [1.0, 1.0]
    p = [0.001, 0.02, 0.03, 0.5]
    assert (np.array(cluster_bootstrap.holm(p)) >= false_discovery_control(p) - 1e-12).all()


def test_differences_are_against_the_one_named() -> None:
    pool = pool_of(styles(spread=1.5))
    scorers = {
        "plain": by_centroid(pool),
        "blind": lambda held: np.arange(12.0),
        "again": by_centroid(pool),
    }
    found = compare_rankers(pool, scorers, against="plain")
    assert set(found.differences) == {("blind", "plain"), ("again", "plain")}
    assert found.differences["again", "plain"].value == 0.0
    worse = found.differences["blind", "plain"]
    assert worse.value < 0
    assert worse.is_clear
    assert worse.p < 0.05
    assert len(compare_rankers(pool, scorers).differences) == 3


# -- indexes and the command line ----------------------------------------------------------------


def test_indexes_are_judged_on_the_same_tracks(tmp_path) -> None:
    folder = plant_tracks(tmp_path, styles(), models={"vggish": styles(spread=3, seed=1)}).parent
    found = artist_retrieval([folder / "musicnn", folder / "vggish"], is_fused=True)
    assert [each.index for each in found.each] == [
        "musicnn",
        "vggish",
        "fused by rrf",
        "fused by score",
    ]
    assert {each.queries for each in found.each} == {60}
    assert found.differences["vggish", "musicnn"].is_clear
    assert len(found.differences) == 6


def test_same_audio_in_the_library_never_helps(tmp_path) -> None:
    """Both of A's tracks are one recording, though their vectors differ: no query."""
    world = {"A": [X, Y], "B": [Z, Z + 0.5 * Y], "C": [X + Y, X - Y]}
    folder = plant_tracks(tmp_path, world, hashes={"A 1": "same", "A 2": "same"})
    (found,) = artist_retrieval([folder]).each
    assert found.queries == 4
    assert found.left_out == {"no other track of the artist": 2}


def test_every_transform_is_compared_with_none(tmp_path) -> None:
    found = compare_transforms(plant_tracks(tmp_path, styles(), transform="centre"))
    assert [each.index for each in found.each] == ["none", "centre", "all-but-the-top", "whiten"]
    assert {other for _, other in found.differences} == {"none"}


def test_evaluate_holds_tracks_out(run) -> None:
    plant_tracks(run.indexes, styles(), models={"vggish": styles(seed=1)})
    code, out, said = run("evaluate", "--artist-retrieval", "--fused", "--format", "json")
    found = json.loads(out)
    assert code == 0
    assert found["protocol"] == "artist retrieval"
    assert [each["index"] for each in found["indexes"]][2:] == ["fused by rrf", "fused by score"]
    assert found["indexes"][0]["metrics"]["hit@1"].keys() >= {"value", "low", "high", "chance"}
    assert "60 tracks of 12 artists held out" in said
    assert "vggish less" in said or "musicnn less" in said
    _, table, _ = run("evaluate", "--artist-retrieval", "--index", "musicnn", "--k", 3)
    assert "hit@3" in table
    _, table, _ = run("evaluate", "--artist-retrieval", "--per-artist", "--format", "csv")
    assert table.splitlines()[0] == "index,artist,tracks,hit@1,mrr,ndcg"
    assert len(table.splitlines()) == 1 + 2 * 12


def test_evaluate_needs_one_thing_to_judge_by(run, planted, tmp_path) -> None:
    planted()
    for flags in ((), ("--truth", tmp_path / "t.json", "--artist-retrieval")):
        code, _, said = run("evaluate", *flags)
        assert (code, "--truth FILE, or else --artist-retrieval" in said) == (2, True)
    code, _, said = run("evaluate", "--artist-retrieval")
    assert (code, "no library.sqlite3 beside the index" in said) == (1, True)
    with pytest.raises(BrokenLibrary):
        artist_retrieval([tmp_path / "indexes" / "vggish"])


def test_one_index_cannot_be_fused_and_k_must_be_sound(run) -> None:
    plant_tracks(run.indexes, styles(artists=4, tracks=2))
    assert run("evaluate", "--artist-retrieval", "--fused")[0] == 2
    assert run("evaluate", "--artist-retrieval", "--k", 0)[0] == 2


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
    found = json.loads(out)
    assert code == 0
    assert {each["index"] for each in found["indexes"]} == {
        "musicnn", "vggish", "fused by rrf", "fused by score",
    }  # fmt: skip
    pairs = {tuple(each["indexes"]) for each in found["differences"]}
    assert ("fused by rrf", "vggish") in pairs
    assert run("evaluate", "--truth", lists, "--fused", "--index", "vggish")[0] == 2


def test_compare_shows_transforms_side_by_side(run, tmp_path) -> None:
    plant_tracks(run.indexes, styles(), transform="all-but-the-top")
    lists = truth(tmp_path / "truth.json", styles())
    code, out, _ = run("compare", "musicnn", "--transforms", "--truth", lists, "--k", 3,
                       "--format", "json")  # fmt: skip
    found = json.loads(out)
    assert code == 0
    assert list(found["hubness"]) == ["none", "centre", "all-but-the-top", "whiten"]
    assert len(found["evaluation"]["indexes"]) == 4
    assert [each["indexes"] for each in found["differences"]] == [
        ["centre", "none"],
        ["all-but-the-top", "none"],
        ["whiten", "none"],
    ]
    _, table, _ = run("compare", "--transforms")
    assert "artist retrieval" in table
    assert run("compare", "musicnn", "vggish", "--transforms")[0] == 2
    assert run("compare", "--transforms", "--report", tmp_path / "r")[0] == 2
