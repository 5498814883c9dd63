"""Artists as sets of tracks: halves, and held-out tracks that take their kin with them."""

from pathlib import Path

import numpy as np
import pytest

from artistindex.entities import Artist, Track
from artistindex.evaluation.track_pool import TrackPool, by_centroid
from planted_library import pool_of, styles
from sets import (
    Halves,
    albums,
    closest_pair,
    halves,
    kin_table,
    numbered,
    stem,
    themes,
    two_closest,
    without,
)

X, Y, Z = np.eye(3)


def test_the_closest_pair_and_the_two_closest() -> None:
    similarities = np.array([[0.1, 0.5, 0.3], [0.9, 0.2, 0.2]])
    assert closest_pair(similarities) == 0.9
    assert two_closest(similarities) == pytest.approx((0.4 + 0.55) / 2)


def test_halves_of_artists_with_a_style_find_each_other() -> None:
    pool = pool_of(styles(artists=5, tracks=4, dimension=8, spread=0.01))
    first = np.asarray(pool.credits[:2].any(axis=0), np.bool_)
    parts = {"first": first, "rest": ~first}
    judged = halves({"plain": pool, "whitened": pool}, parts)
    assert judged.homes == ("first", "first", "rest", "rest", "rest")
    assert judged.values[:, judged.ways.index("plain, centroid")] == pytest.approx([1] * 5)
    lines = judged.table(resamples=50).splitlines()
    assert len(lines) == 2 + 8 + 2
    assert lines[0].startswith("| way, 5 artists |")


def test_the_way_of_halves_is_chosen_on_other_artists() -> None:
    values = np.array([[0.5, 1.0, 0.5], [0.5, 1.0, 0.5], [0.5, 0.2, 0.9]])
    judged = Halves(("plain", "a", "b"), values, ("x", "x", "y"))
    text = judged.nested_text(resamples=50)
    assert text.startswith("Nested over 2 collections: -0.100")  # b for x and a for y
    assert text.endswith("chosen b, a.")


@pytest.fixture
def pool() -> TrackPool:
    """A has two albums that sound alike within themselves; B lies between them."""
    return pool_of({"A": [X, X, Y, Y], "B": [X + Z, X + Z], "C": [Z, Y + Z]})


def test_a_track_takes_its_artists_album_with_it(pool: TrackPool) -> None:
    groups = numbered(["a", "a", "b", "b", "a", "c", "c", "c"])
    own = without(pool, groups, is_own_alone=True)
    everybody = without(pool, groups, is_own_alone=False)
    assert own.without(0)[0].tolist() == [False, False, True, True, *[False] * 4]
    assert own.without(0)[1].tolist() == [*[False] * 4, True, True, False, False]
    assert everybody.without(0)[1].tolist() == [*[False] * 5, True, False, False]
    assert by_centroid(pool)(0)[0] > by_centroid(own)(0)[0]


def test_what_is_lost_is_told_of_the_same_queries(pool: TrackPool) -> None:
    groups = {"album": numbered(["a", "a", "b", "b", "d", "d", "c", "c"])}
    table = kin_table(pool, groups, lambda pool: {"centroid": by_centroid(pool)})
    album = table.splitlines()[2].strip("| ").split(" | ")
    assert album[:3] == ["album", "4, 1", "centroid"]  # B and C have no other album
    assert float(album[3]) > float(album[4])


def test_titles_have_stems() -> None:
    names = ("Celtic", "celtic_fast", "Celtic 2 (Remix)", "Celtic (Live) remake")
    assert {stem(name) for name in names} == {"celtic"}
    assert stem("Combat 1") != stem("Battle 1")
    assert stem("1999") == "1999"


def test_themes_and_albums_are_told_by_package_and_title() -> None:
    named = [("p_a.ogg", "Tune"), ("p_b.ogg", "Tune (fast)"), ("q_c.ogg", "Tune"), ("p_d.ogg", "O")]
    tracks = [
        Track((Artist("A"),), title, album="X", path=Path("music") / name) for name, title in named
    ]
    pool = pool_of({"A": [X, X, X, X]})
    assert numbered(themes(tracks, pool)).tolist() == [0, 0, 1, 2]
    assert numbered(albums(tracks)).tolist() == [0, 0, 1, 0]
