"""Folding a name for look-up; nothing else may compare names.

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


def clean(name: str) -> str:
    """The spelling that is stored: NFC, without control characters, spaces trimmed and joined.

    A name of macOS (decomposed) and the same name of Linux (composed) become one.
    """
    kept = "".join(
        " " if character.isspace() else character
        for character in unicodedata.normalize("NFC", name)
        if character.isspace() or unicodedata.category(character) not in ("Cc", "Cs")
    )
    return _SPACES.sub(" ", kept).strip()


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


def same_name(one: str, other: str) -> bool:
    """Whether two names fold alike."""
    return normalise(one) == normalise(other)


def truncate(name: str, most: int = 80) -> str:
    """A name as a message quotes it: its first `most` characters."""
    return name if len(name) <= most else f"{name[:most]}…"


def _fold_once(name: str) -> str:
    text = unicodedata.normalize("NFKC", name.translate(_VARIANTS)).translate(_VARIANTS).casefold()
    kept: list[str] = []
    base_loses_marks = False
    for character in unicodedata.normalize("NFD", text):
        if unicodedata.combining(character):
            if base_loses_marks:
                continue
        else:
            script = unicodedata.name(character, "").partition(" ")[0]
            base_loses_marks = script in ("LATIN", "GREEK")
        if unicodedata.category(character) not in ("Cc", "Cf", "Cs") or character.isspace():
            kept.append(character)
    return _SPACES.sub(" ", unicodedata.normalize("NFKC", "".join(kept))).strip()
