"""Who of a line-up is for someone with these favourites: names in, a ranking with reasons out.

The nearest favourite alone makes the score. That no mean over several does better was measured, see
docs/lineups.md and benchmarks/lineup.py.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from artistindex import naming
from artistindex.errors import AmbiguousArtist, Misuse, UnknownArtist
from artistindex.index.reader import ArtistIndex
from artistindex.metadata.resolver import is_certain_joint, parts_of

Floats = NDArray[np.float64]
DISLIKE = 0.5
"""How much of the likeness to what is disliked is taken off: a convention, not measured."""

_REASONS = 3
_AT_ONCE = 4096  # artists of the index whose cosines are held in memory together


@dataclass(frozen=True, slots=True)
class Reason:
    """An artist who drove a score, and the cosine."""

    artist: str
    score: float


@dataclass(frozen=True, slots=True)
class LineupEntry:
    """One act of a line-up.

    `billed` is how the line-up spells it, where that is another way. `percentile` is the share of
    the index's artists, favourites left out, who fit these favourites less, in percent: 100 for a
    favourite, None where there is nobody else. `because` are the nearest favourites, `against` the
    nearest of those who are disliked.
    """

    rank: int
    artist: str
    billed: str
    score: float
    percentile: float | None
    favourite: bool
    disliked: bool
    because: tuple[Reason, ...]
    against: tuple[Reason, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """One entry of `ranked` in the JSON shape of `artistindex match`."""
        entry: dict[str, Any] = {
            "rank": self.rank,
            "artist": self.artist,
            "score": self.score,
            "percentile": self.percentile,
            "favourite": self.favourite,
            "because": [
                {"artist": reason.artist, "score": reason.score} for reason in self.because
            ],
        }
        if self.billed != self.artist:
            entry["billed"] = self.billed
        if self.disliked:
            entry["disliked"] = True
        if self.against:
            entry["against"] = [
                {"artist": reason.artist, "score": reason.score} for reason in self.against
            ]
        return entry


@dataclass(slots=True)
class Ranking:
    """A ranked line-up, and who could not be ranked or counted, as they were spelled.

    `remarks` say of names that could mean several artists whom they could mean.
    """

    ranked: list[LineupEntry] = field(default_factory=list)
    not_indexed: list[str] = field(default_factory=list)
    likes_not_indexed: list[str] = field(default_factory=list)
    dislikes_not_indexed: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)


def rank_lineup(
    index: ArtistIndex,
    lineup: Sequence[str],
    likes: Sequence[str],
    dislikes: Sequence[str] = (),
) -> Ranking:
    """Rank the artists called `lineup` for someone who likes `likes` and not `dislikes`.

    Favourites who play come first, indexed or not, then the others by score: the cosine to the
    nearest favourite, less half of that to the nearest of the disliked; disliked artists who play
    come last. "A b2b B", which no artist is called, is ranked as A and as B.

    Raises Misuse for an artist who is both liked and disliked, and UnknownArtist where no favourite
    is indexed, or nobody of the line-up.
    """
    ranking = Ranking()
    playing, ranking.not_indexed = _rows(index, lineup, ranking.remarks)
    liked, ranking.likes_not_indexed = _rows(index, likes, ranking.remarks)
    disliked, ranking.dislikes_not_indexed = _rows(index, dislikes, ranking.remarks)
    for row in liked.keys() & disliked.keys():
        raise Misuse(f"{index.artists[row]} is both liked and disliked")
    unheard = _favourites_unheard(ranking)
    entries = [_favourite(name, name) for name in unheard]
    entries += [_favourite(index.artists[row], playing[row]) for row in playing if row in liked]
    if not liked:
        raise UnknownArtist(f"none of the favourites is in the index {index.name}")
    if not playing and not unheard:
        raise UnknownArtist(f"nobody of the line-up is in the index {index.name}")
    entries += _others(index, playing, list(liked), list(disliked))
    ranking.ranked = [replace(entry, rank=rank) for rank, entry in enumerate(entries, 1)]
    return ranking


def _rows(
    index: ArtistIndex, names: Iterable[str], remarks: list[str]
) -> tuple[dict[int, str], list[str]]:
    """Row -> the name as it is spelled in the list; and the names that are not indexed."""
    rows: dict[int, str] = {}
    missing: list[str] = []
    for name in names:
        parts = _known(index, name)
        for part in parts or [name]:
            try:
                if index.find_rows(part):
                    rows.setdefault(index.row(part), name)
                    continue
            except AmbiguousArtist as error:
                remarks.append(str(error))
            missing.append(part)
    return rows, missing


def _known(index: ArtistIndex, name: str) -> list[str]:
    """The parts to look up for `name`: itself where it is indexed or cannot be split safely."""
    if index.find_rows(name):
        return [name]
    parts = parts_of(name)
    indexed = [bool(index.find_rows(part)) for part in parts]
    return parts if all(indexed) or (any(indexed) and is_certain_joint(name)) else [name]


def _favourites_unheard(ranking: Ranking) -> list[str]:
    """Take the favourites who play and are not indexed out of the list of those who are not."""
    liked = {naming.normalise(name) for name in ranking.likes_not_indexed}
    unheard = [name for name in ranking.not_indexed if naming.normalise(name) in liked]
    ranking.not_indexed = [
        name for name in ranking.not_indexed if naming.normalise(name) not in liked
    ]
    return unheard


def _favourite(artist: str, billed: str) -> LineupEntry:
    return LineupEntry(0, artist, billed, 1.0, 100.0, True, False, (Reason(artist, 1.0),))


def _others(
    index: ArtistIndex,
    playing: Mapping[int, str],
    liked: Sequence[int],
    disliked: Sequence[int],
) -> list[LineupEntry]:
    """Those who are no favourites, best first, the disliked ones last."""
    scores = _scores(index, liked, disliked)
    rivals = np.delete(scores, liked)
    last = set(disliked)
    rows = [row for row in playing if row not in set(liked)]
    rows.sort(key=lambda row: (row in last, -scores[row]))
    return [
        LineupEntry(
            rank=0,
            artist=index.artists[row],
            billed=playing[row],
            score=float(scores[row]),
            percentile=_percentile(rivals, scores[row]),
            favourite=False,
            disliked=row in last,
            because=_reasons(index, row, liked),
            against=_reasons(index, row, disliked),
        )
        for row in rows
    ]


def _scores(index: ArtistIndex, liked: Sequence[int], disliked: Sequence[int]) -> Floats:
    """The score of every artist of the index, float64 of shape (artists,)."""
    vectors = index.vectors
    scores = np.empty(len(vectors))
    for at in range(0, len(vectors), _AT_ONCE):
        part = vectors[at : at + _AT_ONCE].T.astype(np.float64)
        near = (vectors[liked] @ part).max(axis=0)
        away = (vectors[disliked] @ part).max(axis=0) if disliked else np.zeros(1)
        scores[at : at + _AT_ONCE] = near - DISLIKE * np.maximum(away, 0.0)
    return scores


def _percentile(rivals: Floats, score: float) -> float | None:
    """The share of the other `rivals` that score less, in percent; None where there are none."""
    return 100.0 * float((rivals < score).sum()) / (len(rivals) - 1) if len(rivals) > 1 else None


def _reasons(index: ArtistIndex, row: int, others: Sequence[int]) -> tuple[Reason, ...]:
    cosines = index.vectors[others] @ index.vectors[row] if others else np.zeros(0)
    order = np.argsort(-cosines, kind="stable")[:_REASONS]
    return tuple(Reason(index.artists[others[at]], float(cosines[at])) for at in order)
