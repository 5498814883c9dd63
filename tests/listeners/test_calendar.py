"""Days, dates and times, and names that look like them."""

import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from artistindex.listeners import calendar


@pytest.mark.parametrize(
    "text",
    [
        *("Fri", "SATURDAY", "Friday 10 April", "Friday, April 10th 2026", "Sat 11/04/2026"),
        *("Day 1", "Weekend 2", "Both weekends", "2025-06-12", "April 10", "Samstag", "day two"),
        *("Friday - April 10", "Friday 11"),
    ],
)
def test_days(text: str) -> None:
    assert calendar.is_day(text)


@pytest.mark.parametrize(
    "text", ["Saturday Night Live", "Sunday (1994)", "May", "1991", "Day", "Friday Rezz", "3 Doors"]
)
def test_names_that_are_no_days(text: str) -> None:
    assert not calendar.is_day(text)


@pytest.mark.parametrize(
    ("text", "date"),
    [
        ("2025-11-22", (2025, 11, 22)),
        ("2025-11-22T20:00:00", (2025, 11, 22)),
        ("Friday, April 10th 2026", (2026, 4, 10)),
        ("10 Sept. 2026", (2026, 9, 10)),
        ("Friday 10 April", None),
        ("11/04/2026", None),
        ("31 February 2026", None),
        ("2025-13-45", None),
        ("", None),
    ],
)
def test_dates(text: str, date: tuple[int, int, int] | None) -> None:
    assert calendar.parse_date(text) == (datetime.date(*date) if date else None)


@pytest.mark.parametrize(
    ("line", "name", "time"),
    [
        ("22:00 Rezz", "Rezz", "22:00"),
        ("Rezz 22:00-23:30", "Rezz", "22:00-23:30"),
        ("Rezz – 10pm", "Rezz", "10pm"),
        ("Rezz (3:30)", "Rezz", "3:30"),
        ("[22:00 - 23:30] Rezz", "Rezz", "22:00 - 23:30"),
        ("22.30 Uhr Rezz", "Rezz", "22.30 Uhr"),
        ("10p-4a Rezz", "Rezz", "10p-4a"),
        ("Jamie 3:26 22:00", "Jamie 3:26", "22:00"),
    ],
)
def test_a_time_is_taken_off(line: str, name: str, time: str) -> None:
    assert calendar.split_time(line) == (name, time)


NAMES = [
    "Jamie 3:26",
    "1991",
    "24/7 Love",
    "3 Doors Down",
    "11:11",
    "Apartment 3A",
    "SP:MC",
    "Sum 41",
]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_keeps_its_digits(name: str) -> None:
    assert calendar.split_time(name) == (name, None)


@given(st.text(max_size=80))
def test_no_line_is_lost_or_made(line: str) -> None:
    name, _ = calendar.split_time(line, bare=True)
    assert name in line
    assert bool(name) == bool(line.strip())


@pytest.mark.parametrize(
    "text", ["9pm", "22:00", "10:30p-7a", "9p-?", "8:30-10:30p", "22:00 - late"]
)
def test_times(text: str) -> None:
    assert calendar.is_time(text)
