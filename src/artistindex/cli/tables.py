"""Tables for a terminal: they fit it, and break no word and no number.

Where there is too little room, columns of lesser use go first (an ellipsis stands for them), then
texts wrap between words; paths are relative and cut in the middle; times are to the minute.
"""

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from artistindex.naming import printable

if TYPE_CHECKING:
    from rich.table import Table

_LESSER = (  # what goes first stands first
    "sha256",
    "recording",
    "missing",
    "retryable",
    "when",
    "excerpt",
    "transform",
    "precision",
    "licence",
    "source",
    "models",
    "guessed",
    "unchanged",
    "kept",
    "id",
    "ids",
    "link",
    "channel",
    "tracks",
    "billed",
    "album",
    "place",
    "listen to",
    "rests on",
    "dimension",
    "bytes",
    "path",
    "where",
    "stage",
    "time",
    "percentile",
    "venue",
)
_PATHS = ("path", "place", "where")
_TIME = re.compile(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d)\S*")
_GAP = 3  # characters between columns
_EASY = 24  # characters in which a text reads well enough
_MIN_PATH = 16
_MIN_COLUMNS = 2


@dataclass(frozen=True, slots=True)
class _Column:
    """A column as text: its cells, and whether they are numbers."""

    title: str
    cells: tuple[str, ...]
    is_numeric: bool

    @property
    def is_path(self) -> bool:
        return self.title in _PATHS

    @property
    def natural(self) -> int:
        """The width that shows everything in one line."""
        return max(map(_width, (self.title, *self.cells)))

    @property
    def longest(self) -> int:
        """The width below which a word would break."""
        if self.is_numeric:
            return self.natural
        if self.is_path:
            return min(self.natural, _MIN_PATH)
        return max(map(_word_width, " ".join((self.title, *self.cells)).split()))

    @property
    def least(self) -> int:
        """The width that the column keeps while it is shown, if there is any room."""
        return self.longest if self.is_numeric else min(self.longest, _EASY)

    @property
    def easy(self) -> int:
        """The width that the column should have before another one goes for it."""
        return self.natural if self.is_numeric else max(self.longest, min(self.natural, _EASY))


def cell(value: object) -> str:
    """Return a value as a table shows it."""
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.3f}"
    return printable(str(value))


def table_of(rows: Iterable[Mapping[str, Any]], titles: Sequence[str], width: int) -> "Table":
    """Return the table of `rows` under `titles` that fits into `width` characters."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    rows = list(rows)
    columns = [_column(title, [row.get(title) for row in rows]) for title in titles]
    shown = _shown(columns, width)
    if len(shown) < len(columns):
        shown.append(_Column("…", ("",) * len(rows), is_numeric=False))
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    texts = []
    for column, size in zip(shown, _widths(shown, width), strict=True):
        justify: Literal["left", "right"] = "right" if column.is_numeric else "left"
        table.add_column(column.title, justify=justify, overflow="fold", width=size)
        texts.append([Text(_fitted(column, text, size)) for text in column.cells])
    for row in zip(*texts, strict=True):
        table.add_row(*row)
    return table


def _column(title: str, values: Sequence[object]) -> _Column:
    cells: Iterable[str] = map(cell, values)
    if title in _PATHS:
        cells = map(from_here, cells)
    elif title == "when":
        cells = (_TIME.sub(r"\1 \2", text) for text in cells)
    is_numeric = any(isinstance(value, int | float) for value in values)
    return _Column(title, tuple(cells), is_numeric)


def from_here(path: str) -> str:
    """Return a path as it is called from the folder that one is in."""
    return path.removeprefix(os.path.join(os.getcwd(), ""))


def _shown(columns: Sequence[_Column], width: int) -> list[_Column]:
    """Return the columns that there is room for, in their order."""
    going = [title for title in _LESSER if any(column.title == title for column in columns)]
    gone: list[str] = []
    while going and not _fits([column for column in columns if column.title not in gone], width):
        gone.append(going.pop(0))
    for title in reversed(gone):  # a narrow one may fit where a wide one has gone since
        others = [other for other in gone if other != title]
        if _fits([column for column in columns if column.title not in others], width):
            gone = others
    shown = [column for column in columns if column.title not in gone]
    while len(shown) > _MIN_COLUMNS and _total([each.least for each in shown]) > width:
        shown.pop()
    return shown


def _fits(columns: Sequence[_Column], width: int) -> bool:
    """Return whether all columns are easy to read, with room for an ellipsis behind them."""
    return _total([*(column.easy for column in columns), 1]) <= width


def _total(sizes: Sequence[int]) -> int:
    return sum(sizes) + _GAP * (len(sizes) - 1)


def _widths(columns: Sequence[_Column], width: int) -> list[int]:
    """Return each column's width: the widest give way, and words break where nothing else helps."""
    sizes = [column.natural for column in columns]
    for floors in (
        [column.longest for column in columns],
        [column.least for column in columns],
        [column.natural if column.is_numeric else 1 for column in columns],
        [1] * len(columns),
    ):
        while _total(sizes) > width:
            wide = [at for at, size in enumerate(sizes) if size > floors[at]]
            if not wide:
                break
            widest = max(wide, key=sizes.__getitem__)
            sizes[widest] -= 1
    return sizes


def _fitted(column: _Column, text: str, size: int) -> str:
    """Return the text with paths in it cut in the middle to fit."""
    if column.is_path:
        return _cut(text, size)
    return re.sub(r"\S*/\S*", lambda word: _cut(word[0], size), text)


def _word_width(word: str) -> int:
    """Return the width that a word needs: one with a path in it can be cut."""
    return min(_width(word), _MIN_PATH) if "/" in word else _width(word)


def _cut(text: str, size: int) -> str:
    """Return `text` with its middle left out where it is wider than `size`."""
    if _width(text) <= size:
        return text
    head = text[: (size - 1) // 3]
    tail = text
    while tail and _width(head) + 1 + _width(tail) > size:
        tail = tail[1:]
    return f"{head}…{tail}"


def _width(text: str) -> int:
    from rich.cells import cell_len

    return cell_len(text)
