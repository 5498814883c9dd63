"""Which of an artist's tracks sounds as if it were somebody else's: the wrong-audio detector.

For each track, the cosine distance to the centroid of the artist's other tracks is set against how
far those other tracks lie from each other's centroids: the spread that the artist has anyway. An
artist of one mood betrays a stranger early, an artist of many moods late or never.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MIN_TRACKS = 4
"""The fewest tracks of an artist among which one can be odd."""

THRESHOLD = 3.0
"""How many times the artist's own spread a track must lie away; see docs/quality.md."""

_TINY = 1e-4  # the cosine distance of two encodings of one recording: no spread is smaller

_NOTHING = np.finfo(np.float64).tiny  # squared, the length of tracks that cancel out

Floats = NDArray[np.float64]
Tracks = Sequence[NDArray[np.float32]] | NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Outlier:
    """Track number `index`, `score` times as far from the others as they are from each other."""

    index: int
    score: float


def outliers(vectors: Tracks, *, threshold: float = THRESHOLD) -> list[Outlier]:
    """Return the tracks that lie apart, the oddest first.

    `vectors` holds one artist's track vectors, shape (tracks, dimension), none zero, none with NaN.
    Empty below MIN_TRACKS tracks. Of two strangers among few tracks each hides the other.
    """
    return _above(scores(vectors), threshold)


def outliers_of_each(artists: Sequence[Tracks]) -> list[list[Outlier]]:
    """Return what `outliers` says of each of some artists; quicker than to ask it for each."""
    apart: list[list[Outlier]] = [[] for _ in artists]
    alike = defaultdict(list)
    for number, vectors in enumerate(artists):
        alike[len(vectors)].append(number)
    for count, numbers in alike.items():
        if count >= MIN_TRACKS:
            together = np.array([artists[number] for number in numbers], np.float64)
            for number, by_track in zip(numbers, _scores(together), strict=True):
                apart[number] = _above(by_track, THRESHOLD)
    return apart


def scores(vectors: Tracks) -> Floats:
    """Return each track's distance in units of the others' spread, float64 of shape (tracks,).

    Zeros below MIN_TRACKS tracks.
    """
    if len(vectors) < MIN_TRACKS:
        return np.zeros(len(vectors))
    return np.asarray(_scores(np.asarray(vectors, np.float64)[None])[0], np.float64)


def _above(by_track: Floats, threshold: float) -> list[Outlier]:
    apart = [Outlier(int(i), float(by_track[i])) for i in np.flatnonzero(by_track > threshold)]
    return sorted(apart, key=lambda outlier: -outlier.score)


def _scores(vectors: Floats) -> Floats:
    """Return the scores (artists, tracks) of artists with as many tracks each: (artists, t, d).

    All centroids are sums of tracks less one or two of them, so that the tracks' inner products
    with each other are all that it takes.
    """
    products = vectors @ vectors.transpose(0, 2, 1)
    squares = np.einsum("aii->ai", products)  # of the lengths of tracks
    with_all = products.sum(axis=2)  # of each track with the sum of all
    of_sums = with_all.sum(axis=1)[:, None] - 2 * with_all + squares  # without one: squared length
    distances = 1 - (with_all - squares) / np.sqrt(squares * np.maximum(of_sums, _NOTHING))
    without_two = (
        of_sums[:, :, None] - 2 * with_all[:, None, :] + squares[:, None, :] + 2 * products
    )  # [a, i, j]: the squared length of the sum without tracks i and j
    along = with_all[:, None, :] - products - squares[:, None, :]  # of track j with that sum
    cosines = along / np.sqrt(squares[:, None, :] * np.maximum(without_two, _NOTHING))
    others = ~np.eye(vectors.shape[1], dtype=np.bool_)
    spreads = np.where(others, 1 - cosines, 0).sum(axis=2) / others.sum(axis=1)
    return np.asarray(distances / np.maximum(spreads, _TINY), np.float64)
