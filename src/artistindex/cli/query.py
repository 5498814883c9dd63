"""`artistindex query`."""

from dataclasses import asdict

import click

from artistindex.cli.options import State, format_option, index_option, pass_state
from artistindex.cli.output import emit, message
from artistindex.query import ArtistIndex, find_index

_COLUMNS = ("rank", "artist", "score", "percentile", "tracks")


@click.command(name="query")
@click.argument("artists", nargs=-1, required=True, metavar="ARTIST...")
@click.option("--k", default=10, show_default=True, help="How many artists to list.")
@index_option("The index to ask.  [default: the only one, else discogs-effnet]")
@format_option
@pass_state
def command(
    state: State, artists: tuple[str, ...], k: int, index: tuple[str, ...], form: str
) -> None:
    """List the artists who sound most like ARTIST, or like several ARTISTs together.

    The score is the cosine of the artists' vectors; the percentile says how many of the index's
    pairs of artists are less alike. An artist may be named by id ("spotify:...") too. Write `--`
    before a name that begins with a dash.
    """
    with ArtistIndex.open(find_index(state.indexes, index[0] if index else None)) as opened:
        found = [asdict(neighbour) for neighbour in opened.neighbours(artists, k)]
        asked = [opened.spelled(name) for name in artists]
        for name in artists:
            for other in opened.also_called(name):
                message(f"the index also holds {other!r}", quiet=state.quiet)
    payload = {"index": opened.name, "query": asked, "k": k, "neighbours": found}
    emit(found, _COLUMNS, form, payload=payload)
