"""The vectors of indexes as files for other programs: .npy with .csv, and Parquet."""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from artistindex._util import files
from artistindex.entities import Artist, Service
from artistindex.errors import ArtistIndexError, Misuse, PackError
from artistindex.index.reader import ArtistIndex, all_indexes, find_index
from artistindex.index.sidecar import UsedTrack
from artistindex.library.library import FILE_NAME, Library
from artistindex.packs import parquet_file
from artistindex.packs.export import untransformed
from artistindex.packs.vector_table import rows_at_once

_ARTIST_HEADINGS = ("artist", "spotify_id", "deezer_id", "musicbrainz_id")
_TRACK_HEADINGS = ("title", "album", "isrc", "recording_mbid", "track")


class _CsvWriter(Protocol):
    def writerow(self, row: Sequence[Any], /) -> Any: ...


@dataclass(frozen=True, slots=True)
class WrittenVectors:
    """A file of vectors that was written, with the licence of what is in it."""

    path: Path
    index: str
    vectors: int
    licence: str


def export_arrays(
    folder: Path, indexes: Path, *, models: Sequence[str] = (), is_tracks: bool = False
) -> list[WrittenVectors]:
    """Write the vectors of `models` (all without any) to `folder`: MODEL.npy beside MODEL.csv.

    float32 of shape (artists, dimension): the unit vectors of the index, in its transform. With
    `is_tracks` MODEL.tracks.npy and .csv hold those of the tracks as the model made them, a row for
    each artist of a track. Raises Misuse where an index has none, and what reading and writing
    raise.
    """
    return [
        _write_arrays(folder, place, is_tracks=is_tracks) for place in _folders(indexes, models)
    ]


def export_parquet(
    folder: Path, indexes: Path, *, models: Sequence[str] = ()
) -> list[WrittenVectors]:
    """Write MODEL.artists.parquet, and MODEL.tracks.parquet where tracks have vectors, to `folder`.

    Vectors of artists are the unit vectors of the index, in its transform; where it has one, the
    column raw_vector holds those before it, if the library still has them. Raises MissingExtra
    without pyarrow, and what reading and writing raise.
    """
    return [
        written
        for place in _folders(indexes, models)
        for written in _write_parquet(folder, place, indexes / FILE_NAME)
    ]


def _folders(indexes: Path, models: Sequence[str]) -> list[Path]:
    named = [find_index(indexes, model) for model in dict.fromkeys(models)]
    return named or all_indexes(indexes) or [find_index(indexes)]


# --- tracks -------------------------------------------------------------------------------------

_TrackRow = tuple[Artist, int, UsedTrack, NDArray[np.float32]]


def _track_rows(index: ArtistIndex) -> Iterator[_TrackRow]:
    """Yield each artist's tracks with a number of the track and its vector, where it has one."""
    numbers: dict[object, int] = {}
    for row, artist in enumerate(index.records):
        for track in index.tracks_of_row(row):
            if track.vector is not None:
                identity = track.library_id if track.library_id is not None else object()
                number = numbers.setdefault(identity, len(numbers))
                yield artist, number, track, track.vector


def _track_cells(number: int, track: UsedTrack) -> list[Any]:
    return [track.title, track.album, track.ids.get("isrc"), track.ids.get("musicbrainz"), number]


def _artist_cells(artist: Artist) -> list[Any]:
    return [artist.name, *(artist.ids.get(service) for service in Service)]


# --- .npy ---------------------------------------------------------------------------------------


def _write_arrays(folder: Path, place: Path, *, is_tracks: bool) -> WrittenVectors:
    with ArtistIndex.open(place) as index:
        stem = f"{index.name}.tracks" if is_tracks else index.name
        try:
            files.make_folder(folder)
            with (
                files.atomic_writer(folder / f"{stem}.npy") as array,
                files.atomic_path(folder / f"{stem}.csv") as names,
                names.open("w", encoding="utf-8", newline="") as text,
            ):
                table = csv.writer(text)
                count = sum(1 for _ in _track_rows(index)) if is_tracks else len(index)
                if not count:
                    raise Misuse(f"the index {place} has no vectors of tracks")
                manifest = index.manifest
                dimension = manifest.track_dimension if is_tracks else manifest.dimension
                header = {"descr": "<f4", "fortran_order": False, "shape": (count, dimension)}
                np.lib.format.write_array_header_1_0(array, header)
                write = _write_tracks if is_tracks else _write_artists
                for vector in write(index, table):
                    array.write(np.ascontiguousarray(vector, "<f4").data)
        except OSError as error:
            raise ArtistIndexError(f"cannot write {folder}: {error.strerror or error}") from error
        return WrittenVectors(folder / f"{stem}.npy", index.name, count, index.manifest.licence)


def _write_artists(index: ArtistIndex, table: _CsvWriter) -> Iterator[NDArray[np.float32]]:
    """Write the names, and yield the vectors beside them."""
    table.writerow([*_ARTIST_HEADINGS, "tracks"])
    vectors = (vector for block in index.rows.blocks() for vector in block)
    for entry, vector in zip(index.entries, vectors, strict=True):
        table.writerow([*_artist_cells(entry.artist), entry.tracks])
        yield vector


def _write_tracks(index: ArtistIndex, table: _CsvWriter) -> Iterator[NDArray[np.float32]]:
    table.writerow([*_ARTIST_HEADINGS, *_TRACK_HEADINGS])
    for artist, number, track, vector in _track_rows(index):
        table.writerow([*_artist_cells(artist), *_track_cells(number, track)])
        yield vector


# --- Parquet ------------------------------------------------------------------------------------


def _write_parquet(folder: Path, place: Path, library_file: Path) -> Iterator[WrittenVectors]:
    with ArtistIndex.open(place) as index:
        manifest = index.manifest
        try:
            files.make_folder(folder)
        except OSError as error:
            raise ArtistIndexError(f"cannot write {folder}: {error.strerror or error}") from error
        raw = _raw_vectors(index, library_file)
        extra = () if raw is None else (("raw_vector", "vector"),)
        path = folder / f"{index.name}.artists.parquet"
        count = parquet_file.write_table(
            path,
            (*parquet_file.ARTIST_COLUMNS, *extra),
            _artist_records(index, raw),
            of="artists",
            recipe=manifest.recipe,
            licence=manifest.licence,
            dimension=manifest.dimension,
        )
        yield WrittenVectors(path, index.name, count, manifest.licence)
        if not len(index.track_vectors):
            return
        path = folder / f"{index.name}.tracks.parquet"
        count = parquet_file.write_table(
            path,
            parquet_file.TRACK_COLUMNS,
            _track_records(index),
            of="tracks",
            recipe=manifest.recipe,
            licence=manifest.licence,
            dimension=manifest.track_dimension,
        )
        yield WrittenVectors(path, index.name, count, manifest.licence)


def _raw_vectors(index: ArtistIndex, library_file: Path) -> NDArray[np.float32] | None:
    """Return the artists' vectors before the transform, if there is one and they are to be had."""
    if index.manifest.transform == "none" or not library_file.is_file():
        return None
    with Library.open(library_file, read_only=True) as library:
        try:
            return untransformed(index, library)
        except PackError:
            return None


def _artist_records(
    index: ArtistIndex, raw: NDArray[np.float32] | None
) -> Iterator[dict[str, Any]]:
    size = rows_at_once(index.manifest.dimension)
    for start in range(0, len(index), size):
        entries = index.entries[start : start + size]
        vectors = index.vectors_of([entry.row for entry in entries])
        for entry, vector in zip(entries, vectors, strict=True):
            record = dict(zip(_ARTIST_HEADINGS, _artist_cells(entry.artist), strict=True))
            record |= {"tracks": entry.tracks, "vector": vector}
            yield record if raw is None else record | {"raw_vector": raw[entry.row]}


def _track_records(index: ArtistIndex) -> Iterator[dict[str, Any]]:
    headings = (*_ARTIST_HEADINGS, *_TRACK_HEADINGS, "vector")
    for artist, number, track, vector in _track_rows(index):
        cells = (*_artist_cells(artist), *_track_cells(number, track), vector)
        yield dict(zip(headings, cells, strict=True))
