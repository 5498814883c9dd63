"""What chance gives: its closed forms against the mean and variance over all rankings."""

import math
from itertools import permutations
from typing import Any

import numpy as np
import pytest

from artistindex.evaluation import chance, metrics

NEAR: Any = {"rel": 0, "abs": 1e-9}


@pytest.mark.parametrize("candidates", [1, 2, 5, 6])
@pytest.mark.parametrize("relevant", [1, 2, 4])
@pytest.mark.parametrize("k", [1, 2, 5, 9])
def test_chance_is_the_mean_over_all_rankings(candidates, relevant, k):
    if relevant > candidates:
        return
    places = np.array([1, 3, 4, 8])[:relevant]
    gains = np.array([7.0, 2.5, 2.0, 0.5])[:relevant]
    ones = np.ones(relevant)
    every = [np.array(order[:relevant]) for order in permutations(range(1, candidates + 1))]
    pairs = [
        (lambda r: metrics.overlap(r, k), chance.overlap(relevant, candidates, k)),
        (
            lambda r: metrics.open_overlap(r, places, k),
            chance.open_overlap(places, candidates, k),
        ),
        (lambda r: metrics.precision(r, k), chance.precision(relevant, candidates, k)),
        (lambda r: metrics.recall(r, k), chance.recall(relevant, candidates, k)),
        (lambda r: metrics.hit(r, k), chance.hit(relevant, candidates, k)),
        (metrics.reciprocal_rank, chance.reciprocal_rank(relevant, candidates)),
        (lambda r: metrics.ndcg(r, ones, k), chance.ndcg(ones, candidates, k)),
        (lambda r: metrics.ndcg(r, gains, k), chance.ndcg(gains, candidates, k)),
    ]
    for value, expected in pairs:
        values = [value(ranks) for ranks in every]
        assert expected.mean == pytest.approx(np.mean(values), **NEAR)
        assert expected.variance == pytest.approx(np.var(values), **NEAR)


def test_closed_forms_of_the_literature():
    candidates, relevant, k = 200, 7, 10
    discounts = 1 / np.log2(np.arange(2, 12))
    assert chance.recall(relevant, candidates, k).mean == pytest.approx(k / candidates)
    assert chance.precision(relevant, candidates, k).mean == pytest.approx(relevant / candidates)
    expected = relevant / candidates * discounts.sum() / discounts[:7].sum()
    assert chance.ndcg(np.ones(7), candidates, k).mean == pytest.approx(expected)
    hit = 1 - math.comb(193, 10) / math.comb(200, 10)
    assert chance.hit(relevant, candidates, k).mean == pytest.approx(hit)


def test_the_experiments_eight_artists_had_a_chance_of_five_in_seven():
    assert chance.recall(1, 7, 5).mean == pytest.approx(5 / 7)


def test_chance_of_rank_biased_overlap_is_the_mean_over_all_rankings():
    ranks = np.arange(1, 7)
    values = [
        metrics.rank_biased_overlap(ranks, np.array(order)) for order in permutations(range(1, 7))
    ]
    assert chance.rank_biased_overlap(6) == pytest.approx(np.mean(values), **NEAR)
