"""A ranked line-up as an answer: the days asked for, and what became of every billing."""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from artistindex.listeners.bills import Event, Lineup
from artistindex.query.lineup import LineupEntry, Ranking, unranked_json


@dataclass(frozen=True, slots=True)
class Days:
    """The days asked for; without `last` all from the first on."""

    first: datetime.date
    last: datetime.date | None

    def __str__(self) -> str:
        return f"from {self.first}" + (f" to {self.last}" if self.last else " on")


@dataclass(frozen=True, slots=True)
class Answer:
    """A ranking, with the `whole` line-up as it was read and what was `chosen` of it by `days`.

    `failed` are those whom an ingest could not get, None where there was none.
    """

    index: str
    ranking: Ranking
    whole: Lineup
    chosen: Lineup
    days: Days | None
    failed: list[dict[str, str]] | None

    def to_json(self, entries: Sequence[LineupEntry]) -> dict[str, Any]:
        """Return the answer with `entries` of the ranking in the JSON shape of the command."""
        ranking = self.ranking
        payload: dict[str, Any] = {
            "index": self.index,
            "ranked": [entry.to_json() for entry in entries],
            "not_indexed": ranking.not_indexed,
            "unranked": [unranked_json(billing) for billing in ranking.unranked],
            **self._counts(),
        }
        if ranking.likes_not_indexed:
            payload["likes_not_indexed"] = ranking.likes_not_indexed
        if ranking.dislikes_not_indexed:
            payload["dislikes_not_indexed"] = ranking.dislikes_not_indexed
        if self.failed is not None:
            payload["failed"] = self.failed
        return payload

    def _counts(self) -> dict[str, Any]:
        """How many events and billings the files have, and what became of them."""
        spellings = {
            spelling
            for entry in self.ranking.ranked
            for spelling in (entry.billed, *entry.also_billed)
        }
        ranked = sum(
            len(billing.appearances) for billing in self.chosen if billing.name in spellings
        )
        return {
            "events": len(self.whole.events),
            "billings": self.whole.appearances,
            "past": self.left_out(is_past=True),
            "later": self.left_out(is_past=False),
            "billings_ranked": ranked,
            "billings_not_ranked": self.chosen.appearances - ranked,
        }

    def left_out(self, *, is_past: bool) -> dict[str, int]:
        """How many events and billings are before, or after, the days asked for."""
        events = [event for event in self.whole.events if self._is_out(event, is_past)]
        billings = sum(
            self._is_out(appearance.event, is_past)
            for billing in self.whole
            for appearance in billing.appearances
        )
        return {"events": len(events), "billings": billings}

    def _is_out(self, event: Event | None, is_past: bool) -> bool:
        if self.days is None or event is None or event.is_within(self.days.first, self.days.last):
            return False
        return event.date is not None and (event.date < self.days.first) is is_past
