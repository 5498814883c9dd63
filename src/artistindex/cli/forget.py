"""`artistindex forget`."""

import click

from artistindex.cli.options import State, pass_state
from artistindex.cli.output import counted, message
from artistindex.library.library import FILE_NAME, Library
from artistindex.library.lock import writer_lock


@click.command(name="forget")
@click.argument("artists", nargs=-1, required=True, metavar="ARTIST...")
@pass_state
def command(state: State, artists: tuple[str, ...]) -> None:
    """Remove ARTIST, and the tracks of nobody else, from the library.

    The indexes keep them until the next `artistindex build`. An artist may be named by id
    ("spotify:...") too. Where one of the names is unknown, nobody is removed.
    """
    Library.open(state.indexes / FILE_NAME, read_only=True).close()  # raises where there is none
    with (
        writer_lock(state.indexes, wait=True),
        Library.open(state.indexes / FILE_NAME) as library,
    ):
        found = [library.find_artist(name) for name in artists]  # all of them, or nobody goes
        for stored in dict.fromkeys(found):
            removed = library.forget(stored)
            line = f"{stored.artist.name} is forgotten, with {counted(removed, 'track')}"
            message(line, quiet=state.quiet)
    message("run `artistindex build` to take them out of the indexes", quiet=state.quiet)
