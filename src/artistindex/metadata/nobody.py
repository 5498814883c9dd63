"""Names, ids and folders that stand for no artist in particular."""

import re
import tomllib
from functools import cache
from importlib import resources

from artistindex import naming

_YEARS = re.compile(
    r"(?:19|20)\d\d(?:\s*-\s*(?:(?:19|20)\d\d|\d\d))?|(?:19)?[5-9]0s|(?:20)?[0-2]0s"
)
# what stands behind "Various Artists" in one tag: a year, a number, a bracket, an album
_APPENDED = re.compile(r"(?i)\s+[-–—:]\s.*|\s*[(\[].*|,?\s+(?:vol\.?\s*)?\d+")
_NUMBERED = re.compile(r"(?i)(?:audio\s?)?track\s?\d*")


def is_nobody(artist: str, id_: str | None = None) -> bool:
    """Whether a name or its MusicBrainz id stands for no artist in particular."""
    unknown = _is_any(artist, "unknown") or _is_any(_without_appended(artist), "unknown")
    return is_various_artists(artist) or unknown or id_ in _special_ids()


def is_various_artists(artist: str) -> bool:
    """Whether the name stands for several artists without naming them: "Various Artists"."""
    return _is_any(artist, "various") or _is_any(_without_appended(artist), "various")


def is_nobodys_folder(folder: str) -> bool:
    """Whether a folder of this name is no artist's: Downloads, House, 2019, Various Artists."""
    patterns = (_YEARS, _NUMBERED)
    heap = _is_any(folder, "heaps") or any(p.fullmatch(folder) for p in patterns)
    return heap or is_shelf(folder) or is_nobody(folder)


def is_shelf(folder: str) -> bool:
    """Whether the folders in a folder of this name are likely to be artists': Music, Techno."""
    return _is_any(folder, "shelves") or _is_any(folder, "genres")


def _without_appended(artist: str) -> str:
    """What is left of "Various Artists (2019)"; "" of names whose first word alone is nobody."""
    appended = _APPENDED.search(artist)
    head = artist[: appended.start()] if appended else ""
    if appended and appended.end() == len(artist) and (" " in head or " - " in appended[0]):
        return head
    return ""


def _is_any(name: str, kind: str) -> bool:
    return naming.normalise(name.replace("_", " ").strip() or name) in _keys()[kind]


@cache
def _keys() -> dict[str, frozenset[str]]:
    return {kind: frozenset(map(naming.normalise, names)) for kind, names in _words().items()}


@cache
def _special_ids() -> frozenset[str]:
    return frozenset(_words()["special_ids"])


@cache
def _words() -> dict[str, list[str]]:
    text = resources.files("artistindex.metadata").joinpath("data/nobody.toml")
    return tomllib.loads(text.read_text("utf-8"))
