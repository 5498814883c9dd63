"""The ways of ranking that were tried, each by its definition."""

from collections.abc import Callable

import numpy as np
import pytest

from artistindex.evaluation.track_pool import Scorer, TrackPool, by_centroid
from artistindex.index.transforms import unit
from artistindex.query.rerank import mean_of_best_matches
from planted_library import pool_of, styles
from rankers import by_closest_tracks, by_rescaled_centroid, by_tracks, part_of, reranked

X, Y, Z = np.eye(3)


@pytest.mark.parametrize("ranker", [by_tracks, by_closest_tracks])
def test_other_takes_of_the_recording_help_nobody(ranker: Callable[[TrackPool], Scorer]) -> None:
    world = {"A": [X, X, Y], "B": [X, Z], "C": [Y + Z, Z]}
    pool = pool_of(world, recordings=[0, 0, 1, 0, 2, 3, 4])
    scores = ranker(pool)(0)  # A's X is also A's second and B's first
    assert scores == pytest.approx([0, 0, 0], abs=1e-6)


@pytest.mark.parametrize("ranker", [by_tracks, by_closest_tracks])
def test_an_artist_with_nothing_left_is_gone(ranker: Callable[[TrackPool], Scorer]) -> None:
    pool = pool_of({"A": [X], "B": [Y, Z], "C": [X + Y, X]})
    assert ranker(pool)(0)[0] == -np.inf


def test_without_a_correction_the_cosines_stay() -> None:
    pool = pool_of(styles(artists=6, tracks=4))
    plain, corrected = by_centroid(pool), by_rescaled_centroid(pool, "csls")
    for track in range(len(pool)):
        np.testing.assert_array_equal(by_rescaled_centroid(pool, "none")(track), plain(track))
    assert not np.allclose(corrected(0), plain(0))


def test_tracks_are_matched_both_ways() -> None:
    pool = pool_of(styles(artists=5, tracks=4))
    units = unit(pool.vectors).astype(np.float64)
    scores = by_tracks(pool)(2)
    for row, own in enumerate(pool.without(2)):
        expected = mean_of_best_matches((units[2] @ units[own].T)[None, :])
        assert scores[row] == pytest.approx(expected, abs=1e-6)


def test_ranking_again_touches_the_top_alone() -> None:
    def first(track: int) -> np.ndarray:
        return np.array([0.9, 0.8, 0.7, -np.inf])

    def again(track: int) -> np.ndarray:
        return np.array([0.1, 0.5, 0.99, -np.inf])

    scores = reranked(first, again, depth=2)(0)
    assert np.argsort(-scores).tolist() == [1, 0, 2, 3]
    assert scores[3] == -np.inf


def test_a_part_of_a_pool_has_only_the_artists_of_its_tracks() -> None:
    pool = pool_of({"A": [X], "B": [Y, Z], "C": [X + Y]})
    part = part_of(pool, np.array([False, True, False, True]))
    assert (part.artists, part.ids) == (("B", "C"), (1, 3))
    assert part.credits.tolist() == [[True, False], [False, True]]
    np.testing.assert_array_equal(part.vectors, pool.vectors[[1, 3]])
