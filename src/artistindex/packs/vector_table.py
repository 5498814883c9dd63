"""Vectors made elsewhere, of artists or of tracks, with who they are of: what every file becomes.

The names are in memory, the vectors are not: they are read in blocks, as often as asked for, and
every value is checked on the way.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from artistindex import naming
from artistindex.entities import Artist, VectorKey
from artistindex.errors import Misuse
from artistindex.index.manifest import Recipe
from artistindex.library.artist_matching import ArtistList
from artistindex.packs.claims import MAX_DIMENSION, MIN_DIMENSION

BLOCK_BYTES = 4 << 20
"""The size of the pieces in which vectors are read."""

Vectors = NDArray[np.floating]


@dataclass(frozen=True, slots=True)
class TableRow:
    """Who a vector is of: an artist, or a track of theirs where it has a `title`.

    Rows with the same `track` are one track, by several artists.
    """

    artist: Artist
    title: str = ""
    album: str | None = None
    isrc: str | None = None
    musicbrainz_id: str | None = None
    track: str | None = None

    @property
    def described(self) -> str:
        """The row as a message names it."""
        return naming.quoted(" - ".join(filter(None, (self.artist.name, self.title))))


@dataclass(frozen=True, slots=True, eq=False)
class VectorTable:
    """The rows of a file and their vectors, float of shape (rows, dimension), in blocks.

    `model`, `key` and `recipe` are those that the file itself names, None where it names none;
    `licence` is the model's, "" where the file does not say.
    """

    path: Path
    rows: Sequence[TableRow]
    dimension: int
    blocks: Callable[[], Iterable[Vectors]]
    is_tracks: bool = False
    model: str | None = None
    key: VectorKey | None = None
    licence: str = ""
    recipe: Recipe | None = None

    def check(self) -> None:
        """Read everything once. Raises Misuse where a row or a value cannot be meant."""
        if not self.rows:
            raise Misuse(f"{self.path} holds no vector")
        if not MIN_DIMENSION <= self.dimension <= MAX_DIMENSION:
            raise Misuse(
                f"{self.path} holds vectors of dimension {self.dimension}; expected"
                f" {MIN_DIMENSION} to {MAX_DIMENSION:,}"
            )
        self._check_rows()
        for _ in self.vectors():
            pass

    def vectors(self) -> Iterator[NDArray[np.float32]]:
        """Yield the vector of each row, float32 of shape (dimension,). Raises Misuse."""
        number = 0
        for block in self.blocks():
            values = self._checked(np.asarray(block), number)
            number += len(values)
            yield from values
        if number != len(self.rows):
            raise Misuse(f"{self.path} holds {number} vectors for {len(self.rows)} names")

    def _checked(self, block: Vectors, start: int) -> NDArray[np.float32]:
        names = self.rows[start : start + len(block)]
        if block.ndim != 2 or block.shape[1] != self.dimension or len(names) < len(block):
            raise Misuse(
                f"{self.path}: row {start + 1} and on do not have the shape that is stated"
            )
        with np.errstate(over="ignore"):
            values = block.astype(np.float32)
        for is_bad, problem in (
            (~np.isfinite(values).all(axis=1), "is not finite"),
            (~values.any(axis=1), "is zero"),
        ):
            if is_bad.any():
                at = int(np.argmax(is_bad))
                raise Misuse(
                    f"{self.path}: the vector of {names[at].described} (row {start + at + 1})"
                    f" {problem}"
                )
        return values

    def _check_rows(self) -> None:
        """Raise Misuse for a row that names nobody, or an artist of whom there is a row already."""
        seen = ArtistList()
        for number, row in enumerate(self.rows, 1):
            if not row.artist.name:
                raise Misuse(f"{self.path}: row {number} names no artist")
            if self.is_tracks and not row.title:
                raise Misuse(f"{self.path}: row {number} ({row.described}) names no track")
            if self.is_tracks:
                continue
            if (same := seen.find(row.artist)) is not None:
                raise Misuse(
                    f"{self.path}: rows {same[0] + 1} and {number} are both of {row.described}; if"
                    " they are of tracks, say so"
                )
            seen.add(row.artist)


def rows_at_once(dimension: int) -> int:
    """Return how many float32 vectors make a block."""
    return max(1, BLOCK_BYTES // (4 * max(1, dimension)))
