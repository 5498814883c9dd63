"""`artistindex evaluate`."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from artistindex.cli.options import State, any_path, format_option, index_option, pass_state
from artistindex.cli.output import emit, message, working
from artistindex.errors import BrokenIndex, Misuse
from artistindex.index.reader import all_indexes, find_index

if TYPE_CHECKING:
    from artistindex.evaluation.evaluate import Evaluation, IndexEvaluation

_COLUMNS = ("index", "metric", "pool", "value", "low", "high", "chance", "ceiling")


@click.command(name="evaluate")
@click.option(
    "--truth",
    type=any_path,
    metavar="FILE",
    help="The music-map lists to hold the indexes against, as `artistindex musicmap` writes them.",
)
@click.option(
    "--artist-retrieval",
    is_flag=True,
    help="Ask instead whether a held-out track finds its artist; needs the library, no lists.",
)
@index_option("An index to evaluate; may be given several times.  [default: all]")
@click.option("--k", "ks", type=int, multiple=True, help="A cut-off.  [default: 5 and 10]")
@click.option("--fused", is_flag=True, help="Judge the indexes' fusions too; see query --fuse.")
@click.option("--per-artist", is_flag=True, help="Show every query artist instead of the means.")
@format_option
@pass_state
def command(
    state: State,
    truth: Path | None,
    artist_retrieval: bool,
    index: tuple[str, ...],
    ks: tuple[int, ...],
    fused: bool,
    per_artist: bool,
    form: str,
) -> None:
    """Tell how far indexes agree with music-map's lists, or how well tracks find their artists.

    Every value stands beside its 95% interval, what chance alone gives, and the ceiling that a
    perfect index could reach. Each index is judged on its own pool of artists: `artistindex
    compare` judges several on the artists they share. docs/evaluation.md explains the metrics.

    With --artist-retrieval every track is held out of its artist in turn, and all artists are
    ranked for it.
    """
    if (truth is None) != artist_retrieval:
        raise Misuse("give --truth FILE, or else --artist-retrieval, which needs no truth")
    folders = [find_index(state.indexes, name) for name in index] or all_indexes(state.indexes)
    if not folders:
        raise BrokenIndex(f"no index in {state.indexes}: run `artistindex build` first")
    if truth is None:
        from artistindex.cli.retrieval import show_retrievals
        from artistindex.evaluation.artist_retrieval import artist_retrieval as retrieve

        with working("holding out every track in turn", quiet=state.quiet):
            retrieved = retrieve(folders, is_fused=fused, ks=ks or None)
        show_retrievals(retrieved, form, per_artist=per_artist, quiet=state.quiet)
        return
    from artistindex.evaluation.evaluate import evaluate
    from artistindex.evaluation.fused_variants import evaluate_fused

    with working(f"judging by {truth}", quiet=state.quiet):
        found = (evaluate_fused if fused else evaluate)(folders, truth, ks=ks or None)
    for line in (*found.notes, *map(_pool, found.indexes)):
        message(line, quiet=state.quiet)
    payload = found.to_json(per_artist=per_artist)
    if per_artist:
        emit(*_artists(found, all_metrics=form == "csv"), form, payload=payload)
    else:
        emit(_means(found), _COLUMNS, form, payload=payload)


def _pool(judged: "IndexEvaluation") -> str:
    from artistindex.evaluation.protocol import REASONS

    setup = judged.setup
    left_out = [
        f"{len(artists)}: {REASONS[reason]}"
        for reason, artists in setup.left_out.items()
        if artists
    ]
    return (
        f"{judged.index}: {len(setup.queries)} queries in a pool of {len(setup.artists)} artists;"
        f" {setup.coverage:.1%} of the artists listed for them are in it"
        + (f"; left out: {', '.join(left_out)}" if left_out else "")
    )


def _means(found: "Evaluation") -> list[dict[str, Any]]:
    return [
        {"index": judged.index, "metric": name, **estimate.to_json()}
        for judged in found.indexes
        for name, estimate in judged.metrics.items()
    ]


def _artists(found: "Evaluation", *, all_metrics: bool) -> tuple[list[dict[str, Any]], list[str]]:
    """A row for each query artist; people get the two metrics that say most."""
    rows = [
        {"index": judged.index, **one, **one["metrics"]}
        for judged in found.indexes
        for one in judged.per_artist()
    ]
    metrics = [
        name
        for name in found.indexes[0].columns
        if all_metrics or name == "mrr" or name.startswith("overlap@")
    ]
    return rows, ["index", "artist", "listed", "in_pool", *metrics]
