"""CSV and its kin: commas, semicolons or tabs, with a header that names the artist, or without."""

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import islice
from pathlib import Path

from artistindex import naming
from artistindex.errors import Misuse

_DELIMITERS = ",;\t"
_SEPARATOR_LINE = re.compile(r"\ufeff?sep=(.)\r?\n")  # Excel's own way to name the delimiter
_SCROBBLED_AT = re.compile(r"\d{1,2} [A-Za-z]{3} \d{4},? \d{2}:\d{2}(?::\d{2})?")
_SCROBBLE_COLUMNS = ("artist", "album", "track", "date")
_MAX_SAMPLED_ROWS = 50


class Column(Enum):
    """What a column of a table holds, with the headers that say so, best first."""

    ARTIST = ("artist", "artist name(s)", "artist name", "artists", "artist names", "artistname")
    ACT = ("act", "performer", "band", "dj", "billing", "name")
    ARTIST_ID = ("artist uri(s)", "artist uri", "artist mbid", "artist id", "artist ids", "mbid")
    PLAYS = (
        *("plays", "playcount", "play count", "scrobbles", "listens", "listen count"),
        *("times played", "weight", "count"),
    )
    DAY = ("day", "weekday", "weekend")
    DATE = ("date", "event date", "start date")
    STAGE = ("stage", "room", "floor", "area")
    VENUE = ("venue", "club", "location", "place")
    EVENT = ("event", "event name", "festival", "show", "title")
    LINK = ("link", "url", "tickets", "ticket url", "ticket link")
    TIME = ("time", "set time", "start", "start time", "from")
    OTHER = (
        *("track", "track name", "song", "album", "album name", "genre", "genres", "city", "rank"),
        *("track uri", "album uri", "id", "uri", "country", "notes", "end", "end time", "duration"),
    )


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of cells under named columns; `lines` are the rows' numbers in the file, from 1."""

    source: Path
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    lines: tuple[int, ...]

    def position(self, *columns: Column) -> int | None:
        """Return the position of the first of `columns` that the table has."""
        for column in columns:
            for heading in column.value:
                if heading in self.header:
                    return self.header.index(heading)
        return None

    def cells(self, *columns: Column) -> Iterator[str]:
        """Yield each row's cell of the first of `columns` there is; "" where there is none."""
        position = self.position(*columns)
        for row in self.rows:
            yield row[position] if position is not None and position < len(row) else ""


def parse_table(text: str, source: Path) -> Table | None:
    """Return the table that `text` is by its structure: its header, or the scrobbles in its rows.

    None where neither says so. Raises Misuse for a table whose cells cannot be told apart.
    """
    separator = _SEPARATOR_LINE.match(text)
    body = text[separator.end() :] if separator else text
    delimiters = separator[1] if separator else _DELIMITERS
    if delimiter := _delimiter_of_header(body, delimiters):
        return _with_header(body, delimiter, source)
    if delimiter := _delimiter_of_scrobbles(body, delimiters):
        rows, lines = _rows(body, delimiter, source)
        return Table(source, _SCROBBLE_COLUMNS, rows, lines)
    return None


def header_of(text: str) -> tuple[str, ...]:
    """Return the cells of a text's first line as it would be a header, by the likeliest comma."""
    first = next(iter(text.splitlines()), "")
    delimiter = max(_DELIMITERS, key=first.count)
    return tuple(cell.strip() for cell in next(csv.reader([first], delimiter=delimiter), []))


def _with_header(text: str, delimiter: str, source: Path) -> Table:
    rows, lines = _rows(text, delimiter, source)
    return Table(source, tuple(map(_heading, rows[0])), rows[1:], lines[1:])


def _heading(cell: str) -> str:
    return naming.normalise(cell.replace("_", " "))


def _delimiter_of_header(text: str, delimiters: str) -> str | None:
    first = next(iter(text.splitlines()), "")
    for delimiter in delimiters:
        try:
            cells = [_heading(cell) for cell in next(csv.reader([first], delimiter=delimiter), [])]
        except csv.Error:
            continue
        if any(heading in cells for heading in Column.ARTIST.value) and _is_header(cells):
            return delimiter
        if len(cells) > 1 and all(map(_is_known, filter(None, cells))) and any(cells):
            return delimiter
    return None


def _is_header(cells: Sequence[str]) -> bool:
    """Tell a header from a list of bands on one line, one of which calls itself Artist."""
    return len(cells) < 3 or sum(map(_is_known, cells)) >= 2


def _is_known(heading: str) -> bool:
    return any(heading in column.value for column in Column)


def _delimiter_of_scrobbles(text: str, delimiters: str) -> str | None:
    lines = list(islice(filter(str.strip, text.splitlines()), _MAX_SAMPLED_ROWS))
    for delimiter in delimiters:
        try:
            rows = list(csv.reader(lines, delimiter=delimiter))
        except csv.Error:
            continue
        if rows and all(len(row) == 4 and _SCROBBLED_AT.fullmatch(row[3].strip()) for row in rows):
            return delimiter
    return None


def _rows(
    text: str, delimiter: str, source: Path
) -> tuple[tuple[tuple[str, ...], ...], tuple[int, ...]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    rows, lines = [], []
    try:
        for row in reader:
            if any(cell.strip() for cell in row):
                rows.append(tuple(cell.strip() for cell in row))
                lines.append(reader.line_num)
    except csv.Error as error:
        raise Misuse(f"{source}: not a CSV file: {error}") from None
    return tuple(rows), tuple(lines)
