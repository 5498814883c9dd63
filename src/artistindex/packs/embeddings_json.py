"""The original experiment's file of embeddings, one vector an artist.

`{name: {"artist_name", "embedding", "tracks_used", "spotify_ids", "computed_at", "model"}}`
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from artistindex import naming
from artistindex.entities import Artist
from artistindex.errors import Misuse
from artistindex.packs.vector_table import TableRow, VectorTable, rows_at_once

_EXPECTED = 'expected {name: {"embedding": [numbers]}}, as the original experiment wrote it'


def json_table(path: Path) -> VectorTable:
    """Return the vectors in `path`. Raises Misuse for a file of another shape."""
    entries = _read(path)
    vectors = {name: _vector(path, name, entry) for name, entry in entries.items()}
    dimensions = {len(vector) for vector in vectors.values()}
    if len(dimensions) != 1:
        raise Misuse(f"{path} holds vectors of {len(dimensions)} dimensions; {_EXPECTED}")
    rows = [TableRow(Artist(naming.clean(_name(entry) or name))) for name, entry in entries.items()]

    def blocks() -> Iterator[NDArray[np.floating]]:
        values = list(vectors.values())
        size = rows_at_once(len(values[0]))
        for start in range(0, len(values), size):
            yield np.stack(values[start : start + size])

    return VectorTable(path, rows, dimensions.pop(), blocks, model=_model(entries))


def _model(entries: Mapping[str, Any]) -> str | None:
    """Return the one model that all entries name; None where they do not."""
    named = {str(entry.get("model") or "") for entry in entries.values()}
    return (named.pop() or None) if len(named) == 1 else None


def _name(entry: Mapping[str, Any]) -> str | None:
    name = entry.get("artist_name")
    return name if isinstance(name, str) else None


def _vector(path: Path, name: str, entry: Any) -> NDArray[np.float32]:
    vector = entry.get("embedding") if isinstance(entry, Mapping) else None
    if not isinstance(vector, np.ndarray) or not vector.size:
        raise Misuse(f'{path}: {naming.quoted(name)} has no "embedding" of numbers; {_EXPECTED}')
    return vector


def _read(path: Path) -> dict[str, Any]:
    """Return the entries, each list of numbers as float32 as soon as it is read."""
    try:
        with path.open(encoding="utf-8-sig") as file:
            entries = json.load(file, object_hook=_with_array)
    except OSError as error:
        raise Misuse(f"cannot read {path}: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        raise Misuse(f"{path} is no JSON ({naming.truncate(str(error))}); {_EXPECTED}") from None
    if not isinstance(entries, dict) or not entries:
        raise Misuse(f"{path} holds no artist; {_EXPECTED}")
    return entries


def _with_array(fields: dict[str, Any]) -> dict[str, Any]:
    embedding = fields.get("embedding")
    if isinstance(embedding, list) and all(map(_is_number, embedding)):
        with np.errstate(over="ignore"):
            fields["embedding"] = np.array(embedding, np.float64).astype(np.float32)
    return fields


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
