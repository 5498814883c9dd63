"""Whom somebody listens to, out of the files that players, shops and services give people."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from artistindex import naming
from artistindex.errors import Misuse
from artistindex.listeners.mentions import (
    Mention,
    from_record,
    parse_ids,
    parse_weight,
    split_credit,
)
from artistindex.listeners.not_names import not_a_name
from artistindex.listeners.structure import Document, Structure, read_document
from artistindex.listeners.tables import Column, Table
from artistindex.listeners.typed_lists import typed_lines
from artistindex.listeners.user_files import Source, kind, label_of

UNDERSTOOD = (
    "understood are lists of names (text, CSV, JSON, YAML), Last.fm and Exportify CSV, Spotify and"
    " ListenBrainz JSON, JSPF, XSPF, M3U8 with #EXTINF, Rekordbox XML and Traktor NML"
)
Files = str | Source | Iterable[str | Source]
"""One file or several, by path or as they were sent."""

_LISTS = (
    *(("artists",), ("artists", "items"), ("playlist", "track"), ("listens",)),
    *(("payload", "listens"), ("topartists", "artist"), ("items",)),
)
_SPOTIFY_LIBRARY = ("artists", "albums", "tracks")
_EXTINF = re.compile(r"#EXTINF:[^,\"]*(?:\"[^\"]*\"[^,\"]*)*,(?P<display>.*)")
_DISPLAY = re.compile(r"(?P<artist>.+?)\s+[-–—]\s+\S")


@dataclass(frozen=True, slots=True)
class Favourite:
    """An artist that somebody listens to.

    `weight` is how often: the plays that the files tell of, or the tracks that they list, or 1.
    `ids` maps services to the artist's id there, as far as the files give it.
    """

    name: str
    weight: float = 1.0
    ids: Mapping[str, str] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class Favourites:
    """Favourites in the files' order, each folded name once under its first spelling."""

    favourites: tuple[Favourite, ...]
    sources: tuple[Path, ...]

    @property
    def names(self) -> list[str]:
        """The names in order."""
        return [favourite.name for favourite in self.favourites]

    @property
    def weights(self) -> dict[str, float]:
        """The weights by name."""
        return {favourite.name: favourite.weight for favourite in self.favourites}

    def __iter__(self) -> Iterator[Favourite]:
        return iter(self.favourites)

    def __len__(self) -> int:
        return len(self.favourites)


def read_favourites(files: Files) -> Favourites:
    """Read favourites from one file or several, whose weights are added up; `-` is standard input.

    What kind of file each is is told by its structure (docs/lineups.md has the kinds). Raises
    Misuse, in one line, for a file that cannot be read, is of no such kind or names nobody.
    """
    sources = sources_of(files)
    mentions = [mention for source in sources for mention in mentions_of(read_document(source))]
    return Favourites(_merge(mentions), tuple(map(label_of, sources)))


def read_names(source: Source) -> list[str]:
    """Return the names in a file of favourites, each folded name once, in order. Raises Misuse."""
    return read_favourites(source).names


def sources_of(files: Files) -> tuple[Source, ...]:
    """Return one file or several as a tuple."""
    given = (files,) if isinstance(files, str | Source) else files
    return tuple(Path(file) if isinstance(file, str) else file for file in given)


def unique(names: Iterable[str]) -> Iterator[str]:
    """Yield the cleaned names in order, each folded name once; empty ones are left out."""
    seen = set()
    for name in map(naming.clean, names):
        folded = naming.normalise(name)
        if name and folded not in seen:
            seen.add(folded)
            yield name


def from_table(table: Table, *columns: Column) -> Iterator[tuple[int, list[Mention]]]:
    """Yield the position of each row that names an artist in the first of `columns`, and whom."""
    position = table.position(*columns)
    if position is None:
        headings = ", ".join(filter(None, table.header[:6]))
        raise Misuse(
            f"{table.source}: expected a column named artist, found {naming.quoted(headings, 100)}"
        )
    is_list = table.header[position].endswith(("(s)", "names"))
    credited = list(table.cells(*columns))
    known = {credit.replace("\\,", ",") for credit in credited} if is_list else set()
    rows = zip(credited, table.cells(Column.ARTIST_ID), table.cells(Column.PLAYS), strict=True)
    for row, (credit, ids, plays) in enumerate(rows):
        if not credit:
            continue
        weight = 1.0 if not plays else parse_weight(plays)
        if weight is None:
            line = table.lines[row]
            raise Misuse(
                f"{table.source}: line {line}: plays must be a number,"
                f" found {naming.quoted(plays, 40)}"
            )
        artists = (
            split_credit(credit, ids, known) if is_list else [Mention(credit, ids=parse_ids(ids))]
        )
        yield row, [Mention(artist.name, weight, artist.ids) for artist in artists]


def mentions_of(document: Document) -> list[Mention]:
    """Return the artists that a document names. Raises Misuse where it names nobody."""
    mentions = [
        mention for mention in _READERS[document.structure](document) if naming.clean(mention.name)
    ]
    if not mentions:
        raise Misuse(f"{document.source}: no artist in it; {UNDERSTOOD}")
    return mentions


def _merge(mentions: Iterable[Mention]) -> tuple[Favourite, ...]:
    favourites: dict[str, Favourite] = {}
    for mention in mentions:
        name = naming.clean(mention.name)
        first = favourites.get(naming.normalise(name), Favourite(name, 0.0))
        favourites[naming.normalise(name)] = Favourite(
            first.name, first.weight + mention.weight, {**mention.ids, **first.ids}
        )
    return tuple(favourites.values())


def refuse(source: Path, content: str) -> NoReturn:
    """Raise Misuse that names what was found and what is understood."""
    raise Misuse(f"{source}: found {content}; {UNDERSTOOD}")


# --- by structure -------------------------------------------------------------------------------


def _from_text(document: Document) -> Iterable[Mention]:
    names = []
    for number, line in typed_lines(document.content):
        if line.endswith(":"):  # the heading of a list
            continue
        if problem := not_a_name(line):
            refuse(document.source, f"{problem} in line {number} ({naming.quoted(line, 60)})")
        names.append(line)
    return map(Mention, unique(names))


def _from_table(document: Document) -> Iterable[Mention]:
    return [
        mention
        for _, mentions in from_table(document.content, Column.ARTIST)
        for mention in mentions
    ]


def _from_value(document: Document) -> Iterable[Mention]:
    """Of a JSON or YAML document: lists of names, or of records that name artists."""
    entries = _entries(document)
    if entries and all(isinstance(entry, str) for entry in entries):
        return map(Mention, unique(entries))
    mentions = []
    for position, entry in enumerate(entries, start=1):
        named = [Mention(entry)] if isinstance(entry, str) else None
        if isinstance(entry, dict):
            named = from_record(entry)
        if named is None:
            raise Misuse(
                f"{document.source}: entry {position} of the list must be a name, found"
                f" {_described(entry)}"
            )
        mentions += named
    return mentions


def _entries(document: Document) -> Sequence[Any]:
    value = document.content
    if isinstance(value, list):
        return value
    if isinstance(value, dict):
        if _is_spotify_library(value):
            return [entry for key in _SPOTIFY_LIBRARY for entry in value.get(key, ())]
        for keys in _LISTS:
            entries = _follow(value, keys)
            if isinstance(entries, list):
                return entries
        if "track_metadata" in value:  # JSON Lines of a single line
            return [value]
    raise Misuse(
        f"{document.source}: expected a {document.structure.upper()} list of names or"
        f' {{"artists": [...]}}, found'
        f" {_described(value)}; {UNDERSTOOD}"
    )


def _is_spotify_library(value: Mapping[str, Any]) -> bool:
    """Tell the export of what somebody saved: what they banned is in it too."""
    lists = [value.get(key) for key in _SPOTIFY_LIBRARY if key in value]
    return len(lists) > 1 and all(isinstance(entries, list) for entries in lists)


def _follow(value: Any, keys: Sequence[str]) -> Any:
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _described(value: Any) -> str:
    keys = ", ".join(map(str, list(value)[:5])) if isinstance(value, dict) else ""
    return f"{kind(value)} with the keys {naming.quoted(keys, 100)}" if keys else kind(value)


def _from_playlist(document: Document) -> Iterable[Mention]:
    displays = [
        match["display"]
        for line in document.content.splitlines()
        if (match := _EXTINF.match(line.strip()))
    ]
    artists = [
        match["artist"] for display in displays if (match := _DISPLAY.match(display.strip()))
    ]
    if not artists:
        refuse(document.source, "a playlist without `#EXTINF:seconds,Artist - Title`")
    return map(Mention, artists)


def _from_xml(document: Document) -> Iterable[Mention]:
    root = document.content
    tag = _local(root.tag)
    if tag not in _XML_READERS:
        refuse(document.source, f"XML of <{naming.truncate(tag, 60)}>")
    return _XML_READERS[tag](root)


def _from_rekordbox(root: Any) -> Iterator[Mention]:
    for track in root.iterfind("./COLLECTION/TRACK"):
        yield Mention(track.get("Artist", ""), _plays(track.get("PlayCount")))


def _from_traktor(root: Any) -> Iterator[Mention]:
    for entry in root.iterfind("./COLLECTION/ENTRY"):
        info = entry.find("INFO")
        plays = None if info is None else info.get("PLAYCOUNT")
        yield Mention(entry.get("ARTIST", ""), _plays(plays))


def _from_xspf(root: Any) -> Iterator[Mention]:
    for element in root.iterfind("./{*}trackList/{*}track/{*}creator"):
        yield Mention(element.text or "")


def _plays(text: str | None) -> float:
    """How often a track of a collection was played; one that never was counts once."""
    return max(1.0, parse_weight(text or "") or 0.0)


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]


_XML_READERS: dict[str, Callable[[Any], Iterator[Mention]]] = {
    "DJ_PLAYLISTS": _from_rekordbox,
    "NML": _from_traktor,
    "playlist": _from_xspf,
}
_READERS: dict[Structure, Callable[[Document], Iterable[Mention]]] = {
    Structure.TEXT: _from_text,
    Structure.TABLE: _from_table,
    Structure.JSON: _from_value,
    Structure.YAML: _from_value,
    Structure.PLAYLIST: _from_playlist,
    Structure.XML: _from_xml,
}
