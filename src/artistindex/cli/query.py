"""`artistindex query`."""

from contextlib import ExitStack
from typing import Any

import click

from artistindex.cli.answering import answer, answer_options
from artistindex.cli.asking import listened, question_of, question_options, question_payload
from artistindex.cli.options import State, format_option, index_option, pass_state
from artistindex.cli.output import emit, message
from artistindex.index.reader import ArtistIndex, find_index
from artistindex.query.query import resolve


@click.command(name="query")
@click.argument("artists", nargs=-1, metavar="[ARTIST]...")
@question_options
@click.option("--k", default=10, show_default=True, help="How many artists to list.")
@index_option(
    "The index to ask; of several, the answers are fused.  [default: the only one, else"
    " discogs-effnet]"
)
@answer_options
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

    Of several voices, the score is the fused one and a column for each says how much of it is its.
    Corrected or ranked again, the order is that of the column after the name. --explain tells a
    neighbour's stability: how often it stays in the list when everybody's tracks are drawn again.
    """
    question = question_of(artists, asked)
    with ExitStack() as stack:
        indexes = [
            stack.enter_context(ArtistIndex.open(find_index(state.indexes, name)))
            for name in dict.fromkeys(index or (None,))
        ]
        posed = [
            listened(each, question, resolve(each, question), asked, state) for each in indexes
        ]
        found = answer(indexes, question, posed, k, asked, state)
        for name in artists:
            for other in indexes[0].namesakes(name):
                message(f"the index also holds {other!r}", quiet=state.quiet)
    names = [each.name for each in indexes]
    payload = {
        "index": names if len(names) > 1 else names[0],
        **question_payload(question, posed[0]),
        "k": k,
        "neighbours": found.neighbours,
    }
    emit(found.rows, found.columns, form, payload=payload)
