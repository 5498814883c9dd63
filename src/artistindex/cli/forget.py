"""`artistindex forget`."""

import click

from artistindex.cli.options import State, pass_state
from artistindex.cli.output import message
from artistindex.library import FILE_NAME, Library
from artistindex.locks import writer_lock


@click.command(name="forget")
@click.argument("artists", nargs=-1, required=True, metavar="ARTIST...")
@pass_state
def command(state: State, artists: tuple[str, ...]) -> None:
    """Remove ARTIST, and the tracks of nobody else, from the library.

    The indexes keep them until the next `artistindex build`.
    """
    with (
        writer_lock(state.indexes, waiting=lambda line: message(line, quiet=state.quiet)),
        Library.open(state.indexes / FILE_NAME) as library,
    ):
        for name in artists:
            removed = library.forget(name)
            message(f"{name} is forgotten, with {removed} tracks", quiet=state.quiet)
    message("run `artistindex build` to take them out of the indexes", quiet=state.quiet)
