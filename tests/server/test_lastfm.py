"""Last.fm's door: what its clients send, and what they expect."""

import ssl
import subprocess
from pathlib import Path
from typing import Any

import pylast
import pytest

from artistindex.server.app import create_app
from artistindex.server.settings import Settings
from server.conftest import NAMES, listening, parse_xml

METHOD = {"method": "artist.getSimilar", "api_key": "anything", "format": "json"}


def ask(client: Any, **fields: str) -> Any:
    answer = client.get("/2.0/", params=METHOD | fields)
    assert answer.status_code == 200
    return answer.json()


def test_json_as_last_fm_sends_it(client: Any) -> None:
    content = ask(client, artist="rezz", limit="3")["similarartists"]
    assert content["@attr"] == {"artist": "Rezz"}
    assert len(content["artist"]) == 3
    own = client.get("/api/v1/neighbours?artist=Rezz&k=3").json()["neighbours"]
    for entry, neighbour in zip(content["artist"], own, strict=True):
        assert entry["name"] == neighbour["artist"]
        assert entry["mbid"] == neighbour["ids"]["musicbrainz"]
        assert float(entry["match"]) == pytest.approx(max(0, neighbour["score"]), abs=1e-5)
        assert entry["url"].startswith("https://www.last.fm/music/")
        assert [image["size"] for image in entry["image"]][:2] == ["small", "medium"]
        assert entry["streamable"] == "0"


def test_xml_is_what_comes_without_a_format(client: Any) -> None:
    fields = {"method": "artist.getsimilar", "artist": "AC/DC", "limit": "100"}
    for answer in (client.get("/2.0/", params=fields), client.post("/2.0", data=fields)):
        assert answer.headers["content-type"].startswith("text/xml")
        root = parse_xml(answer.content)
        assert (root.tag, root.get("status")) == ("lfm", "ok")
        similar = root.find("similarartists")
        assert similar.get("artist") == "AC/DC"
        names = {artist.findtext("name") for artist in similar.iterfind("artist")}
        assert names == set(NAMES) - {"AC/DC"}
        assert {artist.findtext("streamable") for artist in similar} == {"0"}


def test_by_mbid_and_with_a_name_put_right(client: Any) -> None:
    mbid = "00000001-0000-4000-8000-000000000000"
    assert ask(client, mbid=mbid)["similarartists"]["@attr"]["artist"] == "deadmau5"
    unknown = "ffffffff-0000-4000-8000-000000000000"
    content = ask(client, mbid=unknown, artist="Vril")["similarartists"]
    assert content["@attr"]["artist"] == "Vril"
    assert ask(client, mbid=unknown)["error"] == 6
    assert ask(client, artist="deadmaus5")["error"] == 6
    content = ask(client, artist="deadmaus5", autocorrect="1")["similarartists"]
    assert content["@attr"]["artist"] == "deadmau5"
    assert ask(client, artist="Nobody Else", autocorrect="1")["error"] == 6


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"artist": "Nobody"}, 6),
        ({}, 6),
        ({"artist": "Rezz", "limit": "0"}, 6),
        ({"artist": "Rezz", "limit": "²"}, 6),
        ({"artist": "Rezz", "method": "artist.getInfo"}, 3),
    ],
)
def test_errors_have_its_codes(client: Any, fields: dict[str, str], code: int) -> None:
    content = ask(client, **fields)
    assert content["error"] == code
    assert content["message"]
    answer = client.get("/2.0/", params=METHOD | fields | {"format": "xml"})
    root = parse_xml(answer.content)
    assert root.get("status") == "failed"
    assert root.find("error").get("code") == str(code)


def test_another_format_and_a_wrong_key(client: Any, serving: Any) -> None:
    answer = client.get("/2.0/", params=METHOD | {"artist": "Rezz", "format": "yaml"})
    assert b'code="5"' in answer.content
    guarded = serving(token="x" * 20)
    assert ask(guarded, artist="Rezz")["error"] == 10
    assert "similarartists" in ask(guarded, artist="Rezz", api_key="x" * 20)


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate of this machine for the loopback, with its key."""
    path = tmp_path / "certificate.pem"
    command = (
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2"
        " -subj /CN=localhost -addext subjectAltName=IP:127.0.0.1"
    )
    try:
        subprocess.run(
            [*command.split(), "-keyout", path, "-out", path.with_suffix(".crt")],
            check=True,
            capture_output=True,
        )
    except FileNotFoundError:
        pytest.skip("needs openssl")
    path.write_bytes(path.read_bytes() + path.with_suffix(".crt").read_bytes())
    return path


def test_pylast_is_answered(
    served_index: Path, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It insists on HTTPS, which a proxy speaks in life and uvicorn here."""
    trusting = ssl.create_default_context(cafile=certificate.with_suffix(".crt"))
    monkeypatch.setattr(pylast, "SSL_CONTEXT", trusting)
    app = create_app(Settings(served_index, token="k" * 32))
    with listening(app, ssl_certfile=certificate) as port:
        network = pylast.LastFMNetwork(api_key="k" * 32)
        network.ws_server = (f"127.0.0.1:{port}", "/2.0/")
        similar = network.get_artist("Sigur Rós").get_similar(limit=4)
        with pytest.raises(pylast.WSError, match="could not be found") as refusal:
            network.get_artist("Nobody").get_similar()
        network.api_key = "wrong"
        with pytest.raises(pylast.WSError, match="Invalid API key"):
            network.get_artist("Rezz").get_similar()
    assert refusal.value.get_id() == "6"
    assert len(similar) == 4
    assert {item.item.get_name() for item in similar} < set(NAMES)
    matches = [item.match for item in similar]
    assert matches == sorted(matches, reverse=True)
