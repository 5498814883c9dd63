"""What the index of descriptors says of artists, beside any answer: "174 BPM, A minor"."""

from collections.abc import Sequence
from pathlib import Path
from typing import Self

from artistindex.embedding.descriptors import Description, describe, shipped_scaling
from artistindex.embedding.registry import DESCRIPTORS
from artistindex.entities import Artist
from artistindex.index.manifest import FILE_NAME
from artistindex.index.reader import ArtistIndex


class DescribedArtists:
    """The artists of an index of descriptors; use it as a context manager or call `close`."""

    def __init__(self, index: ArtistIndex) -> None:
        self._index = index

    @classmethod
    def beside(cls, indexes: Path) -> Self | None:
        """Open the index of descriptors in the folder `indexes`; None where there is none.

        One that another version made, by other measures, is none. Raises BrokenIndex.
        """
        folder = indexes / DESCRIPTORS.name
        if not (folder / FILE_NAME).is_file():
            return None
        index = ArtistIndex.open(folder)
        if index.manifest.key.weights_sha256 != DESCRIPTORS.sha256:
            index.close()
            return None
        return cls(index)

    def close(self) -> None:
        """Close the index."""
        self._index.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def of(self, artists: Sequence[Artist]) -> list[Description | None]:
        """Return what is known of each artist; None of one who is not there, or not for certain."""
        rows = [self._row(artist) for artist in artists]
        return [None if row is None else self._describe(row) for row in rows]

    def _row(self, artist: Artist) -> int | None:
        rows = self._index.find_rows(artist.name)
        entries = self._index.entries_of(rows)
        same = [
            entry.row
            for entry in entries
            if entry.artist.name == artist.name and not artist.contradicts(entry.artist)
        ]
        return same[0] if len(same) == 1 else None

    def _describe(self, row: int) -> Description | None:
        vectors = [track.vector for track in self._index.tracks_of_row(row)]
        heard = [vector for vector in vectors if vector is not None]
        return describe(heard, shipped_scaling())
