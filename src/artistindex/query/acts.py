"""Who plays and who is liked: the names of line-ups and favourites, found in an index."""

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cache
from typing import Self

import numpy as np

from artistindex import naming
from artistindex.entities import Artist
from artistindex.errors import AmbiguousArtist, Misuse
from artistindex.index.reader import ArtistIndex
from artistindex.listeners.billing import Reading, name_to_look_up, resolve_billing
from artistindex.listeners.bills import Appearance, Billing, Lineup
from artistindex.listeners.favourites import Favourite, Favourites, unique
from artistindex.query.ranking import rows_left_out

_MAX_CLOSEST = 3
_MIN_CLOSENESS = 75  # of 100, by edits
_MAX_LOOKED_FOR = 1000  # names for which the closest of the index are sought
_MAX_CHARACTERS = 200


class Unranked(StrEnum):
    """Why a billing is not ranked, in words for a person."""

    NOT_INDEXED = "not indexed"
    AMBIGUOUS = "could be several artists"
    NAMESAKE = "the artist of this name has another id"
    PROSE = "reads like a sentence, not a name"
    TO_BE_ANNOUNCED = "not announced yet"
    LEFT_OUT = "left out as asked"

    @property
    def may_be_an_artist(self) -> bool:
        """Whether this may be an artist whom the index lacks."""
        return self in (Unranked.NOT_INDEXED, Unranked.AMBIGUOUS, Unranked.NAMESAKE)


_UNRANKED = {Reading.PROSE: Unranked.PROSE, Reading.TO_BE_ANNOUNCED: Unranked.TO_BE_ANNOUNCED}
_ONE_ACT = (Reading.WHOLE, Reading.STRIPPED)


@dataclass(frozen=True, slots=True)
class UnrankedBilling:
    """A billing, or the part `name` of one, that is not ranked: why, and the closest names."""

    name: str
    billed: str
    reason: Unranked
    appearances: tuple[Appearance, ...] = ()
    closest: tuple[str, ...] = ()


@dataclass(slots=True)
class Act:
    """An artist who plays, under one billing or several.

    `row` is its own in the index, None for a favourite whom the index lacks. `weight` is that of a
    favourite, 0 for who is none.
    """

    name: str
    row: int | None
    weight: float = 0.0
    billings: list[Billing] = field(default_factory=list)

    @property
    def spellings(self) -> tuple[str, ...]:
        """How the line-up prints it, each spelling once."""
        return tuple(dict.fromkeys(billing.name for billing in self.billings))

    def left_out(self) -> UnrankedBilling:
        """Return it as one that somebody does not want to see."""
        return UnrankedBilling(self.name, self.spellings[0], Unranked.LEFT_OUT, self.appearances)

    @property
    def appearances(self) -> tuple[Appearance, ...]:
        """When and where it plays, each time once."""
        return tuple(
            dict.fromkeys(
                appearance for billing in self.billings for appearance in billing.appearances
            )
        )


@dataclass(frozen=True, slots=True)
class Bill:
    """The acts of a line-up, and the billings that are none of an artist known here."""

    acts: tuple[Act, ...]
    unranked: tuple[UnrankedBilling, ...]


@dataclass(frozen=True, slots=True)
class Taste:
    """What somebody likes.

    `liked` has the weight of each favourite by row, `unheard` that of the favourites whom the index
    lacks, by name; `disliked` are rows.
    """

    liked: Mapping[int, float]
    unheard: Mapping[str, float]
    disliked: tuple[int, ...] = ()
    disliked_unheard: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Choice:
    """Who is not wanted in an answer: rows of an index, and folded names beyond it."""

    rows: Set[int]
    excluded: Set[str]
    only: Set[str] | None

    @classmethod
    def of(
        cls,
        index: ArtistIndex,
        *,
        exclude: Iterable[str] = (),
        only: Iterable[str] | None = None,
        min_tracks: int = 0,
    ) -> Self:
        """Choose as `rows_left_out` does."""
        exclude, only = list(exclude), None if only is None else list(only)
        return cls(
            rows_left_out(index, min_tracks=min_tracks, exclude=exclude, only=only),
            set(map(naming.normalise, exclude)),
            None if only is None else set(map(naming.normalise, only)),
        )

    def allows(self, act: Act) -> bool:
        """Tell whether an act may be in the answer."""
        if act.row is not None:
            return act.row not in self.rows
        folded = naming.normalise(act.name)
        return folded not in self.excluded and (self.only is None or folded in self.only)


class Names:
    """The names of an index, each looked up once.

    `remarks` say of names that could mean several artists whom they could mean.
    """

    def __init__(self, index: ArtistIndex) -> None:
        self.remarks: list[str] = []
        self._index = index
        self._rows = cache(index.find_rows)

    def __contains__(self, name: str) -> bool:
        return bool(self._rows(name))

    def resolve(
        self, billing: str, ids: Mapping[str, str], unheard: Container[str] = ()
    ) -> Iterator[tuple[str, int | Unranked]]:
        """Yield each artist that a billing means with its row, or why there is none.

        An id decides before the name. `unheard` are folded names that are known besides.
        """
        if (row := self._find_by_id(ids)) is not None:
            yield billing, row
            return
        resolution = resolve_billing(
            billing, lambda name: name in self or naming.normalise(name) in unheard
        )
        if not resolution.understood:
            yield resolution.printed, _UNRANKED.get(resolution.reason, Unranked.NOT_INDEXED)
        ids = ids if resolution.reason in _ONE_ACT and len(resolution.understood) == 1 else {}
        for name in resolution.understood:
            yield name, self._find(name, ids)
        for name in resolution.unknown:
            yield name, Unranked.NOT_INDEXED

    def _find(self, name: str, ids: Mapping[str, str]) -> int | Unranked:
        rows = self._rows(name)
        if not rows:
            return Unranked.NOT_INDEXED
        try:
            row = rows[0] if len(rows) == 1 else self._index.row(name)
        except AmbiguousArtist as error:
            self.remarks.append(str(error))
            return Unranked.AMBIGUOUS
        if ids and Artist(name, ids).contradicts(self._index.records[row]):
            return Unranked.NAMESAKE
        return row

    def _find_by_id(self, ids: Mapping[str, str]) -> int | None:
        for service, id_ in ids.items():
            if len(rows := self._rows(f"{service}:{id_}")) == 1:
                return rows[0]
        return None

    def closest(self, names: Sequence[str]) -> dict[str, tuple[str, ...]]:
        """Return the names of the index that each of `names` may be a misspelling of."""
        from rapidfuzz import fuzz, process

        artists = [naming.normalise(artist) for artist in self._index.artists]
        closest: dict[str, tuple[str, ...]] = {}
        for name in names[:_MAX_LOOKED_FOR]:
            asked = naming.normalise(name)[:_MAX_CHARACTERS]
            [closeness] = process.cdist(
                [asked], artists, scorer=fuzz.ratio, score_cutoff=_MIN_CLOSENESS, dtype=np.uint8
            )
            rows = np.argsort(-closeness.astype(np.int16), kind="stable")[:_MAX_CLOSEST]
            closest[name] = tuple(self._index.artists[row] for row in rows if closeness[row])
        return closest


def find_taste(
    index: ArtistIndex,
    names: Names,
    likes: Favourites | Iterable[str],
    dislikes: Favourites | Iterable[str] = (),
) -> Taste:
    """Find favourites and disliked artists. Raises Misuse for an artist who is both."""
    liked, unheard = _find_all(names, likes)
    disliked, disliked_unheard = _find_all(names, dislikes)
    for row in liked.keys() & disliked.keys():
        raise Misuse(f"{index.artists[row]} is both liked and disliked")
    return Taste(liked, unheard, tuple(disliked), tuple(disliked_unheard))


def _find_all(
    names: Names, people: Favourites | Iterable[str]
) -> tuple[dict[int, float], dict[str, float]]:
    """Return the weights by row, and by name of those whom the index lacks."""
    rows: dict[int, float] = {}
    missing: dict[str, float] = {}
    if not isinstance(people, Favourites):
        people = Favourites(tuple(map(Favourite, unique(people))), ())
    for favourite in people:
        for name, row in names.resolve(favourite.name, favourite.ids):
            if isinstance(row, int):
                rows[row] = rows.get(row, 0.0) + favourite.weight
            else:
                missing[name] = missing.get(name, 0.0) + favourite.weight
    return rows, missing


def find_acts(
    index: ArtistIndex, names: Names, lineup: Lineup, taste: Taste, *, closest: bool = True
) -> Bill:
    """Find out who plays: one act for each artist, whatever the bills call it.

    Without `closest` the names that are not known come without the nearest ones that are.
    """
    unheard = {naming.normalise(name): weight for name, weight in taste.unheard.items()}
    acts: dict[int | str, Act] = {}
    unranked: list[UnrankedBilling] = []
    for billing in lineup:
        for name, row in names.resolve(billing.name, billing.ids, unheard):
            folded = naming.normalise(name)
            if isinstance(row, int):
                act = Act(index.artists[row], row, taste.liked.get(row, 0.0))
                acts.setdefault(row, act).billings.append(billing)
            elif row is Unranked.NOT_INDEXED and folded in unheard:
                act = Act(name, None, unheard[folded])
                acts.setdefault(folded, act).billings.append(billing)
            else:
                unranked.append(UnrankedBilling(name, billing.name, row, billing.appearances))
    if closest:
        near = names.closest([act.name for act in unranked if act.reason.may_be_an_artist])
        unranked = [replace(act, closest=near.get(act.name, ())) for act in unranked]
    return Bill(tuple(acts.values()), tuple(unranked))


def missing_names(
    index: ArtistIndex | None,
    lineup: Lineup,
    *people: Favourites,
) -> list[str]:
    """Return the names to ask a service for, of all who play, are liked or disliked.

    These are the names that `index` does not know, or all of them where there is none.
    """
    if index is None:
        liked = [favourite.name for favourites in people for favourite in favourites]
        printed = lineup.names
    else:
        names = Names(index)
        liked = [name for favourites in people for name in _find_all(names, favourites)[1]]
        unheard = set(map(naming.normalise, liked))
        printed = [
            name
            for billing in lineup
            for name, row in names.resolve(billing.name, billing.ids, unheard)
            if row is Unranked.NOT_INDEXED
        ]
    return list(unique([*liked, *filter(None, map(name_to_look_up, printed))]))
