"""Ranking line-ups: who of those that play would this person like?

An act's score is its cosine to the nearest favourite. With dislikes, half of the cosine to the
nearest of them is taken off, where it is positive. Where plays tell favourites apart, one who is
played less counts as if it were somewhat farther away. That the nearest alone counts, and not the
mean over several favourites, is what docs/lineups.md settles by experiment; a mean over everything
that somebody likes is near nothing in particular.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from artistindex import naming
from artistindex.errors import UnknownArtist
from artistindex.index.reader import ArtistIndex
from artistindex.listeners.bills import Appearance, Event, Lineup
from artistindex.listeners.favourites import Favourites
from artistindex.query.acts import Act, Names, Taste, UnrankedBilling, find_acts, find_taste

Floats = NDArray[np.float64]
DISLIKE = 0.5
"""How much of the likeness to what is disliked is taken off: a convention, not measured."""
PLAYS = 1.0
"""How much farther away the least played favourite is, in standard deviations of the index's
cosines: a convention, not measured."""

_REASONS = 3
_AT_ONCE = 4096  # artists of the index whose cosines are held in memory together
_ONE_DEVIATION = 84.134  # percent of a normal distribution below it


@dataclass(frozen=True, slots=True)
class Reason:
    """An artist who drove a score, and the cosine."""

    artist: str
    score: float

    def to_json(self) -> dict[str, Any]:
        """Return the reason as an entry of `because`."""
        return {"artist": self.artist, "score": self.score}


@dataclass(frozen=True, slots=True)
class LineupEntry:
    """One artist who plays.

    `billed` is how the line-up prints it, `also_billed` its further spellings there.
    `percentile` is the share of the index's artists, favourites left out, who fit these favourites
    less, in percent: 100 for a favourite, None where there is nobody else. `because` are the
    nearest favourites, `against` the nearest of those who are disliked.
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
    appearances: tuple[Appearance, ...] = ()
    also_billed: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the entry of `ranked` in the JSON shape of `artistindex match`."""
        entry: dict[str, Any] = {
            "rank": self.rank,
            "artist": self.artist,
            "billed": self.billed,
            "score": self.score,
            "percentile": self.percentile,
            "favourite": self.favourite,
            "because": [reason.to_json() for reason in self.because],
            "events": _events_json(self.appearances),
        }
        if self.also_billed:
            entry["also_billed"] = list(self.also_billed)
        if self.disliked:
            entry["disliked"] = True
        if self.against:
            entry["against"] = [reason.to_json() for reason in self.against]
        return entry


@dataclass(slots=True)
class Ranking:
    """A ranked line-up, and who could not be ranked or counted, as they were spelled.

    `unranked` are the billings and parts of billings that are not ranked, with the reason;
    `not_indexed` the names among them that may be artists, each once. `remarks` say of names that
    could mean several artists whom they could mean.
    """

    ranked: list[LineupEntry] = field(default_factory=list)
    unranked: list[UnrankedBilling] = field(default_factory=list)
    likes_not_indexed: list[str] = field(default_factory=list)
    dislikes_not_indexed: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    @property
    def not_indexed(self) -> list[str]:
        """The names of the line-up that may be artists and are not in the index, each once."""
        names: dict[str, str] = {}
        for billing in self.unranked:
            if billing.reason.may_be_an_artist:
                names.setdefault(naming.normalise(billing.name), billing.name)
        return list(names.values())


def unranked_json(billing: UnrankedBilling) -> dict[str, Any]:
    """Return an entry of `unranked` in the JSON shape of `artistindex match`."""
    return {
        "artist": billing.name,
        "billed": billing.billed,
        "reason": billing.reason.value,
        "closest": list(billing.closest),
        "events": _events_json(billing.appearances),
    }


def _events_json(appearances: Iterable[Appearance]) -> list[dict[str, Any]]:
    """Return where and when an act plays, as far as the files tell, the earliest first."""
    return [
        appearance_json(appearance)
        for appearance in sorted(appearances, key=_date_of)
        if appearance != Appearance()
    ]


def appearance_json(appearance: Appearance) -> dict[str, Any]:
    """Return an entry of `events` in the JSON shape of `artistindex match`."""
    event = appearance.event or Event()
    return {
        "event": event.name,
        "date": event.date.isoformat() if event.date else None,
        "venue": event.venue,
        "link": event.link,
        "set_time": appearance.set_time,
        "time": event.time,
        "day": appearance.day,
        "stage": appearance.stage,
    }


def _date_of(appearance: Appearance) -> tuple[bool, str]:
    date = appearance.event and appearance.event.date
    return date is None, date.isoformat() if date else ""


# --- ranking ------------------------------------------------------------------------------------


def rank_lineup(
    index: ArtistIndex,
    lineup: Lineup | Sequence[str],
    likes: Favourites | Sequence[str],
    dislikes: Favourites | Sequence[str] = (),
) -> Ranking:
    """Rank the artists of a line-up for someone who likes `likes` and not `dislikes`.

    Favourites who play come first, indexed or not, then the others by score; disliked artists who
    play come last. Who is meant by a billing is what `resolve_billing` says; billings that mean
    the same artist are one entry.

    Raises Misuse for an artist who is both liked and disliked, and UnknownArtist where no favourite
    is indexed, or nobody of the line-up.
    """
    names = Names(index)
    taste = find_taste(index, names, likes, dislikes)
    bill = find_acts(index, names, as_lineup(lineup), taste)
    if not taste.liked:
        raise UnknownArtist(f"none of the favourites is in the index {index.name}")
    if not bill.acts:
        raise UnknownArtist(f"nobody of the line-up is in the index {index.name}")
    return Ranking(
        ranked=_rank(index, bill.acts, taste),
        unranked=list(bill.unranked),
        likes_not_indexed=list(taste.unheard),
        dislikes_not_indexed=list(taste.disliked_unheard),
        remarks=names.remarks,
    )


def as_lineup(lineup: Lineup | Iterable[str]) -> Lineup:
    """Return names as a line-up of which nothing else is known."""
    return lineup if isinstance(lineup, Lineup) else Lineup.of(lineup)


def _rank(index: ArtistIndex, acts: Iterable[Act], taste: Taste) -> list[LineupEntry]:
    unheard = {naming.normalise(name): weight for name, weight in taste.unheard.items()}
    favourites: list[tuple[float, Act]] = []
    others: list[tuple[int, Act]] = []
    for act in acts:
        if act.row is None:
            favourites.append((unheard[naming.normalise(act.name)], act))
        elif act.row in taste.liked:
            favourites.append((taste.liked[act.row], act))
        else:
            others.append((act.row, act))
    favourites.sort(key=lambda pair: (-pair[0], pair[1].row is not None))
    entries = [_favourite(act) for _, act in favourites] + _others(index, others, taste)
    return [replace(entry, rank=rank) for rank, entry in enumerate(entries, 1)]


def _favourite(act: Act) -> LineupEntry:
    return LineupEntry(
        rank=0,
        artist=act.name,
        billed=act.spellings[0],
        score=1.0,
        percentile=100.0,
        favourite=True,
        disliked=False,
        because=(Reason(act.name, 1.0),),
        appearances=act.appearances,
        also_billed=act.spellings[1:],
    )


def _others(index: ArtistIndex, acts: Iterable[tuple[int, Act]], taste: Taste) -> list[LineupEntry]:
    """Return those who are no favourites, best first, the disliked ones last."""
    liked, handicaps = list(taste.liked), handicaps_of(index, taste.liked.values())
    scores = _scores(index, liked, handicaps, taste.disliked)
    rivals = np.sort(np.delete(scores, liked))
    last = set(taste.disliked)
    ordered = sorted(acts, key=lambda pair: (pair[0] in last, -scores[pair[0]]))
    return [
        LineupEntry(
            rank=0,
            artist=act.name,
            billed=act.spellings[0],
            score=float(scores[row]),
            percentile=_percentile(rivals, scores[row]),
            favourite=False,
            disliked=row in last,
            because=_reasons(index, row, liked, handicaps),
            against=_reasons(index, row, taste.disliked, np.zeros(len(taste.disliked))),
            appearances=act.appearances,
            also_billed=act.spellings[1:],
        )
        for row, act in ordered
    ]


# --- scores -------------------------------------------------------------------------------------


def nearest(cosines: Floats, handicaps: Floats) -> Floats:
    """Return the score (artists,) of the nearest favourite, of cosines (favourites, artists)."""
    scores: Floats = (cosines - handicaps[:, None]).max(axis=0)
    return scores


def handicaps_of(index: ArtistIndex, weights: Iterable[float]) -> Floats:
    """Return how much farther away each favourite counts for being played less than another.

    It grows with the logarithm of the plays: none for the most played, `PLAYS` standard deviations
    of the index's cosines for one that was not played at all.
    """
    plays = np.log1p(np.array(list(weights), np.float64))
    if not plays.size or not index.manifest.background:
        return np.zeros(len(plays))
    levels = np.linspace(0.0, 100.0, len(index.manifest.background))
    middle, above = np.interp((50.0, _ONE_DEVIATION), levels, index.manifest.background)
    handicaps: Floats = PLAYS * float(above - middle) * (1.0 - plays / plays.max())
    return handicaps


def _scores(
    index: ArtistIndex, liked: Sequence[int], handicaps: Floats, disliked: Sequence[int]
) -> Floats:
    """Return the score of every artist of the index, float64 of shape (artists,)."""
    vectors = index.vectors
    scores = np.empty(len(vectors))
    for at in range(0, len(vectors), _AT_ONCE):
        part = vectors[at : at + _AT_ONCE].T.astype(np.float64)
        near = nearest(vectors[liked] @ part, handicaps)
        away = (vectors[list(disliked)] @ part).max(axis=0) if disliked else np.zeros(1)
        scores[at : at + _AT_ONCE] = near - DISLIKE * np.maximum(away, 0.0)
    return scores


def _percentile(rivals: Floats, score: float) -> float | None:
    """Return the share of the other `rivals`, sorted, that score less, in percent."""
    if len(rivals) < 2:
        return None
    return 100.0 * float(np.searchsorted(rivals, score)) / (len(rivals) - 1)


def _reasons(
    index: ArtistIndex, row: int, artists: Sequence[int], handicaps: Floats
) -> tuple[Reason, ...]:
    cosines = index.vectors[list(artists)] @ index.vectors[row] if artists else np.zeros(0)
    order = np.argsort(handicaps - cosines, kind="stable")[:_REASONS]
    return tuple(Reason(index.artists[artists[at]], float(cosines[at])) for at in order)
