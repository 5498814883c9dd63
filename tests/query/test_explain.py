"""Why an artist is in an answer."""

import json
import shutil

import numpy as np
import pytest

from artistindex.errors import Misuse
from artistindex.index.reader import ArtistIndex
from artistindex.library.library import FILE_NAME
from artistindex.query.explain import Explanation, explain
from artistindex.query.query import Query
from artistindex.query.ranking import search
from planted_library import plant_tracks, styles

X, Y, Z = np.eye(3)
WORLD = {
    "Asked": [X, X + 0.15 * Y, X + 0.15 * Z],
    "Steady": [X + 0.3 * Y, X + 0.3 * Y + 0.01 * Z, X + 0.31 * Y],
    "One hit": [3 * X, Z, Z - 0.2 * X],
    "Far": [Y, Y + 0.1 * Z, Y + 0.2 * Z],
    "Further": [-X + Y, -X + Z, -X],
    "Single": [X - 0.5 * Z],
}


def explained(folder, *names: str, k: int = 3, **more) -> dict[str, Explanation]:
    with ArtistIndex.open(folder) as index:
        hits = search(index, names, k)
        explanations = explain(index, names, hits, **more)
        return {
            hit.neighbour.artist: explanation
            for hit, explanation in zip(hits, explanations, strict=True)
        }


def test_the_closest_tracks_are_named(tmp_path) -> None:
    folder = plant_tracks(tmp_path, WORLD)
    pair = explained(folder, "Asked")["Steady"].closest
    assert pair is not None
    assert (pair.asked, pair.neighbour) == ("Asked 2", "Steady 1")
    expected = (X + 0.15 * Y) @ (X + 0.3 * Y) / np.sqrt(1.0225 * 1.09)
    assert pair.score == pytest.approx(expected, abs=1e-5)


def test_one_recording_is_no_closest_pair(tmp_path) -> None:
    folder = plant_tracks(tmp_path, WORLD)
    pair = explained(folder, "Asked")["One hit"].closest
    assert pair is not None  # One hit 1 sounds exactly like Asked 1: one recording
    assert (pair.asked, pair.neighbour) != ("Asked 1", "One hit 1")


def test_steady_artists_stay_and_others_come_and_go(tmp_path) -> None:
    explanations = explained(plant_tracks(tmp_path, WORLD), "Asked")
    assert explanations["Steady"].stability == 1.0
    assert 0 < (explanations["One hit"].stability or 0) < 1


def test_what_rests_on_one_track_is_marked(tmp_path) -> None:
    explanations = explained(plant_tracks(tmp_path, WORLD), "Asked")
    assert explanations["Steady"].rests_on is None
    assert explanations["Single"].rests_on == "Single 1"
    assert explanations["One hit"].rests_on == "One hit 1"


def test_the_same_seed_gives_the_same_answer(tmp_path) -> None:
    folder = plant_tracks(tmp_path, styles())
    first, again, other = (explained(folder, "Artist 3", k=3, seed=s) for s in (1, 1, 2))
    assert first == again
    assert first != other


def test_stability_is_a_share_of_all_resamples(tmp_path) -> None:
    folder = plant_tracks(tmp_path, styles(artists=8))
    explanations = explained(folder, "Artist 3", k=7)
    assert [why.stability for why in explanations.values()] == [1.0] * 7
    assert all(why.rests_on is None for why in explanations.values())


def test_several_artists_are_explained_together(tmp_path) -> None:
    explanations = explained(plant_tracks(tmp_path, WORLD), "Asked", "Far", k=2)
    pair = explanations["Steady"].closest
    assert pair is not None
    assert pair.asked.startswith(("Asked", "Far"))


def test_nobody_asked_is_misuse(tmp_path) -> None:
    with ArtistIndex.open(plant_tracks(tmp_path, WORLD)) as index:
        hits = search(index, index.vectors[0])
        with pytest.raises(Misuse, match="only an answer about artists"):
            explain(index, index.vectors[0], hits)


def test_an_artist_out_of_a_pack_cannot_be_explained(planted, run, tmp_path) -> None:
    planted(model="musicnn")
    plant_tracks(tmp_path / "elsewhere", WORLD)
    shutil.copy(tmp_path / "elsewhere" / FILE_NAME, run.indexes / FILE_NAME)
    code, out, err = run("query", "Artist 3", "--explain", "--k", 3, "--format", "json")
    assert code == 0
    assert "Artist 3 came in a pack, without tracks to explain by" in err
    for neighbour in json.loads(out)["neighbours"]:
        assert (neighbour["stability"], neighbour["closest"], neighbour["rests_on"]) == (
            None,
            None,
            None,
        )


def test_query_explains(run) -> None:
    plant_tracks(run.indexes, WORLD)
    code, out, _ = run("query", "Asked", "--explain", "--k", 3, "--format", "json")
    neighbours = {neighbour["artist"]: neighbour for neighbour in json.loads(out)["neighbours"]}
    assert code == 0
    assert neighbours["Steady"]["closest"]["neighbour"] == "Steady 1"
    assert neighbours["Steady"]["stability"] == 1.0
    assert neighbours["Single"]["rests_on"] == "Single 1"
    assert neighbours["Steady"]["percentile"] > 50
    _, table, _ = run("query", "Asked", "--explain", "--k", 3)
    assert "Asked 2 ~ Steady 1" in table
    _, _, err = run("query", "Single", "--explain", "--k", 3)
    assert "one track stands for Single: all answers rest on it" in err


def test_music_is_explained_as_one_sound(tmp_path) -> None:
    """A track that is asked with stays as it is; only the neighbours' tracks are drawn again."""
    query = Query(tracks=("Asked - Asked 1",))
    with ArtistIndex.open(plant_tracks(tmp_path, WORLD)) as index:
        hits = search(index, query, 3)
        names = [hit.neighbour.artist for hit in hits]
        explanations = dict(zip(names, explain(index, query, hits), strict=True))
    assert "Asked" not in explanations
    pair = explanations["Steady"].closest
    assert pair is not None
    assert (pair.asked, pair.neighbour) == ("Asked - Asked 1", "Steady 1")
    assert pair.score == pytest.approx(1 / np.sqrt(1.09), abs=1e-5)
    assert explanations["Steady"].stability == 1.0
    assert explanations["Single"].rests_on == "Single 1"


def test_query_explains_a_track_and_no_mixture(run) -> None:
    plant_tracks(run.indexes, WORLD)
    asked = ("query", "--track", "Asked - Asked 1", "--explain", "--k", 3)
    code, out, _ = run(*asked, "--format", "json")
    assert code == 0
    neighbours = json.loads(out)["neighbours"]
    closest = {neighbour["artist"]: neighbour["closest"] for neighbour in neighbours}
    assert closest["Steady"]["asked"] == "Asked - Asked 1"
    code, _, err = run(*asked, "Far")
    assert code == 2
    assert "ask for ARTISTs alone, or for --audio and --track alone" in err
