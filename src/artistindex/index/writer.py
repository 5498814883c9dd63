"""Artist vectors -> a FAISS index, its sidecar, its tracks' vectors and its manifest."""

import hashlib
import json
import sqlite3
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import combinations
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from artistindex import __version__
from artistindex._util import files
from artistindex.entities import Artist, VectorKey
from artistindex.errors import BrokenIndex
from artistindex.index import flat, manifest, transforms
from artistindex.index.background import background_of
from artistindex.index.manifest import BLOCK_BYTES, DataFile, FittedOn, Manifest, Recipe
from artistindex.index.reader import ArtistIndex
from artistindex.index.sidecar import TrackTable, UsedTrack, written_sidecar
from artistindex.index.transforms import Transform

QUANTILES = 1001
_SAMPLED_PAIRS = 500_000
_MANY_ARTISTS = 1_000


def write_index(
    folder: Path,
    *,
    key: VectorKey,
    artists: Collection[Artist],
    vectors: NDArray[np.float32],
    tracks: Iterable[Sequence[UsedTrack]] | None = None,
    guessed: Sequence[bool] = (),
    licence: str = "",
    transform: str = "none",
    max_tracks: int | None = None,
    outliers: str | None = None,
) -> Manifest:
    """Write the index of `artists` to `folder`; the rows of `vectors` (n, d) are theirs.

    The raw vectors are transformed and scaled to unit length here; those of `tracks`, which is read
    more than once, are written as they are. `guessed` tells whose name was guessed from a path.
    `max_tracks` an artist and `outliers` ("keep" or "drop") go into the recipe. Replacing
    manifest.json is the one commit point: whatever happens before it, the index that was there
    stays as it was. Data files that neither the new manifest nor the one before it names are
    removed. An index that is there already, just so, is left alone and its manifest returned.

    Raises ValueError for vectors that are not finite or do not match `artists`, NewerIndex where a
    newer version's index is in the place, BrokenIndex where the folder cannot be written.
    """
    if vectors.ndim != 2 or len(vectors) != len(artists) or not len(artists):
        raise ValueError(f"{len(artists)} artists do not go with vectors of shape {vectors.shape}")
    if not np.isfinite(vectors).all():
        raise ValueError("artist vectors must be finite")
    used = tracks if tracks is not None else [()] * len(artists)
    fitted, recipe = _fit(
        Recipe(key, tracks=max_tracks, outliers=outliers, transform=transform), vectors, used
    )
    rows = fitted.apply(vectors)
    del vectors  # nobody may need them any more, and they are as large as the index
    with _content(folder, recipe, artists, rows, fitted, used, guessed, licence) as content:
        return _put(folder, content)


def _fit(
    recipe: Recipe, vectors: NDArray[np.float32], used: Iterable[Sequence[UsedTrack]]
) -> tuple[Transform, Recipe]:
    """Fit the transform of `recipe`; the recipe returned says what it was fitted on."""
    if recipe.transform != transforms.WHITEN_TRACKS:
        fitted = transforms.fit(recipe.transform, vectors)
        if recipe.transform == "none":
            return fitted, recipe
        return fitted, replace(recipe, fitted_on=FittedOn.ARTISTS, fitted_count=len(vectors))
    tracks, background = TrackTable(used).vectors(), background_of(recipe.key, vectors.shape[1])
    fitted = transforms.fit(recipe.transform, vectors, tracks=tracks, background=background)
    count, weight = len(tracks) or len(vectors), transforms.BACKGROUND_TRACKS
    return fitted, replace(
        recipe,
        fitted_on=FittedOn.TRACKS if len(tracks) else FittedOn.ARTISTS,
        fitted_count=count,
        transform_parameters={
            "shrinkage": transforms.TRACK_SHRINKAGE,
            "background": weight / (weight + count) if background else 0.0,
        },
    )


def remove_artists(folder: Path, rows: Collection[int]) -> Manifest | None:
    """Write the index in `folder` without the artists in `rows`, all else as it is.

    Nothing is fitted again, and the files in which the artists were are removed at once. Without
    anybody left, the index is removed and None returned. Raises BrokenIndex.
    """
    manifest.replaceable(folder)  # refuses what must not be written
    with ExitStack() as stack:
        index = stack.enter_context(ArtistIndex.open(folder))
        remaining = [entry for entry in index.entries if entry.row not in set(rows)]
        if not remaining:
            _remove(folder)
            return None
        chosen = [entry.row for entry in remaining]
        making = _content(
            folder,
            index.manifest.recipe,
            [entry.artist for entry in remaining],
            index.vectors[chosen],
            index.transform,
            [index.tracks_of_row(row) for row in chosen],
            [entry.guessed for entry in remaining],
            index.manifest.licence,
        )
        content = stack.enter_context(making)
        _put(folder, content)
        _sweep(folder, [content.manifest])
        return content.manifest


Pairs = Collection[tuple[int, int]]
"""Pairs of rows, the lower one first."""


def background(rows: NDArray[np.float32], *, sharing: Pairs = ()) -> tuple[float, ...]:
    """Quantiles of the inner products of pairs of `rows` (n, d), evenly spaced from 0 to 1.

    All pairs for up to 1,000 rows, else half a million drawn with a fixed seed; those in `sharing`
    are left out. Empty where no pair is left.
    """
    similarities = (_of_all_pairs if len(rows) <= _MANY_ARTISTS else _of_drawn_pairs)(rows, sharing)
    if not len(similarities):
        return ()
    levels = np.linspace(0.0, 1.0, QUANTILES)
    return tuple(round(float(value), 7) for value in np.quantile(similarities, levels))


def rows_sharing_recordings(used: Iterable[Sequence[UsedTrack]]) -> set[tuple[int, int]]:
    """The pairs of rows that have a recording in common: they are alike, whatever they sound like.

    `used` are the tracks behind each row.
    """
    rows_of: dict[int, list[int]] = defaultdict(list)
    for row, tracks in enumerate(used):
        for recording in {track.recording for track in tracks}:
            if recording is not None:
                rows_of[recording].append(row)
    return {pair for rows in rows_of.values() for pair in combinations(rows, 2)}


def _of_all_pairs(rows: NDArray[np.float32], sharing: Pairs) -> NDArray[np.float32]:
    counted = np.triu(np.ones((len(rows), len(rows)), np.bool_), 1)
    for pair in sharing:
        counted[pair] = False
    return np.asarray((rows @ rows.T)[counted], np.float32)


def _of_drawn_pairs(rows: NDArray[np.float32], sharing: Pairs) -> NDArray[np.float32]:
    count = len(rows)
    draw = np.random.default_rng(0)
    row = draw.integers(0, count, _SAMPLED_PAIRS)
    partner = (row + draw.integers(1, count, _SAMPLED_PAIRS)) % count
    if sharing:
        shared = np.array([low * count + high for low, high in sharing])
        counted = ~np.isin(np.minimum(row, partner) * count + np.maximum(row, partner), shared)
        row, partner = row[counted], partner[counted]
    parts = [
        np.einsum("ij,ij->i", rows[row[at : at + 10_000]], rows[partner[at : at + 10_000]])
        for at in range(0, len(row), 10_000)
    ]
    return np.concatenate([np.empty(0, np.float32), *parts])


# --- the files ----------------------------------------------------------------------------------

Parts = Iterable[bytes | memoryview]
"""The content of a file, in pieces, which is read more than once."""


@dataclass(frozen=True, slots=True)
class _Content:
    """An index as it is to stand in its folder: the manifest, and the files that it names."""

    manifest: Manifest
    files: tuple[tuple[DataFile, Parts], ...]


@contextmanager
def _content(
    folder: Path,
    recipe: Recipe,
    artists: Collection[Artist],
    rows: NDArray[np.float32],
    transform: Transform,
    tracks: Iterable[Sequence[UsedTrack]],
    guessed: Sequence[bool],
    licence: str,
) -> Iterator[_Content]:
    """Make the index that is to stand in `folder`; its content lasts until the end of the block."""
    table = TrackTable(tracks)
    track_vectors = table.vectors()
    with ExitStack() as stack:
        with _explained(folder):
            sidecar = stack.enter_context(
                written_sidecar(artists, table, transform.stored(), guessed)
            )
        parts: list[tuple[str, Parts]] = [
            ("index-{}.faiss", [flat.header(*rows.shape), _memory(rows)]),
            ("artists-{}.sqlite3", sidecar),
        ]
        if len(track_vectors):
            parts.append(("tracks-{}.f32", [_memory(track_vectors)]))
        described = tuple((_describe(pattern, content), content) for pattern, content in parts)
        names = [file for file, _ in described]
        manifest = Manifest(
            recipe=recipe,
            licence=licence,
            dimension=rows.shape[1],
            artists=len(artists),
            tracks=table.count,
            background=background(rows, sharing=rows_sharing_recordings(tracks)),
            index_file=names[0],
            artists_file=names[1],
            tracks_file=names[2] if len(names) > 2 else None,
            track_vectors=track_vectors.shape[0],
            track_dimension=track_vectors.shape[1],
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            made_by=f"artistindex {__version__}",
        )
        yield _Content(manifest, described)


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


def _memory(rows: NDArray[np.float32]) -> memoryview:
    return np.ascontiguousarray(rows, "<f4").data.cast("B")


def _describe(pattern: str, parts: Parts) -> DataFile:
    whole, size = hashlib.sha256(), 0
    for part in parts:
        whole.update(part)
        size += len(part)
    blocks = tuple(hashlib.sha256(block).hexdigest() for block in _blocks(parts))
    return DataFile(pattern.format(whole.hexdigest()[:16]), size, whole.hexdigest(), blocks)


def _blocks(parts: Parts) -> Iterable[bytes]:
    """The content in blocks of 4 MiB, the last one shorter."""
    block = bytearray()
    for part in parts:
        for at in range(0, len(part), BLOCK_BYTES):
            block += part[at : at + BLOCK_BYTES]
            if len(block) >= BLOCK_BYTES:
                yield bytes(block[:BLOCK_BYTES])
                del block[:BLOCK_BYTES]
    if block:
        yield bytes(block)


def _put(folder: Path, content: _Content) -> Manifest:
    """Put the files down and commit them, unless they are there already."""
    before = manifest.replaceable(folder)
    if before is not None and _same(before, content.manifest) and _in_place(folder, before):
        return before
    with _explained(folder):
        files.make_folder(folder)
        for file, parts in content.files:
            with files.atomic_writer(folder / file.name) as opened:
                opened.writelines(parts)
        document = json.dumps(content.manifest.to_json(), ensure_ascii=False, indent=1)
        files.atomic_write(folder / manifest.FILE_NAME, document.encode())
        _sweep(folder, [content.manifest, *([before] if before else [])])
    return content.manifest


def _same(first: Manifest, other: Manifest) -> bool:
    return replace(first, created="", made_by="") == replace(other, created="", made_by="")


def _in_place(folder: Path, manifest: Manifest) -> bool:
    return all(
        (folder / file.name).is_file() and files.sha256_file(folder / file.name) == file.sha256
        for file in manifest.files
    )


def _remove(folder: Path) -> None:
    try:
        (folder / manifest.FILE_NAME).unlink()
        _sweep(folder, [])
        folder.rmdir()
    except OSError as error:
        raise BrokenIndex(f"cannot remove {folder}: {error.strerror or error}") from error


def _sweep(folder: Path, manifests: Sequence[Manifest]) -> None:
    """Remove the data files that no manifest names."""
    named = {file.name for manifest in manifests for file in manifest.files}
    for pattern in ("index-*.faiss", "artists-*.sqlite3", "tracks-*.f32", ".*.part"):
        for path in folder.glob(pattern):
            if path.name not in named:
                path.unlink(missing_ok=True)
