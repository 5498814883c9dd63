"""`artistindex page`."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from artistindex.pages.packing import find_data, pack, unpack
from cli.test_match_events import EVENTS


@pytest.fixture
def files(tmp_path: Path, planted) -> tuple[Path, Path]:
    planted({name: [at + 1, 3] for at, name in enumerate(("Techno", "House", "Pop", "Ballad"))})
    events, likes = tmp_path / "events.json", tmp_path / "likes.txt"
    events.write_text(json.dumps(EVENTS))
    likes.write_text("Techno\n")
    return events, likes


def header_of(page: Path) -> dict[str, Any]:
    packed = find_data(page.read_bytes())
    assert packed is not None
    return unpack(packed)[0]


def test_a_line_up_and_a_map(run, files, tmp_path):
    events, likes = files
    out = tmp_path / "a.html"
    code, printed, err = run("page", events, "--likes", likes, "--from", "2027-05-01", "--out", out)
    assert (code, printed) == (0, "")
    assert "a.html has 4 acts and a map of 4 artists" in err
    assert "true neighbours; a blind one" in err
    header = header_of(out)
    assert header["map"]["names"] == ["Techno", "House", "Pop", "Ballad"]
    assert [act["name"] for act in header["lineup"]["acts"]] == [
        "Techno",
        "House",
        "Pop",
        "Ballad",
    ]
    assert str(tmp_path) not in out.read_text()


def test_the_events_are_those_of_the_calendar_of_match(run, files, tmp_path):
    import icalendar

    events, likes = files
    common = (events, "--likes", likes, "--from", "2027-05-01")
    run("page", *common, "--out", tmp_path / "a.html")
    run("match", *common, "--ics", tmp_path / "a.ics")
    calendar = icalendar.Calendar.from_ical((tmp_path / "a.ics").read_bytes())
    acts = header_of(tmp_path / "a.html")["lineup"]["acts"]
    uids = {event["uid"] for act in acts for event in act["events"] if event["date"]}
    assert uids == {str(event["uid"]) for event in calendar.events}


def test_the_map_alone_and_the_line_up_alone(run, files, tmp_path):
    events, likes = files
    assert run("page", "--map", "--likes", likes, "--out", tmp_path / "map.html")[0] == 0
    header = header_of(tmp_path / "map.html")
    assert (header["lineup"], header["favourites"], header["playing"]) == (None, [0], [])
    arguments = ("page", events, "--likes", likes, "--from", "2027-05-01", "--no-map")
    assert run(*arguments, "--title", "Mine", "--out", tmp_path / "l.html")[0] == 0
    header = header_of(tmp_path / "l.html")
    assert header["map"] is None
    assert "<title>Mine</title>" in (tmp_path / "l.html").read_text()


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["EVENTS"], "give --likes FILE"),
        (["--no-map"], "nothing to show"),
        (["--dislikes", "LIKES"], "--dislikes ranks a line-up"),
        (["--index", "vggish", "--index", "musicnn"], "give --index once"),
        (["-", "--likes", "-"], "standard input"),
    ],
)
def test_what_cannot_be_meant_is_one_line_and_writes_nothing(
    run, files, tmp_path, arguments, reason
):
    named = {"EVENTS": files[0], "LIKES": files[1]}
    out = tmp_path / "page.html"
    code, _, err = run("page", *(named.get(word, word) for word in arguments), "--out", out)
    assert code == 2
    assert reason in err
    assert not out.exists()


def test_the_page_that_is_there_is_where_the_map_begins(run, planted, tmp_path):
    planted(count=12)
    out = tmp_path / "page.html"
    out.write_text("<p>somebody's own")
    assert run("page", "--out", out)[0] == 0
    packed = find_data(out.read_bytes())
    assert packed is not None
    header, columns = unpack(packed)
    turned = pack(header, columns | {"x": columns["y"], "y": columns["x"]}).encode()
    out.write_bytes(out.read_bytes().replace(packed, turned))
    assert run("page", "--out", out)[0] == 0
    assert places_of(out) == pytest.approx(np.stack([columns["y"], columns["x"]]), abs=2)
    assert run("page", "--out", out, "--fresh")[0] == 0
    assert places_of(out) == pytest.approx(np.stack([columns["x"], columns["y"]]), abs=2)


def places_of(page: Path) -> np.ndarray:
    packed = find_data(page.read_bytes())
    assert packed is not None
    columns = unpack(packed)[1]
    return np.stack([columns["x"], columns["y"]])


def test_a_place_that_cannot_be_written_is_one_line(run, files, tmp_path):
    code, _, err = run("page", "--out", tmp_path / "nowhere" / "page.html")
    assert code == 1
    assert err.startswith("Error: cannot write")
