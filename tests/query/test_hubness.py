"""Corrections for artists who are near everybody."""

import numpy as np
import pytest
from scipy.stats import norm

from artistindex.errors import Misuse
from artistindex.evaluation import metrics
from artistindex.index.reader import ArtistIndex
from artistindex.index.transforms import unit
from artistindex.query import hubness


def planted_hub(planted, *, count: int = 60, dimension: int = 40):
    """Random artists, and one in the middle of them all."""
    drawn = np.random.default_rng(3).normal(size=(count, dimension))
    drawn += 1.5
    drawn[0] = 1.5
    return planted({f"Artist {at}": row.astype(np.float32) for at, row in enumerate(drawn)})


def by_definition(vectors: np.ndarray, asked: int, other: int, method: str) -> float:
    cosines = vectors @ vectors.T
    one, two = (np.delete(cosines[row], row) for row in (asked, other))
    score = cosines[asked, other]
    if method == "csls":
        return 2 * score - np.sort(one)[-10:].mean() - np.sort(two)[-10:].mean()
    return norm.cdf(score, one.mean(), one.std()) * norm.cdf(score, two.mean(), two.std())


@pytest.mark.parametrize("method", ["csls", "mp"])
def test_an_answer_is_that_of_the_definition(planted, method: str) -> None:
    with ArtistIndex.open(planted(count=30)) as index:
        found = hubness.neighbours(
            index, index.vector("Artist 3"), 29, method=method, leave_out=[3]
        )
        vectors = index.vectors.astype(np.float64)
        expected = {
            index.artists[row]: by_definition(vectors, 3, row, method)
            for row in range(30)
            if row != 3
        }
    assert [one.rank for one, _ in found] == list(range(1, 30))
    assert [one.artist for one, _ in found] == sorted(expected, key=lambda name: -expected[name])
    for one, value in found:
        assert value == pytest.approx(expected[one.artist], abs=1e-5)


def test_the_score_stays_the_cosine(planted) -> None:
    with ArtistIndex.open(planted()) as index:
        plain = {each.artist: each for each in index.neighbours("Artist 3", 19)}
        for one, _ in hubness.neighbours(
            index, index.vector("Artist 3"), 19, method="mp", leave_out=[3]
        ):
            assert one.score == pytest.approx(plain[one.artist].score, abs=1e-6)
            assert one.percentile == plain[one.artist].percentile


@pytest.mark.parametrize("method", ["csls", "mp"])
def test_a_hub_is_pushed_back(planted, method: str) -> None:
    def largest(chosen: str) -> int:
        tops = []
        for row in range(len(index)):
            found = hubness.neighbours(index, index.vectors[row], 5, method=chosen, leave_out=[row])
            tops.append([index.row(one.artist) for one, _ in found])
        return metrics.hubness(np.array(tops), len(index)).largest

    with ArtistIndex.open(planted_hub(planted)) as index:
        assert largest("none") == 59
        assert largest(method) < 50


@pytest.mark.parametrize("method", hubness.METHODS)
@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_tiny_index_answers(planted, method: str, count: int) -> None:
    with ArtistIndex.open(planted(count=count)) as index:
        found = hubness.neighbours(index, index.vectors[0], 5, method=method, leave_out=[0])
    assert len(found) == count - 1
    assert all(np.isfinite(value) for _, value in found)


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
        with pytest.raises(Misuse, match="unknown correction"):
            hubness.neighbours(index, index.vectors[0], method="magic")
        with pytest.raises(Misuse, match="k must be at least 1"):
            hubness.neighbours(index, index.vectors[0], 0, method="mp")
