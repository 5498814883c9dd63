"""Which tracks are one recording."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path

import numpy as np
import pytest

from artistindex.entities import Artist, AudioMatch, Track, TrackVector, VectorKey
from artistindex.library.library import FILE_NAME, Library
from artistindex.library.selection import select

KEY = VectorKey("musicnn", "a" * 64)
VRIL = Artist("Vril")
REZZ = Artist("Rezz")
NUMBERS = count(1)


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    with Library.open(tmp_path / FILE_NAME) as opened:
        yield opened


def embed(library: Library, track_id: int, *, audio: str, duration: float = 200.0) -> int:
    vector = TrackVector(KEY, np.ones(2, np.float32), patches=3, engine="openvino")
    library.add_embedding(track_id, audio_sha256=audio, duration=duration, vectors=[vector])
    return track_id


def add_file(
    library: Library,
    title: str,
    *artists: Artist,
    audio: str | None = None,
    duration: float = 200.0,
    isrc: str | None = None,
) -> int:
    number = next(NUMBERS)
    track = Track(artists or (VRIL,), title, isrc=isrc, path=Path(f"/music/{number}.flac"))
    track_id = library.upsert_file(track, size=1, mtime_ns=1)
    return embed(library, track_id, audio=audio or f"audio of {number}", duration=duration)


def list_track(library: Library, title: str, **fields: object) -> int:
    number = next(NUMBERS)
    track = replace(
        Track((VRIL,), title, duration=200.0, catalogue="deezer", catalogue_id=str(number)),
        **fields,  # type: ignore[arg-type]
    )
    artist_id = library.resolve_request("Vril", VRIL, [track])
    return max(stored.id for stored in library.tracks_of(artist_id))


def one_recording(library: Library, *tracks: int) -> bool:
    recordings = library.recordings()
    return len({recordings[track] for track in tracks}) == 1


def test_the_same_audio_is_one_recording_whatever_it_is_called(library: Library) -> None:
    first = add_file(library, "Torus", VRIL, audio="same")
    second = add_file(library, "Untitled", REZZ, audio="same", duration=900.0)
    third = add_file(library, "Haus", VRIL, audio="other")
    assert one_recording(library, first, second)
    assert not one_recording(library, first, third)


def test_an_isrc_names_the_recording(library: Library) -> None:
    listed = list_track(library, "Torus", isrc="DEABC1200001")
    owned = add_file(library, "Something else", REZZ, isrc="DEABC1200001", duration=10.0)
    nameless = [add_file(library, title, isrc="") for title in ("One", "Two")]
    assert one_recording(library, listed, owned)
    assert not one_recording(library, *nameless)


@pytest.mark.parametrize(
    ("title", "duration", "same"),
    [
        ("torus", 204.0, True),
        ("Torus", 206.0, False),
        ("Torus (Remastered)", 202.0, True),
        ("Torus (feat. Rezz)", 202.0, True),
        ("Torus (Live at Berghain)", 200.0, False),
        ("Torus (Rezz Remix)", 200.0, False),
        ("Haus", 200.0, False),
    ],
)
def test_the_title_decides_where_nothing_else_does(
    library: Library, title: str, duration: float, same: bool
) -> None:
    first = add_file(library, "Torus")
    assert one_recording(library, first, add_file(library, title, duration=duration)) is same


def test_one_title_of_different_artists_is_two_recordings(library: Library) -> None:
    alone = add_file(library, "Intro", VRIL)
    stranger = add_file(library, "Intro", REZZ)
    together = add_file(library, "Intro", VRIL, Artist("Guest"))
    others = add_file(library, "Intro", Artist("Guest"), REZZ)
    assert not one_recording(library, alone, stranger)
    assert one_recording(library, alone, together)
    assert not one_recording(library, together, others)


def test_a_file_is_decided_when_its_audio_is_known(library: Library) -> None:
    files = [Track((VRIL,), "Torus", path=Path(f"/music/{name}.mp3")) for name in "ab"]
    first, second = (library.upsert_file(track, size=1, mtime_ns=1) for track in files)
    assert not one_recording(library, first, second)
    embed(library, first, audio="one", duration=100.0)
    embed(library, second, audio="two", duration=101.0)
    assert one_recording(library, first, second)


def test_what_is_joined_by_audio_joins_all_that_was_joined_before(library: Library) -> None:
    torus = add_file(library, "Torus", audio="a")
    remastered = add_file(library, "Torus (Remastered)", audio="b")
    haus = add_file(library, "Haus", isrc="DEABC1200001", audio="c")
    both = add_file(library, "Untitled", isrc="DEABC1200001", audio="a")
    assert one_recording(library, torus, remastered, haus, both)


def test_a_title_never_joins_what_other_facts_joined(library: Library) -> None:
    short = add_file(library, "Intro", audio="a", duration=60.0)
    long = add_file(library, "Intro", audio="b", duration=180.0)
    edit = add_file(library, "Intro (Radio Edit)", audio="c", duration=120.0)
    assert one_recording(library, short, edit)
    assert not one_recording(library, short, long)


def test_other_audio_for_a_track_is_another_recording(library: Library) -> None:
    owned = add_file(library, "Haus", audio="a")
    listed = list_track(library, "Torus")
    library.set_match(listed, AudioMatch("youtube", "wrong", 80.0, ""))
    embed(library, listed, audio="a")
    assert one_recording(library, owned, listed)
    library.set_match(listed, AudioMatch("youtube", "right", 99.0, ""))
    assert not one_recording(library, owned, listed)


def test_a_number_that_came_free_joins_nobody(library: Library) -> None:
    add_file(library, "Torus", REZZ)
    torus = add_file(library, "Torus", VRIL)
    library.forget(library.find_artist("Rezz"))
    assert not one_recording(library, torus, add_file(library, "Haus", VRIL))


def test_one_track_of_each_recording_stands_for_an_artist(library: Library) -> None:
    add_file(library, "Torus")
    add_file(library, "Torus (Remastered)")
    add_file(library, "Haus")
    (artist,) = library.artists()
    chosen = select(library.tracks_of(artist.id), 5, model="musicnn")
    assert [stored.track.title for stored in chosen] == ["Torus", "Haus"]


def test_musicbrainz_says_which_are_one_and_which_are_two(library: Library) -> None:
    tracks = [
        library.upsert_file(
            Track((VRIL,), title, path=Path(f"/mb/{number}"), musicbrainz_id=id_),
            size=number,
            mtime_ns=number,
        )
        for number, (title, id_) in enumerate(
            [("Torus", "a"), ("Another name", "a"), ("Torus", "b"), ("Torus", None)]
        )
    ]
    for number, track in enumerate(tracks):
        embed(library, track, audio=f"audio {number}")
    assert one_recording(library, tracks[0], tracks[1], tracks[3])
    assert not one_recording(library, tracks[0], tracks[2])
