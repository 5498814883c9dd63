"""Which evening to go out: events, and days of festivals, ranked by who plays."""

import datetime
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from artistindex.listeners.bills import Appearance, Event
from artistindex.query.lineup import LineupEntry

Place = tuple[Event | None, str | None]


@dataclass(frozen=True, slots=True)
class PlayingAct:
    """A ranked artist with the appearance on one evening."""

    entry: LineupEntry
    appearance: Appearance

    def to_json(self) -> dict[str, Any]:
        """Return an entry of `acts` in the JSON shape of `artistindex match --by event`."""
        return {
            "artist": self.entry.artist,
            "billed": self.entry.billed,
            "score": self.entry.score,
            "favourite": self.entry.favourite,
            "set_time": self.appearance.set_time,
            "stage": self.appearance.stage,
        }


@dataclass(frozen=True, slots=True)
class Evening:
    """An event, or a day of one, with the ranked artists who play, best first."""

    rank: int
    event: Event
    day: str | None
    acts: tuple[PlayingAct, ...]

    @property
    def name(self) -> str:
        """What it is called: else its day, else who plays."""
        acts = ", ".join(act.entry.artist for act in self.acts[:3])
        return self.event.name or self.day or acts

    @property
    def date(self) -> datetime.date | None:
        """When it is, as far as the files tell."""
        return self.event.date

    def to_json(self) -> dict[str, Any]:
        """Return an entry of `evenings` in the JSON shape of `artistindex match --by event`."""
        return {
            "rank": self.rank,
            "event": self.event.name,
            "date": self.date.isoformat() if self.date else None,
            "day": self.day,
            "venue": self.event.venue,
            "link": self.event.link,
            "time": self.event.time,
            "acts": [act.to_json() for act in self.acts],
        }


def rank_evenings(entries: Iterable[LineupEntry]) -> list[Evening]:
    """Rank the evenings on which ranked artists play: by the best act, then the second best, ...

    A favourite counts as a perfect act, a disliked artist as none. Artists of whom the files tell
    no event and no day are on no evening.
    """
    acts_on: dict[Place, list[PlayingAct]] = {}
    for entry in entries:
        for appearance in entry.appearances:
            place = (appearance.event, appearance.day)
            if place != (None, None):
                acts_on.setdefault(place, []).append(PlayingAct(entry, appearance))
    evenings = [
        Evening(0, event or Event(), day, _each_once(acts))
        for (event, day), acts in acts_on.items()
    ]
    evenings.sort(key=_worth, reverse=True)
    return [replace(evening, rank=rank) for rank, evening in enumerate(evenings, 1)]


def _each_once(acts: Sequence[PlayingAct]) -> tuple[PlayingAct, ...]:
    """Return the acts best first, one who plays twice on an evening once."""
    first = {act.entry.artist: act for act in reversed(acts)}
    return tuple(sorted(first.values(), key=lambda act: act.entry.rank))


def _worth(evening: Evening) -> list[float]:
    return [act.entry.score for act in evening.acts if not act.entry.disliked]
