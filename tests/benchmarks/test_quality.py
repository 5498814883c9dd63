"""The measurement behind docs/quality.md, on planted tracks."""

from dataclasses import replace

import numpy as np
import pytest

from artistindex.evaluation.track_pool import TrackPool
from artistindex.index.recipes import recipes_of
from forest import forest
from planted_library import pool_of, styles
from quality import BASELINE, control_text, judged, nested_over, rows_of, sizes_text, table
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
    whole = judged(pools, extra=True, resamples=50)
    assert len(whole[0]) == len(rows_of(whole)) == 4 * 3 + 6
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
    whole = judged(pools, extra=False, resamples=50)
    nested = nested_over({"first": first, "rest": ~first}, pools, whole[0], resamples=50)
    chosen = nested["nested"]["all ways"]["chosen"]
    assert chosen["first"].startswith("spread")
    assert chosen["rest"].startswith("plain")
    assert BASELINE in whole[0]


def test_fitting_without_a_name_finds_what_is_not_there() -> None:
    draw = np.random.default_rng(1)
    pool = pool_of({f"A{at}": draw.normal(size=(3, 40)) for at in range(12)})
    last = control_text(pool).rpartition("; ")[2]
    without_track, without_name = map(float, last.partition(": ")[2].split(", "))
    assert without_name > 2 * without_track


def test_small_libraries_are_drawn(pool: TrackPool) -> None:
    lines = sizes_text(pool_of(styles(artists=33, tracks=2, dimension=6)))
    assert [line.split(" | ")[0] for line in lines[2:]] == ["| 8", "| 16", "| 32", "| 33"]
