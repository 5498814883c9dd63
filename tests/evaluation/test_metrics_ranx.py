"""The ranking metrics against ranx, to 1e-9."""

import warnings

import numpy as np
import pytest

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # numba's and ranx's own, while they are imported
    from ranx import Qrels, Run, evaluate

from artistindex.evaluation import metrics


@pytest.mark.filterwarnings("ignore")
def test_means_over_queries_are_those_of_ranx():
    generator = np.random.default_rng(3)
    candidates, k = 60, 10
    orders = [generator.permutation(candidates) for _ in range(12)]
    relevant = [generator.choice(candidates, size, replace=False) for size in range(1, 13)]
    gains = [generator.integers(1, 9, len(rows)) for rows in relevant]
    ranks = [np.argsort(order)[rows] + 1 for order, rows in zip(orders, relevant, strict=True)]
    run = Run(
        {
            f"q{at}": {f"d{row}": float(candidates - rank) for rank, row in enumerate(order)}
            for at, order in enumerate(orders)
        }
    )

    def theirs(name: str, graded: bool) -> float:
        qrels = Qrels(
            {
                f"q{at}": {
                    f"d{row}": int(gain) if graded else 1
                    for row, gain in zip(rows, grades, strict=True)
                }
                for at, (rows, grades) in enumerate(zip(relevant, gains, strict=True))
            }
        )
        return float(evaluate(qrels, run, name))

    ours = {
        f"precision@{k}": [metrics.precision(of_query, k) for of_query in ranks],
        f"recall@{k}": [metrics.recall(of_query, k) for of_query in ranks],
        f"hit_rate@{k}": [metrics.hit(of_query, k) for of_query in ranks],
        "mrr": [metrics.reciprocal_rank(of_query) for of_query in ranks],
        f"ndcg@{k}": [metrics.ndcg(of_query, np.ones(len(of_query)), k) for of_query in ranks],
    }
    for name, values in ours.items():
        assert np.mean(values) == pytest.approx(theirs(name, graded=False), abs=1e-9), name
    graded = [
        metrics.ndcg(of_query, gain.astype(np.float64), k)
        for of_query, gain in zip(ranks, gains, strict=True)
    ]
    assert np.mean(graded) == pytest.approx(theirs(f"ndcg@{k}", graded=True), abs=1e-9)
