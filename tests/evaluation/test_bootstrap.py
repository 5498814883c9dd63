"""The bootstrap: seeded, paired, and honest about few queries."""

import numpy as np
import pytest

from artistindex.evaluation import bootstrap


def test_the_same_seed_draws_the_same_queries():
    values = np.random.default_rng(1).random((40, 3))
    one = bootstrap.resampled_means(values, seed=5)
    assert np.array_equal(one, bootstrap.resampled_means(values, seed=5))
    assert not np.array_equal(one, bootstrap.resampled_means(values, seed=6))


def test_blocks_do_not_change_what_is_drawn(monkeypatch):
    values = np.random.default_rng(1).random((40, 1))
    whole = bootstrap.resampled_means(values, resamples=101)
    monkeypatch.setattr(bootstrap, "_CELLS", 400)
    assert np.allclose(whole, bootstrap.resampled_means(values, resamples=101))


def test_the_interval_is_that_of_the_normal_law_for_many_queries():
    values = np.random.default_rng(2).normal(3, 2, (4000, 1))
    found = bootstrap.interval(bootstrap.resampled_means(values)[:, 0], len(values))
    half = 1.96 * values.std() / np.sqrt(4000)
    assert found.low == pytest.approx(values.mean() - half, abs=0.006)
    assert found.high == pytest.approx(values.mean() + half, abs=0.006)


def test_intervals_cover_the_truth_about_as_often_as_they_say():
    generator = np.random.default_rng(7)
    covered = 0
    for _ in range(200):
        values = generator.random((60, 1)) < 0.3
        found = bootstrap.interval(
            bootstrap.resampled_means(values.astype(float), resamples=400)[:, 0], 60
        )
        covered += found.low <= 0.3 <= found.high
    assert 180 <= covered <= 199


def test_one_query_has_no_interval():
    drawn = bootstrap.resampled_means(np.array([[0.5]]))[:, 0]
    assert bootstrap.interval(drawn, 1).both == (None, None)


def differ(one, other):
    return bootstrap.paired_differences(np.array([one]).T, np.array([other]).T)[0]


def test_a_paired_difference_sees_what_two_intervals_would_hide():
    base = np.random.default_rng(0).random(50)
    found = differ(base + 0.01, base)
    assert found.value == pytest.approx(0.01)
    assert found.is_clear
    assert found.better == 1
    assert found.p <= 0.001


def test_a_difference_seen_from_the_other_side():
    generator = np.random.default_rng(0)
    one, other = generator.random(30), generator.random(30)
    there, back = differ(one, other), differ(other, one)
    turned = there.reversed()
    assert (turned.value, turned.low, turned.high) == pytest.approx(
        (back.value, back.low, back.high)
    )
    assert turned.better == pytest.approx(back.better)


def test_no_difference_is_a_tie():
    found = differ(np.full(20, 0.3), np.full(20, 0.3))
    assert (found.value, found.better, found.p, found.is_clear) == (0, 0.5, 1, False)


def test_five_queries_that_agree_prove_nothing():
    found = differ(np.full(5, 0.9), np.full(5, 0.1))
    assert found.low > 0
    assert not found.is_clear
    assert differ(np.full(6, 0.9), np.full(6, 0.1)).is_clear
