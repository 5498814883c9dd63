import json
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Response

from artistindex.entities import Artist, Track
from artistindex.errors import ServiceEnded, ServiceError
from artistindex.metadata.deezer import Deezer
from music_services import Performer, Song, World, deezer_error, json_response, serve_deezer
from services import JumpingClock

REZZ, DEADMAU5 = Performer("Rezz", 1), Performer("deadmau5", 2)


@pytest.fixture
def world() -> World:
    songs = [
        Song("Edge (Someone Remix)", (REZZ,), 10),
        Song("Hypnocurrency", (DEADMAU5, REZZ), 11),
        Song("Edge", (REZZ,), 12, seconds=220, isrc="CA-XX1-17-00001"),
        Song("Edge (Radio Edit)", (REZZ,), 13, seconds=180),
        Song("Relax - Live at Red Rocks", (REZZ,), 14),
    ]
    return World([DEADMAU5, REZZ], songs)


@pytest.fixture
def deezer(httpserver: HTTPServer, world: World, clock: JumpingClock) -> Iterator[Deezer]:
    catalogue = Deezer(base_url=serve_deezer(httpserver, world), clock=clock)
    yield catalogue
    catalogue.close()


def serving(httpserver: HTTPServer, clock: JumpingClock, *responses: Response) -> Deezer:
    left = list(responses)
    httpserver.expect_request("/artist/1").respond_with_handler(
        lambda _: left.pop(0) if len(left) > 1 else left[0]
    )
    httpserver.expect_request("/artist/1/top").respond_with_handler(lambda _: left[0])
    httpserver.expect_request("/search/artist").respond_with_handler(lambda _: left[0])
    return Deezer(base_url=httpserver.url_for(""), clock=clock)


def test_artists(deezer: Deezer) -> None:
    assert deezer.search("rezz") == [Artist("Rezz", {"deezer": "1"})]
    assert deezer.artist("2") == Artist("deadmau5", {"deezer": "2"})
    assert deezer.artist("999") is None


def test_tracks(deezer: Deezer) -> None:
    rezz, deadmau5 = Artist("Rezz", {"deezer": "1"}), Artist("deadmau5", {"deezer": "2"})
    tracks = deezer.tracks(rezz, limit=5)
    assert [track.title for track in tracks] == ["Edge", "Hypnocurrency", "Edge (Someone Remix)"]
    assert tracks[0] == Track(
        artists=(rezz,),
        title="Edge",
        album="An Album",
        duration=220.0,
        catalogue="deezer",
        catalogue_id="12",
        isrc="CAXX11700001",
    )
    assert tracks[1].artists == (deadmau5, rezz)
    assert len(deezer.tracks(rezz, limit=1)) == 1


def test_a_second_look_asks_nobody(deezer: Deezer, world: World) -> None:
    rezz = Artist("Rezz", {"deezer": "1"})
    assert deezer.tracks(rezz, limit=5) == deezer.tracks(rezz, limit=5)
    assert world.asked["artist/top"] == 1


def test_previews_are_fresh_and_never_kept(deezer: Deezer, world: World, tmp_path: Any) -> None:
    [track] = deezer.tracks(Artist("Rezz", {"deezer": "1"}), limit=1)
    for _ in range(2):
        assert deezer.preview_url(track) == ("https://cdnt-preview.dzcdn.net/12.mp3?hdnea=signed")
    assert world.asked["track"] == 2
    elsewhere = Track((), "Edge", catalogue="spotify", catalogue_id="x", isrc="CA-XX1-17-00001")
    assert deezer.preview_url(elsewhere) is not None
    assert deezer.preview_url(Track((), "Edge", catalogue="spotify", catalogue_id="x")) is None
    assert deezer.preview_url(Track((), "?", catalogue="deezer", catalogue_id="404")) is None
    on_disk = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert b"Hypnocurrency" in on_disk
    assert b"dzcdn" not in on_disk


def test_the_quota_is_waited_for(httpserver: HTTPServer, clock: JumpingClock) -> None:
    quota = deezer_error(4, "Exception", "Quota limit exceeded")
    deezer = serving(httpserver, clock, quota, quota, json_response({"id": 1, "name": "Rezz"}))
    assert deezer.artist("1") == Artist("Rezz", {"deezer": "1"})
    assert sum(clock.slept) >= 3 * 0.75
    deezer.close()


def test_a_quota_that_stays_exhausted_ends_deezer(
    httpserver: HTTPServer, clock: JumpingClock
) -> None:
    deezer = serving(httpserver, clock, deezer_error(4))
    for _ in range(2):
        with pytest.raises(ServiceEnded, match="Deezer: too many requests"):
            deezer.artist("1")
    deezer.close()


@pytest.mark.parametrize(("code", "status"), [(500, 400), (200, 403), (12345, 400)])
def test_other_errors(httpserver: HTTPServer, clock: JumpingClock, code: int, status: int) -> None:
    deezer = serving(httpserver, clock, deezer_error(code))
    with pytest.raises(ServiceError, match=f"Deezer answered with status {status}"):
        deezer.artist("1")
    deezer.close()


@pytest.mark.parametrize(
    "body",
    [
        "<html><body>Sign in to the hotel's network</body></html>",
        "[]",
        '"data"',
        "null",
        "{}",
        '{"data": null}',
        '{"data": "x"}',
        '{"data": {"id": 1}}',
        '{"error": [], "data": 3}',
    ],
)
def test_answers_of_another_shape(httpserver: HTTPServer, clock: JumpingClock, body: str) -> None:
    deezer = serving(httpserver, clock, Response(body))
    for ask in (
        lambda: deezer.search("Rezz"),
        lambda: deezer.tracks(Artist("Rezz", {"deezer": "1"}), limit=5),
    ):
        with pytest.raises(ServiceError, match="Deezer") as caught:
            ask()
        assert "hotel" not in str(caught.value)
    deezer.close()


@pytest.mark.parametrize("body", ["null", "[]", '{"data": 3}', '{"date": []}'])
def test_an_answer_of_another_shape_is_asked_for_again(
    httpserver: HTTPServer, clock: JumpingClock, body: str
) -> None:
    """Kept for a day, it would make every retry of that day fail."""
    rezz = Artist("Rezz", {"deezer": "1"})
    asks = {
        "/search/artist": lambda deezer: deezer.search("Rezz"),
        "/artist/1/top": lambda deezer: deezer.tracks(rezz, limit=1),
    }
    for path, ask in asks.items():
        httpserver.expect_oneshot_request(path).respond_with_data(body)
        httpserver.expect_request(path).respond_with_json({"data": []})
        with closing(Deezer(base_url=httpserver.url_for(""), clock=clock)) as deezer:
            with pytest.raises(ServiceError):
                ask(deezer)
            assert ask(deezer) == []


def test_records_with_missing_fields_are_skipped(
    httpserver: HTTPServer, clock: JumpingClock
) -> None:
    good = {"id": 1, "title": "Edge", "artist": {"id": 1, "name": "Rezz"}}
    entries: list[Any] = [
        None, 7, "x", [], {}, {"id": 1}, {**good, "id": None}, {**good, "id": "../x"},
        {**good, "title": ""}, {**good, "title": 3}, {**good, "artist": None},
        {**good, "artist": {"id": 2, "name": "Other"}}, {**good, "artist": {"id": True}},
        {**good, "duration": "long", "album": [], "isrc": 5, "contributors": "x"},
        {**good, "id": 2, "title": "Relax\x00\ud800 ", "duration": -3, "album": {"title": None}},
    ]  # fmt: skip
    deezer = serving(httpserver, clock, Response(json.dumps({"data": entries})))
    tracks = deezer.tracks(Artist("Rezz", {"deezer": "1"}), limit=5)
    assert [(track.title, track.duration, track.album) for track in tracks] == [
        ("Edge", None, None),
        ("Relax", None, None),
    ]
    assert deezer.search("Rezz") == []
    deezer.close()
