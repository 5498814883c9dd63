"""`artistindex export`."""

from pathlib import Path

import click

from artistindex.cli.options import State, any_path, index_option, pass_state
from artistindex.cli.output import message


@click.command(name="export")
@click.argument("pack", type=any_path, metavar="PACK.zip")
@index_option("An index to pack; may be given several times.  [default: all]")
@click.option("--overwrite", is_flag=True, help="Replace PACK.zip where it is there already.")
@pass_state
def command(state: State, pack: Path, index: tuple[str, ...], overwrite: bool) -> None:
    """Pack indexes into PACK.zip, to give away: names, ids, titles and vectors, no audio.

    `artistindex import` takes it in elsewhere. The vectors are under the licence of the model's
    weights, which goes into the pack.
    """
    from artistindex.packs.export import export_pack

    message(f"packing {', '.join(index) or 'all indexes'} of {state.indexes}", quiet=state.quiet)
    packed = export_pack(pack, state.indexes, models=index, overwrite=overwrite)
    for index_ in packed:
        message(f"{index_.key.model}: {len(index_.artists)} artists", quiet=state.quiet)
        message(f"  licence of the weights: {index_.licence or 'not stated'}", quiet=state.quiet)
    size = pack.stat().st_size / 1_000_000
    message(f"{pack} has {size:,.2f} MB", quiet=state.quiet)
