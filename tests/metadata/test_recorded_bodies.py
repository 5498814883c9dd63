"""The clients on bodies that the services really sent, recorded by others; skipped without them."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from artistindex.entities import Artist, Track
from artistindex.errors import ArtistIndexError, ServiceEnded, ServiceError
from artistindex.metadata.deezer import Deezer
from artistindex.metadata.spotify import Credentials, Spotify
from services import JumpingClock

DAFT_PUNK = Artist("Daft Punk", {"deezer": "27"})
TOKEN = {"access_token": "t", "token_type": "Bearer", "expires_in": 3600}


@pytest.fixture
def recorded(shared: Path) -> list[dict[str, Any]]:
    answers: list[dict[str, Any]] = json.loads(
        (shared / "services" / "catalogue_responses.json").read_text("utf-8")
    )
    return answers


@pytest.fixture
def errors(shared: Path) -> list[dict[str, Any]]:
    bodies: list[dict[str, Any]] = json.loads(
        (shared / "services" / "error_bodies.json").read_text("utf-8")
    )
    return bodies


def replay(server: HTTPServer, answers: list[dict[str, Any]]) -> None:
    """Serve each recorded body at its path; of several at one path the first."""
    by_path = {urlsplit(answer["uri"]).path: answer for answer in reversed(answers)}

    def respond(request: Request) -> Response:
        if request.path.endswith("/token"):
            return Response(json.dumps(TOKEN), content_type="application/json")
        path = urlsplit(request.path).path
        answer = by_path.get(path) or by_path[path.removeprefix("/v1")]
        return Response(answer["body"], answer["status"], content_type=answer["content_type"])

    server.expect_request(re.compile(".*")).respond_with_handler(respond)


def deezer(server: HTTPServer, clock: JumpingClock) -> Deezer:
    return Deezer(base_url=server.url_for("").rstrip("/"), clock=clock)


def spotify(server: HTTPServer, clock: JumpingClock) -> Spotify:
    return Spotify(
        Credentials("id", "secret"),
        base_url=server.url_for("/v1"),
        token_url=server.url_for("/api/token"),
        clock=clock,
    )


def test_deezers_own_answers(
    recorded: list[dict[str, Any]], httpserver: HTTPServer, clock: JumpingClock
) -> None:
    replay(httpserver, [answer for answer in recorded if answer["service"] == "deezer"])
    client = deezer(httpserver, clock)
    assert client.search("Daft Punk")[0] == DAFT_PUNK
    assert client.artist("27") == DAFT_PUNK
    assert client.artist("-1") is None
    tracks = client.tracks(DAFT_PUNK, limit=5)
    assert tracks[0].title == "Instant Crush"
    assert tracks[0].duration == 337
    assert [artist.name for artist in tracks[0].artists] == ["Daft Punk", "Julian Casablancas"]
    stay = Track((), "STAY", catalogue="deezer", catalogue_id="1425844092")
    assert (client.preview_url(stay) or "").startswith("https://")
    assert client.preview_url(Track((), "", catalogue="deezer", catalogue_id="-1")) is None


def test_every_body_of_deezer_is_read_or_refused_in_one_line(
    recorded: list[dict[str, Any]], httpserver: HTTPServer, clock: JumpingClock
) -> None:
    calls: tuple[Callable[[Deezer], object], ...] = (
        lambda client: client.search("x"),
        lambda client: client.artist("1"),
        lambda client: client.tracks(DAFT_PUNK, limit=5),
        lambda client: client.preview_url(Track((), "", isrc="GBDUW0000059")),
    )
    for answer in recorded:
        if answer["service"] != "deezer":
            continue
        for call in calls:
            httpserver.clear()
            httpserver.expect_request(re.compile(".*")).respond_with_data(
                answer["body"], answer["status"], content_type=answer["content_type"]
            )
            try:
                call(deezer(httpserver, clock))
            except ArtistIndexError as error:
                assert "\n" not in str(error)  # noqa: PT017 - most bodies raise nothing


def test_spotifys_own_answers(
    recorded: list[dict[str, Any]], httpserver: HTTPServer, clock: JumpingClock
) -> None:
    searches = [answer for answer in recorded if "type=artist" in answer["uri"]]
    assert searches
    for answer in searches:
        httpserver.clear()
        replay(httpserver, [answer])
        artists = spotify(httpserver, clock).search("Gorillaz")
        assert len(artists) == 10
        assert artists[0].name.startswith("Gorilla")
        assert all(len(artist.ids["spotify"]) == 22 for artist in artists)


def test_the_errors_that_services_send(
    errors: list[dict[str, Any]], httpserver: HTTPServer, clock: JumpingClock
) -> None:
    expected = {
        ("spotify", 403): "Premium|may not ask",
        ("spotify", 429): "asks to wait 24 h",
        ("spotify", 400): "Invalid limit.*upgrade artistindex",
        ("deezer", 200): "429|quota|too many",
        ("deezer", 404): "404",
    }
    for body in errors:
        pattern = expected.get((body["service"], body["status"]))
        if pattern is None:
            continue
        httpserver.clear()
        httpserver.expect_request("/api/token").respond_with_json(TOKEN)
        text = body["body"] if isinstance(body["body"], str) else json.dumps(body["body"])
        httpserver.expect_request(re.compile(".*")).respond_with_data(
            text, body["status"], headers=body.get("headers", {}), content_type="application/json"
        )
        client = (deezer if body["service"] == "deezer" else spotify)(httpserver, clock)
        with pytest.raises((ServiceEnded, ServiceError), match=f"(?i){pattern}"):
            client.search("Rezz")
