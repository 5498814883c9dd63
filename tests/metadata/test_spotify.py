import json
import logging
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

import services
from artistindex.entities import Artist, Track
from artistindex.errors import ArtistIndexError, Misuse, ServiceEnded, ServiceError
from artistindex.metadata import spotify
from artistindex.metadata.deezer import Deezer
from artistindex.metadata.open import open_provider
from artistindex.metadata.spotify import Credentials, Spotify, find_credentials
from music_services import (
    SECRET,
    SECRET_ID,
    TOKEN,
    Performer,
    Song,
    World,
    json_response,
    queries,
    serve_spotify,
    spotify_error,
)
from services import JumpingClock, raw_server

REZZ, DEADMAU5 = Performer("Rezz", 1), Performer("deadmau5", 2)
CREDENTIALS = Credentials(SECRET_ID, SECRET)
ARTIST = Artist("Rezz", {"spotify": REZZ.spotify_id})
TOKEN_ANSWER = {"access_token": TOKEN, "token_type": "Bearer", "expires_in": 3600}


@pytest.fixture
def world() -> World:
    songs = [
        Song("Edge (Someone Remix)", (REZZ,), 10),
        Song("Hypnocurrency", (DEADMAU5, REZZ), 11),
        Song("Rezz", (DEADMAU5,), 15),
        Song("Edge", (REZZ,), 12, isrc="CAXX11700001"),
        Song("Edge", (REZZ,), 13, seconds=300, isrc="CAXX11700001", album="Edge (Deluxe)"),
        Song("Relax - Live at Red Rocks", (REZZ,), 14),
    ]
    return World([DEADMAU5, REZZ], songs)


@pytest.fixture
def catalogue(httpserver: HTTPServer, world: World, clock: JumpingClock) -> Iterator[Spotify]:
    opened = Spotify(CREDENTIALS, clock=clock, **serve_spotify(httpserver, world))
    yield opened
    opened.close()


# -- artists and tracks ------------------------------------------------------------------------


def test_artists(catalogue: Spotify) -> None:
    assert catalogue.search("rezz") == [ARTIST]
    assert catalogue.artist(REZZ.spotify_id) == ARTIST
    assert catalogue.artist("9" * 22) is None


def test_a_name_is_asked_for_twice_where_the_first_page_lacks_it(
    catalogue: Spotify, world: World
) -> None:
    catalogue.search('Rez"z')
    queries = [request.args["q"] for request in world.requests if "q" in request.args]
    assert queries == ['Rez"z', 'artist:"Rez z"']


@pytest.mark.parametrize("allowed", [False, True])
def test_tracks(catalogue: Spotify, world: World, allowed: bool) -> None:
    world.top_tracks_allowed = allowed
    tracks = catalogue.tracks(ARTIST, limit=5)
    assert [track.title for track in tracks] == ["Edge", "Hypnocurrency", "Edge (Someone Remix)"]
    assert tracks[0] == Track(
        artists=(ARTIST,),
        title="Edge",
        album="An Album",
        duration=200.0,
        catalogue="spotify",
        catalogue_id=f"{12:022d}",
        isrc="CAXX11700001",
    )


def test_top_tracks_are_asked_for_once_where_they_are_forbidden(
    catalogue: Spotify, world: World
) -> None:
    for _ in range(3):
        catalogue.tracks(ARTIST, limit=1)
    assert sum("top-tracks" in query for query in queries(world)) == 1
    assert sum("/albums" in query for query in queries(world)) == 0


def test_top_tracks_suffice_where_they_are_allowed(catalogue: Spotify, world: World) -> None:
    world.top_tracks_allowed = True
    assert len(catalogue.tracks(ARTIST, limit=2)) == 2
    assert not [query for query in queries(world) if "type=track" in query]


def test_albums_fill_up_what_the_search_lacks(catalogue: Spotify, world: World) -> None:
    quiet = Performer("Quiet One", 3)
    world.performers = [*world.performers, quiet]
    noise = [Song(f"Quiet One {n}", (DEADMAU5,), 50 + n) for n in range(40)]
    songs = [Song(f"Silence {n}", (quiet,), 100 + n, album="Silence") for n in range(3)]
    world.songs = [*noise, *songs]
    tracks = catalogue.tracks(Artist("Quiet One", {"spotify": quiet.spotify_id}), limit=5)
    assert [track.title for track in tracks] == ["Silence 0", "Silence 1", "Silence 2"]
    assert {track.album for track in tracks} == {"Silence"}


def test_one_token_serves_all(catalogue: Spotify, world: World) -> None:
    for _ in range(3):
        catalogue.search("Rezz")
    assert world.asked["token"] == 1


def requests_for(catalogue: Spotify, world: World, name: str, limit: int = 5) -> int:
    """How many requests it takes to find an artist and `limit` tracks, tokens aside."""
    before = len([query for query in queries(world) if "token" not in query])
    (artist, *_) = [a for a in catalogue.search(name) if a.name == name]
    catalogue.tracks(artist, limit=limit)
    return len([query for query in queries(world) if "token" not in query]) - before


def test_how_many_requests_an_artist_costs(catalogue: Spotify, world: World) -> None:
    """One at best, ten at worst, once it is known that top tracks are forbidden."""
    catalogue.tracks(ARTIST, limit=1)
    known = Performer("Known", 4)
    hits = [Song(f"Hit {n}", (known,), 300 + n) for n in range(5)]
    hidden = Performer("Hidden", 5)
    live = [Song(f"Hidden {n} - Live", (hidden,), 500 + n, album=f"Album {n}") for n in range(60)]
    world.performers = [*world.performers, known, hidden]
    world.songs = [*hits, *live]
    assert requests_for(catalogue, world, "Known") == 1
    assert requests_for(catalogue, world, "Hidden") == 10
    assert catalogue.tracks(Artist("Hidden", {"spotify": hidden.spotify_id}), limit=5)


def test_a_refused_limit_says_what_to_do(catalogue: Spotify, httpserver: HTTPServer) -> None:
    httpserver.clear_all_handlers()
    httpserver.expect_request("/spotify/api/token").respond_with_json(
        {"access_token": "t", "token_type": "Bearer", "expires_in": 3600}
    )
    refusal = {"error": {"status": 400, "message": "Invalid limit"}}
    httpserver.expect_request("/spotify/v1/search").respond_with_json(refusal, status=400)
    with pytest.raises(ServiceEnded, match=r"Invalid limit.*upgrade artistindex, or use Deezer"):
        catalogue.search("Rezz")


# -- what can go wrong -----------------------------------------------------------------------


Answer = Callable[[Request], Response]


def always(response: Response) -> Answer:
    return lambda _: response


FAILURES: dict[str, tuple[Answer | None, Answer | None, str]] = {
    "bad credentials": (
        always(json_response({"error": "invalid_client", "error_description": SECRET}, 400)),
        None,
        r"the client id or the client secret is refused; check SPOTIPY_CLIENT_ID",
    ),
    "bad credentials as a page": (
        always(Response(f"<html>{SECRET}</html>", 401)),
        None,
        r"the client id or the client secret is refused",
    ),
    "token without a token": (
        always(json_response({"detail": SECRET})),
        None,
        r"no access token came from its accounts service",
    ),
    "token that is a list": (
        always(json_response([SECRET])),
        None,
        r"no access token came from its accounts service",
    ),
    "token of another type": (
        always(json_response({**TOKEN_ANSWER, "access_token": {"x": SECRET}})),
        None,
        r"no access token came from its accounts service",
    ),
    "token with a line break": (
        always(json_response({**TOKEN_ANSWER, "access_token": f"{TOKEN}\r\nX: {SECRET}"})),
        None,
        r"no access token came from its accounts service",
    ),
    "token as a page": (
        always(Response(f"<html>{SECRET}</html>")),
        None,
        r"no access token came from its accounts service",
    ),
    "token elsewhere": (
        always(Response(status=302, headers={"Location": f"https://evil.example/{SECRET}"})),
        None,
        r"Spotify points to evil\.example, which is not Spotify; refused",
    ),
    "no premium": (
        None,
        always(
            Response(
                "Active premium subscription required for the owner of the app. When the "
                f"subscription status changes, it can take a few hours. {TOKEN}",
                403,
            )
        ),
        r"the owner of the app needs Spotify Premium \(status 403\)",
    ),
    "forbidden": (
        None,
        always(spotify_error(403, f"Forbidden {TOKEN}")),
        r"this app may not ask \(status 403\); look at it on the dashboard",
    ),
    "token refused": (
        None,
        always(spotify_error(401, f"The access token expired {TOKEN}")),
        r"its own access token is refused \(status 401\)",
    ),
    "quota": (
        None,
        always(spotify_error(429, "Quota", reason="QUOTA_EXCEEDED")),
        r"the app's quota is used up \(status 429, QUOTA_EXCEEDED\)",
    ),
    "a day's wait": (
        None,
        always(Response(TOKEN, 429, {"Retry-After": "86000"})),
        r"too many requests \(status 429\) and asks to wait 23 h 53 min; what is done is kept",
    ),
    "too many": (
        None,
        always(Response(TOKEN, 429)),
        r"too many requests \(status 429\), again and again",
    ),
    "server error": (None, always(spotify_error(503, TOKEN)), r"status 503, 4 times"),
    "server error as text": (None, always(Response(TOKEN, 500)), r"status 500, 4 times"),
    "bad request": (None, always(spotify_error(400, TOKEN)), r"answered with status 400"),
    "error of another shape": (
        None,
        always(json_response({"error": TOKEN}, 418)),
        r"something else where JSON was expected",
    ),
    "page": (None, always(Response(f"<html>{TOKEN}")), r"Spotify sent something else where JSON"),
    "nothing": (None, always(Response("null")), r"Spotify sent something else where JSON"),
    "a list": (None, always(json_response([TOKEN])), r"Spotify sent something else where JSON"),
    "no items": (None, always(json_response({"artists": {}})), r'an answer without "items"'),
    "no artists": (None, always(json_response({"x": TOKEN})), r'an answer without "artists"'),
    "odd items": (None, always(json_response({"artists": {"items": 3}})), r"JSON was expected"),
    "elsewhere": (
        None,
        always(Response(status=302, headers={"Location": f"https://evil.example/?{TOKEN}"})),
        r"points to evil\.example",
    ),
}
ENDING = {
    name for name in FAILURES if "credentials" in name or name.startswith(("token ", "token"))
} - {"token elsewhere"} | {"no premium", "forbidden", "quota", "a day's wait", "too many"}


@pytest.mark.parametrize("name", FAILURES)
def test_failures_are_clear_and_tell_no_secret(
    httpserver: HTTPServer,
    clock: JumpingClock,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    tmp_path: Path,
    name: str,
) -> None:
    token, answer, message = FAILURES[name]
    httpserver.expect_request("/api/token").respond_with_handler(
        token or always(json_response(TOKEN_ANSWER))
    )
    httpserver.expect_request("/v1/search").respond_with_handler(
        answer or always(json_response({"artists": {"items": []}}))
    )
    for logger in ("", "spotipy", "spotipy.client", "spotipy.oauth2", "urllib3", "requests"):
        caplog.set_level(logging.DEBUG, logger=logger)
    catalogue = Spotify(
        CREDENTIALS,
        base_url=httpserver.url_for("/v1"),
        token_url=httpserver.url_for("/api/token"),
        clock=clock,
    )
    with pytest.raises(ServiceError, match=message) as caught:
        catalogue.search("Rezz")
    assert str(caught.value).startswith("Spotify")
    assert "\n" not in str(caught.value)
    assert isinstance(caught.value, ServiceEnded) == (name in ENDING)
    output = "".join(traceback.format_exception(caught.value))
    written = capfd.readouterr()
    logged = "\n".join(
        record.getMessage() for record in caplog.records if not record.name.startswith("werkzeug")
    )
    on_disk = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    for secret in (SECRET, TOKEN, SECRET_ID):
        for place in (
            str(caught.value),
            output,
            written.out,
            written.err,
            logged,
            on_disk.decode(),
        ):
            assert secret not in place
    if isinstance(caught.value, ServiceEnded):
        request_count = len(httpserver.log)
        with pytest.raises(ServiceEnded):
            catalogue.search("Rezz")
        assert len(httpserver.log) - request_count <= 1
    catalogue.close()


def test_success_tells_no_secret_either(
    catalogue: Spotify, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    for logger in ("", "spotipy.client", "spotipy.oauth2", "urllib3"):
        caplog.set_level(logging.DEBUG, logger=logger)
    catalogue.tracks(ARTIST, limit=5)
    logged = "\n".join(record.getMessage() for record in caplog.records)
    for secret in (SECRET, TOKEN, SECRET_ID):
        assert secret not in logged
        assert secret not in repr(CREDENTIALS)
        assert secret not in repr(vars(catalogue))
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


@pytest.mark.parametrize("answer", [services.closes_at_once, services.breaks_off])
def test_connections_that_break(clock: JumpingClock, answer: Any) -> None:
    with raw_server(answer) as server:
        catalogue = Spotify(
            CREDENTIALS, base_url=server.url, token_url=f"{server.url}/token", clock=clock
        )
        with pytest.raises(ServiceError, match=r"Spotify: the connection broke off, 4 times"):
            catalogue.search("Rezz")
        catalogue.close()


def test_nobody_there(clock: JumpingClock) -> None:
    url = services.unused_url()
    catalogue = Spotify(CREDENTIALS, base_url=url, token_url=f"{url}/token", clock=clock)
    with pytest.raises(ServiceEnded, match=r"Spotify: cannot be reached"):
        catalogue.search("Rezz")
    catalogue.close()


def test_a_refused_artist_is_no_crash(httpserver: HTTPServer, catalogue: Spotify) -> None:
    """An id of the right form that Spotify calls invalid (status 400)."""
    httpserver.clear()
    httpserver.expect_request("/spotify/api/token").respond_with_json(TOKEN_ANSWER)
    httpserver.expect_request(f"/spotify/v1/artists/{'z' * 22}").respond_with_response(
        spotify_error(400, "Invalid base62 id")
    )
    assert catalogue.artist("z" * 22) is None


# -- credentials -----------------------------------------------------------------------------


def config(path: Path, document: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(document if isinstance(document, str) else json.dumps(document))
    return path


GOOD = {"clientId": SECRET_ID, "clientSecret": f" {SECRET}\n", "redirectUri": "http://x"}


def test_no_credentials() -> None:
    assert find_credentials() is None


def test_credentials_of_the_environment_come_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config(tmp_path / "spotify-config.json", {"clientId": "other", "clientSecret": "other"})
    monkeypatch.setenv("SPOTIPY_CLIENT_ID", SECRET_ID)
    monkeypatch.setenv("SPOTIPY_CLIENT_SECRET", SECRET)
    assert find_credentials() == CREDENTIALS


@pytest.mark.parametrize("place", ["named", "here", "user"])
def test_credentials_in_the_experiments_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    paths = {
        "named": tmp_path / "elsewhere" / "my.json",
        "here": tmp_path / "spotify-config.json",
        "user": tmp_path / "config" / "artistindex" / "spotify-config.json",
    }
    config(paths[place], GOOD)
    if place == "named":
        config(paths["here"], "broken")
        monkeypatch.setenv("ARTISTINDEX_SPOTIFY_CONFIG", str(paths[place]))
    assert find_credentials() == CREDENTIALS


@pytest.mark.parametrize(
    ("document", "message"),
    [
        (f"not json {SECRET}", "not JSON: Expecting value in line 1"),
        ([SECRET], "expected an object of clientId and clientSecret, found a list"),
        ({"clientId": SECRET_ID}, "expected the texts clientId and clientSecret"),
        ({"clientId": SECRET_ID, "clientSecret": [SECRET]}, "expected the texts"),
        ({"clientId": SECRET_ID, "clientSecret": f"{SECRET}é"}, "must be letters and digits"),
        ({"clientId": SECRET_ID, "clientSecret": f"{SECRET}\r\nX: y"}, "must be letters"),
        ({"clientId": "", "clientSecret": SECRET}, "must be letters and digits"),
    ],
)
def test_bad_configurations(tmp_path: Path, document: Any, message: str) -> None:
    config(tmp_path / "spotify-config.json", document)
    with pytest.raises(Misuse) as caught:
        find_credentials()
    assert message in str(caught.value)
    output = "".join(traceback.format_exception(caught.value))
    assert SECRET not in output
    assert SECRET_ID not in output


@pytest.mark.parametrize("variable", ["SPOTIPY_CLIENT_ID", "SPOTIPY_CLIENT_SECRET"])
def test_half_of_the_credentials(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    monkeypatch.setenv(variable, SECRET)
    with pytest.raises(Misuse, match=r"is not set, but its counterpart is") as caught:
        find_credentials()
    assert SECRET not in str(caught.value)


def test_a_configuration_that_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARTISTINDEX_SPOTIFY_CONFIG", "no/such.json")
    with pytest.raises(Misuse, match=r"cannot read no/such\.json"):
        find_credentials()


# -- the choice between catalogues ------------------------------------------------------------


def opened(choice: str | None) -> type:
    catalogue = open_provider(choice)
    catalogue.close()
    return type(catalogue)


def test_deezer_is_the_default_without_credentials(tmp_path: Path) -> None:
    assert opened(None) is Deezer
    with pytest.raises(Misuse, match=r"no Spotify credentials: set SPOTIPY_CLIENT_ID"):
        open_provider("spotify")
    with pytest.raises(Misuse, match="unknown catalogue tidal; there are spotify and deezer"):
        open_provider("tidal")
    config(tmp_path / "spotify-config.json", GOOD)
    assert opened(None) is Spotify
    assert opened("spotify") is Spotify
    assert opened("deezer") is Deezer


def test_deezer_looks_at_no_credentials(tmp_path: Path) -> None:
    config(tmp_path / "spotify-config.json", "broken")
    assert opened("deezer") is Deezer
    with pytest.raises(ArtistIndexError):
        open_provider()


def test_mirrors(monkeypatch: pytest.MonkeyPatch, httpserver: HTTPServer, world: World) -> None:
    urls = serve_spotify(httpserver, world)
    monkeypatch.setenv("SPOTIPY_CLIENT_ID", SECRET_ID)
    monkeypatch.setenv("SPOTIPY_CLIENT_SECRET", SECRET)
    monkeypatch.setenv("ARTISTINDEX_SPOTIFY_URL", urls["base_url"])
    monkeypatch.setenv("ARTISTINDEX_SPOTIFY_TOKEN_URL", urls["token_url"])
    catalogue = open_provider("spotify")
    assert catalogue.search("Rezz") == [ARTIST]
    catalogue.close()
    monkeypatch.setenv("ARTISTINDEX_SPOTIFY_TOKEN_URL", "http://evil.example/token")
    with pytest.raises(Misuse, match="ARTISTINDEX_SPOTIFY_TOKEN_URL must be an https URL"):
        open_provider("spotify")
    assert spotify.Spotify.label == "Spotify"
