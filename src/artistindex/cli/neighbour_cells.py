"""What a table and a CSV file show of a neighbour beside its score: where to hear and find it."""

import os
from typing import Any

from artistindex.cli.tables import from_here
from artistindex.entities import EntryTrack, Neighbour

TABLE_COLUMNS = ("listen to", "place")
CSV_COLUMNS = ("ids", "links", "entry tracks")


def shown(neighbour: Neighbour) -> dict[str, Any]:
    """The cells of both: several values stand in one, parted by semicolons."""
    tracks = neighbour.entry_tracks
    return {
        "listen to": tracks[0].title if tracks else None,
        "place": track_place(tracks[0]) if tracks else None,
        "ids": "; ".join(f"{service}:{id_}" for service, id_ in neighbour.ids.items()),
        "links": "; ".join(neighbour.links.values()),
        "entry tracks": "; ".join(map(track_cell, tracks)),
    }


def track_cell(track: EntryTrack) -> str:
    """A track's title, and where it is."""
    place = track_place(track)
    return track.title if place is None else f"{track.title} ({place})"


def track_place(track: EntryTrack) -> str | None:
    """A track's file, as it is called from here, else its page."""
    return track.link if track.path is None else from_here(os.fspath(track.path))
