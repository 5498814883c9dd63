"""Artist vectors -> a FAISS index, its sidecar and its manifest."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from artistindex import __version__
from artistindex._util import files
from artistindex.entities import Artist, VectorKey
from artistindex.errors import BrokenIndex
from artistindex.index import manifest, transforms
from artistindex.index.manifest import DataFile, Manifest
from artistindex.index.sidecar import UsedTrack, sidecar_bytes

QUANTILES = 1001
_SAMPLED_PAIRS = 500_000
_MANY_ARTISTS = 1_000


def write_index(
    folder: Path,
    *,
    key: VectorKey,
    artists: Sequence[Artist],
    vectors: NDArray[np.float32],
    tracks: Sequence[Sequence[UsedTrack]] | None = None,
    licence: str = "",
    transform: str = "none",
) -> Manifest:
    """Write the index of `artists` to `folder`; the rows of `vectors` (n, d) are theirs.

    The raw vectors are transformed and scaled to unit length here. Replacing manifest.json is the
    one commit point: whatever happens before it, the index that was there stays as it was. Data
    files that neither the new manifest nor the one before it names are removed. An index that is
    there already, just so, is left alone and its manifest returned.

    Raises ValueError for vectors that are not finite or do not match `artists`, NewerIndex where a
    newer version's index is in the place, BrokenIndex where the folder cannot be written.
    """
    if vectors.ndim != 2 or len(vectors) != len(artists) or not len(artists):
        raise ValueError(f"{len(artists)} artists do not go with vectors of shape {vectors.shape}")
    if not np.isfinite(vectors).all():
        raise ValueError("artist vectors must be finite")
    used = tracks if tracks is not None else [()] * len(artists)
    fitted = transforms.fit(transform, vectors)
    rows = fitted.apply(vectors)
    index_bytes = _faiss_bytes(rows)
    artists_bytes = sidecar_bytes(artists, used, fitted.stored())
    made = Manifest(
        key=key,
        licence=licence,
        dimension=rows.shape[1],
        artists=len(artists),
        tracks=len({track.library_id or id(track) for several in used for track in several}),
        transform=transform,
        background=background(rows),
        index_file=_describe("index-{}.faiss", index_bytes),
        artists_file=_describe("artists-{}.sqlite3", artists_bytes),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        made_by=f"artistindex {__version__}",
    )
    before = manifest.replaceable(folder)
    if before is not None and _same_content(before, made) and _in_place(folder, before):
        return before
    _commit(folder, made, index_bytes, artists_bytes, before)
    return made


def background(rows: NDArray[np.float32]) -> tuple[float, ...]:
    """Quantiles of the inner products of pairs of `rows` (n, d), evenly spaced from 0 to 1.

    All pairs for up to 1,000 rows, else half a million drawn with a fixed seed. Empty for one row.
    """
    count = len(rows)
    if count < 2:
        return ()
    if count <= _MANY_ARTISTS:
        similarities = (rows @ rows.T)[np.triu_indices(count, 1)]
    else:
        draw = np.random.default_rng(0)
        one = draw.integers(0, count, _SAMPLED_PAIRS)
        other = (one + draw.integers(1, count, _SAMPLED_PAIRS)) % count
        similarities = np.concatenate(
            [
                np.einsum("ij,ij->i", rows[one[at : at + 10_000]], rows[other[at : at + 10_000]])
                for at in range(0, _SAMPLED_PAIRS, 10_000)
            ]
        )
    levels = np.linspace(0.0, 1.0, QUANTILES)
    return tuple(round(float(value), 7) for value in np.quantile(similarities, levels))


def _faiss_bytes(rows: NDArray[np.float32]) -> bytes:
    import faiss

    index = faiss.IndexFlatIP(rows.shape[1])
    index.add(np.ascontiguousarray(rows))
    return bytes(faiss.serialize_index(index))


def _describe(pattern: str, content: bytes) -> DataFile:
    sha256 = hashlib.sha256(content).hexdigest()
    return DataFile(pattern.format(sha256[:16]), len(content), sha256)


def _commit(
    folder: Path, made: Manifest, index_bytes: bytes, artists_bytes: bytes, before: Manifest | None
) -> None:
    kept = {
        file.name
        for each in (made, before)
        if each is not None
        for file in (each.index_file, each.artists_file)
    }
    try:
        files.make_folder(folder)
        files.atomic_write(folder / made.index_file.name, index_bytes)
        files.atomic_write(folder / made.artists_file.name, artists_bytes)
        content = json.dumps(made.to_json(), ensure_ascii=False, indent=1).encode()
        files.atomic_write(folder / manifest.FILE_NAME, content)
        _sweep(folder, kept)
    except OSError as error:
        raise BrokenIndex(
            f"cannot write the index {folder}: {error.strerror or error};"
            " the index that was there is still in place"
        ) from error


def _same_content(one: Manifest, other: Manifest) -> bool:
    return replace(one, created="", made_by="") == replace(other, created="", made_by="")


def _in_place(folder: Path, held: Manifest) -> bool:
    for file in (held.index_file, held.artists_file):
        path = folder / file.name
        if not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != file.sha256:
            return False
    return True


def _sweep(folder: Path, kept: set[str]) -> None:
    for pattern in ("index-*.faiss", "artists-*.sqlite3", ".*.part"):
        for path in folder.glob(pattern):
            if path.name not in kept:
                path.unlink(missing_ok=True)
