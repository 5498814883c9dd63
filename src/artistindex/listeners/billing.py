"""Who plays, out of a name as a bill prints it: `Floorplan (Robert Hood & Lyric Hood)`."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from importlib import resources

from artistindex import naming
from artistindex.listeners import calendar
from artistindex.listeners.typed_lists import strip_bullet, strip_number

Knows = Callable[[str], bool]
_MAX_CHARACTERS = 400


def _vocabulary(name: str) -> frozenset[str]:
    """Return the entries of a list in data/, one a line."""
    path = resources.files("artistindex.listeners") / "data" / f"{name}.txt"
    return frozenset(path.read_text("utf-8").splitlines())


class Reading(StrEnum):
    """How a billing was understood, in words for a person."""

    WHOLE = "the whole name"
    STRIPPED = "without what stands around it"
    PARTS = "its parts"
    SOME_PARTS = "the parts that are known"
    BRACKET = "the names in its bracket"
    UNKNOWN = "not known"
    PROSE = "reads like a sentence, not a name"
    TO_BE_ANNOUNCED = "not announced yet"

    @property
    def is_understood(self) -> bool:
        """Whether this says who plays."""
        return self not in (Reading.UNKNOWN, Reading.PROSE, Reading.TO_BE_ANNOUNCED)


@dataclass(frozen=True, slots=True)
class BillingResolution:
    """What was `printed`, the names that were `understood` by it, in order, and the `reason`.

    `unknown` are the parts that nobody knows, where some others are known.
    """

    printed: str
    understood: tuple[str, ...]
    reason: Reading
    unknown: tuple[str, ...] = ()


def resolve_billing(billing: str, knows: Knows) -> BillingResolution:
    """Return the artists that a billing means, among those that `knows` says are known.

    Tried are, in this order: the billing whole; without bullet, time and trailing brackets; its
    parts; the names in its bracket, which also add to a whole act that is known where they are
    several: the members of a group. A part never counts for a name that only contains it: what
    `&`, `and`, `+` and commas join is one name unless each part is known.
    """
    printed = naming.clean(billing)
    if knows(printed):
        return BillingResolution(printed, (printed,), Reading.WHOLE)
    if is_to_be_announced(printed):
        return BillingResolution(printed, (), Reading.TO_BE_ANNOUNCED)
    if len(printed) > _MAX_CHARACTERS:
        return BillingResolution(printed, (), Reading.PROSE)
    bare, brackets = _strip(printed)
    names, reading = _understand(bare, brackets, knows)
    if reading is Reading.UNKNOWN and _is_prose(printed):
        reading = Reading.PROSE
    unknown = _unknown_acts(bare, knows) if reading is Reading.SOME_PARTS else ()
    return BillingResolution(printed, names, reading, unknown)


def name_to_look_up(billing: str) -> str | None:
    """Return what to ask a service for, of a billing that nobody here knows.

    That is the billing without what stands around it; None for a sentence, and for what is not
    announced yet.
    """
    printed = naming.clean(billing)
    if len(printed) > _MAX_CHARACTERS or is_to_be_announced(printed) or _is_prose(printed):
        return None
    bare, _ = _strip(printed)
    return _SUFFIX.sub("", bare) or bare


def _understand(bare: str, brackets: list[str], knows: Knows) -> tuple[tuple[str, ...], Reading]:
    members = _members(brackets, knows)
    if act := _known_spelling(bare, knows):
        return _distinct(act, *members), Reading.STRIPPED
    parts = _parts(bare, knows)
    if all(parts):
        return _distinct(*(name for part in parts for name in part), *members), Reading.PARTS
    if members:
        return members, Reading.BRACKET
    if alias := _alias(brackets, knows):
        return (alias,), Reading.BRACKET
    if any(parts) and not _is_prose(bare):
        return _distinct(*(name for part in parts for name in part)), Reading.SOME_PARTS
    return (), Reading.UNKNOWN


# --- what stands around a name ------------------------------------------------------------------

_BRACKET = re.compile(r"\s*(?:\((?P<round>[^()]*)\)|\[(?P<square>[^\[\]]*)\])\s*$")
_SET = (
    r"(?:(?:dj|live|hybrid|extended|special|sunset|sunrise|closing|opening|solo|acoustic|ambient"
    r"|a/?v|vinyl|all[- ]vinyl|surprise|secret|techno|house|d&b|dnb|jungle|disco|classics)[- ])*"
    r"(?:set|show|live|a/?v|dj|hybrid|performance|concert|p\.?a\.?|takeover)"
)
_SUFFIX = re.compile(
    r"\s+(?:[-–—|:]\s+)?(?:(?-i:live|LIVE)|(?:dj|live|hybrid|extended|acoustic|ambient|vinyl|sunset"
    r"|sunrise|closing|opening)[- ]set|all night(?: long)?|open to close|live p\.?a\.?|tba)$",
    re.IGNORECASE,
)
_LEAD = re.compile(
    r"(?:special guests?|headliner|support|opening|hosted by|dj sets? by)\s*:\s+", re.I
)


def _strip(printed: str) -> tuple[str, list[str]]:
    """Return a billing without bullet, number, time and trailing brackets; and the brackets."""
    bare = _LEAD.sub("", strip_number(strip_bullet(printed)), count=1)
    brackets: list[str] = []
    while True:
        shorter, _ = calendar.split_time(bare)
        if match := _BRACKET.search(shorter):
            brackets.append((match["round"] or match["square"] or "").strip())
            shorter = shorter[: match.start()]
        if shorter == bare or not shorter.strip():
            return bare, brackets
        bare = shorter.strip()


def _known_spelling(name: str, knows: Knows) -> str | None:
    """Return the name as it is known: as it stands, or without "live", "DJ set" and the like."""
    if knows(name):
        return name
    shorter = _SUFFIX.sub("", name)
    return shorter if shorter != name and shorter and knows(shorter) else None


# --- parts --------------------------------------------------------------------------------------

_JOINS_ACTS = re.compile(
    r"\s+(?:b[2-9]b(?:[2-9]b)*|vs\.?|versus|(?-i:x)|×|feat\.?|ft\.?|featuring|pres\.?"
    r"|presents?:?|invites:?|w/|with special guests?)\s+|\s*[•·|]\s*",
    re.IGNORECASE,
)
_MAX_PIECES = 50
_JOINS_NAMES = re.compile(r"\s*,\s*(?:and\s+|&\s+)?|\s+(?:&|and|\+|x|und|et|y|with|/)\s+", re.I)


def _parts(bare: str, knows: Knows) -> list[tuple[str, ...]]:
    """Return who each part of a billing is; an empty tuple for a part that is not known."""
    acts = _split_acts(bare)
    return [_part(act, knows) for act in acts] if len(acts) > 1 else [_names_of(bare, knows)]


def _split_acts(bare: str) -> list[str]:
    return [piece.strip() for piece in _JOINS_ACTS.split(bare) if piece.strip()]


def _unknown_acts(bare: str, knows: Knows) -> tuple[str, ...]:
    return tuple(act for act in _split_acts(bare) if not _part(act, knows))


def _part(act: str, knows: Knows) -> tuple[str, ...]:
    bare, brackets = _strip(act)
    if knows(act):
        return (act,)
    if known := _known_spelling(bare, knows):
        return _distinct(known, *_members(brackets, knows))
    return _names_of(bare, knows) or _members(brackets, knows)


def _names_of(text: str, knows: Knows) -> tuple[str, ...]:
    """Return the names that `&`, commas and the like join, if each of them is known.

    Some of those may stand within names: the longest run of parts that is known is one.
    """
    pieces = _JOINS_NAMES.split(text)
    bounds = [match.span() for match in _JOINS_NAMES.finditer(text)]
    if len(pieces) == 1 or len(pieces) > _MAX_PIECES:
        return ()
    starts = [0, *(end for _, end in bounds)]
    ends = [*(start for start, _ in bounds), len(text)]
    names: list[str] = []
    first = 0
    while first < len(pieces):
        for last in reversed(range(first, len(pieces))):
            name = text[starts[first] : ends[last]].strip()
            if name and (known := _known_spelling(name, knows)):
                names.append(known)
                first = last + 1
                break
        else:
            return ()
    return tuple(names)


# --- brackets -----------------------------------------------------------------------------------

_MEMBER_OF = re.compile(r"\s+of\s+(?!the\b|a\b).+$")
_ALSO_KNOWN = re.compile(r"^(?:a\.?k\.?a\.?|f\.?k\.?a\.?|formerly|feat\.?|ft\.?|with|w/)\s+", re.I)
_NO_MEMBER = re.compile(
    rf"of\s.*|from\s.*|[A-Z]{{2,3}}|\d+|{_SET}|live.*|.*\b(?:records|recordings|music|set|tour)",
    re.IGNORECASE,
)


def _members(brackets: list[str], knows: Knows) -> tuple[str, ...]:
    """Return the known among several names in a bracket."""
    members: list[str] = []
    for bracket in brackets:
        text = _ALSO_KNOWN.sub("", bracket)
        if known := _names_of(text, knows):
            members += known
            continue
        pieces = [piece for act in _split_acts(text) for piece in _JOINS_NAMES.split(act)]
        if len(pieces) > 1:
            members += filter(None, (_member(piece, knows) for piece in pieces))
    return _distinct(*members)


def _member(piece: str, knows: Knows) -> str | None:
    """Return a name in a bracket as it is known: "Dave 1 of Chromeo" may be Dave 1."""
    name = piece.strip()
    spellings = (name, _MEMBER_OF.sub("", name))
    return next((spelling for spelling in spellings if spelling and knows(spelling)), None)


def _alias(brackets: list[str], knows: Knows) -> str | None:
    """Return the one name in a bracket, unless it says whence, how or where somebody plays."""
    for bracket in brackets:
        name = _ALSO_KNOWN.sub("", bracket)
        is_said_to_be = name != bracket
        if not is_said_to_be and (_NO_MEMBER.fullmatch(name) or naming.normalise(name) in _PLACES):
            continue
        if name and knows(name):
            return name
    return None


_PLACES = _vocabulary("places")


# --- nobody -------------------------------------------------------------------------------------

_TO_BE_ANNOUNCED = re.compile(
    r"(?:(?:very )?(?:special|secret|surprise|mystery)?\s*(?:guests?|djs?|acts?|headliner)?\s*"
    r"[-–—:(]?\s*\b(?:tb[acd]|to be (?:announced|confirmed))\)?"
    r"|(?:very )?(?:special|secret|surprise) guests?"
    r"|(?:\+|&|and)?\s*(?:many )?(?:more|others)"
    r"(?: (?:tb[acd]|to be announced|to come|acts|artists))?)",
    re.IGNORECASE,
)
_MIN_SENTENCE_WORDS = 7
_MIN_SENTENCE_MARKS = 2
_SENTENCE_WORDS = _vocabulary("sentence_words")  # those that names seldom need


def is_to_be_announced(text: str) -> bool:
    """Tell whether a text stands for acts that are not announced yet: "TBA", "and many more"."""
    return _TO_BE_ANNOUNCED.fullmatch(text.strip()) is not None


def _is_prose(text: str) -> bool:
    """Tell a sentence that got among the names: long, with the small words that verbs need."""
    words = [word.strip(".,:;!?\"'()") for word in text.replace("’", "'").split()]
    marks = sum(word in _SENTENCE_WORDS for word in words)  # in lower case: titles have capitals
    return len(words) >= _MIN_SENTENCE_WORDS and marks >= _MIN_SENTENCE_MARKS


def _distinct(*names: str) -> tuple[str, ...]:
    return tuple({naming.normalise(name): name for name in reversed(names)}.values())[::-1]
