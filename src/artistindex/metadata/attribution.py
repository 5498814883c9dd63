"""Who made each file of a folder, decided once the tags and paths of all of them are known."""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum, auto
from pathlib import Path

from artistindex import naming
from artistindex.entities import Artist, Service, Track
from artistindex.metadata import billing
from artistindex.metadata.filename import (
    PathHabits,
    artist_and_title,
    from_path,
    path_habits,
    titled,
)
from artistindex.metadata.nobody import is_nobody
from artistindex.metadata.tags import Tags

_TOO_COMMON = {"the", "and", "los", "las", "les", "die", "der", "das", "band", "trio", "orchestra"}
_IN_ONE_TEXT = re.compile(r"[;/]")
_MIN_WORD = 3  # letters of a word that two names may agree in


class Reason(StrEnum):
    """Why a file is whose it is, where it is not simply what the tag says."""

    TAG = auto()
    EARLIER = auto()
    GUESTS = auto()
    SPLIT = auto()
    RESPELLED = auto()
    JOINED = auto()
    NOBODY = auto()
    GUESSED = auto()
    UNNAMED = auto()


@dataclass(frozen=True, slots=True)
class TaggedFile:
    """An audio file and what is known of it before it is decided whose it is.

    `relative` is its path within the folder of music; `earlier` what an earlier scan decided of it,
    in place of its tags, if it has not changed since.
    """

    path: Path
    relative: Path
    size: int
    mtime_ns: int
    tags: Tags = field(default_factory=Tags)
    earlier: Track | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """Whose a file is. `artists` is empty where it is nobody's.

    `ids` are those of the recording, by "musicbrainz" and "isrc". `guessed` says that the artists
    come from the path or a title, not from a tag of theirs; `note` says in words what was done
    about the names ("" where nothing was).
    """

    file: TaggedFile
    artists: tuple[Artist, ...]
    title: str
    album: str | None
    ids: Mapping[str, str]
    guessed: bool
    reason: Reason
    note: str = ""

    @property
    def track(self) -> Track:
        """The file as a track."""
        earlier = self.file.earlier
        if earlier is not None:
            same = [a.name for a in earlier.artists] == [a.name for a in self.artists]
            return earlier if same else replace(earlier, artists=self.artists)
        return Track(
            self.artists,
            self.title,
            self.album,
            path=self.file.path,
            isrc=self.ids.get("isrc"),
            musicbrainz_id=self.ids.get("musicbrainz"),
            guessed=self.guessed,
        )


@dataclass(frozen=True, slots=True)
class _Name:
    """A name that a file bills, and its MusicBrainz ids: several where it joins several artists."""

    name: str
    ids: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        return naming.normalise(self.name)


@dataclass(slots=True)
class _Claim:
    """What one file says, on its way to a decision."""

    file: TaggedFile
    names: list[_Name]
    title: str
    album: str | None
    reason: Reason
    guessed: bool = False
    notes: list[str] = field(default_factory=list)

    def change(self, reason: Reason, note: str) -> None:
        """Take down what was done about the names."""
        if not self.guessed and self.reason is not Reason.NOBODY:
            self.reason = reason
        self.notes.append(note)


def decide_artists(files: Sequence[TaggedFile], known: Iterable[str] = ()) -> list[Decision]:
    """Decide whose each file is, from the tags and paths of all.

    `known` are names that are artists by themselves whatever the folder says (the library's, those
    with pinned ids); their spelling is kept. A tag beats a path. Names that several artists
    share in one ("A & B") are split where every part is known by itself; names that fold alike are
    one artist unless their MusicBrainz ids differ; one id on names that have nothing in common
    counts for nothing.
    """
    habits = path_habits(file.relative for file in files)
    claims = [_claim(file, habits) for file in files]
    artists = frozenset(known)
    _split_joint_names(claims, artists)
    _settle_ids(claims)
    _join_names_of_one_id(claims)
    _spell_alike(claims, artists)
    return [_decision(claim) for claim in claims]


# --- what one file says -------------------------------------------------------------------------


def _claim(file: TaggedFile, habits: PathHabits) -> _Claim:
    if file.earlier is not None:
        names = [_earlier(artist) for artist in file.earlier.artists]
        earlier = file.earlier
        return _Claim(
            file, names, earlier.title, earlier.album, Reason.EARLIER, guessed=earlier.guessed
        )
    guess = from_path(file.relative, habits)
    title = next(iter(file.tags.titles), guess.title)
    album = next(iter(file.tags.albums), guess.album)
    billed = _billed(file.tags)
    claim = _without_guests(_Claim(file, billed, title, album, Reason.TAG))
    somebody = [part for name in claim.names for part in _without_nobody(name)]
    if somebody:
        gone = [name.name for name in claim.names if name not in somebody]
        claim.notes += [f"in {name!r} the nobodies are left out" for name in gone]
        claim.names = somebody
        return claim
    album_artists = [_Name(name) for name in file.tags.album_artists if not is_nobody(name)]
    if album_artists:
        return _Claim(file, album_artists, title, album, Reason.TAG)
    return _guess(file, guess, title, album, habits, billed)


def _earlier(artist: Artist) -> _Name:
    id_ = artist.ids.get(Service.MUSICBRAINZ)
    return _Name(artist.name, (id_,) if id_ else ())


def _billed(tags: Tags) -> list[_Name]:
    """The names of the tag ARTISTS, else of the artist tag; with ids where each has one."""
    credited = _credits(tags)
    for names in (credited, tags.artists):
        if names and len(names) == len(tags.artist_ids):
            return [_Name(name, (id_,)) for name, id_ in zip(names, tags.artist_ids, strict=True)]
    distinct = dict.fromkeys(credited or tags.artists)
    return [_Name(name, tags.artist_ids if len(distinct) == 1 else ()) for name in distinct]


def _credits(tags: Tags) -> tuple[str, ...]:
    """The names of the tag ARTISTS, where it names anybody.

    Formats without lists hold them in one text, "A/B" or "A; B"; that they are several is seen
    where the artist tag has each of them, and not all in this one text.
    """
    if all(map(is_nobody, tags.credits)):
        return ()
    if len(tags.credits) == 1:
        whole, sentence = tags.credits[0], naming.normalise(" ".join(tags.artists))
        names = [name.strip() for name in _IN_ONE_TEXT.split(whole) if name.strip()]
        if naming.normalise(whole) not in sentence and all(
            naming.normalise(name) in sentence for name in names
        ):
            return tuple(names)
    return tags.credits


def _without_nobody(name: _Name) -> list[_Name]:
    """The name, or what is left of "Various Artists; Alice"; nothing of nobody's."""
    if is_nobody(name.name, name.ids[0] if len(name.ids) == 1 else None):
        return []
    listed = billing.listed(name.name)
    somebody = [part for part in listed if not is_nobody(part)]
    return [name] if len(somebody) == len(listed) else [_Name(part) for part in somebody]


def _without_guests(claim: _Claim) -> _Claim:
    if _credits(claim.file.tags):  # these name everybody who counts
        return claim
    for place, name in enumerate(claim.names):
        alone = billing.without_guests(name.name)
        if alone != name.name:
            claim.names[place] = _Name(alone, name.ids[:1])
            claim.change(Reason.GUESTS, f"the guests of {name.name!r} get no credit")
    return claim


def _guess(
    file: TaggedFile,
    guess: Track,
    title: str,
    album: str | None,
    habits: PathHabits,
    billed: list[_Name],
) -> _Claim:
    """What the title or the path says of a file whose tags name nobody."""
    stated = [name.name for name in billed] or list(file.tags.album_artists)
    if stated:
        named = artist_and_title(title) or artist_and_title(titled(file.relative, habits))
        if named:
            claim = _Claim(file, [_Name(named[0])], named[1], album, Reason.NOBODY, guessed=True)
            claim.notes.append(
                f"{stated[0]!r} is nobody, and the title or the file names an artist"
            )
            return _without_guests(claim)
        if billed:
            claim = _Claim(file, [], title, album, Reason.NOBODY)
            claim.notes.append(f"{stated[0]!r} is nobody")
            return claim
    if not guess.artists:
        return _Claim(file, [], title, album, Reason.UNNAMED)
    names = [_Name(artist.name) for artist in guess.artists]
    return _without_guests(_Claim(file, names, title, album, Reason.GUESSED, guessed=True))


# --- what all files say together ----------------------------------------------------------------


def _split_joint_names(claims: Sequence[_Claim], known: frozenset[str]) -> None:
    alone = {
        naming.normalise(billing.natural_order(name.name))
        for claim in claims
        for name in claim.names
        if len(name.ids) < 2
    }
    alone.update(map(naming.normalise, known))

    def is_known(name: str) -> bool:
        return naming.normalise(billing.natural_order(name)) in alone

    for claim in claims:
        names = []
        for name in claim.names:
            parts = _parts(name, is_known)
            names.extend(parts)
            if len(parts) > 1:
                who = ", ".join(part.name for part in parts)
                claim.change(Reason.SPLIT, f"{name.name!r} is split into {who}")
        claim.names = names


def _parts(name: _Name, is_known: Callable[[str], bool]) -> list[_Name]:
    if len(name.ids) == 1:
        return [name]  # MusicBrainz knows it as one artist
    if name.ids:
        pieces = billing.all_parts(name.name)
        if len(pieces) == len(name.ids):
            return [_Name(part, (id_,)) for part, id_ in zip(pieces, name.ids, strict=True)]
    pieces = billing.parts(name.name, is_known)
    if len(pieces) == 1:
        return [_Name(name.name)]
    return [part for piece in pieces for part in _parts(_Name(piece), is_known)]


def _settle_ids(claims: Sequence[_Claim]) -> None:
    """Turn names ("Beatles, The"), and give a name without an id the one of its namesakes."""
    ids: dict[str, Counter[str]] = defaultdict(Counter)
    for claim in claims:
        claim.names = [_Name(billing.natural_order(n.name), n.ids) for n in claim.names]
        for name in claim.names:
            ids[name.key].update(name.ids)
    for claim in claims:
        claim.names = [_with_id_of(name, ids[name.key]) for name in claim.names]


def _with_id_of(name: _Name, ids: Counter[str]) -> _Name:
    return name if name.ids or not ids else _Name(name.name, (_commonest(ids),))


def _join_names_of_one_id(claims: Sequence[_Claim]) -> None:
    """Names that share an id are one artist where they agree in part; else the id is dropped.

    It stays with the name that has it most often, unless several do.
    """
    names: dict[str, Counter[str]] = defaultdict(Counter)
    for claim in claims:
        for name in claim.names:
            for id_ in name.ids:
                names[id_][name.key] += 1
    contested = {id_: counts for id_, counts in names.items() if len(counts) > 1}
    for claim in claims if contested else ():
        claim.names = [_with_contested_id(claim, name, contested) for name in claim.names]


def _with_contested_id(claim: _Claim, name: _Name, contested: Mapping[str, Counter[str]]) -> _Name:
    counts = contested.get(name.ids[0]) if name.ids else None
    if counts is None:
        return name
    owner = _commonest(counts)
    if name.key == owner:
        rivals = [key for key in counts if not _agree(key, owner) and counts[key] == counts[owner]]
        return _Name(name.name) if rivals else name
    if _agree(name.key, owner):
        claim.change(Reason.JOINED, f"{name.name!r} has the MusicBrainz id of {owner!r}")
        return _Joined(name.name, name.ids, owner)
    claim.notes.append(f"the MusicBrainz id of {name.name!r} is another artist's, and left out")
    return _Name(name.name)


@dataclass(frozen=True, slots=True)
class _Joined(_Name):
    """A name under which another artist is credited, by whose key it goes."""

    owner: str = ""

    @property
    def key(self) -> str:
        return self.owner


def _spell_alike(claims: Sequence[_Claim], known: frozenset[str]) -> None:
    """Give every artist one spelling, and no file the same artist twice."""
    used: dict[tuple[str, tuple[str, ...]], Counter[str]] = defaultdict(Counter)
    for claim in claims:
        for name in claim.names:
            used[name.key, name.ids][name.name] += not isinstance(name, _Joined)
    for claim in claims:
        names = []
        for name in claim.names:
            spelling = _best_spelling(used[name.key, name.ids], known)
            if spelling != name.name:
                claim.change(
                    claim.reason if isinstance(name, _Joined) else Reason.RESPELLED,
                    f"{name.name!r} is spelled {spelling!r} here",
                )
            names.append(_Name(spelling, name.ids))
        claim.names = list(dict.fromkeys(names))


def _best_spelling(used: Counter[str], known: frozenset[str]) -> str:
    """A spelling that is known already, else the one used most, else one in mixed case."""

    def rank(name: str) -> tuple[bool, int, bool]:
        return name in known, used[name], name not in (name.upper(), name.lower())

    return max(used, key=rank)


def _commonest(counts: Counter[str]) -> str:
    return counts.most_common(1)[0][0]


def _agree(name: str, other: str) -> bool:
    """Whether two folded names agree in part: in a word, or one in the other's letters."""
    if _words(name) & _words(other):
        return True
    short, long = sorted((name.replace(" ", ""), other.replace(" ", "")), key=len)
    return len(short) > _MIN_WORD and short in long


def _words(name: str) -> set[str]:
    words = "".join(c if c.isalnum() else " " for c in name).split()
    return {word for word in words if len(word) >= _MIN_WORD} - _TOO_COMMON


def _decision(claim: _Claim) -> Decision:
    tags = claim.file.tags
    ids = {"musicbrainz": tags.recording_ids, "isrc": tags.isrcs}
    return Decision(
        file=claim.file,
        artists=tuple(
            Artist(name.name, {Service.MUSICBRAINZ: name.ids[0]} if name.ids else {})
            for name in claim.names
        ),
        title=claim.title,
        album=claim.album,
        ids={service: values[0] for service, values in ids.items() if values},
        guessed=claim.guessed,
        reason=claim.reason,
        note="; ".join(claim.notes),
    )
