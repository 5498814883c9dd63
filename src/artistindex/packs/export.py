"""From the indexes that are here to a pack."""

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from artistindex.errors import PackError, Remedy
from artistindex.index.reader import ArtistIndex, all_indexes, find_index
from artistindex.index.transforms import unit
from artistindex.ingest.aggregate import artist_vector
from artistindex.library.artist_matching import ArtistList
from artistindex.library.library import FILE_NAME, Library
from artistindex.packs.format import PackedIndex, write_pack


def export_pack(
    path: Path, indexes: Path, *, models: Sequence[str] = (), overwrite: bool = False
) -> list[PackedIndex]:
    """Write the indexes of `models` (all of the folder `indexes` without any) to the pack `path`.

    Nothing but names, ids, titles and vectors goes in: no audio, no path, no request. Returns what
    was packed. Raises BrokenIndex, Misuse for an unknown index, and PackError.
    """
    named = [find_index(indexes, model) for model in dict.fromkeys(models)]
    folders = named or all_indexes(indexes) or [find_index(indexes)]
    packed = [_packed(folder, indexes / FILE_NAME) for folder in folders]
    write_pack(path, packed, overwrite=overwrite)
    return packed


def _packed(folder: Path, library_file: Path) -> PackedIndex:
    with ExitStack() as stack:
        index = stack.enter_context(ArtistIndex.open(folder))
        library = None
        if index.manifest.transform != "none" and library_file.is_file():
            library = stack.enter_context(Library.open(library_file, read_only=True))
        return PackedIndex(
            key=index.manifest.key,
            licence=index.manifest.licence,
            transform=index.manifest.transform,
            artists=index.records,
            tracks=[
                [(track.title, track.album) for track in index.tracks_of_row(row)]
                for row in range(len(index))
            ],
            vectors=untransformed(index, library),
        )


def untransformed(index: ArtistIndex, library: Library | None) -> NDArray[np.float32]:
    """Return the unit vectors of the artists of `index` before its transform, (artists, dimension).

    Without a transform they are the index's rows. Else they come from the library's vectors of the
    tracks that are behind each row, and must give the index's rows again. Raises PackError where
    the library no longer holds them.
    """
    if index.manifest.transform == "none":
        return index.vectors
    rows = _from_library(index, library) if library is not None else None
    if rows is None or not np.allclose(index.transform.apply(rows), index.vectors, atol=1e-4):
        raise PackError(
            f"the index {index.path} is transformed ({index.manifest.transform}) and the library no"
            " longer holds all that it was made of",
            remedy=Remedy.BUILD_FIRST,
        )
    return rows


def raw_dimension(index: ArtistIndex) -> int:
    """Return the dimension of the vectors of `index` before its transform."""
    mean = index.transform.arrays.get("mean")
    return index.manifest.dimension if mean is None else int(mean.shape[1])


def _from_library(index: ArtistIndex, library: Library) -> NDArray[np.float32] | None:
    vectors = library.vectors(index.manifest.key)
    imported = list(library.imported(index.manifest.key).values())
    packs = ArtistList(entry.artist for entry in imported)
    rows = []
    for row, artist in enumerate(index.records):
        tracks = [track.library_id for track in index.tracks_of_row(row)]
        same = packs.find(artist)
        if tracks and all(track in vectors for track in tracks):
            rows.append(artist_vector([vectors[track] for track in tracks if track is not None]))
        elif same is not None:
            rows.append(imported[same[0]].vector)
        else:
            return None
    return unit(np.stack(rows))
