"""One artist tag as the artists it bills: guests, several names in one, turned names."""

import re
from collections.abc import Callable

# "Alice feat. Bob", "Alice (ft. Bob)", "Alice featuring Bob", "Alice (with Bob)", "Alice w/ Bob";
# "Feat" belongs to the name of Little Feat, and "Ft" to one of feet
_GUESTS = re.compile(
    r"\s*[(\[]\s*(?:feat(?:uring)?\b|ft\b|with\s).*"
    r"|\s+(?:(?i:feat\.|ft\.|featuring\s|[fw]/)|ft\s|FT\s).+"
    r"|(?<!(?i:little))\s+(?i:feat)\s.+",
    re.DOTALL,
)
_BRACKETED = re.compile(r"(?i)\s*[(\[]\s*(?:feat(?:uring)?\b|ft\b|with\s)[^)\]]*[)\]]?")
_JOINT = re.compile(r"(?i)(\s*[;/,&+]\s*|\s+(?:x|×|vs\.?|versus|b2b|and|und|y|et|with|meets)\s+)")
_TURNED = re.compile(r"(.+),\s*(The|A|An|Los|Las|Les|Die|Der|Das)", re.IGNORECASE)
_LISTED = re.compile(r"\s*;\s*|\s+/\s+")
_SEPARATORS = " ,;/&+-–—"
_MAX_PARTS = 30


def without_guests(artist: str) -> str:
    """Return a name without the guests that it bills: "Alice feat. Bob" is Alice's."""
    alone = _GUESTS.sub("", _BRACKETED.sub("", artist)).strip()
    return (alone if alone == artist else alone.rstrip(_SEPARATORS)) or artist


def natural_order(artist: str) -> str:
    """Return a name as it is said: "Beatles, The" is "The Beatles"."""
    turned = _TURNED.fullmatch(artist)
    return f"{turned[2]} {turned[1].strip()}" if turned else artist


def parts(artist: str, known: Callable[[str], bool]) -> list[str]:
    """Split "A & B" where every part is known by itself; otherwise the name stays whole.

    Of several ways the one with the fewest parts is taken: "Tyler, The Creator & Kali Uchis" is of
    two artists, not of three.
    """
    pieces = _JOINT.split(artist)
    if not 3 <= len(pieces) <= 2 * _MAX_PARTS:
        return [artist]
    best: list[list[str] | None] = [[]]  # by the number of pieces that are used up
    names = len(pieces) // 2 + 1
    for end in range(1, names + 1):
        ways = []
        for start in range(end):
            part = "".join(pieces[2 * start : 2 * end - 1]).strip()
            before = best[start]
            if before is not None and end - start < names and part and known(part):
                ways.append([*before, part])
        best.append(min(ways, key=len) if ways else None)
    return best[-1] or [artist]


def listed(artist: str) -> list[str]:
    """Split a list of names: "A; B", "A / B"."""
    return [name for name in _LISTED.split(artist) if any(map(str.isalnum, name))]


def all_parts(artist: str) -> list[str]:
    """Split a name at everything that may join names."""
    return [part for part in map(str.strip, _JOINT.split(artist)[::2]) if part]
