import io
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from artistindex import naming
from artistindex.errors import Misuse
from artistindex.listeners.favourites import Favourite, read_favourites, read_names


def written(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("a.txt", "Rezz\n\n  deadmau5 \r\n# a comment\nREZZ\nAC/DC", ["Rezz", "deadmau5", "AC/DC"]),
        ("a.txt", "\ufeffRezz\n", ["Rezz"]),
        ("a.txt", '[:SITD:]\n"Weird Al" Yankovic', ["[:SITD:]", '"Weird Al" Yankovic']),
        ("lineup", "Florence + The Machine", ["Florence + The Machine"]),
        ("lineup", "[:SITD:]\nRezz", ["[:SITD:]", "Rezz"]),
        ("lineup", "Earth, Wind & Fire\nRezz", ["Earth, Wind & Fire", "Rezz"]),
        ("lineup", '["Rezz", "rezz", " Vril "]', ["Rezz", "Vril"]),
        ("a.json", '["Rezz"]', ["Rezz"]),
        ("a.json", '{"artists": ["&ME", "1991", "Dxrk ダーク"]}', ["&ME", "1991", "Dxrk ダーク"]),
        ("a.csv", "day,Artist,stage\nSat,Rezz,1\nSun,deadmau5,2\n", ["Rezz", "deadmau5"]),
        ("a.csv", '\ufeffartist\r\n"Tyler, The Creator"\r\n', ["Tyler, The Creator"]),
        ("a.csv", "stage;ARTIST \n1;Rezz\n2\n3;Vril\n", ["Rezz", "Vril"]),
        ("a.tsv", "artist\tday\nRezz\tSat\n", ["Rezz"]),
        ("stdin-like", "day,artist\nSat,Rezz\n", ["Rezz"]),
        ("a.csv", 'artist,"a\nb"\nRezz,1', None),
    ],
)
def test_formats(tmp_path: Path, name: str, content: str, expected: list[str] | None) -> None:
    path = written(tmp_path, name, content)
    if expected is None:  # a header over two lines is read as far as it goes
        assert "Rezz" in read_names(path)
    else:
        assert read_names(path) == expected


def test_what_windows_writes(tmp_path: Path) -> None:
    assert read_names(written(tmp_path, "a.txt", "Rezz\r\nBjörk".encode("utf-16"))) == [
        "Rezz",
        "Björk",
    ]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.txt", "", "no artist in it"),
        ("a.txt", "# only\n#comments\n", "no artist in it"),
        ("a.txt", b"\xff\xd8\xff\xe0JFIF", "not text in UTF-8"),
        ("a.txt", b"Rezz\x00\x01", "not a text file"),
        ("a.txt", b"\xff\xfe\x00", "not text in UTF-8"),
        ("a.json", '{"artists": "Rezz"}', 'expected a JSON list of names or {"artists"'),
        ("a.json", '{"names": []}', "expected a JSON list"),
        ("a.json", "3", "found a number"),
        ("a.json", '["Rezz", 3]', "entry 2 of the list must be a name, found a number"),
        ("a.json", '[{"title": "Rezz"}]', "entry 1 of the list must be a name, found an object"),
        ("a.json", '["Rezz",\n', "not JSON: Expecting value in line 2"),
        ("a.json", "[" * 100_000, "not JSON that can be read"),
        ("a.json", "", "not JSON"),
        ("a.json", "[]", "no artist in it"),
        ("a.csv", "name,day\nRezz,Sat\n", "a column named artist"),
        ("a.csv", "artist\n", "no artist in it"),
        ("a.csv", 'artist\n"' + "x" * 200_000 + '"', "not a CSV file"),
    ],
)
def test_bad_files(tmp_path: Path, name: str, content: str | bytes, message: str) -> None:
    path = written(tmp_path, name, content)
    with pytest.raises(Misuse) as caught:
        read_names(path)
    assert message in str(caught.value)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "missing.txt", Path("a\0b")):
        with pytest.raises(Misuse, match="cannot read"):
            read_names(path)


def test_a_file_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("artistindex.listeners.user_files.MAX_BYTES", 1 << 20)
    with pytest.raises(Misuse, match="larger than 1 MiB"):
        read_names(Path("/dev/zero"))


@pytest.mark.parametrize("content", ["Rezz\nVril", '["Rezz", "Vril"]', "artist\nRezz\nVril"])
def test_standard_input(monkeypatch: pytest.MonkeyPatch, content: str) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(content.encode())))
    assert read_names(Path("-")) == ["Rezz", "Vril"]


@given(st.lists(st.text(max_size=20), max_size=10))
def test_json_gives_every_folded_name_once(
    tmp_path_factory: pytest.TempPathFactory, names: list[str]
) -> None:
    path = written(tmp_path_factory.mktemp("n"), "a.json", json.dumps([*names, "Rezz"]))
    folded = [naming.normalise(name) for name in read_names(path)]
    assert len(set(folded)) == len(folded)
    assert set(folded) == {
        naming.normalise(naming.clean(n)) for n in [*names, "Rezz"] if naming.clean(n)
    }


# --- the files of players, shops and services -----------------------------------------------------

SPOTIFY_ID = "5INjqkS1o8h1imAzPqGZBb"
OTHER_ID = SPOTIFY_ID[::-1]
MBID = "8f6bd1e4-fbe1-4f50-aa9b-94c450ec0f11"
LISTEN = {"listened_at": 1, "track_metadata": {"artist_name": "Rezz", "track_name": "t"}}
MAPPED = {
    "track_metadata": {
        "artist_name": "Rezz feat. Vril",
        "mbid_mapping": {"artists": [{"artist_credit_name": "Rezz", "artist_mbid": MBID}]},
    }
}
STREAMS = [
    {"endTime": "2025-01-01 10:00", "artistName": "Rezz", "trackName": "t", "msPlayed": 180_000},
    {"endTime": "2025-01-01 10:00", "artistName": "Rezz", "trackName": "t", "msPlayed": 15_000},
    {"endTime": "2025-01-01 10:00", "artistName": "Vril", "trackName": "t", "msPlayed": 0},
]
END_SONGS = [
    {"ms_played": 60_000, "master_metadata_album_artist_name": "Rezz", "ts": "2020"},
    {"ms_played": 60_000, "master_metadata_album_artist_name": None, "episode_name": "a podcast"},
]
LIBRARY = {
    "tracks": [{"artist": "Rezz", "album": "a", "track": "t", "uri": "spotify:track:1"}],
    "albums": [{"artist": "Rezz", "album": "a", "uri": "spotify:album:1"}],
    "artists": [{"name": "Rezz", "uri": f"spotify:artist:{SPOTIFY_ID}"}],
    "shows": [{"name": "A podcast", "publisher": "p"}],
    "bannedTracks": [{"artist": "Banned", "track": "t", "uri": "spotify:track:2"}],
    "bannedArtists": [{"name": "Banned too", "uri": "spotify:artist:1"}],
}
JSPF = {"playlist": {"title": "x", "track": [{"title": "t", "creator": "Rezz"}] * 2}}
XSPF = """<?xml version="1.0" encoding="UTF-8"?>
<playlist version="1" xmlns="http://xspf.org/ns/0/"><title>x</title><creator>A person</creator>
<trackList><track><title>t</title><creator>AC/DC &amp; R&#233;zz</creator></track></trackList>
</playlist>"""
REKORDBOX = """<?xml version="1.0" encoding="UTF-8"?>
<DJ_PLAYLISTS Version="1.0.0"><PRODUCT Name="rekordbox"/><COLLECTION Entries="3">
<TRACK Name="t" Artist="Rezz" PlayCount="7"/><TRACK Name="u" Artist="Rezz" PlayCount="0"/>
<TRACK Name="v" Artist=""/></COLLECTION>
<PLAYLISTS><NODE Name="ROOT"><TRACK Key="1"/></NODE></PLAYLISTS></DJ_PLAYLISTS>"""
TRAKTOR = """<?xml version="1.0" encoding="UTF-8" standalone="no" ?>
<NML VERSION="19"><HEAD COMPANY="c"/><COLLECTION ENTRIES="1">
<ENTRY TITLE="t" ARTIST="Rezz"><INFO PLAYCOUNT="3" GENRE="g"/></ENTRY></COLLECTION></NML>"""
EXPORTIFY = f"""\ufeff"Track URI","Track Name","Artist URI(s)","Artist Name(s)","Album Name"
"spotify:track:1","t","spotify:artist:{SPOTIFY_ID}, spotify:artist:{OTHER_ID}","Rezz, Vril","a"
"spotify:track:1","t","spotify:artist:{SPOTIFY_ID}","Rezz","a"
"spotify:track:2","t","spotify:artist:0000000000000000000000","Tyler, The Creator","a"
"""
M3U = """#EXTM3U
#EXTINF:123,AC/DC - T-N-T
/music/a.mp3
#EXTINF:-1 tvg-id="a,b",Tyler, The Creator - X - Y
b.mp3
#EXTINF:1,no artist
c.mp3
"""


@pytest.mark.parametrize(
    ("content", "weights"),
    [
        (
            "Rezz,Album,Track,01 Jan 2025 10:00\nVril,,T,02 Jan 2025 09:00\n" * 2,
            {"Rezz": 2, "Vril": 2},
        ),
        ("artist;album;track;date#user\nRezz;a;t;1\nRezz;a;t;2\n", {"Rezz": 2}),
        ("uts,utc_time,artist,artist_mbid\n1,x,Rezz,\n", {"Rezz": 1}),
        ("Artist Name\tPlays\nRezz\t1,234\nVril\t0.5\n", {"Rezz": 1234, "Vril": 0.5}),
        ('sep=;\nartist;play_count\n"Tyler; The Creator";3\n', {"Tyler; The Creator": 3}),
        (EXPORTIFY, {"Rezz": 2, "Vril": 1, "Tyler, The Creator": 1}),
        (
            'Track Name,Artist Name(s)\nt,"A;B"\nt,C\nt,D\nt,"C, D"\nt,"E, D"',
            {"A": 1, "B": 1, "C": 2, "D": 2, "E, D": 1},
        ),
        (
            "Track Name,Artist Name(s)\n"
            't,"Tyler\\, The Creator,Rezz"\nt,Rezz\nt,"Tyler\\, The Creator"',
            {"Tyler, The Creator": 2, "Rezz": 2},
        ),
        (json.dumps(STREAMS), {"Rezz": 1.5}),
        (json.dumps(END_SONGS), {"Rezz": 1}),
        (json.dumps(LIBRARY), {"Rezz": 3}),
        (json.dumps(LISTEN), {"Rezz": 1}),
        ("\n".join([json.dumps(LISTEN), json.dumps(MAPPED)]) + "\n", {"Rezz": 2}),
        (json.dumps([LISTEN, MAPPED]), {"Rezz": 2}),
        (json.dumps(JSPF), {"Rezz": 2}),
        (
            json.dumps([{"name": "Rezz", "playcount": "12"}, {"name": "Vril"}]),
            {"Rezz": 12, "Vril": 1},
        ),
        (json.dumps({"artists": [{"name": "Rezz"}]}), {"Rezz": 1}),
        (
            json.dumps([{"name": "A Song", "artists": [{"name": "Rezz"}, {"name": "Vril"}]}]),
            {"Rezz": 1, "Vril": 1},
        ),
        (XSPF, {"AC/DC & Rézz": 1}),
        (REKORDBOX, {"Rezz": 8}),
        (TRAKTOR, {"Rezz": 3}),
        (M3U, {"AC/DC": 1, "Tyler, The Creator": 1}),
        ("artists:\n  - name: 1991\n  - name: NO\n", {"1991": 1, "NO": 1}),
        (
            "artists:\n- *NSYNC\n- Jamie 3:26\n- Nu: Tone\n",
            {"*NSYNC": 1, "Jamie 3:26": 1, "Nu: Tone": 1},
        ),
        ("- *NSYNC\n- &ME\n- re: member\n", {"*NSYNC": 1, "&ME": 1, "re: member": 1}),
        ("1. Rezz\n2. 3 Doors Down\n3. 1991\n", {"Rezz": 1, "3 Doors Down": 1, "1991": 1}),
        ("<PIG>\nRezz", {"<PIG>": 1, "Rezz": 1}),
    ],
)
def test_kinds_of_files(tmp_path: Path, content: str, weights: dict[str, float]) -> None:
    for name in ("favourites", "favourites.txt"):  # no ending tells anything
        assert read_favourites(written(tmp_path, name, content)).weights == weights


def test_ids_come_along(tmp_path: Path) -> None:
    contents = (EXPORTIFY, json.dumps(MAPPED))
    paths = [written(tmp_path, str(at), content) for at, content in enumerate(contents)]
    favourites = read_favourites(paths)
    assert favourites.favourites[0] == Favourite(
        "Rezz", 3.0, {"spotify": SPOTIFY_ID, "musicbrainz": MBID}
    )
    assert favourites.sources == tuple(paths)
    assert len(favourites) == len(list(favourites)) == 3


BOMB = '<!DOCTYPE x [<!ENTITY a "aa"><!ENTITY b "&a;&a;">]><playlist>&b;</playlist>'


@pytest.mark.parametrize(
    ("content", "description"),
    [
        ("<html><body><p>Rezz</p></body></html>", "XML of <html>"),
        ("<!DOCTYPE html><html><br></html>", "no XML that can be read"),
        ("<a>" * 100_000 + "</a>" * 100_000, "XML of <a>"),
        (BOMB, "declares entities of its own"),
        ('<NML><COLLECTION><ENTRY ARTIST="Rezz"/>', "no XML that can be read"),
        ("#EXTM3U\n/music/a.mp3\n", "a playlist without"),
        ("[playlist]\nFile1=/music/a.mp3\n", "settings"),
        ("slug: acl\nregion: am\n", "an object with the keys 'slug, region'"),
        ("a: &a [x]\nartists: [*a, *b]\nname: [", "not YAML"),
        ("name: " + "[" * 5_000, "not YAML"),
        ("Rezz\nhttps://example.org/x\n", "an address in line 2"),
        ("Rezz\nsomebody@example.org\n", "an address in line 2"),
        ("/music/Rezz/a.mp3\n", "a path in line 1"),
        ("C:\\music\\a.flac\n", "a path in line 1"),
        ("Rezz\n<b>Vril</b>\n", "markup in line 2"),
        ("Rezz\n2025-11-22\n", "a date in line 2"),
        ("artist,plays\nRezz,many\n", "line 2: plays must be a number, found 'many'"),
        ('{"events": [{"name": "A night", "artists": []}]}', "the keys 'events'"),
        ('{"a": 1}\n{"a": 2}\n', "entry 1 of the list must be a name, found an object"),
        ('{"a": 1}\n{"a": \n', "line 2 is not JSON"),
        ('[{"episode_name": "x", "artistName": null}]', "no artist in it"),
    ],
)
def test_what_is_no_list_of_favourites(tmp_path: Path, content: str, description: str) -> None:
    path = written(tmp_path, "favourites", content)
    with pytest.raises(Misuse) as caught:
        read_favourites(path)
    assert description in str(caught.value)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_other_peoples_files(shared: Path) -> None:
    taste = shared.parent / "cases" / "taste"
    paths = sorted(taste.iterdir())
    assert len(paths) == 11
    assert {name for path in paths for name in read_favourites(path).names} == {
        "Ann Example",
        "Ben Example",
    }
    assert read_favourites(taste / "weighted.csv").weights == {"Ann Example": 500, "Ben Example": 1}
