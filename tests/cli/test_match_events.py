"""`artistindex match` with events: days, evenings, calendars, choices; and on a person's own."""

import csv
import datetime
import io
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import icalendar
import numpy as np
import pytest

from artistindex import naming
from artistindex.listeners.lineups import read_lineup

Run = Callable[..., tuple[int, str, str]]
Match = Callable[..., dict[str, Any]]
EVENTS = {
    "events": [
        {
            "name": "Night One",
            "event_date": "2027-05-01",
            "venue": "The Cellar",
            "ticket_url": "https://example.org/one",
            "artists": [{"name": "House (live)", "set_time": "23:00"}, {"name": "Pop"}],
        },
        {
            "name": "Night Two",
            "event_date": "2027-05-03",
            "venue": "The | Attic",
            "event_time": "10p-4a",
            "artists": [{"name": "Duo (Techno & Nobody)"}, {"name": "HOUSE"}, {"name": "Popp"}],
        },
        {"name": "Some night", "artists": [{"name": "TBA"}, {"name": "Ballad"}]},
    ]
}


@pytest.fixture
def index(planted: Callable[..., Path]) -> Path:
    return planted(
        {"Techno": [1, 0], "House": [0.9, 0.1], "Pop": [0, 1], "Ballad": [0.2, 0.9], "Like": [1, 1]}
    )


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    events, likes = tmp_path / "events.json", tmp_path / "likes.txt"
    events.write_text(json.dumps(EVENTS))
    likes.write_text("Techno\n")
    return events, likes


@pytest.fixture
def match(run: Run, index: Path, files: tuple[Path, Path]) -> Match:
    def answer(*options: object) -> dict[str, Any]:
        events, likes = files
        arguments = ("match", events, "--likes", likes, "--from", "2027-05-01", *options)
        code, out, err = run(*arguments, "--format", "json")
        assert code == 0, err
        answered: dict[str, Any] = json.loads(out)
        return answered

    return answer


def test_each_act_comes_with_its_events_and_what_was_printed(match: Match) -> None:
    answer = match()
    first, second = answer["ranked"][:2]
    assert (first["artist"], first["favourite"]) == ("Techno", True)
    assert first["billed"] == "Duo (Techno & Nobody)"
    assert (second["artist"], second["billed"], second["also_billed"]) == (
        *("House", "House (live)"),
        ["HOUSE"],
    )
    assert second["events"][0] == {
        "event": "Night One",
        "date": "2027-05-01",
        "venue": "The Cellar",
        "link": "https://example.org/one",
        "set_time": "23:00",
        "time": None,
        "day": None,
        "stage": None,
    }
    assert [event["date"] for event in second["events"]] == ["2027-05-01", "2027-05-03"]


def test_every_billing_is_ranked_or_listed_with_a_reason(match: Match) -> None:
    answer = match()
    assert (answer["events"], answer["billings"]) == (3, 7)
    assert (answer["billings_ranked"], answer["billings_not_ranked"]) == (5, 2)
    reasons = {billing["billed"]: billing for billing in answer["unranked"]}
    assert reasons["TBA"]["reason"] == "not announced yet"
    assert reasons["Popp"]["reason"] == "not indexed"
    assert reasons["Popp"]["closest"] == ["Pop"]
    assert reasons["Popp"]["events"][0]["event"] == "Night Two"
    assert answer["not_indexed"] == ["Popp"]


def test_days_choose_events_and_count_the_others(match: Match) -> None:
    answer = match("--from", "2027-05-02", "--days", 1)
    assert answer["past"] == {"events": 1, "billings": 2}
    assert answer["later"] == {"events": 1, "billings": 3}
    assert [entry["artist"] for entry in answer["ranked"]] == ["Ballad"]


def test_past_events_are_left_out_and_said_so_in_one_line(
    run: Run, index: Path, files: tuple[Path, Path]
) -> None:
    events, likes = files
    content = json.loads(events.read_text())
    content["events"][0]["event_date"] = "2001-05-01"
    content["events"][1]["event_date"] = datetime.date.today().isoformat()
    events.write_text(json.dumps(content))
    code, out, err = run("match", events, "--likes", likes, "--format", "json")
    assert code == 0
    assert json.loads(out)["past"] == {"events": 1, "billings": 2}
    assert "Pop" not in [entry["artist"] for entry in json.loads(out)["ranked"]]
    assert f"left out: 1 event before {datetime.date.today()}\n" in err


def test_evenings_are_ranked_by_who_plays(match: Match, run: Run, files: tuple[Path, Path]) -> None:
    answer = match("--by", "event")
    assert [evening["event"] for evening in answer["evenings"]] == [
        *("Night Two", "Night One", "Some night"),
    ]
    assert [act["artist"] for act in answer["evenings"][0]["acts"]] == ["Techno", "House"]
    assert [entry["artist"] for entry in answer["ranked"]] == ["Techno", "House", "Ballad", "Pop"]
    arguments = ("match", files[0], "--likes", files[1], "--from", "2027-05-01", "--by", "event")
    code, out, _ = run(*arguments, "--format", "csv", "--k", 1)
    assert code == 0
    (row,) = csv.DictReader(io.StringIO(out))
    assert (row["date"], row["time"], row["acts"]) == (
        *("2027-05-03", "10p-4a"),
        "Techno (a favourite), House (0.994)",
    )


def test_csv_has_a_row_for_each_event_and_a_table_one_for_each_act(
    match: Match, run: Run, files: tuple[Path, Path]
) -> None:
    arguments = ("match", files[0], "--likes", files[1], "--from", "2027-05-01", "--k", 2)
    code, out, _ = run(*arguments, "--format", "csv")
    assert code == 0
    rows = list(csv.DictReader(io.StringIO(out)))
    assert [(row["artist"], row["date"], row["time"]) for row in rows] == [
        ("Techno", "2027-05-03", "10p-4a"),
        ("House", "2027-05-01", "23:00"),
        ("House", "2027-05-03", "10p-4a"),
    ]
    assert rows[1]["link"] == "https://example.org/one"
    code, out, _ = run(*arguments)
    assert "Night One (+1 more)" in out
    code, out, _ = run(*arguments, "--format", "markdown")
    lines = out.splitlines()
    assert len(lines) == 4
    assert r"The \| Attic" in lines[2]
    assert "<https://example.org/one>" in lines[3]


def test_a_calendar_has_the_events_of_those_who_are_listed(match: Match, tmp_path: Path) -> None:
    path = tmp_path / "nights.ics"
    match("--ics", path, "--k", 1)
    calendar: Any = icalendar.Calendar.from_ical(path.read_bytes())
    (event,) = calendar.walk("VEVENT")
    assert (event["summary"], event["dtstart"].dt) == ("Night Two", datetime.date(2027, 5, 3))
    assert "Techno (a favourite" in event["description"]


def test_a_playlist_has_tracks_of_those_who_are_listed(match: Match, tmp_path: Path) -> None:
    path = tmp_path / "nights.jspf"
    match("--playlist", path, "--k", 2)
    tracks = json.loads(path.read_text())["playlist"]["track"]
    assert [track["title"] for track in tracks] == ["Techno's song", "House's song"]
    match("--playlist", path, "--k", 1, "--by", "event")
    tracks = json.loads(path.read_text())["playlist"]["track"]
    assert [track["creator"] for track in tracks] == ["Techno", "House"]


@pytest.mark.parametrize(("option", "name"), [("--ics", "a.ics"), ("--playlist", "a.jspf")])
def test_a_file_that_cannot_be_written_is_named_after_the_answer(
    run: Run, index: Path, files: tuple[Path, Path], tmp_path: Path, option: str, name: str
) -> None:
    arguments = ("match", files[0], "--likes", files[1], "--from", "2027-05-01", "--format", "json")
    place = tmp_path / "nowhere" / name
    code, out, err = run("--quiet", *arguments, option, place)
    assert (code, err) == (1, f"Error: cannot write {place}: No such file or directory\n")
    assert json.loads(out)["ranked"]


def test_who_may_be_listed_can_be_chosen(match: Match, tmp_path: Path) -> None:
    names = tmp_path / "names.txt"
    names.write_text("Techno\nhouse\n")
    answer = match("--exclude", names)
    assert [entry["artist"] for entry in answer["ranked"]] == ["Ballad", "Pop"]
    left_out = [billing for billing in answer["unranked"] if "left out" in billing["reason"]]
    assert [billing["artist"] for billing in left_out] == ["House", "Techno"]
    assert answer["billings_ranked"] + answer["billings_not_ranked"] == 7
    only = match("--only", names)
    assert [entry["artist"] for entry in only["ranked"]] == ["Techno", "House"]
    nobody = match("--min-tracks", 2, "--by", "event")
    assert (nobody["ranked"], nobody["evenings"]) == ([], [])


def test_who_is_played_more_is_listed_first_and_weighs_more(
    run: Run, planted: Callable[..., Path], tmp_path: Path
) -> None:
    planted({"A": [1, 0], "B": [0, 1], "Near A": [0.9, 0.1], "Near B": [0.05, 0.9]})
    lineup, likes = tmp_path / "lineup.txt", tmp_path / "likes.csv"
    lineup.write_text("Near A\nNear B\nA\nB\n")
    likes.write_text("artist,plays\nA,900\nB,1\n")
    code, out, _ = run("match", lineup, "--likes", likes, "--format", "json")
    assert code == 0
    answer = json.loads(out)
    assert [entry["artist"] for entry in answer["ranked"]] == ["A", "B", "Near A", "Near B"]
    near_b = answer["ranked"][3]
    assert near_b["score"] < near_b["because"][0]["score"]
    likes.write_text("artist\nA\nB\n")
    code, out, _ = run("match", lineup, "--likes", likes, "--format", "json")
    assert [entry["artist"] for entry in json.loads(out)["ranked"]][2:] == ["Near B", "Near A"]


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (["--from", "2028-01-01", "--days", "3"], "nobody plays from 2028-01-01 to 2028-01-03"),
        (["--from", "tomorrow"], "does not match the format"),
    ],
)
def test_days_on_which_nobody_plays_are_one_line(
    run: Run, index: Path, files: tuple[Path, Path], options: list[str], line: str
) -> None:
    events = files[0]
    content = json.loads(events.read_text())
    del content["events"][2]
    events.write_text(json.dumps(content))
    code, out, err = run("match", events, "--likes", files[1], *options)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert line in err


@pytest.mark.parametrize(
    "options", [["--from", "2027-05-01"], ["--days", "2"], ["--by", "event"], ["--ics", "a.ics"]]
)
def test_a_list_without_dates_has_no_days_to_choose(
    run: Run, index: Path, files: tuple[Path, Path], tmp_path: Path, options: list[str]
) -> None:
    lineup = tmp_path / "lineup.txt"
    lineup.write_text("House\nPop\n")
    code, out, err = run("match", lineup, "--likes", files[1], *options)
    assert (code, out, err.count("\n")) == (2, "", 1)


def test_an_id_says_who_is_meant(run: Run, index: Path, files: tuple[Path, Path]) -> None:
    """A namesake whom the index knows by another id is not taken for the one who plays."""
    from artistindex.entities import Artist, VectorKey
    from artistindex.index.writer import write_index

    mine, other = "4" * 22, "5" * 22
    write_index(
        index,
        key=VectorKey("vggish", "0" * 64),
        artists=[Artist("Techno"), Artist("Vril", {"spotify": mine}), Artist("Rezz")],
        vectors=np.eye(3, dtype=np.float32),
    )
    events = files[0]
    for id_, ranked in ((mine, ["Vril"]), (other, [])):
        acts = [
            {"name": "VRIL", "spotify_id": id_, "id": f"spotify:artist:{id_}"},
            {"name": "Rezz"},
        ]
        events.write_text(json.dumps({"artists": acts}))
        code, out, _ = run("match", events, "--likes", files[1], "--format", "json")
        answer = json.loads(out)
        assert code == 0
        assert [
            entry["artist"] for entry in answer["ranked"] if entry["artist"] != "Rezz"
        ] == ranked
        assert answer["not_indexed"] == ([] if ranked else ["VRIL"])


# --- a person's own files -----------------------------------------------------------------------


@pytest.fixture
def own(shared: Path, planted: Callable[..., Path]) -> dict[str, Any]:
    """Two files of events, favourites, what their billings mean, and an index of all who play."""
    folder = shared / "events"
    files = [folder / "events_2025-11-20.json", folder / "edmtrain_events_2025-11-22.json"]
    meant = _meant(folder / "billings.csv")
    printed = read_lineup(files).names
    plain = [name for name in printed if name not in meant]
    acts = [name for whole, members in meant.values() for name in (*whole, *members)]
    by_folded = {naming.normalise(name): name for name in reversed([*plain, *acts])}
    generator = np.random.default_rng(0)
    planted({name: generator.normal(size=16) for name in by_folded.values()})
    return {"files": files, "likes": folder / "my_artists.json", "meant": meant, "plain": plain}


def _meant(path: Path) -> dict[str, tuple[list[str], list[str]]]:
    """Return the whole act of each odd billing, where it is one, and the members."""
    with path.open(encoding="utf-8", newline="") as opened:
        return {
            row["billing"]: (
                [*filter(None, [row["whole"]])],
                [*filter(None, row["members"].split(";"))],
            )
            for row in csv.DictReader(opened)
        }


def test_all_events_and_billings_of_a_person_are_accounted_for(
    own: dict[str, Any], run: Run
) -> None:
    arguments = ("match", *own["files"], "--likes", own["likes"], "--from", "2025-11-20")
    code, out, err = run(*arguments, "--format", "json")
    assert code == 0, err
    answer = json.loads(out)
    assert (answer["events"], answer["billings"]) == (323, 729)
    assert answer["past"] == answer["later"] == {"events": 0, "billings": 0}
    assert (answer["billings_ranked"], answer["billings_not_ranked"]) == (726, 3)
    assert [billing["reason"] for billing in answer["unranked"]] == [
        "reads like a sentence, not a name"
    ] * 3
    assert answer["not_indexed"] == []
    understood = _understood(answer)
    assert len(own["plain"]) == 637
    for name in own["plain"]:
        assert understood[name] == _folded([name])
    for billing, (whole, members) in own["meant"].items():
        artists = understood.get(billing, set())
        assert artists <= _folded([*whole, *members]), billing
        assert artists >= _folded(whole or members), billing
    favourites = [entry for entry in answer["ranked"] if entry["favourite"]]
    assert len(favourites) == 18
    assert answer["ranked"][:18] == favourites
    [trak] = [entry for entry in favourites if entry["artist"] == "A-Trak"]
    assert "The Brothers Macklovitch (A-Trak & Dave 1 of Chromeo)" in (
        *trak.get("also_billed", ()),
        trak["billed"],
    )


def _understood(answer: dict[str, Any]) -> dict[str, set[str]]:
    """Return the artists' folded names by each billing as it is printed."""
    understood: dict[str, set[str]] = {}
    for entry in answer["ranked"]:
        for billing in (entry["billed"], *entry.get("also_billed", ())):
            understood.setdefault(billing, set()).add(naming.normalise(entry["artist"]))
    return understood


def _folded(names: Iterable[str]) -> set[str]:
    return set(map(naming.normalise, names))


def test_favourites_who_play_are_found_though_none_of_them_is_indexed(
    own: dict[str, Any], run: Run, planted: Callable[..., Path]
) -> None:
    planted({"Techno": [1, 0], "deadmau5": [0, 1]}, model="musicnn")
    arguments = ("match", *own["files"], "--likes", own["likes"], "--from", "2025-11-20")
    code, out, err = run(*arguments, "--index", "musicnn", "--format", "json")
    assert code == 0, err
    answer = json.loads(out)
    by_artist = {entry["artist"]: entry["billed"] for entry in answer["ranked"]}
    assert len(by_artist) == 18 + 1
    assert "A-Trak" in by_artist
    assert by_artist["TEED"] == "Totally Enormous Extinct Dinosaurs (TEED)"
    assert answer["billings_ranked"] + answer["billings_not_ranked"] == 729
    listed = {billing["billed"] for billing in answer["unranked"]} | _understood(answer).keys()
    assert listed == set(read_lineup(own["files"]).names)


def test_twelve_line_ups_are_ranked(
    shared: Path, run: Run, planted: Callable[..., Path], tmp_path: Path
) -> None:
    paths = sorted(path for path in (shared / "lineups").iterdir() if not path.name.startswith("_"))
    assert len(paths) == 12
    lineups = {path: read_lineup(path) for path in paths}
    names = {naming.normalise(name): name for lineup in lineups.values() for name in lineup.names}
    generator = np.random.default_rng(0)
    planted({name: generator.normal(size=8) for name in (*names.values(), "A Favourite")})
    likes = tmp_path / "likes.txt"
    likes.write_text("A Favourite\n")
    for path, lineup in lineups.items():
        dated = any(event.date for event in lineup.events)
        days = ("--from", "2021-01-01") if dated else ()
        code, out, err = run("match", path, "--likes", likes, "--format", "json", *days)
        assert code == 0, err
        answer = json.loads(out)
        assert answer["billings"] == answer["billings_ranked"] == lineup.appearances
        assert _understood(answer).keys() == set(lineup.names)
        days_of = {event["day"] for entry in answer["ranked"] for event in entry["events"]}
        assert days_of - {None} == {day for billing in lineup for day in billing.days}
