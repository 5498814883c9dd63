"""`artistindex evaluate`."""

from collections.abc import Sequence
from pathlib import Path

import click

from artistindex.cli.options import State, any_path, format_option, index_option, pass_state
from artistindex.cli.output import emit_table, message, working
from artistindex.errors import BrokenIndex, Misuse
from artistindex.index.reader import all_indexes, find_index


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
@format_option
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
    output_format: str,
) -> None:
    """Tell how far indexes agree with music-map's lists, or how well tracks find their artists.

    Every value stands beside its 95% interval, what chance alone gives, and the ceiling that a
    perfect index could reach. Each index is judged on its own pool of artists: `artistindex
    compare` judges several on the artists they share. docs/evaluation.md explains the metrics.

    With --artist-retrieval every track is held out of its artist in turn, and all artists are
    ranked for it. With --lineup every favourite who plays is taken out of the favourites in turn,
    and the line-up is ranked as `artistindex match` ranks it.
    """
    _check(truth, lineup, likes, ks, artist_retrieval=artist_retrieval, is_fused=fused)
    folders = [find_index(state.indexes, name) for name in index] or all_indexes(state.indexes)
    if not folders:
        raise BrokenIndex(f"no index in {state.indexes}: run `artistindex build` first")
    if lineup:
        _hide_favourites(state, folders, lineup, likes, output_format, per_artist=per_artist)
    elif truth is None:
        _hold_tracks_out(state, folders, ks, output_format, is_fused=fused, per_artist=per_artist)
    else:
        _hold_against(
            state, folders, truth, ks, output_format, is_fused=fused, per_artist=per_artist
        )


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
    state: State,
    folders: list[Path],
    lineup: Sequence[Path],
    likes: Sequence[Path],
    output_format: str,
    *,
    per_artist: bool,
) -> None:
    from artistindex.evaluation.hidden_favourites import hidden_favourites
    from artistindex.evaluation.report.evaluations import hidden_summary, hidden_table
    from artistindex.listeners.favourites import read_favourites
    from artistindex.listeners.lineups import read_lineup

    liked, bill = read_favourites(likes), read_lineup(lineup)
    with working("hiding every favourite who plays in turn", quiet=state.quiet):
        evaluations = [hidden_favourites(folder, bill, liked) for folder in folders]
    for evaluation in evaluations:
        message(hidden_summary(evaluation), quiet=state.quiet)
    payload = {
        "lineup": list(map(str, lineup)),
        "likes": list(map(str, likes)),
        "indexes": [evaluation.to_json(per_artist=per_artist) for evaluation in evaluations],
    }
    emit_table(hidden_table(evaluations, per_artist=per_artist), output_format, payload=payload)


def _hold_tracks_out(
    state: State,
    folders: list[Path],
    ks: tuple[int, ...],
    output_format: str,
    *,
    is_fused: bool,
    per_artist: bool,
) -> None:
    from artistindex.evaluation.artist_retrieval import artist_retrieval
    from artistindex.evaluation.report.evaluations import retrieval_differences, retrieval_table

    with working("holding out every track in turn", quiet=state.quiet):
        comparison = artist_retrieval(folders, is_fused=is_fused, ks=ks or None)
    for note in (*comparison.notes, *retrieval_differences(comparison)):
        message(note, quiet=state.quiet)
    table = retrieval_table(comparison, per_artist=per_artist)
    emit_table(table, output_format, payload=comparison.to_json(per_artist=per_artist))


def _hold_against(
    state: State,
    folders: list[Path],
    truth: Path,
    ks: tuple[int, ...],
    output_format: str,
    *,
    is_fused: bool,
    per_artist: bool,
) -> None:
    from artistindex.evaluation.evaluate import evaluate
    from artistindex.evaluation.report.evaluations import (
        artists_table,
        metrics_table,
        pool_summary,
    )
    from artistindex.evaluation.variants import evaluate_fused

    with working(f"judging by {truth}", quiet=state.quiet):
        evaluation = (evaluate_fused if is_fused else evaluate)(folders, truth, ks=ks or None)
    for line in (*evaluation.notes, *map(pool_summary, evaluation.indexes)):
        message(line, quiet=state.quiet)
    table = (
        artists_table(evaluation, all_metrics=output_format == "csv")
        if per_artist
        else metrics_table(evaluation)
    )
    emit_table(table, output_format, payload=evaluation.to_json(per_artist=per_artist))
