from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from artistindex.entities import Artist, Track, TrackVector, VectorKey
from artistindex.index.manifest import Recipe
from artistindex.ingest.aggregate import artist_vector, gather
from artistindex.ingest.rebuild import Indexed, write
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
    (vril,) = gather(library, Recipe(KEY, tracks=2))
    assert (vril.stored.artist.name, vril.row.artist.name) == ("Vril", "Vril")
    assert vril.row.vector.tolist() == [0.5, 0.5]
    assert vril.row.vector.dtype == np.float32
    assert len(vril.row.tracks) == 2


def test_artists_without_a_vector_of_the_key_are_left_out(library: Library) -> None:
    put(library, "Vril", OWN)
    library.resolve_request("Rezz", Artist("Rezz"), [])
    assert [artist.row.artist.name for artist in gather(library, Recipe(KEY, tracks=5))] == ["Vril"]
    assert list(gather(library, Recipe(VectorKey("musicnn", "a" * 64), tracks=5))) == []


def test_some_artists_alone_are_what_they_are_among_all(library: Library) -> None:
    for name in ("Vril", "Rezz", "Calibre"):
        put(library, name, OWN)
    everybody = list(gather(library, Recipe(KEY, tracks=5)))
    chosen = [artist.stored for artist in everybody if artist.stored.artist.name != "Rezz"]
    some = list(gather(library, Recipe(KEY, tracks=5), chosen))
    assert [artist.stored for artist in some] == chosen
    assert [artist.row.tracks for artist in some] == [
        artist.row.tracks for artist in everybody if artist.stored in chosen
    ]


def test_the_library_is_asked_as_often_for_many_artists_as_for_one(library: Library) -> None:
    def statements() -> list[str]:
        asked: list[str] = []
        library._db._connection.set_trace_callback(asked.append)
        list(gather(library, Recipe(KEY, tracks=5)))
        library._db._connection.set_trace_callback(None)
        return asked

    put(library, "Vril", OWN)
    of_one = statements()
    for number in range(40):
        put(library, f"Artist {number}", OWN)
    assert len(statements()) == len(of_one) > 0


def test_a_stranger_is_flagged_and_counts_until_it_is_to_be_dropped(
    library: Library, tmp_path: Path
) -> None:
    put(library, "Vril", [*OWN, STRANGER])
    (vril,) = gather(library, Recipe(KEY, tracks=5))
    assert len(vril.row.tracks) == 5
    assert index(library, tmp_path).outliers == 1
    flagged = library.failures()
    assert [(failure.what, failure.stage, failure.artist) for failure in flagged] == [
        ("/music/Vril/4.flac", "outlier", "Vril")
    ]
    assert "times as far from" in flagged[0].reason
    (dropped,) = gather(library, Recipe(KEY, tracks=5, outliers="drop"))
    assert len(dropped.row.tracks) == 4
    np.testing.assert_allclose(dropped.row.vector, artist_vector([*np.array(OWN, np.float32)]))
    assert index(library, tmp_path, outliers="drop").outliers == 1


def test_a_flag_goes_when_its_reason_has_gone(library: Library, tmp_path: Path) -> None:
    put(library, "Vril", [*OWN, STRANGER])
    index(library, tmp_path)
    index(library, tmp_path, tracks=4)
    assert library.failures() == []


def test_a_flagged_track_is_not_a_failed_one(library: Library, tmp_path: Path) -> None:
    put(library, "Vril", [*OWN, STRANGER])
    index(library, tmp_path)
    (vril,) = gather(library, Recipe(KEY, tracks=5))
    assert len(vril.row.tracks) == 5


def index(library: Library, folder: Path, *, tracks: int = 5, outliers: str = "keep") -> Indexed:
    return write(folder / "vggish", library, Recipe(KEY, tracks=tracks, outliers=outliers))


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
    rows = {artist.row.artist.name: artist.row for artist in gather(library, Recipe(KEY, tracks=5))}
    assert {name: row.guessed for name, row in rows.items()} == {"Vril": False, "House": True}
    (vril,), (house,) = rows["Vril"].tracks, rows["House"].tracks
    assert house.ids == {"musicbrainz": "m"}
    assert house.recording == library.recordings()[track_id] != vril.recording
