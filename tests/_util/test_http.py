import gzip
import itertools
import json
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

import services
from artistindex._util.http import HttpClient, user_agent
from artistindex._util.http_adapter import MAX_ATTEMPTS, PoliteAdapter
from artistindex._util.http_policy import Pace, Policy, duration, retry_after
from artistindex._util.urls import service_url
from artistindex.errors import Misuse, ServiceEnded, ServiceError, StatusError
from services import JumpingClock, raw_server


def client(url: str, clock: Any = None, **options: Any) -> HttpClient:
    """A client of "Deezer" at `url`; `options` are the policy's and the client's."""
    cached = {name: options.pop(name) for name in ("keep", "cache", "unkept") if name in options}
    policy = Policy("Deezer", url, **{"per_second": 1000, **options})
    return HttpClient(policy, clock=clock or JumpingClock(), **cached)


@contextmanager
def asking(
    answer: Callable[..., None], clock: Any = None, **limits: Any
) -> Iterator[tuple[HttpClient, services.RawServer]]:
    with raw_server(answer) as server, client(server.url, clock, **limits) as polite:
        yield polite, server


def answers(httpserver: HTTPServer, *responses: Response) -> list[Request]:
    """Serve `responses` in turn, the last for ever; the list fills with what was asked."""
    requests: list[Request] = []

    def answer(request: Request) -> Response:
        requests.append(request)
        return responses[min(len(requests), len(responses)) - 1]

    httpserver.expect_request("/thing").respond_with_handler(answer)
    return requests


# -- what is asked ---------------------------------------------------------------------------


def test_names_itself_and_a_contact(
    httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ARTISTINDEX_CONTACT", "me@example.org\r\nX-Evil: 1 (\x07é)")
    requests = answers(httpserver, Response("{}"))
    with client(httpserver.url_for("")) as polite:
        assert polite.get_json("thing", params={"q": "Röyksopp & Robyn", "limit": 5}) == {}
    assert requests[0].headers["User-Agent"] == user_agent()
    assert user_agent().startswith("artistindex/")
    assert user_agent().endswith("(contact: me@example.orgX-Evil: 1)")
    assert requests[0].args.to_dict() == {"q": "Röyksopp & Robyn", "limit": "5"}


def test_keeps_its_pace(httpserver: HTTPServer, clock: JumpingClock) -> None:
    answers(httpserver, Response("{}"))
    with client(httpserver.url_for(""), clock, per_second=2) as polite:
        started = clock.now
        for _ in range(5):
            polite.get_json("thing")
    assert clock.now - started == pytest.approx(4 * 0.5)


@given(per_second=st.floats(0.1, 50), pauses=st.lists(st.floats(0, 10), max_size=20))
def test_no_two_requests_are_nearer_than_the_pace(per_second: float, pauses: list[float]) -> None:
    clock = JumpingClock(0.0)
    pace = Pace(per_second, clock)
    moments = []
    for pause in pauses:
        clock.now += pause
        pace.wait()
        moments.append(clock.now)
    for moment, next_one in itertools.pairwise(moments):
        assert next_one - moment >= 1 / per_second - 1e-9


def test_the_pace_holds_over_threads() -> None:
    pace, moments = Pace(100, time), []

    def ask() -> None:
        for _ in range(4):
            pace.wait()
            moments.append(time.monotonic())

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert max(moments) - min(moments) >= 15 * 0.01 - 1e-3


# -- transient errors ------------------------------------------------------------------------


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_transient_status_is_tried_again(
    httpserver: HTTPServer, clock: JumpingClock, status: int
) -> None:
    requests = answers(httpserver, *[Response(status=status)] * 3, Response('{"a": 1}'))
    with client(httpserver.url_for(""), clock) as polite:
        assert polite.get_json("thing") == {"a": 1}
    assert len(requests) == 4
    assert [round(wait) for wait in clock.slept] == pytest.approx([1, 2, 4], abs=1.01)
    assert 7 * 0.75 <= sum(clock.slept) <= 7 * 1.25


def test_a_lasting_error_is_given_up_and_ends_the_service_after_three(
    httpserver: HTTPServer, clock: JumpingClock
) -> None:
    requests = answers(httpserver, Response(status=502))
    with client(httpserver.url_for(""), clock) as polite:
        for _ in range(2):
            with pytest.raises(ServiceError, match=r"Deezer: status 502, 4 times; try again later"):
                polite.get_json("thing")
        with pytest.raises(ServiceEnded, match=r"3 requests in a row"):
            polite.get_json("thing")
        assert len(requests) == 3 * MAX_ATTEMPTS
        with pytest.raises(ServiceEnded, match=r"status 502"):
            polite.get_json("thing")
    assert len(requests) == 3 * MAX_ATTEMPTS


def test_success_forgives(httpserver: HTTPServer, clock: JumpingClock) -> None:
    bad = [Response(status=500)] * MAX_ATTEMPTS
    good = [Response("{}")]
    answers(httpserver, *(bad + good) * 3)
    with client(httpserver.url_for(""), clock) as polite:
        for _ in range(3):
            with pytest.raises(ServiceError) as caught:
                polite.get_json("thing")
            assert not isinstance(caught.value, ServiceEnded)
            assert polite.get_json("thing") == {}


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 451])
def test_a_final_status_is_not_tried_again(
    httpserver: HTTPServer, clock: JumpingClock, status: int
) -> None:
    requests = answers(httpserver, Response("<html>", status=status))
    with (
        client(httpserver.url_for(""), clock) as polite,
        pytest.raises(StatusError, match=rf"^Deezer answered with status {status} to /thing$") as e,
    ):
        polite.get_json("thing", params={"q": "secret"})
    assert e.value.status == status
    assert len(requests) == 1


def test_being_refused_three_times_in_a_row_ends_the_service(
    httpserver: HTTPServer, clock: JumpingClock
) -> None:
    requests = answers(
        httpserver, *[Response(status=403)] * 2, Response("{}"), *[Response(status=403)] * 9
    )
    with client(httpserver.url_for(""), clock) as polite:
        for status in (403, 403, 200, 403, 403):
            if status == 200:
                polite.get_json("thing")
            else:
                with pytest.raises(StatusError):
                    polite.get_json("thing")
        for _ in range(2):
            with pytest.raises(
                ServiceEnded, match=r"refused with status 403 \(3 requests in a row"
            ):
                polite.get_json("thing")
    assert len(requests) == 6


@pytest.mark.parametrize("form", ["17", "date"])
def test_retry_after_is_obeyed(httpserver: HTTPServer, clock: JumpingClock, form: str) -> None:
    value = form if form.isdigit() else formatdate(clock.now + 17, usegmt=True)
    answers(httpserver, Response(status=429, headers={"Retry-After": value}), Response("{}"))
    with client(httpserver.url_for(""), clock) as polite:
        polite.get_json("thing")
    assert sum(clock.slept) == pytest.approx(17)


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(
    ("value", "wording"), [("86340", "23 h 59 min"), ("61", "61 s"), ("9" * 5000, " h ")]
)
def test_a_long_retry_after_ends_the_service_at_once(
    httpserver: HTTPServer, clock: JumpingClock, value: str, wording: str, status: int
) -> None:
    requests = answers(httpserver, Response(status=status, headers={"Retry-After": value}))
    with client(httpserver.url_for(""), clock) as polite:
        for _ in range(2):
            with pytest.raises(ServiceEnded) as caught:
                polite.get_json("thing")
            assert f"{status}" in str(caught.value)
            assert wording in str(caught.value)
            assert "what is done is kept" in str(caught.value)
    assert len(requests) == 1
    assert not clock.slept


def test_too_many_requests_for_good_end_the_service(
    httpserver: HTTPServer, clock: JumpingClock
) -> None:
    answers(httpserver, Response(status=429))
    with (
        client(httpserver.url_for(""), clock) as polite,
        pytest.raises(ServiceEnded, match="too many requests"),
    ):
        polite.get_json("thing")


@pytest.mark.parametrize("header", [None, "", "soon", "-3", "1.5", "nan", "inf", "²"])
def test_an_unreadable_retry_after_is_none(header: str | None) -> None:
    assert retry_after(header, 0.0) is None


@given(header=st.text(max_size=40), now=st.floats(0, 4e9))
def test_retry_after_is_never_negative(header: str, now: float) -> None:
    wait = retry_after(header, now)
    assert wait is None or wait >= 0


def test_retry_after_in_the_past_is_now(clock: JumpingClock) -> None:
    assert retry_after(formatdate(clock.now - 500, usegmt=True), clock.now) == 0


@pytest.mark.parametrize(
    ("seconds", "wording"), [(5.4, "5 s"), (119, "119 s"), (600, "10 min"), (86_400, "24 h 0 min")]
)
def test_duration(seconds: float, wording: str) -> None:
    assert duration(seconds) == wording


# -- servers that misbehave --------------------------------------------------------------------


def test_a_server_that_closes_at_once(clock: JumpingClock) -> None:
    with (
        asking(services.closes_at_once, clock) as (polite, server),
        pytest.raises(ServiceError, match=r"the connection broke off, 4 times"),
    ):
        polite.get_json("thing")
    assert server.connections == MAX_ATTEMPTS


def test_a_server_that_closes_once_is_forgiven(clock: JumpingClock) -> None:
    def answer(connection: Any, number: int) -> None:
        if number > 1:
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")

    with asking(answer, clock) as (polite, _):
        assert polite.get_json("thing") == {}


@pytest.mark.parametrize("gzipped", [False, True])
def test_a_body_that_breaks_off(clock: JumpingClock, gzipped: bool) -> None:
    def answer(connection: Any, number: int) -> None:
        body = gzip.compress(b"[" + b"1," * 5000)
        connection.sendall(
            b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 5000\r\n\r\n"
            + body[: len(body) // 2]
        )

    with (
        asking(answer if gzipped else services.breaks_off, clock) as (polite, _),
        pytest.raises(ServiceError, match="the connection broke off, 4 times"),
    ):
        polite.get_json("thing")


def test_a_body_that_never_ends_slowly() -> None:
    started = time.monotonic()
    with (
        asking(services.drips_for_ever, time, whole=0.3) as (polite, server),
        pytest.raises(ServiceError, match=r"is not done after 0\.3 s; given up"),
    ):
        polite.get_json("thing")
    assert time.monotonic() - started < 5
    assert server.connections == 1


def test_a_body_that_never_ends_fast(clock: JumpingClock) -> None:
    with (
        asking(services.floods, clock, max_bytes=1 << 20) as (polite, server),
        pytest.raises(ServiceError, match="is larger than 1024 KiB"),
    ):
        polite.get_json("thing")
    assert server.connections == 1


def test_a_small_body_that_unpacks_into_a_large_one(httpserver: HTTPServer) -> None:
    bomb = gzip.compress(b" " * (64 << 20))
    answers(httpserver, Response(bomb, headers={"Content-Encoding": "gzip"}))
    with (
        client(httpserver.url_for(""), max_bytes=1 << 20) as polite,
        pytest.raises(ServiceError, match="is larger than 1024 KiB"),
    ):
        polite.get_json("thing")


def test_a_server_that_says_nothing() -> None:
    with asking(services.says_nothing, JumpingClock(), read=0.05) as (polite, server):
        with pytest.raises(ServiceError, match="it does not answer, 4 times"):
            polite.get_json("thing")
        assert server.connections == MAX_ATTEMPTS


def test_headers_that_are_no_http(clock: JumpingClock) -> None:
    def answer(connection: Any, number: int) -> None:
        connection.sendall(b"220 mail.example.org ESMTP\r\n")

    with asking(answer, clock) as (polite, _), pytest.raises(ServiceError, match="broke off"):
        polite.get_json("thing")


def test_nobody_listens(clock: JumpingClock) -> None:
    with client(services.unused_url(), clock) as polite:
        for _ in range(2):
            with pytest.raises(ServiceEnded, match=r"Deezer: cannot be reached: .*refused"):
                polite.get_json("thing")
    assert sum(clock.slept) < 2


def test_a_network_that_was_there_is_waited_for_a_little_longer(clock: JumpingClock) -> None:
    def answer(connection: Any, number: int) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")

    with asking(answer, clock) as (polite, server):
        polite.get_json("thing")
        server.close()
        with pytest.raises(ServiceEnded, match="cannot be reached"):
            polite.get_json("thing")
    assert 7 * 0.75 <= sum(clock.slept) <= 7 * 1.25


def test_no_name_server(clock: JumpingClock, monkeypatch: pytest.MonkeyPatch) -> None:
    def hang(*_: object) -> None:
        time.sleep(0.3)
        raise OSError

    monkeypatch.setattr("socket.getaddrinfo", hang)
    monkeypatch.setattr("artistindex._util.http_adapter._NAME_SECONDS", 0.05)
    with (
        client("https://service.invalid", clock) as polite,
        pytest.raises(ServiceEnded, match=r"no address is found for service\.invalid"),
    ):
        polite.get_json("thing")


def test_unknown_host(clock: JumpingClock) -> None:
    with (
        client("https://service.invalid", clock) as polite,
        pytest.raises(ServiceEnded, match="is there a network"),
    ):
        polite.get_json("thing")


# -- redirects ---------------------------------------------------------------------------------


def redirect(target: str, status: int = 302) -> Response:
    return Response(status=status, headers={"Location": target})


@pytest.mark.parametrize(
    ("target", "wording"),
    [
        ("https://portal.example/login?secret=1", "portal.example"),
        ("//portal.example/login", "portal.example"),
        ("http://127.0.0.1:9/thing", "127.0.0.1:9"),
        ("file:///etc/passwd", "an address without https"),
    ],
)
def test_another_host_is_refused(
    httpserver: HTTPServer, clock: JumpingClock, target: str, wording: str
) -> None:
    answers(httpserver, redirect(target))
    with client(httpserver.url_for(""), clock) as polite, pytest.raises(ServiceError) as caught:
        polite.get_json("thing")
    assert wording in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_redirect_to_nonsense(clock: JumpingClock) -> None:
    def answer(connection: Any, number: int) -> None:
        connection.sendall(b"HTTP/1.1 302 Found\r\nLocation: http://[bad\r\n\r\n")

    with (
        asking(answer, clock) as (polite, _),
        pytest.raises(ServiceError, match="points to an unreadable address"),
    ):
        polite.get_json("thing")


def test_a_redirect_on_the_same_host_is_followed(httpserver: HTTPServer) -> None:
    answers(httpserver, redirect("/moved", 301))
    httpserver.expect_request("/moved").respond_with_json([1])
    with client(httpserver.url_for("")) as polite:
        assert polite.get_json("thing") == [1]


def test_a_circle_of_redirects_ends(httpserver: HTTPServer) -> None:
    requests = answers(httpserver, redirect("/thing"))
    with (
        client(httpserver.url_for("")) as polite,
        pytest.raises(ServiceError, match="TooManyRedirects"),
    ):
        polite.get_json("thing")
    assert len(requests) == 6


def test_only_named_hosts_are_asked(clock: JumpingClock) -> None:
    with client("https://service.invalid", clock, hosts=(".cdn.invalid",)) as polite:
        for url in ("https://evilcdn.invalid/a", "https://cdn.invalid.example/a"):
            with pytest.raises(ServiceError, match="refused"):
                polite.get_text(url)
        with pytest.raises(ServiceEnded, match=r"no address is found for a\.cdn\.invalid"):
            polite.get_text("https://a.cdn.invalid/a")


def test_what_an_answer_points_to_must_be_public(
    httpserver: HTTPServer, clock: JumpingClock
) -> None:
    elsewhere = f"localhost:{httpserver.port}"
    httpserver.expect_request("/secret").respond_with_data(b"secret")
    answers(httpserver, redirect(f"http://{elsewhere}/secret"))
    with client(httpserver.url_for(""), clock, hosts=(elsewhere,)) as polite:
        for ask in (
            lambda: polite.get_text("thing"),
            lambda: polite.get_text(f"http://{elsewhere}/secret"),
        ):
            with pytest.raises(ServiceError, match=r"the address (127\.0\.0\.1|::1) of a private"):
                ask()
    assert len(httpserver.log) == 1


# -- nonsense --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "what"),
    [
        ("<!doctype html><script>alert(1)</script>", "a web page"),
        ("", "something else"),
        ('{"a": ', "something else"),
        ('{"a": NaN}', "something else"),
        ('{"a": -Infinity}', "something else"),
        ("[" * 200_000, "something else"),
        ("9" * 5000, "something else"),
    ],
)
def test_nonsense_where_json_is_expected(
    httpserver: HTTPServer, tmp_path: Path, body: str, what: str
) -> None:
    requests = answers(httpserver, Response(body, content_type="text/html"))
    with client(httpserver.url_for(""), keep=60, cache=tmp_path / "c.sqlite3") as polite:
        for _ in range(2):
            with pytest.raises(ServiceError, match=f"Deezer sent {what} where JSON was expected"):
                polite.get_json("thing")
    assert len(requests) == 2, "nonsense is not kept"


def test_text_is_decoded_as_declared_else_as_utf8(httpserver: HTTPServer) -> None:
    def page(body: bytes, content_type: str) -> Response:
        return Response(body, content_type=content_type)

    answers(
        httpserver,
        page("Björk".encode(), "text/html"),
        page("Björk".encode("latin-1"), "text/html; charset=ISO-8859-1"),
        page("Björk".encode(), "text/html; charset=no-such"),
        page(b"Bj\xf6rk", "text/html"),
    )
    with client(httpserver.url_for("")) as polite:
        assert [polite.get_text("thing") for _ in range(4)] == ["Björk"] * 3 + ["Bj\ufffdrk"]


def test_a_status_hidden_in_the_body_is_read(httpserver: HTTPServer, clock: JumpingClock) -> None:
    requests = answers(httpserver, Response('{"error": {"code": 4}}'), Response("{}"))
    with client(
        httpserver.url_for(""), clock, status_of=lambda r: 429 if b"error" in r.content else 200
    ) as polite:
        assert polite.get_json("thing") == {}
    assert len(requests) == 2


def test_a_final_answer_ends_the_service(httpserver: HTTPServer, clock: JumpingClock) -> None:
    requests = answers(httpserver, Response(status=403))
    with client(
        httpserver.url_for(""),
        clock,
        final=lambda r: "needs Premium" if r.status_code == 403 else None,
    ) as polite:
        for _ in range(2):
            with pytest.raises(ServiceEnded, match=r"^Deezer: needs Premium$"):
                polite.get_json("thing")
    assert len(requests) == 1


# -- what is kept ----------------------------------------------------------------------------


def test_answers_are_kept_for_a_while(
    httpserver: HTTPServer, clock: JumpingClock, tmp_path: Path
) -> None:
    requests = answers(httpserver, Response('{"a": 1}'), Response('{"a": 2}'))

    def ask(*, fresh: bool = False) -> Any:
        with client(
            httpserver.url_for(""), clock, keep=60, cache=tmp_path / "deep" / "c.sqlite3"
        ) as polite:
            return polite.get_json("thing", fresh=fresh)

    assert ask() == ask() == {"a": 1}
    assert len(requests) == 1
    assert ask(fresh=True) == {"a": 2}
    assert ask() == {"a": 1}
    clock.now += 61
    assert ask() == {"a": 2}
    assert len(requests) == 3


def test_not_found_is_kept_and_other_failures_are_not(
    httpserver: HTTPServer, tmp_path: Path
) -> None:
    requests = answers(httpserver, Response(status=403), Response("gone", status=404))
    with client(httpserver.url_for(""), keep=60, cache=tmp_path / "c") as polite:
        for status in (403, 404, 404):
            with pytest.raises(StatusError) as caught:
                polite.get_text("thing")
            assert caught.value.status == status
    assert len(requests) == 2


def test_a_text_that_fails_its_check_is_not_kept(httpserver: HTTPServer, tmp_path: Path) -> None:
    answers(httpserver, Response("log in"), Response("the map"))

    def check(text: str) -> None:
        if "map" not in text:
            raise ServiceError("no map")

    with client(httpserver.url_for(""), keep=60, cache=tmp_path / "c") as polite:
        with pytest.raises(ServiceError, match="no map"):
            polite.get_text("thing", check=check)
        assert polite.get_text("thing", check=check) == "the map"


def test_signed_addresses_never_reach_the_disk(httpserver: HTTPServer, tmp_path: Path) -> None:
    document = {"data": [{"id": 1, "preview": "https://cdn/signed", "album": {"preview": "x"}}]}
    answers(httpserver, Response(json.dumps(document)))
    path = tmp_path / "c.sqlite3"
    with client(httpserver.url_for(""), keep=60, cache=path, unkept=("preview",)) as polite:
        pruned = {"data": [{"id": 1, "album": {}}]}
        assert polite.get_json("thing") == pruned == polite.get_json("thing")
        assert polite.get_json("thing", fresh=True) == document
    assert b"preview" not in path.read_bytes()


@pytest.mark.parametrize("content", [b"no database at all " * 100, b"SQLite format 3\x00" * 9])
def test_a_broken_cache_is_made_anew(
    httpserver: HTTPServer, tmp_path: Path, content: bytes
) -> None:
    requests = answers(httpserver, Response("{}"))
    path = tmp_path / "c.sqlite3"
    path.write_bytes(content)
    with client(httpserver.url_for(""), keep=60, cache=path) as polite:
        polite.get_json("thing")
        polite.get_json("thing")
    assert len(requests) == 1


def test_a_cache_that_cannot_be_written_is_done_without(
    httpserver: HTTPServer, tmp_path: Path
) -> None:
    requests = answers(httpserver, Response("{}"))
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file" / "c.sqlite3", tmp_path):
        with client(httpserver.url_for(""), keep=60, cache=path) as polite:
            assert polite.get_json("thing") == {}
    assert len(requests) == 2


def test_two_clients_share_a_cache(httpserver: HTTPServer, tmp_path: Path) -> None:
    requests = answers(httpserver, Response("{}"))
    path = tmp_path / "c.sqlite3"
    with (
        client(httpserver.url_for(""), keep=60, cache=path) as first,
        client(httpserver.url_for(""), keep=60, cache=path) as other,
    ):
        first.get_json("thing")
        other.get_json("thing")
    assert len(requests) == 1
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT count(*) FROM responses").fetchone() == (1,)
    connection.close()


# -- downloads -------------------------------------------------------------------------------


def test_a_download_appears_only_when_whole(
    httpserver: HTTPServer, tmp_path: Path, clock: JumpingClock
) -> None:
    target = tmp_path / "deep" / "preview.mp3"
    httpserver.expect_request("/preview").respond_with_data(b"\xff\xfb" * 1000)
    with client(httpserver.url_for("")) as polite:
        assert polite.download(httpserver.url_for("/preview"), target) == 2000
    assert target.read_bytes() == b"\xff\xfb" * 1000
    with (
        asking(services.breaks_off, clock) as (polite, server),
        pytest.raises(ServiceError),
    ):
        polite.download(f"{server.url}/preview", tmp_path / "other.mp3")
    assert [path.name for path in target.parent.iterdir()] == ["preview.mp3"]
    assert not (tmp_path / "other.mp3").exists()


def test_a_download_that_is_forbidden(httpserver: HTTPServer, tmp_path: Path) -> None:
    answers(httpserver, Response("denied", status=403))
    with client(httpserver.url_for("")) as polite, pytest.raises(StatusError):
        polite.download(httpserver.url_for("/thing"), tmp_path / "a.mp3")
    assert not list(tmp_path.glob("*.mp3*"))


# -- where a service lies ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    ["http://mirror.example", "ftp://x", "nonsense", "https://", "https://a:b@c", "https://x?q=1"],
)
def test_a_mirror_must_be_safe(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("ARTISTINDEX_DEEZER_URL", url)
    with pytest.raises(Misuse, match="ARTISTINDEX_DEEZER_URL must be an https URL"):
        service_url("ARTISTINDEX_DEEZER_URL", "https://api.deezer.com")


@pytest.mark.parametrize("url", ["https://mirror.example/api", "http://127.0.0.1:8000", ""])
def test_a_mirror_may_be_named(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("ARTISTINDEX_DEEZER_URL", url)
    expected = url or "https://api.deezer.com"
    assert service_url("ARTISTINDEX_DEEZER_URL", "https://api.deezer.com") == expected


def test_the_adapter_takes_no_retries_of_its_own(httpserver: HTTPServer) -> None:
    with client(httpserver.url_for("")) as polite:
        adapter = polite.requests.get_adapter("https://anything")
        assert isinstance(adapter, PoliteAdapter)
        assert adapter.max_retries.total == 0
