"""Where artists lie on the map, and how much of the truth the map keeps.

openTSNE (Poličar, Stražar & Zupan 2024) lays them out by their nearest neighbours, where the extra
`map` is installed; else the two main directions of the vectors have to do. The seed is fixed.
An earlier map is the start of the next: while few artists are new, those who were there stay
exactly where they were.
"""

from dataclasses import dataclass
from enum import StrEnum
from importlib.util import find_spec

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]

PERPLEXITY = 30
MAX_NEW = 0.2
"""The share of new artists up to which the others stay where they were."""

_SEED = 0
_FEW = 10  # artists, below whom there is nothing to lay out by neighbours
_BESIDE = 5  # placed neighbours, between whom a new artist is put
_GOLDEN_ANGLE = np.pi * (3 - np.sqrt(5))


class Method(StrEnum):
    """How a map was laid out."""

    TSNE = "t-SNE"
    PCA = "principal components"


@dataclass(frozen=True, eq=False)
class Neighbourhood:
    """The nearest artists of every artist, best first: `rows` and cosines, (artists, k)."""

    rows: Rows
    scores: NDArray[np.float32]

    @property
    def k(self) -> int:
        """How many neighbours each has."""
        return int(self.rows.shape[1])

    def nearest(self, k: int) -> "Neighbourhood":
        """Return the best `k` of them."""
        return Neighbourhood(self.rows[:, :k], self.scores[:, :k])


@dataclass(frozen=True, eq=False)
class Layout:
    """A map: `points` (artists, 2), and how many of each artist's neighbours are near on it.

    `kept` (artists,) counts those of the true `k` neighbours that are among the `k` nearest on the
    map; `chance` is the share of them that a map drawn blindly keeps.
    """

    points: Floats
    kept: Rows
    k: int
    method: Method

    @property
    def share_kept(self) -> float:
        """The mean share of true neighbours kept: the one number of the map."""
        return float(self.kept.mean() / self.k) if self.k else 1.0

    @property
    def chance(self) -> float:
        """The share kept by a map that knows nothing."""
        return self.k / (len(self.points) - 1) if len(self.points) > 1 else 1.0


def neighbourhood(vectors: NDArray[np.float32], k: int) -> Neighbourhood:
    """Return the exact `k` nearest of each of the unit `vectors` (artists, dimension)."""
    import faiss

    count = len(vectors)
    k = max(0, min(k, count - 1))
    if k == 0:
        return Neighbourhood(np.zeros((count, 0), np.int64), np.zeros((count, 0), np.float32))
    scores, rows = faiss.knn(vectors, vectors, k + 1, metric=faiss.METRIC_INNER_PRODUCT)
    own = rows == np.arange(count)[:, None]
    own[~own.any(axis=1), -1] = True  # more than k vectors are the very same: the last goes
    others = ~own
    return Neighbourhood(
        rows[others].reshape(count, k).astype(np.int64), scores[others].reshape(count, k)
    )


def lay_out(
    vectors: NDArray[np.float32], neighbours: Neighbourhood, earlier: Floats | None = None
) -> tuple[Floats, Method]:
    """Return the place (artists, 2) of each of the unit `vectors`, and how it was found.

    `neighbours` should have three times `PERPLEXITY` of each. `earlier` has the places of an
    earlier map, NaN for who was not on it.
    """
    method = Method.TSNE if len(vectors) >= _FEW and find_spec("openTSNE") else Method.PCA
    start = None if earlier is None else _beside(neighbours, earlier)
    if start is not None and earlier is not None:
        new = np.isnan(earlier).any(axis=1).mean()
        if new <= MAX_NEW:
            return start, method
    if method is Method.PCA:
        return principal_components(vectors), method
    return _tsne(vectors, neighbours, start), method


def kept(points: Floats, neighbours: Neighbourhood) -> Rows:
    """Return how many of each artist's neighbours are among as many nearest `points`."""
    from scipy.spatial import cKDTree

    count, k = neighbours.rows.shape
    if k == 0:
        return np.zeros(count, np.int64)
    near: Rows = np.asarray(cKDTree(points).query(points, k=k + 1)[1], np.int64)
    own = near == np.arange(count)[:, None]
    own[~own.any(axis=1), -1] = True
    others = near[~own].reshape(count, k)
    pairs = np.arange(count)[:, None] * count
    is_kept = np.isin(neighbours.rows + pairs, others + pairs)
    counts: Rows = is_kept.sum(axis=1)
    return counts


def principal_components(vectors: NDArray[np.float32]) -> Floats:
    """Return the coordinates (artists, 2) of vectors along their two main directions."""
    centred = vectors.astype(np.float64) - vectors.mean(axis=0, dtype=np.float64)
    _, directions = np.linalg.eigh(centred.T @ centred)
    axes = directions[:, ::-1][:, :2]
    axes = axes * np.sign(axes[np.abs(axes).argmax(axis=0), np.arange(axes.shape[1])])
    points: Floats = centred @ axes
    return np.pad(points, ((0, 0), (0, 2 - points.shape[1])))


def _tsne(vectors: NDArray[np.float32], neighbours: Neighbourhood, start: Floats | None) -> Floats:
    from openTSNE import TSNEEmbedding
    from openTSNE.affinity import PerplexityBasedNN
    from openTSNE.initialization import rescale
    from openTSNE.nearest_neighbors import PrecomputedNeighbors

    distances = np.sqrt(np.maximum(2.0 - 2.0 * neighbours.scores.astype(np.float64), 0.0))
    affinities = PerplexityBasedNN(
        knn_index=PrecomputedNeighbors(neighbours.rows, distances),
        perplexity=min(PERPLEXITY, neighbours.k / 3),
        random_state=_SEED,
    )
    initial = rescale(principal_components(vectors)) if start is None else start
    embedding = TSNEEmbedding(
        np.ascontiguousarray(initial), affinities, random_state=_SEED, n_jobs=1
    )
    if start is None:
        embedding.optimize(250, exaggeration=12, momentum=0.8, inplace=True)
        embedding.optimize(500, momentum=0.8, inplace=True)
    else:
        embedding.optimize(250, momentum=0.8, inplace=True)
    return np.asarray(embedding, np.float64)


def _beside(neighbours: Neighbourhood, earlier: Floats) -> Floats | None:
    """Return `earlier` with who is new put amid the nearest of those who have a place.

    None where fewer than ten have one.
    """
    is_placed = np.isfinite(earlier[:, 0])
    if is_placed.sum() < _FEW:
        return None
    places = earlier.copy()
    apart = _typical_distance(earlier[is_placed])
    for order, row in enumerate(np.flatnonzero(~is_placed)):
        near = [other for other in neighbours.rows[row] if is_placed[other]][:_BESIDE]
        middle = np.median(earlier[near or is_placed], axis=0)
        angle = order * _GOLDEN_ANGLE  # so that no two who are new lie on one spot
        places[row] = middle + apart * np.array([np.cos(angle), np.sin(angle)])
    return places


def _typical_distance(points: Floats) -> float:
    from scipy.spatial import cKDTree

    distances: Floats = np.asarray(cKDTree(points).query(points, k=2)[0], np.float64)
    return float(np.median(distances[:, 1]))
