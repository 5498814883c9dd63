"""A query: artists and audio added up with weights, other artists subtracted.

Every artist and the audio count as unit vectors, so that a weight alone says how much each matters.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from artistindex.errors import Misuse, Remedy
from artistindex.index.reader import ArtistIndex
from artistindex.query.track_names import find_track

MIN_WEIGHT, MAX_WEIGHT = 1e-6, 1e6

Embed = Callable[[ArtistIndex, Sequence[str]], NDArray[np.float32]]
"""Returns the unit vector (dimension,) of files or addresses of audio in the space of an index."""


def _embed(index: ArtistIndex, sources: Sequence[str]) -> NDArray[np.float32]:
    from artistindex.query.audio_query import embed

    return embed(index, sources)


@dataclass(frozen=True, slots=True)
class ResolvedQuery:
    """A query in the terms of one index.

    `vector` is float64 of shape (dimension,), of any length; `rows` are those of the artists who
    are asked about, the subtracted ones last, and must not answer. `artists`, `minus` and `weights`
    have the artists' own spelling, `tracks` are "Artist - Title", and `recordings` theirs.
    """

    vector: NDArray[np.float64]
    rows: tuple[int, ...] = ()
    artists: tuple[str, ...] = ()
    minus: tuple[str, ...] = ()
    weights: Mapping[str, float] = field(default_factory=dict)
    audio: tuple[str, ...] = ()
    tracks: tuple[str, ...] = ()
    recordings: frozenset[int] = frozenset()

    def to_json(self) -> dict[str, Any]:
        """Return what was asked in the JSON shape of `artistindex query`.

        `query` has artists, tracks and audio; `minus`, `weights`, `track` and `audio` are there
        where they were used.
        """
        asked: dict[str, Any] = {"query": [*self.artists, *self.tracks, *self.audio]}
        more = {
            "minus": list(self.minus),
            "weights": dict(self.weights),
            "track": list(self.tracks),
            "audio": list(self.audio),
        }
        return asked | {key: value for key, value in more.items() if value}

    @property
    def is_of_artists_alone(self) -> bool:
        """Whether artists are all that it is about, each of one weight."""
        return bool(self.rows) and not (self.minus or self.weights or self.audio or self.tracks)

    @property
    def is_of_music_alone(self) -> bool:
        """Whether sounds and tracks are all that it is about."""
        return bool(self.audio or self.tracks) and not (self.artists or self.minus)


@dataclass(frozen=True, slots=True)
class Query:
    """What is asked, in the words of whoever asks: names, tracks ("Artist - Title"), and files or
    addresses of `audio`.

    `weights` are those of names among `artists` and `minus`; 1 for the others. Raises Misuse where
    nothing is asked for, or a weight is not a positive number, nor one that float32 can weigh.
    """

    artists: tuple[str, ...] = ()
    minus: tuple[str, ...] = ()
    weights: Mapping[str, float] = field(default_factory=dict)
    audio: tuple[str, ...] = ()
    tracks: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not (self.artists or self.audio or self.tracks):
            raise Misuse("a query needs an artist or a sound", remedy=Remedy.NAME_AN_ARTIST)
        for name, weight in self.weights.items():
            if not MIN_WEIGHT <= weight <= MAX_WEIGHT:  # false for NaN
                raise Misuse(
                    f"the weight of {name!r} must be a positive number from {MIN_WEIGHT:g} to"
                    f" {MAX_WEIGHT:g}, not {weight:g}"
                )

    def resolve(self, index: ArtistIndex, *, embed: Embed = _embed) -> ResolvedQuery:
        """Return the query in the terms of `index`, its audio embedded by `embed`.

        A name given twice counts once. The artists of `tracks` must not answer either. Raises
        UnknownArtist, UnknownTrack, AmbiguousArtist, Misuse for an artist who is both asked for and
        subtracted, or weighted and neither, and what `embed` raises.
        """
        asked, subtracted = (
            [index.entry(name) for name in names] for names in (self.artists, self.minus)
        )
        plus, minus = ({entry.row: entry for entry in entries} for entries in (asked, subtracted))
        for row in plus.keys() & minus.keys():
            raise Misuse(f"{plus[row].artist.name} is both asked for and subtracted")
        factors = self._factors(index, {*plus, *minus})
        vector = np.zeros(index.manifest.dimension, np.float64)
        for sign, rows in ((1.0, plus), (-1.0, minus)):
            for row, own in zip(rows, index.vectors_of(list(rows)), strict=True):
                vector += sign * factors.get(row, 1.0) * own.astype(np.float64)
        tracks = [find_track(index, name) for name in self.tracks]
        for track in tracks:
            vector += track.vector
        if self.audio:
            vector += embed(index, self.audio)
        return ResolvedQuery(
            vector=vector,
            rows=tuple(dict.fromkeys([*plus, *minus, *(track.row for track in tracks)])),
            artists=tuple(entry.artist.name for entry in asked),
            minus=tuple(entry.artist.name for entry in subtracted),
            weights={index.display_name(name): value for name, value in self.weights.items()},
            audio=self.audio,
            tracks=tuple(f"{track.artist} - {track.track.title}" for track in tracks),
            recordings=frozenset(
                track.track.recording for track in tracks if track.track.recording is not None
            ),
        )

    def _factors(self, index: ArtistIndex, rows: set[int]) -> dict[int, float]:
        factors = {}
        for name, weight in self.weights.items():
            row = index.row(name)
            if row not in rows:
                artist = index.display_name(name)
                raise Misuse(
                    f"{artist} has a weight and is no part of the query",
                    remedy=Remedy.WEIGH_WHO_IS_ASKED,
                    artist=artist,
                )
            factors[row] = weight
        return factors


def parse_weight(text: str) -> tuple[str, float] | None:
    """Return the name and the number of "NAME=NUMBER"; None where it is not of that form."""
    name, equals, number = text.rpartition("=")
    try:
        return (name, float(number)) if equals and name.strip() else None
    except ValueError:
        return None


AnyQuery = str | Sequence[str] | Query | ResolvedQuery | NDArray[np.floating]
"""A name, several names, a query, or a vector (dimension,) in the index's own space."""


def resolve(index: ArtistIndex, query: AnyQuery) -> ResolvedQuery:
    """Return any kind of query in the terms of `index`; raises as `Query.resolve`."""
    if isinstance(query, ResolvedQuery):
        return query
    if isinstance(query, np.ndarray):
        return ResolvedQuery(np.asarray(query, np.float64))
    if isinstance(query, Query):
        return query.resolve(index)
    names = (query,) if isinstance(query, str) else tuple(query)
    return Query(names).resolve(index)
