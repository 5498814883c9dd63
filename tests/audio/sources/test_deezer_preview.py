"""Deezer's previews as a source of audio, from a local Deezer."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

import music_services
import services
import sounds
from artistindex.audio.decode import decode
from artistindex.audio.sources.deezer_preview import Previews
from artistindex.entities import Artist, AudioMatch, Track
from artistindex.errors import ServiceEnded, TrackError
from artistindex.metadata.deezer import Deezer

SIGNED = "exp=1800000900~hmac=sentinelsignature"


class Server:
    """A Deezer with one track (42, ISRC CAABC1700001), whose preview can be changed."""

    def __init__(self, server: HTTPServer, audio: bytes) -> None:
        self.audio = audio
        self.lookups: list[str] = []
        self.downloads = 0
        self.preview: str | None = f"{server.url_for('/cdn/42.mp3')}?hdnea={SIGNED}"
        server.expect_request("/cdn/42.mp3").respond_with_handler(self._download)
        for id_ in ("42", "isrc:CAABC1700001"):
            server.expect_request(f"/track/{id_}").respond_with_handler(self._track)
        server.expect_request("/track/404").respond_with_handler(
            lambda _: music_services.deezer_error(800)
        )
        self.url = server.url_for("/").rstrip("/")

    def _track(self, request: Request) -> Response:
        self.lookups.append(request.path)
        return music_services.json_response({"id": 42, "title": "Edge", "preview": self.preview})

    def _download(self, request: Request) -> Response:
        self.downloads += 1
        assert request.args["hdnea"] == SIGNED
        return Response(self.audio, content_type="audio/mpeg")


@pytest.fixture
def server(httpserver: HTTPServer, tmp_path: Path) -> Server:
    return Server(httpserver, sounds.write(tmp_path / "p.mp3", sounds.music(4)).read_bytes())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "audio"


@pytest.fixture
def previews(server: Server, folder: Path) -> Iterator[Previews]:
    deezer = Deezer(base_url=server.url, clock=services.JumpingClock())
    source = Previews(deezer, folder=folder)
    yield source
    source.close()


def by_id(id_: str = "42") -> Track:
    return Track((Artist("Rezz"),), "Edge", catalogue="deezer", catalogue_id=id_)


def test_a_preview_is_fetched_fresh_every_time(
    previews: Previews, server: Server, folder: Path
) -> None:
    (match,) = previews.candidates(by_id())
    assert (match.source, match.source_id, match.score) == ("preview", "deezer:42", 100)
    for _ in range(2):
        path = previews.fetch(match)
        assert path.read_bytes() == server.audio
        assert decode(path).duration == pytest.approx(4, abs=0.2)
        previews.release(path)
        assert not path.exists()
    assert (len(server.lookups), server.downloads) == (2, 2)
    assert [p for p in folder.rglob("*") if p.is_file()] == []


def test_a_recording_of_another_catalogue_is_looked_up_by_its_isrc(
    previews: Previews, server: Server
) -> None:
    track = Track((Artist("Rezz"),), "Edge", catalogue="spotify", isrc="CAABC1700001")
    (match,) = previews.candidates(track)
    assert previews.fetch(match).read_bytes() == server.audio
    assert server.lookups == ["/track/isrc:CAABC1700001"]


def test_a_track_that_deezer_cannot_know_is_no_match(previews: Previews, server: Server) -> None:
    with pytest.raises(TrackError, match="no ISRC") as raised:
        previews.candidates(Track((Artist("Rezz"),), "Edge", catalogue="spotify"))
    assert raised.value.stage == "match"
    assert not server.lookups


@pytest.mark.parametrize("preview", [None, "", "no address"])
def test_a_track_without_a_preview_is_lost(
    previews: Previews, server: Server, preview: str | None
) -> None:
    server.preview = preview
    with pytest.raises(TrackError, match="no preview") as raised:
        previews.fetch(previews.candidates(by_id())[0])
    assert raised.value.stage == "fetch"


def test_a_track_that_deezer_no_longer_has_is_lost(previews: Previews) -> None:
    with pytest.raises(TrackError, match="no preview"):
        previews.fetch(previews.candidates(by_id("404"))[0])


def test_the_signed_address_stays_out_of_logs_errors_and_files(
    previews: Previews,
    server: Server,
    tmp_path: Path,
    httpserver: HTTPServer,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    server.preview = f"{server.url}/cdn/gone.mp3?hdnea={SIGNED}"
    httpserver.expect_request("/cdn/gone.mp3").respond_with_data("gone", status=403)
    with pytest.raises(TrackError) as raised:
        previews.fetch(previews.candidates(by_id())[0])
    assert raised.value.retryable
    assert "sentinel" not in str(raised.value)
    ours = [r.getMessage() for r in caplog.records if r.name != "werkzeug"]  # the server's own
    assert not [line for line in ours if "sentinel" in line]
    files = [p for p in tmp_path.rglob("*") if p.is_file()]
    assert not any(b"sentinel" in p.read_bytes() for p in files)


def test_no_network_ends_the_source(folder: Path) -> None:
    deezer = Deezer(base_url=services.unused_url(), clock=services.JumpingClock())
    source = Previews(deezer, folder=folder)
    with pytest.raises(ServiceEnded):
        source.fetch(AudioMatch("preview", "deezer:42", 100, ""))
    source.close()
