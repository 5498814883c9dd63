"""YouTube as a source of audio, against a local server from which yt-dlp itself downloads."""

import gc
import logging
import os
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

import services
import sounds
import video_site
from artistindex._util import public_addresses
from artistindex.audio.decode import decode
from artistindex.audio.sources import youtube_errors
from artistindex.audio.sources.cache import AudioCache
from artistindex.audio.sources.match import is_as_long
from artistindex.audio.sources.youtube import Cookies, Pace, YouTube
from artistindex.audio.sources.youtube_errors import ErrorKind
from artistindex.entities import Artist, AudioMatch, Track
from artistindex.errors import ArtistIndexError, Misuse, Remedy, ServiceEnded, TrackError
from video_site import VideoSite

EDGE = Track((Artist("Rezz"),), "Edge", duration=200)
QUICK = Pace(between=0, min_gap=0, max_gap=0, pauses=(60, 600), timeout=2)


def match(id_: str) -> AudioMatch:
    return AudioMatch("youtube", id_, 90, "", "a video")


@pytest.fixture
def site(httpserver: HTTPServer) -> VideoSite:
    return VideoSite(httpserver)


@pytest.fixture
def m4a(tmp_path: Path) -> Path:
    return sounds.write(tmp_path / "source.m4a", sounds.music(3))


@pytest.fixture
def slept() -> list[float]:
    return []


@pytest.fixture
def youtube(site: VideoSite, tmp_path: Path, slept: list[float]) -> Iterator[YouTube]:
    source = YouTube(
        AudioCache(tmp_path / "cache"), pace=QUICK, sleep=slept.append, **site.addresses
    )
    yield source
    source.close()


def test_a_track_is_found_downloaded_and_kept_as_it_was_delivered(
    site: VideoSite, youtube: YouTube, m4a: Path
) -> None:
    site.add("aaaaaaaaaaa", "REZZ - Edge (Live)").add("bbbbbbbbbbb", "REZZ - Edge", m4a)
    (candidate,) = youtube.candidates(EDGE)
    assert (candidate.source, candidate.source_id, candidate.title) == (
        "youtube",
        "bbbbbbbbbbb",
        "REZZ - Edge",
    )
    assert candidate.score > 90
    assert "artist 100" in candidate.reason
    path = youtube.fetch(candidate)
    assert path.read_bytes() == m4a.read_bytes()
    assert path.suffix == ".m4a"
    assert site.queries == ["Rezz Edge"]
    assert decode(path).duration == pytest.approx(3, abs=0.1)


def test_what_is_cached_is_not_downloaded_again(
    site: VideoSite, youtube: YouTube, m4a: Path
) -> None:
    site.add("bbbbbbbbbbb", "REZZ - Edge", m4a)
    first = youtube.fetch(match("bbbbbbbbbbb"))
    count = site.asked["bbbbbbbbbbb"]
    assert youtube.fetch(match("bbbbbbbbbbb")) == first
    assert site.asked["bbbbbbbbbbb"] == count


@pytest.mark.parametrize("suffix", [".webm", ".mp3", ".ogg", ".wav"])
def test_every_format_is_kept_and_decodes_without_the_ffmpeg_program(
    site: VideoSite,
    youtube: YouTube,
    tmp_path: Path,
    suffix: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    audio = sounds.write(tmp_path / f"source{suffix}", sounds.music(3))
    site.add("bbbbbbbbbbb", "REZZ - Edge", audio)
    path = youtube.fetch(match("bbbbbbbbbbb"))
    assert path.read_bytes() == audio.read_bytes()
    assert decode(path).duration == pytest.approx(3, abs=0.1)


def test_the_best_match_comes_first(site: VideoSite, youtube: YouTube) -> None:
    site.add("aaaaaaaaaaa", "Rezz - Edge (lyrics)", duration=204)
    site.add("bbbbbbbbbbb", "Edge", channel="REZZ - Topic")
    assert [m.source_id for m in youtube.candidates(EDGE)] == ["bbbbbbbbbbb", "aaaaaaaaaaa"]


def test_no_match_names_the_nearest_and_why(site: VideoSite, youtube: YouTube) -> None:
    site.add("aaaaaaaaaaa", "Rezz - Edge (Slowed + Reverb)").add("bbbbbbbbbbb", "Avril - Edge")
    with pytest.raises(TrackError) as raised:
        youtube.candidates(EDGE)
    assert raised.value.stage == "match"
    assert "'Rezz - Edge (Slowed + Reverb)' (another version: altered)" in raised.value.reason
    assert not raised.value.retryable


def test_an_empty_search_may_be_tried_again(youtube: YouTube) -> None:
    with pytest.raises(TrackError, match="found no video") as raised:
        youtube.candidates(EDGE)
    assert raised.value.retryable


def test_hostile_names_are_one_escaped_query(site: VideoSite, youtube: YouTube) -> None:
    for name in ("../../x", "AC/DC", "a&b=c#?%00", "'; DROP TABLE--", "🎧", "مرحبا", "x" * 10_000):
        with pytest.raises(TrackError):
            youtube.candidates(Track((Artist(name),), "t\n{id} {query}"))
    assert site.queries[0] == "../../x t {id} {query}"
    assert site.queries[2] == "a&b=c#?%00 t {id} {query}"
    assert max(map(len, site.queries)) <= 200


@pytest.mark.parametrize(
    "entries",
    [
        [{"id": "../../x", "title": "Rezz - Edge"}, {"id": "a b", "title": "Rezz - Edge"}],
        [{"id": None, "title": "Rezz - Edge"}, {"title": "Rezz - Edge"}, {"id": "bbbbbbbbbbb"}],
        [None, 3, "x", [], {"id": "bbbbbbbbbbb", "title": ["Rezz - Edge"]}],
        {"id": "bbbbbbbbbbb"},
    ],
)
def test_entries_of_the_wrong_shape_are_passed_over(
    site: VideoSite, youtube: YouTube, entries: object
) -> None:
    import json

    site.search_answer = Response(json.dumps({"entries": entries}))
    with pytest.raises(TrackError, match="found no video"):
        youtube.candidates(EDGE)


@pytest.mark.parametrize("body", ["<html>hello</html>", "[1]", "", "{}", "[" * 100_000])
def test_a_search_that_sends_nonsense_loses_one_track(
    site: VideoSite, youtube: YouTube, body: str
) -> None:
    site.search_answer = Response(body)
    with pytest.raises(TrackError, match="no list of videos") as raised:
        youtube.candidates(EDGE)
    assert raised.value.stage == "match"
    assert raised.value.retryable


def test_a_video_of_odd_duration_does_not_break_the_ranking(
    site: VideoSite, youtube: YouTube
) -> None:
    for at, duration in enumerate((-1, 0, "3:20", 1e300, True, None)):
        site.add(f"aaaaaaaaaa{at}", "Rezz - Edge", duration=duration)
    with pytest.raises(TrackError, match="of unknown length"):
        youtube.candidates(EDGE)
    site.add("bbbbbbbbbbb", "Rezz - Edge", duration=EDGE.duration)
    assert [match.source_id for match in youtube.candidates(EDGE)] == ["bbbbbbbbbbb"]


def test_a_bot_check_ends_the_run_with_advice(site: VideoSite, youtube: YouTube) -> None:
    site.add("bbbbbbbbbbb", "REZZ - Edge")
    site.fail("bbbbbbbbbbb", *[video_site.BOT] * 9)
    with pytest.raises(ServiceEnded) as raised:
        youtube.fetch(match("bbbbbbbbbbb"))
    assert raised.value.remedy is Remedy.GIVE_COOKIES
    assert "what is done is kept" in str(raised.value)


def test_a_bot_check_in_the_search_ends_the_run_too(site: VideoSite, youtube: YouTube) -> None:
    site.fail("search", video_site.BOT)
    with pytest.raises(ServiceEnded, match="not a bot"):
        youtube.candidates(EDGE)


def test_a_limited_rate_pauses_and_goes_on(
    site: VideoSite,
    tmp_path: Path,
    m4a: Path,
    slept: list[float],
    caplog: pytest.LogCaptureFixture,
) -> None:
    source = YouTube(
        AudioCache(tmp_path / "cache"), pace=QUICK, sleep=slept.append, **site.addresses
    )
    site.add("bbbbbbbbbbb", "REZZ - Edge", m4a)
    site.fail("bbbbbbbbbbb", video_site.LIMITED, video_site.LIMITED)
    assert source.fetch(match("bbbbbbbbbbb")).exists()
    assert slept == [60, 600]
    warnings = [row.getMessage() for row in caplog.records if row.levelno == logging.WARNING]
    assert warnings[0] == "YouTube limits the rate: waiting 60 s"


def test_a_rate_that_stays_limited_ends_the_run(
    site: VideoSite, youtube: YouTube, slept: list[float]
) -> None:
    site.fail("search", *["429 Too Many Requests"] * 9)
    with pytest.raises(ServiceEnded, match="still limits the rate after 11 minutes"):
        youtube.candidates(EDGE)
    assert slept == [60, 600]


def test_403_is_tried_once_more(site: VideoSite, youtube: YouTube, m4a: Path) -> None:
    site.add("bbbbbbbbbbb", "REZZ - Edge", m4a)
    site.fail("bbbbbbbbbbb", video_site.FORBIDDEN)
    assert youtube.fetch(match("bbbbbbbbbbb")).exists()


def test_403_twice_advises_to_upgrade(site: VideoSite, youtube: YouTube, m4a: Path) -> None:
    site.add("bbbbbbbbbbb", "REZZ - Edge", m4a)
    site.fail("bbbbbbbbbbb", *[video_site.FORBIDDEN] * 9)
    with pytest.raises(TrackError, match="pip install -U yt-dlp") as raised:
        youtube.fetch(match("bbbbbbbbbbb"))
    assert raised.value.retryable
    assert site.asked["bbbbbbbbbbb"] == 2


def test_403_for_everything_ends_the_run(site: VideoSite, youtube: YouTube) -> None:
    for at in range(9):
        site.fail(f"video{at}", *[video_site.FORBIDDEN] * 9)
        with pytest.raises(TrackError):
            youtube.fetch(match(f"video{at}"))
    site.fail("video9", *[video_site.FORBIDDEN] * 9)
    with pytest.raises(ServiceEnded, match=r"10 downloads in a row.*upgrade yt-dlp"):
        youtube.fetch(match("video9"))


@pytest.mark.parametrize(
    "status", [video_site.PRIVATE, video_site.GONE, video_site.AGE, video_site.REGION]
)
def test_what_cannot_be_had_is_lost_for_good(
    site: VideoSite, youtube: YouTube, status: str
) -> None:
    site.fail("bbbbbbbbbbb", *[status] * 9)
    with pytest.raises(TrackError) as raised:
        youtube.fetch(match("bbbbbbbbbbb"))
    assert raised.value.stage == "fetch"
    assert not raised.value.retryable
    assert status[4:20] in raised.value.reason


def test_unavailable_videos_in_a_row_end_nothing(site: VideoSite, youtube: YouTube) -> None:
    for at in range(15):
        with pytest.raises(TrackError):
            youtube.fetch(match(f"missing{at}"))


def test_a_missing_javascript_runtime_says_how_to_get_one(
    site: VideoSite, youtube: YouTube, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))  # neither there nor beside the interpreter
    monkeypatch.setattr("sysconfig.get_path", lambda *_, **__: str(tmp_path))
    site.fail("bbbbbbbbbbb", *[video_site.NO_FORMAT] * 9)
    with pytest.raises(ServiceEnded, match="JavaScript runtime") as caught:
        youtube.fetch(match("bbbbbbbbbbb"))
    assert caught.value.remedy is Remedy.INSTALL_EXTRA
    assert caught.value.details == {"extra": "youtube"}


def test_no_network_ends_the_run_quickly(tmp_path: Path) -> None:
    nowhere = services.unused_url()
    source = YouTube(
        AudioCache(tmp_path), search=f"{nowhere}/?q={{query}}", video=f"{nowhere}/{{id}}"
    )
    began = time.monotonic()
    for ask in (lambda: source.candidates(EDGE), lambda: source.fetch(match("bbbbbbbbbbb"))):
        with pytest.raises(ServiceEnded, match="cannot be reached"):
            ask()
    assert time.monotonic() - began < 20


@pytest.mark.parametrize(
    "answer", [services.closes_at_once, services.breaks_off, services.says_nothing]
)
def test_a_server_that_misbehaves_loses_one_track(tmp_path: Path, answer: object) -> None:
    pace = Pace(between=0, min_gap=0, max_gap=0, pauses=(), timeout=0.3)
    with services.raw_server(answer) as server:  # type: ignore[arg-type]
        source = YouTube(
            AudioCache(tmp_path),
            pace=pace,
            search=f"{server.url}/?q={{query}}",
            video=f"{server.url}/{{id}}.m4a",
        )
        with pytest.raises(TrackError) as raised:
            source.fetch(match("bbbbbbbbbbb"))
    assert raised.value.retryable
    assert list(tmp_path.glob("**/*.m4a")) == []


def test_truncated_audio_is_not_kept(site: VideoSite, youtube: YouTube, tmp_path: Path) -> None:
    def half(connection: object, number: int) -> None:
        head = b"HTTP/1.1 200 OK\r\nContent-Type: audio/mp4\r\nContent-Length: 100000\r\n\r\n"
        connection.sendall(head + b"x" * 50_000)  # type: ignore[attr-defined]

    with services.raw_server(half) as server:
        source = YouTube(
            AudioCache(tmp_path / "half"),
            pace=QUICK,
            search=f"{server.url}/?q={{query}}",
            video=f"{server.url}/{{id}}.m4a",
        )
        with pytest.raises(TrackError) as raised:
            source.fetch(match("bbbbbbbbbbb"))
    assert raised.value.retryable
    assert [p.name for p in (tmp_path / "half").iterdir() if p.name != ".lock"] == []


def test_more_than_the_limit_is_not_downloaded(
    site: VideoSite, youtube: YouTube, m4a: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("artistindex.audio.sources.youtube._MAX_BYTES", 1000)
    site.add("bbbbbbbbbbb", "REZZ - Edge", m4a)
    with pytest.raises(TrackError, match="nothing was delivered, or over"):
        youtube.fetch(match("bbbbbbbbbbb"))


def test_a_body_without_an_end_is_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("artistindex.audio.sources.youtube._MAX_BYTES", 1 << 20)

    def endless(connection: object, number: int) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: audio/mp4\r\n\r\n")  # type: ignore[attr-defined]
        while True:
            connection.sendall(b"x" * 65536)  # type: ignore[attr-defined]

    with services.raw_server(endless) as server:
        source = YouTube(
            AudioCache(tmp_path),
            search=f"{server.url}/?q={{query}}",
            video=f"{server.url}/{{id}}.m4a",
        )
        with pytest.raises(TrackError, match="delivers more than 1 MB"):
            source.fetch(match("bbbbbbbbbbb"))


def test_a_hostile_id_of_a_library_is_refused(youtube: YouTube, site: VideoSite) -> None:
    with pytest.raises(TrackError, match="no id"):
        youtube.fetch(match("../../x"))
    assert not site.requests


SENTINEL = "sentinel-cookie-value-0123456789"


@pytest.fixture
def cookies(tmp_path: Path) -> Path:
    folder = tmp_path / "sentinel-cookie-folder"
    folder.mkdir()
    file = folder / "sentinel-cookies.txt"
    line = "\t".join(("127.0.0.1", "FALSE", "/", "FALSE", "2000000000", "SID", SENTINEL))
    file.write_text(f"# Netscape HTTP Cookie File\n{line}\n")
    return file


@pytest.mark.parametrize("status", [video_site.BOT, video_site.FORBIDDEN, video_site.GONE])
def test_cookies_are_sent_and_stay_out_of_logs_errors_and_files(
    site: VideoSite,
    tmp_path: Path,
    cookies: Path,
    status: str,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    before = cookies.read_bytes()
    chosen = Cookies(file=cookies)
    source = YouTube(AudioCache(tmp_path / "cache"), cookies=chosen, pace=QUICK, **site.addresses)
    site.fail("bbbbbbbbbbb", *[status] * 9)
    with pytest.raises(ArtistIndexError) as raised:
        source.fetch(match("bbbbbbbbbbb"))
    sent = [request.cookies.get("SID") for request in site.requests]
    assert sent[0] == SENTINEL
    output = str(raised.value) + caplog.text + "".join(capfd.readouterr()) + repr(chosen)
    assert "sentinel" not in output
    assert cookies.read_bytes() == before
    written = [p for p in tmp_path.rglob("*") if p.is_file() and p != cookies]
    assert not any(SENTINEL.encode() in p.read_bytes() for p in written)


@pytest.mark.parametrize("content", [None, b"", b"\xff\xfe\x00", b"SID=sentinel", b"# nothing\n"])
def test_unreadable_cookies_are_refused_without_their_path(
    tmp_path: Path, content: bytes | None
) -> None:
    file = tmp_path / "sentinel.txt"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(Misuse, match="the cookie file") as raised:
        YouTube(AudioCache(tmp_path), cookies=Cookies(file=file))
    assert "sentinel" not in str(raised.value)


@pytest.mark.parametrize("browser", ["firefox", "chromium:sentinel", "netscape"])
def test_a_browser_without_cookies_is_one_clear_line(
    site: VideoSite, tmp_path: Path, browser: str
) -> None:
    source = YouTube(
        AudioCache(tmp_path), cookies=Cookies(browser=browser), pace=QUICK, **site.addresses
    )
    with pytest.raises(Misuse, match="no cookies can be read from the browser") as raised:
        source.candidates(EDGE)
    assert repr(browser.partition(":")[0]) in str(raised.value)
    assert "sentinel" not in str(raised.value)


def test_downloads_keep_a_polite_distance(
    site: VideoSite, tmp_path: Path, m4a: Path, slept: list[float]
) -> None:
    pace = Pace(between=0, min_gap=10, max_gap=20)
    source = YouTube(AudioCache(tmp_path / "c"), pace=pace, sleep=slept.append, **site.addresses)
    for id_ in ("aaaaaaaaaaa", "bbbbbbbbbbb", "ccccccccccc"):
        site.add(id_, "REZZ - Edge", m4a)
        source.fetch(match(id_))
    assert len(slept) == 2
    assert all(9 < seconds <= 20 for seconds in slept)


def test_closing_ends_a_pause_at_once(site: VideoSite, tmp_path: Path) -> None:
    import threading

    source = YouTube(AudioCache(tmp_path), pace=Pace(pauses=(600,)), **site.addresses)
    site.fail("search", *[video_site.LIMITED] * 9)
    threading.Timer(0.3, source.close).start()
    began = time.monotonic()
    with pytest.raises(ServiceEnded, match="when the run ended"):
        source.candidates(EDGE)
    assert time.monotonic() - began < 30


def test_without_a_cache_nothing_stays(site: VideoSite, tmp_path: Path, m4a: Path) -> None:
    source = YouTube(AudioCache(tmp_path / "cache", keep=False), pace=QUICK, **site.addresses)
    site.add("bbbbbbbbbbb", "REZZ - Edge", m4a)
    path = source.fetch(match("bbbbbbbbbbb"))
    assert path.read_bytes() == m4a.read_bytes()
    source.release(path)
    assert [p for p in tmp_path.rglob("*") if p.is_file() and p != m4a] == []


def test_the_experiments_wav_files_are_used(
    site: VideoSite, tmp_path: Path, youtube: YouTube
) -> None:
    wav = sounds.write(tmp_path / "cache" / "bbbbbbbbbbb.wav", sounds.music(2))
    assert youtube.fetch(match("bbbbbbbbbbb")) == wav
    youtube.release(wav, useless=True)
    assert wav.exists()
    assert not site.requests


def test_a_disk_without_space_ends_the_run(
    site: VideoSite, youtube: YouTube, m4a: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.add("bbbbbbbbbbb", "REZZ - Edge", m4a)
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("needs /dev/full")
    monkeypatch.setattr(
        "yt_dlp.downloader.common.FileDownloader.temp_name", lambda self, name: str(full)
    )
    with pytest.raises(ServiceEnded, match="no space is left") as raised:
        youtube.fetch(match("bbbbbbbbbbb"))
    assert raised.value.remedy is Remedy.CHOOSE_AUDIO_FOLDER


def test_an_address_of_the_users_own_is_fetched_and_not_cached(
    site: VideoSite, youtube: YouTube, tmp_path: Path, m4a: Path
) -> None:
    site.add("bbbbbbbbbbb", "REZZ - Edge", m4a)
    folder = tmp_path / "asked"
    folder.mkdir()
    path = youtube.fetch_url(
        site.video_url.replace("{id}", "bbbbbbbbbbb"), folder, allow_private=True
    )
    assert path.parent == folder
    assert path.read_bytes() == m4a.read_bytes()
    assert not list((tmp_path / "cache").glob("*.m4a"))


@pytest.mark.parametrize("url", ["", "ftp://x/y", "file:///etc/passwd", "Rezz", "https://", "-x"])
def test_what_is_no_web_address_is_misuse(youtube: YouTube, tmp_path: Path, url: str) -> None:
    with pytest.raises(Misuse):
        youtube.fetch_url(url, tmp_path)


def test_a_list_of_tracks_is_refused(
    site: VideoSite, youtube: YouTube, tmp_path: Path, httpserver: HTTPServer
) -> None:
    address = site.video_url.replace("{id}", "bbbbbbbbbbb").replace("&", "&amp;")
    feed = f"""<?xml version="1.0"?><rss version="2.0"><channel><title>All</title>
        <item><title>1</title><link>{address}</link></item>
        <item><title>2</title><link>{address}</link></item></channel></rss>"""

    def answer(request: Request) -> Response:
        return Response(feed, content_type="application/rss+xml")

    httpserver.expect_request("/feed").respond_with_handler(answer)
    folder = tmp_path / "asked"
    folder.mkdir()
    with pytest.raises(TrackError, match="that of a list"):
        youtube.fetch_url(httpserver.url_for("/feed"), folder, allow_private=True)
    assert list(folder.iterdir()) == []


# -- public addresses only -------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "asked"
    path.mkdir()
    yield path
    gc.collect()  # where a download is stopped, yt-dlp leaves its file to the collector


stops_a_stream = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.fixture
def public_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    """Takes 127.0.0.1 for a public address, so that only what it leads to is private."""
    monkeypatch.setattr(public_addresses, "is_public", lambda address: address == "127.0.0.1")


def test_this_machine_is_not_asked_for_a_stranger(
    site: VideoSite, youtube: YouTube, folder: Path, m4a: Path
) -> None:
    site.add("bbbbbbbbbbb", "REZZ - Edge", m4a)
    url = site.video_url.replace("{id}", "bbbbbbbbbbb")
    with pytest.raises(TrackError, match=r"it leads to 127\.0\.0\.1") as caught:
        youtube.fetch_url(url, folder)
    assert caught.value.remedy is Remedy.ALLOW_PRIVATE
    assert not site.requests
    assert list(folder.iterdir()) == []


def test_a_name_that_means_this_machine_is_refused(
    site: VideoSite, youtube: YouTube, folder: Path, m4a: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    look_up = socket.getaddrinfo

    def rebind(host: str, *rest: Any, **options: Any) -> Any:
        return look_up("127.0.0.1" if host == "rebind.example" else host, *rest, **options)

    monkeypatch.setattr("socket.getaddrinfo", rebind)
    site.add("bbbbbbbbbbb", "REZZ - Edge", m4a)
    url = site.video_url.replace("{id}", "bbbbbbbbbbb").replace("127.0.0.1", "rebind.example")
    with pytest.raises(TrackError, match=r"it leads to 127\.0\.0\.1"):
        youtube.fetch_url(url, folder)
    assert not site.requests


@pytest.mark.usefixtures("public_loopback")
def test_a_redirect_to_a_private_address_is_refused(
    httpserver: HTTPServer, youtube: YouTube, folder: Path
) -> None:
    httpserver.expect_request("/song").respond_with_response(
        Response(status=302, headers={"Location": f"http://[::1]:{httpserver.port}/secret"})
    )
    with pytest.raises(TrackError, match=r"it leads to ::1"):
        youtube.fetch_url(httpserver.url_for("/song"), folder)


def serve_stream(server: HTTPServer, *segments: str, encrypted: bool = False) -> str:
    """An HLS stream of the `segments`, as a site with an ffmpeg in mind would serve it."""
    key = f'#EXT-X-KEY:METHOD=AES-128,URI="{server.url_for("/key")}"\n' if encrypted else ""
    listed = "".join(f"#EXTINF:2.0,\n{segment}\n" for segment in segments)
    server.expect_request("/song.m3u8").respond_with_data(
        f"#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:2\n{key}{listed}#EXT-X-ENDLIST\n",
        content_type="application/vnd.apple.mpegurl",
    )
    return server.url_for("/song.m3u8")


@pytest.fixture
def spy_ffmpeg(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An ffmpeg on the PATH that notes when it is asked for more than its features."""
    programs, note = tmp_path / "bin", tmp_path / "started"
    programs.mkdir()
    for name in ("ffmpeg", "ffprobe"):
        (programs / name).write_text(f'#!/bin/sh\n[ "$*" = -bsfs ] || echo {name} "$@" >> {note}\n')
        (programs / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    return note


@stops_a_stream
@pytest.mark.usefixtures("public_loopback")
def test_one_private_segment_is_refused(
    httpserver: HTTPServer, youtube: YouTube, folder: Path, spy_ffmpeg: Path
) -> None:
    httpserver.expect_request("/1.ts").respond_with_data(b"\x47" * 188)
    secret = f"http://[::1]:{httpserver.port}/secret"
    with pytest.raises(TrackError, match=r"it leads to ::1"):
        youtube.fetch_url(serve_stream(httpserver, "/1.ts", secret), folder)
    assert not spy_ffmpeg.exists()


def test_no_ffmpeg_fetches_a_stream(
    httpserver: HTTPServer, youtube: YouTube, folder: Path, spy_ffmpeg: Path
) -> None:
    for name in ("/1.ts", "/2.ts"):
        httpserver.expect_request(name).respond_with_data(b"\x47" * 188)
    path = youtube.fetch_url(serve_stream(httpserver, "/1.ts", "/2.ts"), folder, allow_private=True)
    assert path.read_bytes() == b"\x47" * 376
    assert not spy_ffmpeg.exists()


def test_a_stream_that_only_ffmpeg_could_fetch_is_left(
    httpserver: HTTPServer, youtube: YouTube, folder: Path, spy_ffmpeg: Path
) -> None:
    httpserver.expect_request("/key").respond_with_data(b"0" * 16)
    httpserver.expect_request("/1.ts").respond_with_data(b"\x47" * 160)
    with suppress(TrackError):  # yt-dlp may decrypt it by itself
        youtube.fetch_url(
            serve_stream(httpserver, "/1.ts", encrypted=True), folder, allow_private=True
        )
    assert not spy_ffmpeg.exists()


@stops_a_stream
def test_the_limit_of_size_holds_for_a_stream(
    httpserver: HTTPServer,
    youtube: YouTube,
    folder: Path,
    spy_ffmpeg: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("artistindex.audio.sources.youtube._MAX_BYTES", 1 << 20)
    httpserver.expect_request("/1.ts").respond_with_data(b"\x47" * (188 * 4000))
    url = serve_stream(httpserver, *["/1.ts"] * 50)
    with pytest.raises(TrackError, match="more than 1 MB"):
        youtube.fetch_url(url, folder, allow_private=True)
    assert not spy_ffmpeg.exists()


def test_addresses_come_from_the_environment(
    site: VideoSite, tmp_path: Path, m4a: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in site.environment.items():
        monkeypatch.setenv(name, value)
    site.add("bbbbbbbbbbb", "REZZ - Edge", m4a)
    source = YouTube(AudioCache(tmp_path / "cache"))
    (candidate,) = source.candidates(EDGE)
    assert source.fetch(candidate).read_bytes() == m4a.read_bytes()


@pytest.mark.parametrize(
    "value", ["http://example.org/?v={id}", "https://example.org/", "file:///{id}", "{id}"]
)
def test_an_unsafe_address_in_the_environment_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("ARTISTINDEX_YOUTUBE_VIDEO", value)
    with pytest.raises(Misuse, match="ARTISTINDEX_YOUTUBE_VIDEO"):
        YouTube(AudioCache(tmp_path))


WORDS_OF_YT_DLP = [
    ("[youtube] x: Sign in to confirm you’re not a bot. Use --cookies", ErrorKind.BOT),
    ("[youtube] x: Foo. YouTube is requiring a captcha challenge before playback", ErrorKind.BOT),
    ("The current session has been rate-limited by YouTube for up to an hour", ErrorKind.LIMITED),
    ("[youtube] x: This content isn't available, try again later.", ErrorKind.LIMITED),
    ("unable to download video data: HTTP Error 403: Forbidden", ErrorKind.FORBIDDEN),
    ("[youtube] x: Video unavailable. This video is private", ErrorKind.GONE),
    ("[youtube] x: Sign in to confirm your age.", ErrorKind.GONE),
    ("[youtube] x: Join this channel to get access to members-only content", ErrorKind.GONE),
    ("The uploader has not made this video available in your country", ErrorKind.GONE),
    ("[youtube] x: Premieres in 3 days", ErrorKind.GONE),
    (
        "Failed to resolve 'www.youtube.com' ([Errno -2] Name or service not known)",
        ErrorKind.OFFLINE,
    ),
    ("[youtube] x: Unable to download API page: The read operation timed out", ErrorKind.BROKEN),
    ("No supported JavaScript runtime could be found", ErrorKind.RUNTIME),
]


@pytest.mark.parametrize(("message", "kind"), WORDS_OF_YT_DLP)
def test_yt_dlps_own_words_are_understood(message: str, kind: ErrorKind) -> None:
    assert youtube_errors.understand(RuntimeError(message)).kind is kind


@given(st.text())
@example("0[0]")  # what stands in brackets goes, and must not join what stands around it
def test_no_message_carries_an_address_or_a_path_along(text: str) -> None:
    message = f"{text} https://r1.googlevideo.com/videoplayback?sig=SECRET {text} /home/me/SECRET"
    line = youtube_errors.plain(message)
    assert "SECRET" not in line
    assert "\n" not in line
    assert len(line) <= 160


def test_the_library_never_loads_yt_dlp_before_it_asks() -> None:
    import subprocess
    import sys

    code = "import artistindex.audio.sources.youtube, sys; print('yt_dlp' in sys.modules)"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "False"


def test_a_second_search_asks_for_the_recording(site: VideoSite, youtube: YouTube) -> None:
    recording = replace(EDGE, isrc="CAM461600001")
    site.add("aaaaaaaaaaa", "Rezz - Edge (Live)", duration=EDGE.duration)
    with pytest.raises(TrackError, match="another version: live"):
        youtube.candidates(recording)
    assert site.queries == ["Rezz Edge", "CAM461600001"]
    site.add("bbbbbbbbbbb", "Edge", duration=EDGE.duration, channel="Rezz - Topic")
    site.find = lambda query: [
        site.videos["bbbbbbbbbbb" if query == recording.isrc else "aaaaaaaaaaa"]
    ]
    assert [match.source_id for match in youtube.candidates(recording)] == ["bbbbbbbbbbb"]
    assert len(youtube.search(recording)) == 2
    with pytest.raises(TrackError):
        youtube.candidates(EDGE)
    assert len(site.queries) == 7


def test_what_arrives_is_held_against_the_wanted_duration(
    site: VideoSite, youtube: YouTube, m4a: Path
) -> None:
    site.add("bbbbbbbbbbb", "REZZ - Edge", m4a)
    with pytest.raises(TrackError, match=r"lasts \d+ s, and 200 s are wanted") as raised:
        youtube.fetch(match("bbbbbbbbbbb"), duration=200)
    assert (raised.value.stage, raised.value.retryable) == ("fetch", False)
    file = youtube.fetch(match("bbbbbbbbbbb"))
    with pytest.raises(TrackError, match="200 s are wanted"):
        youtube.fetch(match("bbbbbbbbbbb"), duration=200)
    assert file.exists()


@pytest.mark.parametrize(
    ("lasts", "expected", "right"),
    [(200, 200, True), (160, 200, True), (290, 200, True), (30, 200, False), (291, 200, False),
     (20, 30, True), (9, 30, False), (3600, 200, False)],
)  # fmt: skip
def test_how_much_longer_or_shorter_a_video_may_be(lasts: int, expected: int, right: bool) -> None:
    assert is_as_long(lasts, expected) is right
