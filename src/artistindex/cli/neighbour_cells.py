"""What a table and a CSV file show of a neighbour beside its score: where to hear and find it."""

import os
from typing import Any

from artistindex.cli.tables import from_here
from artistindex.entities import EntryTrack, Neighbour

TABLE_COLUMNS = ("listen to",)
CSV_COLUMNS = ("ids", "links", "entry tracks")
_MAX_PATH = 36


def shown(neighbour: Neighbour) -> dict[str, Any]:
    """The cells of both: several values stand in one, parted by semicolons."""
    tracks = neighbour.entry_tracks
    return {
        "listen to": short_cell(tracks[0]) if tracks else None,
        "ids": "; ".join(f"{service}:{id_}" for service, id_ in neighbour.ids.items()),
        "links": "; ".join(neighbour.links.values()),
        "entry tracks": "; ".join(map(track_cell, tracks)),
    }


def track_cell(track: EntryTrack) -> str:
    """A track's title, and where it is."""
    place = track_place(track)
    return track.title if place is None else f"{track.title} ({place})"


def short_cell(track: EntryTrack) -> str:
    """A track's title, and where it is, a path cut in the middle; for tables."""
    place = track_place(track)
    if place is None:
        return track.title
    return f"{track.title} ({place if track.path is None else _cut(place)})"


def _cut(path: str) -> str:
    """The two ends of a long path."""
    if len(path) <= _MAX_PATH:
        return path
    return f"{path[: _MAX_PATH // 3]}…{path[-2 * _MAX_PATH // 3 + 1 :]}"


def track_place(track: EntryTrack) -> str | None:
    """A track's file, as it is called from here, else its page."""
    return track.link if track.path is None else from_here(os.fspath(track.path))
