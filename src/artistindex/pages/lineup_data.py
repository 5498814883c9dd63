"""What a page knows of a line-up: who plays, why that is for somebody, when and where."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from artistindex import naming
from artistindex.index.reader import ArtistIndex
from artistindex.listeners.bills import Appearance, Event, Lineup
from artistindex.listeners.favourites import Favourites
from artistindex.pages.audio_files import AudioFiles
from artistindex.pages.tracks import PageTrack
from artistindex.query.acts import Names, Taste, find_taste
from artistindex.query.evenings import Place, rank_evenings
from artistindex.query.event_calendar import uid_of
from artistindex.query.lineup import LineupEntry, rank_lineup
from artistindex.query.rank_ranges import RankRange, rank_ranges

_ADDRESS = re.compile(r"https?://[!-~]+")  # what may be a link: nothing that runs


@dataclass(frozen=True, slots=True)
class PageAppearance:
    """One time that an act plays; `uid` tells the evening from all others."""

    appearance: Appearance
    uid: str

    @property
    def event(self) -> Event:
        """The event; an empty one where the file tells none."""
        return self.appearance.event or Event()

    @property
    def date(self) -> str | None:
        """The date as YYYY-MM-DD."""
        return self.event.date.isoformat() if self.event.date else None

    @property
    def when(self) -> str | None:
        """The day by which a page filters: its date, else the day as the file calls it."""
        return self.date or self.appearance.day

    @property
    def weekday(self) -> str | None:
        """The date as people say it."""
        date = self.event.date
        return f"{date:%a} {date.day} {date:%b %Y}" if date else self.appearance.day

    @property
    def time(self) -> str | None:
        """When the act plays, else when the event begins, as printed."""
        return self.appearance.set_time or self.event.time

    @property
    def place(self) -> str | None:
        """The venue, else the stage."""
        return self.event.venue or self.appearance.stage

    @property
    def link(self) -> str | None:
        """The page of the tickets, if it is an address that may be a link."""
        link = self.event.link
        return link if link and _ADDRESS.fullmatch(link) else None

    def to_json(self) -> dict[str, Any]:
        """Return the appearance as the page's code reads it."""
        return {
            "uid": self.uid,
            "event": self.event.name,
            "date": self.date,
            "when": self.when,
            "time": self.time,
            "venue": self.event.venue,
            "stage": self.appearance.stage,
            "link": self.link,
        }


@dataclass(frozen=True, slots=True)
class PageAct:
    """An act of the line-up; `key` tells it from the others, on this page and on the next."""

    key: str
    entry: LineupEntry
    range: RankRange | None
    appearances: tuple[PageAppearance, ...]
    tracks: tuple[PageTrack, ...]

    @property
    def billed(self) -> list[str]:
        """The spellings of the line-up that are not the artist's own."""
        spellings = (self.entry.billed, *self.entry.also_billed)
        return [name for name in spellings if not naming.same_name(name, self.entry.artist)]

    def to_json(self) -> dict[str, Any]:
        """Return the act as the page's code reads it."""
        return {
            "key": self.key,
            "name": self.entry.artist,
            "row": self.entry.row,
            "favourite": self.entry.favourite,
            "events": [appearance.to_json() for appearance in self.appearances],
            "tracks": [track.to_json() for track in self.tracks],
        }


@dataclass(frozen=True, eq=False)
class LineupData:
    """A ranked line-up; `favourites` are the rows of those liked who are in the index."""

    acts: Sequence[PageAct]
    favourites: Sequence[int]
    missing: Sequence[tuple[str, Sequence[str]]]
    """Who plays and is not in the index, with the nearest names there."""
    favourites_missing: int

    @property
    def has_appearances(self) -> bool:
        """Whether the files tell when or where anybody plays."""
        return any(act.appearances for act in self.acts)

    @property
    def days(self) -> list[tuple[str, str]]:
        """The days on which anybody plays, in order: by what is filtered, and as people say it."""
        days = {
            appearance.when: appearance.weekday or appearance.when
            for act in self.acts
            for appearance in act.appearances
            if appearance.when
        }
        if all(re.fullmatch(r"\d{4}-\d\d-\d\d", day) for day in days):
            return sorted(days.items())
        return list(days.items())

    @property
    def places(self) -> list[str]:
        """The venues and stages, sorted."""
        places = {appearance.place for act in self.acts for appearance in act.appearances}
        return sorted(filter(None, places), key=naming.normalise)

    @property
    def playing(self) -> list[int]:
        """The rows of those who play."""
        return [act.entry.row for act in self.acts if act.entry.row is not None]

    def header(self) -> dict[str, Any]:
        """Return what the page's code reads."""
        return {"acts": [act.to_json() for act in self.acts]}


def lineup_data(
    index: ArtistIndex,
    lineup: Lineup | Sequence[str],
    likes: Favourites | Sequence[str],
    dislikes: Favourites | Sequence[str] = (),
    *,
    audio: AudioFiles | None = None,
) -> LineupData:
    """Rank a line-up for somebody's favourites, as `rank_lineup`, and say how sure the ranks are.

    Raises what `rank_lineup` raises.
    """
    ranking = rank_lineup(index, lineup, likes, dislikes)
    taste = find_taste(index, Names(index), likes, dislikes)
    ranges = _ranges(index, ranking.ranked, taste)
    uids: dict[Place, str] = {
        (evening.event, evening.day): uid_of(evening) for evening in rank_evenings(ranking.ranked)
    }
    closest = {naming.normalise(billing.name): billing.closest for billing in ranking.unranked}
    return LineupData(
        acts=[_act(entry, ranges.get(entry.rank), uids, audio) for entry in ranking.ranked],
        favourites=sorted(taste.liked),
        missing=[(name, closest[naming.normalise(name)]) for name in ranking.not_indexed],
        favourites_missing=len(ranking.likes_not_indexed),
    )


def _ranges(
    index: ArtistIndex, entries: Sequence[LineupEntry], taste: Taste
) -> dict[int, RankRange]:
    """Return by rank the ranges of those who are neither favourites nor disliked."""
    ranked = [entry for entry in entries if not (entry.favourite or entry.disliked)]
    above = sum(entry.favourite for entry in entries)
    rows = [entry.row for entry in ranked if entry.row is not None]
    ranges = rank_ranges(index, taste, rows, above=above)
    return {entry.rank: range_ for entry, range_ in zip(ranked, ranges, strict=True)}


def _act(
    entry: LineupEntry,
    range_: RankRange | None,
    uids: Mapping[Place, str],
    audio: AudioFiles | None,
) -> PageAct:
    name = naming.normalise(entry.artist).encode("utf-8", "replace")
    return PageAct(
        key=hashlib.sha256(name).hexdigest()[:8],
        entry=entry,
        range=range_,
        appearances=tuple(
            PageAppearance(appearance, uids.get((appearance.event or Event(), appearance.day), ""))
            for appearance in entry.stated_appearances
        ),
        tracks=tuple(PageTrack.of(track, audio) for track in entry.entry_tracks),
    )
