"""Ranking line-ups: who comes first, by what, and what is said of those who are not indexed."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from artistindex.errors import Misuse, UnknownArtist
from artistindex.index.build import write_index
from artistindex.lineup import (
    COMBINE,
    DISLIKE,
    Combiner,
    Ranking,
    Reason,
    best,
    mean,
    mean_of_top,
    rank_lineup,
    soft_maximum,
)
from artistindex.query import ArtistIndex
from artistindex.records import Artist, VectorKey

Plant = Callable[..., Path]
COMBINERS = [best, mean, mean_of_top(2), mean_of_top(7), soft_maximum(0.01), soft_maximum(1.0)]
COSINES = arrays.arrays(
    np.float64, st.tuples(st.integers(1, 6), st.integers(1, 5)), elements=st.floats(-1, 1)
)


def rank(
    folder: Path,
    lineup: Sequence[str],
    likes: Sequence[str],
    dislikes: Sequence[str] = (),
    **options: Any,
) -> Ranking:
    with ArtistIndex.open(folder) as index:
        return rank_lineup(index, lineup, likes, dislikes, **options)


# -- combining ---------------------------------------------------------------------------------


@pytest.mark.parametrize("combine", COMBINERS)
@given(cosines=COSINES)
def test_a_score_lies_between_the_least_and_the_best(combine: Combiner, cosines: Any) -> None:
    scores = combine(cosines)
    assert scores.shape == (cosines.shape[1],)
    assert (scores <= cosines.max(axis=0) + 1e-12).all()
    assert (scores >= cosines.min(axis=0) - 1e-12).all()


@pytest.mark.parametrize("combine", COMBINERS)
@given(cosines=COSINES, draw=st.randoms(use_true_random=False))
def test_the_order_of_favourites_does_not_matter(
    combine: Combiner, cosines: Any, draw: Any
) -> None:
    shuffled = cosines[draw.sample(range(len(cosines)), len(cosines))]
    np.testing.assert_allclose(combine(shuffled), combine(cosines), atol=1e-12)


@given(cosines=COSINES)
def test_combiners_meet_at_their_ends(cosines: Any) -> None:
    np.testing.assert_array_equal(mean_of_top(1)(cosines), best(cosines))
    np.testing.assert_allclose(mean_of_top(99)(cosines), mean(cosines), atol=1e-12)
    np.testing.assert_allclose(soft_maximum(1e-9)(cosines), best(cosines), atol=1e-6)
    np.testing.assert_allclose(soft_maximum(1e9)(cosines), mean(cosines), atol=1e-6)


def test_a_single_favourite_is_asked_alone() -> None:
    cosines = np.array([[0.3, -0.2, 0.9]])
    for combine in COMBINERS:
        np.testing.assert_allclose(combine(cosines), cosines[0])


# -- ranking -----------------------------------------------------------------------------------


@pytest.fixture
def folder(planted: Plant) -> Path:
    return planted(
        {
            "Techno": [1, 0, 0],
            "House": [0.9, 0.1, 0],
            "Pop": [0, 1, 0],
            "Ballad": [0.1, 0.9, 0.1],
            "Metal": [0, 0, 1],
            "Thrash": [0, 0.2, 0.9],
        }
    )


def test_scores_are_those_of_brute_force(planted: Plant) -> None:
    folder = planted(count=40)
    lineup = [f"Artist {at}" for at in range(10, 25)]
    likes = [f"Artist {at}" for at in range(7)]
    dislikes = ["Artist 30", "Artist 31"]
    found = rank(folder, lineup, likes, dislikes)
    with ArtistIndex.open(folder) as index:
        rows = index.vectors.astype(np.float64)
    scores = COMBINE(rows[:7] @ rows.T) - DISLIKE * np.maximum(COMBINE(rows[30:32] @ rows.T), 0)
    order = sorted(range(10, 25), key=lambda row: -scores[row])
    assert [each.artist for each in found.ranked] == [f"Artist {row}" for row in order]
    assert [each.rank for each in found.ranked] == list(range(1, 16))
    rivals = list(range(7, 40))
    for each, row in zip(found.ranked, order, strict=True):
        assert each.score == pytest.approx(scores[row], abs=1e-6)
        less = sum(scores[other] < scores[row] for other in rivals if other != row)
        assert each.percentile == pytest.approx(100 * less / 32)
        nearest = sorted(range(7), key=lambda liked: -(rows[liked] @ rows[row]))[:3]
        assert [one.artist for one in each.because] == [f"Artist {liked}" for liked in nearest]
        assert each.because[0].score == pytest.approx(rows[nearest[0]] @ rows[row], abs=1e-6)


def test_who_sounds_like_a_favourite_comes_first(folder: Path) -> None:
    found = rank(folder, ["Thrash", "Ballad", "House"], ["Techno"])
    assert [each.artist for each in found.ranked] == ["House", "Ballad", "Thrash"]
    assert found.ranked[0].because[0].artist == "Techno"
    assert found.ranked[0].percentile == 100.0


def test_a_favourite_who_plays_comes_first_and_is_said_to_be_one(folder: Path) -> None:
    found = rank(folder, ["House", "metal"], ["Techno", "Metal"])
    first = found.ranked[0]
    assert (first.artist, first.billed, first.favourite, first.score) == ("Metal", "metal", True, 1)
    assert first.because == (Reason("Metal", 1.0),)
    assert first.to_json()["billed"] == "metal"
    assert not found.ranked[1].favourite


def test_a_favourite_who_plays_is_one_even_if_nobody_has_heard_them(folder: Path) -> None:
    found = rank(folder, ["House", "Unheard"], ["Techno", "unheard"])
    assert [each.artist for each in found.ranked] == ["Unheard", "House"]
    assert found.ranked[0].favourite
    assert found.not_indexed == []
    assert found.likes_not_indexed == ["unheard"]


def test_dislikes_push_down_who_is_like_them_and_themselves_to_the_end(folder: Path) -> None:
    lineup, likes = ["Ballad", "Thrash", "Pop"], ["Techno", "House"]
    assert [each.artist for each in rank(folder, lineup, likes).ranked] == [
        "Ballad",
        "Pop",
        "Thrash",
    ]
    found = rank(folder, lineup, likes, ["Pop"])
    assert [each.artist for each in found.ranked] == ["Thrash", "Ballad", "Pop"]
    assert [each.disliked for each in found.ranked] == [False, False, True]
    assert found.ranked[1].to_json()["against"][0]["artist"] == "Pop"
    with pytest.raises(Misuse, match="Techno is both liked and disliked"):
        rank(folder, lineup, likes, ["techno"])


def test_who_is_not_indexed_is_listed(folder: Path) -> None:
    found = rank(folder, ["House", "Nobody"], ["Techno", "No One"], ["None"])
    assert found.not_indexed == ["Nobody"]
    assert found.likes_not_indexed == ["No One"]
    assert found.dislikes_not_indexed == ["None"]


def test_nobody_to_rank_or_to_rank_for_is_an_error(folder: Path) -> None:
    with pytest.raises(UnknownArtist, match="nobody of the line-up is in the index"):
        rank(folder, ["Nobody"], ["Techno"])
    with pytest.raises(UnknownArtist, match="none of the favourites is in the index"):
        rank(folder, ["House"], ["Nobody"])


def test_acts_that_share_a_slot_are_ranked_one_by_one(folder: Path) -> None:
    found = rank(folder, ["House b2b Pop", "Metal x Nobody", "Thrash & Nobody"], ["Techno"])
    assert [each.artist for each in found.ranked] == ["House", "Pop", "Metal"]
    assert found.ranked[0].to_json()["billed"] == "House b2b Pop"
    assert found.not_indexed == ["Nobody", "Thrash & Nobody"]


def test_a_band_with_such_a_name_is_itself(planted: Plant) -> None:
    folder = planted({"Florence & The Machine": [1, 0], "Florence": [0, 1], "Like": [1, 0.1]})
    found = rank(folder, ["Florence & The Machine"], ["Like"])
    assert [each.artist for each in found.ranked] == ["Florence & The Machine"]


def test_a_name_that_could_be_several_is_said_so(tmp_path: Path) -> None:
    artists = [Artist("Beyoncé"), Artist("Beyonce"), Artist("Like"), Artist("Play")]
    key = VectorKey("vggish", "0" * 64)
    write_index(tmp_path / "v", key=key, artists=artists, vectors=np.eye(4, dtype=np.float32))
    found = rank(tmp_path / "v", ["BEYONCE", "Play"], ["Like"])
    assert found.not_indexed == ["BEYONCE"]
    assert "could be any of" in found.remarks[0]


def test_nobody_else_means_no_percentile(planted: Plant) -> None:
    folder = planted({"A": [1, 0], "B": [0, 1]})
    assert rank(folder, ["B"], ["A"]).ranked[0].percentile is None


@given(st.data())
def test_a_ranking_is_the_same_however_the_lists_are_ordered(
    tmp_path_factory: pytest.TempPathFactory, data: Any
) -> None:
    rows = np.random.default_rng(3).normal(size=(12, 4)).astype(np.float32)
    folder = tmp_path_factory.getbasetemp() / "ordered"
    artists = [Artist(f"Artist {at}") for at in range(12)]
    write_index(folder, key=VectorKey("vggish", "0" * 64), artists=artists, vectors=rows)
    names = [artist.name for artist in artists]
    lineup = data.draw(st.lists(st.sampled_from(names), min_size=1, max_size=6, unique=True))
    likes = data.draw(st.lists(st.sampled_from(names), min_size=1, max_size=6, unique=True))
    one = rank(folder, lineup, likes)
    other = rank(folder, data.draw(st.permutations(lineup)), data.draw(st.permutations(likes)))
    assert {each.artist: each.score for each in one.ranked} == pytest.approx(
        {each.artist: each.score for each in other.ranked}
    )
    assert [each.favourite for each in one.ranked] == [each.favourite for each in other.ranked]
