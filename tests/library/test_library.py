import os
import subprocess
import sys
import tempfile
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from artistindex.entities import (
    Artist,
    AudioMatch,
    Failure,
    Pooling,
    Track,
    TrackVector,
    VectorKey,
)
from artistindex.errors import AmbiguousArtist, UnknownArtist
from artistindex.library.library import FILE_NAME, Library
from artistindex.library.rows import StoredTrack
from artistindex.library.selection import select

KEY = VectorKey("vggish", "a" * 64)
VRIL = Artist("Vril")


@pytest.fixture
def library(tmp_path: Path):
    with Library.open(tmp_path / FILE_NAME) as opened:
        yield opened


def a_file(artist: Artist | str = VRIL, path: str = "/music/a.flac", **fields: Any) -> Track:
    artist = Artist(artist) if isinstance(artist, str) else artist
    return replace(Track((artist,), "Torus", path=Path(path)), **fields)


def add_artist(library: Library, artist: Artist) -> int:
    return library.resolve_request(artist.described, artist, [])


def forget(library: Library, name: str) -> int:
    return library.forget(library.find_artist(name))


def listed(number: int, title: str = "Torus") -> Track:
    return Track((VRIL,), title, catalogue="deezer", catalogue_id=str(number))


def vector(*values: float, key: VectorKey = KEY) -> TrackVector:
    return TrackVector(key, np.array(values, np.float32), patches=3, engine="openvino")


def embed(library: Library, track_id: int, *values: float) -> None:
    library.add_embedding(
        track_id, audio_sha256=f"{track_id:064}", duration=200.0, vectors=[vector(*values)]
    )


def test_a_finished_track_is_there_after_reopening(library: Library) -> None:
    track_id = library.upsert_file(a_file(), size=10, mtime_ns=20)
    embed(library, track_id, 1.0, 2.0)
    with Library.open(library.path, read_only=True) as again:
        assert again.vectors(KEY)[track_id].tolist() == [1.0, 2.0]
        assert again.keys() == [(KEY, 1)]
        stored = again.tracks_of(1)[0]
    assert stored.stage == "embedded"
    assert stored.audio_sha256 == f"{track_id:064}"


def test_a_layers_mean_and_deviation_are_one_vector(library: Library) -> None:
    layer = replace(KEY, layer="batch-norm")
    both = replace(layer, pooling=Pooling.MEAN_STD)
    files = [a_file(path=path) for path in ("/a.ogg", "/b.ogg")]
    known, unknown = (library.upsert_file(file, size=10, mtime_ns=20) for file in files)
    deviation = np.array([0.5, 0.25], np.float32)
    for track_id, of_layer in (
        (known, replace(vector(1.0, 2.0, key=layer), deviation=deviation)),
        (unknown, vector(3.0, 4.0, key=layer)),
    ):
        vectors = [vector(8.0, 9.0), of_layer]
        library.add_embedding(
            track_id, audio_sha256=f"{track_id:064}", duration=200.0, vectors=vectors
        )
    assert library.embedded_track_ids(layer) == {known, unknown}
    assert library.embedded_track_ids(both) == {known}
    assert {track: row.tolist() for track, row in library.vectors(both).items()} == {
        known: [1.0, 2.0, 0.5, 0.25]
    }
    ((_, [(_, row)]),) = library.vectors_by_artist(both)
    assert row.tolist() == [1.0, 2.0, 0.5, 0.25]
    assert library.vectors(KEY)[known].tolist() == [8.0, 9.0]
    assert library.keys() == [(KEY, 2)]
    assert library.counts()["track_vectors"] == 2


def test_vectors_of_other_keys_are_never_mixed_in(library: Library) -> None:
    track_id = library.upsert_file(a_file(), size=10, mtime_ns=20)
    embed(library, track_id, 1.0, 2.0)
    for other in (
        replace(KEY, model="musicnn"),
        replace(KEY, weights_sha256="b" * 64),
        replace(KEY, precision="bf16"),
        replace(KEY, excerpt="3x30"),
    ):
        assert library.vectors(other) == {}
        assert library.embedded_track_ids(other) == set()


def test_a_vector_that_is_not_finite_is_refused_whole(library: Library) -> None:
    track_id = library.upsert_file(a_file(), size=10, mtime_ns=20)
    with pytest.raises(ValueError, match="not finite"):
        embed(library, track_id, 1.0, float("nan"))
    assert library.vectors(KEY) == {}
    assert library.tracks_of(1)[0].stage == "fetched"


def test_an_unchanged_file_is_known_and_a_changed_one_starts_anew(library: Library) -> None:
    track_id = library.upsert_file(a_file(), size=10, mtime_ns=20)
    embed(library, track_id, 1.0)
    known = library.file(Path("/music/a.flac"), 10, 20)
    assert known is not None
    assert (known.title, known.artists[0].name) == ("Torus", "Vril")
    assert library.upsert_file(a_file(), size=10, mtime_ns=20) == track_id
    assert library.file(Path("/music/a.flac"), 10, 21) is None
    library.upsert_file(a_file("Calibre"), size=10, mtime_ns=21)
    assert library.vectors(KEY) == {}
    assert [stored.artist.name for stored in library.artists()] == ["Calibre"]


def test_artists_are_joined_by_id_or_spelling_but_never_by_folded_name(library: Library) -> None:
    sigur = add_artist(library, Artist("Sigur Rós"))
    assert add_artist(library, Artist("Sigur Ro\u0301s")) == sigur  # the same spelling, decomposed
    assert add_artist(library, Artist("sigur ros")) != sigur
    first = add_artist(library, Artist("Nirvana", {"spotify": "1"}))
    two = add_artist(library, Artist("Nirvana", {"spotify": "2"}))
    assert first != two
    assert add_artist(library, Artist("Nirvana", {"deezer": "9"})) == first
    assert add_artist(library, Artist("NIRVANA", {"deezer": "9"})) == first


def test_several_spellings_are_found_and_the_exact_one_first(library: Library) -> None:
    add_artist(library, Artist("Sigur Rós"))
    add_artist(library, Artist("sigur ros"))
    with pytest.raises(AmbiguousArtist, match="Sigur Rós; sigur ros"):
        library.find_artist("SIGUR ROS")
    assert library.find_artist("sigur ros").artist.name == "sigur ros"


def tracks_for(library: Library, name: str) -> list[StoredTrack]:
    stored = library.artist_for(name)
    assert stored is not None
    return library.tracks_of(stored.id)


def test_pinning_anew_detaches_what_the_wrong_artist_left(library: Library) -> None:
    wrong = Artist("Vrillah", {"spotify": "wrong"})
    library.resolve_request("Vril", wrong, [listed(1), listed(2)])
    for stored in tracks_for(library, "Vril"):
        embed(library, stored.id, 1.0)
    library.resolve_request("Vril", Artist("Vril", {"spotify": "right"}), [listed(3)])
    assert [stored.artist.ids.get("spotify") for stored in library.artists()] == ["right"]
    assert library.vectors(KEY) == {}
    assert [stored.track.catalogue_id for stored in tracks_for(library, "Vril")] == ["3"]


def test_pinning_anew_keeps_an_artist_whose_own_files_are_there(library: Library) -> None:
    library.upsert_file(a_file("Vrillah"), size=1, mtime_ns=1)
    library.resolve_request("Vril", Artist("Vrillah"), [listed(1)])
    library.resolve_request("Vril", Artist("Vril", {"spotify": "right"}), [])
    assert {stored.artist.name for stored in library.artists()} == {"Vrillah", "Vril"}


def test_names_asked_for_wait_until_they_are_answered_or_fail(library: Library) -> None:
    library.add_request(["Rezz", "Vril", "Nobody"])
    library.resolve_request("Rezz", Artist("Rezz"), [])
    library.add_failure(Failure("Nobody", "catalogue", "unknown"))
    assert library.pending_requests() == ["Vril"]
    library.clear_failures()
    assert library.pending_requests() == ["Vril", "Nobody"]


def test_forgetting_takes_the_tracks_of_nobody_else(library: Library) -> None:
    both = Track((VRIL, Artist("Rezz")), "Together", path=Path("/music/b.flac"))
    embed(library, library.upsert_file(a_file(), size=1, mtime_ns=1), 1.0)
    embed(library, library.upsert_file(both, size=1, mtime_ns=1), 2.0)
    assert forget(library, "vril") == 1
    assert [stored.artist.name for stored in library.artists()] == ["Rezz"]
    assert len(library.vectors(KEY)) == 1


def test_forgetting_an_unknown_or_ambiguous_artist_changes_nothing(library: Library) -> None:
    add_artist(library, Artist("Sigur Rós"))
    add_artist(library, Artist("sigur ros"))
    with pytest.raises(UnknownArtist, match="Rezz"):
        forget(library, "Rezz")
    with pytest.raises(AmbiguousArtist, match="Sigur Rós; sigur ros"):
        forget(library, "SIGUR ROS")
    assert len(library.artists()) == 2


def test_namesakes_are_told_apart_by_their_ids(library: Library) -> None:
    for country in ("us", "uk"):
        add_artist(library, Artist("Nirvana", {"spotify": country}))
    with pytest.raises(AmbiguousArtist, match="spotify:us"):
        forget(library, "nirvana")
    forget(library, "spotify:us")
    assert [stored.artist.ids.get("spotify") for stored in library.artists()] == ["uk"]
    with pytest.raises(UnknownArtist):
        forget(library, "nonsense:uk")


def test_the_same_trouble_is_kept_once_and_goes_when_it_goes_right(library: Library) -> None:
    track_id = library.upsert_file(a_file(), size=1, mtime_ns=1)
    for reason in ("first", "second"):
        library.add_failure(Failure("/music/a.flac", "decode", reason), track_id=track_id)
    assert [failure.reason for failure in library.failures()] == ["second"]
    assert library.tracks_of(1)[0].failed == {""}
    embed(library, track_id, 1.0)
    assert library.failures() == []


def test_a_shortfall_concerns_its_model_only(library: Library) -> None:
    track_id = library.upsert_file(a_file(), size=1, mtime_ns=1)
    short = ("musicnn", Failure("/music/a.flac", "embed", "too short"))
    library.add_embedding(
        track_id, audio_sha256="0", duration=1.0, vectors=[vector(1.0)], failures=[short]
    )
    assert library.tracks_of(1)[0].failed == {"musicnn"}


def test_stages_are_recorded_with_the_match(library: Library) -> None:
    artist_id = library.resolve_request("Vril", VRIL, [listed(1), listed(2)])
    first, _ = library.tracks_of(artist_id)
    library.set_match(first.id, AudioMatch("youtube", "abc", 88.0, "title and artist agree"))
    assert library.stages() == {"listed": 1, "matched": 1}
    library.set_fetched(first.id)
    again = library.tracks_of(artist_id)[0]
    assert again.stage == "fetched"
    assert again.match == AudioMatch("youtube", "abc", 88.0, "title and artist agree")


def test_catalogue_tracks_come_with_everyone_who_is_credited(library: Library) -> None:
    names = ("Vril", "Rødhåd & Etapp Kyle", "🎧")
    track = replace(listed(1), artists=tuple(map(Artist, names)))
    artist_id = library.resolve_request("Vril", VRIL, [track])
    (stored,) = library.tracks_of(artist_id)
    assert tuple(artist.name for artist in stored.track.artists) == names
    assert len(library.artists()) == 1


def test_catalogue_tracks_keep_the_catalogues_order(library: Library) -> None:
    artist_id = library.resolve_request("Vril", VRIL, [listed(3), listed(1), listed(2)])
    library.resolve_request("Vril", VRIL, [listed(2), listed(3), listed(1)])
    tracks = library.tracks_of(artist_id)
    assert [stored.track.catalogue_id for stored in tracks] == ["2", "3", "1"]


HOSTILE = [
    "../../x",
    "AC/DC",
    "Robert'); DROP TABLE artists;--",
    "100% %s %n",
    "🎧🎶",
    "שלום",
    "a" * 10_000,
    "two\nlines",
    "-k",
]


@pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_names_are_names_like_any_other(library: Library, name: str) -> None:
    library.upsert_file(a_file(name), size=1, mtime_ns=1)
    assert "\n" not in library.find_artist(name).artist.name
    assert forget(library, name) == 1
    assert library.counts()["artists"] == 0


@given(
    st.binary(min_size=1, max_size=40).filter(lambda name: b"/" not in name and b"\0" not in name)
)
def test_any_file_name_comes_back_as_it_was(name: bytes) -> None:
    path = Path(os.fsdecode(b"/music/" + name))
    with tempfile.TemporaryDirectory() as folder, Library.open(Path(folder) / FILE_NAME) as library:
        library.upsert_file(a_file(path=os.fspath(path)), size=1, mtime_ns=1)
        assert library.tracks_of(1)[0].track.path == path


WRITE_AND_DIE = """
import os, sys
from pathlib import Path
import numpy as np
from artistindex.library.library import Library
from artistindex.entities import Artist, Track, TrackVector, VectorKey

with Library.open(Path(sys.argv[1])) as library:
    for number in range(1000):
        track = Track((Artist("Vril"),), "Torus", path=Path(f"/music/{number}"))
        track_id = library.upsert_file(track, size=1, mtime_ns=1)
        made = TrackVector(VectorKey("vggish", "a" * 64), np.ones(2, np.float32), 3, "openvino")
        library.add_embedding(track_id, audio_sha256=str(number), duration=1.0, vectors=[made])
        if number == 5:
            os.kill(os.getpid(), 9)
"""


def test_a_killed_writer_leaves_whole_tracks(tmp_path: Path) -> None:
    path = tmp_path / FILE_NAME
    result = subprocess.run(
        [sys.executable, "-c", WRITE_AND_DIE, str(path)], timeout=60, check=False
    )
    assert result.returncode == -9
    with Library.open(path) as library:
        library.verify()
        assert len(library.vectors(KEY)) == 6


def test_all_names_ever_asked_for_are_known(library: Library) -> None:
    library.add_request(["Rezz", "Vril"])
    library.resolve_request("Vril", VRIL, [listed(1)])
    assert library.requests() == ["Rezz", "Vril"]


def test_tracks_come_artist_by_artist_in_the_order_asked_for(library: Library) -> None:
    for number, name in enumerate(("A", "B", "C", "A")):
        embed(library, library.upsert_file(a_file(name, f"/{number}"), size=1, mtime_ns=1), number)
    nobody = add_artist(library, Artist("Nobody"))
    artists = library.artists()
    selection = [artists[2], artists[3], artists[0]]
    paths = {
        artist.artist.name: [str(track.track.path) for track in tracks]
        for artist, tracks in library.tracks_by_artist(selection)
    }
    assert paths == {"C": ["/2"], "Nobody": [], "A": ["/0", "/3"]}
    assert [stored for stored, _ in library.tracks_by_artist()] == artists
    for stored, tracks in library.tracks_by_artist():
        assert tracks == library.tracks_of(stored.id)
    assert library.tracks_of(nobody) == []
    assert list(library.tracks_by_artist([])) == []


def test_vectors_come_artist_by_artist(library: Library) -> None:
    both = Track((VRIL, Artist("Rezz")), "Together", path=Path("/music/b.flac"))
    embed(library, library.upsert_file(a_file(), size=1, mtime_ns=1), 1.0)
    embed(library, library.upsert_file(both, size=1, mtime_ns=1), 2.0)
    library.upsert_file(a_file("Nobody", "/music/c.flac"), size=1, mtime_ns=1)
    vectors = {
        stored.artist.name: [(track.track.title, vector.tolist()) for track, vector in embedded]
        for stored, embedded in library.vectors_by_artist(KEY)
    }
    assert vectors == {
        "Vril": [("Torus", [1.0]), ("Together", [2.0])],
        "Rezz": [("Together", [2.0])],
        "Nobody": [],
    }


def test_a_transaction_within_another_is_a_part_of_it(library: Library) -> None:
    with suppress(RuntimeError), library.transaction():
        library.add_request(["Vril"])
        raise RuntimeError
    assert library.requests() == []
    with library.transaction():
        library.add_request(["Vril"])
        library.add_request(["Rezz"])
    assert library.requests() == ["Vril", "Rezz"]


def test_a_moved_file_keeps_its_vectors(library: Library, tmp_path: Path) -> None:
    old, new = tmp_path / "old" / "a.flac", tmp_path / "new" / "a.flac"
    track_id = library.upsert_file(a_file(path=str(old)), size=10, mtime_ns=20, folder=old.parent)
    embed(library, track_id, 1.0)
    moved = a_file("Rezz", str(new), title="Other tags")
    assert library.upsert_file(moved, size=10, mtime_ns=20, folder=new.parent) == track_id
    (stored,) = library.tracks_of(library.find_artist("Rezz").id)
    assert (stored.track.path, stored.folder) == (new, new.parent)
    assert stored.track.title == "Other tags"
    assert stored.stage == "embedded"
    assert [artist.artist.name for artist in library.artists()] == ["Rezz"]
    assert list(library.vectors(KEY)) == [track_id]


def test_what_only_looks_moved_is_another_file(library: Library, tmp_path: Path) -> None:
    old = tmp_path / "a.flac"
    old.write_bytes(b"still here")
    first = library.upsert_file(a_file(path=str(old)), size=10, mtime_ns=20)
    others = [
        library.upsert_file(a_file(path=str(tmp_path / "new" / name)), size=size, mtime_ns=time)
        for name, size, time in (
            ("a.flac", 10, 20),  # a copy
            ("b.flac", 10, 20),
            ("a.flac2", 11, 20),
            ("a.flac3", 10, 21),
        )
    ]
    assert len({first, *others}) == 5


def test_a_file_that_is_one_of_two_moved_files_is_new(library: Library, tmp_path: Path) -> None:
    paths = [tmp_path / folder / "01.wav" for folder in ("one", "two", "new")]
    for path in paths[:2]:
        path.parent.mkdir()
        path.touch()
    ids = [library.upsert_file(a_file(path=str(p)), size=10, mtime_ns=20) for p in paths[:2]]
    for path in paths[:2]:
        path.unlink()
    ids.append(library.upsert_file(a_file(path=str(paths[2])), size=10, mtime_ns=20))
    assert len(set(ids)) == 3


def test_a_missing_file_stands_for_nobody_until_it_is_back(library: Library) -> None:
    for name in ("Rezz", "Vril"):
        embed(library, library.upsert_file(a_file(name, f"/m/{name}"), size=1, mtime_ns=1), 1.0)
    files = library.files_below(Path("/m"))
    assert set(files) == {Path("/m/Rezz"), Path("/m/Vril")}
    assert library.files_below(Path("/other")) == library.files_below(Path("/m/Re")) == {}
    assert library.set_missing([files[Path("/m/Vril")]]) == [VRIL]
    assert set(library.files_below(Path("/m"))) == {Path("/m/Rezz")}
    (track,) = library.tracks_of(library.find_artist("Vril").id)
    assert select([track], 5, model="vggish") == []
    library.upsert_file(a_file("Vril", "/m/Vril"), size=1, mtime_ns=1)
    assert len(library.files_below(Path("/m"))) == 2
    assert len(library.vectors(KEY)) == 2


def test_who_is_named_by_paths_alone_is_a_guess(library: Library) -> None:
    library.upsert_file(a_file("Rezz", "/1", guessed=True), size=1, mtime_ns=1)
    library.upsert_file(a_file("Vril", "/2", guessed=True), size=1, mtime_ns=1)
    library.upsert_file(a_file("Vril", "/3"), size=1, mtime_ns=1)
    add_artist(library, Artist("Asked for"))
    assert library.guessed_artist_ids() == {library.find_artist("Rezz").id}
    library.upsert_file(a_file("Rezz", "/1"), size=1, mtime_ns=1)  # a tag was written meanwhile
    assert library.guessed_artist_ids() == set()


def test_tags_that_changed_alone_cost_no_vector(library: Library) -> None:
    track_id = library.upsert_file(a_file(), size=1, mtime_ns=1)
    embed(library, track_id, 1.0)
    retagged = a_file("Rezz", title="Haus", album="Torus", musicbrainz_id="m", isrc="i")
    assert library.upsert_file(retagged, size=1, mtime_ns=1) == track_id
    ((artist, (track,)),) = library.tracks_by_artist()
    assert artist.artist.name == "Rezz"
    assert (track.track.title, track.track.album) == ("Haus", "Torus")
    assert (track.track.musicbrainz_id, track.track.isrc) == ("m", "i")
    assert len(library.vectors(KEY)) == 1
