"""Reading line-ups for a command: who is meant by a name with commas, and on which days."""

import datetime
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import click

from artistindex import naming
from artistindex.cli.options import State, names_file
from artistindex.errors import ArtistIndexError, Misuse
from artistindex.index.reader import open_index
from artistindex.listeners.bills import Lineup
from artistindex.listeners.favourites import Favourites
from artistindex.listeners.lineups import read_lineup
from artistindex.query.lineup_answer import Days

NOBODY = Favourites((), ())


def dislikes_option(command: Any) -> Any:
    """`--dislikes FILE`, which may be given several times."""
    return click.option(
        "--dislikes",
        type=names_file,
        multiple=True,
        metavar="FILE",
        help="Artists whose like are to go down.",
    )(command)


def days_options(command: Any) -> Any:
    """`--from DATE` and `--days N`; the command receives `first` and `days`."""
    first = click.option(
        "--from",
        "first",
        type=click.DateTime(["%Y-%m-%d"]),
        metavar="DATE",
        help="Leave out events before this day.  [default: today, where the files have dates]",
    )
    days = click.option(
        "--days",
        type=click.IntRange(min=1),
        metavar="N",
        help="Leave out events after so many days, of which --from is the first.",
    )
    return first(days(command))


def read_for(paths: Sequence[Path], state: State, model: str | None, liked: Favourites) -> Lineup:
    """Read the line-up; who is liked or indexed may have commas in the name."""
    names = set(map(naming.normalise, liked.names))
    with ExitStack() as stack:
        index = None
        with suppress(ArtistIndexError):  # --ingest may be about to make it
            index = stack.enter_context(open_index(state.indexes, model))

        def knows(name: str) -> bool:
            return naming.normalise(name) in names or bool(index and index.find_rows(name))

        return read_lineup(paths, knows=knows)


def days_of(
    lineup: Lineup,
    paths: Sequence[Path],
    first: datetime.datetime | None,
    count: int | None,
    *,
    is_needed: bool = False,
) -> Days | None:
    """Return the days asked for; None where the files have no dates.

    Raises Misuse where they have none and days are asked for, or dates are `is_needed`.
    """
    if not any(event.date for event in lineup.events):
        if first or count or is_needed:
            raise Misuse(f"{paths[0]}: no dates in it, which --from, --days and --ics need")
        return None
    start = first.date() if first else datetime.date.today()
    return Days(start, start + datetime.timedelta(count - 1) if count else None)


def on_days(lineup: Lineup, days: Days) -> Lineup:
    """Return the line-up of these days; raises Misuse where nobody plays on them."""
    chosen = lineup.between(days.first, days.last)
    if not chosen.billings:
        dates = [event.date for event in lineup.events if event.date]
        raise Misuse(
            f"nobody plays {days}: the files have events from {min(dates)} to {max(dates)}; choose"
            " with --from DATE"
        )
    return chosen
