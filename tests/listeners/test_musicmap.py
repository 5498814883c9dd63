"""music-map's pages as a stranger may serve them, and the file of lists."""

import json
import re
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_httpserver import HTTPServer
from werkzeug import Response

from artistindex.errors import Misuse, ServiceEnded, ServiceError, UnknownArtist
from artistindex.listeners import musicmap
from artistindex.listeners.musicmap import ListFile, Similar, collect, parse, read_truth
from truths import entry, write_truth

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
    assert [one.name for one in parse(page, "deadmau5")] == [
        "Skrillex",
        "Simon & Garfunkel",
        "Sigur Rós",
        "Justice",
    ]
    assert all(one.strength is None for one in parse(page, "deadmau5"))


@pytest.mark.parametrize("row", ["", "-1", "-1,x,nan,inf,-3", "-1,,,,"])
def test_a_matrix_of_nonsense_gives_no_strengths(row):
    page = PAGE.replace("-1,12.7927,4.52047,-1,4.6", row)
    assert [one.strength for one in parse(page, "deadmau5")] == [None] * 4


def test_names_are_listed_once_and_never_the_artist_itself():
    page = PAGE.replace("Justice", "SKRILLEX").replace("Sigur R&oacute;s", "DEADMAU5")
    assert [one.name for one in parse(page, "deadmau5")] == ["Skrillex", "Simon & Garfunkel"]


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
        assert all(isinstance(one, Similar) for one in parse(page, "X"))


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


def asked(httpserver: HTTPServer) -> list[str]:
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
    assert asked(httpserver) == ["/one", "/two", "/three"]
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


# --- the file -----------------------------------------------------------------------------------


def test_the_experiments_file_is_written_as_it_was_read(shared, tmp_path):
    source = shared / "musicmap" / "similar_artists_map.json"
    copy = tmp_path / "copy.json"
    copy.write_bytes(source.read_bytes())
    file = ListFile(copy)
    file.put("An artist nobody had", [Similar("Rezz", 2.5), Similar("IMANU", None)])
    file.save()
    before, after = source.read_text("utf-8"), copy.read_text("utf-8")
    assert after.startswith(before.removesuffix("\n}"))
    assert json.loads(after)["An artist nobody had"] == {
        "status": "success",
        "similar_artists": [
            {"name": "Rezz", "rank": 1, "relationship_strength": 2.5},
            {"name": "IMANU", "rank": 2, "relationship_strength": -1.0},
        ],
        "total_count": 2,
    }


def test_the_experiments_file_is_understood(shared):
    truth = read_truth(shared / "musicmap" / "similar_artists_map.json")
    assert len(truth.lists) == 903  # of 904 lists, one is of an artist spelled twice
    assert truth.unknown_strengths == 9
    assert truth.lists["Vril"][0] == Similar("Prince of Denmark", 8.03662)
    assert "Bambii" not in truth.repeated or "BAMBII" not in truth.repeated


def test_saving_merges_with_what_another_process_wrote(tmp_path):
    path = write_truth(tmp_path / "t.json", {"A": ["B"], "Lost": None})
    one, other = ListFile(path), ListFile(path)
    one.put("C", [Similar("D", 1.0)])
    other.put("E", [Similar("F", 1.0)])
    one.save()
    other.save()
    assert list(json.loads(path.read_text())) == ["A", "Lost", "C", "E"]


def test_a_list_is_never_replaced_by_none(tmp_path):
    path = write_truth(tmp_path / "t.json", {"Rezz": ["B"], "Lost": None})
    file = ListFile(path)
    file.put_unknown("REZZ", "gone")
    file.put_unknown("Lost", "still")
    file.put("lost", [Similar("X", 1.0)])
    file.save()
    found = json.loads(path.read_text())
    assert found["Rezz"] == entry(["B"])
    assert found["Lost"]["status"] == "success"
    assert len(found) == 2


def test_nothing_new_leaves_the_file_alone(tmp_path):
    path = tmp_path / "t.json"
    path.write_text('{"A":{"status":"error","error":"x","own":1}}')
    ListFile(path).save()
    assert path.read_text() == '{"A":{"status":"error","error":"x","own":1}}'


def test_what_the_file_says_more_is_kept(tmp_path):
    path = tmp_path / "t.json"
    path.write_text(r'{"\ud800":{"status":"error","error":"x","own":[1,NaN]}}')
    file = ListFile(path)
    file.put("B", [])
    file.save()
    found = json.loads(path.read_text())
    assert found["\ud800"]["own"][0] == 1
    assert list(found) == ["\ud800", "B"]


@given(name=st.text(min_size=1, max_size=40), other=st.text(max_size=40))
def test_any_name_survives(tmp_path_factory, name, other):
    path = tmp_path_factory.mktemp("lists") / "t.json"
    file = ListFile(path)
    file.put(name, [Similar(other, 1.0)])
    file.save()
    assert ListFile(path).status(name) == "success"


BAD = {
    "no JSON": "{",
    "no UTF-8": b"\xff\xfe\x00",
    "a list": "[]",
    "another file of the experiment": '{"mapping": {"Rezz": "4aKdmOXdUKX07HVd3sGgzw"}}',
    "no status": '{"A": {"similar_artists": []}}',
    "no list": '{"A": {"status": "success"}}',
    "no name": '{"A": {"status": "success", "similar_artists": [{"rank": 1}]}}',
    "a number": '{"A": {"status": "success", "similar_artists": [3]}}',
    "twice": '{"A": {"status": "error"}, "A": {"status": "error"}}',
    "deep": "[" * 100_000,
    "long number": '{"A": ' + "9" * 5000 + "}",
}


@pytest.mark.parametrize("text", BAD.values(), ids=BAD.keys())
def test_files_of_another_shape_are_refused_and_left_alone(tmp_path, text):
    path = tmp_path / "t.json"
    content = text if isinstance(text, bytes) else text.encode()
    path.write_bytes(content)
    for use in (read_truth, ListFile):
        with pytest.raises(Misuse, match=r"t\.json .*expected music-map lists") as raised:
            use(path)
        assert "\n" not in str(raised.value)
    assert path.read_bytes() == content


@pytest.mark.parametrize("lists", [{}, {"A": None}])
def test_a_truth_without_a_list(tmp_path, lists):
    with pytest.raises(Misuse, match="holds no list"):
        read_truth(write_truth(tmp_path / "t.json", lists))


def test_oddities_of_a_truth_are_counted(tmp_path):
    path = write_truth(
        tmp_path / "t.json",
        {
            "Rezz": {"B": 3.0, "b": 2.0, "REZZ": 1.0, "C": float("nan"), "D": None, "E": -1.0},
            "REZZ": ["X"],
            "rezz": None,
            "Lost": None,
        },
    )
    truth = read_truth(path)
    assert [one.name for one in truth.lists["Rezz"]] == ["B", "C", "D", "E"]
    assert truth.repeated == ("b", "REZZ", "REZZ")
    assert truth.unknown_strengths == 3
    assert truth.without_list == ("Lost",)


def test_ranks_order_a_list(tmp_path):
    found = entry(["A", "B", "C"])
    found["similar_artists"].reverse()
    path = tmp_path / "t.json"
    path.write_text(json.dumps({"X": found}))
    assert [one.name for one in read_truth(path).lists["X"]] == ["A", "B", "C"]


def test_an_out_that_cannot_be_written(tmp_path):
    with pytest.raises(Misuse, match="is a folder"):
        ListFile(tmp_path)
    (tmp_path / "file").touch()
    file = ListFile(tmp_path / "file" / "t.json")
    file.put("A", [])
    with pytest.raises(Misuse, match="cannot write"):
        file.save()


# --- collecting ---------------------------------------------------------------------------------


def statuses(outcomes) -> dict[str, str]:
    return {one.artist: one.status for one in outcomes}


def test_collecting_goes_on_where_it_stopped(httpserver, session, tmp_path: Path):
    serve(httpserver, "deadmau5", "rezz")
    httpserver.expect_request("/nobody").respond_with_data("", status=404)
    path = write_truth(tmp_path / "t.json", {"Vril": ["Traumprinz"], "Lost": None})
    wanted = ["deadmau5", "Vril", "vril", "Nobody", "Lost", "  "]
    first = collect(wanted, ListFile(path), session=session)
    assert statuses(first) == {
        "deadmau5": "fetched",
        "Vril": "known",
        "Nobody": "unknown",
        "Lost": "unknown",
    }
    assert first[0].listed == 4
    again = collect([*wanted, "Rezz"], ListFile(path), session=session)
    assert statuses(again)["Rezz"] == "fetched"
    assert asked(httpserver) == ["/deadmau5", "/nobody", "/rezz"]
    assert read_truth(path).lists.keys() == {"Vril", "deadmau5", "Rezz"}


def test_retry_failed_asks_again(httpserver, session, tmp_path):
    serve(httpserver, "lost")
    path = write_truth(tmp_path / "t.json", {"Lost": None})
    found = collect(["Lost"], ListFile(path), session=session, retry_failed=True)
    assert statuses(found) == {"Lost": "fetched"}


def test_a_failing_service_is_left_alone_and_nothing_is_lost(httpserver, session, tmp_path):
    serve(httpserver, "deadmau5")
    for name in "abcdef":
        httpserver.expect_request(f"/{name}").respond_with_data("", status=503)
    path = tmp_path / "t.json"
    found = collect(["deadmau5", *"abcdef"], ListFile(path), session=session)
    assert statuses(found) == {"deadmau5": "fetched"} | dict.fromkeys("abcdef", "failed")
    assert "not asked" in found[-1].reason
    assert list(json.loads(path.read_text())) == ["deadmau5"]


def test_pages_of_no_use_end_the_run(httpserver, session, tmp_path):
    httpserver.expect_request(re.compile(".*")).respond_with_data("<p>log in</p>")
    found = collect(map(str, range(20)), ListFile(tmp_path / "t.json"), session=session)
    assert len(httpserver.log) == 5
    assert all(one.status == "failed" for one in found)


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
