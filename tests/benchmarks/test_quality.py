"""The measurement behind docs/quality.md, on planted tracks."""

from dataclasses import replace

import numpy as np
import pytest

from artistindex.evaluation.track_pool import TrackPool
from artistindex.index.recipes import recipes_of
from controls import SIZES, control_table, sizes_table
from forest import forest
from nested import nested_over
from planted_library import pool_of, styles
from quality import BASELINE, BEST, additions, judged, rows_of, table, ways, ways_before, weighed
from rankers import by_closest_tracks


@pytest.fixture
def pool() -> TrackPool:
    return pool_of(styles(artists=9, tracks=4, dimension=8))


def test_the_mean_of_the_closest_tracks_is_what_counts(pool: TrackPool) -> None:
    closest, two, all_ = (by_closest_tracks(pool, count=count)(0) for count in (1, 2, 99))
    assert (closest >= two).all()
    assert (two >= all_).all()
    assert np.isfinite(all_).all()


def test_every_recipe_is_judged_in_every_ranking(pool: TrackPool) -> None:
    pools = dict.fromkeys(recipes_of("musicnn"), pool)
    whole = judged(pools, ways(pools) | ways_before(pool), resamples=50)
    assert len(whole[0]) == len(rows_of(whole)) == 4 * 3 + 7
    assert len(table(whole).splitlines()) == 2 + len(whole[0])
    assert forest(rows_of(whole)).count("<circle") == len(whole[0]) - 1


def test_the_way_for_a_collection_is_chosen_on_the_others(pool: TrackPool) -> None:
    """In one collection the baseline alone works, in the others only the other recipe."""
    draw = np.random.default_rng(0)
    first = np.asarray(pool.credits[:3].any(axis=0))
    noise = draw.normal(size=pool.vectors.shape).astype(np.float32)
    pools = {
        "plain": replace(pool, vectors=np.where(first[:, None], pool.vectors, noise)),
        "spread": replace(pool, vectors=np.where(first[:, None], noise, pool.vectors)),
    }
    whole = judged(pools, ways(pools), resamples=50)
    nested = nested_over(
        {"first": first, "rest": ~first},
        pools,
        whole[0],
        ways=ways,
        baseline=BASELINE,
        resamples=50,
    )
    choice = nested.choices["all ways"]
    assert choice.chosen["first"].startswith("spread")
    assert choice.chosen["rest"].startswith("plain")
    assert choice.among_all.value < 0  # each was chosen where it works, and used where it does not
    assert nested.choices["the centroids"].chosen["first"] == "spread, centroid"
    assert nested.table().splitlines()[2].startswith("| all ways |")


def test_fitting_without_a_name_finds_what_is_not_there() -> None:
    draw = np.random.default_rng(1)
    pool = pool_of({f"A{at}": draw.normal(size=(3, 40)) for at in range(12)})
    last = control_table(pool).splitlines()[-1]
    without_track, without_name = map(float, last.strip("| ").split(" | ")[1:])
    assert without_name > 2 * without_track


def test_small_libraries_are_drawn(pool: TrackPool) -> None:
    lines = sizes_table(pool_of(styles(artists=49, tracks=2, dimension=6))).splitlines()
    expected = [f"| {size}" for size in (*SIZES, 49)]
    assert [line.split(" | ")[0] for line in lines[2:]] == expected


def test_fusions_are_held_against_the_best_single_way(pool: TrackPool) -> None:
    pools = dict.fromkeys(recipes_of("musicnn"), pool)
    whole = judged(pools, additions(pools, pool), resamples=50, against=BEST)
    assert set(whole[1]) == set(whole[0]) - {BEST}
    assert "| + second model, whitened, two closest |" in table(whole)


def test_what_is_won_is_told_without_who_wins_the_most(pool: TrackPool) -> None:
    retrievals = judged({"plain": pool}, ways({"plain": pool}), resamples=50)[0]
    before = retrievals[BASELINE]
    values = before.values.copy()
    values[before.owners == 2, list(before.metrics).index("mrr")] += 1
    won = weighed({BASELINE: before, BEST: replace(before, values=values)}).splitlines()
    cells = [line.strip("| ").split(" | ") for line in won[2:]]
    assert [(row[0], row[1], row[3]) for row in cells] == [
        ("all alike", "9", "+0.111"),
        ("each artist once", "9", "+0.111"),
        (f"without {before.artists[2]}", "8", "+0.000"),
    ]
