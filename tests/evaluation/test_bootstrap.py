"""The bootstrap: seeded, paired, and honest about few queries."""

import itertools

import numpy as np
import pytest
from scipy.stats import false_discovery_control, norm

from artistindex.evaluation import bootstrap


def test_the_same_seed_draws_the_same_queries():
    values = np.random.default_rng(1).random((40, 3))
    means = bootstrap.resampled_means(values, seed=5)
    assert np.array_equal(means, bootstrap.resampled_means(values, seed=5))
    assert not np.array_equal(means, bootstrap.resampled_means(values, seed=6))


def test_blocks_do_not_change_what_is_drawn(monkeypatch):
    values = np.random.default_rng(1).random((40, 1))
    whole = bootstrap.resampled_means(values, resamples=101)
    monkeypatch.setattr(bootstrap, "_CELLS", 400)
    assert np.allclose(whole, bootstrap.resampled_means(values, resamples=101))


def test_the_interval_is_that_of_the_normal_law_for_many_queries():
    values = np.random.default_rng(2).normal(3, 2, (4000, 1))
    interval = bootstrap.interval(bootstrap.resampled_means(values)[:, 0], len(values))
    half = 1.96 * values.std() / np.sqrt(4000)
    assert interval.low == pytest.approx(values.mean() - half, abs=0.006)
    assert interval.high == pytest.approx(values.mean() + half, abs=0.006)


def test_intervals_cover_the_truth_about_as_often_as_they_say():
    generator = np.random.default_rng(7)
    covered = 0
    for _ in range(200):
        values = generator.random((60, 1)) < 0.3
        interval = bootstrap.interval(
            bootstrap.resampled_means(values.astype(float), resamples=400)[:, 0], 60
        )
        assert interval.low is not None
        assert interval.high is not None
        covered += interval.low <= 0.3 <= interval.high
    assert 180 <= covered <= 199


def test_one_query_has_no_interval():
    resamples = bootstrap.resampled_means(np.array([[0.5]]))[:, 0]
    assert bootstrap.interval(resamples, 1) == (None, None)


def differ(first, second):
    return bootstrap.paired_differences(np.array([first]).T, np.array([second]).T)[0]


def test_a_paired_difference_sees_what_two_intervals_would_hide():
    base = np.random.default_rng(0).random(50)
    difference = differ(base + 0.01, base)
    assert difference.value == pytest.approx(0.01)
    assert difference.is_clear
    assert difference.better == 1
    assert difference.p <= 0.001


def test_a_difference_seen_from_the_other_side():
    generator = np.random.default_rng(0)
    first, second = generator.random(30), generator.random(30)
    there, back = differ(first, second), differ(second, first)
    turned = there.reversed()
    assert (turned.value, turned.low, turned.high) == pytest.approx(
        (back.value, back.low, back.high)
    )
    assert turned.better == pytest.approx(back.better)


def test_no_difference_is_a_tie():
    tie = differ(np.full(20, 0.3), np.full(20, 0.3))
    assert (tie.value, tie.better, tie.p, tie.is_clear) == (0, 0.5, 1, False)


def test_five_queries_that_agree_prove_nothing():
    difference = differ(np.full(5, 0.9), np.full(5, 0.1))
    assert difference.low > 0
    assert not difference.is_clear
    assert differ(np.full(6, 0.9), np.full(6, 0.1)).is_clear


# -- artists of several queries ------------------------------------------------------------------


def test_intervals_draw_artists_not_tracks():
    """Tracks of one artist that all agree are one observation, not many."""
    owners = np.repeat(np.arange(8), 25)
    values = (owners % 2).astype(float)[:, None]
    resamples = bootstrap.resampled_means(values, owners, resamples=4000)
    assert resamples.std() == pytest.approx(0.5 / np.sqrt(8), rel=0.1)


def test_flips_are_counted_exactly_for_few():
    sums = np.array([0.5, 0.2, -0.1, 0.4, 0.3, 0.6])
    totals = [
        abs(sum(s * v for s, v in zip(signs, sums, strict=True)))
        for signs in itertools.product((-1, 1), repeat=6)
    ]
    expected = np.mean([total >= sums.sum() - 1e-9 for total in totals])
    assert bootstrap.sign_flip_p(sums) == pytest.approx(expected)
    assert bootstrap.sign_flip_p(np.zeros(4)) == 1.0
    assert bootstrap.sign_flip_p(np.ones(5)) == pytest.approx(2 / 2**5)


def test_many_flips_agree_with_the_normal_limit():
    draw = np.random.default_rng(0)
    sums = draw.normal(0.2, 1, size=200)
    z = sums.sum() / np.sqrt(np.sum(sums**2))
    assert bootstrap.sign_flip_p(sums) == pytest.approx(2 * norm.sf(abs(z)), abs=0.01)


def test_holm_corrects_for_how_many_there_are():
    assert bootstrap.holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert bootstrap.holm([0.9, 0.8]) == [1.0, 1.0]
    p = [0.001, 0.02, 0.03, 0.5]
    assert (np.array(bootstrap.holm(p)) >= false_discovery_control(p) - 1e-12).all()
