"""Playlists of an answer: as a file beside it, or printed in its place."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from artistindex.cli.options import FORMATS, State, any_path
from artistindex.cli.output import counted, message, printable_lines
from artistindex.errors import ArtistIndexError

if TYPE_CHECKING:
    from artistindex.query.playlist import PlaylistTrack

PLAYLIST_FORMATS = ("m3u8", "jspf")


def playlist_option(command: Any) -> Any:
    """`--playlist FILE`."""
    return click.option(
        "--playlist",
        type=any_path,
        metavar="FILE",
        help="Write the tracks to begin with to FILE, too: .m3u8, .jspf, .xspf, or .csv of ids.",
    )(command)


def playlist_options(command: Any) -> Any:
    """`--format` with the playlists that can be printed, and `--playlist FILE`."""
    format_option = click.option(
        "--format",
        "output_format",
        type=click.Choice((*FORMATS, *PLAYLIST_FORMATS)),
        default="table",
        show_default=True,
        help="How to print: a table for people, json or csv for programs, or a playlist.",
    )
    return format_option(playlist_option(command))


def check_playlist(path: Path | None) -> None:
    """Raise Misuse for a file whose name says no format, before anything is asked."""
    from artistindex.query.playlist import format_of

    if path is not None:
        format_of(path)


def save_playlist(
    path: Path | None, tracks: "Sequence[PlaylistTrack]", title: str, state: State
) -> None:
    """Write the playlist, where one is asked for, and say what is in it."""
    from artistindex.query.playlist import write_playlist

    if path is None:
        return
    try:
        count = write_playlist(path, tracks, title)
    except OSError as error:
        raise ArtistIndexError(f"cannot write {path}: {error.strerror or error}") from error
    left_out = len(tracks) - count
    more = f"; {counted(left_out, 'track')} without a file here left out" if left_out else ""
    message(f"{path} lists {counted(count, 'track')}{more}", quiet=state.quiet)


def print_playlist(output_format: str, tracks: "Sequence[PlaylistTrack]", title: str) -> None:
    """Print the playlist, its files relative to the working directory."""
    from artistindex.query.playlist import PlaylistFormat, render

    text = render(tracks, PlaylistFormat(output_format), folder=Path.cwd(), title=title)
    click.echo(printable_lines(text), nl=False)
