"""What tells a gain from an artefact, and small libraries from large ones."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from artistindex.evaluation.artist_retrieval import HEADLINE, retrieve
from artistindex.evaluation.track_pool import TrackPool, by_centroid
from artistindex.index.transforms import WHITEN_TRACKS, unit
from rankers import by_closest_tracks, part_of

Floats = NDArray[np.float64]

SIZES = (8, 16, 32, 48)
DRAWS = 12
CONTROL_SHRINKAGES = (0.5, 0.2, 0.05, 0.01)

# --- what fitting without the held-out track's artist shows, of names dealt out at random --------


def control_table(pool: TrackPool) -> str:
    """Say what two protocols find where there is nothing to find: MRR of the closest track.

    Names are dealt out to the tracks at random. A transform is fitted on all other tracks, or on
    those of other names alone.
    """
    draw = np.random.default_rng(0)
    owners = draw.permutation(pool.credits.argmax(axis=0))
    units = unit(pool.vectors).astype(np.float64)
    lines = [
        "| variances drawn to their mean by | fitted without the track | without the artist |",
        "|---|---|---|",
    ]
    for shrinkage in CONTROL_SHRINKAGES:
        values = np.array([_dealt(units, owners, track, shrinkage) for track in _queries(owners)])
        without_track, without_name = values.mean(axis=0)
        lines.append(f"| {shrinkage:g} | {without_track:.3f} | {without_name:.3f} |")
    return "\n".join(lines)


def _queries(owners: NDArray[np.int64]) -> list[int]:
    """Return every third track whose name has another one."""
    counts = np.bincount(owners)
    return [track for track in range(len(owners)) if counts[owners[track]] > 1][::3]


def _dealt(
    units: Floats, owners: NDArray[np.int64], track: int, shrinkage: float
) -> tuple[float, float]:
    others = np.arange(len(units)) != track
    ranks = []
    for fitted_on in (others, owners != owners[track]):
        spaced = unit(_whitened(units, units[fitted_on], shrinkage)).astype(np.float64)
        similarities = np.where(others, spaced @ spaced[track], -np.inf)
        best = np.full(owners.max() + 1, -np.inf)
        np.maximum.at(best, owners, similarities)
        ranks.append(1 / np.sum(best >= best[owners[track]]))
    return ranks[0], ranks[1]


def _whitened(rows: Floats, fitted_on: Floats, shrinkage: float) -> Floats:
    centred = fitted_on - fitted_on.mean(axis=0)
    variances, directions = np.linalg.eigh(centred.T @ centred / len(centred))
    shrunk = (1 - shrinkage) * np.maximum(variances, 0) + shrinkage * variances.mean()
    return np.asarray((rows - fitted_on.mean(axis=0)) @ directions / np.sqrt(shrunk), np.float64)


# --- how large a library must be ----------------------------------------------------------------


def sizes_table(pool: TrackPool) -> str:
    """Say what whitening does to small libraries, with and without the background.

    Libraries of so many artists are drawn at random; the gain is in MRR over the plain centroid.
    """
    draw = np.random.default_rng(0)
    lines = [
        "| artists | MRR plain | centroid, with the background | without | closest track, with"
        " | without |",
        "|---|---|---|---|---|---|",
    ]
    for size in (*SIZES, len(pool.artists)):
        draws = DRAWS if size < len(pool.artists) else 1
        values: list[list[float]] = []
        for _ in range(draws):
            artists = draw.permutation(len(pool.artists))[:size]
            values.append(_gains(part_of(pool, np.asarray(pool.credits[artists].any(axis=0)))))
        mean, *gains = np.mean(values, axis=0)
        cells = [f"{size}", f"{mean:.3f}", *(f"{gain:+.3f}" for gain in gains)]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _gains(pool: TrackPool) -> list[float]:
    bare = replace(pool, background=None)
    scorers = [by_centroid(pool)] + [
        rank(collection, transform=WHITEN_TRACKS)
        for rank in (by_centroid, by_closest_tracks)
        for collection in (pool, bare)
    ]
    plain, *others = (
        float(retrieve("", pool, scorer, resamples=2).column(HEADLINE).mean()) for scorer in scorers
    )
    return [plain, *(value - plain for value in others)]
