"""Answers lead somewhere: ids, links, tracks to begin with; and some may be left out."""

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from artistindex.cli.neighbour_cells import track_cell
from artistindex.entities import Artist, EntryTrack, VectorKey
from artistindex.index.reader import ArtistIndex
from artistindex.index.sidecar import UsedTrack
from artistindex.index.writer import write_index
from artistindex.metadata.links import artist_links, track_link
from artistindex.query.ranking import rows_left_out, search
from planted_library import plant_tracks, styles

Plant = Callable[..., Path]
X, Y, Z = np.eye(3, dtype=np.float32)


def write(folder: Path) -> Path:
    """One artist to ask about, and one whose tracks lie at several distances."""
    tracks = [
        UsedTrack("Far", "LP", 1, recording=1, vector=Z),
        UsedTrack("Near", "LP", 2, recording=2, ids={"spotify": "t2"}, vector=2 * X),
        UsedTrack("Near (Remastered)", "Best Of", 3, recording=2, vector=X + 0.01 * Y),
        UsedTrack("Middle", None, 4, recording=3, path=Path("/m/a b.ogg"), vector=X + Y),
        UsedTrack("Further", None, 5, recording=4, vector=-X),
    ]
    write_index(
        folder,
        key=VectorKey("vggish", "0" * 64),
        artists=[Artist("Asked"), Artist("Other", {"spotify": "ar t", "musicbrainz": "mb"})],
        vectors=np.array([X, np.mean(np.array([track.vector for track in tracks]), axis=0)]),
        tracks=[[UsedTrack("Own", None, 9, recording=9, vector=X)], tracks],
    )
    return folder


def test_the_nearest_tracks_of_different_recordings_come_first(tmp_path: Path) -> None:
    with ArtistIndex.open(write(tmp_path)) as index:
        (neighbour,) = index.neighbours("Asked")
        assert search(index, "Asked")[0].neighbour == neighbour
        assert search(index, "Asked", entry_tracks=False)[0].neighbour.entry_tracks == ()
    assert neighbour.ids == {"spotify": "ar t", "musicbrainz": "mb"}
    assert neighbour.links == {
        "spotify": "https://open.spotify.com/artist/ar%20t",
        "musicbrainz": "https://musicbrainz.org/artist/mb",
        "music-map": "https://www.music-map.com/other",
    }
    assert [track.title for track in neighbour.entry_tracks] == ["Near", "Middle", "Far"]
    first, second, third = neighbour.entry_tracks
    assert first.to_json() == {
        "title": "Near",
        "album": "LP",
        "path": None,
        "link": "https://open.spotify.com/track/t2",
        "score": pytest.approx(1.0),
        "ids": {"spotify": "t2"},
    }
    assert second.path == Path("/m/a b.ogg")
    assert second.score == pytest.approx(0.5**0.5)
    assert third.score == pytest.approx(0.0)


def test_scores_are_those_of_the_transformed_space(tmp_path: Path) -> None:
    folder = plant_tracks(tmp_path, styles(), transform="centre")
    with ArtistIndex.open(folder) as index:
        vector = index.vector("Artist 3")
        for neighbour in index.neighbours("Artist 3", 4):
            raw = [track.vector for track in index.tracks(neighbour.artist)]
            scores = np.sort(index.transform.apply(np.array(raw)) @ vector)[::-1]
            entry_scores = [track.score for track in neighbour.entry_tracks]
            np.testing.assert_allclose(np.array(entry_scores, float), scores[:3], atol=1e-6)


def test_tracks_without_vectors_are_listed_without_a_score(planted: Plant) -> None:
    with ArtistIndex.open(planted()) as index:
        (neighbour,) = index.neighbours("Artist 3", 1)
    (track,) = neighbour.entry_tracks
    assert (track.title, track.score) == (f"{neighbour.artist}'s song", None)


def test_links_are_safe_addresses() -> None:
    links = artist_links(Artist("AC/DC ?&", {"deezer": "../x?y"}))
    assert links["deezer"] == "https://www.deezer.com/artist/..%2Fx%3Fy"
    assert links["music-map"] == "https://www.music-map.com/ac%2Fdc+%3F%26"
    assert track_link({"isrc": "QZ"}) is None
    assert track_link({"youtube": "a_b", "deezer": "7"}) == "https://www.deezer.com/track/7"


# -- who must not answer -------------------------------------------------------------------------


def test_left_out_are_the_few_tracked_the_known_and_all_but_the_wanted(tmp_path: Path) -> None:
    worlds = styles()
    worlds["Artist 4"] = worlds["Artist 4"][:1]
    with ArtistIndex.open(plant_tracks(tmp_path, worlds)) as index:
        assert rows_left_out(index) == set()
        assert rows_left_out(index, min_tracks=2) == {index.row("Artist 4")}
        assert rows_left_out(index, exclude=["artist 7", "Nobody"]) == {index.row("Artist 7")}
        only = rows_left_out(index, only=["ARTIST 1", "Artist 2"])
        assert {index.artists[row] for row in set(range(12)) - only} == {"Artist 1", "Artist 2"}
        assert rows_left_out(index, only=[]) == set(range(12))
        hits = search(index, "Artist 1", exclude=only)
        assert [hit.neighbour.artist for hit in hits] == ["Artist 2"]


def test_many_rows_left_out_are_left_out_as_few_are(planted: Plant) -> None:
    with ArtistIndex.open(planted(count=300)) as index:
        everybody = index.search_rows(index.vectors[0], 300)
        for count in (0, 1, 64, 65, 200, 299, 300):
            excluded = set(range(count))
            expected = [(score, row) for score, row in everybody if row not in excluded]
            scored = index.search_rows(index.vectors[0], 10, exclude=excluded)
            assert [row for _, row in scored] == [row for _, row in expected[:10]]
            np.testing.assert_allclose(
                [score for score, _ in scored], [score for score, _ in expected[:10]], atol=1e-6
            )


# -- at the command line -------------------------------------------------------------------------


def test_query_shows_where_to_go_on(run: Any) -> None:
    write(run.indexes / "vggish")
    _, out, _ = run("query", "Asked", "--format", "json")
    (neighbour,) = json.loads(out)["neighbours"]
    assert neighbour["ids"] == {"spotify": "ar t", "musicbrainz": "mb"}
    assert neighbour["links"]["spotify"] == "https://open.spotify.com/artist/ar%20t"
    assert [track["title"] for track in neighbour["entry_tracks"]] == ["Near", "Middle", "Far"]
    assert neighbour["entry_tracks"][1]["path"] == "/m/a b.ogg"
    _, table, _ = run("query", "Asked")
    assert "Near" in table
    assert "https://open.spotify.com/track/t2" in table
    long = EntryTrack("T", path=Path("/home/somebody/music/Artist/Album/02 - Title.ogg"))
    assert track_cell(long) == "T (/home/somebody/music/Artist/Album/02 - Title.ogg)"
    _, text, _ = run("query", "Asked", "--format", "csv")
    (row,) = csv.DictReader(io.StringIO(text))
    assert row["ids"] == "spotify:ar t; musicbrainz:mb"
    assert row["entry tracks"] == (
        "Near (https://open.spotify.com/track/t2); Middle (/m/a b.ogg); Far"
    )


def test_query_leaves_out_who_is_known_and_lists_only_who_is_wanted(
    run: Any, tmp_path: Path
) -> None:
    plant_tracks(run.indexes, styles())
    known, lineup = tmp_path / "known.txt", tmp_path / "wanted.txt"
    known.write_text("artist 7\nNobody Else\n")
    lineup.write_text("Artist 1\nArtist 2\nArtist 7\n")

    def names(*flags: object) -> set[str]:
        code, out, _ = run("query", "Artist 3", "--k", 50, "--format", "json", *flags)
        assert code == 0
        return {neighbour["artist"] for neighbour in json.loads(out)["neighbours"]}

    assert names("--exclude", known) == {f"Artist {at}" for at in range(12)} - {
        "Artist 3",
        "Artist 7",
    }
    assert names("--only", lineup) == {"Artist 1", "Artist 2", "Artist 7"}
    assert names("--only", lineup, "--exclude", known) == {"Artist 1", "Artist 2"}
    assert names("--only", lineup, "--hubs", "csls") == {"Artist 1", "Artist 2", "Artist 7"}
    assert names("--only", lineup, "--explain") == {"Artist 1", "Artist 2", "Artist 7"}
    assert names("--min-tracks", 6) == set()
    assert len(names("--min-tracks", 5)) == 11
