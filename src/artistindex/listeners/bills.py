"""What a bill says: acts as they are printed, and the events, days and stages that they play."""

import datetime
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NoReturn, Self

from artistindex import naming
from artistindex.errors import Misuse

UNDERSTOOD = (
    "understood are lists of acts as text, CSV with a column artist, JSON or YAML (with days, or"
    " events with their artists)"
)


@dataclass(frozen=True, slots=True)
class Event:
    """An evening, or a day of a festival, as far as a file tells of it.

    `time` and `link` are as printed; `date` is None where the file gives no date that is certain.
    """

    name: str | None = None
    date: datetime.date | None = None
    venue: str | None = None
    link: str | None = None
    time: str | None = None

    def is_within(self, first: datetime.date, last: datetime.date | None = None) -> bool:
        """Tell whether it is on a day from `first` to `last`, or on a day that is not known."""
        if self.date is None:
            return True
        return first <= self.date and (last is None or self.date <= last)


@dataclass(frozen=True, slots=True)
class Appearance:
    """One time that an act plays: at an event, on a day and a stage, at a time, all as printed."""

    event: Event | None = None
    day: str | None = None
    stage: str | None = None
    set_time: str | None = None


@dataclass(frozen=True, slots=True)
class Billing:
    """An act as the bill prints it, with all its appearances.

    `ids` maps services to the act's id there, as far as the file gives it.
    """

    name: str
    appearances: tuple[Appearance, ...]
    ids: Mapping[str, str] = field(default_factory=dict, hash=False)

    @property
    def events(self) -> tuple[Event, ...]:
        """The events that it plays, each once, in the file's order."""
        events = (appearance.event for appearance in self.appearances)
        return tuple(dict.fromkeys(event for event in events if event))

    @property
    def days(self) -> tuple[str, ...]:
        """The days that it plays as the file calls them, each once."""
        days = (appearance.day for appearance in self.appearances)
        return tuple(dict.fromkeys(day for day in days if day))


@dataclass(frozen=True, slots=True)
class Lineup:
    """The acts of a line-up, each printed spelling once, and the events, those without acts too."""

    billings: tuple[Billing, ...]
    events: tuple[Event, ...]
    sources: tuple[Path, ...]

    @property
    def names(self) -> list[str]:
        """The names as printed, in order."""
        return [billing.name for billing in self.billings]

    @property
    def appearances(self) -> int:
        """How many times anybody plays: an act that plays twice counts twice."""
        return sum(len(billing.appearances) for billing in self.billings)

    @classmethod
    def of(cls, names: Iterable[str]) -> Self:
        """Return a line-up of which nothing but the names is known, each spelling once."""
        distinct = dict.fromkeys(filter(None, map(naming.clean, names)))
        return cls(tuple(Billing(name, (Appearance(),)) for name in distinct), (), ())

    def between(self, first: datetime.date, last: datetime.date | None = None) -> Self:
        """Return the line-up of the days from `first` to `last`; what has no date stays."""
        return replace(
            self,
            billings=tuple(
                replace(billing, appearances=appearances)
                for billing in self.billings
                if (
                    appearances := tuple(
                        appearance
                        for appearance in billing.appearances
                        if appearance.event is None or appearance.event.is_within(first, last)
                    )
                )
            ),
            events=tuple(event for event in self.events if event.is_within(first, last)),
        )

    def __iter__(self) -> Iterator[Billing]:
        return iter(self.billings)

    def __len__(self) -> int:
        return len(self.billings)


@dataclass(frozen=True, slots=True)
class BilledAct:
    """One line of a bill: what a reader of one format yields."""

    name: str
    appearance: Appearance = Appearance()
    ids: Mapping[str, str] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class Bill:
    """What one file says."""

    acts: tuple[BilledAct, ...]
    events: tuple[Event, ...] = ()


def refuse(source: Path, content: str) -> NoReturn:
    """Raise Misuse that names what was found and what is understood."""
    raise Misuse(f"{source}: found {content}; {UNDERSTOOD}")
