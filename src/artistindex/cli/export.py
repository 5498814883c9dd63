"""`artistindex export`."""

from pathlib import Path

import click

from artistindex.cli.options import State, any_path, index_option, pass_state
from artistindex.cli.output import message
from artistindex.errors import Misuse


@click.command(name="export")
@click.argument("pack", type=any_path, metavar="[PACK.zip]", required=False)
@click.option(
    "--vectors",
    type=any_path,
    metavar="DIR",
    help="Write MODEL.npy beside MODEL.csv to DIR instead, for other programs.",
)
@click.option(
    "--parquet",
    type=any_path,
    metavar="DIR",
    help="Write MODEL.artists.parquet and MODEL.tracks.parquet to DIR instead (needs the extra"
    " parquet).",
)
@click.option("--tracks", is_flag=True, help="With --vectors: those of the tracks.")
@index_option("An index to take; may be given several times.  [default: all]")
@click.option("--overwrite", is_flag=True, help="Replace PACK.zip where it is there already.")
@pass_state
def command(
    state: State,
    pack: Path | None,
    vectors: Path | None,
    parquet: Path | None,
    tracks: bool,
    index: tuple[str, ...],
    overwrite: bool,
) -> None:
    """Pack indexes into PACK.zip, to give away: names, ids, titles and vectors, no audio.

    `artistindex import` takes it in elsewhere. The vectors are under the licence of the model's
    weights, which goes into the pack. With --vectors or --parquet the vectors are written for other
    programs instead; `import` takes these files back, too.
    """
    if [pack, vectors, parquet].count(None) != 2:
        raise Misuse("give one of PACK.zip, --vectors DIR and --parquet DIR")
    if tracks and vectors is None:
        raise Misuse("--tracks goes with --vectors: Parquet and packs hold the tracks, too")
    if pack is not None:
        _pack(state, pack, index, overwrite=overwrite)
        return
    if overwrite:
        raise Misuse("--overwrite is for packs: files of vectors are replaced")
    from artistindex.packs.vector_export import export_arrays, export_parquet

    if vectors is not None:
        written = export_arrays(vectors, state.indexes, models=index, is_tracks=tracks)
    else:
        written = export_parquet(parquet or Path(), state.indexes, models=index)
    for file in written:
        licence = file.licence or "not stated"
        message(
            f"{file.path}: {file.vectors} vectors of {file.index}; licence: {licence}",
            quiet=state.quiet,
        )


def _pack(state: State, pack: Path, index: tuple[str, ...], *, overwrite: bool) -> None:
    from artistindex.packs.export import export_pack

    message(f"packing {', '.join(index) or 'all indexes'} of {state.indexes}", quiet=state.quiet)
    packed = export_pack(pack, state.indexes, models=index, overwrite=overwrite)
    for index_ in packed:
        message(f"{index_.key.model}: {len(index_.artists)} artists", quiet=state.quiet)
        message(f"  licence of the weights: {index_.licence or 'not stated'}", quiet=state.quiet)
    size = pack.stat().st_size / 1_000_000
    message(f"{pack} has {size:,.2f} MB", quiet=state.quiet)
