"""music-map's pages as a stranger may serve them."""

import json
import re
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_httpserver import HTTPServer
from werkzeug import Response

from artistindex.errors import ServiceEnded, ServiceError, UnknownArtist
from artistindex.listeners import musicmap
from artistindex.listeners.musicmap import collect, parse
from artistindex.listeners.truth_files import ListFile, Similar, read_truth
from truths import write_truth

PAGE = """<!DOCTYPE html><html><head><meta charset=utf-8><title>Music-Map</title></head><body>
<div id=gnodMap>
<a href="deadmau5" class=S id=s0>deadmau5</a>
<a href="skrillex" class=S id=s1>Skrillex</a>
<a href="simon+%26+garfunkel" class=S id=s2>Simon &amp; Garfunkel</a>
<a href="sigur+r%c3%b3s" class=S id=s3>Sigur R&oacute;s</a>
<a href="justice" class=S id=s4>Justice</a>
<a href="about">About</a>
</div>
<script>var NrWords=5;var Aid=new Array();
Aid[0]=new Array(-1,12.7927,4.52047,-1,4.6);
Aid[1]=new Array(12.7927,-1,9.9,9.9,9.9);
</script></body></html>"""


def test_a_page_as_it_is():
    assert parse(PAGE, "Deadmau5") == (
        Similar("Skrillex", 12.7927),
        Similar("Justice", 4.6),
        Similar("Simon & Garfunkel", 4.52047),
        Similar("Sigur Rós", None),
    )


def test_a_page_without_a_matrix_keeps_its_order():
    page = PAGE[: PAGE.index("<script>")]
    assert [similar.name for similar in parse(page, "deadmau5")] == [
        "Skrillex",
        "Simon & Garfunkel",
        "Sigur Rós",
        "Justice",
    ]
    assert all(similar.strength is None for similar in parse(page, "deadmau5"))


@pytest.mark.parametrize("row", ["", "-1", "-1,x,nan,inf,-3", "-1,,,,"])
def test_a_matrix_of_nonsense_gives_no_strengths(row):
    page = PAGE.replace("-1,12.7927,4.52047,-1,4.6", row)
    assert [similar.strength for similar in parse(page, "deadmau5")] == [None] * 4


def test_names_are_listed_once_and_never_the_artist_itself():
    page = PAGE.replace("Justice", "SKRILLEX").replace("Sigur R&oacute;s", "DEADMAU5")
    assert [similar.name for similar in parse(page, "deadmau5")] == [
        "Skrillex",
        "Simon & Garfunkel",
    ]


def test_a_name_that_is_markup_is_only_a_name():
    page = PAGE.replace("Justice", "&lt;script&gt;alert(1)&lt;/script&gt; \u0000$x$")
    assert "<script>alert(1)</script>" in parse(page, "deadmau5")[1].name


def test_somebody_elses_map():
    with pytest.raises(UnknownArtist, match="shows 'deadmau5' instead of 'Dead'"):
        parse(PAGE, "Dead")


@pytest.mark.parametrize("page", ["", "<html>log in</html>", "{}", "<a id=s1>Skrillex</a>", "\0"])
def test_a_page_of_something_else(page):
    with pytest.raises(ServiceError, match="no map of artists"):
        parse(page, "deadmau5")


@given(st.text(max_size=300))
def test_no_page_brings_the_parser_down(text):
    page = f"<a id=s0>X</a><a id=s1>{text}</a><script>Aid[0]=new Array({text})</script>"
    with suppress(ServiceError, UnknownArtist):
        assert all(isinstance(similar, Similar) for similar in parse(page, "X"))


# --- fetching -----------------------------------------------------------------------------------


@pytest.fixture
def session(httpserver: HTTPServer, monkeypatch, clock):
    monkeypatch.setenv("ARTISTINDEX_MUSICMAP_URL", httpserver.url_for("/"))
    with musicmap.session(clock=clock) as opened:
        yield opened


def serve(httpserver: HTTPServer, *artists: str) -> None:
    for artist in artists:
        page = PAGE.replace("deadmau5", artist)
        httpserver.expect_request(f"/{artist.lower()}").respond_with_data(
            page, content_type="text/html; charset=utf-8"
        )


def requested(httpserver: HTTPServer) -> list[str]:
    return [request.full_path.rstrip("?") for request, _ in httpserver.log]


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("Rezz", "/rezz"),
        ("Simon & Garfunkel", "/simon+%26+garfunkel"),
        ("AC/DC", "/ac%2Fdc"),
        ("../../etc", "/..%2F..%2Fetc"),
        ("Sigur Rós", "/sigur+r%C3%B3s"),
        ("http://evil", "/http%3A%2F%2Fevil"),
        ("a?b#c", "/a%3Fb%23c"),
    ],
)
def test_the_address_of_a_name(httpserver, session, name, path):
    seen = []

    def answer(request):
        seen.append(request.environ["REQUEST_URI"])
        return Response("", 404)

    httpserver.expect_request(re.compile(".*")).respond_with_handler(answer)
    with pytest.raises(UnknownArtist, match="has no page for"):
        musicmap.fetch(name, session=session)
    assert seen == [path]


def test_pages_are_kept_and_asked_for_politely(httpserver, session, clock):
    serve(httpserver, "one", "two", "three")
    for name in ("One", "Two", "Three", "one", "two"):
        musicmap.fetch(name, session=session)
    assert requested(httpserver) == ["/one", "/two", "/three"]
    assert sum(clock.slept) >= 2 - 1e-6  # at least a second between two requests
    agent = httpserver.log[0][0].headers["User-Agent"]
    assert agent.startswith("artistindex/")
    assert "contact" in agent


def test_a_page_of_something_else_is_not_kept(httpserver, session):
    httpserver.expect_ordered_request("/deadmau5").respond_with_data("<html>log in</html>")
    httpserver.expect_ordered_request("/deadmau5").respond_with_data(PAGE)
    with pytest.raises(ServiceError, match="no map of artists"):
        musicmap.fetch("deadmau5", session=session)
    assert len(musicmap.fetch("deadmau5", session=session)) == 4


# --- collecting ---------------------------------------------------------------------------------


def statuses(outcomes) -> dict[str, str]:
    return {outcome.artist: outcome.status for outcome in outcomes}


def test_collecting_goes_on_where_it_stopped(httpserver, session, tmp_path: Path):
    serve(httpserver, "deadmau5", "rezz")
    httpserver.expect_request("/nobody").respond_with_data("", status=404)
    path = write_truth(tmp_path / "t.json", {"Vril": ["Traumprinz"], "Lost": None})
    names = ["deadmau5", "Vril", "vril", "Nobody", "Lost", "  "]
    first = collect(names, ListFile(path), session=session)
    assert statuses(first) == {
        "deadmau5": "fetched",
        "Vril": "known",
        "Nobody": "unknown",
        "Lost": "unknown",
    }
    assert first[0].listed == 4
    again = collect([*names, "Rezz"], ListFile(path), session=session)
    assert statuses(again)["Rezz"] == "fetched"
    assert requested(httpserver) == ["/deadmau5", "/nobody", "/rezz"]
    assert read_truth(path).lists.keys() == {"Vril", "deadmau5", "Rezz"}


def test_retry_failed_asks_again(httpserver, session, tmp_path):
    serve(httpserver, "lost")
    path = write_truth(tmp_path / "t.json", {"Lost": None})
    outcomes = collect(["Lost"], ListFile(path), session=session, retry_failed=True)
    assert statuses(outcomes) == {"Lost": "fetched"}


def test_a_failing_service_is_left_alone_and_nothing_is_lost(httpserver, session, tmp_path):
    serve(httpserver, "deadmau5")
    for name in "abcdef":
        httpserver.expect_request(f"/{name}").respond_with_data("", status=503)
    path = tmp_path / "t.json"
    outcomes = collect(["deadmau5", *"abcdef"], ListFile(path), session=session)
    assert statuses(outcomes) == {"deadmau5": "fetched"} | dict.fromkeys("abcdef", "failed")
    assert "not asked" in (outcomes[-1].reason or "")
    assert list(json.loads(path.read_text())) == ["deadmau5"]


def test_pages_of_no_use_end_the_run(httpserver, session, tmp_path):
    httpserver.expect_request(re.compile(".*")).respond_with_data("<p>log in</p>")
    outcomes = collect(map(str, range(20)), ListFile(tmp_path / "t.json"), session=session)
    assert len(httpserver.log) == 5
    assert all(outcome.status == "failed" for outcome in outcomes)


def test_an_interruption_keeps_what_was_fetched(httpserver, session, tmp_path):
    serve(httpserver, "deadmau5", "rezz")

    def interrupt(outcome):
        raise KeyboardInterrupt

    path = tmp_path / "t.json"
    with pytest.raises(KeyboardInterrupt):
        collect(["deadmau5", "rezz"], ListFile(path), session=session, done=interrupt)
    assert list(json.loads(path.read_text())) == ["deadmau5"]


def test_a_quota_ends_the_service(httpserver, session):
    httpserver.expect_request("/rezz").respond_with_data(
        "", status=429, headers={"Retry-After": "86400"}
    )
    with pytest.raises(ServiceEnded, match="asks to wait"):
        musicmap.fetch("Rezz", session=session)


def test_a_redirect_of_the_sites_own_counts_as_its_spelling(httpserver, session):
    page = PAGE.replace("deadmau5", "Bushwacka!")
    moved = Response(status=301, headers={"location": "/bushwacka%21"})
    httpserver.expect_request("/bushwacka").respond_with_response(moved)
    httpserver.expect_request("/bushwacka!").respond_with_data(page)
    assert musicmap.fetch("Bushwacka", session=session)[0].name == "Skrillex"


def test_another_artist_without_a_redirect_is_somebody_else(httpserver, session):
    httpserver.expect_request("/bushwacka").respond_with_data(PAGE)
    with pytest.raises(UnknownArtist, match="shows 'deadmau5' instead of 'Bushwacka'"):
        musicmap.fetch("Bushwacka", session=session)


def test_a_page_without_neighbours_is_no_list(httpserver, session, tmp_path: Path):
    alone = '<div id=gnodMap><a href="rezz" class=S id=s0>Rezz</a></div>'
    httpserver.expect_request("/rezz").respond_with_data(alone)
    with pytest.raises(UnknownArtist, match="no list for 'Rezz'"):
        musicmap.fetch("Rezz", session=session)
    file = ListFile(tmp_path / "lists.json")
    (outcome,) = collect(["Rezz"], file, session=session)
    assert (outcome.status, outcome.listed) == ("unknown", None)
    assert ListFile(file.path).status("Rezz") == "error"


def test_names_that_cut_an_address_short_are_warned_about(tmp_path: Path, caplog):
    entry = {
        "status": "success",
        "similar_artists": [{"name": "J", "rank": 1, "relationship_strength": 2.0}],
        "total_count": 1,
    }
    raw = tmp_path / "raw.json"
    raw.write_text(json.dumps({"AR/CO": entry, "k?d": entry, "Rezz": entry}))
    read_truth(raw)
    assert "the lists of 'AR/CO', 'k?d' may be somebody else's" in caplog.text
    assert "Rezz" not in caplog.text
    caplog.clear()
    file = ListFile(tmp_path / "own.json")
    file.put("AR/CO", [Similar("J", 2.0)])
    file.save()
    assert read_truth(file.path).lists.keys() == {"AR/CO"}
    assert caplog.text == ""
