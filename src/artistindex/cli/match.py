"""`artistindex match`."""

import datetime
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from artistindex import naming
from artistindex.cli.match_view import View, remarks, view
from artistindex.cli.options import (
    FORMATS,
    State,
    any_path,
    candidate_options,
    cookie_options,
    index_option,
    is_given,
    names_file,
    pass_state,
)
from artistindex.cli.output import counted, emit, message
from artistindex.cli.playlists import check_playlist, playlist_option, save_playlist
from artistindex.errors import ArtistIndexError, Misuse
from artistindex.index.reader import ArtistIndex, find_index
from artistindex.listeners.bills import Lineup
from artistindex.listeners.favourites import Favourites, read_favourites, read_names
from artistindex.listeners.lineups import read_lineup
from artistindex.query.lineup import rank_lineup
from artistindex.query.lineup_answer import Answer, Days

if TYPE_CHECKING:
    from artistindex.query.evenings import Evening

_NOBODY = Favourites((), ())


@click.command(name="match")
@click.argument("lineup", nargs=-1, required=True, type=names_file, metavar="LINEUP...")
@click.option(
    "--likes",
    type=names_file,
    multiple=True,
    required=True,
    metavar="FILE",
    help="The favourites; several files are added up.",
)
@click.option(
    "--dislikes",
    type=names_file,
    multiple=True,
    metavar="FILE",
    help="Artists whose like are to go down.",
)
@click.option(
    "--from",
    "first",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="DATE",
    help="Leave out events before this day.  [default: today, where the files have dates]",
)
@click.option(
    "--days",
    type=click.IntRange(min=1),
    metavar="N",
    help="Leave out events after so many days, of which --from is the first.",
)
@click.option(
    "--by",
    type=click.Choice(["artist", "event"]),
    default="artist",
    show_default=True,
    help="List artists, or evenings by who plays.",
)
@click.option(
    "--k", type=click.IntRange(min=1), metavar="N", help="List only the best N.  [default: all]"
)
@candidate_options
@index_option("The index to ask.  [default: the only one, else discogs-effnet]")
@click.option(
    "--ingest",
    "is_ingesting",
    is_flag=True,
    help="First fetch and embed who is missing, as `build` does by default.",
)
@cookie_options
@click.option(
    "--ics",
    type=any_path,
    metavar="FILE",
    help="Write a calendar of the events at which those listed play, too.",
)
@playlist_option
@click.option(
    "--format",
    "output_format",
    type=click.Choice([*FORMATS, "markdown"]),
    default="table",
    show_default=True,
    help="How to print: a table or Markdown for people, or json or csv for programs.",
)
@pass_state
def command(
    state: State,
    /,
    lineup: tuple[Path, ...],
    likes: tuple[Path, ...],
    dislikes: tuple[Path, ...],
    index: tuple[str, ...],
    is_ingesting: bool,
    output_format: str,
    **options: Any,
) -> int:
    """Rank the artists in the files LINEUP for someone's favourites.

    LINEUP are line-ups and events as docs/lineups.md lists them: text (one act a line, posters),
    CSV, YAML, JSON; --likes and the others are lists of names, or what players and services export.
    - is standard input. Favourites who play come first, those played most at the top. The score is
    the cosine to the nearest favourite, less half of that to the nearest of --dislikes; the
    percentile says how many of the index's artists fit less. Who is not indexed is listed
    separately, with the nearest names of the index.
    """
    more = (options[name] for name in ("exclude", "only") if options[name])
    files = [*lineup, *likes, *dislikes, *more]
    _check(files, index, options, is_ingesting=is_ingesting)
    check_playlist(options["playlist"])
    model = index[0] if index else None
    liked = read_favourites(likes)
    disliked = read_favourites(dislikes) if dislikes else _NOBODY
    whole = _read(lineup, state, model, liked)
    days = _days(whole, lineup, options)
    chosen = whole if days is None else _on(days, whole)
    failed = None
    if is_ingesting:
        from artistindex.cli.lineup_ingest import ingest

        failed = ingest(state, model, chosen, [liked, disliked], options)
    with ArtistIndex.open(find_index(state.indexes, model)) as opened:
        ranking = rank_lineup(
            opened,
            chosen,
            liked,
            disliked,
            exclude=_names(options["exclude"]) or (),
            only=_names(options["only"]),
            min_tracks=options["min_tracks"],
        )
        answer = Answer(opened.name, ranking, whole, chosen, days, failed)
    shown = view(answer, by=options["by"], k=options["k"])
    emit(
        shown.rows(output_format),
        shown.columns(output_format),
        output_format,
        payload=shown.to_json(),
    )
    _write_files(shown, options, state)
    if not state.quiet:
        for line in remarks(answer):
            message(line)
    return 3 if failed else 0


def _check(
    files: Sequence[Path], index: Sequence[str], options: Mapping[str, Any], *, is_ingesting: bool
) -> None:
    """Raise Misuse for options that do not go together."""
    if files.count(Path("-")) > 1:
        raise Misuse(
            "only one of LINEUP, --likes, --dislikes, --exclude and --only can be standard input"
            " (-)"
        )
    if len(index) > 1:
        raise Misuse("a line-up is ranked by one index: give --index once")
    if is_given("cookies", "cookies_from_browser") and not is_ingesting:
        raise Misuse("cookies are for fetching audio: they go with --ingest")


def _names(path: Path | None) -> list[str] | None:
    return read_names(path) if path else None


def _read(paths: Sequence[Path], state: State, model: str | None, liked: Favourites) -> Lineup:
    """Read the line-up; who is liked or indexed may have commas in the name."""
    names = set(map(naming.normalise, liked.names))
    with ExitStack() as stack:
        index = None
        with suppress(ArtistIndexError):  # --ingest may be about to make it
            folder = find_index(state.indexes, model)
            index = stack.enter_context(ArtistIndex.open(folder))

        def knows(name: str) -> bool:
            return naming.normalise(name) in names or bool(index and index.find_rows(name))

        return read_lineup(paths, knows=knows)


# --- days ---------------------------------------------------------------------------------------


def _days(lineup: Lineup, paths: Sequence[Path], options: Mapping[str, Any]) -> Days | None:
    """Return the days asked for; None where the files have no dates."""
    first, count = options["first"], options["days"]
    if not any(event.date for event in lineup.events):
        if first or count or options["ics"]:
            raise Misuse(f"{paths[0]}: no dates in it, which --from, --days and --ics need")
        return None
    start = first.date() if first else datetime.date.today()
    return Days(start, start + datetime.timedelta(count - 1) if count else None)


def _on(days: Days, lineup: Lineup) -> Lineup:
    chosen = lineup.between(days.first, days.last)
    if not chosen.billings:
        dates = [event.date for event in lineup.events if event.date]
        raise Misuse(
            f"nobody plays {days}: the files have events from {min(dates)} to {max(dates)}; choose"
            " with --from DATE"
        )
    return chosen


def _write_files(shown: View, options: Mapping[str, Any], state: State) -> None:
    from artistindex.query.playlist import playlist_of

    if options["ics"]:
        _write_calendar(options["ics"], shown.evenings, state)
    save_playlist(options["playlist"], playlist_of(shown.entries), "Who plays", state)


def _write_calendar(path: Path, evenings: "Sequence[Evening]", state: State) -> None:
    from artistindex._util.files import atomic_write
    from artistindex.query.event_calendar import to_icalendar

    dated = [evening for evening in evenings if evening.date]
    try:
        atomic_write(path, to_icalendar(dated, datetime.datetime.now(datetime.UTC)))
    except OSError as error:
        raise ArtistIndexError(f"cannot write {path}: {error.strerror or error}") from error
    undated = len(evenings) - len(dated)
    more = f"; {counted(undated, 'event')} without a date left out" if undated else ""
    message(f"{path} has {counted(len(dated), 'event')}{more}", quiet=state.quiet)
