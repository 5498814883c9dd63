"""Several voices, one ranking: two models, or a model and music-map's lists.

rrf     reciprocal rank fusion (Cormack, Clarke & Büttcher, SIGIR 2009): sum of 1 / (60 + rank)
score   the mean of the voices' similarities, each in standard deviations from its own mean

Every voice counts alike, and every answer says how much of it came from which.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from artistindex import naming
from artistindex.entities import Neighbour
from artistindex.errors import Misuse
from artistindex.query.ranking import Hit

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Listed = Mapping[str, Sequence[tuple[str, float | None]]]

RRF_CONSTANT = 60
MUSIC_MAP = "music-map"


class FusionMethod(StrEnum):
    """The ways of joining several rankings."""

    RRF = "rrf"
    SCORE = "score"


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
        ranks = np.empty(len(self.scores), np.int64)
        ranks[np.argsort(-self.scores, kind="stable")] = np.arange(1, len(self.scores) + 1)
        return ranks


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


def fuse(voices: Sequence[RankedList], method: str = FusionMethod.RRF) -> Fused:
    """Join what the voices say; raises Misuse for no voice or an unknown method."""
    if method not in tuple(FusionMethod):
        raise Misuse(f"unknown fusion {method!r}; there are {', '.join(FusionMethod)}")
    if not voices:
        raise Misuse("there is no voice to fuse")
    ranks = tuple(voice.ranks() for voice in voices)
    if method == FusionMethod.RRF:
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
    strengths: defaultdict[str, float] = defaultdict(float)
    own_lists = [lists[folded] for folded in map(naming.normalise, asked) if folded in lists]
    if not own_lists:
        return None
    for listed in own_lists:
        known = [strength for _, strength in listed if strength]
        weakest, strongest = min(known, default=1.0), max(known, default=1.0)
        for name, strength in listed:
            strengths[name] += (strength or weakest) / strongest
    scores = np.array([strengths[naming.normalise(name)] for name in artists], np.float64)
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
    that any index has of the artist; all else, as the `row`, is that of the first index.
    """

    row: int
    neighbour: Neighbour
    voices: Mapping[str, Share]

    def to_json(self) -> dict[str, Any]:
        """The keys of a neighbour, and `voices`."""
        return self.neighbour.to_json() | {
            "voices": {
                name: {"share": voice.share, "rank": voice.rank, "score": voice.score}
                for name, voice in self.voices.items()
            }
        }


def aligned(artists: Sequence[Sequence[str]]) -> list[Ints]:
    """The rows of the artists that every index has, by folded name, in the order of the first.

    One array per index, of one length. A name that two artists of an index share is left out.
    """
    rows = []
    for names in artists:
        folded = [naming.normalise(name) for name in names]
        often = Counter(folded)
        rows.append({name: row for row, name in enumerate(folded) if often[name] == 1})
    common = [name for name in rows[0] if all(name in other for other in rows[1:])]
    return [np.array([by_name[name] for name in common], np.int64) for by_name in rows]


def fuse_hits(
    answers: Mapping[str, Sequence[Hit]],
    k: int = 10,
    *,
    method: str = FusionMethod.RRF,
    asked: Sequence[str] = (),
    lists: Listed | None = None,
) -> list[FusedNeighbour]:
    """Return the `k` nearest artists by all `answers`, and with `lists` by those of `asked` too.

    `answers` maps a name to the hits of one index, as long as may be: candidates are the artists
    who are in every answer. A tie goes to the earlier row of the first index. Raises Misuse for `k`
    below 1, no answer, or an unknown method.
    """
    if k < 1:
        raise Misuse(f"k must be at least 1, not {k}")
    if not answers:
        raise Misuse("there is no voice to fuse")
    by_row = [sorted(hits, key=lambda hit: hit.row) for hits in answers.values()]
    places = aligned([[hit.neighbour.artist for hit in hits] for hits in by_row])
    candidates = [[hits[at] for at in chosen] for hits, chosen in zip(by_row, places, strict=True)]
    voices = [
        RankedList.of_all(name, np.array([hit.rank_score for hit in hits], np.float64))
        for name, hits in zip(answers, candidates, strict=True)
    ]
    if lists is not None:
        listing = truth_list([hit.neighbour.artist for hit in candidates[0]], asked, lists)
        voices += [listing] if listing is not None else []
    if not candidates[0]:
        return []
    fused = fuse(voices, method)
    return [
        _answer(rank, int(at), fused, voices, [hits[at] for hits in candidates])
        for rank, at in enumerate(fused.order()[:k], 1)
    ]


def _answer(
    rank: int,
    at: int,
    fused: Fused,
    voices: Sequence[RankedList],
    hits: Sequence[Hit],
) -> FusedNeighbour:
    neighbours = [hit.neighbour for hit in hits]
    shares = {}
    for voice, share, ranks in zip(voices, fused.shares, fused.ranks, strict=True):
        heard = bool(voice.heard[at])
        shares[voice.name] = Share(
            share=float(share[at]),
            rank=int(ranks[at]) if heard else None,
            score=float(voice.scores[at]) if heard else None,
        )
    percentiles = [hit.neighbour.percentile for hit in hits if hit.neighbour.percentile is not None]
    neighbour = replace(
        neighbours[0],
        rank=rank,
        score=float(fused.scores[at]),
        percentile=float(np.mean(percentiles)) if percentiles else None,
        tracks=min(neighbour.tracks for neighbour in neighbours),
    )
    return FusedNeighbour(hits[0].row, neighbour, shares)
