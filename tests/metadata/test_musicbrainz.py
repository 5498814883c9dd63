from collections.abc import Iterator

import pytest
from pytest_httpserver import HTTPServer

from artistindex.entities import Artist
from artistindex.errors import ServiceError
from artistindex.metadata.musicbrainz import MusicBrainz
from music_services import Performer, World, serve_musicbrainz
from services import JumpingClock

VRIL = Performer("Vril", 7)
WHOLE = {"spotify": VRIL.spotify_id, "musicbrainz": VRIL.musicbrainz_id}
PAGES = (
    "https://www.discogs.com/artist/1",
    f"https://open.spotify.com/artist/{VRIL.spotify_id}",
    "https://www.deezer.com/artist/7",
    "https://www.deezer.com/artist/8",
)


@pytest.fixture
def world() -> World:
    return World([VRIL], linked={"Vril": PAGES})


@pytest.fixture
def links(httpserver: HTTPServer, world: World, clock: JumpingClock) -> Iterator[MusicBrainz]:
    opened = MusicBrainz(base_url=serve_musicbrainz(httpserver, world), clock=clock)
    yield opened
    opened.close()


@pytest.mark.parametrize(
    "known",
    [
        Artist("Vril", {"spotify": VRIL.spotify_id}),
        Artist("Vril", {"deezer": "7"}),
        Artist("Vril", {"musicbrainz": VRIL.musicbrainz_id}),
    ],
)
def test_one_id_leads_to_the_others(links: MusicBrainz, known: Artist) -> None:
    assert links.complete(known) == Artist("Vril", {**WHOLE, "deezer": "7"})


def test_ids_that_are_there_stay(links: MusicBrainz) -> None:
    pinned = Artist("Vril", {"deezer": "99", "musicbrainz": VRIL.musicbrainz_id})
    assert links.complete(pinned) == Artist("Vril", {**WHOLE, "deezer": "99"})


@pytest.mark.parametrize(
    "unknown",
    [
        Artist("X", {"spotify": "z" * 22}),
        Artist("X", {"musicbrainz": "00000000-0000-4000-8000-000000000009"}),
        Artist("X"),
    ],
)
def test_an_unknown_artist_comes_back_unchanged(links: MusicBrainz, unknown: Artist) -> None:
    assert links.complete(unknown) == unknown


def test_one_request_a_second_and_none_twice(
    links: MusicBrainz, world: World, clock: JumpingClock
) -> None:
    started = clock.now
    for _ in range(3):
        links.complete(Artist("Vril", {"deezer": "7"}))
    assert world.asked["musicbrainz"] == 2
    assert clock.now - started >= 1


@pytest.mark.parametrize("body", ['{"relations": 3}', '{"relations": [3, {}]}', "{}"])
def test_answers_without_links(httpserver: HTTPServer, clock: JumpingClock, body: str) -> None:
    httpserver.expect_request(f"/artist/{VRIL.musicbrainz_id}").respond_with_data(body)
    links = MusicBrainz(base_url=httpserver.url_for(""), clock=clock)
    pinned = Artist("Vril", {"musicbrainz": VRIL.musicbrainz_id})
    assert links.complete(pinned) == pinned
    links.close()


@pytest.mark.parametrize("body", ["[]", "<html>"])
def test_answers_of_another_shape(httpserver: HTTPServer, clock: JumpingClock, body: str) -> None:
    httpserver.expect_request("/url").respond_with_data(body)
    links = MusicBrainz(base_url=httpserver.url_for(""), clock=clock)
    with pytest.raises(ServiceError, match="MusicBrainz sent"):
        links.complete(Artist("Vril", {"deezer": "7"}))
    links.close()
