"""A comparison for people: one self-contained report.html, and report.md with its plots."""

import base64
import hashlib
import html
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from artistindex import __version__
from artistindex._util.files import atomic_write
from artistindex.errors import ArtistIndexError, Misuse
from artistindex.evaluation.compare import Comparison
from artistindex.evaluation.evaluate import IndexEvaluation
from artistindex.evaluation.report.plots import Plot, plots_of

_SHOWN_LENGTH = 80
_MARKDOWN = re.compile(
    r"([\\`*_{}\[\]|~$]"  # emphasis, code, links, cells, mathematics
    r"|^[#+=-]|(?<=^\d)[.)]"  # headings and lists
    r"|(?<!\w)@|(?<=[A-Za-z]):(?=//)|(?<=[Ww]{3})\.)"  # what turns into a link by itself
)


@dataclass(frozen=True, slots=True)
class Column:
    """A column's heading and how its values are shown: text, integer, number, percent or points."""

    title: str
    kind: str = "text"

    @property
    def is_numeric(self) -> bool:
        """Whether the values are numbers, which stand to the right and sort as such."""
        return self.kind != "text"


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under columns; the first column names the row. `is_detail`: one row an artist."""

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Any, ...], ...]
    is_sortable: bool = False
    is_detail: bool = False


@dataclass(frozen=True, slots=True)
class Section:
    """A heading with text, plots (by name) and tables below it."""

    title: str
    text: tuple[str, ...] = ()
    plots: tuple[str, ...] = ()
    tables: tuple[Table, ...] = ()


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
    """One of the two templates, filled in; everything is escaped for its format."""
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
        printable=printable, cell=cell, markdown=markdown, data_uri=_data_uri, integrity=_integrity
    )
    return environment.get_template(template).render(
        verdict=comparison.verdict,
        overview=_overview(comparison),
        sections=sections_of(comparison),
        plots=plots,
        notes=comparison.notes,
        names=comparison.names,
        artists=len(comparison.artists),
        version=__version__,
    )


# --- what is shown ------------------------------------------------------------------------------


def _overview(comparison: Comparison) -> Table:
    if comparison.evaluation is None:
        return _spread_table(comparison)
    metric = comparison.headline
    return Table(
        f"{metric} against music-map",
        (
            Column("index"),
            Column(metric, "percent"),
            Column("95% from", "percent"),
            Column("to", "percent"),
            Column("chance", "percent"),
            Column("above chance?"),
        ),
        tuple(
            (
                one.index,
                found.value,
                found.low,
                found.high,
                found.chance,
                "yes" if found.beats_chance else "not shown",
            )
            for one in comparison.evaluation.indexes
            for found in (one.metrics[metric],)
        ),
    )


def sections_of(comparison: Comparison) -> list[Section]:
    """Everything below the first screen."""
    made = [
        Section(
            "Similarities",
            (
                "How widely the similarities spread says nothing about which index is better: a"
                " wider range can be had by subtracting the mean vector.",
            ),
            ("similarities", "heatmap", "map"),
            (_spread_table(comparison), _hub_table(comparison)),
        ),
        *([_pairs_section(comparison)] if comparison.pairs else []),
        _agreement_section(comparison),
        _criteria_section(comparison),
    ]
    if comparison.evaluation is None:
        return made
    judged = comparison.evaluation.indexes
    return [_truth_section(comparison, judged), *made, _artists_section(comparison, judged)]


def _truth_section(comparison: Comparison, judged: Sequence[IndexEvaluation]) -> Section:
    setup = judged[0].setup
    left_out = sum(len(names) for names in setup.left_out.values())
    text = (
        f"Closed pool: the {len(setup.artists)} shared artists, {setup.candidates} ranked for each"
        f" of {len(setup.queries)} query artists; {left_out} artists are no query. Coverage:"
        f" {setup.coverage:.1%} of the artists that music-map lists for them are in the pool."
        " Metrics that begin with open_ hold the whole list against the index; their ceiling is"
        " what a perfect index could reach.",
        "music-map measures listeners' taste, which also follows scenes, languages and fame; no"
        " index of sound alone can reach the ceiling.",
    )
    return Section(
        "Agreement with music-map",
        text,
        ("overlap",),
        (_metrics_table(judged), _differences_table(comparison)),
    )


def _metrics_table(judged: Sequence[IndexEvaluation]) -> Table:
    return Table(
        "Every metric, with its 95% interval, chance and ceiling",
        (
            Column("metric"),
            Column("pool"),
            Column("index"),
            Column("value", "number"),
            Column("from", "number"),
            Column("to", "number"),
            Column("chance", "number"),
            Column("ceiling", "number"),
        ),
        tuple(
            (
                metric,
                found.pool,
                one.index,
                found.value,
                found.low,
                found.high,
                found.chance,
                found.ceiling,
            )
            for metric in judged[0].metrics
            for one in judged
            for found in (one.metrics[metric],)
        ),
        is_sortable=True,
    )


def _differences_table(comparison: Comparison) -> Table:
    return Table(
        "Differences on the same queries, by a paired bootstrap; many at once: a few look clear by"
        " luck",
        (
            Column("metric"),
            Column("first"),
            Column("second"),
            Column("first less second", "number"),
            Column("from", "number"),
            Column("to", "number"),
            Column("p", "number"),
            Column("clear?"),
        ),
        tuple(
            (
                metric,
                one,
                other,
                found.value,
                found.low,
                found.high,
                found.p,
                "yes" if found.is_clear else "no",
            )
            for (one, other, metric), found in comparison.differences.items()
        ),
        is_sortable=True,
    )


def _spread_table(comparison: Comparison) -> Table:
    return Table(
        "Cosine similarities of all pairs of the shared artists",
        (
            Column("index"),
            Column("pairs", "integer"),
            Column("min", "number"),
            Column("max", "number"),
            Column("range", "number"),
            Column("mean", "number"),
            Column("sd", "number"),
        ),
        tuple(
            (index, one.pairs, one.low, one.high, one.range, one.mean, one.deviation)
            for index, one in comparison.spreads.items()
        ),
    )


def _hub_table(comparison: Comparison) -> Table:
    return Table(
        "Hubs: how unevenly artists turn up among the k nearest of the others",
        (
            Column("index"),
            Column("k", "integer"),
            Column("skewness", "number"),
            Column("most occurrences", "integer"),
            Column("never occurring", "percent"),
        ),
        tuple(
            (index, hubs.k, hubs.skewness, hubs.largest, hubs.anti_hubs)
            for index, hubs in comparison.hubs.items()
        ),
    )


def _pairs_section(comparison: Comparison) -> Section:
    table = Table(
        "Chosen pairs",
        (
            Column("artist"),
            Column("and"),
            Column("expected"),
            Column("index"),
            Column("cosine", "number"),
            Column("percentile", "number"),
            Column("met?"),
        ),
        tuple(
            (
                shown(one.pair.one),
                shown(one.pair.other),
                one.pair.expected,
                one.index,
                one.cosine,
                one.percentile,
                "yes" if one.is_met else "no",
            )
            for one in comparison.pairs
        ),
    )
    text = (
        "A range is held against the cosine; low, medium and high against the thirds of all pairs"
        " of that index, since two models' cosines have no common scale.",
    )
    return Section("Pairs with an expectation", text, tables=(table,))


def _agreement_section(comparison: Comparison) -> Section:
    agreement = Table(
        "How alike the indexes rank the artists",
        (
            Column("first"),
            Column("second"),
            Column("measure"),
            Column("mean", "number"),
            Column("from", "number"),
            Column("to", "number"),
            Column("chance", "number"),
        ),
        tuple(
            (found.one, found.other, name, one.value, one.low, one.high, one.chance)
            for found in comparison.agreements
            for name, one in [
                *((f"overlap@{k}", each) for k, each in found.overlaps.items()),
                ("rank-biased overlap", found.rbo),
            ]
        ),
    )
    disagreement = Table(
        f"Where they disagree most: what only one has among the nearest {comparison.ks[-1]}",
        (
            Column("artist"),
            Column("rank-biased overlap", "number"),
            Column("first"),
            Column("only in the first"),
            Column("second"),
            Column("only in the second"),
        ),
        tuple(
            (
                shown(one.artist),
                one.rbo,
                one.one,
                _listed(one.only_one),
                one.other,
                _listed(one.only_other),
            )
            for one in comparison.disagreements
        ),
    )
    return Section("Agreement between the indexes", tables=(agreement, disagreement))


def _criteria_section(comparison: Comparison) -> Section:
    verdicts = {True: "met", False: "not met", None: "cannot be told"}
    table = Table(
        "Criteria of success",
        (
            Column("criterion"),
            Column("index"),
            Column("wanted"),
            Column("result"),
            Column("detail"),
        ),
        tuple(
            (one.name, one.index, one.wanted, verdicts[one.passed], one.detail)
            for one in comparison.criteria
        ),
    )
    notes = tuple(
        dict.fromkeys(f"{one.name}: {one.note}." for one in comparison.criteria if one.note)
    )
    return Section("The original experiment's criteria", notes, tables=(table,))


def _artists_section(comparison: Comparison, judged: Sequence[IndexEvaluation]) -> Section:
    metrics = (comparison.headline, "mrr")
    columns = [Column("artist"), Column("listed", "integer"), Column("in pool", "integer")]
    columns += [Column(f"{metric} {one.index}", "number") for metric in metrics for one in judged]
    values = [one.column(metric) for metric in metrics for one in judged]
    rows = tuple(
        (
            shown(comparison.artists[query.row]),
            query.listed,
            len(query.rows),
            *(float(column[at]) for column in values),
        )
        for at, query in enumerate(judged[0].setup.queries)
    )
    table = Table("Every query artist", tuple(columns), rows, is_sortable=True, is_detail=True)
    return Section("Artist by artist", tables=(table,))


def _listed(artists: Iterable[str]) -> str:
    return ", ".join(shown(artist) for artist in artists) or "nobody"


# --- how it is written --------------------------------------------------------------------------


def printable(text: str) -> str:
    """A stranger's text on one line: without controls, line ends and bidirectional overrides."""
    return "".join(character for character in text if character.isprintable())


def shown(name: str) -> str:
    """A stranger's name: printable, and cut where it has more than 80 characters."""
    kept = printable(name)
    return kept if len(kept) <= _SHOWN_LENGTH else f"{kept[: _SHOWN_LENGTH - 1]}…"


def cell(value: Any, kind: str) -> str:
    """A table's value as its column shows it."""
    if value is None:
        return "–"
    match kind:
        case "text":
            return printable(str(value))
        case "integer":
            return f"{value:,}"
        case "percent":
            return f"{value:.1%}"
        case _:
            return f"{value:.3f}".replace("-", "−")


def markdown(text: str) -> str:
    """Text without any meaning to Markdown or to the HTML inside it."""
    return _MARKDOWN.sub(r"\\\1", html.escape(text, quote=False))


def _data_uri(svg: bytes) -> str:
    return f"data:image/svg+xml;base64,{base64.b64encode(svg).decode('ascii')}"


def _integrity(text: str) -> str:
    """A Content-Security-Policy source that allows exactly this inline text."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode('ascii')}'"
