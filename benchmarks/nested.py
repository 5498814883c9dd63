"""The choice of a way, nested over collections: chosen on the others alone, judged on each."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from artistindex.evaluation import bootstrap
from artistindex.evaluation.artist_retrieval import HEADLINE, Retrieval, retrieve
from artistindex.evaluation.bootstrap import Difference
from artistindex.evaluation.track_pool import Scorer, TrackPool
from rankers import part_of
from rankings import TOGETHER

Pools = Mapping[str, TrackPool]
Ways = Callable[[Pools], Mapping[str, Scorer]]
ELIGIBLE = {"all ways": "", "the centroids": "centroid"}
"""Among which ways is chosen: what their names end in. Centroids an index answers by itself."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What was chosen for each collection, and the pooled differences from the baseline."""

    chosen: Mapping[str, str]
    among_all: Difference
    within: Difference


@dataclass(frozen=True, slots=True)
class Nested:
    """The choices, by what was chosen among."""

    choices: Mapping[str, Choice]

    def table(self) -> str:
        """Return the differences and what was chosen, as Markdown."""
        lines = [
            "| choice among | among all artists | within each collection | chosen |",
            "|---|---|---|---|",
        ]
        for name, choice in self.choices.items():
            cells = [
                name,
                *(
                    f"{_signed(apart)}, p = {apart.p:.2g}"
                    for apart in (choice.among_all, choice.within)
                ),
                _chosen(choice.chosen),
            ]
            lines.append(f"| {' | '.join(cells)} |")
        return "\n".join(lines)

    def to_json(self) -> dict[str, Any]:
        """Return all numbers."""
        return {
            name: {
                "chosen": dict(choice.chosen),
                "among_all": choice.among_all.to_json(),
                "within": choice.within.to_json(),
            }
            for name, choice in self.choices.items()
        }


def nested_over(
    parts: Mapping[str, NDArray[np.bool_]],
    pools: Pools,
    whole: Mapping[str, Retrieval],
    *,
    ways: Ways,
    baseline: str,
    resamples: int,
) -> Nested:
    """Choose the way for each collection on the others alone, and pool what it does there.

    Once among all artists, as `whole` has it, and once among those of the collection.
    """
    names = [name for name in parts if name != TOGETHER]
    others = {name: retrievals(restricted(pools, ~parts[name]), ways) for name in names}
    alone = {name: retrievals(restricted(pools, parts[name]), ways) for name in names}
    choices = {}
    for label, eligible in ELIGIBLE.items():
        chosen = {name: best_of(others[name], eligible) for name in names}
        among_all = [(whole[chosen[name]], whole[baseline], parts[name]) for name in names]
        within = [(alone[name][chosen[name]], alone[name][baseline], None) for name in names]
        choices[label] = Choice(chosen, pooled(among_all, resamples), pooled(within, resamples))
    return Nested(choices)


def best_of(judged: Mapping[str, Retrieval], eligible: str) -> str:
    """Return the way of the highest MRR among those whose name ends in `eligible`."""
    names = [way for way in judged if way.endswith(eligible)]
    return max(names, key=lambda way: float(judged[way].column(HEADLINE).mean()))


def restricted(pools: Pools, chosen: NDArray[np.bool_]) -> Pools:
    """Return the pools of the `chosen` tracks alone."""
    return {name: part_of(pool, chosen) for name, pool in pools.items()}


def retrievals(pools: Pools, ways: Ways) -> dict[str, Retrieval]:
    """Return the retrieval of every way, intervals left aside."""
    return {
        way: retrieve(way, pools["plain"], scorer, resamples=2)
        for way, scorer in ways(pools).items()
    }


def pooled(
    pairs: Sequence[tuple[Retrieval, Retrieval, NDArray[np.bool_] | None]], resamples: int
) -> Difference:
    """Return the difference over the queries of all pairs, of those among the chosen tracks.

    Artists count by name, so that one in two collections is one.
    """
    first, second, owners = [], [], []
    for way, baseline, chosen in pairs:
        rows = np.ones(way.queries, np.bool_) if chosen is None else chosen[way.tracks]
        first.append(way.column(HEADLINE)[rows])
        second.append(baseline.column(HEADLINE)[rows])
        owners += [way.artists[owner] for owner in way.owners[rows]]
    _, numbers = np.unique(owners, return_inverse=True)
    (difference,) = bootstrap.paired_differences(
        np.concatenate(first)[:, None],
        np.concatenate(second)[:, None],
        numbers.astype(np.int64),
        resamples=resamples,
    )
    return difference


def _signed(apart: Difference) -> str:
    return f"{apart.value:+.3f} ({apart.low:+.3f} to {apart.high:+.3f})"


def _chosen(chosen: Mapping[str, str]) -> str:
    """Say what was chosen most often, and for which collections something else."""
    usual = max(chosen.values(), key=list(chosen.values()).count)
    rest = [f"{name}: {way}" for name, way in chosen.items() if way != usual]
    return "; ".join([usual, *rest])
