"""A comparison for people: one self-contained report.html, and report.md with its plots."""

import base64
import hashlib
import os
from collections.abc import Mapping
from pathlib import Path

from artistindex import __version__
from artistindex._util.files import atomic_write
from artistindex.errors import ArtistIndexError, Misuse
from artistindex.evaluation.compare import Comparison
from artistindex.evaluation.report.plots import Plot, plots_of
from artistindex.evaluation.report.sections import overview_of, sections_of
from artistindex.evaluation.report.tables import cell, markdown, markdown_table, printable


def check_place(folder: Path) -> None:
    """Raise what `write_report` would raise for `folder`, before there is anything to write."""
    if folder.exists() and not folder.is_dir():
        raise Misuse(f"{folder} is a file: name a folder for the report")
    place = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if not (place.is_dir() and os.access(place, os.W_OK)):
        raise ArtistIndexError(f"cannot write {folder}: {place} is not a folder to write to")


def write_report(comparison: Comparison, folder: Path) -> list[Path]:
    """Write report.html, report.md and its plots into `folder`; returns the files.

    Raises Misuse where `folder` is a file, ArtistIndexError where it cannot be written.
    """
    check_place(folder)
    plots = {plot.name: plot for plot in plots_of(comparison)}
    files = {
        "report.html": render("report.html.jinja", comparison, plots).encode(),
        "report.md": render("report.md.jinja", comparison, plots).encode(),
        **{f"{plot.name}.svg": plot.svg for plot in plots.values()},
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            atomic_write(folder / name, content)
    except OSError as error:
        raise ArtistIndexError(f"cannot write {folder}: {error.strerror or error}") from error
    return [folder / name for name in files]


def render(template: str, comparison: Comparison, plots: Mapping[str, Plot]) -> str:
    """Return one of the two templates, filled in; everything is escaped for its format."""
    from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

    environment = Environment(
        loader=PackageLoader("artistindex.evaluation.report"),
        autoescape=select_autoescape(("html.jinja",)),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(
        printable=printable,
        cell=cell,
        markdown=markdown,
        markdown_table=markdown_table,
        data_uri=_data_uri,
        integrity=_integrity,
    )
    return environment.get_template(template).render(
        verdict=comparison.verdict,
        overview=overview_of(comparison),
        sections=sections_of(comparison),
        plots=plots,
        notes=comparison.notes,
        names=comparison.names,
        artists=len(comparison.artists),
        version=__version__,
    )


def _data_uri(svg: bytes) -> str:
    return f"data:image/svg+xml;base64,{base64.b64encode(svg).decode('ascii')}"


def _integrity(text: str) -> str:
    """A Content-Security-Policy source that allows exactly this inline text."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode('ascii')}'"
