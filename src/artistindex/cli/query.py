"""`artistindex query`."""

from dataclasses import asdict
from typing import Any

import click

from artistindex.cli.asking import listened, question_of, question_options, question_payload
from artistindex.cli.options import State, format_option, index_option, pass_state
from artistindex.cli.output import emit, message
from artistindex.query import ArtistIndex, find_index
from artistindex.question import pose

_COLUMNS = ("rank", "artist", "score", "percentile", "tracks")


@click.command(name="query")
@click.argument("artists", nargs=-1, metavar="[ARTIST]...")
@question_options
@click.option("--k", default=10, show_default=True, help="How many artists to list.")
@index_option("The index to ask.  [default: the only one, else discogs-effnet]")
@format_option
@pass_state
def command(
    state: State,
    /,
    artists: tuple[str, ...],
    k: int,
    index: tuple[str, ...],
    form: str,
    **asked: Any,
) -> None:
    """List the artists who sound most like ARTIST, or like several ARTISTs together.

    The score is the cosine of the artists' vectors; the percentile says how many of the index's
    pairs of artists are less alike. An artist may be named by id ("spotify:...") too. Write `--`
    before a name that begins with a dash. With --audio, a piece of music is asked about, alone or
    together with ARTISTs.
    """
    question = question_of(artists, asked)
    with ArtistIndex.open(find_index(state.indexes, index[0] if index else None)) as opened:
        posed = listened(opened, question, pose(opened, question), asked, state)
        neighbours = opened.neighbours_of_vector(posed.vector, k, leave_out=posed.rows)
        for name in artists:
            for other in opened.also_called(name):
                message(f"the index also holds {other!r}", quiet=state.quiet)
    found = [asdict(neighbour) for neighbour in neighbours]
    payload = {"index": opened.name, **question_payload(question, posed), "k": k}
    emit(found, _COLUMNS, form, payload={**payload, "neighbours": found})
