"""Ranking line-ups: who comes first, by what, and what is said of those who are not indexed."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from artistindex.entities import Artist, VectorKey
from artistindex.errors import Misuse, UnknownArtist
from artistindex.index.reader import ArtistIndex
from artistindex.index.writer import write_index
from artistindex.query.lineup import Ranking, Reason, rank_lineup
from artistindex.query.taste_scores import DISLIKE

Plant = Callable[..., Path]


def rank(
    folder: Path,
    lineup: Sequence[str],
    likes: Sequence[str],
    dislikes: Sequence[str] = (),
) -> Ranking:
    with ArtistIndex.open(folder) as index:
        return rank_lineup(index, lineup, likes, dislikes)


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
    ranking = rank(folder, lineup, likes, dislikes)
    with ArtistIndex.open(folder) as index:
        rows = index.vectors.astype(np.float64)
    away = (rows[30:32] @ rows.T).max(axis=0)
    scores = (rows[:7] @ rows.T).max(axis=0) - DISLIKE * np.maximum(away, 0)
    order = sorted(range(10, 25), key=lambda row: -scores[row])
    assert [entry.artist for entry in ranking.ranked] == [f"Artist {row}" for row in order]
    assert [entry.rank for entry in ranking.ranked] == list(range(1, 16))
    rivals = list(range(7, 40))
    for candidate, row in zip(ranking.ranked, order, strict=True):
        assert candidate.score == pytest.approx(scores[row], abs=1e-6)
        less = sum(scores[other] < scores[row] for other in rivals if other != row)
        assert candidate.percentile == pytest.approx(100 * less / 32)
        nearest = sorted(range(7), key=lambda liked: -(rows[liked] @ rows[row]))[:3]
        assert [favourite.artist for favourite in candidate.because] == [
            f"Artist {liked}" for liked in nearest
        ]
        assert candidate.because[0].score == pytest.approx(rows[nearest[0]] @ rows[row], abs=1e-6)


def test_who_sounds_like_a_favourite_comes_first(folder: Path) -> None:
    ranking = rank(folder, ["Thrash", "Ballad", "House"], ["Techno"])
    assert [entry.artist for entry in ranking.ranked] == ["House", "Ballad", "Thrash"]
    assert ranking.ranked[0].because[0].artist == "Techno"
    assert ranking.ranked[0].percentile == 100.0


def test_a_favourite_who_plays_comes_first_and_is_said_to_be_one(folder: Path) -> None:
    ranking = rank(folder, ["House", "metal"], ["Techno", "Metal"])
    first = ranking.ranked[0]
    assert (first.artist, first.billed, first.favourite, first.score) == ("Metal", "metal", True, 1)
    assert first.because == (Reason("Metal", 1.0),)
    assert first.to_json()["billed"] == "metal"
    assert not ranking.ranked[1].favourite


def test_a_favourite_who_plays_is_one_even_if_nobody_has_heard_them(folder: Path) -> None:
    ranking = rank(folder, ["House", "Unheard"], ["Techno", "unheard"])
    assert [entry.artist for entry in ranking.ranked] == ["Unheard", "House"]
    assert ranking.ranked[0].favourite
    assert ranking.not_indexed == []
    assert ranking.likes_not_indexed == ["unheard"]


def test_dislikes_push_down_who_is_like_them_and_themselves_to_the_end(folder: Path) -> None:
    lineup, likes = ["Ballad", "Thrash", "Pop"], ["Techno", "House"]
    assert [entry.artist for entry in rank(folder, lineup, likes).ranked] == [
        "Ballad",
        "Pop",
        "Thrash",
    ]
    ranking = rank(folder, lineup, likes, ["Pop"])
    assert [entry.artist for entry in ranking.ranked] == ["Thrash", "Ballad", "Pop"]
    assert [entry.disliked for entry in ranking.ranked] == [False, False, True]
    assert ranking.ranked[1].to_json()["against"][0]["artist"] == "Pop"
    with pytest.raises(Misuse, match="Techno is both liked and disliked"):
        rank(folder, lineup, likes, ["techno"])


def test_who_is_not_indexed_is_listed(folder: Path) -> None:
    ranking = rank(folder, ["House", "Nobody"], ["Techno", "No One"], ["None"])
    assert ranking.not_indexed == ["Nobody"]
    assert ranking.likes_not_indexed == ["No One"]
    assert ranking.dislikes_not_indexed == ["None"]


def test_nobody_to_rank_or_to_rank_for_is_an_error(folder: Path) -> None:
    with pytest.raises(UnknownArtist, match="nobody of the line-up is in the index"):
        rank(folder, ["Nobody"], ["Techno"])
    with pytest.raises(UnknownArtist, match="none of the favourites is in the index"):
        rank(folder, ["House"], ["Nobody"])


def test_acts_that_share_a_slot_are_ranked_one_by_one(folder: Path) -> None:
    ranking = rank(folder, ["House b2b Pop", "Metal x Nobody", "Thrash & Nobody"], ["Techno"])
    assert [entry.artist for entry in ranking.ranked] == ["House", "Pop", "Metal"]
    assert ranking.ranked[0].to_json()["billed"] == "House b2b Pop"
    assert ranking.not_indexed == ["Nobody", "Thrash & Nobody"]


def test_a_band_with_such_a_name_is_itself(planted: Plant) -> None:
    folder = planted({"Florence & The Machine": [1, 0], "Florence": [0, 1], "Like": [1, 0.1]})
    ranking = rank(folder, ["Florence & The Machine"], ["Like"])
    assert [entry.artist for entry in ranking.ranked] == ["Florence & The Machine"]


def test_a_name_that_could_be_several_is_said_so(tmp_path: Path) -> None:
    artists = [Artist("Beyoncé"), Artist("Beyonce"), Artist("Like"), Artist("Play")]
    key = VectorKey("vggish", "0" * 64)
    write_index(tmp_path / "v", key=key, artists=artists, vectors=np.eye(4, dtype=np.float32))
    ranking = rank(tmp_path / "v", ["BEYONCE", "Play"], ["Like"])
    assert ranking.not_indexed == ["BEYONCE"]
    assert "could be any of" in ranking.remarks[0]


def test_nobody_else_means_no_percentile(planted: Plant) -> None:
    folder = planted({"A": [1, 0], "B": [0, 1]})
    assert rank(folder, ["B"], ["A"]).ranked[0].percentile is None


@settings(deadline=None, max_examples=25)
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
    ranking = rank(folder, lineup, likes)
    other = rank(folder, data.draw(st.permutations(lineup)), data.draw(st.permutations(likes)))
    assert {entry.artist: entry.score for entry in ranking.ranked} == pytest.approx(
        {entry.artist: entry.score for entry in other.ranked}
    )
    assert [act.favourite for act in ranking.ranked] == [act.favourite for act in other.ranked]
