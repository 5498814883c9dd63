"""`artistindex forget`."""

from collections.abc import Sequence
from pathlib import Path

import click

from artistindex.cli import completion
from artistindex.cli.options import State, pass_state
from artistindex.cli.output import counted, message
from artistindex.errors import BrokenIndex
from artistindex.library.artist_matching import ArtistList
from artistindex.library.library import FILE_NAME, Library
from artistindex.library.lock import writer_lock
from artistindex.library.rows import StoredArtist


@click.command(name="forget")
@click.argument(
    "artists", nargs=-1, required=True, metavar="ARTIST...", shell_complete=completion.artists
)
@pass_state
def command(state: State, artists: tuple[str, ...]) -> None:
    """Remove ARTIST, and the tracks of nobody else, from the indexes and the library.

    An artist may be named by id ("spotify:...") too. Where one of the names is unknown, nobody is
    removed. A build of the artist's music, or the import of a pack, brings it back; `artistindex
    ignore` keeps it out for good.
    """
    Library.open(state.indexes / FILE_NAME, read_only=True).close()  # raises where there is none
    with (
        writer_lock(state.indexes, wait=True),
        Library.open(state.indexes / FILE_NAME) as library,
    ):
        named = [library.find_artist(name) for name in artists]  # all of them, or nobody goes
        forgotten = list(dict.fromkeys(named))
        _remove_from_indexes(state, forgotten)  # first, so that a kill leaves it to be done again
        for stored in forgotten:
            removed = library.forget(stored)
            line = f"{stored.artist.name} is forgotten, with {counted(removed, 'track')}"
            message(line, quiet=state.quiet)


def _remove_from_indexes(state: State, artists: Sequence[StoredArtist]) -> None:
    from artistindex.index.reader import all_indexes

    for folder in all_indexes(state.indexes):
        try:
            count = _remove_from_index(folder, artists)
        except BrokenIndex as error:
            message(f"{folder.name} is left as it is: {error}")
            continue
        if count:
            message(f"{folder.name}: {counted(count, 'artist')} removed", quiet=state.quiet)


def _remove_from_index(folder: Path, artists: Sequence[StoredArtist]) -> int:
    """Write the index without the artists it has of these; returns how many they are."""
    from artistindex.index.reader import ArtistIndex
    from artistindex.index.removal import remove_artists

    with ArtistIndex.open(folder) as index:
        known = ArtistList(index.records)
    same = [known.find(stored.artist) for stored in artists]
    rows = {number for number, _ in filter(None, same)}
    if rows:
        remove_artists(folder, rows)
    return len(rows)
