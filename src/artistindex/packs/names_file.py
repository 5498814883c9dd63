"""The names beside a file of vectors: a line each, or a table with a column for the artist."""

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

from artistindex import naming
from artistindex.entities import Artist, Service
from artistindex.errors import Misuse
from artistindex.listeners.truth_shapes import artist_key
from artistindex.listeners.user_files import read_text
from artistindex.packs.vector_table import TableRow

COLUMNS = {
    "artist": ("artist", "artist name", "name"),
    "title": ("title", "track title", "song"),
    "album": ("album", "album name"),
    "isrc": ("isrc",),
    "recording": ("recording mbid", "recording id", "musicbrainz recording id"),
    "track": ("track", "track id", "track number"),
    "spotify": ("spotify id", "spotify"),
    "deezer": ("deezer id", "deezer"),
    "musicbrainz": ("musicbrainz id", "mbid", "artist mbid", "musicbrainz"),
}
"""What a heading may be called, lower case, a space for an underscore."""

_DELIMITERS = ",;\t"
_JOINS = ("\t", " - ")


def read_names(path: Path, *, is_tracks: bool) -> list[TableRow]:
    """Return who the rows of a file of vectors are of, in order.

    A table has a header with artist (or name), and title where they are tracks; else each line is
    an artist, or "artist - title". Raises Misuse with the line at fault.
    """
    text = read_text(path)
    table = _table(text, path)
    if table is not None:
        return [row_of(cells, f"{path}: line {line}", is_tracks=is_tracks) for line, cells in table]
    if path.suffix.lower() in (".csv", ".tsv"):
        raise Misuse(f"{path} has no header with a column artist{', title' * is_tracks}")
    return [_line(line, f"{path}: line {at}", is_tracks) for at, line in _lines(text)]


def _lines(text: str) -> list[tuple[int, str]]:
    return list(enumerate(text.removesuffix("\n").split("\n"), 1))


def _line(line: str, where: str, is_tracks: bool) -> TableRow:
    """Return the row of a line; an artist may be named by an id behind the name's place."""
    text = naming.clean(line) if "\t" not in line else line
    if not is_tracks:
        return row_of({"artist": text}, where, is_tracks=False)
    for join in _JOINS:
        artist, separator, title = text.partition(join)
        if separator:
            return row_of({"artist": artist, "title": title}, where, is_tracks=True)
    raise Misuse(f'{where} is no "artist - title": {naming.quoted(line, 60)}')


def row_of(cells: Mapping[str, str | None], where: str, *, is_tracks: bool) -> TableRow:
    """Return the row of cells under the names of `COLUMNS`. Raises Misuse for one without names."""
    name = naming.clean(cells.get("artist") or "")
    title = naming.clean(cells.get("title") or "")
    if not name or (is_tracks and not title):
        raise Misuse(f"{where} names no {'artist' if not name else 'track'}")
    ids = {service: naming.clean(cells.get(service) or "") for service in Service}
    return TableRow(
        artist=Artist(name, {service: _id(service, id_) for service, id_ in ids.items() if id_}),
        title=title if is_tracks else "",
        album=naming.clean(cells.get("album") or "") or None,
        isrc=naming.clean(cells.get("isrc") or "") or None,
        musicbrainz_id=naming.clean(cells.get("recording") or "") or None,
        track=naming.clean(cells.get("track") or "") or None,
    )


def _id(service: Service, text: str) -> str:
    return artist_key(f"{service}:{text}").partition(":")[2]


def _table(text: str, path: Path) -> list[tuple[int, dict[str, str | None]]] | None:
    """Return the number of each line and its cells by column, of a text that begins with a header.

    A header names the artist; in a file that is not called .csv it has another column, too.
    """
    first = text.partition("\n")[0]
    is_named_csv = path.suffix.lower() in (".csv", ".tsv")
    for delimiter in _DELIMITERS:
        header = [column_of(cell) for cell in next(csv.reader([first], delimiter=delimiter), [])]
        if "artist" in header and (is_named_csv or sum(map(bool, header)) > 1):
            return _cells(text, delimiter, header, path)
    return None


def column_of(heading: str) -> str | None:
    """Return the name in `COLUMNS` of a heading, None for one that says nothing here."""
    folded = naming.normalise(heading.replace("_", " "))
    return next((column for column, names in COLUMNS.items() if folded in names), None)


def _cells(
    text: str, delimiter: str, header: Sequence[str | None], path: Path
) -> list[tuple[int, dict[str, str | None]]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    rows: list[tuple[int, dict[str, str | None]]] = []
    try:
        next(reader)
        for row in reader:
            cells = zip(header, row, strict=False)
            rows.append((reader.line_num, {name: cell for name, cell in cells if name}))
    except csv.Error as error:
        raise Misuse(f"{path}: line {reader.line_num} is no CSV: {error}") from None
    return rows
