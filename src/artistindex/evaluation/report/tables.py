"""One way to lay out numbers: tables that a terminal, CSV, Markdown and HTML show alike."""

import html
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self

from artistindex import naming

_MAX_NAME = 80
_MARKDOWN = re.compile(
    r"([\\`*_{}\[\]|~$]"  # emphasis, code, links, cells, mathematics
    r"|^[#+=-]|(?<=^\d)[.)]"  # headings and lists
    r"|(?<!\w)@|(?<=[A-Za-z]):(?=//)|(?<=[Ww]{3})\.)"  # what turns into a link by itself
)


class Kind(StrEnum):
    """How the values of a column are shown."""

    TEXT = "text"
    INTEGER = "integer"
    NUMBER = "number"
    PERCENT = "percent"


@dataclass(frozen=True, slots=True)
class Column:
    """A column's heading, how its values are shown, and their key in a record (its heading)."""

    title: str
    kind: Kind = Kind.TEXT
    key: str = ""

    @property
    def is_numeric(self) -> bool:
        """Whether the values are numbers, which stand to the right and sort as such."""
        return self.kind is not Kind.TEXT

    def of(self, record: Mapping[str, Any]) -> Any:
        """Return this column's value in a record, None where it has none."""
        return record.get(self.key or self.title)


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under columns; the first column names the row. `is_detail`: one row an artist."""

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Any, ...], ...]
    is_sortable: bool = False
    is_detail: bool = False

    @classmethod
    def of(
        cls,
        caption: str,
        columns: Iterable[Column],
        records: Iterable[Mapping[str, Any]],
        *,
        is_sortable: bool = False,
        is_detail: bool = False,
    ) -> Self:
        """Return a table of what each of the records has for each of the columns."""
        columns = tuple(columns)
        rows = tuple(tuple(column.of(record) for column in columns) for record in records)
        return cls(caption, columns, rows, is_sortable=is_sortable, is_detail=is_detail)

    @property
    def titles(self) -> list[str]:
        """The headings."""
        return [column.title for column in self.columns]


@dataclass(frozen=True, slots=True)
class Section:
    """A heading with text, plots (by name) and tables below it."""

    title: str
    text: tuple[str, ...] = ()
    plots: tuple[str, ...] = ()
    tables: tuple[Table, ...] = ()


# --- how it is written --------------------------------------------------------------------------


def printable(text: str) -> str:
    """Return a stranger's text without controls, line ends and bidirectional overrides.

    They are left out, not escaped as on a terminal, since XML has no way to write them.
    """
    return "".join(character for character in text if character.isprintable())


def shown(name: str, length: int = _MAX_NAME) -> str:
    """Return a stranger's name: printable, and cut where it has more than `length` characters."""
    return naming.truncate(printable(name), length)


def cell(value: Any, kind: Kind | str) -> str:
    """Return a table's value as a report shows it."""
    if value is None:
        return "–"
    match kind:
        case Kind.TEXT:
            return printable(str(value))
        case Kind.INTEGER:
            return f"{value:,}"
        case Kind.PERCENT:
            return f"{value:.1%}"
        case _:
            return f"{value:.3f}".replace("-", "−")


def markdown(text: str) -> str:
    """Return text without any meaning to Markdown or to the HTML inside it."""
    return _MARKDOWN.sub(r"\\\1", html.escape(text, quote=False))


def markdown_table(table: Table) -> str:
    """Return the table as Markdown, without its caption."""
    lines = [
        [markdown(printable(title)) for title in table.titles],
        ["---:" if column.is_numeric else "---" for column in table.columns],
        *(
            [
                markdown(cell(value, column.kind))
                for column, value in zip(table.columns, row, strict=True)
            ]
            for row in table.rows
        ),
    ]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
