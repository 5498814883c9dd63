"""Playlists, read back by other people's parsers."""

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import m3u8
import pytest
import xspf_lib

from artistindex.entities import EntryTrack
from artistindex.errors import Misuse
from artistindex.listeners.favourites import read_names
from artistindex.query.playlist import PlaylistTrack, write_playlist
from planted_library import plant_tracks, styles

Plant = Callable[..., Path]
TITLES = ("Plain", "ハハ & <co>", '=HYPERLINK("x")', "Two\nlines", "#hash, comma")


@pytest.fixture
def tracks(tmp_path: Path) -> list[PlaylistTrack]:
    """Tracks with a file, a file that is gone, and a page alone."""
    music = tmp_path / "my music" / "ü"
    music.mkdir(parents=True)
    listed = []
    for number, title in enumerate(TITLES):
        path = music / f"#{number} 100%.ogg"
        path.write_bytes(b"")
        ids = {"spotify": f"sp{number}", "isrc": f"QZ{number}"}
        link = f"https://open.spotify.com/track/sp{number}"
        listed.append(EntryTrack(title, "Album", path, link, 0.5, ids))
    listed.append(EntryTrack("Gone", None, music / "gone.ogg", None, 0.4))
    listed.append(
        EntryTrack("Page", None, None, "https://www.deezer.com/track/7", None, {"deezer": "7"})
    )
    return [PlaylistTrack("Ærtist", track) for track in listed]


def test_m3u8_lists_the_files_that_are_there(tracks: list[PlaylistTrack], tmp_path: Path) -> None:
    path = tmp_path / "lists" / "a.m3u8"
    path.parent.mkdir()
    assert write_playlist(path, tracks, "Like x\ny") == len(TITLES)
    playlist = m3u8.loads(path.read_text("utf-8"))
    assert len(playlist.segments) == len(TITLES)
    for segment, track in zip(playlist.segments, tracks, strict=False):
        assert not Path(segment.uri).is_absolute()
        assert (path.parent / segment.uri).resolve() == track.track.path
        assert segment.title == f"Ærtist - {' '.join(track.track.title.split())}"
    assert path.read_text("utf-8").splitlines()[:2] == ["#EXTM3U", "#PLAYLIST:Like x y"]


def test_a_file_beside_the_playlist_is_no_comment(tracks: list[PlaylistTrack]) -> None:
    folder = tracks[0].track.path.parent  # type: ignore[union-attr]
    write_playlist(folder / "a.m3u8", tracks, "x")
    for segment in m3u8.load(str(folder / "a.m3u8")).segments:
        assert (folder / segment.uri).is_file()


def test_xspf_lists_every_track(tracks: list[PlaylistTrack], tmp_path: Path) -> None:
    path = tmp_path / "a.xspf"
    assert write_playlist(path, tracks, "Like \x00 & <Rezz>") == len(tracks)
    playlist = xspf_lib.Playlist.parse(str(path))
    assert playlist.title == "Like \ufffd & <Rezz>"
    assert [track.title for track in playlist] == [
        " ".join(track.track.title.split("\r")) for track in tracks
    ]
    assert {track.creator for track in playlist} == {"Ærtist"}
    for parsed, track in zip(playlist, tracks, strict=True):
        (location,) = parsed.location or [None]
        assert local_or_page(location) == (track.file or track.track.link)
        assert parsed.album == track.track.album
    assert playlist[0].identifier == ["spotify:sp0", "isrc:QZ0"]


def local_or_page(address: str | None) -> Path | str | None:
    if address is None or not address.startswith("file://"):
        return address
    return Path(unquote(address.removeprefix("file://")))


def test_jspf_is_the_same_in_json(tracks: list[PlaylistTrack], tmp_path: Path) -> None:
    path = tmp_path / "a.jspf"
    write_playlist(path, tracks, "Like Rezz")
    playlist = json.loads(path.read_text("utf-8"))["playlist"]
    assert playlist["title"] == "Like Rezz"
    assert [track["title"] for track in playlist["track"]] == [
        track.track.title for track in tracks
    ]
    assert local_or_page(playlist["track"][0]["location"][0]) == tracks[0].track.path
    assert "location" not in playlist["track"][5]
    assert playlist["track"][6]["location"] == ["https://www.deezer.com/track/7"]


@pytest.mark.parametrize("suffix", ["jspf", "xspf", "m3u8"])
def test_our_own_reader_finds_the_artists(
    tracks: list[PlaylistTrack], tmp_path: Path, suffix: str
) -> None:
    write_playlist(tmp_path / f"a.{suffix}", tracks, "Like Rezz")
    assert read_names(tmp_path / f"a.{suffix}") == ["Ærtist"]


def test_csv_lists_ids_and_no_formula(tracks: list[PlaylistTrack], tmp_path: Path) -> None:
    write_playlist(tmp_path / "a.CSV", tracks, "x")
    with (tmp_path / "a.CSV").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(tracks)
    assert (rows[0]["artist"], rows[0]["spotify"], rows[0]["isrc"]) == ("Ærtist", "sp0", "QZ0")
    assert rows[2]["title"] == '\'=HYPERLINK("x")'
    assert rows[6]["deezer"] == "7"


@pytest.mark.parametrize("name", ["a", "a.mp3", "a.m3u8.txt"])
def test_another_suffix_is_misuse(tmp_path: Path, name: str) -> None:
    with pytest.raises(Misuse, match=r"ends with one of \.m3u8, \.jspf, \.xspf, \.csv"):
        write_playlist(tmp_path / name, [], "x")
    assert not (tmp_path / name).exists()


def test_query_writes_what_is_there_and_counts_the_rest(run: Any, tmp_path: Path) -> None:
    folder = plant_tracks(run.indexes, styles()).parent
    music = folder / "music"
    music.mkdir()
    for number in range(1, 6):
        (music / f"Artist 7 {number}.ogg").write_bytes(b"")
    path = tmp_path / "a.m3u8"
    code, out, err = run("query", "Artist 3", "--k", 11, "--playlist", path, "--format", "json")
    assert code == 0
    (neighbour,) = [row for row in json.loads(out)["neighbours"] if row["artist"] == "Artist 7"]
    paths = [(tmp_path / segment.uri).resolve() for segment in m3u8.load(str(path)).segments]
    assert paths == [Path(track["path"]) for track in neighbour["entry_tracks"]]
    assert f"{path} lists 3 tracks; 30 tracks without a file here left out" in err
    code, out, _ = run("query", "Artist 3", "--format", "m3u8", "--only", names(tmp_path))
    assert (code, len(m3u8.loads(out).segments)) == (0, 3)
    code, out, _ = run("query", "Artist 3", "--format", "jspf")
    assert len(json.loads(out)["playlist"]["track"]) == 30
    code, _, err = run("query", "Artist 3", "--playlist", tmp_path / "a.doc")
    assert (code, err.count("\n")) == (2, 1)


def names(folder: Path) -> Path:
    (folder / "names.txt").write_text("Artist 7\n")
    return folder / "names.txt"
