"""From one artist to another in small steps over the graph of nearest neighbours.

The largest step is as small as can be (a minimax path), and of such paths the one with the fewest
steps is taken, then the one whose steps are smallest together.
"""

import heapq
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from artistindex.entities import EntryTrack
from artistindex.errors import Misuse
from artistindex.index.entry_tracks import entry_track
from artistindex.index.reader import ArtistIndex
from artistindex.query.explain import closest_pair
from artistindex.query.track_vectors import TrackSets

NEIGHBOURS = 10
Edges = Callable[[int], Mapping[int, float]]
"""The neighbours of a row, with their cosines."""


@dataclass(frozen=True, slots=True)
class JoiningTracks:
    """The two recordings, one of each artist, that are most alike, and their cosine."""

    leaving: EntryTrack
    entering: EntryTrack
    score: float

    def to_json(self) -> dict[str, Any]:
        """Return the two as `joined_by` of a step."""
        return {
            "leaving": self.leaving.to_json(),
            "entering": self.entering.to_json(),
            "score": self.score,
        }


@dataclass(frozen=True, slots=True)
class PathStep:
    """A step from one artist to the next; `score` is their cosine.

    `joined_by` is None where one of them has no tracks here, as artists out of a pack have none, or
    the index has no vectors of tracks and no library beside it.
    """

    artist: str
    next: str
    score: float
    joined_by: JoiningTracks | None

    def to_json(self) -> dict[str, Any]:
        """Return one of `steps` in the JSON shape of `artistindex path`."""
        joined_by = None if self.joined_by is None else self.joined_by.to_json()
        return {
            "artist": self.artist,
            "next": self.next,
            "score": self.score,
            "joined_by": joined_by,
        }


def path_json(index: ArtistIndex, steps: Sequence[PathStep]) -> dict[str, Any]:
    """Return the whole path in the JSON shape of `artistindex path`."""
    return {
        "index": index.name,
        "from": steps[0].artist,
        "to": steps[-1].next,
        "smallest_score": min(step.score for step in steps),
        "steps": [{"step": at, **step.to_json()} for at, step in enumerate(steps, 1)],
    }


def find_path(
    index: ArtistIndex, start: str, end: str, *, neighbours: int = NEIGHBOURS
) -> list[PathStep]:
    """Return the steps from the artist `start` to `end`.

    A step leads to one of so many `neighbours`; where these lead nowhere, to one of twice as many,
    and so on. Raises Misuse for two names of one artist or `neighbours` below 1, UnknownArtist,
    AmbiguousArtist, BrokenLibrary.
    """
    if neighbours < 1:
        raise Misuse(f"there must be at least 1 neighbour to step to, not {neighbours}")
    first, last = index.row(start), index.row(end)
    if first == last:
        raise Misuse(f"{index.display_name(start)} is where the path begins and ends")
    rows = _rows(index, first, last, neighbours)
    sets = TrackSets(index)
    names = [entry.artist.name for entry in index.entries_of(rows)]
    return [
        PathStep(name, other_name, _cosine(index, row, other), _join(index, sets, row, other))
        for (name, other_name), (row, other) in zip(pairwise(names), pairwise(rows), strict=True)
    ]


def _rows(index: ArtistIndex, first: int, last: int, neighbours: int) -> list[int]:
    while True:
        edges = _edges_of(index, min(neighbours, len(index) - 1))
        bar = widest(edges, first, last)
        if bar is not None:
            return shortest(edges, first, last, bar)
        neighbours *= 2  # in the end everybody is a neighbour of everybody


def _edges_of(index: ArtistIndex, count: int) -> Edges:
    """The graph of nearest neighbours, of which only what is asked for is computed."""
    asked: dict[int, Mapping[int, float]] = {}

    def edges(row: int) -> Mapping[int, float]:
        if row not in asked:
            (vector,) = index.vectors_of([row])
            scored = index.search_rows(vector, count, exclude=[row])
            asked[row] = {other: score for score, other in scored}
        return asked[row]

    return edges


def widest(edges: Edges, first: int, last: int) -> float | None:
    """Return the smallest cosine on the path whose smallest cosine is greatest; None without one.

    Dijkstra's algorithm with the largest step for a path's length.
    """
    reached: dict[int, float] = {first: np.inf}
    queue = [(-np.inf, first)]
    done: set[int] = set()
    while queue:
        negated, row = heapq.heappop(queue)
        if row == last:
            return -negated
        if row in done:
            continue
        done.add(row)
        for other, score in edges(row).items():
            narrowest = min(-negated, score)
            if narrowest > reached.get(other, -np.inf):
                reached[other] = narrowest
                heapq.heappush(queue, (-narrowest, other))
    return None


def shortest(edges: Edges, first: int, last: int, bar: float) -> list[int]:
    """Return the path with the fewest steps, none of a cosine below `bar`; there is one."""
    best: dict[int, tuple[int, float]] = {first: (0, 0.0)}
    before: dict[int, int] = {}
    queue = [(0, 0.0, first)]
    while queue:
        steps, length, row = heapq.heappop(queue)
        if row == last:
            break
        for other, score in edges(row).items():
            reached = (steps + 1, length + 1.0 - score)
            if score >= bar and reached < best.get(other, (np.inf, np.inf)):
                best[other] = reached
                before[other] = row
                heapq.heappush(queue, (*reached, other))
    rows = [last]
    while rows[-1] != first:
        rows.append(before[rows[-1]])
    return rows[::-1]


def _cosine(index: ArtistIndex, row: int, other: int) -> float:
    start, end = index.vectors_of([row, other])
    return float(start @ end)


def _join(index: ArtistIndex, sets: TrackSets, row: int, other: int) -> JoiningTracks | None:
    pair = closest_pair(sets, row, other) if sets.are_here else None
    if pair is None:
        return None
    mine, its, score = pair
    leaving, entering = index.tracks_of_row(row)[mine], index.tracks_of_row(other)[its]
    return JoiningTracks(entry_track(leaving, None), entry_track(entering, None), score)
