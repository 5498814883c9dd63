from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from artistindex.entities import Artist, Track, TrackVector, VectorKey
from artistindex.ingest.aggregate import artist_vector, artist_vectors
from artistindex.library.library import FILE_NAME, Library

KEY = VectorKey("vggish", "a" * 64)
OWN = [(1.0, 0.02), (1.0, -0.02), (1.0, 0.01), (1.0, -0.01)]
STRANGER = (-0.2, 1.0)


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    with Library.open(tmp_path / FILE_NAME) as opened:
        yield opened


def put(library: Library, artist: str, vectors: list[tuple[float, float]]) -> None:
    for number, values in enumerate(vectors):
        path = Path(f"/music/{artist}/{number}.flac")
        track = Track((Artist(artist),), f"Title {number}", path=path)
        track_id = library.upsert_file(track, size=1, mtime_ns=1)
        vector = TrackVector(KEY, np.array(values, np.float32), patches=1, engine="openvino")
        library.add_embedding(
            track_id, audio_sha256=f"{artist}{number}", duration=9.0, vectors=[vector]
        )


def test_an_artists_vector_is_the_mean_of_its_first_tracks(library: Library) -> None:
    put(library, "Vril", [(1.0, 0.0), (0.0, 1.0), (9.0, 9.0)])
    rows = artist_vectors(library, KEY, tracks=2)
    assert [artist.name for artist in rows.artists] == ["Vril"]
    assert rows.vectors[0].tolist() == [0.5, 0.5]
    assert rows.vectors[0].dtype == np.float32
    assert len(rows.track_ids[1]) == 2


def test_artists_without_a_vector_of_the_key_are_left_out(library: Library) -> None:
    put(library, "Vril", OWN)
    library.resolve_request("Rezz", Artist("Rezz"), [])
    assert [artist.name for artist in artist_vectors(library, KEY, tracks=5).artists] == ["Vril"]
    assert artist_vectors(library, VectorKey("musicnn", "a" * 64), tracks=5).artists == []


def test_a_stranger_is_flagged_and_counts_until_it_is_to_be_dropped(library: Library) -> None:
    put(library, "Vril", [*OWN, STRANGER])
    rows = artist_vectors(library, KEY, tracks=5)
    assert rows.outliers == 1
    assert len(rows.tracks[0]) == 5
    flagged = library.failures()
    assert [(failure.what, failure.stage, failure.artist) for failure in flagged] == [
        ("/music/Vril/4.flac", "outlier", "Vril")
    ]
    assert "times as far from" in flagged[0].reason
    dropped = artist_vectors(library, KEY, tracks=5, drop_outliers=True)
    assert len(dropped.tracks[0]) == 4
    np.testing.assert_allclose(
        np.asarray(dropped.vectors[0]), np.asarray(artist_vector([*np.array(OWN, np.float32)]))
    )


def test_a_flag_goes_when_its_reason_has_gone(library: Library) -> None:
    put(library, "Vril", [*OWN, STRANGER])
    artist_vectors(library, KEY, tracks=5)
    artist_vectors(library, KEY, tracks=4)
    assert library.failures() == []


def test_a_flagged_track_is_not_a_failed_one(library: Library) -> None:
    put(library, "Vril", [*OWN, STRANGER])
    artist_vectors(library, KEY, tracks=5)
    assert len(artist_vectors(library, KEY, tracks=5).tracks[0]) == 5


def test_a_row_says_whose_name_is_a_guess_and_which_recordings_are_behind_it(
    library: Library,
) -> None:
    put(library, "Vril", OWN[:1])
    guess = Track(
        (Artist("House"),), "T", path=Path("/music/h.mp3"), guessed=True, musicbrainz_id="m"
    )
    track_id = library.upsert_file(guess, size=1, mtime_ns=1)
    vector = TrackVector(KEY, np.array([0.0, 1.0], np.float32), patches=1, engine="openvino")
    library.add_embedding(track_id, audio_sha256="house", duration=9.0, vectors=[vector])
    rows = artist_vectors(library, KEY, tracks=5)
    assert dict(zip((artist.name for artist in rows.artists), rows.guessed, strict=True)) == {
        "Vril": False,
        "House": True,
    }
    ((vril,), (house,)) = rows.tracks
    assert house.ids == {"musicbrainz": "m"}
    assert house.recording == library.recordings()[track_id] != vril.recording
