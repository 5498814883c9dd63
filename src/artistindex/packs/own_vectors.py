"""From vectors made elsewhere to the library and an index, as if a build had made them."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from artistindex.embedding.registry import MODELS
from artistindex.entities import Artist, Track, VectorKey
from artistindex.errors import Misuse, PackError, Remedy
from artistindex.index.manifest import FILE_NAME as MANIFEST
from artistindex.index.manifest import Manifest, Recipe
from artistindex.index.transforms import unit
from artistindex.ingest import rebuild
from artistindex.ingest.aggregate import KEEP
from artistindex.library.library import FILE_NAME, Library
from artistindex.library.lock import writer_lock
from artistindex.packs import embeddings_json, npy_file, parquet_file
from artistindex.packs.claims import check_claims
from artistindex.packs.import_ import ImportedIndex, Merge, check_key
from artistindex.packs.reader import PackedArtist, PackEntry
from artistindex.packs.vector_table import TableRow, VectorTable

_ALL_TRACKS = 1_000_000  # that stand for an artist: all that are given

_log = logging.getLogger(__name__)


def is_vectors(path: Path) -> bool:
    """Tell by its first bytes whether a file, or any in a folder, holds vectors from elsewhere."""
    if path.is_dir():
        return any(path.glob("*.parquet"))
    try:
        with path.open("rb") as file:
            start = file.read(64)
    except OSError:
        return False
    is_json = start.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"{"
    return start.startswith((npy_file.MAGIC, parquet_file.MAGIC)) or is_json


@dataclass(slots=True)
class ImportedVectors:
    """What became of a file of vectors: `tracks` counts vectors of tracks, None for artists'."""

    index: ImportedIndex
    tracks: int | None = None

    def to_json(self) -> dict[str, Any]:
        """One entry of the JSON shape of `artistindex import --format json`."""
        return self.index.to_json() | {"tracks": self.tracks}


def import_vectors(
    path: Path,
    indexes: Path,
    *,
    names: Path | None = None,
    model: str | None = None,
    licence: str | None = None,
    is_tracks: bool = False,
    replace: bool = False,
    wait: bool = False,
) -> list[ImportedVectors]:
    """Take the vectors at `path` into the library and an index of the folder `indexes`.

    `path` is an .npy file with the file of `names` beside it, a Parquet file, the original
    experiment's embeddings as JSON, or a folder of Parquet files. They are of artists, or of tracks
    (`is_tracks`); `model` is any name, `licence` a text: both are asked of files that do not say
    them. Who is here already keeps the vector that is here, unless `replace`. With `wait` another
    process that writes is waited for.

    Raises Misuse where anything in the files is wrong, PackError where the index that is here is of
    another key or dimension: then nothing is imported. Raises BrokenIndex, BrokenLibrary, Busy, and
    MissingExtra for Parquet without pyarrow.
    """
    tables = [
        _named(table, model, licence)
        for file in _files(path)
        for table in [_table(file, names, is_tracks=is_tracks)]
    ]
    for table in tables:
        table.check()
    with ExitStack() as stack:
        stack.enter_context(writer_lock(indexes, wait=wait))
        for table in tables:
            check_key(
                indexes / _key(table).model, _entry(table), whose=f"what {table.path} holds of"
            )
        library = stack.enter_context(Library.open(indexes / FILE_NAME))
        return [_take(library, indexes, table, replace=replace) for table in tables]


def _files(path: Path) -> Sequence[Path]:
    if not path.is_dir():
        return [path]
    # artists first: those with tracks of their own stand on these afterwards
    return sorted(path.glob("*.parquet"))


def _table(path: Path, names: Path | None, *, is_tracks: bool) -> VectorTable:
    with path.open("rb") as file:
        start = file.read(len(npy_file.MAGIC))
    if start == npy_file.MAGIC:
        if names is None:
            raise Misuse(f"{path} holds vectors without names: give the file of their names")
        return npy_file.npy_table(path, names, is_tracks=is_tracks)
    if names is not None:
        raise Misuse(f"{path} names its artists itself: a file of names is for .npy files")
    if start.startswith(parquet_file.MAGIC):
        return parquet_file.parquet_table(path, is_tracks=is_tracks)
    if is_tracks:
        raise Misuse(f"{path} holds vectors of artists, not of tracks")
    return embeddings_json.json_table(path)


def _named(table: VectorTable, model: str | None, licence: str | None) -> VectorTable:
    """Return the table with a key and a licence, given or its own."""
    said = licence if licence is not None else table.licence
    if not said.strip():
        raise Misuse(f"{table.path} does not say under which licence its vectors are")
    name = model or table.model
    if name is None:
        raise Misuse(f"{table.path} does not say which model made its vectors")
    key = table.key
    if key is None or key.model != name:
        if name in MODELS:
            raise Misuse(
                f"{name} is a model that is known here, and {table.path} does not say with which"
                " weights its vectors were made: call the model otherwise"
            )
        key = VectorKey.made_elsewhere(name)
    try:
        check_claims(key, table.dimension)
    except PackError as error:
        raise Misuse(f"{table.path}: {error}", remedy=error.remedy) from None
    return replace(table, key=key, model=name, licence=said.strip())


def _key(table: VectorTable) -> VectorKey:
    if table.key is None:
        raise ValueError(f"{table.path} has no key yet")
    return table.key


def _entry(table: VectorTable) -> PackEntry:
    transform = "none" if table.recipe is None else table.recipe.transform
    key, count = _key(table), len(table.rows)
    return PackEntry(key, table.licence, transform, table.dimension, count, {})


def _take(library: Library, indexes: Path, table: VectorTable, *, replace: bool) -> ImportedVectors:
    known = library.dimensions(_key(table))
    if known - {table.dimension}:
        raise PackError(
            f"{table.path} has vectors of dimension {table.dimension}; those of"
            f" {_key(table).model} in the library have {max(known)}"
        )
    take = _take_tracks if table.is_tracks else _take_artists
    return take(library, indexes, table, replace=replace)


def _take_artists(
    library: Library, indexes: Path, table: VectorTable, *, replace: bool
) -> ImportedVectors:
    with Merge(library, indexes, _entry(table), replace=replace) as merge:
        with library.transaction():
            merge.take(_artists(table))
        _log.info("writing the index %s", merge.outcome.path)
        merge.write()
    return ImportedVectors(merge.outcome)


def _artists(table: VectorTable) -> Iterator[PackedArtist]:
    for row, vector in zip(table.rows, table.vectors(), strict=True):
        yield PackedArtist(row.artist, (), unit(vector[None, :])[0])


def _take_tracks(
    library: Library, indexes: Path, table: VectorTable, *, replace: bool
) -> ImportedVectors:
    key, folder = _key(table), indexes / _key(table).model
    added = library.add_vectors(key, _tracks(table), replace=replace)
    before = Manifest.read(folder) if (folder / MANIFEST).is_file() else None
    recipe = before.recipe if before else table.recipe or Recipe(key, _ALL_TRACKS, KEEP)
    licences = [*(before.licence.split("; ") if before else []), table.licence]
    _log.info("writing the index %s", folder)
    licence = "; ".join(filter(None, dict.fromkeys(licences)))
    manifest = rebuild.write(folder, library, recipe, licence=licence).manifest
    if manifest is None:
        raise Misuse(f"all artists of {table.path} are to be ignored", remedy=Remedy.UNIGNORE)
    outcome = ImportedIndex(
        key,
        folder,
        manifest.licence,
        in_pack=len({row.artist.name for row in table.rows}),
        artists=manifest.artists,
        added=added.added,
        kept=added.kept,
        replaced=added.replaced,
    )
    return ImportedVectors(outcome, tracks=len(added.track_ids))


def _tracks(table: VectorTable) -> Iterator[tuple[Track, NDArray[np.float32]]]:
    """Yield each track once, with all its artists, and its vector."""
    artists: dict[str, dict[Artist, None]] = {}
    for row in table.rows:
        if row.track is not None:
            artists.setdefault(row.track, {})[row.artist] = None
    seen: set[str] = set()
    for row, vector in zip(table.rows, table.vectors(), strict=True):
        if row.track is None:
            yield _track(row, (row.artist,)), vector
        elif row.track not in seen:
            seen.add(row.track)
            yield _track(row, tuple(artists[row.track])), vector


def _track(row: TableRow, artists: tuple[Artist, ...]) -> Track:
    return Track(
        artists=artists,
        title=row.title,
        album=row.album,
        isrc=row.isrc,
        musicbrainz_id=row.musicbrainz_id,
    )
