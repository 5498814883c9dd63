"""One index in the space of every transform, side by side: `compare --transforms`."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from artistindex.errors import Misuse
from artistindex.evaluation import bootstrap, cluster_bootstrap
from artistindex.evaluation.agreement import hubs_of
from artistindex.evaluation.artist_retrieval import Retrievals, compare_transforms
from artistindex.evaluation.bootstrap import Difference
from artistindex.evaluation.evaluate import Evaluation, judge, pool_notes, truth_notes
from artistindex.evaluation.metrics import Hubness
from artistindex.evaluation.spaces import Space, space_of_index
from artistindex.index.reader import ArtistIndex
from artistindex.index.transforms import TRANSFORMS, fit
from artistindex.listeners.truth_files import read_truth
from artistindex.query.track_vectors import TrackSets

_HUBS_AT = 10


@dataclass(frozen=True, eq=False)
class TransformComparison:
    """What every transform does to one index.

    `retrieval` holds tracks out; `evaluation` holds each space against music-map (None without a
    truth), `differences` being those of its headline metric from the space without a transform,
    p-values corrected for their number. `hubs` tells of the artists' own neighbours.
    """

    index: str
    retrieval: Retrievals
    hubs: dict[str, Hubness]
    evaluation: Evaluation | None
    headline: str
    differences: dict[str, Difference]

    def to_json(self) -> dict[str, Any]:
        """The shape that `artistindex compare --transforms --format json` prints."""
        return {
            "index": self.index,
            "retrieval": self.retrieval.to_json(),
            "hubness": {name: found.to_json() for name, found in self.hubs.items()},
            "evaluation": self.evaluation.to_json() if self.evaluation else None,
            "differences": [
                {"indexes": [name, TRANSFORMS[0]], "metric": self.headline, **found.to_json()}
                for name, found in self.differences.items()
            ],
        }


def compare_spaces(
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
    evaluation, differences, headline = None, dict[str, Difference](), ""
    if truth is not None:
        known = read_truth(Path(truth))
        judged = [judge(each, known, ks=ks, seed=seed, resamples=resamples) for each in spaces]
        headline = f"overlap@{judged[0].ks[-1]}"
        evaluation = Evaluation(
            str(truth), tuple(judged), (*truth_notes(known), *pool_notes(judged[0]))
        )
        plain = judged[0].column(headline)[:, None]
        found = [
            bootstrap.paired_differences(
                each.column(headline)[:, None], plain, seed=seed, resamples=resamples
            )[0]
            for each in judged[1:]
        ]
        differences = dict(zip(TRANSFORMS[1:], cluster_bootstrap.corrected(found), strict=True))
    hubs = {
        each.name: hubs_of(each, k=max(1, min(_HUBS_AT, (len(each) - 1) // 2))) for each in spaces
    }
    return TransformComparison(name, retrieval, hubs, evaluation, headline, differences)


def _spaces(index: ArtistIndex) -> list[Space]:
    """The artists of `index` in the space of every transform."""
    plain = space_of_index(index)
    raw = _raw(index)
    return [
        Space(
            name=name,
            artists=plain.artists,
            vectors=fit(name, raw).apply(raw),
            origin=plain.origin,
            together=plain.together,
        )
        for name in TRANSFORMS
    ]


def _raw(index: ArtistIndex) -> NDArray[np.float32]:
    """The artists' vectors before any transform, (n, d)."""
    if index.manifest.transform == TRANSFORMS[0]:
        return index.vectors
    sets = TrackSets.beside(index)
    held = [sets.of(row) for row in range(len(index))]
    if any(each.is_imported for each in held):
        raise Misuse(
            f"the index {index.name} holds artists out of a pack, in the transform"
            f" {index.manifest.transform}: build it with --transform none to compare transforms"
        )
    return np.stack([each.raw.mean(axis=0, dtype=np.float64) for each in held]).astype(np.float32)
