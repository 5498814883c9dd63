"""Ranking line-ups: who of those that play would this person like?

An act's score is its cosine to the nearest favourite. With dislikes, half of the cosine to the
nearest of them is taken off, where it is positive. Where plays tell favourites apart, one who is
played less counts as if it were somewhat farther away. That the nearest alone counts, and not the
mean over several favourites, is what docs/lineups.md settles by experiment; a mean over everything
that somebody likes is near nothing in particular.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from artistindex import naming
from artistindex.entities import Artist, EntryTrack, Neighbour
from artistindex.errors import UnknownArtist
from artistindex.index.reader import ArtistIndex, ScoredRow
from artistindex.listeners.bills import Appearance, Event, Lineup
from artistindex.listeners.favourites import Favourites
from artistindex.metadata.links import artist_links
from artistindex.query.acts import (
    Act,
    Choice,
    Names,
    Taste,
    UnrankedBilling,
    find_acts,
    find_taste,
)
from artistindex.query.taste_scores import TasteScores


@dataclass(frozen=True, slots=True)
class Reason:
    """An artist who drove a score, and the cosine."""

    artist: str
    score: float

    def to_json(self) -> dict[str, Any]:
        """Return the reason as an entry of `because`."""
        return {"artist": self.artist, "score": self.score}


@dataclass(frozen=True, slots=True)
class LineupEntry(Neighbour):
    """One artist who plays.

    `billed` is how the line-up prints it, `also_billed` its further spellings there.
    `percentile` is the share of the index's artists, favourites left out, who fit these favourites
    less, in percent: 100 for a favourite, None where there is nobody else. `because` are the
    nearest favourites, `against` the nearest of those who are disliked; `entry_tracks` are the
    tracks nearest to the nearest favourite. `row` is the artist's in the index, None for a
    favourite whom it lacks.
    """

    billed: str = ""
    favourite: bool = False
    disliked: bool = False
    because: tuple[Reason, ...] = ()
    against: tuple[Reason, ...] = ()
    appearances: tuple[Appearance, ...] = ()
    also_billed: tuple[str, ...] = ()
    row: int | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the entry of `ranked` in the JSON shape of `artistindex match`."""
        entry = Neighbour.to_json(self) | {
            "billed": self.billed,
            "favourite": self.favourite,
            "because": [reason.to_json() for reason in self.because],
            "events": [appearance_json(appearance) for appearance in self.stated_appearances],
        }
        if self.also_billed:
            entry["also_billed"] = list(self.also_billed)
        if self.disliked:
            entry["disliked"] = True
        if self.against:
            entry["against"] = [reason.to_json() for reason in self.against]
        return entry

    @property
    def stated_appearances(self) -> list[Appearance]:
        """The appearances of which the files tell anything, the earliest first."""
        return stated(self.appearances)


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
        "events": [appearance_json(appearance) for appearance in stated(billing.appearances)],
    }


def stated(appearances: Iterable[Appearance]) -> list[Appearance]:
    """Return the appearances of which the files tell anything, the earliest first."""
    known = (appearance for appearance in appearances if appearance != Appearance())
    return sorted(known, key=_date_of)


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
    *,
    exclude: Iterable[str] = (),
    only: Iterable[str] | None = None,
    min_tracks: int = 0,
    entry_tracks: bool = True,
) -> Ranking:
    """Rank the artists of a line-up for someone who likes `likes` and not `dislikes`.

    Favourites who play come first, indexed or not, then the others by score; disliked artists who
    play come last. Who is meant by a billing is what `resolve_billing` says; billings that mean
    the same artist are one entry. Left out are artists called as in `exclude`, all who are not
    called as in `only` where it is given, and those with fewer than `min_tracks` tracks. Without
    `entry_tracks` the entries come without them, which is quicker for very many.

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
    choice = Choice.of(index, exclude=exclude, only=only, min_tracks=min_tracks)
    chosen = [act for act in bill.acts if choice.allows(act)]
    left_out = [act.left_out() for act in bill.acts if not choice.allows(act)]
    return Ranking(
        ranked=_rank(index, chosen, taste, entry_tracks=entry_tracks),
        unranked=[*bill.unranked, *left_out],
        likes_not_indexed=list(taste.unheard),
        dislikes_not_indexed=list(taste.disliked_unheard),
        remarks=names.remarks,
    )


def as_lineup(lineup: Lineup | Iterable[str]) -> Lineup:
    """Return names as a line-up of which nothing else is known."""
    return lineup if isinstance(lineup, Lineup) else Lineup.of(lineup)


def _rank(
    index: ArtistIndex, acts: Sequence[Act], taste: Taste, *, entry_tracks: bool
) -> list[LineupEntry]:
    judged = [*_favourites(acts, taste), *_others(acts, taste, TasteScores.of(index, taste))]
    tracks = _entry_tracks(index, judged) if entry_tracks else {}
    return [_entry(index, judgement, rank, tracks) for rank, judgement in enumerate(judged, 1)]


@dataclass(frozen=True, slots=True)
class _Judged:
    """An act with its score and the rows behind it."""

    act: Act
    score: float = 1.0
    percentile: float | None = 100.0
    is_favourite: bool = False
    is_disliked: bool = False
    near: tuple[ScoredRow, ...] = ()
    against: tuple[ScoredRow, ...] = ()


def _favourites(acts: Iterable[Act], taste: Taste) -> list[_Judged]:
    """Return the favourites who play, those that are played most first."""
    playing = [act for act in acts if act.row is None or act.row in taste.liked]
    playing.sort(key=lambda act: (-act.weight, act.row is not None))
    return [
        _Judged(act, is_favourite=True, near=() if act.row is None else ((1.0, act.row),))
        for act in playing
    ]


def _others(acts: Iterable[Act], taste: Taste, scores: TasteScores) -> list[_Judged]:
    """Return those who are no favourites, best first, the disliked ones last."""
    disliked = set(taste.disliked)
    rows = {act.row: act for act in acts if act.row is not None and act.row not in taste.liked}
    return [
        _Judged(
            rows[row],
            float(scores.scores[row]),
            scores.percentile(row),
            is_disliked=row in disliked,
            near=tuple(scores.nearest_favourites(row)),
            against=tuple(scores.nearest_disliked(row)),
        )
        for row in sorted(rows, key=lambda row: (row in disliked, -scores.scores[row]))
    ]


def _entry_tracks(
    index: ArtistIndex, judged: Iterable[_Judged]
) -> dict[int, tuple[EntryTrack, ...]]:
    """Return the tracks to begin with by row: those nearest to the nearest favourite."""
    rows_of: dict[int, list[int]] = defaultdict(list)
    for judgement in judged:
        if judgement.act.row is not None:
            rows_of[judgement.near[0][1]].append(judgement.act.row)
    return {
        row: tracks
        for favourite, rows in rows_of.items()
        for row, tracks in index.entry_tracks(rows, index.vectors_of([favourite])[0]).items()
    }


def _entry(
    index: ArtistIndex, judged: _Judged, rank: int, tracks: dict[int, tuple[EntryTrack, ...]]
) -> LineupEntry:
    row = judged.act.row
    artist = Artist(judged.act.name) if row is None else index.records[row]
    spellings = judged.act.spellings
    because = tuple(Reason(index.artists[near], score) for score, near in judged.near)
    return LineupEntry(
        rank=rank,
        artist=artist.name,
        score=judged.score,
        percentile=judged.percentile,
        tracks=0 if row is None else index.track_counts[row],
        ids=artist.ids,
        links=artist_links(artist),
        entry_tracks=() if row is None else tracks.get(row, ()),
        billed=spellings[0],
        favourite=judged.is_favourite,
        disliked=judged.is_disliked,
        because=because or (Reason(artist.name, 1.0),),
        against=tuple(Reason(index.artists[near], score) for score, near in judged.against),
        appearances=judged.act.appearances,
        also_billed=spellings[1:],
        row=row,
    )
