"""Vectors in Parquet files, for other engines and back: read and written some rows at a time.

The files of `write_artists` and `write_tracks` say in their metadata, under "artistindex", what
made the vectors. A file without it is taken too, if it has columns for the artist and the vector.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from artistindex import naming
from artistindex._util import files
from artistindex._util.extras import load_extra
from artistindex.entities import Pooling, VectorKey
from artistindex.errors import ArtistIndexError, Misuse
from artistindex.index.manifest import Recipe
from artistindex.index.rows import batches
from artistindex.packs.names_file import column_of, row_of
from artistindex.packs.vector_table import TableRow, VectorTable, rows_at_once

MAGIC = b"PAR1"
EXTRA = "parquet"
_METADATA = b"artistindex"
_VECTOR_COLUMNS = ("raw_vector", "vector", "embedding")
_KEY_FIELDS = ("model", "weights_sha256", "precision", "excerpt", "layer", "pooling")


# --- reading ------------------------------------------------------------------------------------


def parquet_table(path: Path, *, is_tracks: bool = False) -> VectorTable:
    """Return the vectors in `path`; `is_tracks` where the file does not say so itself.

    Raises Misuse for a file that is no Parquet or lacks a column, MissingExtra without pyarrow.
    """
    file = _open(path)
    said = _metadata(file, path)
    is_tracks = is_tracks or said.get("of") == "tracks"
    column = _vector_column(file.schema_arrow, said, path)
    names = {
        name: found
        for name in file.schema_arrow.names
        if (found := column_of(name)) is not None and name != column
    }
    if "artist" not in names.values():
        raise Misuse(f"{path} has no column artist (or name)")
    rows = list(_rows(file, names, path, is_tracks=is_tracks))
    key = _key(said, path)
    return VectorTable(
        path,
        rows,
        _dimension(file, column, path),
        lambda: _blocks(_open(path), column, path),
        is_tracks=is_tracks,
        model=None if key is None else key.model,
        key=key,
        licence=str(said.get("licence", "")),
        recipe=None if key is None else _recipe(key, said),
    )


def _open(path: Path) -> Any:
    parquet, arrow = load_extra("pyarrow.parquet", EXTRA), load_extra("pyarrow", EXTRA)
    try:
        return parquet.ParquetFile(path)
    except OSError as error:
        raise Misuse(f"cannot read {path}: {error.strerror or error}") from error
    except arrow.ArrowException as error:
        raise Misuse(f"{path} is no Parquet file: {_first_line(error)}") from None


def _first_line(error: Exception) -> str:
    return naming.truncate(str(error).partition("\n")[0])


def _metadata(file: Any, path: Path) -> dict[str, Any]:
    """Return what the file says of its vectors, {} where it says nothing."""
    text = (file.schema_arrow.metadata or {}).get(_METADATA)
    if text is None:
        return {}
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):
        said = None
    if not isinstance(said, dict):
        raise Misuse(f"{path} says nothing that can be read of what made its vectors")
    return said


def _key(said: Mapping[str, Any], path: Path) -> VectorKey | None:
    if not said:
        return None
    values = {name: said.get(name) for name in _KEY_FIELDS}
    if not all(isinstance(value, str) for value in values.values()):
        raise Misuse(f"{path} does not say which model made its vectors")
    if values["pooling"] not in tuple(Pooling):
        raise Misuse(f"{path} has vectors of an unknown pooling")
    return VectorKey(**{name: str(value) for name, value in values.items()})


def _recipe(key: VectorKey, said: Mapping[str, Any]) -> Recipe:
    tracks, transform = said.get("tracks"), said.get("transform")
    return Recipe(
        key,
        tracks=tracks if isinstance(tracks, int) and tracks > 0 else None,
        outliers="drop" if said.get("outliers") == "drop" else "keep",
        transform=transform if isinstance(transform, str) else "none",
    )


def _vector_column(schema: Any, said: Mapping[str, Any], path: Path) -> str:
    """Return the column to take; raises Misuse where there is none, or only transformed ones."""
    column = next((name for name in _VECTOR_COLUMNS if name in schema.names), None)
    if column is None:
        raise Misuse(f"{path} has no column vector")
    if column == "vector" and said.get("of") == "artists" and said.get("transform") != "none":
        raise Misuse(
            f"{path} holds vectors in the transform {naming.quoted(str(said.get('transform')), 40)}"
            " alone, without those before it"
        )
    arrow = load_extra("pyarrow", EXTRA)
    types, kind = arrow.types, schema.field(column).type
    is_list = types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind)
    if not is_list or not types.is_floating(kind.value_type):
        raise Misuse(f"{path}: the column {column} holds no lists of floats")
    return column


def _rows(
    file: Any, names: Mapping[str, str], path: Path, *, is_tracks: bool
) -> Iterator[TableRow]:
    number = 0
    for batch in _batches(file, list(names), path):
        columns = [batch.column(name).to_pylist() for name in names]
        for values in zip(*columns, strict=True):
            number += 1
            cells = {
                column: None if value is None else str(value)
                for column, value in zip(names.values(), values, strict=True)
            }
            yield row_of(cells, f"{path}: row {number}", is_tracks=is_tracks)


def _dimension(file: Any, column: str, path: Path) -> int:
    for block in _blocks(file, column, path):
        return int(block.shape[1])
    return 0


def _blocks(file: Any, column: str, path: Path) -> Iterator[NDArray[np.floating]]:
    """Yield the vectors, some rows at a time. Raises Misuse where they differ in length."""
    number = 0
    for batch in _batches(file, [column], path):
        lists = batch.column(0)
        lengths = set(lists.value_lengths().to_pylist())
        if len(lengths) != 1 or None in lengths or lists.null_count:
            raise Misuse(f"{path}: the vectors from row {number + 1} on differ in length")
        values = lists.flatten().to_numpy(zero_copy_only=False)  # what is null is NaN
        number += len(lists)
        yield values.reshape(len(lists), -1)


def _batches(file: Any, columns: Sequence[str], path: Path) -> Iterator[Any]:
    arrow = load_extra("pyarrow", EXTRA)
    try:
        for batch in file.iter_batches(batch_size=2048, columns=list(columns)):
            if len(batch):
                yield batch
    except (OSError, arrow.ArrowException) as error:
        raise Misuse(f"{path} cannot be read: {_first_line(error)}") from None


# --- writing ------------------------------------------------------------------------------------

Column = tuple[str, str]
"""A column's name and its type: "string", "int64" or "vector"."""

ARTIST_COLUMNS: tuple[Column, ...] = (
    ("artist", "string"),
    *((f"{service}_id", "string") for service in ("spotify", "deezer", "musicbrainz")),
    ("tracks", "int64"),
    ("vector", "vector"),
)
TRACK_COLUMNS: tuple[Column, ...] = (
    ("artist", "string"),
    *((f"{service}_id", "string") for service in ("spotify", "deezer", "musicbrainz")),
    ("title", "string"),
    ("album", "string"),
    ("isrc", "string"),
    ("recording_mbid", "string"),
    ("track", "int64"),
    ("vector", "vector"),
)


def write_table(
    path: Path,
    columns: Sequence[Column],
    records: Iterable[Mapping[str, Any]],
    *,
    of: str,
    recipe: Recipe,
    licence: str,
    dimension: int,
) -> int:
    """Write `records` to `path`, whole or not at all; returns how many there were.

    The metadata says what made the vectors `of` "artists" or "tracks". Raises ArtistIndexError
    where the file cannot be written, MissingExtra without pyarrow.
    """
    arrow, parquet = load_extra("pyarrow", EXTRA), load_extra("pyarrow.parquet", EXTRA)
    types = {
        "string": arrow.string(),
        "int64": arrow.int64(),
        "vector": arrow.list_(arrow.float32()),
    }
    said = {
        **asdict(recipe.key),
        "of": of,
        "licence": licence,
        "transform": recipe.transform,
        "tracks": recipe.tracks,
        "outliers": recipe.outliers,
    }
    schema = arrow.schema(
        [(name, types[kind]) for name, kind in columns],
        metadata={_METADATA: json.dumps(said, ensure_ascii=False)},
    )
    count = 0
    try:
        with files.atomic_writer(path) as file, parquet.ParquetWriter(file, schema) as writer:
            for batch in batches(records, rows_at_once(dimension)):
                writer.write_batch(
                    arrow.record_batch(
                        [
                            arrow.array([record[name] for record in batch], types[kind])
                            for name, kind in columns
                        ],
                        schema=schema,
                    )
                )
                count += len(batch)
    except OSError as error:
        raise ArtistIndexError(f"cannot write {path}: {error.strerror or error}") from error
    return count
