"""Every metric against a value worked out by hand, its plain definition, or a library."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics import ndcg_score

from artistindex.evaluation import metrics

NEAR: Any = {"rel": 0, "abs": 1e-9}


@st.composite
def queries(draw):
    """N candidates, the ranks and places of R of them, and gains."""
    candidates = draw(st.integers(2, 40))
    relevant = draw(st.integers(1, candidates))
    order = draw(st.permutations(range(1, candidates + 1)))
    places = sorted(draw(st.permutations(range(1, 61)))[:relevant])
    gains = draw(st.lists(st.floats(0.01, 15), min_size=relevant, max_size=relevant))
    k = draw(st.integers(1, candidates))
    return candidates, np.array(order[:relevant]), np.array(places), np.array(gains), k


# --- by hand ------------------------------------------------------------------------------------

RANKS = np.array([3, 1, 9])  # the closest listed is third, the next first, the last ninth
PLACES = np.array([1, 4, 12])


def test_by_hand():
    assert metrics.overlap(RANKS, 1) == 0
    assert metrics.overlap(RANKS, 3) == pytest.approx(2 / 3)
    assert metrics.overlap(RANKS, 10) == 1
    assert metrics.open_overlap(RANKS, PLACES, 3) == pytest.approx(1 / 3)
    assert metrics.open_overlap(RANKS, PLACES, 5) == pytest.approx(2 / 5)
    assert metrics.precision(RANKS, 5) == pytest.approx(2 / 5)
    assert metrics.recall(RANKS, 5) == pytest.approx(2 / 3)
    assert metrics.hit(RANKS, 1) == 1
    assert metrics.hit(np.array([4, 2]), 1) == 0
    assert metrics.reciprocal_rank(RANKS) == 1
    assert metrics.reciprocal_rank(np.array([4, 2])) == pytest.approx(1 / 2)
    gained = 1 + 1 / math.log2(4)
    ideal = 1 + 1 / math.log2(3) + 1 / math.log2(4)
    assert metrics.ndcg(RANKS, np.ones(3), 5) == pytest.approx(gained / ideal)
    graded = (5 / math.log2(4) + 2) / (5 + 2 / math.log2(3) + 1 / math.log2(4))
    assert metrics.ndcg(RANKS, np.array([5.0, 2.0, 1.0]), 5) == pytest.approx(graded)


def test_rank_biased_overlap_by_hand():
    first, second = np.array([1, 2, 3]), np.array([2, 1, 3])  # A = 0, 1, 1
    expected = 0.9**3 + 0.1 / 0.9 * (0.9**2 + 0.9**3)
    assert metrics.rank_biased_overlap(first, second) == pytest.approx(expected, **NEAR)
    assert metrics.rank_biased_overlap(first, first) == pytest.approx(1, **NEAR)


def test_hubness_by_hand():
    nearest = np.array([[1], [0], [0], [0]])  # occurrences 3, 1, 0, 0
    hubness = metrics.hubness(nearest, 4)
    assert (hubness.k, hubness.largest, hubness.anti_hubs) == (1, 3, 0.5)
    assert hubness.skewness == pytest.approx(stats.skew([3, 1, 0, 0]), **NEAR)


def test_everybody_occurring_equally_often_is_no_hubness():
    assert metrics.hubness(np.array([[1], [2], [0]]), 3).skewness == 0


# --- by definition ------------------------------------------------------------------------------


@given(queries())
def test_set_metrics_are_what_their_definitions_say(query):
    _, ranks, places, _, k = query
    ranking = dict(zip(ranks.tolist(), places.tolist(), strict=True))
    top = {ranking[rank] for rank in range(1, k + 1) if rank in ranking}
    in_pool = places.tolist()
    m = min(k, len(in_pool))
    assert metrics.overlap(ranks, k) == pytest.approx(len(top & set(in_pool[:m])) / m)
    first = {place for place in in_pool if place <= k}
    assert metrics.open_overlap(ranks, places, k) == pytest.approx(len(top & first) / k)
    assert metrics.precision(ranks, k) == pytest.approx(len(top) / k)
    assert metrics.recall(ranks, k) == pytest.approx(len(top) / len(in_pool))
    assert metrics.hit(ranks, k) == bool(top)


@given(queries())
def test_ndcg_is_scikit_learns(query):
    candidates, ranks, _, gains, k = query
    for graded in (gains, np.ones(len(gains))):
        truth = np.zeros((1, candidates))
        truth[0, ranks - 1] = graded
        scores = -np.arange(candidates, dtype=float)[None, :]
        assert metrics.ndcg(ranks, graded, k) == pytest.approx(
            ndcg_score(truth, scores, k=k), **NEAR
        )


@given(st.lists(st.tuples(st.integers(-5, 5), st.integers(-5, 5)), min_size=3, max_size=50))
def test_correlations_are_scipys(pairs):
    first, second = np.array(pairs, float).T
    correlations = metrics.pearson(first, second), metrics.spearman(first, second)
    if np.ptp(first) == 0 or np.ptp(second) == 0:
        assert all(map(math.isnan, correlations))
        return
    expected = stats.pearsonr(first, second).statistic, stats.spearmanr(first, second).statistic
    assert correlations == pytest.approx(expected, **NEAR)


@given(st.integers(2, 30).flatmap(lambda n: st.tuples(*[st.permutations(range(n))] * 2)))
def test_rank_biased_overlap_is_its_sum(orders):
    first, second = orders
    n, p = len(first), 0.9
    shares = [len(set(first[:d]) & set(second[:d])) / d for d in range(1, n + 1)]
    expected = shares[-1] * p**n + (1 - p) / p * sum(
        share * p**d for d, share in enumerate(shares, 1)
    )
    ranks = [np.argsort(order) + 1 for order in orders]
    assert metrics.rank_biased_overlap(*ranks) == pytest.approx(expected, **NEAR)


@given(queries())
def test_a_perfect_ranking_scores_one_on_what_can_reach_it(query):
    _, ranks, places, gains, k = query
    perfect = np.arange(1, len(ranks) + 1)
    gains = np.sort(gains)[::-1]
    assert metrics.overlap(perfect, k) == 1
    assert metrics.ndcg(perfect, gains, k) == pytest.approx(1)
    assert metrics.hit(perfect, k) == 1
    assert metrics.reciprocal_rank(perfect) == 1
    assert metrics.open_overlap(perfect, places, k) == pytest.approx(np.sum(places <= k) / k)
