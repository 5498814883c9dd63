"""A comparison for people: one self-contained report.html, and report.md with its plots."""

import base64
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from artistindex._util.files import atomic_write
from artistindex.errors import ArtistIndexError, Misuse
from artistindex.evaluation.compare import Comparison
from artistindex.evaluation.provenance import Provenance
from artistindex.evaluation.report.plots import Plot, plots_of
from artistindex.evaluation.report.sections import headline_of_each, numbers_of, sections_of
from artistindex.evaluation.report.style import base_style, integrity
from artistindex.evaluation.report.tables import (
    Table,
    cell,
    csv_of,
    markdown,
    markdown_table,
    printable,
)


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
        csv_address=_csv_address,
        integrity=integrity,
    )
    return environment.get_template(template).render(
        verdict=comparison.verdict,
        overview=headline_of_each(comparison),
        sections=sections_of(comparison),
        plots=plots,
        notes=comparison.notes,
        names=comparison.names,
        artists=len(comparison.artists),
        numbers=numbers_of(comparison),
        base_style=base_style(),
        footer=list(_footer(comparison.provenance)),
    )


def _csv_address(table: Table) -> str:
    """The address of a table as a CSV file, inside the page."""
    encoded = base64.b64encode(csv_of(table).encode("utf-8", "replace")).decode("ascii")
    return f"data:text/csv;base64,{encoded}"


def _footer(provenance: Provenance) -> Iterator[str]:
    """What the numbers rest on, without the places of the files: a report is given away."""
    packages = ", ".join(f"{name} {number}" for name, number in provenance.versions.items())
    yield f"{packages}; {provenance.date}; seed {provenance.seed}"
    yield f"Intervals are 95% bootstrap intervals of {provenance.resamples} resamples."
    if provenance.truth is not None:
        yield f"Truth: {Path(provenance.truth).name}, sha256 {provenance.truth_sha256}"
    for origin in provenance.indexes:
        yield f"{origin.index}: weights sha256 {origin.weights_sha256}"
