"""Taking artists out of an index."""

from collections.abc import Collection
from pathlib import Path

from artistindex.index.manifest import Manifest, replaceable
from artistindex.index.reader import ArtistIndex
from artistindex.index.writer import remove_index, sweep, write_rows


def remove_artists(folder: Path, rows: Collection[int]) -> Manifest | None:
    """Write the index in `folder` without the artists in `rows`, all else as it is.

    Nothing is fitted again, and the files in which the artists were are removed at once. Without
    anybody left, the index is removed and None returned. Raises BrokenIndex.
    """
    replaceable(folder)  # refuses what must not be written
    with ArtistIndex.open(folder) as index:
        gone = set(rows)
        remaining = index.placed_rows(row for row in range(len(index)) if row not in gone)
        before = index.manifest
        written = write_rows(
            folder,
            remaining,
            before.recipe,
            licence=before.licence,
            fitted=index.transform,
            kind=before.kind,
        )
    if written is None:
        remove_index(folder)
    else:
        sweep(folder, [written])
    return written
