"""Does a held-out track find its artist? Artist retrieval, which needs no truth file.

Every track whose artist has another one is held out in turn: all artists are ranked for it, its own
with that track taken out. Tracks that share its recording are taken out with it, everywhere. Right
answers are the artists credited for the track who have any other left.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from artistindex.errors import BrokenLibrary, Misuse
from artistindex.evaluation import bootstrap, chance, metrics
from artistindex.evaluation.bootstrap import Difference, Estimate
from artistindex.evaluation.chance import Chance
from artistindex.evaluation.metrics import Hubness
from artistindex.evaluation.provenance import IndexOrigin, Provenance
from artistindex.evaluation.spaces import first_rows
from artistindex.evaluation.track_pool import (
    Scorer,
    TrackPool,
    by_centroid,
    fold_of,
    fused,
    read_pools,
)
from artistindex.index.manifest import Manifest
from artistindex.index.transforms import TRANSFORMS
from artistindex.library.library import FILE_NAME, Library
from artistindex.query import fusion

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

HEADLINE = "mrr"
"""The metric by which one way of ranking is called better than another."""

_HUBS_AT = 10
_FEW_ARTISTS = 10


@dataclass(frozen=True, eq=False)
class Retrieval:
    """How well one way of ranking finds the artists of held-out tracks.

    `values`, float64 of shape (queries, metrics), has the columns named by `metrics`; `owners`,
    int64 of shape (queries,), are the rows of the artists whom the queries stand for when intervals
    are drawn, `tracks` (queries,) the places of the queries in the pool. `candidates` is the
    largest number of artists ranked, `left_out` counts tracks that are no query, `hubs` tells how
    unevenly artists turn up among the first ten answers (fewer where there are fewer candidates).
    """

    index: str
    artists: tuple[str, ...]
    candidates: int
    left_out: dict[str, int]
    metrics: dict[str, Estimate]
    values: Floats
    owners: Ints
    tracks: Ints
    hubs: Hubness

    @property
    def queries(self) -> int:
        """How many tracks were held out."""
        return len(self.owners)

    def column(self, metric: str) -> Floats:
        """Return one metric of every query, float64 of shape (queries,)."""
        return self.values[:, list(self.metrics).index(metric)]

    def per_artist(self) -> list[dict[str, Any]]:
        """Return each artist's number of held-out tracks and the means over them."""
        return [
            {
                "artist": self.artists[row],
                "tracks": int(np.sum(self.owners == row)),
                "metrics": {
                    name: float(self.column(name)[self.owners == row].mean())
                    for name in self.metrics
                },
            }
            for row in np.unique(self.owners)
        ]

    def to_json(self, *, per_artist: bool = False) -> dict[str, Any]:
        """Return the retrieval as a JSON object."""
        document: dict[str, Any] = {
            "index": self.index,
            "queries": self.queries,
            "artists": len(np.unique(self.owners)),
            "candidates": self.candidates,
            "left_out": self.left_out,
            "metrics": {name: estimate.to_json() for name, estimate in self.metrics.items()},
            "hubness": self.hubs.to_json(),
        }
        if per_artist:
            document["per_artist"] = self.per_artist()
        return document


@dataclass(frozen=True, eq=False)
class RankerComparison:
    """Several ways of ranking for the same held-out tracks.

    `differences` maps (first, second) to the paired difference in `HEADLINE`, first less second,
    its p-value corrected for how many differences there are.
    """

    retrievals: tuple[Retrieval, ...]
    differences: Mapping[tuple[str, str], Difference]
    notes: tuple[str, ...] = ()
    provenance: Provenance | None = None

    def to_json(self, *, per_artist: bool = False) -> dict[str, Any]:
        """Return the shape that `artistindex evaluate --artist-retrieval --format json` prints."""
        return {
            "protocol": "artist retrieval",
            "indexes": [retrieval.to_json(per_artist=per_artist) for retrieval in self.retrievals],
            "differences": [
                {"indexes": list(pair), "metric": HEADLINE, **difference.to_json()}
                for pair, difference in self.differences.items()
            ],
            "notes": list(self.notes),
            "provenance": None if self.provenance is None else self.provenance.to_json(),
        }


def artist_retrieval(
    indexes: Sequence[Path | str],
    *,
    is_fused: bool = False,
    ks: Sequence[int] | None = None,
    seed: int = 0,
    resamples: int = bootstrap.RESAMPLES,
) -> RankerComparison:
    """Hold every track out of its artist, in each of `indexes`, folders beside one library.

    Each is judged in its own transform, on all tracks of the library that have vectors for all of
    them. `is_fused` adds their fusions; `ks` adds hit@k for each. Read-only.

    Raises BrokenIndex, BrokenLibrary without a library, Misuse where no artist has two tracks, for
    indexes of several libraries, and for a `k` below 1 or a fusion of one index.
    """
    _check_ks(ks)
    if is_fused and len(indexes) < 2:
        raise Misuse(f"a fusion takes at least two indexes, not {len(indexes)}")
    manifests = [Manifest.read(Path(folder)) for folder in indexes]
    pools = _pools([Path(folder) for folder in indexes], manifests)
    scorers = {
        manifest.key.model: by_centroid(pool, transform=manifest.transform)
        for manifest, pool in zip(manifests, pools, strict=True)
    }
    if is_fused:
        scorers |= {
            fused_name(method): fused(tuple(scorers.values()), method=method)
            for method in fusion.FusionMethod
        }
    comparison = compare_rankers(pools[0], scorers, ks=ks or (), seed=seed, resamples=resamples)
    return replace(comparison, provenance=_provenance(indexes, manifests, seed, resamples))


def _provenance(
    folders: Sequence[Path | str], manifests: Sequence[Manifest], seed: int, resamples: int
) -> Provenance:
    origins = [
        IndexOrigin.of(manifest.key.model, str(folder), manifest)
        for folder, manifest in zip(folders, manifests, strict=True)
    ]
    return Provenance.of(origins, None, seed=seed, resamples=resamples)


def compare_transforms(
    folder: Path | str,
    *,
    ks: Sequence[int] | None = None,
    seed: int = 0,
    resamples: int = bootstrap.RESAMPLES,
) -> RankerComparison:
    """Hold tracks out in the space of every transform; differences are from the one without.

    Raises what `artist_retrieval` raises.
    """
    _check_ks(ks)
    manifest = Manifest.read(Path(folder))
    (pool,) = _pools([Path(folder)], [manifest])
    scorers = {name: by_centroid(pool, transform=name) for name in TRANSFORMS}
    comparison = compare_rankers(
        pool, scorers, against=TRANSFORMS[0], ks=ks or (), seed=seed, resamples=resamples
    )
    return replace(comparison, provenance=_provenance([folder], [manifest], seed, resamples))


def _check_ks(ks: Sequence[int] | None) -> None:
    for k in ks or ():
        if k < 1:
            raise Misuse(f"k must be at least 1, not {k}")


def fused_name(method: str) -> str:
    """Return what a fusion is called where it stands among indexes."""
    return f"fused by {method}"


def compare_rankers(
    pool: TrackPool,
    scorers: Mapping[str, Scorer],
    *,
    against: str | None = None,
    ks: Sequence[int] = (),
    seed: int = 0,
    resamples: int = bootstrap.RESAMPLES,
) -> RankerComparison:
    """Hold out the tracks of one pool for several scorers.

    Differences are `against` one of them, else of all pairs. Raises Misuse as `retrieve` does.
    """
    retrievals = [
        retrieve(name, pool, scorer, ks=ks, seed=seed, resamples=resamples)
        for name, scorer in scorers.items()
    ]
    pairs = list(_pairs(retrievals, against))
    differences = bootstrap.corrected(
        [
            bootstrap.paired_differences(
                first.column(HEADLINE)[:, None],
                second.column(HEADLINE)[:, None],
                first.owners,
                resamples=resamples,
                seed=seed,
            )[0]
            for first, second in pairs
        ]
    )
    names = [(first.index, second.index) for first, second in pairs]
    return RankerComparison(
        tuple(retrievals), dict(zip(names, differences, strict=True)), _notes(retrievals[0], pool)
    )


def _pairs(
    retrievals: Sequence[Retrieval], against: str | None
) -> Iterator[tuple[Retrieval, Retrieval]]:
    for number, second in enumerate(retrievals):
        if against is None:
            yield from ((first, second) for first in retrievals[number + 1 :])
        elif second.index == against:
            yield from ((first, second) for first in retrievals if first is not second)


def retrieve(
    name: str,
    pool: TrackPool,
    scorer: Scorer,
    *,
    ks: Sequence[int] = (),
    seed: int = 0,
    resamples: int = bootstrap.RESAMPLES,
) -> Retrieval:
    """Hold out every track of `pool` that can be; raises Misuse where none can.

    Intervals draw artists again, not tracks. A tie counts against the artist looked for.
    """
    names = ("hit@1", *(f"hit@{k}" for k in sorted({*ks} - {1})), HEADLINE, "ndcg")
    values: list[list[float]] = []
    chances: list[list[Chance]] = []
    owners, tracks, nearest, candidates = [], [], [], 0
    left_out: Counter[str] = Counter()
    for track in sorted(range(len(pool)), key=lambda track: (fold_of(pool, track), track)):
        remaining = pool.remaining(track)
        right = np.array([row for row in pool.artists_of[track] if len(remaining[row])], np.int64)
        others = len(pool.artists) - sum(not len(tracks_left) for tracks_left in remaining.values())
        if not len(right) or others < 2:
            left_out["no other track of the artist" if not len(right) else "nobody else"] += 1
            continue
        scores = scorer(track)
        ranks = np.sum(scores[None, :] >= scores[right][:, None], axis=1)
        values.append([_value(metric, ranks, others) for metric in names])
        chances.append([_chance(metric, len(right), others) for metric in names])
        owners.append(int(right[0]))
        tracks.append(track)
        nearest.append(first_rows(scores, _HUBS_AT))
        candidates = max(candidates, others)
    if not values:
        raise Misuse("no artist has two tracks that are not one recording: nothing can be held out")
    order = np.argsort(tracks)  # as they are in the pool
    in_order = np.array(values)[order]
    estimates = bootstrap.estimates(
        in_order,
        list(zip(*(chances[at] for at in order), strict=True)),
        owners=np.array(owners)[order],
        seed=seed,
        resamples=resamples,
    )
    top = min(_HUBS_AT, max(1, candidates // 2))
    return Retrieval(
        index=name,
        artists=pool.artists,
        candidates=candidates,
        left_out=dict(left_out),
        metrics=dict(zip(names, estimates, strict=True)),
        values=in_order,
        owners=np.array(owners)[order],
        tracks=np.array(tracks, np.int64)[order],
        hubs=metrics.hubness(np.array(nearest)[order, :top], len(pool.artists)),
    )


def _value(metric: str, ranks: Ints, others: int) -> float:
    if metric == HEADLINE:
        return metrics.reciprocal_rank(ranks)
    if metric == "ndcg":
        return metrics.ndcg(ranks, np.ones(len(ranks)), others)
    return metrics.hit(ranks, int(metric.partition("@")[2]))


def _chance(metric: str, right: int, others: int) -> Chance:
    if metric == HEADLINE:
        return chance.reciprocal_rank(right, others)
    if metric == "ndcg":
        return chance.ndcg(np.ones(right), others, others)
    return chance.hit(right, others, int(metric.partition("@")[2]))


def _notes(retrieval: Retrieval, pool: TrackPool) -> tuple[str, ...]:
    artists = len(np.unique(retrieval.owners))
    left_out = "".join(
        f"; {count} left out: {reason}" for reason, count in retrieval.left_out.items()
    )
    notes = [
        f"{retrieval.queries} tracks of {artists} artists held out, one at a time, among up to"
        f" {retrieval.candidates} artists{left_out}"
    ]
    shared = int(np.sum(np.bincount(pool.recordings)[pool.recordings] > 1))
    if shared:
        notes.append(f"{shared} tracks share a recording with another one, and never help it")
    if artists < _FEW_ARTISTS:
        notes.append(f"{artists} artists are few; the intervals are too narrow")
    return tuple(notes)


def _pools(folders: Sequence[Path], manifests: Sequence[Manifest]) -> list[TrackPool]:
    if len({folder.resolve().parent for folder in folders}) > 1:
        raise Misuse("artist retrieval takes indexes of one library, side by side in one folder")
    with library_beside(folders[0]) as library:
        return read_pools(library, [manifest.key for manifest in manifests])


def library_beside(folder: Path) -> Library:
    """Open, for reading, the library that the index in `folder` was built from.

    Raises BrokenLibrary where there is none, as beside a copied index.
    """
    path = folder.resolve().parent / FILE_NAME
    if not path.is_file():
        raise BrokenLibrary(
            f"artist retrieval needs the vectors of single tracks, and there is no {FILE_NAME}"
            f" beside the index {folder}: run it where the index was built"
        )
    return Library.open(path, read_only=True)
