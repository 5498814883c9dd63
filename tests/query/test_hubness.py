"""Corrections for artists who are near everybody."""

import numpy as np
import pytest
from scipy.stats import norm

from artistindex.errors import Misuse
from artistindex.evaluation import metrics
from artistindex.index.reader import ArtistIndex
from artistindex.index.transforms import unit
from artistindex.query import hubness
from artistindex.query.hubness import MutualProximity
from artistindex.query.ranking import RANKERS, search


def planted_hub(planted, *, count: int = 60, dimension: int = 40):
    """Random artists, and one in the middle of them all."""
    rows = np.random.default_rng(3).normal(size=(count, dimension))
    rows += 1.5
    rows[0] = 1.5
    return planted({f"Artist {at}": row.astype(np.float32) for at, row in enumerate(rows)})


def by_definition(vectors: np.ndarray, queried: int, other: int, method: str) -> float:
    cosines = vectors @ vectors.T
    first, two = (np.delete(cosines[row], row) for row in (queried, other))
    score = cosines[queried, other]
    if method == "csls":
        return 2 * score - np.sort(first)[-10:].mean() - np.sort(two)[-10:].mean()
    return norm.cdf(score, first.mean(), first.std()) * norm.cdf(score, two.mean(), two.std())


@pytest.mark.parametrize("method", ["csls", "mp"])
def test_an_answer_is_that_of_the_definition(planted, method: str) -> None:
    with ArtistIndex.open(planted(count=30)) as index:
        hits = search(index, "Artist 3", 29, ranker=RANKERS[method]())
        vectors = index.vectors.astype(np.float64)
        expected = {
            index.artists[row]: by_definition(vectors, 3, row, method)
            for row in range(30)
            if row != 3
        }
    assert [hit.neighbour.rank for hit in hits] == list(range(1, 30))
    names = [hit.neighbour.artist for hit in hits]
    assert names == sorted(expected, key=lambda name: -expected[name])
    for hit in hits:
        assert hit.rank_score == pytest.approx(expected[hit.neighbour.artist], abs=1e-5)


def test_the_score_stays_the_cosine(planted) -> None:
    with ArtistIndex.open(planted()) as index:
        plain = {neighbour.artist: neighbour for neighbour in index.neighbours("Artist 3", 19)}
        for hit in search(index, "Artist 3", 19, ranker=MutualProximity()):
            neighbour = hit.neighbour
            assert neighbour.score == pytest.approx(plain[neighbour.artist].score, abs=1e-6)
            assert neighbour.percentile == plain[neighbour.artist].percentile


@pytest.mark.parametrize("method", ["csls", "mp"])
def test_a_hub_is_pushed_back(planted, method: str) -> None:
    def largest(ranker: str) -> int:
        tops = []
        for row in range(len(index)):
            hits = search(index, index.artists[row], 5, ranker=RANKERS[ranker]())
            tops.append([hit.row for hit in hits])
        return metrics.hubness(np.array(tops), len(index)).largest

    with ArtistIndex.open(planted_hub(planted)) as index:
        assert largest("cosine") == 59
        assert largest(method) < 50


@pytest.mark.parametrize("method", ["cosine", "csls", "mp"])
@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_tiny_index_answers(planted, method: str, count: int) -> None:
    with ArtistIndex.open(planted(count=count)) as index:
        hits = search(index, "Artist 0", 5, ranker=RANKERS[method]())
    assert len(hits) == count - 1
    assert all(np.isfinite(hit.rank_score) for hit in hits)


def test_only_the_nearest_are_looked_at_in_a_large_index() -> None:
    vectors = unit(np.random.default_rng(0).normal(size=(300, 8)))
    whole = hubness.csls(
        vectors[1:] @ vectors[0], vectors[1:] @ vectors[0], vectors, np.arange(1, 300)
    )
    part = hubness.csls(
        vectors[5:9] @ vectors[0], vectors[1:] @ vectors[0], vectors, np.arange(5, 9)
    )
    np.testing.assert_allclose(part, whole[4:8], atol=1e-6)


def test_an_unknown_correction_and_a_bad_k_are_misuse(planted) -> None:
    with ArtistIndex.open(planted()) as index:
        rows = index.vectors
        with pytest.raises(Misuse, match="unknown correction"):
            hubness.rescale(rows[0], rows, [1], rows[:1] @ rows[1], np.arange(20), method="magic")
        with pytest.raises(Misuse, match="k must be at least 1"):
            search(index, rows[0], 0, ranker=MutualProximity())
