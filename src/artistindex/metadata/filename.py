"""What the path of an audio file says of its artist, title and album: a guess."""

import os
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from artistindex import naming
from artistindex.entities import Artist, Track
from artistindex.metadata.nobody import is_nobodys_folder, is_shelf

_DASH = re.compile(r"\s+[-‐-―−]\s+")
# "01 - ", "1-04. ", "7) " or, with its zero, "01 "; never the figures of "50 Cent", "2Pac" or
# "99 Luftballons"
_TRACK_NUMBER = re.compile(
    r"(?:\d{1,2}-)?(?:\d{1,3}\s*[.)_]\s*|\d{1,3}\s*[-‐-―−]\s+|0\d{1,2}\s+)(?=\S)"
)
_SIDE = re.compile(r"[A-HＡ-Ｈ][1-9]\d?\s*(?:[-‐-―−.)_]\s*|\s)(?=\S)", re.IGNORECASE)
# "A - " and "AA - " of singles, where all of a folder are so called
_LETTER_SIDE = re.compile(r"(?:AA|[A-H])\s*[-‐-―−.)]\s+(?=\S)")
_LONE_SIDE = re.compile(r"[A-H][1-9]\d?\s*[-‐-―−.)]\s+(?=\S)")
# what DJs' programs write before it: the key, "8A" or "Am", and the beats a minute
_MIXING = re.compile(
    r"(?:(?:\d{2,3}|(?:1[0-2]|[1-9])[AB]|[A-G][#b]?m(?:aj|in)?)\s+[-‐-―−]\s+){1,2}(?=\D)"
)
_LABEL = re.compile(r"\[[^\]]*\]\s*(?=[^\s‐-―−-])")  # "[LABEL 01] Artist - Title"
_DISC = re.compile(r"(?:cd|dis[ck]|vinyl|side|lp)\s*(?:\d{1,2}|[A-H])", re.IGNORECASE)
# what yt-dlp appends to the names of files: a YouTube id, or the number of another site
_VIDEO_ID = re.compile(r"\s*\[(?:[\w-]{11}|\d{6,20})\]")
# "Artist-Album-CD-1992-GRP" with "01-artist-title-grp" in it, all without spaces
_RELEASE = re.compile(
    r"[^\s-]+-(?P<album>[^\s-]+(?:-[^\s-]+)*?)(?:-[^\s-]+)?-(?:19|20)\d\d-(?P<group>\w+)"
)
_RELEASED = re.compile(r"(?i)(?:\d{2,3}|[a-h]\d{1,2})-(?P<artist>[^-\s]+)-(?P<title>\S+)")
_NUMBER_WITHIN = re.compile(r"\s*[-‐-―−]\s*\d{1,3}\s*[-‐-―−]\s*")
# what stands behind a dash and is no title of its own
_VERSION = re.compile(
    r"(?i)(?:.*\s)?(?:remix|mix|edit|live|version|remaster(?:ed)?|dub|demo|instrumental|acoustic"
    r"|bootleg|rework|original|extended|reprise|part \w+|pt\.? ?\w+)(?:\s+(?:19|20)\d\d)?"
)
_BRACKETS = re.compile(r"[(\[][^)\]]*[)\]]")
_MIN_SHARE = 0.8  # of the files in one place that make a habit ...
_MIN_ARTISTS = 3  # ... and different artists in their names


@dataclass(frozen=True, slots=True)
class PathHabits:
    """How the files of a whole folder are named.

    `sides` are the folders whose files are numbered as a record's sides (A1, B2); `dashed` those
    whose files are called "Artist - Title", whatever the folders above are called; `artists` those
    that are known to be an artist's, since there are albums in them.
    """

    sides: frozenset[tuple[str, ...]] = frozenset()
    dashed: frozenset[tuple[str, ...]] = frozenset()
    artists: frozenset[tuple[str, ...]] = frozenset()
    all_dashed: bool = False

    def is_dashed(self, folders: tuple[str, ...]) -> bool:
        """Whether files in these folders are called "Artist - Title"."""
        return self.all_dashed or folders in self.dashed


ONE_FILE = PathHabits()


def path_habits(paths: Iterable[Path]) -> PathHabits:
    """Infer how the files of a folder are named from all their paths, relative to it."""
    stems: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for path in paths:
        stems[_folders(path)].append(_stem(path))
    sides = {place for place, names in stems.items() if len(names) > 1 and _are_sides(names)}
    shelves: dict[tuple[str, ...], list[tuple[tuple[str, ...], str]]] = defaultdict(list)
    for place, names in stems.items():
        for name in names:
            shelves[place[:-1]].append((place, _title(name, place in sides)))
    dashed = {place for files in shelves.values() if _names_artists(files) for place, _ in files}
    everything = [entry for files in shelves.values() for entry in files]
    artists = {place[:-1] for place in stems if len(place) > 1 and not is_nobodys_folder(place[-2])}
    return PathHabits(
        frozenset(sides),
        frozenset(dashed),
        frozenset(artists),
        all_dashed=_names_artists(everything),
    )


def _are_sides(names: Sequence[str]) -> bool:
    if all(map(_SIDE.match, names)):
        return True
    letters = [match and match[0].rstrip() for match in map(_LETTER_SIDE.match, names)]
    return all(letters) and len(set(letters)) == len(letters)


def _names_artists(files: Sequence[tuple[tuple[str, ...], str]]) -> bool:
    """Whether the names of these files begin with artists: not the folder's, and no versions."""
    pairs = [(place, *_split(title)) for place, title in files]
    named = [
        (before, after)
        for place, before, after in pairs
        if before
        and not _is_version(after)
        and not any(naming.same_name(before, folder) for folder in place[-2:])
    ]
    distinct = {naming.normalise(before) for before, _ in named}
    titles = {naming.normalise(after) for _, after in named}  # few where "Movement - Allegro" is
    enough = len(distinct) >= _MIN_ARTISTS and 2 * len(titles) > len(named)
    return enough and len(named) >= _MIN_SHARE * len(pairs)


def from_path(path: Path, habits: PathHabits = ONE_FILE) -> Track:
    """What a path says, relative to the folder of music, in which `habits` rule.

    It is read as "Artist/Album/Title" or "Artist - Title", without numbers of tracks and sides and
    folders of discs. `artists` is empty where the path names none.
    """
    folders = _folders(path)
    if release := _from_release(path):
        return release
    title = _title(_stem(path), folders in habits.sides)
    album = folders[-1] if folders else None
    dashed = _dashed(title, album)
    artist = _artist_folder(folders, habits)
    if artist and not (dashed.artists and habits.is_dashed(folders)):
        before, after = _split(title)
        if naming.same_name(before, artist):
            title = _without_number(after)
        stands_alone = len(folders) < 2 or artist != folders[-2]
        return Track((Artist(artist),), title, album=None if stands_alone else album)
    if dashed.artists or album is None:
        return dashed
    before, after = _split(album)  # "Artist - Album/Title"
    if before and not is_nobodys_folder(before):
        return Track((Artist(before),), _without_album(title, album), album=album)
    return Track((), title, album=album)


def artist_and_title(text: str) -> tuple[str, str] | None:
    """Split "Artist - Title"; None where it is not that, or what follows is only a version."""
    before, after = _split(text)
    if not before or is_nobodys_folder(before) or _is_version(after):
        return None
    return before, _without_number(after)


def titled(path: Path, habits: PathHabits = ONE_FILE) -> str:
    """Return the name of a file without its number, its suffix and what programs append."""
    return _title(_stem(path), _folders(path) in habits.sides)


def readable(path: str | Path) -> str:
    """A path as text that any file, terminal or database takes.

    Bytes that are not UTF-8 are read as those of old Windows systems, where most such names are
    from.
    """
    try:
        return os.fsencode(os.fspath(path)).decode("utf-8")
    except UnicodeDecodeError:
        return os.fsencode(os.fspath(path)).decode("cp1252", "replace")


def _folders(path: Path) -> tuple[str, ...]:
    folders = [_readable(part) for part in path.parts[:-1]]
    if len(folders) > 1 and _DISC.fullmatch(folders[-1]):
        folders.pop()
    return tuple(folders)


def _stem(path: Path) -> str:
    stem = _readable(path.stem)
    shorter = _VIDEO_ID.sub("", stem) if _VIDEO_ID.search(stem) else stem
    stem = shorter.strip() or stem
    return stem if " " in stem else stem.replace("_", " ")


def _title(stem: str, has_side: bool) -> str:
    label = _LABEL.match(stem)
    stem = stem[label.end() :] if label else stem
    if has_side and (side := _SIDE.match(stem) or _LETTER_SIDE.match(stem)):
        return _without_number(stem[side.end() :])
    stem = _without_prefix(stem, _LONE_SIDE)
    return _without_number(_without_prefix(stem, _MIXING))


def _without_prefix(stem: str, prefix: re.Pattern[str]) -> str:
    """`stem` without its prefix, where "Artist - Title" follows."""
    before = prefix.match(stem)
    rest = stem[before.end() :] if before else stem
    artist, title = _split(rest)
    return rest if artist and not artist.isdigit() and not _is_version(title) else stem


def _artist_folder(folders: tuple[str, ...], habits: PathHabits) -> str | None:
    """The folder that is an artist's, if any."""
    if len(folders) > 1 and not is_nobodys_folder(folders[-2]):
        return folders[-2]
    if len(folders) > 1 and is_shelf(folders[-2]) and not is_nobodys_folder(folders[-1]):
        return None if _split(folders[-1])[0] else folders[-1]  # "Techno/Artist/Title"
    if folders and folders in habits.artists and not is_nobodys_folder(folders[-1]):
        return folders[-1]  # beside the albums in it
    return None


def _dashed(title: str, album: str | None) -> Track:
    """The "Artist - Title" or "Artist - Album - 01 - Title" in the name of a file."""
    before, after = _split(title)
    if not before or is_nobodys_folder(before):
        return Track((), title, album=album)
    inner = _NUMBER_WITHIN.search(after)
    if inner and inner.start():
        return Track((Artist(before),), after[inner.end() :], album=after[: inner.start()])
    return Track((Artist(before),), _without_number(after), album=album)


def _without_album(title: str, album: str) -> str:
    """A title without the album, number and artist that are repeated before it."""
    artist, name = _split(album)
    for head in (album, name):
        rest = title[len(head) :] if title.startswith(head) else ""
        number = re.match(r"\s*[-‐-―−]\s*\d{1,3}\s*[-‐-―−]\s*", rest)
        if number:
            rest = rest[number.end() :]
            mine = re.match(rf"{re.escape(artist)}\s*[-‐-―−]\s*", rest, re.IGNORECASE)
            return rest[mine.end() :] if mine else rest
    return title


def _from_release(path: Path) -> Track | None:
    """What a release of the scene says, whose folder and files are named without spaces."""
    folder, stem = (_readable(part) for part in (path.parent.name, path.stem))
    release, file = _RELEASE.fullmatch(folder), _RELEASED.fullmatch(stem)
    if release is None or file is None:
        return None
    artist, album = (text.replace("_", " ") for text in (file["artist"], release["album"]))
    title = re.sub(rf"-{re.escape(release['group'])}$", "", file["title"], flags=re.IGNORECASE)
    if is_nobodys_folder(artist):
        return None
    return Track((Artist(artist),), title.replace("_", " "), album=album)


def _readable(part: str) -> str:
    return naming.clean(readable(part))


def _without_number(text: str) -> str:
    number = _TRACK_NUMBER.match(text)
    return text[number.end() :] if number else text


def _is_version(text: str) -> bool:
    return _VERSION.fullmatch(_BRACKETS.sub("", text).strip()) is not None


def _split(text: str) -> tuple[str, str]:
    """The parts around the first dash between spaces; "" and the text without one."""
    dash = _DASH.search(text)
    before, after = (text[: dash.start()], text[dash.end() :]) if dash else ("", text)
    return (before.strip(), after.strip()) if before.strip() and after.strip() else ("", text)
