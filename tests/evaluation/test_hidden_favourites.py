"""Hidden favourites: where they come, what chance would give, and who may not help."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import rankdata

from artistindex.entities import Artist, VectorKey
from artistindex.errors import Misuse
from artistindex.evaluation.hidden_favourites import hidden_favourites, place
from artistindex.index.sidecar import UsedTrack
from artistindex.index.writer import write_index
from artistindex.listeners.bills import Lineup
from artistindex.listeners.favourites import Favourite, Favourites

Plant = Callable[..., Path]
Run = Callable[..., tuple[int, str, str]]
TASTE = {"Techno": [1, 0, 0], "House": [0.9, 0.1, 0], "Trance": [0.9, 0, 0.1]}
OTHERS = {f"Pop {at}": [0, 1, 0.1 * at] for at in range(9)}


def favourites(*names: str) -> Favourites:
    return Favourites(tuple(map(Favourite, names)), ())


@given(
    st.lists(st.integers(0, 3), min_size=1, max_size=8),
    st.integers(0, 3),
)
def test_a_place_is_that_of_scipy(rivals: list[int], score: int) -> None:
    favourite = place("A", float(score), np.array(rivals, np.float64))
    expected = rankdata([-score, *(-rival for rival in rivals)])[0]
    assert favourite.rank == expected
    assert favourite.percentile == pytest.approx(100 * (len(rivals) + 1 - expected) / len(rivals))


def test_a_favourite_is_found_by_the_others(planted: Plant) -> None:
    folder = planted({**TASTE, **OTHERS})
    evaluation = hidden_favourites(folder, Lineup.of([*OTHERS, "house"]), favourites(*TASTE))
    assert (evaluation.playing, evaluation.pool) == (1, 9)
    (house,) = evaluation.hidden
    assert (house.artist, house.rank, house.percentile, house.acts) == ("House", 1, 100, 10)
    recall = evaluation.metrics["recall@10%"]
    assert (recall.value, recall.chance, recall.low) == (1.0, 0.1, None)


def test_a_favourite_unlike_the_others_is_not(planted: Plant) -> None:
    folder = planted({**TASTE, **OTHERS, "Odd": [-0.1, -1, -0.1]})
    liked = favourites("Techno", "Trance", "Odd")
    evaluation = hidden_favourites(folder, Lineup.of([*OTHERS, "Odd", "Techno"]), liked)
    ranks = {favourite.artist: favourite.rank for favourite in evaluation.hidden}
    assert ranks == {"Odd": 10, "Techno": 1}
    assert evaluation.metrics["median_percentile"].value == 50
    assert evaluation.metrics["recall@10%"].value == 0.5


def test_random_vectors_are_at_chance(planted: Plant, tmp_path: Path) -> None:
    liked = favourites(*(f"Artist {at}" for at in range(50)))
    lineup = Lineup.of(f"Artist {at}" for at in range(150))
    metrics = []
    for seed in range(30):
        folder = planted(count=150, dimension=16, seed=seed, folder=tmp_path / str(seed))
        evaluation = hidden_favourites(folder, lineup, liked, resamples=10)
        assert (len(evaluation.hidden), evaluation.pool) == (50, 100)
        metrics.append(evaluation.metrics)
    for name, tolerance in (("median_percentile", 5), ("recall@10%", 0.02)):
        values = [metric[name].value for metric in metrics]
        assert np.mean(np.array(values, float)) == pytest.approx(
            metrics[0][name].chance, abs=tolerance
        )


def test_who_shares_a_recording_does_not_help(tmp_path: Path) -> None:
    """ "Techno" and "House" are near for a track that both are credited with."""
    vectors = {"Techno": [1, 0, 0], "House": [1, 0, 0], "Other": [0, 0, 1], **OTHERS}
    library_ids = {"Techno": 7, "House": 7}
    write_index(
        tmp_path / "v",
        key=VectorKey("vggish", "0" * 64),
        artists=[Artist(name) for name in vectors],
        vectors=np.array(list(vectors.values()), np.float32),
        tracks=[[UsedTrack(name, library_id=library_ids.get(name))] for name in vectors],
    )
    lineup = Lineup.of([*OTHERS, "House"])
    (house,) = hidden_favourites(
        tmp_path / "v", lineup, favourites("Techno", "House", "Other")
    ).hidden
    assert house.rank > 1


@pytest.mark.parametrize(
    ("lineup", "likes", "reason"),
    [
        (["Pop 1"], ["Techno", "House"], "nobody to hide"),
        (["Techno", "Pop 1"], ["Techno"], "none to rank by"),
        (["Techno", "Nobody"], ["Techno", "House"], "nobody to beat"),
    ],
)
def test_what_cannot_be_measured_is_said(
    planted: Plant, lineup: list[str], likes: list[str], reason: str
) -> None:
    folder = planted({**TASTE, **OTHERS})
    with pytest.raises(Misuse, match=reason):
        hidden_favourites(folder, Lineup.of(lineup), favourites(*likes))


def test_the_command_reports_it_with_chance_and_interval(
    planted: Plant, run: Run, tmp_path: Path
) -> None:
    planted({**TASTE, **OTHERS})
    lineup, likes = tmp_path / "lineup.txt", tmp_path / "likes.txt"
    lineup.write_text("\n".join([*OTHERS, "House", "Trance"]))
    likes.write_text("\n".join([*TASTE, "Nobody"]))
    arguments = ("evaluate", "--lineup", lineup, "--likes", likes)
    code, out, err = run(*arguments, "--format", "json", "--per-artist")
    assert code == 0, err
    (evaluation,) = json.loads(out)["indexes"]
    assert (evaluation["queries"], evaluation["pool"], evaluation["coverage"]) == (2, 9, 1.0)
    assert [favourite["artist"] for favourite in evaluation["artists"]] == ["House", "Trance"]
    median = evaluation["metrics"]["median_percentile"]
    assert (median["value"], median["low"], median["high"], median["chance"]) == (100, 100, 100, 50)
    assert "vggish: 2 favourites play, 2 of them are hidden in turn among 9 acts" in err
    code, out, _ = run(*arguments)
    assert code == 0
    assert "recall@10%" in out


@pytest.mark.parametrize(
    "options",
    [
        ["--lineup", "A"],
        ["--likes", "A", "--artist-retrieval"],
        ["--lineup", "A", "--likes", "B", "--artist-retrieval"],
        ["--lineup", "A", "--likes", "B", "--k", "5"],
        ["--lineup", "A", "--likes", "B", "--fused"],
    ],
)
def test_options_that_do_not_go_together_are_one_line(run: Run, options: list[str]) -> None:
    code, out, err = run("evaluate", *options)
    assert (code, out, err.count("\n")) == (2, "", 1)
