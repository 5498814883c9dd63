"""Which of an artist's tracks sounds as if it were somebody else's: the wrong-audio detector.

For each track, the cosine distance to the centroid of the artist's other tracks is set against how
far those other tracks lie from each other's centroids: the spread that the artist has anyway. An
artist of one mood betrays a stranger early, an artist of many moods late or never.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MIN_TRACKS = 4
"""The fewest tracks of an artist among which one can be odd."""

THRESHOLD = 3.0
"""How many times the artist's own spread a track must lie away; see docs/quality.md."""

_TINY = 1e-4  # the cosine distance of two encodings of one recording: no spread is smaller

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Outlier:
    """Track number `index`, `score` times as far from the others as they are from each other."""

    index: int
    score: float


def outliers(
    vectors: Sequence[NDArray[np.float32]] | NDArray[np.float32], *, threshold: float = THRESHOLD
) -> list[Outlier]:
    """Return the tracks that lie apart, the oddest first.

    `vectors` holds one artist's track vectors, shape (tracks, dimension), none zero, none with NaN.
    Empty below MIN_TRACKS tracks. Of two strangers among few tracks each hides the other.
    """
    by_track = scores(vectors)
    apart = [Outlier(int(i), float(by_track[i])) for i in np.flatnonzero(by_track > threshold)]
    return sorted(apart, key=lambda outlier: -outlier.score)


def scores(vectors: Sequence[NDArray[np.float32]] | NDArray[np.float32]) -> Floats:
    """Return each track's distance in units of the others' spread, float64 of shape (tracks,).

    Zeros below MIN_TRACKS tracks.
    """
    if len(vectors) < MIN_TRACKS:
        return np.zeros(len(vectors))
    rows = np.asarray(vectors, np.float64)
    return np.array([_score(rows, i) for i in range(len(rows))])


def _score(rows: Floats, i: int) -> float:
    others = np.delete(rows, i, axis=0)
    distance = 1 - _cosine(rows[i], others.mean(axis=0))
    return distance / max(float(np.mean(_distances(others))), _TINY)


def _distances(rows: Floats) -> Floats:
    """Return the cosine distance of each row to the centroid of the other rows."""
    centroids = (rows.sum(axis=0) - rows) / (len(rows) - 1)
    return np.array([1 - _cosine(a, b) for a, b in zip(rows, centroids, strict=True)])


def _cosine(a: Floats, b: Floats) -> float:
    return float(a @ b / (np.linalg.norm(a) * np.linalg.norm(b)))
