"""`artistindex push`."""

from typing import Any

import click

from artistindex.cli.display import Display
from artistindex.cli.options import State, format_option, index_option, pass_state
from artistindex.cli.output import emit
from artistindex.errors import Misuse


@click.command(name="push")
@click.argument("address", metavar="milvus:ADDRESS")
@index_option("The index to push.  [default: the preferred one]")
@click.option("--paths", is_flag=True, help="Push the paths of the files too.")
@format_option
@pass_state
def command(
    state: State, address: str, index: tuple[str, ...], paths: bool, output_format: str
) -> None:
    """Put an index into Milvus, for --index milvus:ADDRESS of query, match and path.

    ADDRESS is a file of Milvus Lite (milvus:music.db) or a server (milvus:http://HOST:19530), with
    #NAME behind it where several indexes are there. Readers see the index that was there before
    until all of the new one is written.
    """
    from artistindex.index.milvus_push import push
    from artistindex.index.reader import ArtistIndex, find_index

    if len(index) > 1:
        raise Misuse("one index is pushed at a time: give --index once")
    folder = find_index(state.indexes, index[0] if index else None)
    with ArtistIndex.open(folder) as opened, Display(quiet=state.quiet) as display:
        place = push(opened, address, with_paths=paths, reporter=display)
        row: dict[str, Any] = {
            "index": opened.name,
            "artists": len(opened),
            "tracks": opened.manifest.tracks,
            "address": str(place),
        }
    emit([row], tuple(row), output_format, payload=row)
