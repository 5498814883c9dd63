"""The page at /: that of a file, of the index as it is now, with a line-up that was sent."""

from pathlib import Path
from typing import Any

from server.conftest import write_served_index


def test_the_page_is_that_of_the_index_with_a_form(client: Any) -> None:
    answer = client.get("/")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert 'id="map-canvas"' in answer.text
    assert '<form class="send" method="post" enctype="multipart/form-data">' in answer.text
    assert "form-action &#39;self&#39;" in answer.text
    assert "/home/somebody" not in answer.text  # no path of the disk
    etag = answer.headers["etag"]
    assert client.get("/", headers={"If-None-Match": etag}).status_code == 304
    assert client.head("/").status_code == 200


def test_a_line_up_is_ranked_on_it(client: Any) -> None:
    files = [
        ("lineup", ("lineup.txt", b"Sigur Ros\nVril\nNobody <3")),
        ("likes", ("likes.txt", b"Rezz")),
        ("dislikes", ("", b"")),  # a field in which nothing was chosen
    ]
    answer = client.post("/", files=files)
    assert answer.status_code == 200
    assert '<table id="acts"' in answer.text
    assert "<bdi>Sigur Rós</bdi>" in answer.text
    assert "Nobody &lt;3" in answer.text
    assert 'id="map-canvas"' in answer.text


def test_what_is_wrong_is_said_on_the_page(client: Any) -> None:
    files = {"lineup": ("a.txt", b"Vril"), "likes": ("<b>.json", b'{"a": [')}
    answer = client.post("/", files=files)
    assert answer.status_code == 400
    assert '<p class="notice" role="alert">&lt;b&gt;.json: not JSON' in answer.text
    assert 'class="send"' in answer.text


def test_a_new_index_is_on_it_and_who_may_ask_is_asked(serving: Any, tmp_path: Path) -> None:
    folder = write_served_index(tmp_path / "vggish")
    client = serving(folder)
    assert "of 8 artists" in client.get("/").text
    write_served_index(folder, names=("Rezz", "Vril", "AC/DC"))
    assert "of 3 artists" in client.get("/").text
    guarded = serving(folder, token="x" * 20).get("/")
    assert guarded.status_code == 401
    assert "Basic" in guarded.headers["www-authenticate"]


def test_of_very_many_artists_there_is_no_map(serving: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr("artistindex.server.live_page.MAX_MAPPED", 7)
    text = serving().get("/").text
    assert 'id="map-canvas"' not in text
    assert 'class="send"' in text
