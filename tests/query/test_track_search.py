"""Tracks as questions and as answers."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from artistindex.errors import BrokenIndex, Misuse, Remedy, UnknownArtist, UnknownTrack
from artistindex.index.reader import ArtistIndex
from artistindex.query.query import Query
from artistindex.query.ranking import search
from artistindex.query.track_names import find_track
from artistindex.query.track_search import search_tracks
from planted_library import plant_tracks, styles

GOLDEN = Path(__file__).parents[1] / "data" / "library-schema-3"


@pytest.fixture(params=["none", "centre"])
def folder(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    worlds = {**styles(), "Artist 3 & Artist 5": styles(seed=9)["Artist 0"][:1]}
    return plant_tracks(tmp_path, worlds, transform=request.param)


def units(index: ArtistIndex) -> dict[str, np.ndarray]:
    """The unit vector of every track by title."""
    return {
        track.title: index.transform.apply(np.array([track.vector]))[0]
        for name in index.artists
        for track in index.tracks(name)
    }


def test_a_track_is_found_by_artist_and_title(folder: Path) -> None:
    with ArtistIndex.open(folder) as index:
        track = find_track(index, "ARTIST 3 - artist 3 2")
        assert (track.artist, track.track.title) == ("Artist 3", "Artist 3 2")
        np.testing.assert_allclose(track.vector, units(index)["Artist 3 2"], atol=1e-6)
        with pytest.raises(UnknownTrack, match="closest titles are Artist 3 2"):
            find_track(index, "Artist 3 - Artist 3 22")
        with pytest.raises(UnknownArtist):
            find_track(index, "Nobody - Artist 3 2")
        with pytest.raises(Misuse, match='expected "Artist - Title"'):
            find_track(index, "Artist 3")


def test_a_track_asks_for_artists_who_are_not_its_own(folder: Path) -> None:
    with ArtistIndex.open(folder) as index:
        vector = units(index)["Artist 3 2"]
        hits = search(index, Query(tracks=("Artist 3 - Artist 3 2",)), 20)
        scores = index.vectors @ vector
        assert [hit.row for hit in hits] == [
            row for row in np.argsort(-scores) if row != index.row("Artist 3")
        ]
        np.testing.assert_allclose(
            [hit.neighbour.score for hit in hits], scores[[hit.row for hit in hits]], atol=1e-6
        )


def test_the_nearest_tracks_are_those_of_brute_force(folder: Path) -> None:
    with ArtistIndex.open(folder) as index:
        every = units(index)
        own = {track.title for track in index.tracks("Artist 3")}
        for query, vector in (
            ("Artist 3", index.vector("Artist 3")),
            (Query(tracks=("Artist 3 - Artist 3 2",)), every["Artist 3 2"]),
        ):
            expected = sorted(every.keys() - own, key=lambda title: -float(every[title] @ vector))
            hits = search_tracks(index, query, 10)
            assert [hit.track.title for hit in hits] == expected[:10]
            assert [hit.rank for hit in hits] == list(range(1, 11))
            for hit in hits:
                assert hit.track.score == pytest.approx(every[hit.track.title] @ vector, abs=1e-5)
        assert len(search_tracks(index, "Artist 3", 1000)) == len(every) - len(own)
        excluded = [index.row(f"Artist {at}") for at in range(12) if at != 7]
        names = {
            name
            for hit in search_tracks(index, "Artist 3", 9, exclude=excluded)
            for name in hit.artists
        }
        assert names == {"Artist 7"}


def test_a_track_of_two_artists_answers_once(folder: Path) -> None:
    with ArtistIndex.open(folder) as index:
        hits = search_tracks(index, "Artist 7", 1000)
        (shared,) = [hit for hit in hits if hit.track.title == "Artist 3 & Artist 5 1"]
        assert set(shared.artists) == {"Artist 3", "Artist 5"}


def test_an_index_without_track_vectors_says_so() -> None:
    with ArtistIndex.open(GOLDEN / "musicnn") as index:
        with pytest.raises(BrokenIndex, match="no vectors of single tracks") as error:
            search_tracks(index, "Pressure Ward")
        assert error.value.remedy is Remedy.BUILD_AGAIN
        with pytest.raises(Misuse, match="k must be at least 1"):
            search_tracks(index, "Pressure Ward", 0)


def test_query_lists_tracks(run: Any) -> None:
    plant_tracks(run.indexes, styles())
    code, out, _ = run(
        "query", "--track", "Artist 3 - Artist 3 2", "--for", "tracks", "--k", 3, "--format", "json"
    )
    answer = json.loads(out)
    assert code == 0
    assert answer["query"] == answer["track"] == ["Artist 3 - Artist 3 2"]
    assert [row["rank"] for row in answer["tracks"]] == [1, 2, 3]
    assert answer["tracks"][0].keys() == {
        "rank", "artists", "title", "album", "path", "link", "score", "ids",
    }  # fmt: skip
    _, table, _ = run("query", "Artist 3", "--for", "tracks", "--k", 3)
    assert table.split()[:6] == ["rank", "artist", "title", "album", "score", "where"]
    for flags in (("--explain",), ("--hubs", "mp"), ("--rerank", "tracks")):
        code, _, err = run("query", "Artist 3", "--for", "tracks", *flags)
        assert (code, err.count("\n")) == (2, 1)
    code, _, err = run("query", "--track", "Artist 3 - Nothing")
    assert (code, err.count("\n")) == (1, 1)
