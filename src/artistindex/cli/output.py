"""Printing: data to standard output, everything else to standard error."""

import csv
import io
import json
import re
import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import click

from artistindex._util.csv_text import csv_text
from artistindex.cli.tables import cell, table_of
from artistindex.naming import UNPRINTABLE, printable

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress

    from artistindex.evaluation.report.tables import Table

_ADDRESS = re.compile(r"https?://[\w.~:/?#@!$&'()*+,;=%-]+", re.ASCII)
_UNLIMITED_WIDTH = 100_000
_BAR = 15  # characters
_live: "list[Progress]" = []  # the bar that is on the screen, the innermost last


def emit(
    rows: Iterable[Mapping[str, Any]],
    columns: Sequence[str],
    output_format: str,
    *,
    payload: object = None,
) -> None:
    """Print `rows` as a table, CSV or Markdown of `columns`, or `payload` (else them) as JSON."""
    if output_format == "json":
        emit_json(list(rows) if payload is None else payload)
    elif output_format == "csv":
        _emit_csv(rows, columns)
    elif output_format == "markdown":
        _emit_markdown(list(rows), columns)
    else:
        _emit_table(rows, columns)


def emit_table(table: "Table", output_format: str, *, payload: object) -> None:
    """Print a table as text or CSV, or `payload` as JSON."""
    rows = (dict(zip(table.titles, row, strict=True)) for row in table.rows)
    emit(rows, table.titles, output_format, payload=payload)


def emit_for_paper(tables: "Iterable[Table]", output_format: str, notes: Iterable[str]) -> None:
    """Print tables as Markdown or LaTeX, with what they rest on in comments."""
    from artistindex.evaluation.report.tables import latex_table, markdown_table

    notes = list(map(printable, notes))
    for number, table in enumerate(tables):
        if number:
            click.echo()
        if output_format == "latex":
            click.echo(latex_table(table, notes=notes if not number else ()))
        else:
            click.echo(f"{table.caption}\n\n{markdown_table(table)}")
    if output_format == "markdown":
        click.echo("\n" + "\n".join(f"<!-- {note.replace('--', '- -')} -->" for note in notes))


def printable_lines(text: str) -> str:
    """Return a text of several lines, what a terminal must not see in them escaped."""
    return "\n".join(map(printable, text.split("\n")))


def emit_json(payload: object) -> None:
    """Print one JSON document, what a terminal must not see in it escaped as JSON does.

    A NaN or an infinity in it is a mistake of ours and raises.
    """
    text = json.dumps(payload, ensure_ascii=False, indent=2, allow_nan=False)
    lines = (
        UNPRINTABLE.sub(lambda unsafe: f"\\u{ord(unsafe[0]):04x}", line)
        for line in text.split("\n")
    )
    click.echo("\n".join(lines))


def _emit_csv(rows: Iterable[Mapping[str, Any]], columns: Sequence[str]) -> None:
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\r\n")
    writer.writerow([_csv_cell(column) for column in columns])
    for row in rows:
        writer.writerow([_csv_cell(row.get(column)) for column in columns])
    click.echo(buffer.getvalue(), nl=False)


def _csv_cell(value: object) -> object:
    return csv_text(value) if isinstance(value, str) else value


def _emit_markdown(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> None:
    click.echo(f"| {' | '.join(columns)} |")
    click.echo(
        f"| {' | '.join('---:' if _is_numeric(rows, column) else '---' for column in columns)} |"
    )
    for row in rows:
        click.echo(f"| {' | '.join(_markdown_cell(row.get(column)) for column in columns)} |")


def _markdown_cell(value: object) -> str:
    """A value without any meaning to Markdown; an address is a link."""
    from artistindex.evaluation.report.tables import markdown

    text = cell(value)
    return f"<{text}>" if _ADDRESS.fullmatch(text) else markdown(text)


def _is_numeric(rows: Iterable[Mapping[str, Any]], column: str) -> bool:
    return any(isinstance(row.get(column), int | float) for row in rows)


def _emit_table(rows: Iterable[Mapping[str, Any]], columns: Sequence[str]) -> None:
    rows = list(rows)
    if not rows:  # headings alone say nothing
        return
    screen = console(stderr=False)
    with screen.capture() as drawn:  # printed by click: rich leaves with 1 where a pipe has closed
        screen.print(table_of(rows, columns, screen.width))
    click.echo(drawn.get(), nl=False)


def console(*, stderr: bool) -> "Console":
    """A rich console that never wraps what goes to a file or a pipe."""
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    width = height = None
    if not stream.isatty():
        width = _UNLIMITED_WIDTH
    elif not stderr:  # rich takes a dumb terminal to have 80 columns whatever it says
        width, height = shutil.get_terminal_size()
    return Console(
        file=stream, width=width, height=height, highlight=False, markup=False, emoji=False
    )


def counted(number: int, noun: str) -> str:
    """ "1 track", "2 tracks"."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def message(text: str, *, quiet: bool = False) -> None:
    """Print one line for the person at the terminal on standard error, above a bar if there is."""
    if quiet:
        return
    if _live:
        _live[-1].console.print(printable(text))
    else:
        with suppress(BrokenPipeError):  # remarks that nobody reads are no reason to stop
            click.echo(printable(text), err=True)


@contextmanager
def working(text: str, *, quiet: bool = False) -> Iterator[None]:
    """Show on a terminal that `text` goes on, for work whose end cannot be foreseen."""
    from rich.text import Text

    target = console(stderr=True)
    if quiet or not target.is_terminal:
        yield
        return
    with target.status(Text(printable(text))):
        yield


@contextmanager
def progress(*, quiet: bool = False) -> Iterator["Progress"]:
    """Show how far something has come on standard error, on a terminal only."""
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    target = console(stderr=True)
    with _shown(
        Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=target,
            transient=True,
            disable=quiet or not target.is_terminal,
        )
    ) as drawn:
        yield drawn


@contextmanager
def bar(*, quiet: bool = False) -> Iterator["Progress"]:
    """Show how far a long run has come on standard error, on a terminal only.

    The bar keeps its room: what stands before it is cut. Tasks carry the field `state` (text),
    which stands behind it.
    """
    from rich.progress import BarColumn, Progress, TextColumn
    from rich.table import Column

    target = console(stderr=True)
    name = Column(ratio=1, no_wrap=True, overflow="ellipsis")
    with _shown(
        Progress(
            TextColumn("{task.description}", markup=False, table_column=name),
            BarColumn(bar_width=_BAR, table_column=Column(min_width=_BAR)),
            TextColumn("{task.fields[state]}", markup=False, table_column=Column(no_wrap=True)),
            console=target,
            expand=True,
            transient=True,
            disable=quiet or not target.is_terminal,
        )
    ) as drawn:
        yield drawn


@contextmanager
def _shown(drawn: "Progress") -> Iterator["Progress"]:
    """Have messages appear above `drawn` while it is on the screen."""
    with drawn:
        if not drawn.disable:
            _live.append(drawn)
        try:
            yield drawn
        finally:
            if not drawn.disable:
                _live.remove(drawn)
