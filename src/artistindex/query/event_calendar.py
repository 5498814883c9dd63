"""Evenings as a calendar file (iCalendar, RFC 5545), for the calendars of phones and desks."""

import datetime
import hashlib
import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from artistindex import __version__, naming
from artistindex.query.evenings import Evening, PlayingAct

if TYPE_CHECKING:
    import icalendar

_MAX_ACTS = 20
_LINK = re.compile(r"https?://[!-~]+")  # what may stand in the file unescaped


def to_icalendar(evenings: Iterable[Evening], now: datetime.datetime) -> bytes:
    """Return a calendar of the evenings that have a date, each as an event of a whole day.

    Times stand in the description as they are printed: "10p-4a" says neither the time zone nor
    surely the day. `now` is when the calendar is made, with its time zone. An event keeps its UID
    from one calendar to the next, so that a second import changes it instead of doubling it.
    """
    from icalendar import Calendar

    calendar = Calendar()
    calendar.add("prodid", f"-//artistindex//artistindex {__version__}//EN")
    calendar.add("version", "2.0")
    for evening in evenings:
        if evening.date is not None:
            calendar.add_component(_component(evening, evening.date, now))
    content: bytes = calendar.to_ical()
    return content


def _component(evening: Evening, date: datetime.date, now: datetime.datetime) -> "icalendar.Event":
    from icalendar import Event

    component = Event()
    component.add("uid", uid_of(evening))
    component.add("dtstamp", now)
    component.add("dtstart", date)
    component.add("summary", naming.printable(evening.name))
    component.add("description", "\n".join(map(naming.printable, _description(evening))))
    if evening.event.venue:
        component.add("location", naming.printable(evening.event.venue))
    if evening.event.link and _LINK.fullmatch(evening.event.link):
        component.add("url", evening.event.link)
    component.add("transp", "TRANSPARENT")  # an idea, no appointment
    return component


def uid_of(evening: Evening) -> str:
    """Return what tells an evening from all others, the same in every calendar."""
    event = evening.event
    identity = (event.name or evening.name, event.date, event.venue, evening.day, event.link)
    text = "\0".join(str(part or "") for part in identity)
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:32]


def _description(evening: Evening) -> Iterator[str]:
    """Yield what a person reads of an evening: its time, who plays, where tickets are."""
    if evening.event.time:
        yield evening.event.time
    yield from map(_line, evening.acts[:_MAX_ACTS])
    if len(evening.acts) > _MAX_ACTS:
        yield f"and {len(evening.acts) - _MAX_ACTS} more"
    if evening.event.link:
        yield evening.event.link


def _line(act: PlayingAct) -> str:
    entry = act.entry
    reason = entry.because[0]
    why = "a favourite" if entry.favourite else f"like {reason.artist}, {reason.score:.2f}"
    time = f"{act.appearance.set_time} " if act.appearance.set_time else ""
    billed = "" if entry.billed == entry.artist else f", billed {entry.billed}"
    return f"{time}{entry.artist} ({why}{billed})"
