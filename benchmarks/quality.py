"""Which recipe of vectors and which ranking find an artist's own tracks best, nested over music.

    python benchmarks/quality.py DIR... --work FOLDER [--figure FILE] [--out FILE]

Each DIR is a collection: a folder of music whose files carry their artists' names. Tracks are
embedded with MusiCNN (--excerpt, the middle 60 seconds of each) into a library in FOLDER, kept, so
that a second run does not embed again. Held-out tracks then look for their artist in every way, on
all collections together and on each alone; for each collection the way is chosen on the others, and
the pooled result of that is what may be claimed. Prints Markdown, the numbers of docs/quality.md,
and writes its figure.
"""

import argparse
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from artistindex.embedding import weights
from artistindex.embedding.registry import spec_of
from artistindex.entities import VectorKey
from artistindex.evaluation import bootstrap
from artistindex.evaluation.artist_retrieval import HEADLINE, Retrieval, compare_rankers, retrieve
from artistindex.evaluation.bootstrap import Difference
from artistindex.evaluation.track_pool import Scorer, TrackPool, by_centroid, read_pools
from artistindex.index.recipes import recipes_of
from artistindex.index.transforms import unit
from artistindex.ingest.pipeline import build
from artistindex.library.library import FILE_NAME, Library
from forest import forest
from rankers import by_closest_tracks, by_rescaled_centroid, by_tracks, part_of
from rankings import TOGETHER, collections, paths_of

Floats = NDArray[np.float64]
Pools = Mapping[str, TrackPool]

MODEL = "musicnn"
BASELINE = "plain, centroid"
RANKINGS: dict[str, Callable[..., Scorer]] = {
    "centroid": by_centroid,
    "closest track": by_closest_tracks,
    "two closest": partial(by_closest_tracks, count=2),
}
NESTED = ("plain", "whitened")
"""The recipes that are chosen among; the others add nothing and take ten times as long."""
SIZES = (8, 16, 32)
DRAWS = 6
CONTROL_SHRINKAGES = (0.5, 0.2, 0.05, 0.01)


def main() -> None:
    """Embed, judge, print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n\n")[0])
    parser.add_argument("folders", nargs="+", type=Path, metavar="DIR")
    parser.add_argument("--work", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--excerpt", default="1x60")
    parser.add_argument("--figure", type=Path, metavar="FILE", help="write the SVG here")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write the numbers as JSON")
    parser.add_argument("--resamples", type=int, default=10_000)
    options = parser.parse_args()
    for folder in options.folders:
        build(
            audio=folder,
            indexes=options.work,
            models=[MODEL],
            tracks=100_000,
            excerpt=options.excerpt,
        )
    pools, paths = read(options.work, options.excerpt)
    parts = collections(options.folders, pools["plain"], paths)
    whole = judged(pools, extra=True, resamples=options.resamples)
    print(table(whole))
    chosen_among = {name: pools[name] for name in NESTED}
    nested = nested_over(parts, chosen_among, whole[0], resamples=options.resamples)
    print("\n".join(nested["text"]))
    print(control_text(pools["batch-norm"]))
    print("\n".join(sizes_text(pools["plain"])))
    if options.figure:
        options.figure.write_text(forest(rows_of(whole)), "utf-8")
    if options.out:
        options.out.write_text(
            json.dumps({"together": rows_of(whole), **nested}, indent=1), "utf-8"
        )


def read(work: Path, excerpt: str) -> tuple[dict[str, TrackPool], dict[int, Path]]:
    """Return a pool for each recipe of the model, and the files of the tracks."""
    own = weights.find_installed(spec_of(MODEL))
    keys = {
        name: VectorKey(
            MODEL, own.identity, excerpt=excerpt, layer=recipe.layer, pooling=recipe.pooling
        )
        for name, recipe in recipes_of(MODEL).items()
    }
    with Library.open(work / FILE_NAME, read_only=True) as library:
        pools = read_pools(library, list(keys.values()))
        return dict(zip(keys, pools, strict=True)), paths_of(library)


# --- ways ---------------------------------------------------------------------------------------


def ways(pools: Pools) -> dict[str, Scorer]:
    """Return every recipe with every ranking by name, the baseline first."""
    recipes = recipes_of(MODEL)
    return {
        f"{name}, {ranking}": rank(pool, transform=recipes[name].transform)
        for name, pool in pools.items()
        for ranking, rank in RANKINGS.items()
    }


def ways_before(pool: TrackPool) -> dict[str, Scorer]:
    """Return what else the product has, or had been tried, on plain vectors."""
    transforms = ("centre", "all-but-the-top", "whiten")
    before = {f"transform: {name}": by_centroid(pool, transform=name) for name in transforms}
    before |= {f"hubs: {name}": by_rescaled_centroid(pool, name) for name in ("csls", "mp")}
    return before | {"mean of best matches": by_tracks(pool)}


Judged = tuple[dict[str, Retrieval], Mapping[str, Difference]]


def judged(pools: Pools, *, extra: bool, resamples: int) -> Judged:
    """Return the retrieval of every way, and its difference from the baseline (Holm over all)."""
    scorers = ways(pools) | (ways_before(pools["plain"]) if extra else {})
    comparison = compare_rankers(
        pools["plain"], scorers, against=BASELINE, ks=(5,), resamples=resamples
    )
    differences = {first: apart for (first, _), apart in comparison.differences.items()}
    return {retrieval.index: retrieval for retrieval in comparison.retrievals}, differences


# --- nested over collections --------------------------------------------------------------------


def nested_over(
    parts: Mapping[str, NDArray[np.bool_]],
    pools: Pools,
    whole: Mapping[str, Retrieval],
    *,
    resamples: int,
) -> dict[str, Any]:
    """Choose the way for each collection on the others alone, and pool what it does there.

    Once among all artists, and once among those of the collection. Choices are made among all ways,
    and among those that an index answers by itself, the centroids.
    """
    names = [name for name in parts if name != TOGETHER]
    others = {name: reciprocal_ranks(restricted(pools, ~parts[name])) for name in names}
    alone = {name: reciprocal_ranks(restricted(pools, parts[name])) for name in names}
    text, results = [], {}
    for label, eligible in (("all ways", ""), ("centroids alone", "centroid")):
        chosen = {name: best_of(others[name], eligible) for name in names}
        among_all = pooled(
            [(whole[chosen[name]], whole[BASELINE], parts[name]) for name in names], resamples
        )
        within = pooled(
            [(alone[name][chosen[name]], alone[name][BASELINE], None) for name in names], resamples
        )
        results[label] = {
            "chosen": chosen,
            "among all": among_all.to_json(),
            "within": within.to_json(),
        }
        text.append(
            f"Nested, {label}: among all artists {_signed(among_all)}, within each collection"
            f" {_signed(within)}; chosen: {chosen}"
        )
    return {"text": text, "nested": results}


def best_of(retrievals: Mapping[str, Retrieval], eligible: str) -> str:
    """Return the way of the highest MRR among those whose name ends in `eligible`."""
    ways_ = [way for way in retrievals if way.endswith(eligible)]
    return max(ways_, key=lambda way: float(retrievals[way].column(HEADLINE).mean()))


def restricted(pools: Pools, chosen: NDArray[np.bool_]) -> Pools:
    """Return the pools of the `chosen` tracks alone."""
    return {name: part_of(pool, chosen) for name, pool in pools.items()}


def reciprocal_ranks(pools: Pools) -> dict[str, Retrieval]:
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


# --- what fitting without the held-out track's artist shows, of names dealt out at random --------


def control_text(pool: TrackPool) -> str:
    """Say what two protocols find where there is nothing to find: MRR of the closest track.

    Names are dealt out to the tracks at random. A transform is fitted on all other tracks, or on
    those of other names alone.
    """
    draw = np.random.default_rng(0)
    owners = draw.permutation(pool.credits.argmax(axis=0))
    units = unit(pool.vectors).astype(np.float64)
    lines = []
    for shrinkage in CONTROL_SHRINKAGES:
        values = np.array([_dealt(units, owners, track, shrinkage) for track in _queries(owners)])
        without_track, without_name = values.mean(axis=0)
        lines.append(f"{shrinkage:g}: {without_track:.3f}, {without_name:.3f}")
    return "Names dealt out, MRR fitted without the track, without the name: " + "; ".join(lines)


def _queries(owners: NDArray[np.int64]) -> list[int]:
    """Return every third track whose name has another one."""
    counts = np.bincount(owners)
    return [track for track in range(len(owners)) if counts[owners[track]] > 1][::3]


def _dealt(
    units: Floats, owners: NDArray[np.int64], track: int, shrinkage: float
) -> tuple[float, float]:
    others = np.arange(len(units)) != track
    ranks = []
    for fitted_on in (others, owners != owners[track]):
        spaced = unit(_whitened(units, units[fitted_on], shrinkage)).astype(np.float64)
        similarities = np.where(others, spaced @ spaced[track], -np.inf)
        best = np.full(owners.max() + 1, -np.inf)
        np.maximum.at(best, owners, similarities)
        ranks.append(1 / np.sum(best >= best[owners[track]]))
    return ranks[0], ranks[1]


def _whitened(rows: Floats, fitted_on: Floats, shrinkage: float) -> Floats:
    centred = fitted_on - fitted_on.mean(axis=0)
    variances, directions = np.linalg.eigh(centred.T @ centred / len(centred))
    shrunk = (1 - shrinkage) * np.maximum(variances, 0) + shrinkage * variances.mean()
    return np.asarray((rows - fitted_on.mean(axis=0)) @ directions / np.sqrt(shrunk), np.float64)


# --- how large a library must be ----------------------------------------------------------------


def sizes_text(pool: TrackPool) -> list[str]:
    """Say what whitening does to small libraries, with and without the background.

    Libraries of so many artists are drawn at random; the gain is in MRR over the plain centroid.
    """
    draw = np.random.default_rng(0)
    lines = [
        "| artists | MRR plain | centroid, with the background | without | closest track, with"
        " | without |",
        "|---|---|---|---|---|---|",
    ]
    for size in (*SIZES, len(pool.artists)):
        draws = DRAWS if size < len(pool.artists) else 1
        values: list[list[float]] = []
        for _ in range(draws):
            artists = draw.permutation(len(pool.artists))[:size]
            values.append(_gains(part_of(pool, np.asarray(pool.credits[artists].any(axis=0)))))
        mean, *gains = np.mean(values, axis=0)
        cells = [f"{size}", f"{mean:.3f}", *(f"{gain:+.3f}" for gain in gains)]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def _gains(pool: TrackPool) -> list[float]:
    bare = replace(pool, background=None)
    scorers = [by_centroid(pool)] + [
        rank(collection, transform="whiten-tracks")
        for rank in (by_centroid, by_closest_tracks)
        for collection in (pool, bare)
    ]
    plain, *others = (
        float(retrieve("", pool, scorer, resamples=2).column(HEADLINE).mean()) for scorer in scorers
    )
    return [plain, *(value - plain for value in others)]


# --- tables -------------------------------------------------------------------------------------


def rows_of(whole: Judged) -> list[dict[str, Any]]:
    """Return one row for each way, as JSON has it."""
    retrievals, differences = whole
    rows = []
    for name, retrieval in retrievals.items():
        row: dict[str, Any] = {"way": name, "hit@1": retrieval.metrics["hit@1"].value}
        row |= {HEADLINE: retrieval.metrics[HEADLINE].to_json()}
        if name in differences:
            row |= differences[name].to_json()
        rows.append(row)
    return rows


def table(whole: Judged) -> str:
    """Return one line for each way, as Markdown."""
    retrievals, differences = whole
    lines = [
        "| way | hit@1 | MRR (95%) | MRR less the plain centroid's (95%) | p (Holm) |",
        "|---|---|---|---|---|",
    ]
    for name, retrieval in retrievals.items():
        mrr, apart = retrieval.metrics[HEADLINE], differences.get(name)
        cells = [
            name,
            f"{retrieval.metrics['hit@1'].value:.3f}",
            f"{mrr.value:.3f} ({mrr.low:.3f} to {mrr.high:.3f})",
            "" if apart is None else _signed(apart),
            "" if apart is None else f"{apart.p:.2g}",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _signed(apart: Difference) -> str:
    return f"{apart.value:+.3f} ({apart.low:+.3f} to {apart.high:+.3f})"


if __name__ == "__main__":
    main()
