"""Indexes fused, held against music-map. Only indexes have a voice: music-map judges."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from artistindex.errors import Misuse
from artistindex.evaluation import bootstrap
from artistindex.evaluation.agreement import shared
from artistindex.evaluation.artist_retrieval import fused_name
from artistindex.evaluation.bootstrap import Difference
from artistindex.evaluation.evaluate import (
    Evaluation,
    judge,
    pool_notes,
    truth_notes,
)
from artistindex.evaluation.spaces import Similarities, Space, open_spaces
from artistindex.index.reader import ArtistIndex
from artistindex.listeners.truth_files import read_truth
from artistindex.query import fusion

Ints = NDArray[np.int64]

_APART = 1e-12  # keeps ties in the order that the fusion gives them


@dataclass(frozen=True, eq=False)
class FusedSpace(Space):
    """Several spaces of the same artists, in the same order, joined by a method of `fusion`.

    Similarities are fused scores: they rank the artists for one of them, and are not symmetric.
    """

    parts: tuple[Space, ...] = ()
    method: str = "rrf"

    def similarities(self, rows: Ints) -> Similarities:
        """The fused scores of all artists for some, of shape (len(rows), n); highest for itself."""
        said = [part.similarities(rows) for part in self.parts]
        made = np.full((len(rows), len(self)), np.inf)
        for at, row in enumerate(rows):
            others = np.delete(np.arange(len(self)), row)
            voices = [
                fusion.RankedList.of_all(part.name, scores[at, others])
                for part, scores in zip(self.parts, said, strict=True)
            ]
            found = fusion.fuse(voices, self.method)
            order = found.order()
            made[at, others[order]] = found.scores[order] - _APART * np.arange(len(order))
        return made

    def only(self, rows: Ints) -> "FusedSpace":
        """The space of the artists in `rows` alone, in that order."""
        cut = Space(self.name, self.artists, together=self.together).only(rows)
        parts = tuple(part.only(rows) for part in self.parts)
        return replace(self, artists=cut.artists, together=cut.together, parts=parts)


@dataclass(frozen=True, eq=False)
class FusedEvaluation(Evaluation):
    """Some indexes and their fusions; `differences` maps (fusion, index, metric) to the paired
    difference, the fusion less the index."""

    differences: dict[tuple[str, str, str], Difference] = field(default_factory=dict)

    def to_json(self, *, per_artist: bool = False) -> dict[str, Any]:
        """The shape of an evaluation, and `differences`."""
        return super().to_json(per_artist=per_artist) | {
            "differences": [
                {"indexes": [one, other], "metric": metric, **found.to_json()}
                for (one, other, metric), found in self.differences.items()
            ]
        }


def evaluate_fused(
    indexes: Sequence[Path | str | ArtistIndex],
    truth: Path | str,
    *,
    ks: Sequence[int] | None = None,
    seed: int = 0,
    resamples: int = bootstrap.RESAMPLES,
) -> FusedEvaluation:
    """As `evaluate`, on the artists that all `indexes` share, with the indexes' fusions beside.

    Raises what `evaluate` raises, and Misuse for fewer than two indexes.
    """
    if len(indexes) < 2:
        raise Misuse(f"a fusion takes at least two indexes, not {len(indexes)}")
    known = read_truth(Path(truth))
    spaces = shared(open_spaces(indexes))
    fusions = [
        FusedSpace(
            name=fused_name(method),
            artists=spaces[0].artists,
            together=spaces[0].together,
            parts=tuple(spaces),
            method=method,
        )
        for method in fusion.FusionMethod
    ]
    judged = [
        judge(space, known, ks=ks, seed=seed, resamples=resamples) for space in (*spaces, *fusions)
    ]
    differences = {}
    for one in judged[len(spaces) :]:
        for other in judged[: len(spaces)]:
            each = bootstrap.paired_differences(
                one.values, other.values, seed=seed, resamples=resamples
            )
            for metric, found in zip(one.columns, each, strict=True):
                differences[one.index, other.index, metric] = found
    return FusedEvaluation(
        str(truth),
        tuple(judged),
        (
            f"judged on the {len(spaces[0])} artists that all indexes share",
            *truth_notes(known),
            *pool_notes(judged[0]),
        ),
        differences=differences,
    )
