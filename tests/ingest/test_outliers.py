"""Whose track is it? Strangers among an artist's tracks."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from artistindex.ingest.outliers import MIN_TRACKS, outliers, scores


def around(direction: int, count: int, *, spread: float, seed: int = 0) -> NDArray[np.float32]:
    """Vectors of length about one around an axis of 32 dimensions, float32 (count, 32)."""
    noise = np.random.default_rng(seed).normal(scale=spread, size=(count, 32))
    return (np.eye(32)[direction] + noise).astype(np.float32)


def test_a_stranger_is_flagged_and_nobody_else() -> None:
    tracks = np.concatenate(
        [around(0, 3, spread=0.03), around(5, 1, spread=0.03), around(0, 2, spread=0.03, seed=1)]
    )
    (outlier,) = outliers(tracks)
    assert outlier.index == 3
    assert outlier.score > 10


def test_an_artist_of_many_moods_is_not_flagged() -> None:
    assert outliers(np.eye(8, dtype=np.float32)) == []


def test_the_same_distance_counts_by_the_artists_own_spread() -> None:
    stranger = (np.eye(32)[0] + 0.4 * np.eye(32)[1]).astype(np.float32)[None]
    narrow = np.concatenate([around(0, 6, spread=0.01), stranger])
    wide = np.concatenate([around(0, 6, spread=0.08), stranger])
    assert [outlier.index for outlier in outliers(narrow)] == [6]
    assert outliers(wide) == []


@pytest.mark.parametrize("count", range(MIN_TRACKS))
def test_too_few_tracks_are_never_flagged(count: int) -> None:
    tracks = np.eye(8, dtype=np.float32)[:count]
    assert outliers(tracks) == []
    assert scores(tracks).tolist() == [0.0] * count


def test_the_same_recording_several_times_is_no_division_by_zero() -> None:
    tracks = np.ones((5, 8), np.float32)
    assert outliers(tracks) == []
    tracks[2, 0] = -3
    assert [outlier.index for outlier in outliers(tracks)] == [2]


def test_the_oddest_comes_first() -> None:
    tracks = np.concatenate([around(0, 12, spread=0.02), around(3, 1, spread=0.02)])
    tracks[4] += 0.5 * np.eye(32, dtype=np.float32)[7]
    apart = outliers(tracks, threshold=0)
    assert [outlier.index for outlier in apart[:2]] == [12, 4]
    assert [outlier.score for outlier in apart] == sorted(
        (outlier.score for outlier in apart), reverse=True
    )


@given(seed=st.integers(0, 2**32), count=st.integers(MIN_TRACKS, 9), scale=st.floats(0.1, 1e3))
def test_order_and_scale_do_not_matter(seed: int, count: int, scale: float) -> None:
    rng = np.random.default_rng(seed)
    tracks = rng.normal(size=(count, 6)) + 1
    order = rng.permutation(count)
    expected = scores(tracks.astype(np.float32))
    assert scores((tracks * scale).astype(np.float32)) == pytest.approx(expected, rel=1e-3)
    assert scores(tracks[order].astype(np.float32)) == pytest.approx(expected[order], rel=1e-6)


def test_against_a_plain_loop() -> None:
    tracks = around(0, 6, spread=0.2).astype(np.float64)

    def distance(track: NDArray[np.float64], rest: NDArray[np.float64]) -> float:
        centroid = rest.mean(axis=0)
        return 1 - track @ centroid / np.linalg.norm(track) / np.linalg.norm(centroid)

    for i, score in enumerate(scores(tracks.astype(np.float32))):
        rest = [j for j in range(6) if j != i]
        spread = [distance(tracks[j], tracks[[k for k in rest if k != j]]) for j in rest]
        assert score == pytest.approx(distance(tracks[i], tracks[rest]) / np.mean(spread), rel=1e-4)
