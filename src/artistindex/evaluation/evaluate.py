"""Indexes held against a truth: `evaluate`, and what it returns."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from artistindex.errors import Misuse
from artistindex.evaluation import bootstrap
from artistindex.evaluation.measures import (
    Estimate,
    correlations,
    estimates,
    measures,
    values_of,
)
from artistindex.evaluation.protocol import Protocol, QueryRanking, make_protocol, rank
from artistindex.evaluation.spaces import Space, open_spaces
from artistindex.index.reader import ArtistIndex
from artistindex.listeners.truth_files import GroundTruth, read_truth

Floats = NDArray[np.float64]

DEFAULT_KS = (5, 10)
_FEW_QUERIES = 30


@dataclass(frozen=True, eq=False)
class IndexEvaluation:
    """One index held against a truth: the `setup`, the `metrics`, and every query's detail.

    `values` has shape (queries, ranking metrics), its columns named by `columns`.
    """

    index: str
    setup: Protocol
    ks: tuple[int, ...]
    metrics: dict[str, Estimate]
    columns: tuple[str, ...]
    values: Floats
    ranked: tuple[QueryRanking, ...]

    def column(self, metric: str) -> Floats:
        """One metric of every query, of shape (queries,)."""
        return self.values[:, self.columns.index(metric)]

    def per_artist(self) -> list[dict[str, Any]]:
        """Every query with its list sizes, its metrics, its nearest and its listed neighbours."""
        artists = self.setup.artists
        return [
            {
                "artist": artists[one.query.row],
                "listed": one.query.listed,
                "in_pool": len(one.query.rows),
                "metrics": dict(zip(self.columns, map(float, values), strict=True)),
                "nearest": [artists[row] for row in one.top],
                "music_map": [artists[row] for row in one.query.rows[: len(one.top)]],
            }
            for one, values in zip(self.ranked, self.values, strict=True)
        ]

    def to_json(self, *, per_artist: bool = False) -> dict[str, Any]:
        """The evaluation as a JSON object."""
        made: dict[str, Any] = {
            "index": self.index,
            "queries": len(self.setup.queries),
            "pool": len(self.setup.artists),
            "candidates": self.setup.candidates,
            "coverage": self.setup.coverage,
            "listed": self.setup.listed,
            "listed_in_pool": self.setup.found,
            "left_out": {reason: len(left) for reason, left in self.setup.left_out.items()},
            "lists_unused": self.setup.lists_unused,
            "kept_apart": self.setup.excluded,
            "metrics": {name: estimate.to_json() for name, estimate in self.metrics.items()},
        }
        if per_artist:
            made["artists"] = self.per_artist()
            made["left_out_artists"] = {
                reason: list(left) for reason, left in self.setup.left_out.items()
            }
        return made


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Some indexes held against one truth."""

    truth: str
    indexes: tuple[IndexEvaluation, ...]
    notes: tuple[str, ...] = ()

    def to_json(self, *, per_artist: bool = False) -> dict[str, Any]:
        """The shape that `artistindex evaluate --format json` prints."""
        return {
            "truth": self.truth,
            "indexes": [each.to_json(per_artist=per_artist) for each in self.indexes],
            "notes": list(self.notes),
        }


def evaluate(
    indexes: Sequence[Path | str | ArtistIndex],
    truth: Path | str,
    *,
    ks: Sequence[int] | None = None,
    seed: int = 0,
    resamples: int = bootstrap.RESAMPLES,
) -> Evaluation:
    """How far some indexes agree with the music-map lists in the file `truth`.

    Each index is judged on its own pool; use `compare` for a fair contest. `ks` default to 5 and
    10; a `k` given explicitly must not exceed the candidates of any index. Read-only.

    Raises Misuse for a truth of another shape, without an artist in common, or such a `k`;
    BrokenIndex for an index that cannot be read.
    """
    known = read_truth(Path(truth))
    judged = [
        judge(space, known, ks=ks, seed=seed, resamples=resamples) for space in open_spaces(indexes)
    ]
    notes = [*truth_notes(known), *(note for one in judged for note in pool_notes(one))]
    return Evaluation(str(truth), tuple(judged), tuple(notes))


def judge(
    space: Space,
    truth: GroundTruth,
    *,
    ks: Sequence[int] | None = None,
    seed: int = 0,
    resamples: int = bootstrap.RESAMPLES,
) -> IndexEvaluation:
    """Hold one space against a truth; raises Misuse as `evaluate` does."""
    setup = make_protocol(space, truth)
    wanted = checked_ks(ks, space, setup.candidates)
    chosen = measures(wanted)
    ranked = rank(space, setup.queries, top=max(wanted))
    values = values_of(chosen, ranked)
    return IndexEvaluation(
        index=space.name,
        setup=setup,
        ks=wanted,
        metrics={
            **estimates(chosen, values, setup, seed=seed, resamples=resamples),
            **correlations(ranked, seed=seed, resamples=resamples),
        },
        columns=tuple(measure.name for measure in chosen),
        values=values,
        ranked=tuple(ranked),
    )


def checked_ks(ks: Sequence[int] | None, space: Space, candidates: int) -> tuple[int, ...]:
    """The ks to use, ascending; raises Misuse for one below 1 or above the candidates."""
    for k in ks or ():
        if k < 1:
            raise Misuse(f"k must be at least 1, not {k}")
        if k > candidates:
            raise Misuse(
                f"k = {k} is larger than the pool of {space.name}, where {candidates} artists are"
                f" ranked for each query: choose k up to {candidates}"
            )
    return tuple(sorted(set(ks or DEFAULT_KS)))


def truth_notes(truth: GroundTruth) -> list[str]:
    """What a person should know about the truth file, in sentences."""
    notes = []
    if truth.repeated:
        shown = ", ".join(name[:60] for name in truth.repeated[:3])
        notes.append(
            f"{truth.path} repeats {len(truth.repeated)} names in another spelling or in one list"
            f" ({shown}): the first counts"
        )
    if truth.unknown_strengths:
        notes.append(
            f"{truth.unknown_strengths} listed artists have no strength: they count as the weakest"
            " of their list and not in the correlations"
        )
    return notes


def pool_notes(judged: IndexEvaluation) -> list[str]:
    """What a person should know about a pool, in sentences."""
    notes = [
        f"{judged.index}: k = {k} takes in all {judged.setup.candidates} candidates, so every"
        " ranking scores the same there"
        for k in judged.ks
        if k >= judged.setup.candidates
    ]
    if judged.setup.excluded:
        notes.append(
            f"{judged.index}: {judged.setup.excluded} pairs of artists share a recording; neither"
            " is a candidate for the other"
        )
    if len(judged.setup.queries) < _FEW_QUERIES:
        notes.append(
            f"{judged.index}: {len(judged.setup.queries)} queries are few; the intervals are too"
            " narrow"
        )
    return notes
