"""`artistindex match`."""

import datetime
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from artistindex.cli.lineup_reading import (
    NOBODY,
    days_of,
    days_options,
    dislikes_option,
    on_days,
    read_for,
)
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
from artistindex.index.reader import open_index
from artistindex.listeners.favourites import read_favourites, read_names
from artistindex.query.lineup import rank_lineup
from artistindex.query.lineup_answer import Answer

if TYPE_CHECKING:
    from artistindex.query.evenings import Evening


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
@dislikes_option
@days_options
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
    disliked = read_favourites(dislikes) if dislikes else NOBODY
    whole = read_for(lineup, state, model, liked)
    days = days_of(whole, lineup, options["first"], options["days"], is_needed=bool(options["ics"]))
    chosen = whole if days is None else on_days(whole, days)
    failed = None
    if is_ingesting:
        from artistindex.cli.lineup_ingest import ingest

        failed = ingest(state, model, chosen, [liked, disliked], options)
    with open_index(state.indexes, model) as opened:
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
    shown = view(answer, by=options["by"], k=options["k"], indexes=state.indexes)
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


# --- files ---------------------------------------------------------------------------------------


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
