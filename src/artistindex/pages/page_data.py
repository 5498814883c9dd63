"""Everything that one page shows, before it is HTML."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from artistindex import __version__
from artistindex.errors import Misuse
from artistindex.index.reader import ArtistIndex
from artistindex.listeners.bills import Lineup
from artistindex.listeners.favourites import Favourites
from artistindex.pages.audio_files import AudioFiles
from artistindex.pages.earlier import Places
from artistindex.pages.lineup_data import LineupData, lineup_data
from artistindex.pages.map_data import MapData
from artistindex.pages.packing import pack
from artistindex.query.acts import Names, find_taste

FORMAT = 1
"""Of the data inside the page."""


@dataclass(frozen=True, eq=False)
class PageData:
    """What a page shows: a line-up, a map of the index's artists, or both.

    `favourites` are rows of the index; `created` says when the index was built; `has_audio` that
    the page may play files.
    """

    title: str
    index: str
    artists: int
    tracks: int
    created: str
    lineup: LineupData | None
    map: MapData | None
    favourites: Sequence[int] = ()
    has_audio: bool = False
    version: str = __version__

    def header(self) -> dict[str, Any]:
        """Return the text that the page's code reads, without the numbers of `arrays`."""
        return {
            "format": FORMAT,
            "title": self.title,
            "index": self.index,
            "favourites": list(self.favourites),
            "playing": self.lineup.playing if self.lineup else [],
            "lineup": self.lineup and self.lineup.header(),
            "map": self.map and self.map.header(),
        }

    def arrays(self) -> dict[str, NDArray[np.int64]]:
        """Return the numbers that the page's code reads."""
        return self.map.arrays() if self.map else {}

    def packed(self) -> str:
        """Return all of it as the page carries it, in base64."""
        return pack(self.header(), self.arrays())


def page_data(
    index: ArtistIndex,
    lineup: Lineup | Sequence[str] | None = None,
    likes: Favourites | Sequence[str] = (),
    dislikes: Favourites | Sequence[str] = (),
    *,
    title: str | None = None,
    with_map: bool = True,
    earlier: Places | None = None,
    audio: AudioFiles | None = None,
) -> PageData:
    """Gather what a page of an open index shows.

    With a `lineup` and who is liked, who plays is ranked; the map is of all artists, laid out from
    `earlier` on where there is that. Only with `audio` the page plays files.

    Raises Misuse where there would be nothing to show, or a line-up but no favourites, and what
    `rank_lineup` raises.
    """
    if lineup is None and not with_map:
        raise Misuse("a page shows a line-up, a map or both: there is neither")
    if lineup is not None and not len(likes):
        raise Misuse("a line-up is ranked for somebody's favourites, and there are none")
    ranked = (
        lineup_data(index, lineup, likes, dislikes, audio=audio) if lineup is not None else None
    )
    favourites = ranked.favourites if ranked else _favourites(index, likes)
    return PageData(
        title=title or _title(index, lineup),
        index=index.name,
        artists=len(index),
        tracks=index.manifest.tracks,
        created=index.manifest.created,
        lineup=ranked,
        map=MapData.of(index, earlier=earlier, audio=audio) if with_map else None,
        favourites=favourites,
        has_audio=audio is not None,
    )


def _favourites(index: ArtistIndex, likes: Favourites | Sequence[str]) -> Sequence[int]:
    return sorted(find_taste(index, Names(index), likes).liked) if len(likes) else ()


def _title(index: ArtistIndex, lineup: Lineup | Sequence[str] | None) -> str:
    """The event's own name where there is but one."""
    if lineup is None:
        return f"A map of {len(index):,} artists"
    events = {event.name for event in lineup.events} if isinstance(lineup, Lineup) else set()
    (name,) = events if len(events) == 1 else (None,)
    return name or "Who to see"
