"""Indexes held against a truth: `evaluate`, every metric that it reports, and what it returns."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from artistindex import naming
from artistindex.errors import Misuse
from artistindex.evaluation import bootstrap, chance, metrics
from artistindex.evaluation.bootstrap import Estimate
from artistindex.evaluation.chance import Chance
from artistindex.evaluation.metrics import Pool
from artistindex.evaluation.protocol import Protocol, Query, QueryRanking, make_protocol, rank
from artistindex.evaluation.provenance import Provenance
from artistindex.evaluation.spaces import Space, open_spaces, origins_of
from artistindex.index.reader import ArtistIndex
from artistindex.listeners.truth_files import GroundTruth, read_truth

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

DEFAULT_KS = (5, 10)
_FEW_QUERIES = 30


@dataclass(frozen=True, eq=False)
class IndexEvaluation:
    """One index held against a truth: the `protocol`, the `metrics`, and every query's detail.

    `values`, float64, has shape (queries, ranking metrics), its columns named by `columns`.
    """

    index: str
    protocol: Protocol
    ks: tuple[int, ...]
    metrics: dict[str, Estimate]
    columns: tuple[str, ...]
    values: Floats
    rankings: tuple[QueryRanking, ...]

    def column(self, metric: str) -> Floats:
        """Return one metric of every query, float64 of shape (queries,)."""
        return self.values[:, self.columns.index(metric)]

    def per_artist(self) -> list[dict[str, Any]]:
        """Return every query's list sizes, metrics, nearest artists and listed neighbours."""
        artists = self.protocol.artists
        return [
            {
                "artist": artists[ranking.query.row],
                "listed": ranking.query.listed,
                "in_pool": len(ranking.query.rows),
                "metrics": dict(zip(self.columns, map(float, values), strict=True)),
                "nearest": [artists[row] for row in ranking.top],
                "relevant": (
                    first := [artists[row] for row in ranking.query.rows[: len(ranking.top)]]
                ),
                "music_map": first,
            }
            for ranking, values in zip(self.rankings, self.values, strict=True)
        ]

    def to_json(self, *, per_artist: bool = False) -> dict[str, Any]:
        """Return the evaluation as a JSON object."""
        left_out = self.protocol.left_out
        document: dict[str, Any] = {
            "index": self.index,
            "queries": len(self.protocol.queries),
            "pool": len(self.protocol.artists),
            "candidates": self.protocol.candidates,
            "coverage": self.protocol.coverage,
            "listed": self.protocol.listed,
            "listed_in_pool": self.protocol.listed_in_pool,
            "names_in_pool": self.protocol.names_in_pool,
            "left_out": {reason: len(artists) for reason, artists in left_out.items()},
            "lists_unused": self.protocol.lists_unused,
            "kept_apart": self.protocol.excluded,
            "metrics": {name: estimate.to_json() for name, estimate in self.metrics.items()},
        }
        if per_artist:
            document["artists"] = self.per_artist()
            document["left_out_artists"] = {
                reason: list(artists) for reason, artists in left_out.items()
            }
        return document


def headline_of(evaluations: Sequence[IndexEvaluation], k: int) -> str:
    """Return the metric to judge by: overlap@`k`, else recall@`k`, where lists have no order.

    recall@k is the mean of overlap@k over all orders of the lists.
    """
    overlap = f"overlap@{k}"
    is_ranked = all(overlap in evaluation.columns for evaluation in evaluations)
    return overlap if is_ranked else f"recall@{k}"


@dataclass(frozen=True, slots=True)
class TruthReading:
    """What a truth file was understood as: its shape, and how much it says."""

    format: str
    queries: int
    pairs: int
    names: int
    is_ranked: bool
    is_graded: bool

    @classmethod
    def of(cls, truth: GroundTruth) -> Self:
        """Return what `truth` was understood as."""
        return cls(
            format=str(truth.format),
            queries=len(truth.lists),
            pairs=truth.pairs,
            names=len(truth.keys),
            is_ranked=truth.is_ranked,
            is_graded=truth.is_graded,
        )

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object `read_as`."""
        return asdict(self)


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Some indexes held against one truth.

    `reading` is what it was read as, `judge` who made it.
    """

    truth: str
    indexes: tuple[IndexEvaluation, ...]
    notes: tuple[str, ...] = ()
    judge: str = "music-map"
    reading: TruthReading | None = None
    provenance: Provenance | None = None

    def to_json(self, *, per_artist: bool = False) -> dict[str, Any]:
        """Return the shape that `artistindex evaluate --format json` prints."""
        return {
            "truth": self.truth,
            "read_as": None if self.reading is None else self.reading.to_json(),
            "indexes": [index.to_json(per_artist=per_artist) for index in self.indexes],
            "notes": list(self.notes),
            "provenance": None if self.provenance is None else self.provenance.to_json(),
        }


def evaluate(
    indexes: Sequence[Path | str | ArtistIndex],
    truth: Path | str,
    *,
    ks: Sequence[int] | None = None,
    seed: int = 0,
    resamples: int = bootstrap.RESAMPLES,
) -> Evaluation:
    """Tell how far some indexes agree with the file `truth`. Read-only.

    It may hold music-map's lists or any other shape that docs/evaluation.md names.
    Each index is judged on its own pool; use `compare` for a fair contest. `ks` default to 5 and
    10; a `k` given explicitly must not exceed the candidates of any index.

    Raises Misuse for a truth of another shape, without an artist in common, or such a `k`;
    BrokenIndex for an index that cannot be read.
    """
    spaces = open_spaces(indexes)
    return evaluate_spaces(spaces, truth, ks=ks, seed=seed, resamples=resamples)


def evaluate_spaces(
    spaces: Sequence[Space],
    truth: Path | str,
    *,
    is_one_pool: bool = False,
    ks: Sequence[int] | None = None,
    seed: int = 0,
    resamples: int = bootstrap.RESAMPLES,
) -> Evaluation:
    """Hold spaces against `truth`; raises Misuse as `evaluate` does.

    Where all have the same artists, `is_one_pool`, one remark on the pool is enough.
    """
    ground_truth = read_truth(Path(truth))
    evaluations = [
        evaluate_space(space, ground_truth, ks=ks, seed=seed, resamples=resamples)
        for space in spaces
    ]
    pools = evaluations[:1] if is_one_pool else evaluations
    notes = [*truth_notes(ground_truth), *(note for pool in pools for note in pool_notes(pool))]
    return Evaluation(
        str(truth),
        tuple(evaluations),
        tuple(notes),
        judge=ground_truth.judge,
        reading=TruthReading.of(ground_truth),
        provenance=Provenance.of(origins_of(spaces), ground_truth, seed=seed, resamples=resamples),
    )


def evaluate_space(
    space: Space,
    truth: GroundTruth,
    *,
    ks: Sequence[int] | None = None,
    seed: int = 0,
    resamples: int = bootstrap.RESAMPLES,
) -> IndexEvaluation:
    """Hold one space against a truth; raises Misuse as `evaluate` does."""
    protocol = make_protocol(space, truth)
    ks = checked_ks(ks, space, protocol.candidates)
    chosen = ranking_metrics(ks, is_ranked=truth.is_ranked, is_graded=truth.is_graded)
    rankings = rank(space, protocol.queries, top=max(ks))
    values = values_of(chosen, rankings)
    return IndexEvaluation(
        index=space.name,
        protocol=protocol,
        ks=ks,
        metrics={
            **estimates(chosen, values, protocol, seed=seed, resamples=resamples),
            **(correlations(rankings, seed=seed, resamples=resamples) if truth.is_graded else {}),
        },
        columns=tuple(metric.name for metric in chosen),
        values=values,
        rankings=tuple(rankings),
    )


def checked_ks(ks: Sequence[int] | None, space: Space, candidates: int) -> tuple[int, ...]:
    """Return the ks to use, ascending; raises Misuse for one below 1 or above the candidates."""
    for k in ks or ():
        if k < 1:
            raise Misuse(f"k must be at least 1, not {k}")
        if k > candidates:
            raise Misuse(
                f"k = {k} is larger than the pool of {space.name}, where {candidates} artists are"
                f" ranked for each query: choose k up to {candidates}"
            )
    return tuple(sorted(set(ks or DEFAULT_KS)))


# --- the metrics --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RankingMetric:
    """A metric by `name`, as a function of a query and its ranks (R,), with its chance."""

    name: str
    value: Callable[[Query, Ints], float]
    chance: Callable[[Query], Chance]
    pool: Pool = Pool.CLOSED
    needs_order: bool = False
    needs_strengths: bool = False


def ranking_metrics(
    ks: Sequence[int], *, is_ranked: bool = True, is_graded: bool = True
) -> list[RankingMetric]:
    """Return every ranking metric that a truth allows, for each k.

    The overlaps hold the index's first against the list's first: a list without order has none.
    """
    mrr = RankingMetric(
        "mrr",
        lambda query, ranks: metrics.reciprocal_rank(ranks),
        lambda query: chance.reciprocal_rank(query.relevant, query.candidates),
    )
    chosen = [metric for k in ks for metric in _metrics_at(k)]
    return [
        *(
            metric
            for metric in chosen
            if (is_ranked or not metric.needs_order) and (is_graded or not metric.needs_strengths)
        ),
        mrr,
    ]


def overlap_metric(k: int) -> RankingMetric:
    """Return overlap@k alone, for curves over k."""
    return RankingMetric(
        f"overlap@{k}",
        lambda query, ranks: metrics.overlap(ranks, k),
        lambda query: chance.overlap(query.relevant, query.candidates, k),
        needs_order=True,
    )


def recall_metric(k: int) -> RankingMetric:
    """Return recall@k alone, for curves over k."""
    return RankingMetric(
        f"recall@{k}",
        lambda query, ranks: metrics.recall(ranks, k),
        lambda query: chance.recall(query.relevant, query.candidates, k),
    )


def _metrics_at(k: int) -> list[RankingMetric]:
    return [
        overlap_metric(k),
        RankingMetric(
            f"open_overlap@{k}",
            lambda query, ranks: metrics.open_overlap(ranks, query.places, k),
            lambda query: chance.open_overlap(query.places, query.candidates, k),
            Pool.OPEN,
            needs_order=True,
        ),
        RankingMetric(
            f"precision@{k}",
            lambda query, ranks: metrics.precision(ranks, k),
            lambda query: chance.precision(query.relevant, query.candidates, k),
        ),
        recall_metric(k),
        RankingMetric(
            f"ndcg@{k}",
            lambda query, ranks: metrics.ndcg(ranks, np.ones(len(ranks)), k),
            lambda query: chance.ndcg(np.ones(query.relevant), query.candidates, k),
        ),
        RankingMetric(
            f"graded_ndcg@{k}",
            lambda query, ranks: metrics.ndcg(ranks, query.gains, k),
            lambda query: chance.ndcg(query.gains, query.candidates, k),
            needs_strengths=True,
        ),
        RankingMetric(
            f"hit@{k}",
            lambda query, ranks: metrics.hit(ranks, k),
            lambda query: chance.hit(query.relevant, query.candidates, k),
        ),
    ]


def values_of(chosen: Sequence[RankingMetric], rankings: Sequence[QueryRanking]) -> Floats:
    """Return every metric of every query, float64 of shape (queries, metrics)."""
    return np.array(
        [[metric.value(ranking.query, ranking.ranks) for metric in chosen] for ranking in rankings]
    )


def estimates(
    chosen: Sequence[RankingMetric],
    values: Floats,
    protocol: Protocol,
    *,
    seed: int,
    resamples: int,
) -> dict[str, Estimate]:
    """Return means, intervals, chance and ceiling of some metrics, by name.

    `values`, (queries, metrics), has a row for each of the protocol's queries and a column for each
    of `chosen`.
    """
    chances = [[metric.chance(query) for query in protocol.queries] for metric in chosen]
    of_columns = bootstrap.estimates(values, chances, seed=seed, resamples=resamples)
    return {
        metric.name: replace(estimate, pool=metric.pool, ceiling=_ceiling(metric, protocol))
        for metric, estimate in zip(chosen, of_columns, strict=True)
    }


def _ceiling(metric: RankingMetric, protocol: Protocol) -> float:
    """What a ranking reaches that puts the listed neighbours first, in the list's order."""
    perfect = [metric.value(query, np.arange(1, query.relevant + 1)) for query in protocol.queries]
    return float(np.mean(perfect))


def correlations(
    rankings: Sequence[QueryRanking], *, seed: int, resamples: int
) -> dict[str, Estimate]:
    """Return Pearson and Spearman of cosine and strength, over in-pool pairs with a strength.

    Spearman's intervals draw queries again but keep the ranks of the whole sample. Chance is 0.
    """
    owners = np.repeat(np.arange(len(rankings)), [len(ranking.ranks) for ranking in rankings])
    cosines = np.concatenate([ranking.cosines for ranking in rankings])
    strengths = np.concatenate([ranking.query.strengths for ranking in rankings])
    known = np.isfinite(strengths)
    owners, cosines, strengths = owners[known], cosines[known], strengths[known]
    samples = {
        "pearson": (cosines, strengths),
        "spearman": (rankdata(cosines), rankdata(strengths)),
    }
    by_name = {}
    for name, (first, second) in samples.items():
        value = metrics.pearson(first, second)
        drawn = bootstrap.resampled_pearson(
            first, second, owners, len(rankings), seed=seed, resamples=resamples
        )
        ends = bootstrap.interval(drawn, len(np.unique(owners)))
        by_name[name] = (
            Estimate(None, None, None, chance=0.0)
            if np.isnan(value)
            else Estimate(value, *ends, chance=0.0)
        )
    return by_name


# --- remarks ------------------------------------------------------------------------------------


def truth_notes(truth: GroundTruth) -> list[str]:
    """Return what a person should know about the truth file, in sentences."""
    notes = []
    if truth.repeated:
        shown = ", ".join(naming.truncate(name, 60) for name in truth.repeated[:3])
        notes.append(
            f"{truth.path} repeats {len(truth.repeated)} names in another spelling or in one list"
            f" ({shown}): the first counts"
        )
    if truth.ties:
        notes.append(
            f"{truth.ties} listed artists have a strength that another of their list has too: they"
            " stand in the file's order"
        )
    if truth.nowhere:
        notes.append(f"{truth.nowhere} pairs have a strength of 0 or below, and count as unlike")
    if truth.unknown_strengths and truth.is_graded:
        notes.append(
            f"{truth.unknown_strengths} listed artists have no strength: they count as the weakest"
            " of their list and not in the correlations"
        )
    return notes


def pool_notes(evaluation: IndexEvaluation) -> list[str]:
    """Return what a person should know about a pool, in sentences."""
    name, protocol = evaluation.index, evaluation.protocol
    notes = [
        f"{name}: k = {k} takes in all {protocol.candidates} candidates, so every ranking scores"
        " the same there"
        for k in evaluation.ks
        if k >= protocol.candidates
    ]
    if protocol.excluded:
        notes.append(
            f"{name}: {protocol.excluded} pairs of artists share a recording; neither is a"
            " candidate for the other"
        )
    queries = len(protocol.queries)
    if queries < _FEW_QUERIES:
        notes.append(f"{name}: {queries} queries are few; the intervals are too narrow")
    return notes
