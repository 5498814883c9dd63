"""Several voices, one ranking: two models, or a model and music-map's lists.

rrf     reciprocal rank fusion (Cormack, Clarke & Büttcher, SIGIR 2009): sum of 1 / (60 + rank)
score   the mean of the voices' similarities, each in standard deviations from its own mean

Every voice counts alike, and every answer says how much of it came from which.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from artistindex import naming
from artistindex.entities import Neighbour
from artistindex.errors import Misuse
from artistindex.index.reader import ArtistIndex

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Listed = Mapping[str, Sequence[tuple[str, float | None]]]

METHODS = ("rrf", "score")
RRF_CONSTANT = 60
MUSIC_MAP = "music-map"


@dataclass(frozen=True, eq=False)
class RankedList:
    """What one source says of every candidate: `scores` (candidates,), the higher the nearer.

    `heard` (candidates,) tells of whom it speaks at all; a list is silent of those not listed,
    whose score is then the lowest.
    """

    name: str
    scores: Floats
    heard: NDArray[np.bool_]

    @classmethod
    def of_all(cls, name: str, scores: NDArray[np.floating]) -> "RankedList":
        """A voice that speaks of every candidate."""
        return cls(name, scores.astype(np.float64), np.ones(len(scores), np.bool_))

    def ranks(self) -> Ints:
        """1-based ranks (candidates,), ties to the earlier candidate."""
        made = np.empty(len(self.scores), np.int64)
        made[np.argsort(-self.scores, kind="stable")] = np.arange(1, len(self.scores) + 1)
        return made


@dataclass(frozen=True, eq=False)
class Fused:
    """The fused `scores` (candidates,) and each voice's `shares` of them (voices, candidates).

    Shares add up to 1 for a candidate in whose favour any voice speaks.
    """

    scores: Floats
    shares: Floats
    ranks: tuple[Ints, ...]

    def order(self) -> Ints:
        """The candidates, best first; a tie goes to whom some voice ranks higher."""
        best = np.min(self.ranks, axis=0)
        return np.lexsort((np.arange(len(best)), best, -self.scores)).astype(np.int64)


def fuse(voices: Sequence[RankedList], method: str = "rrf") -> Fused:
    """Join what the voices say; raises Misuse for no voice or an unknown method."""
    if method not in METHODS:
        raise Misuse(f"unknown fusion {method!r}; there are {', '.join(METHODS)}")
    if not voices:
        raise Misuse("there is no voice to fuse")
    ranks = tuple(voice.ranks() for voice in voices)
    if method == "rrf":
        parts = [
            np.where(voice.heard, 1 / (RRF_CONSTANT + rank), 0.0)
            for voice, rank in zip(voices, ranks, strict=True)
        ]
        scores = np.sum(parts, axis=0)
    else:
        parts = [_standard(voice.scores) for voice in voices]
        scores = np.mean(parts, axis=0)
    speaking = np.maximum(parts, 0.0)
    total = speaking.sum(axis=0)
    shares = speaking / np.where(total > 0, total, 1.0)
    return Fused(scores, shares, ranks)


def _standard(scores: Floats) -> Floats:
    deviation = scores.std()
    if not deviation > 0:
        return np.zeros(len(scores))
    standard: Floats = (scores - scores.mean()) / deviation
    return standard


def truth_list(artists: Sequence[str], asked: Iterable[str], lists: Listed) -> RankedList | None:
    """What the lists of `asked` say of `artists`; None where none of those asked has a list.

    `lists` has folded names, each list closest first with strengths (None where unknown, which
    counts as the list's weakest). Several lists add up, each relative to its strongest.
    """
    told: defaultdict[str, float] = defaultdict(float)
    found = [lists[folded] for folded in map(naming.normalise, asked) if folded in lists]
    for one in found:
        known = [strength for _, strength in one if strength]
        weakest, strongest = min(known, default=1.0), max(known, default=1.0)
        for name, strength in one:
            told[name] += (strength or weakest) / strongest
    if not found:
        return None
    scores = np.array([told[naming.normalise(name)] for name in artists], np.float64)
    return RankedList(MUSIC_MAP, scores, scores > 0)


# --- indexes ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Share:
    """One voice behind an answer: its `share` of the fused score (0 to 1), and its own `rank` and
    `score` for that artist, None where it is silent."""

    share: float
    rank: int | None
    score: float | None


@dataclass(frozen=True, slots=True)
class FusedNeighbour:
    """An answer of several voices.

    `neighbour` has the fused score, the mean of the indexes' percentiles, and the fewest tracks
    that any index has of the artist.
    """

    neighbour: Neighbour
    voices: Mapping[str, Share]

    def to_json(self) -> dict[str, Any]:
        """The keys of a neighbour, and `voices`."""
        one = self.neighbour
        return {
            "rank": one.rank,
            "artist": one.artist,
            "score": one.score,
            "percentile": one.percentile,
            "tracks": one.tracks,
            "voices": {
                name: {"share": each.share, "rank": each.rank, "score": each.score}
                for name, each in self.voices.items()
            },
        }


def aligned(artists: Sequence[Sequence[str]]) -> list[Ints]:
    """The rows of the artists that every index has, by folded name, in the order of the first.

    One array per index, of one length. A name that two artists of an index share is left out.
    """
    rows = []
    for each in artists:
        folded = [naming.normalise(name) for name in each]
        often = Counter(folded)
        rows.append({name: row for row, name in enumerate(folded) if often[name] == 1})
    common = [name for name in rows[0] if all(name in other for other in rows[1:])]
    return [np.array([each[name] for name in common], np.int64) for each in rows]


def neighbours(
    indexes: Sequence[ArtistIndex],
    vectors: Sequence[NDArray[np.floating]],
    k: int = 10,
    *,
    method: str = "rrf",
    leave_out: Sequence[Iterable[int]] = (),
    asked: Sequence[str] = (),
    lists: Listed | None = None,
) -> list[FusedNeighbour]:
    """The `k` nearest artists, by all of the indexes and, with `lists`, by those of `asked` too.

    `vectors` and `leave_out` (rows that must not answer) are each index's own. Candidates are the
    artists that every index has. Raises Misuse for `k` below 1 or a vector that is none.
    """
    if k < 1:
        raise Misuse(f"k must be at least 1, not {k}")
    rows = aligned([index.artists for index in indexes])
    out: list[Iterable[int]] = [*leave_out, *([()] * (len(indexes) - len(leave_out)))]
    kept = np.ones(len(rows[0]), np.bool_)
    for held, away in zip(rows, out, strict=True):
        kept &= ~np.isin(held, list(away))
    rows = [held[kept] for held in rows]
    voices = [
        RankedList.of_all(index.name, index.vectors[held] @ _unit(index, vector))
        for index, held, vector in zip(indexes, rows, vectors, strict=True)
    ]
    artists = [indexes[0].artists[row] for row in rows[0]]
    listing = truth_list(artists, asked, lists) if lists is not None else None
    if listing is not None:
        voices.append(listing)
    if not artists:
        return []
    fused = fuse(voices, method)
    return [
        _answer(rank, int(at), fused, voices, indexes, rows)
        for rank, at in enumerate(fused.order()[:k], 1)
    ]


def _unit(index: ArtistIndex, vector: NDArray[np.floating]) -> NDArray[np.float32]:
    wide = np.asarray(vector, np.float64)
    length = np.linalg.norm(wide)
    if wide.shape != (index.manifest.dimension,) or not np.isfinite(length) or length == 0:
        raise Misuse(f"the vector to ask {index.name} with is zero, not finite or of another size")
    unit: NDArray[np.float64] = wide / length
    return unit.astype(np.float32)


def _answer(
    rank: int,
    at: int,
    fused: Fused,
    voices: Sequence[RankedList],
    indexes: Sequence[ArtistIndex],
    rows: Sequence[Ints],
) -> FusedNeighbour:
    held = [int(each[at]) for each in rows]
    percentiles = [
        found
        for index, voice in zip(indexes, voices, strict=False)
        if (found := index.manifest.percentile(float(voice.scores[at]))) is not None
    ]
    shares = {}
    for voice, share, ranks in zip(voices, fused.shares, fused.ranks, strict=True):
        heard = bool(voice.heard[at])
        shares[voice.name] = Share(
            share=float(share[at]),
            rank=int(ranks[at]) if heard else None,
            score=float(voice.scores[at]) if heard else None,
        )
    return FusedNeighbour(
        Neighbour(
            rank=rank,
            artist=indexes[0].artists[held[0]],
            score=float(fused.scores[at]),
            percentile=float(np.mean(percentiles)) if percentiles else None,
            tracks=min(index.track_counts[row] for index, row in zip(indexes, held, strict=True)),
        ),
        shares,
    )
