"""`artistindex ls`."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from artistindex.cli import completion
from artistindex.cli.described import describe_rows
from artistindex.cli.options import State, format_option, pass_state
from artistindex.cli.output import emit
from artistindex.entities import Artist
from artistindex.library.library import FILE_NAME, Library
from artistindex.library.rows import StoredArtist, StoredTrack
from artistindex.metadata.filename import readable

_ARTIST_COLUMNS = ("artist", "tracks", "indexes", "guessed", "ids")
_SOUND = "sound"
_TRACK_COLUMNS = ("title", "album", "path", "source", "recording", "models", "guessed", "missing")


@click.command(name="ls")
@click.argument("artist", required=False, shell_complete=completion.artists)
@format_option
@pass_state
def command(state: State, artist: str | None, output_format: str) -> None:
    """List the artists of the library, or the tracks of ARTIST.

    An artist is guessed whom no tag names, only the paths of files. Of a track there are the models
    that have heard it, and the number of its recording: tracks with the same one are one piece of
    music. What you decided with `artistindex alias` and `artistindex ignore` is respected.
    """
    with Library.open(state.indexes / FILE_NAME, read_only=True) as library:
        rows = _artists(library, state.indexes) if artist is None else _tracks(library, artist)
    columns = _ARTIST_COLUMNS if artist is None else _TRACK_COLUMNS
    if any(row.get("descriptors") for row in rows):
        columns = (*columns[:2], _SOUND, *columns[2:])
    emit(rows if output_format == "json" else map(_flat, rows), columns, output_format)


def _artists(library: Library, indexes: Path) -> list[dict[str, Any]]:
    from artistindex.index.reader import ArtistIndex, all_indexes

    names: dict[str, set[str]] = {}
    for folder in all_indexes(indexes):
        with ArtistIndex.open(folder) as index:
            names[folder.name] = set(index.artists)
    guessed = library.guessed_artist_ids()
    rows: list[dict[str, Any]] = [
        {
            "artist": stored.artist.name,
            "ids": dict(stored.artist.ids),
            "tracks": sum(not track.missing for track in tracks),
            "indexes": [name for name, own in names.items() if stored.artist.name in own],
            "guessed": stored.id in guessed,
        }
        for stored, tracks in library.tracks_by_artist()
    ]
    describe_rows(indexes, [Artist(row["artist"], row["ids"]) for row in rows], rows)
    return rows


def _tracks(library: Library, artist: str) -> list[dict[str, Any]]:
    stored = library.find_decided(artist)
    ((_, tracks),) = library.tracks_by_artist([stored])
    models = library.models_by_track(track.id for track in tracks)
    rows = [_track(track, stored.artist, models.get(track.id, [])) for track in tracks]
    _describe_tracks(library, stored, tracks, rows)
    return rows


def _describe_tracks(
    library: Library,
    stored: StoredArtist,
    tracks: Sequence[StoredTrack],
    rows: Sequence[dict[str, Any]],
) -> None:
    """Add `descriptors` to the rows of tracks that the model of that name has heard."""
    from artistindex.embedding.descriptors import describe, shipped_scaling
    from artistindex.embedding.registry import DESCRIPTORS

    counted = library.keys()
    keys = [key for key, _ in counted if key.weights_sha256 == DESCRIPTORS.sha256]
    vectors = {
        track.id: vector
        for key in keys
        for _, own in library.vectors_by_artist(key, [stored])
        for track, vector in own
    }
    for track, row in zip(tracks, rows, strict=True):
        if keys:
            vector = vectors.get(track.id)
            told = None if vector is None else describe([vector], shipped_scaling())
            row["descriptors"] = None if told is None else told.to_json()


def _track(stored: StoredTrack, artist: Artist, models: list[str]) -> dict[str, Any]:
    track = stored.track
    return {
        "artist": artist.name,
        "title": track.title,
        "album": track.album,
        "path": None if track.path is None else readable(track.path),
        "source": "file" if track.path is not None else stored.match and stored.match.source,
        "recording": stored.recording,
        "models": models,
        "guessed": track.guessed,
        "missing": stored.missing,
    }


def _flat(row: Mapping[str, Any]) -> dict[str, Any]:
    """The row with one text in each cell."""
    ids = " ".join(f"{service}:{id_}" for service, id_ in row.get("ids", {}).items())
    told = row.get("descriptors")
    sound = None if told is None else f"{told['bpm']} BPM, {told['key']}"
    lists = {name: " ".join(value) for name, value in row.items() if isinstance(value, list)}
    flags = {name: "yes" if value else "" for name, value in row.items() if isinstance(value, bool)}
    return {**row, **lists, **flags, "ids": ids, _SOUND: sound}
