"""The measurement behind line-ups: its combiners, and that it finds what was planted."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from artistindex.entities import Artist, Track, TrackVector, VectorKey
from artistindex.library.library import FILE_NAME, Library
from lineup import (
    COMBINERS,
    Combiner,
    Music,
    best,
    held_out_artists,
    held_out_tracks,
    judged,
    mean,
    mean_of_top,
    soft_maximum,
)

SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks" / "lineup.py"
COSINES = arrays.arrays(
    np.float64, st.tuples(st.integers(1, 6), st.integers(1, 5)), elements=st.floats(-1, 1)
)


@pytest.mark.parametrize("combine", COMBINERS.values())
@settings(deadline=None)
@given(cosines=COSINES)
def test_a_score_lies_between_the_least_and_the_best(combine: Combiner, cosines: Any) -> None:
    scores = combine(cosines)
    assert scores.shape == (cosines.shape[1],)
    assert (scores <= cosines.max(axis=0) + 1e-12).all()
    assert (scores >= cosines.min(axis=0) - 1e-12).all()


@pytest.mark.parametrize("combine", COMBINERS.values())
@settings(deadline=None)
@given(cosines=COSINES, draw=st.randoms(use_true_random=False))
def test_the_order_of_favourites_does_not_matter(
    combine: Combiner, cosines: Any, draw: Any
) -> None:
    shuffled = cosines[draw.sample(range(len(cosines)), len(cosines))]
    np.testing.assert_allclose(combine(shuffled), combine(cosines), atol=1e-12)


@settings(deadline=None)
@given(cosines=COSINES)
def test_combiners_meet_at_their_ends(cosines: Any) -> None:
    np.testing.assert_array_equal(mean_of_top(1)(cosines), best(cosines))
    np.testing.assert_allclose(mean_of_top(99)(cosines), mean(cosines), atol=1e-12)
    np.testing.assert_allclose(soft_maximum(1e-9)(cosines), best(cosines), atol=1e-6)
    np.testing.assert_allclose(soft_maximum(1e9)(cosines), mean(cosines), atol=1e-6)


def test_a_single_favourite_is_asked_alone() -> None:
    cosines = np.array([[0.3, -0.2, 0.9]])
    for combine in COMBINERS.values():
        np.testing.assert_allclose(combine(cosines), cosines[0])


def planted(seed: int = 0) -> list[Music]:
    """Three collections of five artists: one direction a collection, one off it an artist."""
    generator = np.random.default_rng(seed)
    ranks = []
    for place in range(3):
        for number in range(5):
            centre = 3 * np.eye(3, 40)[place] + np.eye(40)[3 + 5 * place + number]
            tracks = centre + 0.02 * generator.normal(size=(4, 40))
            ranks.append(Music(f"{place} {number}", f"c{place}", tracks.astype(np.float32)))
    return ranks


def test_planted_acts_are_found_by_whoever_looks_at_the_nearest() -> None:
    ranks = judged(held_out_tracks(planted(), 3, 10, 0), "none")
    np.testing.assert_array_equal(ranks["best"], 1.0)
    assert ranks["mean"][:, 0].mean() < 0.9


def test_planted_tastes_are_found_by_everyone() -> None:
    for values in judged(held_out_artists(planted(), 3, 5, 0, []), "none").values():
        assert values.shape == (15, 2)
        np.testing.assert_array_equal(values, 1.0)
    none = judged(held_out_artists(planted(), 3, 5, 0, ["c0", "c1", "c2"]), "none")
    assert len(none["best"]) == 0


def test_an_act_never_meets_its_own_favourites_in_the_line_up() -> None:
    for _, liked, lineup in held_out_tracks(planted(), 4, 2, 0):
        assert len(liked) + len(lineup) == 4 + 1 + 15 - 4
        assert not any((row == rival).all() for row in liked for rival in lineup)


def test_the_script_prints_tables_for_a_library(tmp_path: Path) -> None:
    key = VectorKey("musicnn", "a" * 64)
    with Library.open(tmp_path / FILE_NAME) as library:
        for music in planted():
            for at, vector in enumerate(music.tracks):
                path = tmp_path / "music" / music.collection / f"{music.name} {at}.ogg"
                track = Track((Artist(music.name),), f"Song {at}", path=path)
                track_id = library.upsert_file(track, size=1, mtime_ns=1)
                vectors = [TrackVector(key, vector, 1, "test")]
                library.add_embedding(
                    track_id, audio_sha256=str(path), duration=1.0, vectors=vectors
                )
    result = subprocess.run(
        [sys.executable, SCRIPT, tmp_path / FILE_NAME, tmp_path / "music", "--users", "2"],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert result.returncode == 0, result.stderr
    assert "15 artists, 60 tracks of c0, c1, c2" in result.stdout
    assert "An act like a favourite, 3 favourites, space none: 15 acts" in result.stdout
    assert "| best | 1.000 [1.000, 1.000]" in result.stdout
