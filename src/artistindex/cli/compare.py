"""`artistindex compare`."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from artistindex.cli.options import State, any_path, format_option, pass_state
from artistindex.cli.output import emit, message, working
from artistindex.errors import Misuse
from artistindex.index.reader import find_index
from artistindex.naming import printable

if TYPE_CHECKING:
    from artistindex.evaluation.compare import Comparison

_COLUMNS = ("part", "measure", "index", "value", "low", "high", "chance", "remark")
_EXPERIMENT = "experiment"


@click.command(name="compare")
@click.argument("models", nargs=-1, metavar="[MODEL]...")
@click.option(
    "--similarities",
    multiple=True,
    metavar="NAME=FILE",
    help="A file of pairwise similarities as the original experiment wrote them, set beside the"
    " indexes under NAME; may be given several times.",
)
@click.option("--truth", type=any_path, metavar="FILE", help="music-map lists to judge them by.")
@click.option(
    "--pairs",
    metavar="FILE",
    help="Pairs of artists and what is expected of them: CSV lines of artist, artist, and low,"
    " medium, high or a range such as 0.1-0.3. The word 'experiment' stands for the original"
    " experiment's four.",
)
@click.option(
    "--k",
    "ks",
    type=int,
    multiple=True,
    help="A cut-off; the largest decides which is better.  [default: 5 and 10]",
)
@click.option(
    "--report",
    type=any_path,
    metavar="DIR",
    help="Write report.html, one page that needs no network, and report.md with its plots.",
)
@click.option(
    "--transforms",
    is_flag=True,
    help="Compare instead the spaces that build --transform can make of one MODEL's index.",
)
@format_option
@pass_state
def command(
    state: State,
    models: tuple[str, ...],
    similarities: tuple[str, ...],
    truth: Path | None,
    pairs: str | None,
    ks: tuple[int, ...],
    report: Path | None,
    transforms: bool,
    form: str,
) -> None:
    """Set two or more indexes side by side, on the artists that they share.

    Says how their similarities spread, how far the indexes agree with each other and where they
    disagree most, and, with --truth, which one agrees better with music-map, by how much, and how
    sure that is. With --transforms, one index is set side by side with itself in every space, by
    artist retrieval and, with --truth, by music-map.
    """
    if transforms:
        if len(models) > 1 or similarities or pairs or report:
            raise Misuse("--transforms takes one MODEL, --truth and --k, and nothing else")
        from artistindex.cli.retrieval import show_transforms
        from artistindex.evaluation.transform_variants import compare_spaces

        folder = find_index(state.indexes, models[0] if models else None)
        with working(f"comparing the spaces of {folder}", quiet=state.quiet):
            compared = compare_spaces(folder, truth=truth, ks=ks or None)
        show_transforms(compared, form, quiet=state.quiet)
        return
    from artistindex.evaluation.compare import compare

    if report is not None:
        from artistindex.evaluation.report.render import check_place, write_report

        check_place(report)
    with working("comparing", quiet=state.quiet):
        found = compare(
            [find_index(state.indexes, model) for model in models],
            similarities=_files(similarities),
            truth=truth,
            pairs=_pairs_file(pairs),
            ks=ks or None,
        )
    for note in found.notes:
        message(note, quiet=state.quiet)
    if form == "table":
        _show(found)
    else:
        emit(_rows(found), _COLUMNS, form, payload=found.to_json())
    if report is not None:
        with working(f"drawing {report}", quiet=state.quiet):
            files = write_report(found, report)
        message(f"wrote {files[0]} and {len(files) - 1} more files", quiet=state.quiet)


def _files(given: tuple[str, ...]) -> dict[str, Path]:
    files: dict[str, Path] = {}
    for one in given:
        name, separator, file = one.partition("=")
        if not separator or not name or not file:
            raise Misuse(f"--similarities takes NAME=FILE, not {one!r}")
        if name in files:
            raise Misuse(f"--similarities names {name!r} twice")
        files[name] = Path(file)
    return files


def _pairs_file(given: str | None) -> Path | None:
    from artistindex.evaluation.expected_pairs import EXPERIMENT

    return EXPERIMENT if given == _EXPERIMENT else (Path(given) if given else None)


def _rows(found: "Comparison") -> Iterator[dict[str, Any]]:
    """Everything, a line for each number."""
    for name, spread in found.spreads.items():
        for measure in ("min", "max", "range", "mean", "sd"):
            value = spread.to_json()[measure]
            yield {"part": "similarities", "measure": measure, "index": name, "value": value}
    for judged in found.evaluation.indexes if found.evaluation else ():
        for metric, estimate in judged.metrics.items():
            line = {"part": "music-map", "measure": metric, "index": judged.index}
            yield {**line, **estimate.to_json(), "remark": estimate.pool}
    for (one, other, metric), difference in found.differences.items():
        line = {"part": "difference", "measure": metric, "index": f"{one} - {other}"}
        clear = "clear" if difference.is_clear else "not clear"
        yield {**line, **difference.to_json(), "value": difference.value, "remark": clear}
    for agreement in found.agreements:
        between = f"{agreement.one} and {agreement.other}"
        for k, estimate in agreement.overlaps.items():
            line = {"part": "agreement", "measure": f"overlap@{k}", "index": between}
            yield {**line, **estimate.to_json()}
        line = {"part": "agreement", "measure": "rank-biased overlap", "index": between}
        yield {**line, **agreement.rbo.to_json()}
    for name, hubs in found.hubs.items():
        for measure in ("skewness", "largest", "anti_hubs"):
            value = hubs.to_json()[measure]
            yield {"part": f"hubs at {hubs.k}", "measure": measure, "index": name, "value": value}
    for pair in found.pairs:
        line = {"part": "pairs", "measure": f"{pair.pair.one} - {pair.pair.other}"}
        remark = f"{'met' if pair.is_met else 'not met'}: expected {pair.pair.expected}"
        yield {**line, "index": pair.index, "value": pair.cosine, "remark": remark}
    for criterion in found.criteria:
        line = {"part": "criteria", "measure": f"{criterion.name} {criterion.wanted}"}
        passed = {True: "met", False: "not met", None: "cannot be told"}[criterion.passed]
        remark = f"{passed}: {criterion.detail}"
        yield {**line, "index": criterion.index, "value": criterion.value, "remark": remark}


def _show(found: "Comparison") -> None:
    """The report's first screen and its tables, as text."""
    from artistindex.evaluation.report.render import sections_of

    for line in (found.verdict.headline, *found.verdict.sentences):
        click.echo(printable(line))
    for section in sections_of(found):
        tables = [table for table in section.tables if not table.is_detail]
        for text in ("", f"## {section.title}", *section.text) if tables else ():
            click.echo(printable(text))
        for table in tables:
            click.echo(f"\n{printable(table.caption)}")
            titles = [column.title for column in table.columns]
            emit((dict(zip(titles, row, strict=True)) for row in table.rows), titles, "table")
