"""What is evaluated: artists and how alike each pair of them is, by whatever made it so."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from artistindex import naming
from artistindex.errors import AmbiguousArtist, BrokenIndex, Misuse
from artistindex.index.reader import ArtistIndex

Ints = NDArray[np.int64]
Similarities = NDArray[np.floating]
_CELLS = 20_000_000


@dataclass(frozen=True, eq=False)
class Space:
    """Artists and their similarities under one name.

    Either `vectors`, unit rows of shape (n, d) whose inner products are the similarities, or
    `matrix`, the similarities themselves, of shape (n, n). `origin` says where it is from.
    `together` holds the pairs of rows, lower row first, of artists who share a recording: they are
    alike because they are in part the same.
    """

    name: str
    artists: tuple[str, ...]
    vectors: Similarities | None = None
    matrix: Similarities | None = None
    origin: str = ""
    together: frozenset[tuple[int, int]] = frozenset()

    def __len__(self) -> int:
        return len(self.artists)

    def similarities(self, rows: Ints) -> Similarities:
        """The similarities of some artists to all, of shape (len(rows), n)."""
        if self.vectors is not None:
            return self.vectors[rows] @ self.vectors.T
        return self._matrix()[rows]

    def _matrix(self) -> Similarities:
        if self.matrix is None:
            raise ValueError(f"{self.name} has neither vectors nor a matrix")
        return self.matrix

    def blocks(self, rows: Ints | None = None) -> Iterator[tuple[Ints, Similarities]]:
        """`rows` (default: all) and their similarities to all artists, some rows at a time."""
        rows = np.arange(len(self)) if rows is None else rows
        size = max(1, _CELLS // len(self))
        for start in range(0, len(rows), size):
            block = rows[start : start + size]
            yield block, self.similarities(block)

    def only(self, rows: Ints) -> "Space":
        """The space of the artists in `rows` alone, in that order."""
        place = {int(row): at for at, row in enumerate(rows)}
        kept = [pair for pair in self.together if place.keys() >= set(pair)]
        return replace(
            self,
            artists=tuple(self.artists[row] for row in rows),
            vectors=None if self.vectors is None else self.vectors[rows],
            matrix=None if self.matrix is None else self.matrix[np.ix_(rows, rows)],
            together=frozenset(_ordered(place[one], place[other]) for one, other in kept),
        )

    def rows(self) -> dict[str, int]:
        """The row of each folded name that only one artist has."""
        folded = [naming.normalise(name) for name in self.artists]
        often = Counter(folded)
        return {name: row for row, name in enumerate(folded) if often[name] == 1}


def _ordered(one: int, other: int) -> tuple[int, int]:
    return min(one, other), max(one, other)


def nearest(similarities: Similarities, own: Ints) -> Ints:
    """Every artist's row, nearest first, for a block of artists whose own rows are `own`.

    Of shape (block, n - 1): the artist itself is left out, ties go to the lower row.
    """
    scores = similarities.copy()
    scores[np.arange(len(own)), own] = -np.inf
    return np.argsort(-scores, axis=1, kind="stable")[:, :-1]


def space_of_index(index: ArtistIndex) -> Space:
    """The artist vectors of an index. Raises BrokenIndex where they are not finite."""
    vectors = index.vectors
    if not np.isfinite(vectors).all():
        raise BrokenIndex(f"{index.path} holds vectors that are not finite: build the index again")
    return Space(
        index.name,
        tuple(index.artists),
        vectors=vectors,
        origin=str(index.path),
        together=_together(index),
    )


def _together(index: ArtistIndex) -> frozenset[tuple[int, int]]:
    """The pairs of artists with a track of the library in common."""
    owners: dict[int, list[int]] = {}
    for row, name in enumerate(index.artists):
        with suppress(AmbiguousArtist):  # namesakes are neither queries nor neighbours
            for track in index.tracks(name):
                if track.library_id is not None:
                    owners.setdefault(track.library_id, []).append(row)
    return frozenset(pair for rows in owners.values() for pair in combinations(sorted(rows), 2))


def open_spaces(indexes: Iterable[Path | str | ArtistIndex]) -> list[Space]:
    """The spaces of some indexes, folders or open ones, each under a name of its own."""
    spaces = []
    for given in indexes:
        if isinstance(given, ArtistIndex):
            spaces.append(space_of_index(given))
        else:
            with ArtistIndex.open(given) as index:
                spaces.append(space_of_index(index))
    return distinguished(spaces)


def distinguished(spaces: Sequence[Space]) -> list[Space]:
    """The same spaces; where two share a name, each is named by where it is from."""
    often = Counter(space.name for space in spaces)
    named = [
        space if often[space.name] == 1 else replace(space, name=space.origin) for space in spaces
    ]
    for name, count in Counter(space.name for space in named).items():
        if count > 1:
            raise Misuse(f"{name} is named {count} times: name each index once")
    return named


# --- the experiment's similarity files ----------------------------------------------------------


def read_similarities(path: Path, name: str) -> Space:
    """Read the experiment's `{"pairwise_similarities": [{"artist1", "artist2",
    "cosine_similarity"}]}`.

    Raises Misuse for another shape, a pair given twice with different values, or a missing pair.
    """
    pairs = _read_pairs(path)
    spellings: dict[str, str] = {}
    for pair in pairs:
        for artist in pair[:2]:
            spellings.setdefault(naming.normalise(artist), naming.clean(artist))
    row = {folded: at for at, folded in enumerate(spellings)}
    matrix = np.full((len(row), len(row)), np.nan)
    np.fill_diagonal(matrix, 1.0)
    for one, other, value in pairs:
        i, j = row[naming.normalise(one)], row[naming.normalise(other)]
        if i == j or (np.isfinite(matrix[i, j]) and matrix[i, j] != value):
            _bad(path, f"gives two similarities for {one!r} and {other!r}")
        matrix[i, j] = matrix[j, i] = value
    artists = tuple(spellings.values())
    missing = np.argwhere(np.isnan(matrix))
    if len(missing):
        _bad(path, f"lacks the pair {artists[missing[0][0]]!r}, {artists[missing[0][1]]!r}")
    return Space(name, artists, matrix=matrix, origin=str(path))


def _read_pairs(path: Path) -> list[tuple[str, str, float]]:
    try:
        content = json.loads(path.read_text("utf-8-sig"))
    except OSError as error:
        raise Misuse(f"cannot read {path}: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        _bad(path, f"is no JSON ({error})")
    listed = content.get("pairwise_similarities") if isinstance(content, dict) else None
    if not isinstance(listed, list) or not listed:
        _bad(path, 'has no list of "pairwise_similarities"')
    return [_pair(path, one) for one in listed]


def _pair(path: Path, one: Any) -> tuple[str, str, float]:
    given = one if isinstance(one, dict) else {}
    artists = [given.get("artist1"), given.get("artist2")]
    value = given.get("cosine_similarity")
    if not all(isinstance(artist, str) for artist in artists) or not _is_cosine(value):
        _bad(path, 'holds no "artist1", "artist2" and "cosine_similarity" from -1 to 1 in a pair')
    return str(artists[0]), str(artists[1]), float(value or 0.0)


def _is_cosine(value: Any) -> bool:  # false for NaN too
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and -1.001 <= value <= 1.001


def _bad(path: Path, what: str) -> NoReturn:
    raise Misuse(f"{path} {what}; expected a file of similarities as the experiment wrote them")
