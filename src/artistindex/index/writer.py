"""Artists' rows -> a FAISS index, its sidecar, its tracks' vectors and its manifest.

The rows come once, one after the other, and go into files beside the index at once: what is in
memory does not grow with them, but for a number for each track. A transform that has yet to be
fitted waits for the last row; until then the raw vectors lie in a file of their own.
"""

import hashlib
import json
import os
import sqlite3
import tempfile
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import repeat
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from artistindex import __version__
from artistindex._util import files
from artistindex.entities import Artist, VectorKey
from artistindex.errors import BrokenIndex
from artistindex.index import flat, hnsw, kinds, manifest, transforms
from artistindex.index.background import background_of
from artistindex.index.calibration import background
from artistindex.index.manifest import AUTO, BLOCK_BYTES, DataFile, FittedOn, Kind, Manifest, Recipe
from artistindex.index.rows import IndexRow, VectorFile, batches
from artistindex.index.sidecar import UsedTrack
from artistindex.index.sidecar_writer import SidecarWriter
from artistindex.index.transforms import Transform

_SWEPT = ("index-*.faiss", "graph-*.faiss", "artists-*.sqlite3", "tracks-*.f32", ".*.part")
_AT_ONCE = 256  # rows that a transform is applied to together

Rows = NDArray[np.float32]


def write_index(
    folder: Path,
    *,
    key: VectorKey,
    artists: Collection[Artist],
    vectors: Rows,
    tracks: Iterable[Sequence[UsedTrack]] | None = None,
    guessed: Sequence[bool] = (),
    licence: str = "",
    transform: str = "none",
    max_tracks: int | None = None,
    outliers: str | None = None,
    kind: str = AUTO,
) -> Manifest:
    """Write the index of `artists` to `folder`; the rows of `vectors` (n, d) are theirs.

    The raw vectors are transformed and scaled to unit length here; those of `tracks` are written as
    they are. `guessed` tells whose name was guessed from a path. `max_tracks` an artist and
    `outliers` ("keep" or "drop") go into the recipe. The rest is as in `write_rows`.

    Raises ValueError for vectors that are not finite or do not match `artists`, and what
    `write_rows` raises.
    """
    if vectors.ndim != 2 or len(vectors) != len(artists) or not len(artists):
        raise ValueError(f"{len(artists)} artists do not go with vectors of shape {vectors.shape}")
    rows = (
        IndexRow(*fields)
        for fields in zip(
            artists,
            np.asarray(vectors, np.float32),
            tracks if tracks is not None else repeat((), len(artists)),
            guessed or repeat(False, len(artists)),
            strict=True,
        )
    )
    recipe = Recipe(key, tracks=max_tracks, outliers=outliers, transform=transform)
    written = write_rows(folder, rows, recipe, licence=licence, kind=kind)
    if written is None:
        raise ValueError("there are no tracks for any artist")
    return written


def write_rows(
    folder: Path,
    rows: Iterable[IndexRow],
    recipe: Recipe,
    *,
    licence: str = "",
    fitted: Transform | None = None,
    kind: str = AUTO,
) -> Manifest | None:
    """Write the index of `rows`, which are read once, to `folder`; None where there are none.

    The transform of `recipe` is fitted on the rows, unless it was before: then it is `fitted`, and
    the recipe says on what. `kind` says how the index is searched (kinds.py); "auto" goes by its
    size. Replacing manifest.json is the one commit point: whatever happens before it, the index
    that was there stays as it was. Data files that neither the new manifest nor the one before it
    names are removed. An index that is there already, just so, is left alone and its manifest
    returned. The licences of the rows are added to `licence`.

    Raises ValueError for vectors that are not finite or of differing dimensions, Misuse for an
    unknown kind or a transform that cannot be fitted, NewerIndex where a newer version's index is
    in the place, BrokenIndex where the folder cannot be written, and what reading the rows raises.
    """
    before = manifest.replaceable(folder)
    if recipe.transform == "none":
        fitted = Transform()
    with _explained(folder), _Parts(folder) as parts, _Draft(parts, fitted) as draft:
        for batch in batches(rows, _AT_ONCE):
            draft.add(batch)
        if not draft.count:
            return None
        content = draft.finish(recipe, licence)
        if kinds.kind_for(kind, draft.count, content.manifest.dimension) is Kind.HNSW:
            content = _with_graph(content, folder, parts, before)
        return _put(folder, content, before)


# --- on the way ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Content:
    """An index as it is to stand in its folder: the manifest, and the files that it names."""

    manifest: Manifest
    parts: tuple[tuple[DataFile, Path], ...]


class _Draft:
    """An index that is being written into `parts`, by the transform `fitted` or one yet to fit."""

    def __init__(self, parts: "_Parts", fitted: Transform | None) -> None:
        self._parts = parts
        self._fitted = fitted
        self._files = ExitStack()
        self._vectors = self._vector_file(header=flat.HEADER_BYTES)
        self._raw = self._vector_file()
        self._tracks = self._vector_file()
        self._sidecar_path = parts.new()
        self._sidecar = SidecarWriter(self._sidecar_path, self._tracks)
        self._files.callback(self._sidecar.close)
        self._licences: dict[str, None] = {}
        self.count = 0

    def __enter__(self) -> "_Draft":
        return self

    def __exit__(self, *_: object) -> None:
        self._files.close()

    def add(self, rows: Sequence[IndexRow]) -> None:
        """Take in the next `_AT_ONCE` rows, or the last ones."""
        for row in rows:
            self._sidecar.add(row)
        self._licences |= dict.fromkeys(row.licence for row in rows if row.licence)
        self.count += len(rows)
        vectors = np.stack([row.vector for row in rows])
        if not np.isfinite(vectors).all():
            raise ValueError("artist vectors must be finite")
        if self._fitted is None:
            self._raw.extend(vectors)
        else:
            is_raw = np.array([not row.is_placed for row in rows])
            self._vectors.extend(_placed(vectors, is_raw, self._fitted))

    def finish(self, recipe: Recipe, licence: str) -> _Content:
        """Fit what is to be fitted, and describe what was written."""
        if self._fitted is None:
            self._fitted, recipe = _fit(recipe, self._raw.mapped(), self._tracks.mapped())
            for batch in batches(self._raw.mapped(), _AT_ONCE):
                self._vectors.extend(
                    _placed(np.stack(batch), np.ones(len(batch), np.bool_), self._fitted)
                )
        rows, tracks = self._vectors.mapped(), self._tracks.mapped()
        self._vectors.write_header(flat.header(*rows.shape))
        sharing = self._sidecar.rows_sharing_recordings()
        self._sidecar.finish(self._fitted.stored())
        parts = [
            ("index-{}.faiss", self._vectors.path),
            ("artists-{}.sqlite3", self._sidecar_path),
            *([("tracks-{}.f32", self._tracks.path)] if len(tracks) else []),
        ]
        described = tuple((_describe(pattern, path), path) for pattern, path in parts)
        names = [file for file, _ in described]
        new = Manifest(
            recipe=recipe,
            licence="; ".join(dict.fromkeys([licence, *self._licences])),
            dimension=rows.shape[1],
            artists=self.count,
            tracks=self._sidecar.tracks,
            background=background(rows, sharing=sharing),
            index_file=names[0],
            artists_file=names[1],
            tracks_file=names[2] if len(names) > 2 else None,
            track_vectors=tracks.shape[0],
            track_dimension=tracks.shape[1],
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            made_by=f"artistindex {__version__}",
        )
        return _Content(new, described)

    def _vector_file(self, *, header: int = 0) -> VectorFile:
        file = VectorFile(self._parts.new(), header=header)
        self._files.callback(file.close)
        return file


def _placed(vectors: Rows, is_raw: NDArray[np.bool_], transform: Transform) -> Rows:
    """The unit vectors (n, d') of rows (n, d) of which some lie in the transform's space already.

    The transform is always applied to as many rows, since the way in which a product of matrices
    is rounded depends on their shapes: an artist's vector is the same whoever is beside it.
    """
    if not is_raw.any():
        return vectors
    if is_raw.all() and transform.name == "none":
        return transform.apply(vectors)
    together = np.zeros((_AT_ONCE, vectors.shape[1]), np.float32)
    together[: len(vectors)][is_raw] = vectors[is_raw]
    placed = transform.apply(together)[: len(vectors)]
    if not is_raw.all():
        placed[~is_raw] = vectors[~is_raw]
    return placed


def _fit(recipe: Recipe, vectors: Rows, tracks: Rows) -> tuple[Transform, Recipe]:
    """Fit the transform of `recipe`; the recipe returned says what it was fitted on."""
    if recipe.transform != transforms.WHITEN_TRACKS:
        fitted = transforms.fit(recipe.transform, vectors)
        return fitted, replace(recipe, fitted_on=FittedOn.ARTISTS, fitted_count=len(vectors))
    at_large = background_of(recipe.key, vectors.shape[1])
    fitted = transforms.fit(recipe.transform, vectors, tracks=tracks, background=at_large)
    count, weight = len(tracks) or len(vectors), transforms.BACKGROUND_TRACKS
    return fitted, replace(
        recipe,
        fitted_on=FittedOn.TRACKS if len(tracks) else FittedOn.ARTISTS,
        fitted_count=count,
        transform_parameters={
            "shrinkage": transforms.TRACK_SHRINKAGE,
            "background": weight / (weight + count) if at_large else 0.0,
        },
    )


def _with_graph(
    content: _Content, folder: Path, parts: "_Parts", before: Manifest | None
) -> _Content:
    """Give an index its graph: that which is there already, if it is of the very vectors.

    A graph takes longer than all else together, and is not made the same twice.
    """
    new = replace(content.manifest, kind=Kind.HNSW)
    if (
        before is not None
        and before.graph_file is not None
        and before.index_file == new.index_file
        and hnsw.is_made_so(before.parameters)
        and _is_in_place(folder, before.graph_file)
    ):
        new = replace(
            new,
            graph_file=before.graph_file,
            parameters=before.parameters,
            recall=before.recall,
        )
        return replace(content, manifest=new)
    vectors, path = content.parts[0][1], parts.new()
    with flat.StoredRows(vectors, (new.artists, new.dimension)) as rows:
        parameters, recall = hnsw.build(rows, flat.Exact(flat.map_index(vectors)), path)
    file = _describe("graph-{}.faiss", path)
    new = replace(new, graph_file=file, parameters=parameters, recall=recall)
    return _Content(new, (*content.parts, (file, path)))


# --- the files ----------------------------------------------------------------------------------


class _Parts:
    """New files inside the folder of an index, which are gone at the end unless put into place."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._paths: list[Path] = []
        self._is_new = not folder.exists()

    def new(self) -> Path:
        """Make an empty file, of a name that nobody could foresee. Raises OSError."""
        files.make_folder(self._folder)
        handle, name = tempfile.mkstemp(prefix=".", suffix=".part", dir=self._folder)
        os.close(handle)
        self._paths.append(Path(name))
        return self._paths[-1]

    def __enter__(self) -> "_Parts":
        return self

    def __exit__(self, *_: object) -> None:
        for path in self._paths:
            path.unlink(missing_ok=True)
        if self._is_new:
            with suppress(OSError):  # the index is in it
                self._folder.rmdir()


@contextmanager
def _explained(folder: Path) -> Iterator[None]:
    """Say what an OSError, or SQLite's want of room, means for the index in `folder`."""
    try:
        yield
    except (OSError, sqlite3.OperationalError) as error:
        reason = getattr(error, "strerror", None) or error
        raise BrokenIndex(
            f"cannot write the index {folder}: {reason}; the index that was there is still in place"
        ) from error


def _describe(pattern: str, path: Path) -> DataFile:
    """Hash a file: all of it, and each block of 4 MiB, the last one shorter."""
    whole, size, blocks = hashlib.sha256(), 0, []
    with path.open("rb") as file:
        while block := file.read(BLOCK_BYTES):
            whole.update(block)
            blocks.append(hashlib.sha256(block).hexdigest())
            size += len(block)
    name = pattern.format(whole.hexdigest()[:16])
    return DataFile(name, size, whole.hexdigest(), tuple(blocks))


def _put(folder: Path, content: _Content, before: Manifest | None) -> Manifest:
    """Put the files down and commit them, unless they are there already."""
    if before is not None and _same(before, content.manifest) and _are_in_place(folder, before):
        return before
    for file, part in content.parts:
        files.replace_file(part, folder / file.name)
    document = json.dumps(content.manifest.to_json(), ensure_ascii=False, indent=1)
    files.atomic_write(folder / manifest.FILE_NAME, document.encode())
    sweep(folder, [content.manifest, *([before] if before else [])])
    return content.manifest


def _same(first: Manifest, other: Manifest) -> bool:
    return replace(first, created="", made_by="") == replace(other, created="", made_by="")


def _are_in_place(folder: Path, manifest: Manifest) -> bool:
    return all(_is_in_place(folder, file) for file in manifest.files)


def _is_in_place(folder: Path, file: DataFile) -> bool:
    path = folder / file.name
    return path.is_file() and files.sha256_file(path) == file.sha256


def remove_index(folder: Path) -> None:
    """Remove the index in `folder`, and the folder if nothing else is in it."""
    try:
        (folder / manifest.FILE_NAME).unlink()
        sweep(folder, [])
        folder.rmdir()
    except OSError as error:
        raise BrokenIndex(f"cannot remove {folder}: {error.strerror or error}") from error


def sweep(folder: Path, manifests: Sequence[Manifest]) -> None:
    """Remove the data files that no manifest names."""
    named = {file.name for manifest in manifests for file in manifest.files}
    for pattern in _SWEPT:
        for path in folder.glob(pattern):
            if path.name not in named:
                path.unlink(missing_ok=True)
