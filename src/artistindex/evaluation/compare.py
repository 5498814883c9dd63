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
    PairFound,
    Spread,
    agreements_of,
    disagreements_of,
    find_pairs,
    hubs_of,
    shared,
    spreads_of,
)
from artistindex.evaluation.bootstrap import Difference
from artistindex.evaluation.evaluate import (
    DEFAULT_KS,
    Evaluation,
    IndexEvaluation,
    checked_ks,
    judge,
    pool_notes,
    truth_notes,
)
from artistindex.evaluation.expected_pairs import check_known, read_pairs
from artistindex.evaluation.measures import Estimate, estimates, overlap_measure, values_of
from artistindex.evaluation.metrics import Hubness
from artistindex.evaluation.spaces import Space, distinguished, open_spaces, read_similarities
from artistindex.evaluation.success_criteria import Criterion, criteria, extraction_beside
from artistindex.evaluation.verdict import (
    Verdict,
    difference_of,
    verdict,
    verdict_without_truth,
)
from artistindex.index.reader import ArtistIndex
from artistindex.listeners.truth_files import read_truth

_CURVE = 50


@dataclass(frozen=True, eq=False)
class Comparison:
    """Everything that `compare` finds. What needs a truth or pairs is empty without them.

    `spaces` are the indexes cut down to the shared artists, `left_out` says how many each loses so.
    `differences` maps (one index, another, metric) to the paired difference, one less another;
    `curves` holds overlap@1, overlap@2, ... of each index.
    """

    spaces: tuple[Space, ...]
    left_out: dict[str, int]
    ks: tuple[int, ...]
    spreads: dict[str, Spread]
    pairs: tuple[PairFound, ...]
    agreements: tuple[Agreement, ...]
    disagreements: tuple[Disagreement, ...]
    hubs: dict[str, Hubness]
    evaluation: Evaluation | None
    differences: dict[tuple[str, str, str], Difference]
    curves: dict[str, tuple[Estimate, ...]]
    criteria: tuple[Criterion, ...]

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
        """The metric by which indexes are called better or worse: overlap at the largest k."""
        return f"overlap@{self.ks[-1]}"

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

    def judged(self, index: str) -> IndexEvaluation:
        """The evaluation of one index. Raises KeyError where there is none."""
        found = self.evaluation.indexes if self.evaluation else ()
        return {one.index: one for one in found}[index]

    def difference(self, one: str, other: str, metric: str) -> Difference:
        """The paired difference of two indexes in a ranking metric, `one` less `other`."""
        return difference_of(self.differences, one, other, metric)

    def to_json(self) -> dict[str, Any]:
        """The shape that `artistindex compare --format json` prints."""
        return {
            "indexes": self.names,
            "artists": len(self.artists),
            "left_out": self.left_out,
            "verdict": self.verdict.to_json(),
            "spread": {name: spread.to_json() for name, spread in self.spreads.items()},
            "pairs": [found.to_json() for found in self.pairs],
            "agreement": [agreement.to_json() for agreement in self.agreements],
            "disagreement": [found.to_json() for found in self.disagreements],
            "hubness": {name: hubs.to_json() for name, hubs in self.hubs.items()},
            "evaluation": self.evaluation.to_json() if self.evaluation else None,
            "differences": [
                {"indexes": [one, other], "metric": metric, **found.to_json()}
                for (one, other, metric), found in self.differences.items()
            ],
            "criteria": [criterion.to_json() for criterion in self.criteria],
        }


def compare(
    indexes: Sequence[Path | str | ArtistIndex],
    *,
    similarities: Mapping[str, Path | str] | None = None,
    truth: Path | str | None = None,
    pairs: Path | str | None = None,
    ks: Sequence[int] | None = None,
    seed: int = 0,
    resamples: int = bootstrap.RESAMPLES,
) -> Comparison:
    """Compare indexes, and the experiment's `similarities` files by name, on shared artists.

    `truth` adds the evaluation side by side, `pairs` the expectations. Where an index lies beside
    its library, that tells how many tracks could be extracted. Read-only.

    Raises Misuse for fewer than two things to compare or two shared artists, and for a file of
    another shape; UnknownArtist for a pair whom no index has; BrokenIndex.
    """
    files = {name: Path(path) for name, path in (similarities or {}).items()}
    whole = distinguished(
        [*open_spaces(indexes), *(read_similarities(path, name) for name, path in files.items())]
    )
    if len(whole) < 2:
        raise Misuse(f"there must be at least two indexes to compare, not {len(whole)}")
    spaces = shared(whole)
    wanted = _usable_ks(ks, spaces[0])
    evaluation = _evaluate(spaces, truth, wanted, seed=seed, resamples=resamples)
    agreements = agreements_of(spaces, wanted, seed=seed, resamples=resamples)
    by_name = {space.name: space for space in spaces}
    spreads = spreads_of(spaces)
    found = _find_pairs(pairs, whole)
    return Comparison(
        spaces=tuple(spaces),
        left_out={space.name: len(space) - len(spaces[0]) for space in whole},
        ks=wanted,
        spreads=spreads,
        pairs=found,
        agreements=tuple(agreements),
        disagreements=tuple(
            each
            for agreement in agreements
            for each in disagreements_of(
                agreement, by_name[agreement.one], by_name[agreement.other], k=wanted[-1]
            )
        ),
        hubs={space.name: hubs_of(space, k=wanted[-1]) for space in spaces},
        evaluation=evaluation,
        differences=_differences(evaluation, seed=seed, resamples=resamples),
        curves=_curves(evaluation, seed=seed, resamples=resamples),
        criteria=_criteria(whole[: len(indexes)], spaces, spreads, found, evaluation),
    )


def _usable_ks(ks: Sequence[int] | None, space: Space) -> tuple[int, ...]:
    """The ks given, else those of the default that leave somebody out, else half of them."""
    candidates = len(space) - 1
    usable = [k for k in DEFAULT_KS if k < candidates] or [max(1, candidates // 2)]
    return checked_ks(ks or usable, space, candidates)


def _find_pairs(path: Path | str | None, spaces: Sequence[Space]) -> tuple[PairFound, ...]:
    if path is None:
        return ()
    pairs = read_pairs(Path(path))
    check_known(pairs, spaces, Path(path))
    return tuple(found for space in spaces for found in find_pairs(pairs, space))


def _evaluate(
    spaces: Sequence[Space],
    truth: Path | str | None,
    ks: Sequence[int],
    *,
    seed: int,
    resamples: int,
) -> Evaluation | None:
    if truth is None:
        return None
    known = read_truth(Path(truth))
    judged = [judge(space, known, ks=ks, seed=seed, resamples=resamples) for space in spaces]
    return Evaluation(str(truth), tuple(judged), (*truth_notes(known), *pool_notes(judged[0])))


def _differences(
    evaluation: Evaluation | None, *, seed: int, resamples: int
) -> dict[tuple[str, str, str], Difference]:
    found = {}
    for one, other in combinations(evaluation.indexes if evaluation else (), 2):
        each = bootstrap.paired_differences(
            one.values, other.values, seed=seed, resamples=resamples
        )
        for metric, difference in zip(one.columns, each, strict=True):
            found[one.index, other.index, metric] = difference
    return found


def _curves(
    evaluation: Evaluation | None, *, seed: int, resamples: int
) -> dict[str, tuple[Estimate, ...]]:
    curves = {}
    for judged in evaluation.indexes if evaluation else ():
        chosen = [overlap_measure(k) for k in range(1, min(_CURVE, judged.setup.candidates) + 1)]
        values = values_of(chosen, judged.ranked)
        found = estimates(chosen, values, judged.setup, seed=seed, resamples=resamples)
        curves[judged.index] = tuple(found.values())
    return curves


def _criteria(
    indexes: Sequence[Space],
    spaces: Sequence[Space],
    spreads: Mapping[str, Spread],
    pairs: Sequence[PairFound],
    evaluation: Evaluation | None,
) -> tuple[Criterion, ...]:
    judged = {one.index: one for one in (evaluation.indexes if evaluation else ())}
    beside = {space.name: extraction_beside(Path(space.origin)) for space in indexes}
    return tuple(
        criterion
        for space in spaces
        for criterion in criteria(
            space.name,
            spread=spreads[space.name],
            pairs=[found for found in pairs if found.index == space.name],
            judged=judged.get(space.name),
            extraction=beside.get(space.name),
        )
    )
