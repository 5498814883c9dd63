"""Line-ups in JSON and YAML: lists of acts, days of a festival, saved answers of events APIs."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from artistindex import naming
from artistindex.listeners import calendar, mentions
from artistindex.listeners.bills import Appearance, Bill, BilledAct, Event, refuse
from artistindex.listeners.structure import Document
from artistindex.listeners.user_files import kind

_ACTS = ("artists", "artistList", "lineup", "line-up", "line_up", "acts", "performers", "performer")
_EVENTS = ("events", "data", "results", "items")
_NAMES = ("name", "title", "event", "display_name", "festival", "eventName")
_DATES = ("event_date", "date", "datetime", "startDate", "start_date", "starts_at")
_VENUES = ("venue", "location", "place")
_LINKS = ("ticket_url", "ticket_link", "tickets", "link", "url")
_TIMES = ("event_time", "start_time", "startTime", "time", "doors")
_SET_TIMES = ("set_time", "setTime", "time", "start_time", "start")
_ACT_NAMES = ("name", "artist", "act", "artist_name", "performer")


def read_events(document: Document) -> Bill:
    """Return what a JSON or YAML document bills. Raises Misuse for one of another shape."""
    value = document.content
    if isinstance(value, list):
        return _from_list(value, document)
    if not isinstance(value, dict):
        refuse(document.source, kind(value))
    if isinstance(value.get("days"), list):
        return _from_festival(value, document)
    events = next((value[key] for key in _EVENTS if isinstance(value.get(key), list)), None)
    if events is not None:
        return _from_list(events, document)
    if _acts_key(value):
        return _from_event(value, document)
    if not value or not all(calendar.is_day(str(key)) for key in value):
        keys = ", ".join(map(str, list(value)[:5]))
        refuse(document.source, f"an object with the keys {naming.quoted(keys, 100)}")
    return _from_days_as_keys(value, document)


def _from_list(entries: Sequence[Any], document: Document) -> Bill:
    """Of a list of events, or of acts."""
    acts: list[BilledAct] = []
    events: list[Event] = []
    for position, entry in enumerate(entries, 1):
        if isinstance(entry, dict) and _acts_key(entry):
            bill = _from_event(entry, document)
            acts += bill.acts
            events += bill.events
        else:
            acts += _act(entry, Appearance(), document, position)
    return Bill(tuple(acts), tuple(events))


def _from_event(record: Mapping[str, Any], document: Document) -> Bill:
    event = Event(
        name=_text(record, _NAMES),
        date=calendar.parse_date(_text(record, _DATES) or ""),
        venue=_text(record, _VENUES),
        link=_text(record, _LINKS),
        time=_text(record, _TIMES),
    )
    stated = event if event != Event() else None
    acts = _acts(record, Appearance(stated, day=_text(record, ("day",))), document)
    return Bill(tuple(acts), (event,) if stated else ())


def _from_festival(festival: Mapping[str, Any], document: Document) -> Bill:
    """Of a festival with numbered days, which have artists or stages."""
    acts: list[BilledAct] = []
    events = []
    for position, record in enumerate(festival["days"], 1):
        if not isinstance(record, dict):
            refuse(document.source, f"{kind(record)} as day {position}")
        event = Event(
            name=_text(festival, ("display_name", *_NAMES)),
            date=calendar.parse_date(_text(record, _DATES) or ""),
            venue=_text(festival, _VENUES),
            link=_text(festival, _LINKS),
        )
        acts += _acts(record, Appearance(event, day=_day_of(record)), document)
        events.append(event)
    return Bill(tuple(acts), tuple(events))


def _day_of(record: Mapping[str, Any]) -> str | None:
    """What a festival calls a day; the day 0 is a festival of one."""
    number = _text(record, ("number",))
    numbered = f"Day {number}" if number and number != "0" else None
    return _text(record, ("display_name", "name", "day", "title")) or numbered


def _from_days_as_keys(days: Mapping[str, Any], document: Document) -> Bill:
    acts: list[BilledAct] = []
    for day, value in days.items():
        date = calendar.parse_date(day)
        appearance = Appearance(Event(date=date) if date else None, day=day)
        stages = value if isinstance(value, dict) and not _acts_key(value) else {None: value}
        for stage, entries in stages.items():
            placed = Appearance(appearance.event, day, stage)
            record = entries if isinstance(entries, dict) else {"artists": entries}
            acts += _acts(record, placed, document)
    events = dict.fromkeys(act.appearance.event for act in acts)
    return Bill(tuple(acts), tuple(event for event in events if event))


def _acts(
    record: Mapping[str, Any], appearance: Appearance, document: Document
) -> Iterator[BilledAct]:
    """Yield who plays at an event or a day: its artists, those of its stages too."""
    key = _acts_key(record)
    for position, entry in enumerate(record[key] if key else (), 1):
        yield from _act(entry, appearance, document, position)
    stages = record.get("stages")
    for stage in stages if isinstance(stages, list) else ():
        key = _acts_key(stage) if isinstance(stage, dict) else None
        placed = Appearance(appearance.event, appearance.day, _text(stage, _NAMES) if key else None)
        for position, entry in enumerate(stage[key] if key else (), 1):
            yield from _act(entry, placed, document, position)


def _act(
    entry: Any, appearance: Appearance, document: Document, position: int
) -> Iterator[BilledAct]:
    if isinstance(entry, str):
        # a scraper's list may hold times; what an event calls its artist is one
        if appearance.event or not calendar.is_time(entry.partition("|")[0]):
            yield BilledAct(entry, appearance)
        return
    if not isinstance(entry, dict) or not any(key in entry for key in _ACT_NAMES):
        refuse(document.source, f"{kind(entry)} without a name as entry {position} of a list")
    name = _text(entry, _ACT_NAMES)
    if name is not None:
        yield BilledAct(
            name,
            Appearance(
                appearance.event,
                appearance.day or _text(entry, ("day",)),
                appearance.stage or _text(entry, ("stage",)),
                _text(entry, _SET_TIMES),
            ),
            mentions.ids_of(entry),
        )


def _acts_key(record: Mapping[str, Any]) -> str | None:
    return next((key for key in _ACTS if isinstance(record.get(key), list)), None)


def _text(record: Mapping[str, Any], keys: Sequence[str]) -> str | None:
    """Return the first text under one of `keys`, or the name of an object that is there."""
    for key in keys:
        value = record.get(key)
        if isinstance(value, dict):
            value = value.get("name")
        if isinstance(value, int) and not isinstance(value, bool):
            value = str(value)
        if isinstance(value, str) and (text := naming.clean(value)):
            return text
    return None
