"""Variants of indexes, judged as indexes are: their fusions, and the space of every transform."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from artistindex.errors import Misuse
from artistindex.evaluation import bootstrap
from artistindex.evaluation.agreement import hubs_of
from artistindex.evaluation.artist_retrieval import (
    RankerComparison,
    compare_transforms,
    fused_name,
)
from artistindex.evaluation.bootstrap import Difference
from artistindex.evaluation.evaluate import Evaluation, evaluate_spaces, headline_of
from artistindex.evaluation.metrics import Hubness
from artistindex.evaluation.spaces import (
    Similarities,
    Space,
    open_spaces,
    shared_spaces,
    space_of_index,
)
from artistindex.index.background import background_of
from artistindex.index.reader import ArtistIndex
from artistindex.index.transforms import TRANSFORMS, fit
from artistindex.query import fusion
from artistindex.query.track_vectors import TrackSets

Ints = NDArray[np.int64]

_TIE_BREAK = 1e-12  # keeps ties in the order that the fusion gives them
_HUBS_AT = 10


# --- fusions ------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class FusedSpace(Space):
    """Several spaces of the same artists, in the same order, joined by a method of `fusion`.

    Similarities are fused scores: they rank the artists for one of them, and are not symmetric.
    Only indexes are fused: music-map judges.
    """

    parts: tuple[Space, ...] = ()
    method: str = "rrf"

    def similarities(self, rows: Ints) -> Similarities:
        """Return the fused scores of all artists for some, (len(rows), n); highest for itself."""
        similarities = [part.similarities(rows) for part in self.parts]
        fused_scores = np.full((len(rows), len(self)), np.inf)
        for at, row in enumerate(rows):
            others = np.delete(np.arange(len(self)), row)
            lists = [
                fusion.RankedList.of_all(part.name, scores[at, others])
                for part, scores in zip(self.parts, similarities, strict=True)
            ]
            fused = fusion.fuse(lists, self.method)
            order = fused.order()
            scores = fused.scores[order] - _TIE_BREAK * np.arange(len(order))
            fused_scores[at, others[order]] = scores
        return fused_scores

    def only(self, rows: Ints) -> "FusedSpace":
        """Return the space of the artists in `rows` alone, in that order."""
        cut = Space(self.name, self.artists, ids=self.ids, excluded=self.excluded).only(rows)
        parts = tuple(part.only(rows) for part in self.parts)
        return replace(self, artists=cut.artists, ids=cut.ids, excluded=cut.excluded, parts=parts)


@dataclass(frozen=True, eq=False)
class FusedEvaluation(Evaluation):
    """Some indexes and their fusions; `differences` maps (fusion, index, metric) to the paired
    difference, the fusion less the index."""

    differences: dict[tuple[str, str, str], Difference] = field(default_factory=dict)

    def to_json(self, *, per_artist: bool = False) -> dict[str, Any]:
        """Return the shape of an evaluation, and `differences`."""
        return super().to_json(per_artist=per_artist) | {
            "differences": [
                {"indexes": [fused, index], "metric": metric, **difference.to_json()}
                for (fused, index, metric), difference in self.differences.items()
            ]
        }


def fusions_of(spaces: Sequence[Space]) -> list[FusedSpace]:
    """Return the fusions of spaces of the same artists, by every method."""
    return [
        FusedSpace(
            name=fused_name(method),
            artists=spaces[0].artists,
            ids=spaces[0].ids,
            excluded=spaces[0].excluded,
            parts=tuple(spaces),
            method=method,
        )
        for method in fusion.FusionMethod
    ]


def evaluate_fused(
    indexes: Sequence[Path | str | ArtistIndex],
    truth: Path | str,
    *,
    ks: Sequence[int] | None = None,
    seed: int = 0,
    resamples: int = bootstrap.RESAMPLES,
) -> FusedEvaluation:
    """Evaluate, on the artists that all `indexes` share, the indexes and their fusions.

    Raises what `evaluate` raises, and Misuse for fewer than two indexes.
    """
    if len(indexes) < 2:
        raise Misuse(f"a fusion takes at least two indexes, not {len(indexes)}")
    spaces = shared_spaces(open_spaces(indexes))
    evaluation = evaluate_spaces(
        [*spaces, *fusions_of(spaces)],
        truth,
        is_one_pool=True,
        ks=ks,
        seed=seed,
        resamples=resamples,
    )
    differences = {
        (fused.index, index.index, metric): difference
        for fused in evaluation.indexes[len(spaces) :]
        for index in evaluation.indexes[: len(spaces)]
        for metric, difference in zip(
            fused.columns,
            bootstrap.paired_differences(
                fused.values, index.values, seed=seed, resamples=resamples
            ),
            strict=True,
        )
    }
    note = f"judged on the {len(spaces[0])} artists that all indexes share"
    return FusedEvaluation(
        str(truth),
        evaluation.indexes,
        (note, *evaluation.notes),
        judge=evaluation.judge,
        reading=evaluation.reading,
        provenance=evaluation.provenance,
        differences=differences,
    )


# --- transforms ---------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class TransformComparison:
    """What every transform does to one index.

    `retrieval` holds tracks out; `evaluation` holds each space against music-map (None without a
    truth), `differences` being those of its headline metric from the space without a transform,
    p-values corrected for their number. `hubs` tells of the artists' own neighbours.
    """

    index: str
    retrieval: RankerComparison
    hubs: dict[str, Hubness]
    evaluation: Evaluation | None
    headline: str
    differences: dict[str, Difference]

    def to_json(self) -> dict[str, Any]:
        """Return the shape that `artistindex compare --transforms --format json` prints."""
        return {
            "index": self.index,
            "retrieval": self.retrieval.to_json(),
            "hubness": {name: hubs.to_json() for name, hubs in self.hubs.items()},
            "evaluation": self.evaluation.to_json() if self.evaluation else None,
            "differences": [
                {"indexes": [name, TRANSFORMS[0]], "metric": self.headline, **difference.to_json()}
                for name, difference in self.differences.items()
            ],
        }


def evaluate_transforms(
    folder: Path | str,
    *,
    truth: Path | str | None = None,
    ks: Sequence[int] | None = None,
    seed: int = 0,
    resamples: int = bootstrap.RESAMPLES,
) -> TransformComparison:
    """Judge every transform of the index in `folder`, which lies beside its library. Read-only.

    Transforms are fitted as a build would fit them, on all artists; none of them sees the truth.
    Raises what `artist_retrieval` and, with `truth`, what `evaluate` raise.
    """
    retrieval = compare_transforms(folder, ks=ks, seed=seed, resamples=resamples)
    with ArtistIndex.open(folder) as index:
        spaces = _spaces(index)
        name = index.name
    evaluation, headline, differences = None, "", dict[str, Difference]()
    if truth is not None:
        evaluation = evaluate_spaces(
            spaces, truth, is_one_pool=True, ks=ks, seed=seed, resamples=resamples
        )
        headline = headline_of(evaluation.indexes, evaluation.indexes[0].ks[-1])
        differences = _differences(evaluation, headline, seed=seed, resamples=resamples)
    hubs = {
        space.name: hubs_of(space, k=max(1, min(_HUBS_AT, (len(space) - 1) // 2)))
        for space in spaces
    }
    return TransformComparison(name, retrieval, hubs, evaluation, headline, differences)


def _differences(
    evaluation: Evaluation, metric: str, *, seed: int, resamples: int
) -> dict[str, Difference]:
    """Those of each space from the first, by name."""
    plain, *transformed = (index.column(metric)[:, None] for index in evaluation.indexes)
    differences = [
        bootstrap.paired_differences(values, plain, seed=seed, resamples=resamples)[0]
        for values in transformed
    ]
    return dict(zip(TRANSFORMS[1:], bootstrap.corrected(differences), strict=True))


def _spaces(index: ArtistIndex) -> list[Space]:
    """The artists of `index` in the space of every transform."""
    plain = space_of_index(index)
    raw = _raw_vectors(index)
    fit_on = partial(
        fit,
        vectors=raw,
        tracks=index.track_vectors,
        background=background_of(index.manifest.key, raw.shape[1]),
    )
    return [replace(plain, name=name, vectors=fit_on(name).apply(raw)) for name in TRANSFORMS]


def _raw_vectors(index: ArtistIndex) -> NDArray[np.float32]:
    """The artists' vectors before any transform, (n, d)."""
    if index.manifest.transform == TRANSFORMS[0]:
        return index.vectors
    sets = TrackSets(index)
    tracks = [sets.of(row) for row in range(len(index))]
    if any(track_set.is_imported for track_set in tracks):
        raise Misuse(
            f"the index {index.name} holds artists out of a pack, in the transform"
            f" {index.manifest.transform}: only an index of single tracks, or one without a"
            " transform, can be compared in all of them"
        )
    return np.stack([track_set.raw.mean(axis=0, dtype=np.float64) for track_set in tracks]).astype(
        np.float32
    )
