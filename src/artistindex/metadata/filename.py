"""What the path of an audio file says of its artist, title and album."""

import os
import re
from pathlib import Path

from artistindex import naming
from artistindex.entities import Artist, Track

_DASH = re.compile(r"\s+[-–—]\s+")
# "01 - ", "1-04. ", "7) " or, with its zero, "01 "; never the figures of "50 Cent", "2Pac" or
# "99 Luftballons"
_TRACK_NUMBER = re.compile(
    r"(?:\d{1,2}-)?(?:\d{1,3}\s*[.)_]\s*|\d{1,3}\s*[-–—]\s+|0\d{1,2}\s+)(?=\S)"
)
_DISC = re.compile(r"(?:cd|dis[ck])\s*\d{1,2}", re.IGNORECASE)
_NOBODY = frozenset(
    map(naming.normalise, ("Various Artists", "Various", "VA", "V.A.", "Compilations"))
)


def is_various_artists(artist: str) -> bool:
    """Whether the name stands for no artist in particular, such as "Various Artists"."""
    return naming.normalise(artist) in _NOBODY


def from_path(path: Path) -> Track:
    """What a path says, relative to the folder of music.

    It is read as "Artist/Album/Title" or "Artist - Title", without numbers of tracks and folders of
    discs. `artists` is empty where the path names none.
    """
    folders = [_readable(part) for part in path.parts[:-1]]
    if len(folders) > 1 and _DISC.fullmatch(folders[-1]):
        folders.pop()
    stem = _readable(path.stem)
    if " " not in stem:
        stem = stem.replace("_", " ")
    title = _without_number(stem)
    album = folders[-1] if folders else None
    before, after = _split(title)
    if len(folders) > 1 and not is_various_artists(folders[-2]):
        artist = folders[-2]
        return Track(
            (Artist(artist),), after if naming.same_name(before, artist) else title, album=album
        )
    if not before and album is not None:
        before, after = _split(album)[0], title  # "Artist - Album/Title"
    if before and not is_various_artists(before):
        return Track((Artist(before),), _without_number(after), album=album)
    return Track((), title, album=album)


def readable(path: str | Path) -> str:
    """A path as text that any file, terminal or database takes.

    Bytes that are not UTF-8 are read as those of old Windows systems, where most such names are
    from.
    """
    try:
        return os.fsencode(os.fspath(path)).decode("utf-8")
    except UnicodeDecodeError:
        return os.fsencode(os.fspath(path)).decode("cp1252", "replace")


def _readable(part: str) -> str:
    return naming.clean(readable(part))


def _without_number(text: str) -> str:
    number = _TRACK_NUMBER.match(text)
    return text[number.end() :] if number else text


def _split(text: str) -> tuple[str, str]:
    """The parts around the first dash between spaces; "" and the text without one."""
    dash = _DASH.search(text)
    before, after = (text[: dash.start()], text[dash.end() :]) if dash else ("", text)
    return (before.strip(), after.strip()) if before.strip() and after.strip() else ("", text)
