"""Two or more indexes side by side, on the artists that they share: `compare`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

from artistindex.errors import Misuse
from artistindex.evaluation import bootstrap
from artistindex.evaluation.agreement import (
    Agreement,
    Disagreement,
    PairSimilarity,
    Spread,
    agreements_of,
    disagreements_of,
    find_pairs,
    hubs_of,
    spreads_of,
)
from artistindex.evaluation.bootstrap import Difference, Estimate
from artistindex.evaluation.evaluate import (
    DEFAULT_KS,
    Evaluation,
    IndexEvaluation,
    checked_ks,
    estimates,
    evaluate_spaces,
    headline_of,
    overlap_metric,
    recall_metric,
    values_of,
)
from artistindex.evaluation.expected_pairs import check_known, read_pairs
from artistindex.evaluation.metrics import Hubness
from artistindex.evaluation.provenance import Provenance
from artistindex.evaluation.spaces import (
    Space,
    distinguished,
    open_spaces,
    origins_of,
    read_similarities,
    shared_spaces,
)
from artistindex.evaluation.success_criteria import Criterion, criteria_of, extraction_beside
from artistindex.evaluation.variants import fusions_of
from artistindex.evaluation.verdict import (
    Verdict,
    difference_of,
    verdict,
    verdict_without_truth,
)
from artistindex.index.reader import ArtistIndex

_MAX_K_OF_CURVE = 50


@dataclass(frozen=True, eq=False)
class Comparison:
    """Everything that `compare` finds. What needs a truth or pairs is empty without them.

    `spaces` are the indexes cut down to the shared artists, `left_out` says how many each loses so.
    `differences` maps (first index, second index, metric) to the paired difference, first less
    second; `curves` holds the headline metric at 1, 2, ... of each index.
    """

    spaces: tuple[Space, ...]
    left_out: dict[str, int]
    ks: tuple[int, ...]
    spreads: dict[str, Spread]
    pairs: tuple[PairSimilarity, ...]
    agreements: tuple[Agreement, ...]
    disagreements: tuple[Disagreement, ...]
    hubs: dict[str, Hubness]
    evaluation: Evaluation | None
    differences: dict[tuple[str, str, str], Difference]
    curves: dict[str, tuple[Estimate, ...]]
    criteria: tuple[Criterion, ...]
    provenance: Provenance

    @property
    def names(self) -> list[str]:
        """The indexes, in the order given."""
        return [space.name for space in self.spaces]

    @property
    def artists(self) -> tuple[str, ...]:
        """The shared artists, spelled as the first index has them."""
        return self.spaces[0].artists

    @property
    def headline(self) -> str:
        """The metric by which indexes are called better or worse: overlap at the largest k.

        Recall takes its place where the lists of the truth have no order.
        """
        return headline_of(self.evaluations, self.ks[-1])

    @property
    def judge(self) -> str:
        """Who says who is alike, as a sentence names it."""
        return self.evaluation.judge if self.evaluation else "the truth"

    @property
    def verdict(self) -> Verdict:
        """Which index is better, by how much, and how sure that is."""
        if self.evaluation is None:
            return verdict_without_truth(self.agreements, self.ks[-1])
        return verdict(self.evaluation, self.differences, self.ks[-1])

    @property
    def notes(self) -> tuple[str, ...]:
        """What a person should know before reading the numbers."""
        return self.evaluation.notes if self.evaluation else ()

    @property
    def evaluations(self) -> tuple[IndexEvaluation, ...]:
        """The evaluation of each index, none without a truth."""
        return self.evaluation.indexes if self.evaluation else ()

    def evaluation_of(self, index: str) -> IndexEvaluation:
        """Return the evaluation of one index. Raises KeyError where there is none."""
        return {evaluation.index: evaluation for evaluation in self.evaluations}[index]

    def difference(self, first: str, second: str, metric: str) -> Difference:
        """Return the paired difference of two indexes in a metric, `first` less `second`."""
        return difference_of(self.differences, first, second, metric)

    def to_json(self) -> dict[str, Any]:
        """Return the shape that `artistindex compare --format json` prints."""
        return {
            "indexes": self.names,
            "artists": len(self.artists),
            "left_out": self.left_out,
            "verdict": self.verdict.to_json(),
            "spread": {name: spread.to_json() for name, spread in self.spreads.items()},
            "pairs": [pair.to_json() for pair in self.pairs],
            "agreement": [agreement.to_json() for agreement in self.agreements],
            "disagreement": [disagreement.to_json() for disagreement in self.disagreements],
            "hubness": {name: hubs.to_json() for name, hubs in self.hubs.items()},
            "evaluation": self.evaluation.to_json() if self.evaluation else None,
            "differences": [
                {"indexes": [first, second], "metric": metric, **difference.to_json()}
                for (first, second, metric), difference in self.differences.items()
            ],
            "criteria": [criterion.to_json() for criterion in self.criteria],
            "provenance": self.provenance.to_json(),
        }


def compare(
    indexes: Sequence[Path | str | ArtistIndex],
    *,
    similarities: Mapping[str, Path | str] | None = None,
    truth: Path | str | None = None,
    pairs: Path | str | None = None,
    ks: Sequence[int] | None = None,
    is_fused: bool = False,
    seed: int = 0,
    resamples: int = bootstrap.RESAMPLES,
) -> Comparison:
    """Compare indexes, and the experiment's `similarities` files by name, on shared artists.

    `truth` adds the evaluation side by side, with `is_fused` that of the indexes' fusions too;
    `pairs` adds the expectations. Where an index lies beside
    its library, that tells how many tracks could be extracted. Read-only.

    Raises Misuse for fewer than two things to compare or two shared artists, and for a file of
    another shape; UnknownArtist for a pair whom no index has; BrokenIndex.
    """
    files = (similarities or {}).items()
    whole = distinguished(
        [*open_spaces(indexes), *(read_similarities(Path(path), name) for name, path in files)]
    )
    if len(whole) < 2:
        raise Misuse(f"there must be at least two indexes to compare, not {len(whole)}")
    if is_fused and (truth is None or len(indexes) < 2):
        raise Misuse("fusions are judged by a truth, and take at least two indexes")
    spaces = shared_spaces(whole)
    fusions = fusions_of(spaces[: len(indexes)]) if is_fused else []
    ks = _usable_ks(ks, spaces[0])
    evaluation = (
        None
        if truth is None
        else evaluate_spaces(
            [*spaces, *fusions], truth, is_one_pool=True, ks=ks, seed=seed, resamples=resamples
        )
    )
    agreements = agreements_of(spaces, ks, seed=seed, resamples=resamples)
    spreads = spreads_of(spaces)
    similarities_of_pairs = _pairs(pairs, whole)
    return Comparison(
        spaces=tuple(spaces),
        left_out={space.name: len(space) - len(spaces[0]) for space in whole},
        ks=ks,
        spreads=spreads,
        pairs=similarities_of_pairs,
        agreements=tuple(agreements),
        disagreements=_disagreements(agreements, spaces, k=ks[-1]),
        hubs={space.name: hubs_of(space, k=ks[-1]) for space in spaces},
        evaluation=evaluation,
        differences=_differences(evaluation, seed=seed, resamples=resamples),
        curves=_curves(evaluation, seed=seed, resamples=resamples),
        criteria=_criteria(
            whole[: len(indexes)], spaces, spreads, similarities_of_pairs, evaluation
        ),
        provenance=(evaluation and evaluation.provenance)
        or Provenance.of(origins_of(spaces), None, seed=seed, resamples=resamples),
    )


def _usable_ks(ks: Sequence[int] | None, space: Space) -> tuple[int, ...]:
    """The ks given, else those of the default that leave somebody out, else half of them."""
    candidates = len(space) - 1
    usable = [k for k in DEFAULT_KS if k < candidates] or [max(1, candidates // 2)]
    return checked_ks(ks or usable, space, candidates)


def _pairs(path: Path | str | None, spaces: Sequence[Space]) -> tuple[PairSimilarity, ...]:
    if path is None:
        return ()
    pairs = read_pairs(Path(path))
    check_known(pairs, spaces, Path(path))
    return tuple(pair for space in spaces for pair in find_pairs(pairs, space))


def _disagreements(
    agreements: Sequence[Agreement], spaces: Sequence[Space], *, k: int
) -> tuple[Disagreement, ...]:
    by_name = {space.name: space for space in spaces}
    return tuple(
        disagreement
        for agreement in agreements
        for disagreement in disagreements_of(
            agreement, by_name[agreement.first], by_name[agreement.second], k=k
        )
    )


def _differences(
    evaluation: Evaluation | None, *, seed: int, resamples: int
) -> dict[tuple[str, str, str], Difference]:
    return {
        (first.index, second.index, metric): difference
        for first, second in combinations(evaluation.indexes if evaluation else (), 2)
        for metric, difference in zip(
            first.columns,
            bootstrap.paired_differences(
                first.values, second.values, seed=seed, resamples=resamples
            ),
            strict=True,
        )
    }


def _curves(
    evaluation: Evaluation | None, *, seed: int, resamples: int
) -> dict[str, tuple[Estimate, ...]]:
    curves = {}
    for index in evaluation.indexes if evaluation else ():
        last = min(_MAX_K_OF_CURVE, index.protocol.candidates)
        is_ranked = overlap_metric(index.ks[-1]).name in index.columns
        metric_at = overlap_metric if is_ranked else recall_metric
        along = [metric_at(k) for k in range(1, last + 1)]
        values = values_of(along, index.rankings)
        curve = estimates(along, values, index.protocol, seed=seed, resamples=resamples)
        curves[index.index] = tuple(curve.values())
    return curves


def _criteria(
    indexes: Sequence[Space],
    spaces: Sequence[Space],
    spreads: Mapping[str, Spread],
    pairs: Sequence[PairSimilarity],
    evaluation: Evaluation | None,
) -> tuple[Criterion, ...]:
    evaluations = {index.index: index for index in (evaluation.indexes if evaluation else ())}
    extractions = {space.name: extraction_beside(Path(space.origin)) for space in indexes}
    return tuple(
        criterion
        for space in spaces
        for criterion in criteria_of(
            space.name,
            spread=spreads[space.name],
            pairs=[pair for pair in pairs if pair.index == space.name],
            evaluation=evaluations.get(space.name),
            extraction=extractions.get(space.name),
        )
    )
