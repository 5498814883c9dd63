"""Against hubs: artists who lie near everybody, and so turn up in every answer.

Both corrections ask how near an artist is to others in general and set the similarity of a pair
against that. docs/quality.md tells what they do to real music.
"""

from abc import ABC, abstractmethod
from collections.abc import Collection, Sequence
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from artistindex.errors import Misuse
from artistindex.index.reader import ArtistIndex, ScoredRow
from artistindex.index.transforms import Vectors
from artistindex.query.query import ResolvedQuery

Floats = NDArray[np.float64]
Rows = NDArray[np.float32]

METHODS = ("none", "csls", "mp")
NEIGHBOURHOOD = 10
_REACH = 1000  # candidates that are looked at, nearest first; a correction moves nobody further
_CELLS = 20_000_000
_ROWS_AT_ONCE = 8_192


class _Rescaled(ABC):
    """Ranks the 1,000 nearest by cosine (or ten times `k`), in an index of that size all."""

    name: ClassVar[str]

    def depth(self, k: int) -> int:
        """Return how many artists are looked at."""
        return max(_REACH, 10 * k)

    def rank(
        self, index: ArtistIndex, query: ResolvedQuery, candidates: Sequence[ScoredRow]
    ) -> Floats:
        """Return the corrected similarities of the candidates: (candidates,).

        Where the index is too many for one array, it is read block by block.
        """
        rows = np.array([row for _, row in candidates], np.intp)
        scores = np.array([score for score, _ in candidates], np.float64)
        if not len(rows):
            return scores
        return self._corrected(index, query, rows, scores)

    @abstractmethod
    def _corrected(
        self, index: ArtistIndex, query: ResolvedQuery, rows: NDArray[np.intp], scores: Floats
    ) -> Floats: ...


class Csls(_Rescaled):
    """Ranks by `csls`; in an approximate index the nearest of each are those that it finds."""

    name: ClassVar[str] = "csls"

    def _corrected(
        self, index: ArtistIndex, query: ResolvedQuery, rows: NDArray[np.intp], scores: Floats
    ) -> Floats:
        if index.is_exact:
            return csls(scores, _own(index, query), index.vectors, rows)
        own = index.search_rows(query.vector, NEIGHBOURHOOD, exclude=query.rows)
        themselves = rows.tolist()
        theirs = index.search_many(
            index.vectors_of(themselves), NEIGHBOURHOOD, exclude=[(row,) for row in themselves]
        )
        means = np.array([_mean_score(nearest) for nearest in theirs])
        corrected: Floats = 2 * scores - _mean_score(own) - means
        return corrected


class MutualProximity(_Rescaled):
    """Ranks by `mutual_proximity`, for which all vectors are read."""

    name: ClassVar[str] = "mp"

    def _corrected(
        self, index: ArtistIndex, query: ResolvedQuery, rows: NDArray[np.intp], scores: Floats
    ) -> Floats:
        return mutual_proximity(scores, _own(index, query), index.rows, rows)


def _own(index: ArtistIndex, query: ResolvedQuery) -> Floats:
    """The cosines of the query with all others."""
    background = np.setdiff1d(np.arange(len(index)), list(query.rows))
    own: Floats = index.similarities(query.vector)[background].astype(np.float64)
    return own


def _mean_score(neighbours: Sequence[ScoredRow]) -> float:
    return float(np.mean([score for score, _ in neighbours]))


def rescale(
    asked: NDArray[np.floating],
    vectors: Rows,
    rows: Collection[int],
    scores: Floats,
    background: NDArray[np.intp],
    *,
    method: str,
) -> Floats:
    """The corrected similarities of the unit vector `asked` (d,) to some `rows`, shape (rows,).

    `vectors` (n, d) are all unit vectors, `scores` the cosines with `rows`; `background` are the
    rows that the neighbourhood of `asked` is made of. Higher is nearer. Raises Misuse for an
    unknown `method`.
    """
    if method not in METHODS:
        raise Misuse(f"unknown correction for hubs {method!r}; there are {', '.join(METHODS)}")
    at = np.fromiter(rows, np.intp, len(rows))
    if method == "none" or not len(at):
        return scores
    own = vectors[background] @ asked.astype(np.float32)
    correct = csls if method == "csls" else mutual_proximity
    return correct(scores, own.astype(np.float64), vectors, at)


def csls(scores: Floats, own: Floats, vectors: Rows, rows: NDArray[np.intp]) -> Floats:
    """2 cos(x, y) - r(x) - r(y), r being the mean cosine with the ten nearest others.

    Cross-domain similarity local scaling (Conneau et al., ICLR 2018, arXiv 1710.04087), within one
    domain. `scores` (c,) are the cosines of x with the candidates, `rows` (c,) of the unit
    `vectors` (n, dimension); `own` (m,) those with all others. Returns (c,), float64.
    """
    nearest = min(NEIGHBOURHOOD, len(vectors) - 1, len(own))
    if nearest < 1:
        return scores
    asked = np.partition(own, -nearest)[-nearest:].mean()
    size = max(1, _CELLS // len(vectors))
    theirs = np.concatenate(
        [
            _nearest_mean(vectors, rows[start : start + size], nearest)
            for start in range(0, len(rows), size)
        ]
    )
    corrected: Floats = 2 * scores - asked - theirs
    return corrected


def mutual_proximity(
    scores: Floats, own: Floats, vectors: Vectors, rows: NDArray[np.intp]
) -> Floats:
    """The chance that two others are less alike to x than y is, and to y than x is.

    The Gaussian, independent form of mutual proximity (Schnitzer, Flexer, Schedl & Widmer, JMLR 13,
    2012; Feldbauer & Flexer, Knowl. Inf. Syst. 59, 2019): each artist's cosines with all others are
    taken as normal, whose mean and deviation follow from the first two moments of the vectors.
    Shapes are those of `csls`; the result lies in [0, 1].
    """
    from scipy.special import ndtr

    others = len(vectors) - 1
    if others < 2 or len(own) < 2:
        return scores
    mine = np.concatenate([vectors[row : row + 1] for row in rows.tolist()]).astype(np.float64)
    total, products = _moments(vectors)
    means = (mine @ total - 1) / others  # without the cosine with itself
    squares = (np.einsum("ij,ij->i", mine @ products, mine) - 1) / others
    theirs = np.sqrt(np.maximum(squares - means**2, _FLAT))
    asked = max(float(own.std()), _FLAT**0.5)
    proximity: Floats = ndtr((scores - own.mean()) / asked) * ndtr((scores - means) / theirs)
    return proximity


_FLAT = 1e-12


def _moments(vectors: Vectors) -> tuple[Floats, Floats]:
    """The sum of the vectors (d,), and that of their products with themselves (d, d)."""
    total, products = np.zeros(vectors.shape[1]), np.zeros((vectors.shape[1], vectors.shape[1]))
    for start in range(0, len(vectors), _ROWS_AT_ONCE):
        wide = vectors[start : start + _ROWS_AT_ONCE].astype(np.float64)
        total += wide.sum(axis=0)
        products += wide.T @ wide
    return total, products


def _nearest_mean(vectors: Rows, rows: NDArray[np.intp], nearest: int) -> Floats:
    similarities = vectors[rows] @ vectors.T
    similarities[np.arange(len(rows)), rows] = -np.inf
    top = np.partition(similarities, -nearest, axis=1)[:, -nearest:]
    means: Floats = top.mean(axis=1, dtype=np.float64)
    return means
