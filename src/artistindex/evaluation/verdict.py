"""Which index is better, by how much, and how sure that is: in sentences."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from artistindex.evaluation.agreement import Agreement
from artistindex.evaluation.bootstrap import Difference
from artistindex.evaluation.evaluate import Evaluation, IndexEvaluation, headline_of

Differences = Mapping[tuple[str, str, str], Difference]
"""(first index, second index, metric) -> the paired difference, first less second."""

_FEW_QUERIES = 30


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer: `better` is an index only where the paired interval excludes zero, and one of
    the indexes is shown to be better than chance.

    `headline` is one sentence, `sentences` say what it rests on.
    """

    better: str | None
    metric: str | None
    headline: str
    sentences: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the verdict as a JSON object."""
        return {
            "better": self.better,
            "metric": self.metric,
            "headline": self.headline,
            "sentences": list(self.sentences),
        }


def difference_of(differences: Differences, first: str, second: str, metric: str) -> Difference:
    """Return `first` less `second` in `metric`, whichever way round `differences` has the two."""
    if (first, second, metric) in differences:
        return differences[first, second, metric]
    return differences[second, first, metric].reversed()


def verdict(evaluation: Evaluation, differences: Differences, k: int) -> Verdict:
    """Judge the indexes of `evaluation` at `k`; `differences` has every pair of them."""
    metric = headline_of(evaluation.indexes, k)
    first, second = sorted(
        evaluation.indexes, key=lambda evaluated: -(evaluated.metrics[metric].value or 0.0)
    )[:2]
    difference = difference_of(differences, first.index, second.index, metric)
    useful = any(evaluated.metrics[metric].beats_chance for evaluated in evaluation.indexes)
    better = first.index if useful and difference.is_clear else None
    if better:
        headline = f"{better} agrees better with {evaluation.judge} than {second.index}."
    elif useful:
        headline = (
            f"No index is clearly better: {first.index} and {second.index} cannot be told apart"
            " here."
        )
    else:
        headline = f"No index is shown to agree with {evaluation.judge} better than chance does."
    grounds = _grounds(first, second, metric, difference, _meaning(metric, k, evaluation.judge))
    return Verdict(better, metric, headline, tuple(grounds))


def verdict_without_truth(agreements: Sequence[Agreement], k: int) -> Verdict:
    """Say how far the indexes agree in their nearest `k`, which makes none of them better."""
    sentences = [
        f"{agreement.first} and {agreement.second} have {_percent(overlap.value)} of their nearest"
        f" {k} artists in common (chance {_percent(overlap.chance)})."
        for agreement in agreements
        for overlap in (agreement.overlaps[k],)
    ]
    headline = "No truth was given, so nothing here says which index is better."
    return Verdict(None, None, headline, tuple(sentences))


def _meaning(metric: str, k: int, judge: str) -> str:
    if metric == f"overlap@{k}":
        where = f"closest {k} on music-map" if judge == "music-map" else f"closest {k}, by {judge},"
        return f"of an artist's {where} that are in the pool, the share in its nearest {k}"
    return f"of the artists in the pool that are like one, by {judge}, the share in its nearest {k}"


def _grounds(
    first: IndexEvaluation,
    second: IndexEvaluation,
    metric: str,
    difference: Difference,
    meaning: str,
) -> list[str]:
    ahead, behind = first.metrics[metric], second.metrics[metric]
    queries = len(first.protocol.queries)
    sentences = [
        f"By how much: {metric} is {_percent(ahead.value)} for {first.index} and"
        f" {_percent(behind.value)} for {second.index}; chance alone gives"
        f" {_percent(ahead.chance)}. ({metric}: {meaning}.)",
        f"How sure: the difference is {_points(difference.value)} points, {_range(difference)};"
        f" with the {queries} query artists drawn again and again, {first.index} was ahead in"
        f" {_percent(difference.better)} of the draws. {_certainty(difference)}",
    ]
    weak = [index.index for index in (first, second) if not index.metrics[metric].beats_chance]
    if weak:
        sentences.append(f"Not shown to be better than chance: {', '.join(weak)}.")
    if queries < _FEW_QUERIES:
        sentences.append(
            f"With only {queries} queries, intervals are too narrow: trust them little."
        )
    return sentences


def _certainty(difference: Difference) -> str:
    if difference.low is None:
        return "One query allows no statement."
    if difference.is_clear:
        return f"The interval excludes zero (p = {difference.p:.2g})."
    if difference.low > 0 or (difference.high or 0) < 0:
        return f"Only {difference.unequal} of them differ at all, too few to tell."
    return f"The interval includes zero (p = {difference.p:.2g}): it may be no difference at all."


def _range(difference: Difference) -> str:
    if difference.low is None or difference.high is None:
        return "without an interval"
    return f"95% interval {_points(difference.low)} to {_points(difference.high)}"


def _points(value: float) -> str:
    return f"{100 * value:+.1f}".replace("-", "−")


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{value:.1%}"
