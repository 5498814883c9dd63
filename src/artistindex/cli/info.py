"""`artistindex info`."""

from pathlib import Path
from typing import Any

import click

from artistindex.cli.options import State, format_option, pass_state
from artistindex.cli.output import counted, emit, message, working
from artistindex.cli.remedies import line_for
from artistindex.entities import TrackStage
from artistindex.errors import ArtistIndexError, BrokenIndex, Remedy
from artistindex.index.manifest import Manifest
from artistindex.index.reader import all_indexes, verify
from artistindex.index.summary import summary_of
from artistindex.library.library import FILE_NAME, Library

_COLUMNS = (
    "index",
    "artists",
    "tracks",
    "dimension",
    "precision",
    "excerpt",
    "transform",
    "kind",
    "recall",
    "state",
)
_PENDING = (("names", "name", "to look up"), ("artists", "artist", "to listen to"))


@click.command(name="info")
@click.option("--verify", "whole", is_flag=True, help="Read everything and check every hash.")
@format_option
@pass_state
def command(state: State, whole: bool, output_format: str) -> int:
    """Say what the library and the indexes hold.

    Leaves with 1 where something is damaged.
    """
    with working("reading", quiet=state.quiet):
        library = _library(state.indexes, whole=whole)
        rows = [_index(folder, whole=whole) for folder in all_indexes(state.indexes)]
    if not rows and library is None:
        raise BrokenIndex(f"nothing in {state.indexes.absolute()}", remedy=Remedy.BUILD_FIRST)
    if output_format == "table" and library is not None:
        _say(library, quiet=state.quiet)
    emit(rows, _COLUMNS, output_format, payload={"library": library, "indexes": rows})
    damaged = [row for row in rows if row["error"]] or (library and library["error"])
    for row in rows:
        if row["error"]:
            message(f"Error: {row['error']}")
    if library and library["error"]:
        message(f"Error: {library['error']}")
    return 1 if damaged else 0


def _say(library: dict[str, Any], *, quiet: bool) -> None:
    counts = library.get("counts")
    if counts:
        message(
            f"{library['path']}: {counted(counts['artists'], 'artist')},"
            f" {counted(counts['tracks'], 'track')},"
            f" {counted(counts['track_vectors'], 'track vector')},"
            f" {counted(counts['failures'], 'failure')}",
            quiet=quiet,
        )
    pending = library.get("pending", {})
    parts = [
        f"{counted(pending[key], noun)} {what}" for key, noun, what in _PENDING if pending.get(key)
    ]
    if parts:
        message(f"pending: {', '.join(parts)}; `artistindex build` goes on", quiet=quiet)
    for odd in library.get("outliers", ()):
        message(f"{odd['what']} {odd['reason']}", quiet=quiet)


def _library(indexes: Path, *, whole: bool) -> dict[str, Any] | None:
    path = indexes / FILE_NAME
    if not path.exists():
        return None
    summary: dict[str, Any] = {"path": str(path), "error": None}
    try:
        with Library.open(path, read_only=True) as library:
            if whole:
                library.verify()
            summary["counts"] = library.counts()
            summary["stages"] = library.stages()
            summary["pending"] = _pending(library)
            summary["outliers"] = [
                {"what": failure.what, "artist": failure.artist, "reason": failure.reason}
                for failure in library.failures()
                if failure.stage == "outlier"
            ]
    except ArtistIndexError as error:
        summary["error"] = line_for(error)
    return summary


def _pending(library: Library) -> dict[str, int]:
    """Return how many names are yet to be looked up, and how many artists yet to be heard."""
    unheard = sum(
        all(track.stage is not TrackStage.EMBEDDED for track in tracks)
        and any(not track.failed and not track.missing for track in tracks)
        for _, tracks in library.tracks_by_artist()
    )
    return {"names": len(library.pending_requests()), "artists": unheard}


def _index(folder: Path, *, whole: bool) -> dict[str, Any]:
    row: dict[str, Any] = {"index": folder.name, "path": str(folder), "error": None}
    try:
        row |= summary_of(Manifest.read(folder))
        if whole:
            verify(folder)
        row["state"] = "verified" if whole else "ok"
    except ArtistIndexError as error:
        row |= {"state": "damaged", "error": line_for(error)}
    return row
