"""The OpenSubsonic door: what its clients send, and what they expect."""

import csv
import hashlib
import io
import json
from pathlib import Path
from typing import Any

import libsonic
import pytest
from libsonic.errors import CredentialError, DataNotFoundError

from artistindex.server.app import create_app
from artistindex.server.settings import Settings
from server.conftest import NAMES, hash_of, listening, parse_xml

LOGIN = {"u": "me", "v": "1.16.1", "c": "test", "f": "json"}
NAMESPACE = "{http://subsonic.org/restapi}"


def ask(client: Any, method: str, **fields: str) -> Any:
    answer = client.get(f"/rest/{method}", params=LOGIN | fields)
    assert answer.status_code == 200
    envelope = answer.json()["subsonic-response"]
    assert envelope["version"] == "1.16.1"
    assert envelope["type"] == "artistindex"
    assert envelope["openSubsonic"] is True
    return envelope


def song_id(client: Any, artist: str = "Rezz", number: int = 0) -> str:
    """Our own id of a song, as a player comes by it."""
    similar = ask(client, "getSimilarSongs2", id=artist_id(client, artist), count="100")
    songs = similar["similarSongs2"]["song"]
    return str(
        next(s["id"] for s in songs if (s["artist"], s["title"]) == (artist, f"Song {number}"))
    )


def artist_id(client: Any, artist: str) -> str:
    """Our own id of an artist, as a player comes by it."""
    first = ask(client, "getArtistInfo2", id=OWN_ID_OF_REZZ)["artistInfo2"]["similarArtist"]
    return str(next((a["id"] for a in first if a["name"] == artist), OWN_ID_OF_REZZ))


OWN_ID_OF_REZZ = "ar-WyJSZXp6Il0"


def test_the_door_says_what_it_speaks(client: Any, serving: Any) -> None:
    assert ask(client, "ping")["status"] == "ok"
    assert ask(client, "getLicense.view")["license"]["valid"] is True
    guarded = serving(token="x" * 20)  # this one method needs no credentials
    extensions = ask(guarded, "getOpenSubsonicExtensions")["openSubsonicExtensions"]
    assert {"name": "sonicSimilarity", "versions": [1]} in extensions


def test_similar_artists(client: Any) -> None:
    info = ask(client, "getArtistInfo2", id=OWN_ID_OF_REZZ, count="3")["artistInfo2"]
    assert info["musicBrainzId"] == "00000000-0000-4000-8000-000000000000"
    own = client.get("/api/v1/neighbours?artist=Rezz&k=3").json()["neighbours"]
    assert [artist["name"] for artist in info["similarArtist"]] == [hit["artist"] for hit in own]
    assert all(artist["id"].startswith("ar-") for artist in info["similarArtist"])
    assert "artistInfo" in ask(client, "getArtistInfo", id=OWN_ID_OF_REZZ)


def test_similar_songs_are_of_the_artist_and_of_those_near(client: Any) -> None:
    songs = ask(client, "getSimilarSongs2", id=OWN_ID_OF_REZZ, count="9")["similarSongs2"]["song"]
    artists = [song["artist"] for song in songs]
    assert len(songs) == 9
    assert artists[0] == artists[8] == "Rezz"  # everybody's nearest first, then another of each
    assert set(artists) == set(NAMES)
    assert songs[0]["isDir"] is False
    assert songs[0]["album"] == "First"
    assert len({song["id"] for song in songs}) == 9


def test_sonic_matches_are_the_tracks_nearest_to_a_song(client: Any) -> None:
    matches = ask(client, "getSonicSimilarTracks", id=song_id(client), count="5")["sonicMatch"]
    scores = [match["similarity"] for match in matches]
    assert scores == sorted(scores, reverse=True)
    assert all(0 <= score <= 1 for score in scores)
    assert "Rezz" in {match["entry"]["artist"] for match in matches}  # its own other songs
    assert song_id(client) not in {match["entry"]["id"] for match in matches}
    asked = {"track": "Rezz - Song 0", "k": 5}
    others = client.get("/api/v1/tracks", params=asked).json()["tracks"]
    entries = [m["entry"] for m in matches if m["entry"]["artist"] != "Rezz"]
    assert [(entry["artist"], entry["title"]) for entry in entries] == [
        (track["artists"][0], track["title"]) for track in others[: len(entries)]
    ]


def test_a_sonic_path_begins_and_ends_where_it_should(client: Any) -> None:
    ends = song_id(client), song_id(client, "ハハ", 2)
    path = ask(client, "findSonicPath", startSongId=ends[0], endSongId=ends[1])["sonicMatch"]
    assert (path[0]["entry"]["id"], path[-1]["entry"]["id"]) == ends
    assert path[0]["similarity"] == pytest.approx(1)
    assert len({match["entry"]["id"] for match in path}) == len(path)
    short = ask(client, "findSonicPath", startSongId=ends[0], endSongId=ends[1], count="2")
    assert [match["entry"]["id"] for match in short["sonicMatch"]] == list(ends)
    same = ask(client, "findSonicPath", startSongId=ends[0], endSongId=song_id(client, number=1))
    assert [match["entry"]["artist"] for match in same["sonicMatch"]] == ["Rezz", "Rezz"]


def test_xml_says_the_same(client: Any) -> None:
    fields = {**LOGIN, "f": "xml", "id": song_id(client, "AC/DC"), "count": "2"}
    for answer in (
        client.get("/rest/getSonicSimilarTracks.view", params=fields),
        client.post("/rest/getSonicSimilarTracks", data=fields),
    ):
        root = parse_xml(answer.content)
        assert root.tag == f"{NAMESPACE}subsonic-response"
        assert (root.get("status"), root.get("openSubsonic")) == ("ok", "true")
        matches = root.findall(f"{NAMESPACE}sonicMatch")
        assert len(matches) == 2
        assert 0 <= float(matches[0].get("similarity")) <= 1
        assert matches[0].find(f"{NAMESPACE}entry").get("isDir") == "false"
    root = parse_xml(client.get("/rest/getOpenSubsonicExtensions").content)
    extension = root.find(f"{NAMESPACE}openSubsonicExtensions[@name='sonicSimilarity']")
    assert extension.findtext(f"{NAMESPACE}versions") == "1"


@pytest.mark.parametrize(
    ("method", "fields", "code"),
    [
        ("getArtistInfo2", {}, 10),
        ("getArtistInfo2", {"id": "7"}, 70),
        ("getArtistInfo2", {"id": "ar-!!"}, 70),
        ("getSonicSimilarTracks", {"id": "tr-WyJSZXp6IiwiTm9uZSIsbnVsbF0"}, 70),
        ("getSonicSimilarTracks", {"id": "tr-WzEsMiwzXQ"}, 70),
        ("findSonicPath", {"startSongId": "tr-W10"}, 10),
        ("getSimilarSongs2", {"id": OWN_ID_OF_REZZ, "count": "many"}, 0),
        ("getAlbumList", {}, 0),
        ("ping", {"f": "jsonp"}, 0),
        ("ping", {"apiKey": "k"}, 43),
    ],
)
def test_errors_have_its_codes(client: Any, method: str, fields: Any, code: int) -> None:
    answer = client.get(f"/rest/{method}", params=LOGIN | fields)
    assert answer.status_code == 200
    if fields.get("f") == "jsonp":
        assert b'<error code="0"' in answer.content
    else:
        envelope = answer.json()["subsonic-response"]
        assert (envelope["status"], envelope["error"]["code"]) == ("failed", code)


def test_an_index_without_vectors_of_tracks_has_similar_artists(serving: Any, planted: Any) -> None:
    client = serving(planted())
    mine = "ar-WyJBcnRpc3QgMSJd"
    assert len(ask(client, "getArtistInfo2", id=mine)["artistInfo2"]["similarArtist"]) == 19
    songs = ask(client, "getSimilarSongs2", id=mine)["similarSongs2"]["song"]
    refusal = ask(client, "getSonicSimilarTracks", id=songs[0]["id"])["error"]
    assert "no vectors of single tracks" in refusal["message"]


# --- credentials --------------------------------------------------------------------------------

TOKEN = "correct-horse-battery"
SALT = "c19b2d"


def md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


@pytest.mark.parametrize(
    ("credentials", "code"),
    [
        ({"u": "me", "t": md5(TOKEN + SALT), "s": SALT}, None),
        ({"u": "me", "t": md5(TOKEN + SALT).upper(), "s": SALT}, None),
        ({"u": "me", "p": TOKEN}, None),
        ({"u": "me", "p": f"enc:{TOKEN.encode().hex()}"}, None),
        ({"apiKey": TOKEN}, None),
        ({"u": "me", "t": md5("wrong" + SALT), "s": SALT}, 40),
        ({"u": "me", "t": md5(TOKEN + SALT)}, 40),
        ({"u": "me", "p": "enc:zz"}, 40),
        ({"u": "me"}, 40),
        ({}, 10),
        ({"apiKey": "wrong"}, 44),
        ({"apiKey": TOKEN, "u": "me"}, 43),
    ],
)
def test_the_token_in_each_way_in_which_clients_say_it(
    serving: Any, credentials: dict[str, str], code: int | None
) -> None:
    answer = serving(token=TOKEN).get("/rest/ping", params={"f": "json", **credentials})
    envelope = answer.json()["subsonic-response"]
    assert envelope.get("error", {}).get("code") == code


# --- ids of a library ---------------------------------------------------------------------------


@pytest.fixture(params=["csv", "json", "jellyfin"])
def exported(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """A library without Vril, and with a song that the index lacks, as each server exports it."""
    songs = [
        {
            "id": f"song-{at}-{number}",
            "title": "Renamed" if number == 0 else f"song {number}",
            "artist": name.upper(),
            "album": "First",
            "path": f"/music/{name.replace('/', '_')}/0 Song.flac" if number == 0 else "",
            "mbid": "",
            "artist_id": f"artist-{at}",
            "artist_mbid": "",
        }
        for at, name in enumerate(NAMES)
        if name != "Vril"
        for number in range(3)
    ]
    mbid = f"{hash_of('Rezz', 2):08d}-0000-4000-8000-00000000abcd"
    songs[2] = {**songs[2], "title": "Another title", "mbid": mbid}
    songs.append({**songs[0], "id": "song-new", "title": "Not indexed", "path": "/music/new.flac"})
    path = tmp_path / "library"
    if request.param == "csv":
        text = io.StringIO()
        writer = csv.DictWriter(text, list(songs[0]))
        writer.writeheader()
        writer.writerows(songs)
        path.write_text(text.getvalue(), "utf-8")
    elif request.param == "json":
        path.write_text(json.dumps(songs), "utf-8")
    else:
        path.write_text(json.dumps({"Items": list(map(as_jellyfin, songs))}), "utf-8")
    return path


def as_jellyfin(song: dict[str, str]) -> dict[str, Any]:
    return {
        "Id": song["id"],
        "Name": song["title"],
        "Album": song["album"],
        "Path": song["path"],
        "ArtistItems": [{"Name": song["artist"], "Id": song["artist_id"]}],
        "ProviderIds": {"MusicBrainzRecording": song["mbid"]},
    }


def test_a_library_is_answered_in_its_own_ids(serving: Any, exported: Path) -> None:
    client = serving(library_ids=exported)
    info = ask(client, "getArtistInfo2", id="artist-0", count="50")["artistInfo2"]
    assert {artist["id"] for artist in info["similarArtist"]} == {
        f"artist-{at}" for at, name in enumerate(NAMES) if name not in ("Rezz", "Vril")
    }
    absent = ask(client, "getArtistInfo2", id="artist-0", includeNotPresent="true")
    ids = {artist["name"]: artist["id"] for artist in absent["artistInfo2"]["similarArtist"]}
    assert ids["Vril"] == "-1"
    matches = ask(client, "getSonicSimilarTracks", id="song-0-1", count="50")["sonicMatch"]
    similar = {match["entry"]["id"] for match in matches}
    others = [at for at, name in enumerate(NAMES) if name != "Vril"]
    expected = {f"song-{at}-{number}" for at in others for number in range(3)}
    assert similar == expected - {"song-0-1"}  # by path, by MBID and by title
    songs = ask(client, "getSimilarSongs2", id="song-new", count="100")["similarSongs2"]["song"]
    assert {song["id"] for song in songs} == expected
    by_artist = ask(client, "getSonicSimilarTracks", id="song-new", count="3")["sonicMatch"]
    assert by_artist[0]["entry"]["artist"] == "Rezz"
    path = ask(client, "findSonicPath", startSongId="song-new", endSongId="song-4-0")["sonicMatch"]
    assert (path[0]["entry"]["id"], path[-1]["entry"]["id"]) == ("song-new", "song-4-0")
    assert ask(client, "getArtistInfo2", id=OWN_ID_OF_REZZ)["error"]["code"] == 70


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("name,file\nx,y\n", "columns id, title and artist"),
        ('{"a": 1}', "expected CSV"),
        ("[1]", "expected CSV"),
        ("[", "not JSON"),
        ("id,title,artist\n1,,Rezz\n", "no song with an id"),
    ],
)
def test_a_library_that_is_not_understood(
    run: Any, planted: Any, tmp_path: Path, content: str, words: str
) -> None:
    planted()
    (tmp_path / "library").write_text(content)
    code, out, err = run("serve", "--port", 0, "--quiet", "--library-ids", tmp_path / "library")
    assert (code, out) == (2, "")
    assert words in err


# --- a client -----------------------------------------------------------------------------------


def test_py_sonic_is_answered(served_index: Path) -> None:
    app = create_app(Settings(served_index, token=TOKEN))
    with listening(app) as port:

        def connection(password: str, **options: Any) -> Any:
            return libsonic.Connection("http://127.0.0.1", "me", password, port=port, **options)

        client = connection(TOKEN)
        assert client.ping() is True
        info = client.getArtistInfo2(OWN_ID_OF_REZZ, count=2)["artistInfo2"]
        assert len(info["similarArtist"]) == 2
        songs = client.getSimilarSongs2(info["similarArtist"][0]["id"], count=4)
        assert len(songs["similarSongs2"]["song"]) == 4
        assert connection(TOKEN, legacyAuth=True).ping() is True
        with pytest.raises(DataNotFoundError):
            client.getArtistInfo2("nobody")
        with pytest.raises(CredentialError):
            connection("wrong").getArtistInfo2(OWN_ID_OF_REZZ)
