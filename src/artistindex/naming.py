"""Names: folded for look-up, cleaned for storing, cut and escaped for showing.

Nothing else may compare names.

Folding only finds: two artists whose names fold alike stay two artists, and the spelling that is
shown is always the artist's own.
"""

import re
import unicodedata
from functools import lru_cache

_VARIANTS = str.maketrans(
    {
        **dict.fromkeys("‘’‚‛′ʹʻʼʽ`´＇", "'"),
        **dict.fromkeys("“”„‟″«»", '"'),
        **dict.fromkeys("‐‑‒–—―−﹘﹣", "-"),
        **dict.fromkeys("⁄∕⧸", "/"),
        **dict.fromkeys("·•∙⋅・", "·"),
    }
)
_SPACES = re.compile(r"\s+")
UNPRINTABLE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)


def clean(name: str) -> str:
    """The spelling that is stored: NFC, without control characters, spaces trimmed and joined.

    A name of macOS (decomposed) and the same name of Linux (composed) become one.
    """
    if name.isascii() and name.isprintable():  # most names, many times quicker
        return " ".join(name.split())
    visible = "".join(
        " " if character.isspace() else character
        for character in unicodedata.normalize("NFC", name)
        if character.isspace() or unicodedata.category(character) not in ("Cc", "Cs")
    )
    return _SPACES.sub(" ", visible).strip()


@lru_cache(maxsize=1 << 16)  # the same names are folded again and again
def normalise(name: str) -> str:
    """The key under which a name is looked up.

    Case, width, spaces and variants of punctuation are folded (NFKC and full case folding, Unicode
    standard, chapter 3.13); combining marks are stripped from Latin and Greek letters only, since
    Cyrillic, Japanese and Thai marks tell names apart. Characters without a glyph (category Cf)
    vanish. A name that would fold to nothing is its own key. `fold(fold(name)) == fold(name)`.
    """
    previous, folded = None, name
    while folded != previous:  # case folding can undo a normal form: repeat until it rests
        previous, folded = folded, _fold_once(folded)
    return folded or clean(name)


def same_name(name: str, other: str) -> bool:
    """Whether two names fold alike."""
    return normalise(name) == normalise(other)


def truncate(text: str, limit: int = 80) -> str:
    """Return `text` as a message quotes it: at most `limit` characters, the last "…" where cut."""
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def quoted(text: str, limit: int = 80) -> str:
    """Return `text` in quotes as a message shows it, cut and escaped as `repr` does."""
    return repr(truncate(text, limit))


def printable(text: str) -> str:
    """Return `text` on one line of a terminal: control characters and lone surrogates escaped.

    Bidirectional controls are escaped too, since they reorder what stands around them; plain
    right-to-left letters stay as they are.
    """
    return UNPRINTABLE.sub(_escape, text)


def _escape(unsafe: re.Match[str]) -> str:
    return unsafe[0].encode("unicode_escape", "backslashreplace").decode("ascii")


def _fold_once(name: str) -> str:
    if name.isascii() and name.isprintable():  # most names, several times quicker
        return " ".join(name.translate(_VARIANTS).casefold().split())
    text = unicodedata.normalize("NFKC", name.translate(_VARIANTS)).translate(_VARIANTS).casefold()
    folded: list[str] = []
    base_loses_marks = False
    for character in unicodedata.normalize("NFD", text):
        if unicodedata.combining(character):
            if base_loses_marks:
                continue
        else:
            script = unicodedata.name(character, "").partition(" ")[0]
            base_loses_marks = script in ("LATIN", "GREEK")
        if unicodedata.category(character) not in ("Cc", "Cf", "Cs") or character.isspace():
            folded.append(character)
    return _SPACES.sub(" ", unicodedata.normalize("NFKC", "".join(folded))).strip()
