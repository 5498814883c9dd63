"""Days, dates and times as bills print them: recognised, parsed, and taken off a name."""

import re
from datetime import date, datetime
from functools import lru_cache

_WEEKDAY = (
    r"(?:mon|tue|tues|wed|thu|thur|thurs|fri|sat|sun|monday|tuesday|wednesday|thursday|friday"
    r"|saturday|sunday|montag|dienstag|mittwoch|donnerstag|freitag|samstag|sonntag|lundi|mardi"
    r"|mercredi|jeudi|vendredi|samedi|dimanche|lunes|martes|miércoles|jueves|viernes|sábado|domingo"
    r"|maandag|dinsdag|woensdag|donderdag|vrijdag|zaterdag|zondag)\.?"
)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?"
    r"|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\.?"
)
_DAY_OF_MONTH = r"\d{1,2}(?:st|nd|rd|th|\.)?"
_WORDED_DATE = (
    rf"(?:{_MONTH}\s+{_DAY_OF_MONTH}(?:,?\s+\d{{4}})?"
    rf"|{_DAY_OF_MONTH}\s+(?:of\s+)?{_MONTH}(?:,?\s+\d{{4}})?)"
)
_NUMERIC_DATE = r"(?:\d{4}-\d{2}-\d{2}|\d{1,2}[./-]\d{1,2}[./-](?:\d{4}|\d{2}))"
_SHORT_DATE = r"\d{1,2}[./]\d{1,2}\.?"
_DATE = rf"(?:{_NUMERIC_DATE}|{_WORDED_DATE})"
_NUMBERED = (
    r"(?:day|weekend|week|night|tag|jour|día|dia)\s*#?\s*(?:\d{1,2}|one|two|three|four|five)"
)
_EVERY = r"(?:both|all)\s+(?:days|weekends|nights|weekend)"
_WEEKDAY_AND_DATE = rf"{_WEEKDAY}(?:[\s,]+(?:{_DATE}|{_SHORT_DATE}|{_DAY_OF_MONTH}))?"
_DAY = rf"(?:{_WEEKDAY_AND_DATE}|{_DATE}|{_NUMBERED}|{_EVERY})"
_A_DAY = re.compile(rf"{_DAY}(?:\s*[-–—:,(]\s*{_DAY}\)?)?", re.IGNORECASE)
_A_DATE = re.compile(_NUMERIC_DATE)
_ANY_DATE = re.compile(_DATE, re.IGNORECASE)
_DATE_WITH_YEAR = re.compile(
    rf"\b(?:{_NUMERIC_DATE}|{_MONTH}\s+{_DAY_OF_MONTH},?\s+\d{{4}}|{_DAY_OF_MONTH}\s+{_MONTH},?\s+\d{{4}})\b",
    re.IGNORECASE,
)
_ISO_DATE = re.compile(r"(\d{4}-\d{2}-\d{2})(?:[T ]|$)")

_HOUR_24 = r"(?:(?:[01]?\d|2[0-4])[:h][0-5]\d|(?:[01]\d|2[0-4])\.[0-5]\d)"
_HOUR_12 = r"(?:1[0-2]|0?[1-9])(?:[:.][0-5]\d)?\s?[ap]\.?m\.?"
_SHORT_HOUR = r"(?:1[0-2]|0?[1-9])(?:[:.][0-5]\d)?[ap]?"
_POINT = rf"(?:{_HOUR_12}|{_HOUR_24}(?:\s?(?:uhr|h|hrs))?)"
_END = rf"(?:{_POINT}|{_SHORT_HOUR}|\?|late|close|end)"
_RANGE = (
    rf"(?:{_POINT}\s?(?:-|–|—|to|till|until)\s?{_END}"
    rf"|{_SHORT_HOUR}\s?[-–—]\s?(?:(?:1[0-2]|0?[1-9])(?:[:.][0-5]\d)?[ap](?:\.?m\.?)?|\?))"
)
_A_RANGE = re.compile(_RANGE, re.IGNORECASE)
_A_TIME = re.compile(rf"{_RANGE}|{_POINT}", re.IGNORECASE)
_DIGIT = re.compile(r"\d")
_BARE_TIME = re.compile(r"\d[:h.]\d{2}")  # as in Jamie 3:26
_LINES_REMEMBERED = 1 << 16  # the same lines are looked at again and again
_MAX_TIME_CHARACTERS = 60
_TIME = rf"(?P<time>{_RANGE}|{_POINT})"
_LEADING_TIME = re.compile(
    rf"(?P<open>[\[(])?{_TIME}(?(open)[\])])(?:\s*[-–—]\s+|\s*[|·•:,]\s*|\s+)(?=\S)", re.IGNORECASE
)
_TRAILING_TIME = re.compile(
    rf"(?P<gap>\s*[|@·•,]\s*|\s+[-–—]\s+|\s*(?=[\[(])|\s+)"
    rf"(?P<open>[\[(])?{_TIME}(?(open)[\])])$",
    re.IGNORECASE,
)


@lru_cache(maxsize=_LINES_REMEMBERED)
def is_day(text: str) -> bool:
    """Tell whether the whole text names days: "Fri", "Friday, April 10", "Day 1", a date."""
    return _A_DAY.fullmatch(text.strip()) is not None


def is_date(text: str) -> bool:
    """Tell whether the whole text is a date in digits."""
    return _A_DATE.fullmatch(text.strip()) is not None


def holds_date(text: str) -> bool:
    """Tell whether a date with its year stands somewhere in a text."""
    return _DATE_WITH_YEAR.search(text) is not None


def is_time(text: str) -> bool:
    """Tell whether the whole text is a time or a span of time."""
    return _A_TIME.fullmatch(text.strip()) is not None


def parse_date(text: str) -> date | None:
    """Return the date that a text holds: an ISO date (with or without a time), a month in words.

    A date without its year, and one in digits that may be read two ways, is None.
    """
    iso = _ISO_DATE.match(text.strip())
    try:
        if iso:
            return date.fromisoformat(iso[1])
        worded = _ANY_DATE.search(text)
        return _parse_worded(worded[0]) if worded else None
    except ValueError:  # a 31st of February
        return None


def _parse_worded(text: str) -> date | None:
    year = re.search(r"\b(\d{4})\b", text)
    day = re.search(r"\b(\d{1,2})(?:st|nd|rd|th|\.)?(?=\W|$)", text)
    month = re.search(r"[A-Za-z]{3}", re.sub(r"\d+(?:st|nd|rd|th)", "", text))
    if not (year and day and month) or month[0].lower() not in _MONTHS:
        return None
    return datetime(int(year[1]), _MONTHS.index(month[0].lower()) + 1, int(day[1])).date()


def split_time(text: str, *, bare: bool = False) -> tuple[str, str | None]:
    """Return a line without the time that stands before or after the name, and that time.

    A time that may as well belong to the name ("Jamie 3:26") is taken off only if `bare`.
    """
    line = text.strip()
    for match in _times_in(line):
        if not (bare or _is_clearly_a_time(match)):
            continue
        rest = line[match.end() :] if match.start() == 0 else line[: match.start()]
        if rest.strip():
            return rest.strip(), match["time"].strip()
    return line, None


@lru_cache(maxsize=_LINES_REMEMBERED)
def _times_in(line: str) -> tuple[re.Match[str], ...]:
    """Return the time before the name and the one after it."""
    if not _DIGIT.search(line):
        return ()
    tail = max(0, len(line) - _MAX_TIME_CHARACTERS)
    matches = (_LEADING_TIME.match(line), _TRAILING_TIME.search(line, tail))
    return tuple(match for match in matches if match)


def _is_clearly_a_time(match: re.Match[str]) -> bool:
    return match["open"] is not None or _BARE_TIME.fullmatch(match["time"]) is None
