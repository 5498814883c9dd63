"""What finds an artist's own tracks best? Every transform, correction, aggregation and re-ranking.

    python benchmarks/rankings.py DIR... [--work FOLDER] [--second FILE] [--out FILE]

Each DIR is a collection: a folder of music whose files carry their artists' names. Tracks are
embedded with MusiCNN, whole and as 3x30 excerpts, into a library in FOLDER (kept, so that a second
run takes seconds); then every way of ranking is judged by artist retrieval, on each collection and
on all of them together. FILE is a second graph of MusiCNN's architecture, for the fusions. Prints
Markdown; --out writes every number as JSON too.
"""

import argparse
import hashlib
import json
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from scipy.stats import trim_mean

from artistindex.audio.decode import Excerpt, decode
from artistindex.embedding import weights
from artistindex.embedding.embed import track_vector
from artistindex.embedding.engine import load_model
from artistindex.embedding.registry import spec_of
from artistindex.embedding.spec import ModelSpec
from artistindex.embedding.weights import Weights
from artistindex.entities import VectorKey
from artistindex.evaluation.artist_retrieval import HEADLINE, RankerComparison, compare_rankers
from artistindex.evaluation.track_pool import (
    Scorer,
    TrackPool,
    by_centroid,
    fused,
    mean,
    read_pools,
)
from artistindex.index.transforms import TRANSFORMS, unit
from artistindex.ingest import outliers
from artistindex.ingest.pipeline import build
from artistindex.library.library import FILE_NAME, Library
from artistindex.query import fusion
from rankers import by_closest_tracks, by_rescaled_centroid, by_tracks, part_of, reranked

Floats = NDArray[np.float64]
Pools = Mapping[str, TrackPool]

MODEL, EXCERPT = "musicnn", "3x30"
BASELINE = "centroid (as built)"
TOGETHER = "together"
DEPTH = 10
SIGNIFICANT = 0.05


def main() -> None:
    """Embed, judge, print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("folders", nargs="+", type=Path, metavar="DIR")
    parser.add_argument("--work", type=Path, metavar="FOLDER", help="where the library is kept")
    parser.add_argument("--second", type=Path, metavar="FILE", help="a second .pb of MusiCNN")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write the numbers as JSON")
    parser.add_argument(
        "--encodings", type=int, default=12, help="tracks to encode again, and to time; 0 for none"
    )
    parser.add_argument("--resamples", type=int, default=10_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        work = options.work or Path(temporary)
        keys = embed(options.folders, work, options.second)
        with Library.open(work / FILE_NAME, read_only=True) as library:
            pools = dict(zip(keys, read_pools(library, list(keys.values())), strict=True))
            paths = paths_of(library)
    results = {}
    for name, chosen in collections(options.folders, pools[MODEL], paths).items():
        part = {key: part_of(pool, chosen) for key, pool in pools.items()}
        comparison = compare_rankers(
            part[MODEL], ways(part), against=BASELINE, resamples=options.resamples, ks=(5,)
        )
        print(f"\n### {name}\n\n{'; '.join(comparison.notes)}.\n\n{table(comparison)}")
        results[name] = comparison.to_json(per_artist=True)
    if options.encodings:
        results["recordings"] = recordings(pools[MODEL], paths, options.encodings)
        results["excerpts"] = excerpts(pools, paths, options.encodings)
        print(f"\n{recordings_text(results['recordings'])}")
        print(f"\n{excerpts_text(results['excerpts'])}")
    if options.out:
        options.out.write_text(json.dumps(results, indent=1), "utf-8")


# --- embedding ----------------------------------------------------------------------------------


def embed(folders: Sequence[Path], work: Path, second: Path | None) -> dict[str, VectorKey]:
    """Bring every track's vectors into the library in `work`; the keys by the pools' names."""
    own = weights.find_installed(spec_of(MODEL))
    runs = {MODEL: (own, "full"), EXCERPT: (own, EXCERPT)}
    if second is not None:
        runs["second"] = (second_graph(second), "full")

    def take(graph: Weights, spec: ModelSpec) -> Weights:
        return graph

    for graph, excerpt in runs.values():
        for folder in folders:
            build(
                audio=folder,
                indexes=work,
                models=[MODEL],
                tracks=100_000,
                excerpt=excerpt,
                fetch=partial(take, graph),
            )
    return {
        name: VectorKey(MODEL, graph.identity, excerpt=excerpt)
        for name, (graph, excerpt) in runs.items()
    }


def second_graph(path: Path) -> Weights:
    """Return the graph of MusiCNN's architecture at `path`, to be used in place of MusiCNN's."""
    content = path.read_bytes()
    return Weights(spec_of(MODEL), path, hashlib.sha256(content).hexdigest(), len(content))


def paths_of(library: Library) -> dict[int, Path]:
    """The file of every track of the library."""
    return {
        track.id: track.track.path
        for artist in library.artists()
        for track in library.tracks_of(artist.id)
        if track.track.path is not None
    }


def collections(
    folders: Sequence[Path], pool: TrackPool, paths: Mapping[int, Path]
) -> dict[str, NDArray[np.bool_]]:
    """Which tracks of `pool` each folder holds, and all of them where there are several folders."""
    roots = {folder.name: folder.resolve() for folder in folders}
    by_folder = {
        name: np.array([paths[track].is_relative_to(root) for track in pool.ids])
        for name, root in roots.items()
    }
    together = {TOGETHER: np.ones(len(pool), np.bool_)} if len(folders) > 1 else {}
    return {name: chosen for name, chosen in (by_folder | together).items() if chosen.any()}


# --- ways of ranking ----------------------------------------------------------------------------


def ways(pools: Pools) -> dict[str, Scorer]:
    """Every way of ranking that is judged, the baseline first."""
    pool = pools[MODEL]
    plain = by_centroid(pool)
    scorers = {BASELINE: plain}
    scorers |= {f"transform: {name}": by_centroid(pool, transform=name) for name in TRANSFORMS[1:]}
    scorers |= {f"hubs: {name}": by_rescaled_centroid(pool, name) for name in ("csls", "mp")}
    scorers |= {
        f"aggregate: {name}": by_centroid(pool, aggregate=aggregate)
        for name, aggregate in AGGREGATES.items()
    }
    scorers["rerank: all tracks"] = by_tracks(pool)
    scorers[f"rerank: top {DEPTH}"] = reranked(plain, by_tracks(pool), depth=DEPTH)
    scorers["rerank: closest track"] = by_closest_tracks(pool)
    scorers["rerank: all tracks, all-but-the-top"] = by_tracks(pool, transform="all-but-the-top")
    scorers["fusion of centroid and tracks: rrf"] = fused([plain, by_tracks(pool)], method="rrf")
    scorers[f"excerpt: {EXCERPT}"] = by_centroid(pools[EXCERPT])
    if "second" in pools:
        other = by_centroid(pools["second"])
        scorers["second model alone"] = other
        scorers |= {
            f"fusion of both models: {method}": fused([plain, other], method=method)
            for method in fusion.FusionMethod
        }
    return scorers


def mean_of_units(vectors: Floats) -> Floats:
    """Every track counts alike, however long its vector."""
    return mean(unit(vectors).astype(np.float64))


def median(vectors: Floats) -> Floats:
    """The median of each coordinate."""
    middle: Floats = np.median(vectors, axis=0)
    return middle


def trimmed(vectors: Floats) -> Floats:
    """The mean of each coordinate without the highest and the lowest fifth."""
    return np.asarray(trim_mean(vectors, 0.2, axis=0), np.float64)


def by_outlier_score(vectors: Floats) -> Floats:
    """The mean, a track that is s > 1 times as far as the others lie counting 1/s."""
    counts = 1 / np.maximum(1.0, outliers.scores(vectors.astype(np.float32)))
    return np.asarray(np.average(vectors, axis=0, weights=counts), np.float64)


AGGREGATES: dict[str, Callable[[Floats], Floats]] = {
    "mean of unit vectors": mean_of_units,
    "median": median,
    "trimmed mean": trimmed,
    "weights by outlier score": by_outlier_score,
}


# --- one recording, encoded again ---------------------------------------------------------------


def recordings(pool: TrackPool, paths: Mapping[int, Path], count: int) -> dict[str, Any]:
    """How alike a recording and its other encodings are, beside different tracks of one artist."""
    rows = unit(pool.vectors).astype(np.float64)
    apart = pool.recordings[:, None] != pool.recordings[None, :]
    different = (rows @ rows.T)[np.triu(apart, 1)]
    own = weights.find_installed(spec_of(MODEL))
    model = load_model(own, threads=2)
    chosen = np.linspace(0, len(pool) - 1, min(count, len(pool))).astype(int)
    cosines: dict[str, list[float]] = {name: [] for name in ENCODINGS}
    with tempfile.TemporaryDirectory() as folder:
        for at in chosen:
            for name, (suffix, codec, rate) in ENCODINGS.items():
                path = Path(folder) / f"again{suffix}"
                encode(paths[pool.ids[at]], path, codec, rate)
                vector, _ = track_vector(model, decode(path))
                again = unit(vector[None, :])[0].astype(np.float64)
                cosines[name].append(float(again @ rows[at]))
    return {
        "different": {
            "pairs": len(different),
            "quantiles": np.quantile(different, [0.5, 0.99, 0.999, 1.0]).tolist(),
        },
        **{
            name: {"min": min(of_encoding), "median": float(np.median(of_encoding))}
            for name, of_encoding in cosines.items()
        },
    }


ENCODINGS = {"mp3 192k": (".mp3", "mp3", 192_000), "opus 128k": (".opus", "libopus", 128_000)}


def encode(source: Path, target: Path, codec: str, rate: int) -> None:
    """Write the audio of `source` to `target` again, at `rate` bits a second."""
    import av

    with av.open(str(source)) as read, av.open(str(target), "w") as written:
        stream = cast(av.AudioStream, written.add_stream(codec, rate=48_000))
        stream.bit_rate = rate
        for frame in read.decode(audio=0):
            frame.pts = None
            written.mux(stream.encode(frame))
        written.mux(stream.encode(None))


# --- excerpts -----------------------------------------------------------------------------------


def excerpts(pools: Pools, paths: Mapping[int, Path], count: int) -> dict[str, Any]:
    """How near an excerpt's vectors stay to the whole track's, and what they cost beside them.

    The cost is timed on `count` of the tracks, whole and excerpt in turn.
    """
    whole, part = (unit(pools[name].vectors).astype(np.float64) for name in (MODEL, EXCERPT))
    cosines = np.einsum("ij,ij->i", whole, part)
    own = unit(mean(whole)[None, :])[0].astype(np.float64)
    centred = [unit(rows - own).astype(np.float64) for rows in (whole, part)]
    model = load_model(weights.find_installed(spec_of(MODEL)), threads=2)
    chosen = np.linspace(0, len(cosines) - 1, min(count, len(cosines))).astype(int)
    seconds: dict[str, list[float]] = {"full": [], EXCERPT: []}
    for at in chosen:
        for name, durations in seconds.items():
            started = time.perf_counter()
            track_vector(model, decode(paths[pools[MODEL].ids[at]], excerpt=Excerpt.parse(name)))
            durations.append(time.perf_counter() - started)
    return {
        "tracks": len(cosines),
        "cosines": np.quantile(cosines, [0.0, 0.05, 0.5]).tolist(),
        "centred": np.quantile(np.einsum("ij,ij->i", *centred), [0.0, 0.05, 0.5]).tolist(),
        "seconds": {name: sum(durations) for name, durations in seconds.items()},
        "timed": len(chosen),
    }


# --- tables -------------------------------------------------------------------------------------


def table(comparison: RankerComparison) -> str:
    """One line for each way, as Markdown."""
    lines = [
        "| way | hit@1 | MRR (95%) | nDCG | MRR less the baseline's (95%) | p (Holm) | hubs |",
        "|---|---|---|---|---|---|---|",
    ]
    for retrieval in comparison.retrievals:
        mrr = retrieval.metrics[HEADLINE]
        apart = comparison.differences.get((retrieval.index, BASELINE))
        star = " *" if apart is not None and apart.is_clear and apart.p < SIGNIFICANT else ""
        hubs = retrieval.hubs
        cells = [
            retrieval.index,
            f"{retrieval.metrics['hit@1'].value:.3f}",
            f"{mrr.value:.3f} ({_number(mrr.low)} to {_number(mrr.high)})",
            f"{retrieval.metrics['ndcg'].value:.3f}",
            "" if apart is None else f"{apart.value:+.3f} ({apart.low:+.3f} to {apart.high:+.3f})",
            "" if apart is None else f"{apart.p:.2g}{star}",
            f"{hubs.skewness:+.2f}, {hubs.largest}, {hubs.anti_hubs:.0%}",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    chance = comparison.retrievals[0].metrics
    chances = [f"{chance[name].chance:.3f}" for name in ("hit@1", HEADLINE, "ndcg")]
    lines.append(f"| chance | {' | '.join(chances)} | | | |")
    return "\n".join(lines)


def recordings_text(measured: Mapping[str, Any]) -> str:
    """What `recordings` found, in a few lines."""
    middle, high, higher, highest = measured["different"]["quantiles"]
    lines = [
        f"Cosines of {measured['different']['pairs']} pairs of different recordings: median"
        f" {middle:.4f}, 99% below {high:.5f}, 99.9% below {higher:.5f}, highest {highest:.6f}."
    ]
    lines += [
        f"The same recording as {name}: lowest {measured[name]['min']:.6f}, median"
        f" {measured[name]['median']:.6f}."
        for name in ENCODINGS
    ]
    return "\n".join(lines)


def excerpts_text(measured: Mapping[str, Any]) -> str:
    """What `excerpts` found, in two sentences."""
    least, low, middle = measured["cosines"]
    least_centred, low_centred, middle_centred = measured["centred"]
    spent = measured["seconds"]
    return (
        f"Cosine of {EXCERPT} with the whole track over {measured['tracks']} tracks: lowest"
        f" {least:.4f}, 5% below {low:.4f}, median {middle:.4f}; less the mean of all tracks:"
        f" {least_centred:.3f}, {low_centred:.3f}, {middle_centred:.3f}. Decoding and embedding"
        f" {measured['timed']} tracks took {spent['full']:.1f} s whole and {spent[EXCERPT]:.1f} s"
        " as excerpts."
    )


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


if __name__ == "__main__":
    main()
