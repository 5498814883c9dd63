"""The own API: the answers of the command line over HTTP, and problems in one shape."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from artistindex.index.reader import ArtistIndex
from artistindex.server.live_index import LiveIndex
from server.conftest import NAMES, write_served_index


def ask(client: Any, path: str, **parameters: Any) -> Any:
    answer = client.get(f"/api/v1/{path}", params=parameters)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/json"
    return answer.json()


def problem(answer: Any, status: int) -> Any:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    content = answer.json()
    assert content["status"] == status
    assert content["title"]
    return content


@pytest.fixture
def on_the_command_line(served_index: Path, run: Any) -> Any:
    run.indexes = served_index.parent

    def ask_there(*arguments: object) -> Any:
        code, out, err = run(*arguments, "--format", "json")
        assert code == 0, err
        return json.loads(out)

    return ask_there


def test_neighbours_are_those_of_the_command_line(client: Any, on_the_command_line: Any) -> None:
    served = ask(client, "neighbours", artist=["rezz", "AC/DC"], minus="Vril", weight="Rezz=2", k=3)
    words = ("query", "rezz", "AC/DC", "--minus", "Vril", "--weight", "Rezz=2", "--k", 3)
    expected = on_the_command_line(*words)
    for neighbour in served["neighbours"]:
        assert neighbour.pop("rank_score") == neighbour["score"]
    for neighbour in expected["neighbours"]:
        for track in neighbour["entry_tracks"]:
            assert track["path"].startswith("/home/somebody/Music")
            track["path"] = None
    assert served.pop("ranker") == "cosine"
    assert served == expected


def test_a_ranker_ranks(client: Any, on_the_command_line: Any) -> None:
    served = ask(client, "neighbours", artist="Rezz", ranker="csls")
    expected = on_the_command_line("query", "Rezz", "--ranker", "csls")
    assert [(hit["artist"], hit["rank_score"]) for hit in served["neighbours"]] == [
        (hit["artist"], hit["csls"]) for hit in expected["neighbours"]
    ]


def test_tracks_and_paths_are_those_of_the_command_line(
    client: Any, on_the_command_line: Any
) -> None:
    tracks = ask(client, "tracks", track="Sigur Rós - Song 1", k=4)
    expected = on_the_command_line(
        *("query", "--track", "Sigur Rós - Song 1", "--for", "tracks", "--k", 4)
    )
    assert [track["title"] for track in tracks["tracks"]] == [
        track["title"] for track in expected["tracks"]
    ]
    path = ask(client, "path", **{"from": "Rezz", "to": "ハハ", "neighbours": 2})
    expected = on_the_command_line("path", "Rezz", "ハハ", "--neighbours", 2)
    assert [step["next"] for step in path["steps"]] == [step["next"] for step in expected["steps"]]
    assert path["smallest_score"] == expected["smallest_score"]


def test_paths_of_files_are_shown_only_if_asked_for(serving: Any) -> None:
    hidden = serving().get("/api/v1/neighbours", params={"artist": "Rezz"})
    assert "somebody" not in hidden.text
    shown = serving(shows_paths=True).get("/api/v1/neighbours", params={"artist": "Rezz"})
    assert "/home/somebody/Music/" in shown.text
    assert shown.headers["etag"] != hidden.headers["etag"]


def test_info_says_what_is_served(client: Any) -> None:
    info = ask(client, "info")
    assert (info["index"], info["artists"], info["tracks"]) == ("vggish", 8, 24)
    assert info["track_vectors"] == 24
    assert "path" not in info


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("", list(NAMES)),
        ("rezz", ["Rezz"]),
        ("beyonce", ["Beyoncé"]),
        ("creator", ["Tyler, The Creator"]),
        ("r", ["Rezz", "Sigur Rós", "Vril", "Tyler, The Creator"]),
        ("nobody like this", []),
    ],
)
def test_artists_by_a_part_of_the_name(client: Any, typed: str, expected: list[str]) -> None:
    answer = ask(client, "artists", q=typed)
    assert [entry["artist"] for entry in answer["artists"]] == expected
    assert answer["total"] == len(expected)
    assert len(ask(client, "artists", q=typed, limit=1, offset=1)["artists"]) <= 1


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("neighbours", 400, "needs an artist"),
        ("neighbours?artist=Rez", 404, "Rezz"),
        ("neighbours?artist=", 400, "from 1 to 400 characters"),
        ("neighbours?artist=Rezz&k=0", 400, "whole number from 1 to 1000"),
        ("neighbours?artist=Rezz&k=1&k=2", 400, "once"),
        ("neighbours?artist=Rezz&ranker=best", 400, "one of cosine"),
        ("neighbours?artist=Rezz&weight=Rezz", 400, "NAME=NUMBER"),
        ("neighbours?artist=Rezz&weight=Rezz=nan", 400, "positive number"),
        ("neighbours?artist=Rezz&minus=Rezz", 400, "both"),
        ("neighbours?artist=Rezz&audio=/etc/passwd", 400, "no parameter 'audio'"),
        ("tracks?track=Rezz", 400, "Artist - Title"),
        ("tracks?track=Rezz%20-%20Sung", 404, "Song"),
        ("path?from=Rezz", 400, "to is required"),
        ("path?from=Rezz&to=rezz", 400, "begins and ends"),
        ("nothing", 404, "given URI"),
    ],
)
def test_problems_say_what_is_wrong(client: Any, path: str, status: int, words: str) -> None:
    content = problem(client.get(f"/api/v1/{path}"), status)
    assert words in content["detail"]


def test_what_is_near_comes_with_the_problem(client: Any) -> None:
    content = problem(client.get("/api/v1/neighbours", params={"artist": "dedmau5"}), 404)
    assert content["closest"] == ["deadmau5"]
    content = problem(client.get("/api/v1/neighbours", params={"artist": "Rezz", "k": "x"}), 400)
    assert content["parameter"] == "k"


def test_a_method_that_is_not_there_names_those_that_are(client: Any) -> None:
    answer = client.post("/api/v1/neighbours")
    problem(answer, 405)
    assert "GET" in answer.headers["allow"]


def test_an_index_without_track_vectors_says_so(serving: Any, planted: Any) -> None:
    answer = serving(planted()).get("/api/v1/tracks", params={"artist": "Artist 1"})
    assert "no vectors of single tracks" in problem(answer, 409)["detail"]


# --- ETags, gzip, a new index -------------------------------------------------------------------


def test_an_answer_that_is_known_is_not_sent_again(client: Any) -> None:
    etag = client.get("/api/v1/neighbours?artist=Rezz").headers["etag"]
    for known in (etag, f'"other", {etag}', etag.removeprefix("W/"), "*"):
        again = client.get("/api/v1/neighbours?artist=Rezz", headers={"If-None-Match": known})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == etag
    other = client.get("/api/v1/neighbours?artist=Rezz", headers={"If-None-Match": '"other"'})
    assert other.status_code == 200


def test_long_answers_are_compressed_for_who_can_read_them(client: Any) -> None:
    with client.stream(
        "GET", "/api/v1/neighbours?artist=Rezz", headers={"Accept-Encoding": "gzip"}
    ) as answer:
        raw = b"".join(answer.iter_raw())
    assert answer.headers["content-encoding"] == "gzip"
    assert json.loads(gzip.decompress(raw))["k"] == 10
    plain = client.get("/api/v1/neighbours?artist=Rezz", headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers


def test_a_new_index_is_served_from_the_next_request_on(serving: Any, tmp_path: Path) -> None:
    folder = write_served_index(tmp_path / "vggish")
    client = serving(folder)
    before = client.get("/api/v1/neighbours?artist=Rezz")
    write_served_index(folder, seed=1, names=("Rezz", "Vril"))
    after = client.get(
        "/api/v1/neighbours?artist=Rezz", headers={"If-None-Match": before.headers["etag"]}
    )
    assert after.status_code == 200
    assert [hit["artist"] for hit in after.json()["neighbours"]] == ["Vril"]


def test_the_old_index_is_closed_with_its_last_reader(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed: list[ArtistIndex] = []
    monkeypatch.setattr(ArtistIndex, "close", lambda index: closed.append(index))
    live = LiveIndex(write_served_index(tmp_path / "vggish"))
    with live.lend() as old:
        write_served_index(tmp_path / "vggish", seed=1, names=("Rezz", "Vril"))
        with live.lend() as new:
            assert len(new.index) == 2
        assert len(old.index) == 8
        assert closed == []
    assert closed == [old.index]
    write_served_index(tmp_path / "vggish", seed=2)
    with live.lend():
        assert closed == [old.index, new.index]


def test_while_the_new_index_cannot_be_read_the_old_one_answers(
    serving: Any, tmp_path: Path
) -> None:
    folder = write_served_index(tmp_path / "vggish")
    client = serving(folder)
    (folder / "manifest.json").write_text("{")
    assert client.get("/api/v1/neighbours?artist=Rezz").status_code == 200
    (folder / "manifest.json").unlink()
    assert client.get("/api/v1/neighbours?artist=Rezz").status_code == 200


# --- a line-up ----------------------------------------------------------------------------------


def test_a_match_is_that_of_the_command_line(
    client: Any, on_the_command_line: Any, tmp_path: Path
) -> None:
    lineup = b"artist,day,date,event\ndeadmau5,Fri,2031-05-01,A\nSigur Ros,Sat,2031-05-02,B\nWho,,,"
    likes = b"Rezz\nTyler, The Creator"
    (tmp_path / "lineup.csv").write_bytes(lineup)
    (tmp_path / "likes.txt").write_bytes(likes)
    served = client.post(
        "/api/v1/match", files={"lineup": ("x.csv", lineup), "likes": ("y.txt", likes)}
    )
    assert served.status_code == 200, served.text
    expected = on_the_command_line(
        "match", tmp_path / "lineup.csv", "--likes", tmp_path / "likes.txt"
    )
    for entry in expected["ranked"]:
        for track in entry["entry_tracks"]:
            track["path"] = None
    assert served.json() == expected
    evenings = client.post(
        "/api/v1/match?by=event&k=1", files={"lineup": ("x.csv", lineup), "likes": likes}
    ).json()["evenings"]
    assert len(evenings) == 1
    assert evenings[0]["date"] in ("2031-05-01", "2031-05-02")


def test_a_list_may_be_typed_into_the_form(client: Any) -> None:
    answer = client.post(
        "/api/v1/match",
        data={"likes": "Rezz", "exclude": "Vril"},
        files={"lineup": ("a", b"Vril\nAC/DC")},
    )
    content = answer.json()
    assert [entry["artist"] for entry in content["ranked"]] == ["AC/DC"]
    assert [entry["artist"] for entry in content["unranked"]] == ["Vril"]


@pytest.mark.parametrize(
    ("files", "status", "words"),
    [
        ({"likes": b"Rezz"}, 400, "needs a part lineup"),
        ({"lineup": b"Vril", "likes": b"Rezz", "other": b""}, 400, "no part 'other'"),
        ({"lineup": b"Vril", "likes": b"\xff\xfe\xfa"}, 400, "not text"),
        ({"lineup": b"Vril", "likes": b"Nobody"}, 404, "none of the favourites"),
        ({"lineup": b"<html><a>x</a></html>", "likes": b"Rezz"}, 400, "found XML"),
        ({"lineup": ("../../etc/passwd", b"[{]"), "likes": b"Rezz"}, 400, "etc/passwd"),
    ],
)
def test_what_is_wrong_with_a_form(client: Any, files: Any, status: int, words: str) -> None:
    content = problem(client.post("/api/v1/match", files=files), status)
    assert words in content["detail"]


def test_a_match_needs_a_form(client: Any) -> None:
    content = problem(client.post("/api/v1/match", json={"lineup": ["Rezz"]}), 400)
    assert "multipart/form-data" in content["detail"]
