"""What `artistindex match` shows: artists with their evenings, or evenings with their artists."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from artistindex import naming
from artistindex.cli.described import COLUMN, KEY, descriptions_of
from artistindex.cli.neighbour_cells import CSV_COLUMNS, TABLE_COLUMNS, shown
from artistindex.cli.output import counted
from artistindex.entities import Artist
from artistindex.errors import Misuse
from artistindex.listeners.bills import Appearance, Event
from artistindex.query.acts import Unranked
from artistindex.query.evenings import Evening, rank_evenings
from artistindex.query.lineup import LineupEntry, Ranking
from artistindex.query.lineup_answer import Answer

if TYPE_CHECKING:
    from artistindex.embedding.descriptors import Description

_MAX_SHOWN = 10
_MAX_ACTS_SHOWN = 5
_ACT_COLUMNS = ("rank", "artist", "billed", "score", "percentile", "because")
_EVENING_COLUMNS = ("rank", "date", "day", "time", "event", "venue", "acts", "link")
_EVENT_COLUMNS = ("date", "day", "stage", "time", "event", "venue", "link")


class View(Protocol):
    """What is shown of an answer, and the evenings of those who are in it."""

    @property
    def entries(self) -> Sequence[LineupEntry]:
        """The artists in it."""

    @property
    def evenings(self) -> Sequence[Evening]:
        """When and where they play."""

    def columns(self, output_format: str) -> Sequence[str]:
        """The columns that a table, CSV or Markdown has."""

    def rows(self, output_format: str) -> list[dict[str, Any]]:
        """The rows of it."""

    def to_json(self) -> dict[str, Any]:
        """The JSON of it."""


def view(answer: Answer, *, by: str, k: int | None, indexes: Path) -> View:
    """Return the best `k` artists, or evenings; all of them where `k` is None.

    Artists are described by the index of descriptors in `indexes`, if there is one.
    """
    ranked = answer.ranking.ranked
    if by == "artist":
        artists = [Artist(entry.artist, entry.ids) for entry in ranked[:k]]
        return _Artists(answer, ranked[:k], descriptions_of(indexes, artists))
    evenings = rank_evenings(ranked)
    if ranked and not evenings:
        raise Misuse("the files tell no event and no day at which a ranked artist plays")
    return _Evenings(answer, evenings[:k])


# --- artists ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Artists:
    answer: Answer
    entries: Sequence[LineupEntry]
    descriptions: "Sequence[Description | None] | None" = None

    @property
    def evenings(self) -> Sequence[Evening]:
        return rank_evenings(self.entries)

    def to_json(self) -> dict[str, Any]:
        payload = self.answer.to_json(self.entries)
        for row, told in zip(payload["ranked"], self.descriptions or (), strict=False):
            row[KEY] = None if told is None else told.to_json()
        return payload

    def columns(self, output_format: str) -> Sequence[str]:
        """Columns that are empty all over are left out, in CSV only those of the events."""
        events = [column for column in _EVENT_COLUMNS if self._tells(column)]
        sound = () if self.descriptions is None else (COLUMN,)
        if output_format == "csv":
            return (*_ACT_COLUMNS, *sound, *events, *CSV_COLUMNS)
        billed = any(not _is_plain(entry) for entry in self.entries)
        acts = [column for column in _ACT_COLUMNS if column != "billed" or billed]
        tracks = TABLE_COLUMNS if any(entry.entry_tracks for entry in self.entries) else ()
        return (*acts, *sound, *events, *tracks)

    def _tells(self, column: str) -> bool:
        return any(
            _event_cells(appearance)[column]
            for entry in self.entries
            for appearance in entry.appearances
        )

    def rows(self, output_format: str) -> list[dict[str, Any]]:
        """A row for each artist, with the first event; in CSV one for each event."""
        rows = []
        for at, entry in enumerate(self.entries):
            told = self.descriptions[at] if self.descriptions else None
            sound = {COLUMN: None if told is None else str(told)}
            appearances = entry.stated_appearances or [Appearance()]
            first = appearances if output_format == "csv" else appearances[:1]
            more = len(appearances) - len(first)
            act = _act_cells(entry) | sound
            rows += [act | _event_cells(appearance, more) for appearance in first]
        return rows


def _act_cells(entry: LineupEntry) -> dict[str, Any]:
    """A line for people: the reasons in words."""
    reasons = [f"{reason.artist} {reason.score:.3f}" for reason in entry.because]
    because = "a favourite" if entry.favourite else ", ".join(reasons)
    return {
        "rank": entry.rank,
        "artist": entry.artist,
        "billed": "; ".join((entry.billed, *entry.also_billed)),
        "score": entry.score,
        "percentile": entry.percentile,
        "because": "disliked" if entry.disliked else because,
        **shown(entry),
    }


def _is_plain(entry: LineupEntry) -> bool:
    spellings = (entry.billed, *entry.also_billed)
    return all(naming.same_name(entry.artist, spelling) for spelling in spellings)


def _event_cells(appearance: Appearance, more: int = 0) -> dict[str, Any]:
    event = appearance.event or Event()
    return {
        "date": event.date.isoformat() if event.date else None,
        "day": None if event.date else appearance.day,
        "stage": appearance.stage,
        "time": appearance.set_time or event.time,
        "event": f"{event.name or ''} (+{more} more)".strip() if more else event.name,
        "venue": event.venue,
        "link": event.link,
    }


# --- evenings -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Evenings:
    answer: Answer
    evenings: Sequence[Evening]

    @property
    def entries(self) -> Sequence[LineupEntry]:
        acts = (act.entry for evening in self.evenings for act in evening.acts)
        return list({entry.rank: entry for entry in acts}.values())

    def to_json(self) -> dict[str, Any]:
        payload = self.answer.to_json(self.answer.ranking.ranked)
        return payload | {"evenings": [evening.to_json() for evening in self.evenings]}

    def columns(self, output_format: str) -> Sequence[str]:
        rows = self.rows(output_format)
        return [column for column in _EVENING_COLUMNS if any(row[column] for row in rows)] or [
            "rank"
        ]

    def rows(self, output_format: str) -> list[dict[str, Any]]:
        return [
            _evening_cells(evening, is_whole=output_format == "csv") for evening in self.evenings
        ]


def _evening_cells(evening: Evening, *, is_whole: bool) -> dict[str, Any]:
    acts = [
        f"{act.entry.artist} ({'a favourite' if act.entry.favourite else f'{act.entry.score:.3f}'})"
        for act in evening.acts
    ]
    more = 0 if is_whole else max(0, len(acts) - _MAX_ACTS_SHOWN)
    listed = [*acts[: len(acts) - more], *([f"{more} more"] if more else [])]
    cells = _event_cells(Appearance(evening.event, evening.day))
    return cells | {"rank": evening.rank, "acts": ", ".join(listed)}


# --- remarks ------------------------------------------------------------------------------------


def remarks(answer: Answer) -> Iterator[str]:
    """Yield who could not be ranked or counted, and why, a line each."""
    ranking = answer.ranking
    yield from _days_left_out(answer)
    yield from ranking.remarks
    for who, missing in (
        ("of the line-up", _with_closest(ranking)),
        ("of the favourites", ranking.likes_not_indexed),
        ("of the disliked", ranking.dislikes_not_indexed),
    ):
        if missing:
            yield f"{len(missing)} {who} are not indexed: {_some_of(missing)}"
    for reason in (Unranked.PROSE, Unranked.TO_BE_ANNOUNCED, Unranked.LEFT_OUT):
        names = [billing.name for billing in ranking.unranked if billing.reason is reason]
        if names:
            yield f"{len(names)} of the line-up {_WORDS[reason]}: {_some_of(names)}"
    for failed in (answer.failed or [])[:_MAX_SHOWN]:
        yield f"  {failed['artist']}: {failed['reason']} ({failed['stage']})"


_WORDS = {
    Unranked.PROSE: "read like sentences, not names",
    Unranked.TO_BE_ANNOUNCED: "are not announced yet",
    Unranked.LEFT_OUT: "are left out as asked",
}


def _days_left_out(answer: Answer) -> Iterator[str]:
    counts = [
        f"{counted(events, 'event')} {when} {day}"
        for is_past, when, day in (
            (True, "before", answer.days and answer.days.first),
            (False, "after", answer.days and answer.days.last),
        )
        if (events := answer.left_out(is_past=is_past)["events"])
    ]
    if counts:
        yield f"left out: {' and '.join(counts)}"


def _with_closest(ranking: Ranking) -> list[str]:
    """Return who is not indexed, with the nearest names of the index."""
    closest = {naming.normalise(billing.name): billing.closest for billing in ranking.unranked}
    return [
        f"{name} ({' or '.join(near)}?)" if (near := closest[naming.normalise(name)]) else name
        for name in ranking.not_indexed
    ]


def _some_of(names: Sequence[str]) -> str:
    more = f" and {len(names) - _MAX_SHOWN} more" if len(names) > _MAX_SHOWN else ""
    return f"{', '.join(names[:_MAX_SHOWN])}{more}"
