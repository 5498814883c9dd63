"""`artistindex page`."""

import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from artistindex.cli.lineup_reading import (
    NOBODY,
    days_of,
    days_options,
    dislikes_option,
    on_days,
    read_for,
)
from artistindex.cli.options import State, any_path, index_option, names_file, pass_state
from artistindex.cli.output import counted, message, working
from artistindex.errors import ArtistIndexError, Misuse
from artistindex.index.reader import ArtistIndex, find_index
from artistindex.listeners.favourites import Favourites, read_favourites

if TYPE_CHECKING:
    from artistindex.listeners.bills import Lineup
    from artistindex.pages.audio_files import AudioFiles
    from artistindex.pages.earlier import Places
    from artistindex.pages.page_data import PageData


@click.command(name="page")
@click.argument("lineup", nargs=-1, type=names_file, metavar="[LINEUP]...")
@click.option(
    "--likes",
    type=names_file,
    multiple=True,
    metavar="FILE",
    help="The favourites; several files are added up. A line-up needs them.",
)
@dislikes_option
@days_options
@index_option("The index to show.  [default: the only one, else discogs-effnet]")
@click.option(
    "--map/--no-map",
    "with_map",
    default=True,
    show_default=True,
    help="Whether the map of all artists is on the page; it alone where there is no LINEUP.",
)
@click.option(
    "--out",
    type=any_path,
    default=Path("page.html"),
    show_default=True,
    metavar="FILE",
    help="Where the page goes. The map of a page that is there is the start of the new one.",
)
@click.option("--title", metavar="TEXT", help="What stands above.  [default: the event's name]")
@click.option(
    "--with-audio",
    is_flag=True,
    help="Play the tracks whose files are here, by addresses relative to the page: these tell"
    " where the files lie.",
)
@click.option("--fresh", is_flag=True, help="Lay the map out anew, whatever the page has so far.")
@pass_state
def command(
    state: State,
    /,
    lineup: tuple[Path, ...],
    likes: tuple[Path, ...],
    dislikes: tuple[Path, ...],
    first: datetime.datetime | None,
    days: int | None,
    index: tuple[str, ...],
    with_map: bool,
    out: Path,
    title: str | None,
    with_audio: bool,
    fresh: bool,
) -> None:
    """Make one HTML file of a line-up and a map: for a browser, a phone, a USB stick.

    With the line-ups in LINEUP and --likes, those who play come first, as `match` ranks them, with
    filters, picks that can be shared, a calendar and a playlist. The map has every artist of the
    index: favourites as stars, who plays as rings, with the true neighbours of whomever is clicked.
    Everything is inside the file, and nothing is loaded from elsewhere.
    """
    from artistindex.pages.audio_files import AudioFiles
    from artistindex.pages.page_data import page_data
    from artistindex.pages.render import render_page

    _check(lineup, likes, dislikes, index, with_map=with_map)
    model = index[0] if index else None
    liked = read_favourites(likes) if likes else NOBODY
    disliked = read_favourites(dislikes) if dislikes else NOBODY
    chosen = _read(lineup, state, model, liked, first, days) if lineup else None
    audio = AudioFiles(out.absolute().parent) if with_audio else None
    earlier = _earlier(out) if with_map and not fresh else None
    with (
        working("laying out the page", quiet=state.quiet),
        ArtistIndex.open(find_index(state.indexes, model)) as opened,
    ):
        data = page_data(
            opened,
            chosen,
            liked,
            disliked,
            title=title,
            with_map=with_map,
            earlier=earlier,
            audio=audio,
        )
        html = render_page(data).encode()
    _write(out, html)
    for line in _remarks(out, len(html), data, audio):
        message(line, quiet=state.quiet)


def _check(
    lineup: tuple[Path, ...],
    likes: tuple[Path, ...],
    dislikes: tuple[Path, ...],
    index: tuple[str, ...],
    *,
    with_map: bool,
) -> None:
    """Raise Misuse for options that do not go together."""
    if [*lineup, *likes, *dislikes].count(Path("-")) > 1:
        raise Misuse("only one of LINEUP, --likes and --dislikes can be standard input (-)")
    if len(index) > 1:
        raise Misuse("a page shows one index: give --index once")
    if lineup and not likes:
        raise Misuse("a line-up is ranked for somebody: give --likes FILE")
    if dislikes and not lineup:
        raise Misuse("--dislikes ranks a line-up: name one")
    if not (lineup or with_map):
        raise Misuse("nothing to show: name a line-up, or leave out --no-map")


def _read(
    paths: tuple[Path, ...],
    state: State,
    model: str | None,
    liked: Favourites,
    first: datetime.datetime | None,
    count: int | None,
) -> "Lineup":
    lineup = read_for(paths, state, model, liked)
    days = days_of(lineup, paths, first, count)
    return lineup if days is None else on_days(lineup, days)


def _earlier(out: Path) -> "Places | None":
    """Return the map of the page that is to be replaced, if there is one."""
    from artistindex.pages.earlier import Places

    return Places.read(out) if out.is_file() else None


def _write(out: Path, html: bytes) -> None:
    from artistindex._util.files import atomic_write

    try:
        atomic_write(out, html)
    except OSError as error:
        raise ArtistIndexError(f"cannot write {out}: {error.strerror or error}") from error


def _remarks(out: Path, size: int, data: "PageData", audio: "AudioFiles | None") -> list[str]:
    """What there is to say of a page that was written."""
    parts = [counted(len(data.lineup.acts), "act")] if data.lineup else []
    parts += [f"a map of {counted(data.artists, 'artist')}"] if data.map else []
    lines = [f"{out} has {' and '.join(parts)}: {size / 1_000_000:,.2f} MB"]
    if data.map:
        layout = data.map.layout
        lines.append(
            f"the map ({layout.method.value}) keeps {layout.share_kept:.0%} of the true neighbours;"
            f" a blind one {layout.chance:.1%}"
        )
    if audio and audio.outside:
        lines.append(
            f"{counted(audio.outside, 'audio file')} lie outside the page's folder: moved"
            " alone, the page will not find them"
        )
    return lines
