"""Who may ask, how often and how much; and what the log says of it."""

import base64
import logging
from typing import Any

import pytest
from starlette.responses import PlainTextResponse
from starlette.testclient import TestClient

from artistindex.errors import Misuse, Remedy
from artistindex.server.safety import BodyLimit, RateLimit
from artistindex.server.serving import serve
from artistindex.server.settings import MAX_BODY, Settings, is_loopback

TOKEN = "correct-horse-battery"


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "LOCALHOST:8100",
        "127.0.0.1",
        "127.0.0.1:80",
        "[::1]:8100",
        "192.168.1.9",
        "nas",
    ],
)
def test_its_own_names_and_any_address_are_right(serving: Any, host: str) -> None:
    client = serving(host_names=frozenset({"localhost", "NAS"}))
    assert client.get("/api/v1/info", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example:80", "", "[", "a:b:c"],
)
def test_a_name_that_is_led_here_is_refused(client: Any, host: str) -> None:
    answer = client.get("/api/v1/info", headers={"Host": host})
    assert answer.status_code == 421
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("path", ["info", "neighbours?artist=Rezz", "match"])
def test_with_a_token_nobody_else_is_answered(serving: Any, path: str) -> None:
    client = serving(token=TOKEN)
    ask = client.post if path == "match" else client.get
    basic = base64.b64encode(f"anybody:{TOKEN}".encode()).decode()
    wrong = base64.b64encode(b"anybody:wrong").decode()
    for header in ("", "Bearer", "Bearer wrong", f"Digest {TOKEN}", f"Basic {wrong}", "Basic é"):
        answer = ask(f"/api/v1/{path}", headers={"Authorization": header.encode()})
        assert answer.status_code == 401
        assert "Bearer" in answer.headers["www-authenticate"]
    for header in (f"Bearer {TOKEN}", f"bearer {TOKEN}", f"Basic {basic}"):
        answer = ask(f"/api/v1/{path}", headers={"Authorization": header})
        assert answer.status_code == (400 if path == "match" else 200)


def test_an_answer_that_is_known_needs_the_token_too(serving: Any) -> None:
    client = serving(token=TOKEN)
    assert client.get("/api/v1/info", headers={"If-None-Match": "*"}).status_code == 401


def test_the_log_has_no_secrets(serving: Any, caplog: pytest.LogCaptureFixture) -> None:
    client = serving(token=TOKEN)
    with caplog.at_level(logging.DEBUG, "artistindex"):
        client.get(f"/api/v1/info?token={TOKEN}", headers={"Authorization": f"Bearer {TOKEN}"})
        client.get(f"/rest/ping?u=me&p={TOKEN}")
        client.get("/a%0Ab%1b[31m")
    assert TOKEN not in caplog.text
    lines = [record.getMessage() for record in caplog.records]
    assert lines[0].startswith("GET /api/v1/info 400 ")
    assert lines[-1].startswith(r"GET /a\nb\x1b[31m 404 ")
    assert TOKEN not in repr(Settings(client.app, token=TOKEN))


def test_other_sites_read_nothing_unless_allowed(serving: Any) -> None:
    asking = {"Origin": "https://friend.example"}
    answer = serving().get("/api/v1/info", headers=asking)
    assert not [name for name in answer.headers if name.startswith("access-control")]
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"
    client = serving(origins=("https://friend.example",))
    answer = client.get("/api/v1/info", headers=asking)
    assert answer.headers["access-control-allow-origin"] == "https://friend.example"
    answer = client.get("/api/v1/info", headers={"Origin": "https://evil.example"})
    assert "access-control-allow-origin" not in answer.headers
    preflight = {**asking, "Access-Control-Request-Method": "GET"}
    preflight["Access-Control-Request-Headers"] = "authorization"
    assert client.options("/api/v1/info", headers=preflight).status_code == 200


def test_a_large_body_is_refused_whatever_it_says_of_itself(client: Any) -> None:
    answer = client.post("/api/v1/match", files={"lineup": b"x" * (MAX_BODY + 1), "likes": b"a"})
    assert answer.status_code == 413

    def pieces() -> Any:
        yield b"--b\r\nContent-Disposition: form-data; name=likes\r\n\r\n"
        for _ in range(MAX_BODY // 65_536 + 1):
            yield b"x" * 65_536

    form = {"Content-Type": "multipart/form-data; boundary=b"}
    answer = client.post("/api/v1/match", content=pieces(), headers=form)
    assert answer.status_code == 413
    assert answer.headers["content-type"] == "application/problem+json"
    answer = client.post("/api/v1/match", headers={**form, "Content-Length": "-1"}, content=b"")
    assert answer.status_code == 413


def test_too_many_requests_are_told_when_to_come_again(serving: Any) -> None:
    client = serving(rate=2)
    answers = [client.get("/api/v1/info") for _ in range(6)]
    assert [answer.status_code for answer in answers[:4]] == [200] * 4
    assert answers[-1].status_code == 429
    assert answers[-1].headers["retry-after"] == "1"


def test_a_bucket_fills_again_and_few_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    limit = RateLimit(PlainTextResponse("yes"), rate=10)
    waits = [limit._take("a", 0.0) for _ in range(21)]
    assert waits[:20] == [0.0] * 20
    assert waits[20] == pytest.approx(0.1)
    assert limit._take("b", 0.0) == 0.0
    assert limit._take("a", 0.1) == 0.0
    assert limit._take("a", 0.1) > 0.0
    monkeypatch.setattr("artistindex.server.safety._MAX_ADDRESSES", 3)
    for number in range(10):
        limit._take(str(number), 1.0)
    assert len(limit._buckets) <= 4


def test_a_body_without_a_length_is_counted() -> None:
    async def echo(scope: Any, receive: Any, send: Any) -> None:
        message = await receive()
        await PlainTextResponse(str(len(message["body"])))(scope, receive, send)

    client = TestClient(BodyLimit(echo, 4))
    assert client.post("/", content=b"1234").text == "4"
    assert client.post("/", content=b"12345").status_code == 413


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("::", False),
        ("192.168.1.2", False),
        ("nas.example", False),
    ],
)
def test_what_others_reach_needs_a_token(served_index: Any, host: str, expected: bool) -> None:
    assert is_loopback(host) is expected
    if not expected:
        with pytest.raises(Misuse, match="other machines") as refusal:
            serve(Settings(served_index, host=host))
        assert refusal.value.remedy is Remedy.GIVE_TOKEN


@pytest.mark.parametrize(
    "content", ["", "short", "x" * 2000, "with spaces in between it", "ü" * 20]
)
def test_a_token_has_to_be_one(run: Any, planted: Any, tmp_path: Any, content: str) -> None:
    planted()
    (tmp_path / "token").write_text(content, "utf-8")
    code, out, err = run("serve", "--token-file", tmp_path / "token")
    assert (code, out) == (2, "")
    assert "16 to 1024 ASCII characters" in err
    code, _, err = run("serve", "--host", "0.0.0.0")
    assert code == 2
    assert "--token-file FILE" in err
