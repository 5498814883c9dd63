"""`artistindex compare`."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from artistindex.cli import completion
from artistindex.cli.options import State, any_path, paper_format_option, pass_state, seed_option
from artistindex.cli.output import emit_for_paper, emit_table, message, working
from artistindex.errors import Misuse
from artistindex.index.reader import find_index, index_at
from artistindex.naming import printable

if TYPE_CHECKING:
    from artistindex.evaluation.compare import Comparison
    from artistindex.evaluation.report.tables import Table

_EXPERIMENT = "experiment"


@click.command(name="compare")
@click.argument("models", nargs=-1, metavar="[MODEL]...", shell_complete=completion.indexes)
@click.option(
    "--similarities",
    multiple=True,
    metavar="NAME=FILE",
    help="A file of pairwise similarities as the original experiment wrote them, set beside the"
    " indexes under NAME; may be given several times.",
)
@click.option(
    "--truth", type=any_path, metavar="FILE", help="Who is like whom, as evaluate reads it."
)
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
@click.option("--full", is_flag=True, help="Print every table, not the first screen alone.")
@click.option(
    "--transforms",
    is_flag=True,
    help="Compare instead the spaces that build --transform can make of one MODEL's index.",
)
@click.option(
    "--fused", is_flag=True, help="Judge the indexes' fusions too, by --truth; see query --fuse."
)
@seed_option
@paper_format_option
@pass_state
def command(
    state: State,
    models: tuple[str, ...],
    similarities: tuple[str, ...],
    truth: Path | None,
    pairs: str | None,
    ks: tuple[int, ...],
    report: Path | None,
    full: bool,
    transforms: bool,
    fused: bool,
    seed: int,
    output_format: str,
) -> None:
    """Set two or more indexes side by side, on the artists that they share.

    A MODEL is an index by name, or the folder of any index by its path: so are compared two of one
    model with different settings. Says how the similarities of each spread, how far the indexes
    agree with each other and where they disagree most, and, with --truth, which one agrees better
    with that, by how much, and how sure that is. With --transforms, one index is set side by side
    with itself in every space, by artist retrieval and, with --truth, by that.
    """
    if transforms:
        if len(models) > 1 or fused or similarities or pairs or report or full:
            raise Misuse("--transforms takes one MODEL, --truth and --k, and nothing else")
        folder = index_at(state.indexes, models[0]) if models else find_index(state.indexes)
        _compare_transforms(state, folder, truth, ks, seed, output_format)
        return
    from artistindex.evaluation.compare import compare

    if report is not None:
        from artistindex.evaluation.report.render import check_place, write_report

        check_place(report)
    with working("comparing", quiet=state.quiet):
        comparison = compare(
            [index_at(state.indexes, model) for model in models],
            similarities=_files(similarities),
            truth=truth,
            pairs=_pairs_file(pairs),
            ks=ks or None,
            is_fused=fused,
            seed=seed,
        )
    for note in comparison.notes:
        message(note, quiet=state.quiet)
    if output_format == "table":
        _show(comparison, is_full=full)
        if not full:
            message("--full shows every table, --report DIR draws a page", quiet=state.quiet)
    elif output_format in ("markdown", "latex"):
        from artistindex.evaluation.report.sections import paper_tables_of

        emit_for_paper(
            paper_tables_of(comparison), output_format, comparison.provenance.sentences()
        )
    else:
        from artistindex.evaluation.report.sections import numbers_of

        emit_table(numbers_of(comparison), output_format, payload=comparison.to_json())
    if report is not None:
        with working(f"drawing {report}", quiet=state.quiet):
            files = write_report(comparison, report)
        message(f"wrote {files[0]} and {len(files) - 1} more files", quiet=state.quiet)


def _compare_transforms(
    state: State,
    folder: Path,
    truth: Path | None,
    ks: tuple[int, ...],
    seed: int,
    output_format: str,
) -> None:
    from artistindex.evaluation.report.evaluations import transforms_table
    from artistindex.evaluation.variants import evaluate_transforms

    with working(f"comparing the spaces of {folder}", quiet=state.quiet):
        comparison = evaluate_transforms(folder, truth=truth, ks=ks or None, seed=seed)
    evaluation = comparison.evaluation
    for note in (*comparison.retrieval.notes, *(evaluation.notes if evaluation else ())):
        message(note, quiet=state.quiet)
    table = transforms_table(comparison)
    if output_format in ("markdown", "latex"):
        provenance = comparison.retrieval.provenance
        emit_for_paper([table], output_format, provenance.sentences() if provenance else ())
    else:
        emit_table(table, output_format, payload=comparison.to_json())


def _files(values: tuple[str, ...]) -> dict[str, Path]:
    files: dict[str, Path] = {}
    for value in values:
        name, separator, file = value.partition("=")
        if not separator or not name or not file:
            raise Misuse(f"--similarities takes NAME=FILE, not {value!r}")
        if name in files:
            raise Misuse(f"--similarities names {name!r} twice")
        files[name] = Path(file)
    return files


def _pairs_file(given: str | None) -> Path | None:
    from artistindex.evaluation.expected_pairs import EXPERIMENT

    return EXPERIMENT if given == _EXPERIMENT else (Path(given) if given else None)


def _show(comparison: "Comparison", *, is_full: bool) -> None:
    """Print the report's first screen as text, and with `is_full` all of its tables."""
    from artistindex.evaluation.report.sections import headline_of_each, sections_of

    verdict = comparison.verdict
    for line in (verdict.headline, *verdict.sentences):
        click.echo(printable(line))
    if not is_full:
        _show_table(headline_of_each(comparison))
        return
    for section in sections_of(comparison):
        tables = [table for table in section.tables if not table.is_detail]
        for text in ("", f"## {section.title}", *section.text) if tables else ():
            click.echo(printable(text))
        for table in tables:
            _show_table(table)


def _show_table(table: "Table") -> None:
    click.echo(f"\n{printable(table.caption)}")
    emit_table(table, "table", payload=None)
