"""Which recipe of vectors and which ranking find an artist's own tracks best, nested over music.

    python benchmarks/quality.py DIR... --work FOLDER [--second GRAPH] [--figure FILE] [--out FILE]

Each DIR is a collection: a folder of music whose files carry their artists' names
(collect_music.py makes those of docs/quality.md). Tracks are embedded with MusiCNN (--excerpt, the
middle 60 seconds of each) into a library in FOLDER, kept, so that a second run does not embed
again; GRAPH is a second model of MusiCNN's architecture, to be fused with. Held-out tracks then
look for their artist in every way, on all collections together and on each alone; for each
collection the way is chosen on the others, and the pooled result of that is what may be claimed.
Prints the tables of docs/quality.md, in Markdown, and writes its figure.
"""

import argparse
import json
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from artistindex.embedding import weights
from artistindex.embedding.registry import spec_of
from artistindex.embedding.weights import Weights
from artistindex.entities import Track, VectorKey
from artistindex.evaluation.artist_retrieval import HEADLINE, Retrieval, compare_rankers
from artistindex.evaluation.bootstrap import Difference
from artistindex.evaluation.track_pool import Scorer, TrackPool, by_centroid, fused, read_pools
from artistindex.index.recipes import recipes_of
from artistindex.index.transforms import WHITEN_TRACKS
from artistindex.ingest.pipeline import build
from artistindex.library.library import FILE_NAME, Library
from controls import control_table, sizes_table
from forest import forest
from nested import nested_over
from rankers import by_closest_tracks, by_rescaled_centroid, by_tracks
from rankings import TOGETHER, collections, second_graph
from sets import albums, halves, kin_table, numbered, packages, themes

Pools = Mapping[str, TrackPool]

MODEL = "musicnn"
BASELINE = "plain, centroid"
RANKINGS: dict[str, Callable[..., Scorer]] = {
    "centroid": by_centroid,
    "closest track": by_closest_tracks,
    "two closest": partial(by_closest_tracks, count=2),
}


def main() -> None:
    """Embed, judge, print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n\n")[0])
    parser.add_argument("folders", nargs="+", type=Path, metavar="DIR")
    parser.add_argument("--work", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--second", type=Path, metavar="GRAPH", help="a second .pb of MusiCNN")
    parser.add_argument("--excerpt", default="1x60")
    parser.add_argument("--figure", type=Path, metavar="FILE", help="write the SVG here")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write the numbers as JSON")
    parser.add_argument("--resamples", type=int, default=10_000)
    options = parser.parse_args()
    graphs = [weights.find_installed(spec_of(MODEL))]
    if options.second:
        graphs.append(second_graph(options.second))
    for graph in graphs:
        embed(graph, options.folders, options.work, options.excerpt)
    pools, tracks = read(options.work, options.excerpt, graphs)
    second = pools.pop(SECOND, None)
    paths = {number: track.path for number, track in tracks.items() if track.path}
    parts = collections(options.folders, pools["plain"], paths)
    alone = {name: chosen for name, chosen in parts.items() if name != TOGETHER}
    whole = judged(pools, ways(pools) | ways_before(pools["plain"]), resamples=options.resamples)
    nested = nested_over(
        parts, pools, whole[0], ways=ways, baseline=BASELINE, resamples=options.resamples
    )
    ordered = [tracks[number] for number in pools["plain"].ids]
    sections = {
        "The ways": table(whole),
        "Nested": nested.table(),
        "Half against half": halves(pools, alone).table(resamples=options.resamples),
        "How far it hangs on one artist": weighed(whole[0]),
        "Without kin": kin_table(pools["plain"], kin(ordered, pools["plain"]), two_ways),
        "Added to the best": table(
            judged(pools, additions(pools, second), resamples=options.resamples, against=BEST)
        ),
        "Small libraries": sizes_table(pools["plain"]),
        "A gain that is none": control_table(pools["batch-norm"]),
    }
    print("\n\n".join(f"## {title}\n\n{text}" for title, text in sections.items()))
    if options.figure:
        options.figure.write_text(forest(rows_of(whole)), "utf-8")
    if options.out:
        document = {"together": rows_of(whole), "nested": nested.to_json()}
        options.out.write_text(json.dumps(document, indent=1), "utf-8")


def embed(graph: Weights, folders: list[Path], work: Path, excerpt: str) -> None:
    """Bring the vectors of all tracks by one graph into the library in `work`."""
    for folder in folders:
        build(
            audio=folder,
            indexes=work,
            models=[MODEL],
            tracks=100_000,
            excerpt=excerpt,
            fetch=lambda spec: graph,
        )


def read(
    work: Path, excerpt: str, graphs: list[Weights]
) -> tuple[dict[str, TrackPool], dict[int, Track]]:
    """Return a pool for each recipe of the model (and the second graph's), and the tracks."""
    keys = {
        name: VectorKey(
            MODEL,
            graphs[0].identity,
            excerpt=excerpt,
            layer=recipe.layer,
            pooling=recipe.pooling,
        )
        for name, recipe in recipes_of(MODEL).items()
    }
    if len(graphs) > 1:
        keys[SECOND] = VectorKey(MODEL, graphs[1].identity, excerpt=excerpt)
    with Library.open(work / FILE_NAME, read_only=True) as library:
        pools = read_pools(library, list(keys.values()))
        return dict(zip(keys, pools, strict=True)), dict(_tracks(library))


def _tracks(library: Library) -> Iterator[tuple[int, Track]]:
    for _, tracks in library.tracks_by_artist():
        yield from ((stored.id, stored.track) for stored in tracks)


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
    """Return what else the product has, or had been tried."""
    transforms = ("centre", "all-but-the-top", "whiten")
    before = {f"transform: {name}": by_centroid(pool, transform=name) for name in transforms}
    before |= {f"ranker: {name}": by_rescaled_centroid(pool, name) for name in ("csls", "mp")}
    return before | {
        "plain, mean of best matches": by_tracks(pool),
        "whitened, mean of best matches": by_tracks(pool, transform=WHITEN_TRACKS),
    }


SECOND = "second model"
BEST = "whitened, two closest"


def two_ways(pool: TrackPool) -> dict[str, Scorer]:
    """Return the baseline and the best single way."""
    return {
        BASELINE: by_centroid(pool),
        BEST: by_closest_tracks(pool, transform=WHITEN_TRACKS, count=2),
    }


def additions(pools: Pools, second: TrackPool | None) -> dict[str, Scorer]:
    """Return the best single way, and what it may gain by fusion of calibrated scores."""
    best = two_ways(pools["whitened"])[BEST]
    everything = ways(pools)
    others = {
        name: everything[name]
        for name in ("whitened, centroid", "whitened, closest track", "batch-norm, two closest")
    }
    others["whitened, mean of best matches"] = by_tracks(pools["whitened"], transform=WHITEN_TRACKS)
    alone = {}
    if second is not None:
        other = by_closest_tracks(second, transform=WHITEN_TRACKS, count=2)
        alone = {f"{SECOND} alone, {BEST}": other}
        others[f"{SECOND}, {BEST}"] = other
    added = {f"+ {name}": fused([best, scorer], method="score") for name, scorer in others.items()}
    return {BEST: best} | added | alone


def kin(tracks: list[Track], pool: TrackPool) -> dict[str, Any]:
    """Return what is taken out with a held-out track, as numbers (tracks,)."""
    return {
        "album": numbered(albums(tracks)),
        "package": numbered(packages(tracks)),
        "theme": numbered(themes(tracks, pool)),
    }


Judged = tuple[dict[str, Retrieval], Mapping[str, Difference]]


def judged(
    pools: Pools, scorers: Mapping[str, Scorer], *, resamples: int, against: str = BASELINE
) -> Judged:
    """Return the retrieval of every way, and its difference from one of them (Holm over all)."""
    comparison = compare_rankers(
        pools["plain"], scorers, against=against, ks=(5,), resamples=resamples
    )
    differences = {first: apart for (first, _), apart in comparison.differences.items()}
    return {retrieval.index: retrieval for retrieval in comparison.retrievals}, differences


# --- tables -------------------------------------------------------------------------------------


def weighed(judged: Mapping[str, Retrieval]) -> str:
    """Say what is won where each artist counts once, and without who wins the most, as Markdown."""
    lines = ["| held-out tracks | artists | MRR plain | won |", "|---|---|---|---|"]
    before, after = judged[BASELINE], judged[BEST]
    plain, won = before.column(HEADLINE), after.column(HEADLINE) - before.column(HEADLINE)
    names, numbers = np.unique(before.owners, return_inverse=True)
    sums = np.bincount(numbers, won)
    most = int(sums.argmax())
    once = 1 / np.bincount(numbers)[numbers]
    weights = {
        "all alike": np.ones(len(won)),
        "each artist once": once,
        f"without {before.artists[names[most]]}": (numbers != most).astype(np.float64),
    }
    for name, weight in weights.items():
        mean, gain = np.average(plain, weights=weight), np.average(won, weights=weight)
        count = len(np.unique(numbers[weight > 0]))
        lines.append(f"| {name} | {count} | {mean:.3f} | {gain:+.3f} |")
    return "\n".join(lines)


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
    (baseline,) = retrievals.keys() - differences.keys()
    lines = [
        f"| way | hit@1 | MRR (95%) | less that of {baseline} (95%) | p (Holm) |",
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
