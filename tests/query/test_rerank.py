"""Answers ranked again by pairs of tracks."""

import json
import shutil
import sqlite3
from pathlib import Path

import numpy as np
import pytest

from artistindex.errors import BrokenLibrary, Misuse, Remedy
from artistindex.index.reader import ArtistIndex
from artistindex.library.library import FILE_NAME
from artistindex.query.query import Query
from artistindex.query.ranking import search
from artistindex.query.rerank import NOTHING_TO_COMPARE, Tracks, mean_of_best_matches
from planted_library import plant_tracks, styles

X, Y, Z = np.eye(3)
GOLDEN = Path(__file__).parents[1] / "data" / "library-schema-3"


def test_both_sides_weigh_alike() -> None:
    similarities = np.array([[0.9, 0.1], [0.2, 0.3], [0.0, 0.6]])
    expected = (np.mean([0.9, 0.3, 0.6]) + np.mean([0.9, 0.6])) / 2
    assert mean_of_best_matches(similarities) == pytest.approx(expected)
    assert mean_of_best_matches(similarities.T) == pytest.approx(expected)


def test_pairs_that_do_not_count_are_left_out() -> None:
    similarities = np.array([[np.nan, 0.1], [0.2, np.nan]])
    assert mean_of_best_matches(similarities) == pytest.approx(0.15)
    assert mean_of_best_matches(np.array([[np.nan, np.nan], [0.2, 0.4]])) == pytest.approx(
        (0.4 + 0.3) / 2
    )
    assert mean_of_best_matches(np.full((2, 2), np.nan)) == NOTHING_TO_COMPARE


TWO_MOODS = {
    "Asked": [X, Y],
    "Both moods": [X + 0.2 * Z, Y + 0.2 * Z],
    "In between": [X + Y, X + Y + 0.01 * Z],
    "Elsewhere": [Z, Z + 0.01 * X],
}


def ask(folder, name: str, k: int = 3):
    with ArtistIndex.open(folder) as index:
        hits = search(index, name, k, ranker=Tracks())
        return [(hit.neighbour, hit.rank_score) for hit in hits]


def test_tracks_tell_what_the_centroid_cannot(tmp_path) -> None:
    folder = plant_tracks(tmp_path, TWO_MOODS)
    with ArtistIndex.open(folder) as index:
        assert index.neighbours("Asked", 1)[0].artist == "In between"
    hits = ask(folder, "Asked")
    assert [neighbour.artist for neighbour, _ in hits] == ["Both moods", "In between", "Elsewhere"]
    assert [neighbour.rank for neighbour, _ in hits] == [1, 2, 3]
    assert hits[0][1] == pytest.approx(1 / np.sqrt(1 + 0.2**2), abs=1e-4)


def test_a_shared_recording_is_no_likeness(tmp_path) -> None:
    folder = plant_tracks(
        tmp_path,
        {
            "Asked": [X + 0.1 * Y],
            "Asked & Friend": [Y],
            "Friend": [Z],
            "Copyist": [Y + 0.2 * Z, Z],
            "Nobody else": [X],
        },
    )
    values = {neighbour.artist: value for neighbour, value in ask(folder, "Asked", 5)}
    assert values["Friend"] < values["Copyist"]


def test_it_is_exact_on_random_tracks(tmp_path) -> None:
    worlds = styles()
    folder = plant_tracks(tmp_path, worlds)
    units = {
        name: rows / np.linalg.norm(rows, axis=1, keepdims=True) for name, rows in worlds.items()
    }
    expected = {
        name: mean_of_best_matches((units["Artist 3"] @ rows.T).astype(np.float64))
        for name, rows in units.items()
        if name != "Artist 3"
    }
    hits = ask(folder, "Artist 3", 11)
    assert [neighbour.artist for neighbour, _ in hits] == sorted(
        expected, key=lambda name: -expected[name]
    )
    for hit, value in hits:
        assert value == pytest.approx(expected[hit.artist], abs=1e-5)


@pytest.mark.parametrize("flags", [("--rerank", "tracks"), ("--explain",)])
def test_a_copied_index_needs_no_library(tmp_path, run, flags) -> None:
    folder = plant_tracks(tmp_path / "home", styles())
    shutil.copytree(folder, run.indexes / "musicnn")
    code, out, _ = run("query", "Artist 3", *flags, "--format", "json")
    copied = json.loads(out)
    run.indexes = folder.parent
    assert (code, copied) == (
        0,
        json.loads(run("query", "Artist 3", *flags, "--format", "json")[1]),
    )


@pytest.mark.parametrize("flags", [("--rerank", "tracks"), ("--explain",)])
def test_an_index_of_format_1_without_its_library_says_so(run, flags) -> None:
    shutil.copytree(GOLDEN / "musicnn", run.indexes / "musicnn")
    code, _, err = run("query", "Pressure Ward", *flags)
    assert code == 1
    assert f"no {FILE_NAME} beside the index" in err


def test_a_library_that_went_on_is_noticed(tmp_path) -> None:
    shutil.copytree(GOLDEN, tmp_path / "golden")
    with sqlite3.connect(tmp_path / "golden" / FILE_NAME) as library:
        library.execute("UPDATE track_vectors SET vector = zeroblob(4 * dimension)")
    library.close()
    with pytest.raises(BrokenLibrary, match="has changed since the index") as error:
        ask(tmp_path / "golden" / "musicnn", "Pressure Ward")
    assert error.value.remedy is Remedy.BUILD_AGAIN


def test_an_index_in_another_space_is_ranked_in_that_space(tmp_path) -> None:
    folder = plant_tracks(tmp_path, styles(), transform="centre")
    values = [value for _, value in ask(folder, "Artist 3", 11)]
    assert min(values) < 0 < max(values)


def test_an_artist_out_of_a_pack_has_no_tracks_to_rank_by(planted, tmp_path) -> None:
    folder = planted(model="musicnn")
    plant_tracks(tmp_path / "elsewhere", styles())
    shutil.copy(tmp_path / "elsewhere" / FILE_NAME, folder.parent / FILE_NAME)
    with pytest.raises(Misuse, match="Artist 3 came in a pack, without tracks"):
        ask(folder, "Artist 3", 5)


def test_nobody_asked_and_a_bad_k_are_misuse(tmp_path) -> None:
    folder = plant_tracks(tmp_path, styles())
    with ArtistIndex.open(folder) as index:
        for query in (index.vectors[0], Query(("Artist 3",), minus=("Artist 4",))):
            with pytest.raises(Misuse, match="needs artists, and nothing else"):
                search(index, query, ranker=Tracks())
        with pytest.raises(Misuse, match="k must be at least 1"):
            search(index, "Artist 3", 0, ranker=Tracks())


def test_music_is_ranked_by_an_artists_two_nearest_tracks(tmp_path) -> None:
    folder = plant_tracks(tmp_path, TWO_MOODS)
    with ArtistIndex.open(folder) as index:
        query = Query(audio=("x.ogg",)).resolve(index, embed=lambda *_: X.astype(np.float32))
        hits = search(index, query, ranker=Tracks())
        values = {hit.neighbour.artist: hit.rank_score for hit in hits}
    assert values["Asked"] == pytest.approx((1 + 0) / 2, abs=1e-6)
    assert values["In between"] == pytest.approx(np.sqrt(0.5), abs=1e-3)
    assert hits[0].neighbour.artist == "In between"


def test_a_recording_that_is_asked_with_does_not_answer(tmp_path) -> None:
    world = {"Asked": [X, Y], "Shares it": [X, Z], "Near": [X + 0.3 * Y, X + 0.3 * Z]}
    folder = plant_tracks(tmp_path, world)
    with ArtistIndex.open(folder) as index:
        hits = search(index, Query(tracks=("Asked - Asked 1",)), ranker=Tracks())
    assert [hit.neighbour.artist for hit in hits] == ["Near", "Shares it"]
    assert hits[1].rank_score == pytest.approx(0, abs=1e-6)


def test_query_ranks_again(run) -> None:
    plant_tracks(run.indexes, TWO_MOODS)
    code, out, _ = run("query", "Asked", "--rerank", "tracks", "--format", "json")
    neighbours = json.loads(out)["neighbours"]
    assert code == 0
    assert neighbours[0]["artist"] == "Both moods"
    plain = {"rank", "artist", "score", "percentile", "tracks", "ids", "links", "entry_tracks"}
    assert neighbours[0].keys() == {*plain, "matches"}
