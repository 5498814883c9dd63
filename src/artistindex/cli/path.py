"""`artistindex path`."""

from operator import attrgetter
from pathlib import Path

import click

from artistindex.cli import completion
from artistindex.cli.neighbour_cells import track_cell
from artistindex.cli.options import State, index_option, pass_state
from artistindex.cli.output import emit
from artistindex.cli.playlists import (
    PLAYLIST_FORMATS,
    check_playlist,
    playlist_options,
    print_playlist,
    save_playlist,
)
from artistindex.errors import Misuse
from artistindex.index.reader import open_index

_COLUMNS = ("step", "artist", "next", "score", "from track", "to track", "tracks")


@click.command(name="path")
@click.argument("start", metavar="A", shell_complete=completion.artists)
@click.argument("end", metavar="B", shell_complete=completion.artists)
@click.option(
    "--neighbours",
    default=10,
    show_default=True,
    metavar="N",
    help="Step to one of an artist's N nearest; where that leads nowhere, to one of more.",
)
@index_option("The index to walk in.  [default: the only one, else discogs-effnet]")
@playlist_options
@pass_state
def command(
    state: State,
    /,
    start: str,
    end: str,
    neighbours: int,
    index: tuple[str, ...],
    output_format: str,
    playlist: Path | None,
) -> None:
    """Walk from the artist A to the artist B in small steps.

    The largest step is as small as can be, and there are no more steps than that takes. The score
    is the cosine of the two artists; each step names the two recordings that join it, one of each,
    and how alike they are.
    """
    from artistindex.query.artist_path import find_path, path_json
    from artistindex.query.playlist import PlaylistTrack

    if len(index) > 1:
        raise Misuse("a path lies in one index: give --index once")
    check_playlist(playlist)
    with open_index(state.indexes, index[0] if index else None) as opened:
        steps = find_path(opened, start, end, neighbours=neighbours)
        payload = path_json(opened, steps)
    title = f"From {steps[0].artist} to {steps[-1].next}"
    tracks = [
        PlaylistTrack(artist, track)
        for step in steps
        if step.joined_by
        for artist, track in (
            (step.artist, step.joined_by.leaving),
            (step.next, step.joined_by.entering),
        )
    ]
    tracks = list({(listed.artist, listed.track.title): listed for listed in tracks}.values())
    if output_format in PLAYLIST_FORMATS:
        print_playlist(output_format, tracks, title)
    else:
        shown = track_cell if output_format == "csv" else attrgetter("title")
        rows = [
            {
                "step": at,
                "artist": step.artist,
                "next": step.next,
                "score": step.score,
                "from track": step.joined_by and shown(step.joined_by.leaving),
                "to track": step.joined_by and shown(step.joined_by.entering),
                "tracks": step.joined_by and step.joined_by.score,
            }
            for at, step in enumerate(steps, 1)
        ]
        emit(rows, _COLUMNS, output_format, payload=payload)
    save_playlist(playlist, tracks, title, state)
