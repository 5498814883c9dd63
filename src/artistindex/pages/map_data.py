"""What a page knows of the artists of an index: names, neighbours, places and tracks."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from artistindex import naming
from artistindex.entities import Artist, Service
from artistindex.index.reader import ArtistIndex
from artistindex.metadata.links import ARTIST_PAGES, TRACK_PAGES
from artistindex.pages.audio_files import AudioFiles
from artistindex.pages.earlier import Places, keys_of
from artistindex.pages.layout import PERPLEXITY, Layout, Neighbourhood, kept, lay_out, neighbourhood
from artistindex.pages.tracks import MapTracks, PageTrack, thousandths, tracks_of

NEIGHBOURS = 10
MAX_JOINED = 5_000
"""Artists, up to which a page names the tracks that join each of them with each neighbour."""

_GRID = 65_535  # steps across the map


@dataclass(frozen=True, eq=False)
class MapData:
    """The artists of an index, in row order, as a page shows them.

    `background` are the index's quantiles of the cosines of pairs, for percentiles.
    """

    artists: Sequence[Artist]
    track_counts: Sequence[int]
    neighbours: Neighbourhood
    layout: Layout
    tracks: MapTracks
    background: Sequence[float]

    @classmethod
    def of(
        cls,
        index: ArtistIndex,
        *,
        earlier: Places | None = None,
        audio: AudioFiles | None = None,
    ) -> "MapData":
        """Lay out all artists of an open index, from the places of an `earlier` map on."""
        wide = neighbourhood(index.vectors, max(NEIGHBOURS, 3 * PERPLEXITY))
        neighbours = wide.nearest(NEIGHBOURS)
        places = None if earlier is None else earlier.of(index.records)
        points, method = lay_out(index.vectors, wide, places)
        points = _on_grid(points)
        judged = neighbours.nearest(_judged(len(index)))
        return cls(
            artists=index.records,
            track_counts=index.track_counts,
            neighbours=neighbours,
            layout=Layout(points, kept(points, judged), judged.k, method),
            tracks=tracks_of(index, neighbours, audio, joining=len(index) <= MAX_JOINED),
            background=index.manifest.background,
        )

    def header(self) -> dict[str, Any]:
        """Return the text that the page's code reads."""
        layout = self.layout
        return {
            "names": [artist.name for artist in self.artists],
            "keys": _keys(self.artists),
            "folded": _folded(self.artists),
            "ids": _ids(self.artists),
            "pages": {str(service): page for service, page in ARTIST_PAGES.items()},
            "k": self.neighbours.k,
            "kept": {"k": layout.k, "share": layout.share_kept, "chance": layout.chance},
            "method": layout.method.value,
            "frame": _frame(layout.points),
            "background": [round(level, 4) for level in self.background],
            "tracks": _track_columns(self.tracks.tracks),
        }

    def arrays(self) -> dict[str, NDArray[np.int64]]:
        """Return the numbers that the page's code reads."""
        points, (left, top, span) = self.layout.points, _frame(self.layout.points)
        grid = np.rint((points - (left, top)) * (_GRID / span)).astype(np.int64)
        scores = thousandths(self.neighbours.scores)
        arrays = {
            "x": grid[:, 0],
            "y": grid[:, 1],
            "kept": self.layout.kept,
            "counts": np.array(self.track_counts, np.int64),
            "named": np.array([len(own) for own in self.tracks.tracks], np.int64),
            "rows": self.neighbours.rows,
            "falls": _falls(scores),
        }
        joints = self.tracks.joints
        if joints is None:
            return arrays
        return arrays | {
            "leaving": joints.leaving,
            "entering": joints.entering,
            "joins": thousandths(joints.scores),
        }


def _judged(artists: int) -> int:
    """Return of how many neighbours the map is asked: among few artists, all are near to all."""
    return max(1, min(NEIGHBOURS, (artists - 1) // 3))


def _on_grid(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the points as a page keeps them: what is said of the map holds of what is seen."""
    left, top, span = _frame(points)
    return np.rint((points - (left, top)) * (_GRID / span)) * (span / _GRID) + (left, top)


def _frame(points: NDArray[np.float64]) -> tuple[float, float, float]:
    """Return left, top and side of the square that holds all points."""
    low, high = points.min(axis=0), points.max(axis=0)
    return float(low[0]), float(low[1]), float((high - low).max()) or 1.0


def _falls(scores: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return each row's first score, then by how much each is below the one before."""
    if not scores.shape[1]:
        return scores
    falls = -np.diff(scores, axis=1)
    return np.concatenate([scores[:, :1], np.maximum(falls, 0)], axis=1)


def _keys(artists: Sequence[Artist]) -> dict[int, str]:
    """Return by row the keys of those whom the name alone does not tell."""
    keys = enumerate(keys_of(artists))
    return {row: key for row, key in keys if key != artists[row].name}


def _folded(artists: Sequence[Artist]) -> dict[int, str]:
    """Return by row the folded names that are more than a name in small letters."""
    return {
        row: naming.normalise(artist.name)
        for row, artist in enumerate(artists)
        if not (artist.name.isascii() and artist.name.isprintable())
    }


def _ids(artists: Sequence[Artist]) -> dict[str, list[str]]:
    """Return a column of ids for each service that has any."""
    columns = {str(service): [a.ids.get(service, "") for a in artists] for service in Service}
    return {service: ids for service, ids in columns.items() if any(ids)}


def _track_columns(tracks: Sequence[Sequence[PageTrack]]) -> dict[str, Any]:
    """Return titles, links (a digit for the page's beginning, and the rest) and addresses."""
    flat = [track for own in tracks for track in own]
    columns: dict[str, Any] = {
        "titles": [track.title for track in flat],
        "pages": list(TRACK_PAGES.values()),
    }
    links = [_short(track.link) for track in flat]
    addresses = [track.audio or "" for track in flat]
    return columns | _unless_empty(links=links, audio=addresses)


def _unless_empty(**columns: list[str]) -> dict[str, list[str]]:
    return {name: column for name, column in columns.items() if any(column)}


def _short(link: str | None) -> str:
    for number, page in enumerate(TRACK_PAGES.values()):
        if link and link.startswith(page):
            return f"{number}{link.removeprefix(page)}"
    return ""
