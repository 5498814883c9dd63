"""One way to lay out numbers: tables that a terminal, CSV, Markdown and HTML show alike."""

import csv
import html
import io
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self

from artistindex import naming
from artistindex._util.csv_text import csv_text

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


def csv_of(table: Table) -> str:
    """Return the table as CSV; text that a spreadsheet would take for a formula is quoted."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\r\n")
    writer.writerow([_csv_cell(title) for title in table.titles])
    writer.writerows([_csv_cell(value) for value in row] for row in table.rows)
    return buffer.getvalue()


def _csv_cell(value: Any) -> Any:
    return csv_text(value) if isinstance(value, str) else value


def markdown(text: str) -> str:
    """Return text without any meaning to Markdown or to the HTML inside it."""
    return _MARKDOWN.sub(r"\\\1", html.escape(text, quote=False))


_LATEX = {
    **{character: f"\\{character}" for character in "&%$#_{}"},
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "−": "$-$",
    "–": "--",
    "…": r"\ldots{}",
}
_LATEX_SPECIAL = re.compile("|".join(map(re.escape, _LATEX)))


def latex(text: str) -> str:
    """Return text without any meaning to LaTeX."""
    return _LATEX_SPECIAL.sub(lambda special: _LATEX[special[0]], text)


def latex_table(table: Table, *, notes: Iterable[str] = ()) -> str:
    """Return the table as LaTeX for the package booktabs; `notes` stand in comments above it."""
    sides = "".join("r" if column.is_numeric else "l" for column in table.columns)
    return "\n".join(
        [
            *(f"% {printable(note)}" for note in notes),
            r"\begin{table}",
            r"\centering",
            rf"\caption{{{latex(printable(table.caption))}}}",
            rf"\begin{{tabular}}{{{sides}}}",
            r"\toprule",
            _latex_row(map(printable, table.titles)),
            r"\midrule",
            *(_latex_row(_cells(table, row)) for row in table.rows),
            r"\bottomrule",
            r"\end{tabular}",
            r"\end{table}",
        ]
    )


def _latex_row(cells: Iterable[str]) -> str:
    # a row that begins with [ would be an argument of the \\ before it
    row = " & ".join(map(latex, cells))
    return f"{'{}' if row.startswith('[') else ''}{row} \\\\"


def _cells(table: Table, row: Iterable[Any]) -> list[str]:
    """Return the cells of a row as text, each by its column's kind."""
    return [cell(value, column.kind) for value, column in zip(row, table.columns, strict=True)]


def _markdown_cells(table: Table, row: Iterable[Any]) -> list[str]:
    """Return the cells of a row as Markdown; a number has no meaning to it within a table."""
    cells = zip(_cells(table, row), table.columns, strict=True)
    return [text if column.is_numeric else markdown(text) for text, column in cells]


def markdown_table(table: Table) -> str:
    """Return the table as Markdown, without its caption."""
    lines = [
        [markdown(printable(title)) for title in table.titles],
        ["---:" if column.is_numeric else "---" for column in table.columns],
        *(_markdown_cells(table, row) for row in table.rows),
    ]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
