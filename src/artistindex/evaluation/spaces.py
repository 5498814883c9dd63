"""What is evaluated: artists and how alike each pair of them is, by whatever made it so."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from artistindex import naming
from artistindex.errors import BrokenIndex, Misuse, Remedy
from artistindex.evaluation.provenance import IndexOrigin
from artistindex.index.manifest import Manifest
from artistindex.index.reader import ArtistIndex
from artistindex.library.library import FILE_NAME, Library
from artistindex.listeners.truth_shapes import artist_key

Ints = NDArray[np.int64]
Similarities = NDArray[np.floating]
_CELLS = 20_000_000


@dataclass(frozen=True, eq=False)
class Space:
    """Artists and their similarities under one name.

    Either `vectors`, float32 unit rows of shape (n, d) whose inner products are the similarities,
    or `matrix`, the similarities themselves, of shape (n, n). `origin` says where it is from,
    `manifest` what made an index. `ids` are those of services, an artist each; empty where there
    are none.
    `excluded` holds the pairs of rows, lower row first, of artists who share a recording: they are
    alike because they are in part the same, and neither is a candidate for the other.
    """

    name: str
    artists: tuple[str, ...]
    vectors: Similarities | None = None
    matrix: Similarities | None = None
    origin: str = ""
    manifest: Manifest | None = None
    ids: tuple[Mapping[str, str], ...] = ()
    excluded: frozenset[tuple[int, int]] = frozenset()

    def __len__(self) -> int:
        return len(self.artists)

    def similarities(self, rows: Ints) -> Similarities:
        """Return the similarities of some artists to all, of shape (len(rows), n)."""
        if self.vectors is not None:
            return self.vectors[rows] @ self.vectors.T
        if self.matrix is not None:
            return self.matrix[rows]
        raise ValueError(f"{self.name} has neither vectors nor a matrix")

    def blocks(self, rows: Ints | None = None) -> Iterator[tuple[Ints, Similarities]]:
        """Yield `rows` (default: all) with their similarities to all, some rows at a time."""
        rows = np.arange(len(self)) if rows is None else rows
        size = max(1, _CELLS // len(self))
        for start in range(0, len(rows), size):
            block = rows[start : start + size]
            yield block, self.similarities(block)

    def only(self, rows: Ints) -> "Space":
        """Return the space of the artists in `rows` alone, in that order."""
        places = {int(row): place for place, row in enumerate(rows)}
        return replace(
            self,
            artists=tuple(self.artists[row] for row in rows),
            vectors=None if self.vectors is None else self.vectors[rows],
            matrix=None if self.matrix is None else self.matrix[np.ix_(rows, rows)],
            ids=tuple(self.ids[row] for row in rows) if self.ids else (),
            excluded=frozenset(
                (min(places[first], places[second]), max(places[first], places[second]))
                for first, second in self.excluded
                if first in places and second in places
            ),
        )

    def rows(self) -> dict[str, int]:
        """Return the row of each folded name that only one artist has."""
        folded = [naming.normalise(name) for name in self.artists]
        count = Counter(folded)
        return {name: row for row, name in enumerate(folded) if count[name] == 1}

    def rows_of_ids(self) -> dict[str, int]:
        """Return the row of each "service:ID" that only one artist has."""
        keys = [
            (artist_key(f"{service}:{id_}"), row)
            for row, ids in enumerate(self.ids)
            for service, id_ in ids.items()
        ]
        count = Counter(key for key, _ in keys)
        return {key: row for key, row in keys if count[key] == 1}


def origins_of(spaces: Iterable[Space]) -> list[IndexOrigin]:
    """Return the origins of those spaces that are indexes."""
    return [
        IndexOrigin.of(space.name, space.origin, space.manifest)
        for space in spaces
        if space.manifest is not None
    ]


def nearest(similarities: Similarities, rows: Ints) -> Ints:
    """Return every artist's row, nearest first, for a block of the artists in `rows`.

    Of shape (block, n - 1): the artist itself is left out, ties go to the lower row.
    """
    scores = similarities.copy()
    scores[np.arange(len(rows)), rows] = -np.inf
    return np.argsort(-scores, axis=1, kind="stable")[:, :-1]


def first_rows(scores: NDArray[np.floating], count: int) -> Ints:
    """Return the rows of the `count` highest of `scores` (n,), of equals the lower row first."""
    count = min(count, len(scores))
    lowest = np.partition(scores, len(scores) - count)[len(scores) - count]
    rows = np.flatnonzero(scores >= lowest)
    return rows[np.argsort(-scores[rows], kind="stable")[:count]]


def shared_spaces(spaces: Sequence[Space]) -> list[Space]:
    """Return every space cut down to the artists that all have, in the order of the first.

    Artists who share a recording in one of them count as sharing it in all.

    Raises Misuse where fewer than two are shared.
    """
    rows = [space.rows() for space in spaces]
    folded = [naming.normalise(artist) for artist in spaces[0].artists]
    shared = [name for name in folded if all(name in rows_of_space for rows_of_space in rows)]
    if len(shared) < 2:
        sides = "; ".join(
            f"{space.name} has {', '.join(naming.truncate(name, 60) for name in space.artists[:3])}"
            for space in spaces
        )
        raise Misuse(f"the indexes need two artists in common, not {len(shared)} ({sides})")
    cut = [
        space.only(np.array([rows_of_space[name] for name in shared], np.int64))
        for space, rows_of_space in zip(spaces, rows, strict=True)
    ]
    excluded = frozenset[tuple[int, int]]().union(*(space.excluded for space in cut))
    return [replace(space, excluded=excluded) for space in cut]


# --- indexes ------------------------------------------------------------------------------------


def space_of_index(index: ArtistIndex) -> Space:
    """Return the artist vectors of an index. Raises BrokenIndex where they are not finite."""
    vectors = index.vectors
    if not np.isfinite(vectors).all():
        raise BrokenIndex(
            f"{index.path} holds vectors that are not finite", remedy=Remedy.BUILD_AGAIN
        )
    return Space(
        index.name,
        tuple(index.artists),
        vectors=vectors,
        origin=str(index.path),
        manifest=index.manifest,
        ids=tuple(artist.ids for artist in index.records),
        excluded=_sharing_a_recording(index),
    )


def _sharing_a_recording(index: ArtistIndex) -> frozenset[tuple[int, int]]:
    """The pairs of artists with a recording in common, as the library beside the index knows it.

    Without one, as beside a copied index, a recording is what is the very same track.
    """
    path = index.path.parent / FILE_NAME
    recordings: dict[int, int] = {}
    if path.is_file():
        with Library.open(path, read_only=True) as library:
            recordings = library.recordings()
    owners: dict[int, set[int]] = defaultdict(set)
    ambiguous = _ambiguous_rows(index.artists)  # neither queries nor neighbours
    for row, track_id in index.library_ids():
        if row not in ambiguous:
            owners[recordings.get(track_id, -track_id)].add(row)
    return frozenset(pair for rows in owners.values() for pair in combinations(sorted(rows), 2))


def _ambiguous_rows(names: Sequence[str]) -> set[int]:
    """The rows of artists whom their names do not tell apart from others."""
    folded = [naming.normalise(name) for name in names]
    namesakes, spelled = Counter(folded), Counter(names)
    return {
        row
        for row, (name, key) in enumerate(zip(names, folded, strict=True))
        if namesakes[key] > 1 and spelled[naming.clean(name)] != 1
    }


def open_spaces(indexes: Iterable[Path | str | ArtistIndex]) -> list[Space]:
    """Return the spaces of some indexes, folders or open ones, each under a name of its own."""
    spaces = []
    for given in indexes:
        if isinstance(given, ArtistIndex):
            spaces.append(space_of_index(given))
        else:
            with ArtistIndex.open(given) as index:
                spaces.append(space_of_index(index))
    return distinguished(spaces)


def distinguished(spaces: Sequence[Space]) -> list[Space]:
    """Return the same spaces; where two share a name, each is named by where it is from."""
    count = Counter(space.name for space in spaces)
    named = [
        space if count[space.name] == 1 else replace(space, name=space.origin) for space in spaces
    ]
    for name, times in Counter(space.name for space in named).items():
        if times > 1:
            raise Misuse(f"{name} is named {times} times: name each index once")
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
    rows = {folded: row for row, folded in enumerate(spellings)}
    matrix = np.full((len(rows), len(rows)), np.nan)
    np.fill_diagonal(matrix, 1.0)
    for first, second, value in pairs:
        i, j = rows[naming.normalise(first)], rows[naming.normalise(second)]
        if i == j or (np.isfinite(matrix[i, j]) and matrix[i, j] != value):
            _bad(path, f"gives two similarities for {first!r} and {second!r}")
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
    entries = content.get("pairwise_similarities") if isinstance(content, dict) else None
    if not isinstance(entries, list) or not entries:
        _bad(path, 'has no list of "pairwise_similarities"')
    return [_pair(path, entry) for entry in entries]


def _pair(path: Path, entry: Any) -> tuple[str, str, float]:
    fields = entry if isinstance(entry, dict) else {}
    artists = [fields.get("artist1"), fields.get("artist2")]
    value = fields.get("cosine_similarity")
    if not all(isinstance(artist, str) for artist in artists) or not _is_cosine(value):
        _bad(path, 'holds no "artist1", "artist2" and "cosine_similarity" from -1 to 1 in a pair')
    return str(artists[0]), str(artists[1]), float(value or 0.0)


def _is_cosine(value: Any) -> bool:  # false for NaN too
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and -1.001 <= value <= 1.001


def _bad(path: Path, what: str) -> NoReturn:
    raise Misuse(f"{path} {what}; expected a file of similarities as the experiment wrote them")
