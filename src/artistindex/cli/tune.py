"""`artistindex tune`."""

from typing import TYPE_CHECKING, Any

import click

from artistindex.cli import completion
from artistindex.cli.options import State, format_option, pass_state
from artistindex.cli.output import counted, emit, message, working
from artistindex.index.reader import find_index

if TYPE_CHECKING:
    from artistindex.evaluation.tune import Tuning

_COLUMNS = ("recipe", "mrr", "low", "high", "difference", "diff low", "diff high", "p")


@click.command(name="tune")
@click.argument("model", required=False, shell_complete=completion.indexes)
@click.option("--apply", is_flag=True, help="Build the index by the best recipe, if it is another.")
@format_option
@pass_state
def command(state: State, model: str | None, apply: bool, output_format: str) -> None:
    """Say which recipe of MODEL's vectors suits your own music, and how sure that is.

    Every track whose artist has another one looks for its artist among all, in each recipe that the
    library has the vectors for. A recipe is best if it finds them better than the plain one with
    significance (p below 0.05, corrected for how many were tried); else the plain one is.
    """
    from artistindex.evaluation.tune import tune

    folder = find_index(state.indexes, model)
    with working(f"holding out the tracks of {folder}", quiet=state.quiet):
        tuning = tune(folder)
    emit(_rows(tuning), _COLUMNS, output_format, payload=tuning.to_json())
    _say(tuning, quiet=state.quiet)
    if apply and tuning.best != tuning.current:
        _build(state, tuning)
    elif tuning.best != tuning.current:
        message(
            f"`artistindex tune {tuning.index} --apply` builds {tuning.best}", quiet=state.quiet
        )


def _rows(tuning: "Tuning") -> list[dict[str, Any]]:
    rows = []
    for retrieval in tuning.comparison.retrievals:
        mrr = retrieval.metrics["mrr"]
        row = {"recipe": retrieval.index, "mrr": mrr.value, "low": mrr.low, "high": mrr.high}
        gain = tuning.comparison.differences.get((retrieval.index, "plain"))
        if gain is not None:
            row |= {"difference": gain.value, "diff low": gain.low, "diff high": gain.high}
            row |= {"p": gain.p}
        rows.append(row)
    return rows


def _say(tuning: "Tuning", *, quiet: bool) -> None:
    for note in tuning.comparison.notes:
        message(note, quiet=quiet)
    for recipe, tracks in tuning.lacking.items():
        message(
            f"{recipe} is not judged: {counted(tracks, 'track')} would have to be embedded again"
            f" (`artistindex build --model {tuning.index} --recipe {recipe}`)",
            quiet=quiet,
        )
    gain = tuning.gain
    if gain is None:
        message("no recipe is better than the plain one with significance", quiet=quiet)
    else:
        message(
            f"{tuning.best} is better: MRR {gain.value:+.3f} ({gain.low:+.3f} to {gain.high:+.3f}),"
            f" p = {gain.p:.2g}",
            quiet=quiet,
        )


def _build(state: State, tuning: "Tuning") -> None:
    from artistindex.cli.display import Display
    from artistindex.ingest.pipeline import build

    with Display(quiet=state.quiet) as display:
        build(
            indexes=state.indexes,
            models=[tuning.index],
            recipe=tuning.best,
            pool=state.pool,
            reporter=display,
        )
    message(f"built {tuning.index} by the recipe {tuning.best}", quiet=state.quiet)
