"""Evenings ranked by who plays, and their calendar, read back by another program's parser."""

import datetime
from dataclasses import replace
from typing import Any

import icalendar
import pytest
from hypothesis import given
from hypothesis import strategies as st

from artistindex.listeners.bills import Appearance, Event
from artistindex.query.evenings import Evening, rank_evenings
from artistindex.query.event_calendar import to_icalendar
from artistindex.query.lineup import LineupEntry, Reason

NOW = datetime.datetime(2027, 4, 1, 12, tzinfo=datetime.UTC)
FRIDAY = Event("Night One", datetime.date(2027, 5, 1), "The Cellar", "https://example.org/1?a=1,2")
SATURDAY = Event("Night Two", datetime.date(2027, 5, 2))


def entry(name: str, score: float, *events: Event, **details: Any) -> LineupEntry:
    appearances = tuple(Appearance(event, set_time="22:00") for event in events)
    values: dict[str, Any] = {
        "billed": name,
        "favourite": score == 1.0,
        "because": (Reason("Rezz", score),),
        "appearances": appearances,
    }
    rank = round(1000 - 1000 * score)
    return LineupEntry(rank, name, score, None, 1, **{**values, **details})


def test_an_evening_is_worth_its_best_act_then_its_second_best() -> None:
    both, alone, third = Event("Both"), Event("Alone"), Event("Third")
    entries = [
        entry("Favourite", 1.0, alone, both),
        entry("Good", 0.9, both, third),
        entry("Fair", 0.5, third),
    ]
    evenings = rank_evenings(entries)
    assert [evening.event.name for evening in evenings] == ["Both", "Alone", "Third"]
    assert [evening.rank for evening in evenings] == [1, 2, 3]
    assert [act.entry.artist for act in evenings[0].acts] == ["Favourite", "Good"]


def test_who_is_disliked_makes_no_evening_better() -> None:
    first, other = Event("One"), Event("Other")
    entries = [entry("Disliked", 0.9, first, disliked=True), entry("Fair", 0.1, other)]
    assert [evening.event.name for evening in rank_evenings(entries)] == ["Other", "One"]


def test_days_of_a_festival_are_evenings_and_acts_without_either_are_on_none() -> None:
    friday = entry("A", 0.5, appearances=(Appearance(day="Friday"), Appearance(day="Friday")))
    nowhere = entry("B", 0.9, appearances=(Appearance(),))
    (evening,) = rank_evenings([friday, nowhere])
    assert (evening.day, evening.name, evening.date) == ("Friday", "Friday", None)
    assert len(evening.acts) == 1


def test_the_calendar_is_read_back_by_icalendar() -> None:
    evenings = rank_evenings(
        [entry("Vril; \\ \x07", 1.0, FRIDAY), entry("Rezz", 0.5, SATURDAY, billed="Rezz (live)")]
    )
    content = to_icalendar(evenings, NOW)
    assert max(map(len, content.split(b"\r\n"))) <= 75
    assert icalendar.Calendar.from_ical(content)["version"] == "2.0"
    first, second = _events(content)
    assert (first["summary"], first["location"]) == ("Night One", "The Cellar")
    assert first["dtstart"].dt == datetime.date(2027, 5, 1)
    assert first["dtstamp"].dt == NOW
    assert first["url"] == FRIDAY.link
    assert first["description"].splitlines() == [
        r"22:00 Vril; \ \x07 (a favourite)",
        "https://example.org/1?a=1,2",
    ]
    assert second["description"] == "22:00 Rezz (like Rezz, 0.50, billed Rezz (live))"
    assert "url" not in second
    assert "location" not in second


def test_an_event_keeps_its_uid_and_no_two_share_one() -> None:
    evenings = rank_evenings([entry("A", 0.5, FRIDAY, SATURDAY)])
    later = rank_evenings([entry("B", 0.9, FRIDAY), entry("A", 0.5, FRIDAY, SATURDAY)])
    uids = [
        {str(event["summary"]): str(event["uid"]) for event in _events(to_icalendar(result, NOW))}
        for result in (evenings, later)
    ]
    assert uids[0] == uids[1]
    assert len(set(uids[0].values())) == 2


def test_two_shows_of_one_night_are_two_events() -> None:
    early, late = (
        replace(FRIDAY, link="https://a.b/early"),
        replace(FRIDAY, link="https://a.b/late"),
    )
    events = _events(to_icalendar(rank_evenings([entry("A", 0.5, early, late)]), NOW))
    assert len({str(event["uid"]) for event in events}) == 2


def test_an_evening_without_a_date_is_in_no_calendar() -> None:
    assert not _events(to_icalendar(rank_evenings([entry("A", 0.5, Event("Some day"))]), NOW))


@given(
    st.text(min_size=1).filter(str.strip),
    st.text(),
    st.one_of(st.none(), st.text(), st.text().map(lambda text: f"https://{text}")),
)
def test_no_name_venue_or_link_breaks_out_of_its_line(
    name: str, venue: str, link: str | None
) -> None:
    event = Event(name, datetime.date(2027, 5, 1), venue, link, time=venue)
    content = to_icalendar([Evening(1, event, None, ())], NOW)
    (component,) = _events(content)
    assert {"UID", "DTSTAMP", "DTSTART", "SUMMARY", "DESCRIPTION", "TRANSP"} <= set(component)
    assert set(component) <= {
        *("UID", "DTSTAMP", "DTSTART", "SUMMARY", "DESCRIPTION", "TRANSP", "LOCATION", "URL")
    }
    assert not component.errors


def _events(content: bytes) -> list[Any]:
    calendar: Any = icalendar.Calendar.from_ical(content)
    return list(calendar.walk("VEVENT"))


def test_a_link_that_is_no_address_is_not_written_as_one() -> None:
    event = Event("A", datetime.date(2027, 5, 1), link="https://example.org/a b")
    (component,) = _events(to_icalendar([Evening(1, event, None, ())], NOW))
    assert "url" not in component


@pytest.mark.parametrize("acts", [20, 21])
def test_a_long_bill_is_cut_in_the_calendar(acts: int) -> None:
    entries = [entry(f"Act {at:02}", 0.5, FRIDAY) for at in range(acts)]
    (component,) = _events(to_icalendar(rank_evenings(entries), NOW))
    assert ("and 1 more" in component["description"]) is (acts == 21)
