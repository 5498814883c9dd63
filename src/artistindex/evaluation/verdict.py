"""Which index is better, by how much, and how sure that is: in sentences."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from artistindex.evaluation.bootstrap import Difference

if TYPE_CHECKING:
    from artistindex.evaluation.compare import Comparison

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
        """The verdict as a JSON object."""
        return {
            "better": self.better,
            "metric": self.metric,
            "headline": self.headline,
            "sentences": list(self.sentences),
        }


def verdict(comparison: "Comparison") -> Verdict:
    """The verdict of a comparison, on its headline metric."""
    if comparison.evaluation is None:
        return _without_truth(comparison)
    metric = comparison.headline
    values = {one.index: one.metrics[metric].value or 0.0 for one in comparison.evaluation.indexes}
    first, second = sorted(values, key=lambda name: -values[name])[:2]
    found = comparison.difference(first, second, metric)
    useful = any(one.metrics[metric].beats_chance for one in comparison.evaluation.indexes)
    better = first if useful and found.is_clear else None
    if better:
        headline = f"{first} agrees better with music-map than {second}."
    elif useful:
        headline = f"No index is clearly better: {first} and {second} cannot be told apart here."
    else:
        headline = "No index is shown to agree with music-map better than chance does."
    return Verdict(better, metric, headline, tuple(_grounds(comparison, first, second, found)))


def _grounds(comparison: "Comparison", first: str, second: str, found: Difference) -> list[str]:
    metric, k = comparison.headline, comparison.ks[-1]
    judged = [comparison.judged(name) for name in (first, second)]
    one, other = (each.metrics[metric] for each in judged)
    queries = len(judged[0].setup.queries)
    sentences = [
        f"By how much: {metric} is {_percent(one.value)} for {first} and {_percent(other.value)}"
        f" for {second}; chance alone gives {_percent(one.chance)}. ({metric}: of an artist's"
        f" closest {k} on music-map that are in the pool, the share in its nearest {k}.)",
        f"How sure: the difference is {_points(found.value)} points, {_range(found)}; with the"
        f" {queries} query artists drawn again and again, {first} was ahead in"
        f" {_percent(found.better)} of the draws. {_certainty(found)}",
    ]
    above = [each.index for each in judged if each.metrics[metric].beats_chance]
    if len(above) < 2:
        weak = [name for name in (first, second) if name not in above]
        sentences.append(f"Not shown to be better than chance: {', '.join(weak)}.")
    if queries < _FEW_QUERIES:
        sentences.append(
            f"With only {queries} queries, intervals are too narrow: trust them little."
        )
    return sentences


def _certainty(found: Difference) -> str:
    if found.low is None:
        return "One query allows no statement."
    if found.is_clear:
        return f"The interval excludes zero (p = {found.p:.2g})."
    if found.low > 0 or (found.high or 0) < 0:
        return f"Only {found.unequal} of them differ at all, too few to tell."
    return f"The interval includes zero (p = {found.p:.2g}): it may be no difference at all."


def _without_truth(comparison: "Comparison") -> Verdict:
    sentences = [
        f"{found.one} and {found.other} have {_percent(found.overlaps[k].value)} of their nearest"
        f" {k} artists in common (chance {_percent(found.overlaps[k].chance)})."
        for found in comparison.agreements
        for k in comparison.ks[-1:]
    ]
    headline = "No truth was given, so nothing here says which index is better."
    return Verdict(None, None, headline, tuple(sentences))


def _range(found: Difference) -> str:
    if found.low is None or found.high is None:
        return "without an interval"
    return f"95% interval {_points(found.low)} to {_points(found.high)}"


def _points(value: float) -> str:
    return f"{100 * value:+.1f}".replace("-", "−")


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{value:.1%}"
