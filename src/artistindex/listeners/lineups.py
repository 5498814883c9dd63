"""Who plays where and when, out of the files that people have of line-ups and events."""

from collections.abc import Callable, Iterable

from artistindex import naming
from artistindex.errors import Misuse
from artistindex.listeners import calendar, event_files, posters
from artistindex.listeners.bills import (
    UNDERSTOOD,
    Appearance,
    Bill,
    BilledAct,
    Billing,
    Event,
    Lineup,
)
from artistindex.listeners.favourites import Files, from_table, mentions_of, sources_of
from artistindex.listeners.structure import Document, Structure, read_document
from artistindex.listeners.tables import Column, Table
from artistindex.listeners.user_files import Source, label_of

_COLUMNS = (
    *(Column.EVENT, Column.DATE, Column.VENUE, Column.LINK),
    *(Column.DAY, Column.STAGE, Column.TIME),
)


def read_lineup(files: Files, *, knows: Callable[[str], bool] | None = None) -> Lineup:
    """Read a line-up from one file or several; `-` is standard input.

    What kind of file each is is told by its structure (docs/lineups.md has the kinds). `knows`
    tells whether there is an artist of a name: with it, a list with commas keeps names that have
    commas of their own. Raises Misuse, in one line, for a file that cannot be read, is of no such
    kind, or bills nobody.
    """
    sources = sources_of(files)
    bills = [_read_bill(source, knows) for source in sources]
    events = dict.fromkeys(event for bill in bills for event in bill.events)
    billings = _merge(act for bill in bills for act in bill.acts)
    return Lineup(billings, tuple(events), tuple(map(label_of, sources)))


def _read_bill(source: Source, knows: Callable[[str], bool] | None) -> Bill:
    document = read_document(source)
    bill = _read_document(document, knows)
    if not any(naming.clean(act.name) for act in bill.acts):
        raise Misuse(f"{document.source}: no artist in it; {UNDERSTOOD}")
    return bill


def _read_document(document: Document, knows: Callable[[str], bool] | None) -> Bill:
    match document.structure:
        case Structure.TEXT:
            return posters.read_poster(document.content, knows)
        case Structure.TABLE:
            return _from_table(document.content)
        case Structure.JSON | Structure.YAML:
            return event_files.read_events(document)
        case _:
            mentions = mentions_of(document)
            return Bill(tuple(BilledAct(mention.name, ids=mention.ids) for mention in mentions))


def _merge(acts: Iterable[BilledAct]) -> tuple[Billing, ...]:
    """Return a billing for each spelling: whether two spellings are one act is not told here."""
    appearances: dict[str, list[Appearance]] = {}
    ids: dict[str, dict[str, str]] = {}
    for act in acts:
        if name := naming.clean(act.name):
            appearances.setdefault(name, []).append(act.appearance)
            ids.setdefault(name, {}).update(act.ids)
    return tuple(Billing(name, tuple(appearances[name]), ids[name]) for name in appearances)


def _from_table(table: Table) -> Bill:
    rows = list(zip(*(table.cells(column) for column in _COLUMNS), strict=True))
    acts = []
    for row, mentions in from_table(table, Column.ARTIST, Column.ACT):
        event_name, when, venue, link, day, stage, time = rows[row]
        parsed = calendar.parse_date(when)
        event = Event(event_name or None, parsed, venue or None, link or None)
        appearance = Appearance(
            event if event != Event() else None,
            day or (when if when and not parsed else None),
            stage or None,
            time or None,
        )
        acts += [BilledAct(mention.name, appearance, mention.ids) for mention in mentions]
    events = (act.appearance.event for act in acts)
    return Bill(tuple(acts), tuple(event for event in events if event))
