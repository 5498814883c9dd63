"""`artistindex evaluate`."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from artistindex.cli.options import (
    FORMATS,
    PAPER_FORMATS,
    State,
    any_path,
    index_option,
    paper_format_option,
    pass_state,
    seed_option,
)
from artistindex.cli.output import emit_for_paper, emit_table, message, working
from artistindex.errors import BrokenIndex, Misuse
from artistindex.index.reader import all_indexes, index_at

if TYPE_CHECKING:
    from artistindex.evaluation.provenance import Provenance
    from artistindex.evaluation.report.tables import Table


@click.command(name="evaluate")
@click.option(
    "--truth",
    type=any_path,
    metavar="FILE",
    help="Who is like whom: music-map lists as `artistindex musicmap` writes them, lists, pairs,"
    " qrels or labels (docs/evaluation.md).",
)
@click.option(
    "--artist-retrieval",
    is_flag=True,
    help="Ask instead whether a held-out track finds its artist; needs the library, no lists.",
)
@click.option(
    "--lineup",
    type=any_path,
    multiple=True,
    metavar="FILE",
    help="Ask instead whether favourites who play in these line-ups are found; needs --likes.",
)
@click.option(
    "--likes", type=any_path, multiple=True, metavar="FILE", help="The favourites for --lineup."
)
@index_option("An index to evaluate; may be given several times.  [default: all]")
@click.option("--k", "ks", type=int, multiple=True, help="A cut-off.  [default: 5 and 10]")
@click.option("--fused", is_flag=True, help="Judge the indexes' fusions too; see query --fuse.")
@click.option("--per-artist", is_flag=True, help="Show every query artist instead of the means.")
@seed_option
@paper_format_option
@pass_state
def command(
    state: State,
    truth: Path | None,
    artist_retrieval: bool,
    lineup: tuple[Path, ...],
    likes: tuple[Path, ...],
    index: tuple[str, ...],
    ks: tuple[int, ...],
    fused: bool,
    per_artist: bool,
    seed: int,
    output_format: str,
) -> None:
    """Tell how far indexes agree with a truth, or how well tracks find their artists.

    Every value stands beside its 95% interval, what chance alone gives, and the ceiling that a
    perfect index could reach. Each index is judged on its own pool of artists: `artistindex
    compare` judges several on the artists they share. docs/evaluation.md explains the metrics.

    With --artist-retrieval every track is held out of its artist in turn, and all artists are
    ranked for it. With --lineup every favourite who plays is taken out of the favourites in turn,
    and the line-up is ranked as `artistindex match` ranks it.
    """
    _check(truth, lineup, likes, ks, artist_retrieval=artist_retrieval, is_fused=fused)
    folders = [index_at(state.indexes, name) for name in index] or all_indexes(state.indexes)
    if not folders:
        raise BrokenIndex(f"no index in {state.indexes}: run `artistindex build` first")
    asked = _Asked(folders, ks or None, seed, output_format, is_fused=fused, per_artist=per_artist)
    if lineup:
        _hide_favourites(state, asked, lineup, likes)
    elif truth is None:
        _hold_tracks_out(state, asked)
    else:
        _hold_against(state, asked, truth)


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is evaluated, how, and in what form it is printed."""

    folders: list[Path]
    ks: tuple[int, ...] | None
    seed: int
    output_format: str
    is_fused: bool
    per_artist: bool

    @property
    def is_for_paper(self) -> bool:
        return self.output_format in PAPER_FORMATS[len(FORMATS) :]

    @property
    def is_csv(self) -> bool:
        return self.output_format == "csv"


def _check(
    truth: Path | None,
    lineup: Sequence[Path],
    likes: Sequence[Path],
    ks: Sequence[int],
    *,
    artist_retrieval: bool,
    is_fused: bool,
) -> None:
    """Raise Misuse for options that do not go together."""
    if [truth is not None, artist_retrieval, bool(lineup)].count(True) != 1:
        raise Misuse(
            "give --truth FILE, or else --artist-retrieval, which needs no truth, or --lineup FILE"
            " with --likes FILE"
        )
    if bool(lineup) != bool(likes):
        raise Misuse("--lineup and --likes go together: give both")
    if lineup and (ks or is_fused):
        raise Misuse("--k and --fused do not go with --lineup")


def _hide_favourites(
    state: State, asked: _Asked, lineup: Sequence[Path], likes: Sequence[Path]
) -> None:
    from artistindex.evaluation.hidden_favourites import hidden_favourites
    from artistindex.evaluation.report.evaluations import hidden_summary, hidden_table
    from artistindex.listeners.favourites import read_favourites
    from artistindex.listeners.lineups import read_lineup

    liked, bill = read_favourites(likes), read_lineup(lineup)
    with working("hiding every favourite who plays in turn", quiet=state.quiet):
        evaluations = [
            hidden_favourites(folder, bill, liked, seed=asked.seed) for folder in asked.folders
        ]
    for evaluation in evaluations:
        message(hidden_summary(evaluation), quiet=state.quiet)
    payload = {
        "lineup": list(map(str, lineup)),
        "likes": list(map(str, likes)),
        "indexes": [evaluation.to_json(per_artist=asked.per_artist) for evaluation in evaluations],
    }
    _emit(asked, hidden_table(evaluations, per_artist=asked.per_artist), payload, None)


def _hold_tracks_out(state: State, asked: _Asked) -> None:
    from artistindex.evaluation.artist_retrieval import artist_retrieval
    from artistindex.evaluation.report.evaluations import (
        retrieval_differences,
        retrieval_paper_table,
        retrieval_table,
    )

    with working("holding out every track in turn", quiet=state.quiet):
        comparison = artist_retrieval(
            asked.folders, is_fused=asked.is_fused, ks=asked.ks, seed=asked.seed
        )
    for note in (*comparison.notes, *retrieval_differences(comparison)):
        message(note, quiet=state.quiet)
    if asked.is_for_paper and not asked.per_artist:
        table = retrieval_paper_table(comparison)
    else:
        table = retrieval_table(comparison, per_artist=asked.per_artist, is_whole=asked.is_csv)
    payload = comparison.to_json(per_artist=asked.per_artist)
    _emit(asked, table, payload, comparison.provenance)


def _hold_against(state: State, asked: _Asked, truth: Path) -> None:
    from artistindex.evaluation.evaluate import evaluate
    from artistindex.evaluation.report.evaluations import (
        artists_table,
        metrics_table,
        paper_table,
        pool_summary,
        reading_summary,
    )
    from artistindex.evaluation.variants import evaluate_fused

    judge = evaluate_fused if asked.is_fused else evaluate
    with working(f"judging by {truth}", quiet=state.quiet):
        evaluation = judge(asked.folders, truth, ks=asked.ks, seed=asked.seed)
    summaries = (pool_summary(index, evaluation.judge) for index in evaluation.indexes)
    for line in (reading_summary(evaluation), *evaluation.notes, *summaries):
        message(line, quiet=state.quiet)
    if asked.per_artist:
        table = artists_table(evaluation, all_metrics=asked.is_csv)
    elif asked.is_for_paper:
        table = paper_table(evaluation)
    else:
        table = metrics_table(evaluation, is_whole=asked.is_csv)
    payload = evaluation.to_json(per_artist=asked.per_artist)
    _emit(asked, table, payload, evaluation.provenance)


def _emit(asked: _Asked, table: "Table", payload: object, provenance: "Provenance | None") -> None:
    if asked.is_for_paper:
        notes = [] if provenance is None else provenance.sentences()
        emit_for_paper([table], asked.output_format, notes)
    else:
        emit_table(table, asked.output_format, payload=payload)
