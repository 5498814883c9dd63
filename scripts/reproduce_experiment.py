"""Run the original experiment again: eight artists, two models, and what music-map makes of it.

    python scripts/reproduce_experiment.py
    python scripts/reproduce_experiment.py --ids artist_id_mapping.json \
        --truth musicmap.json --earlier MERT=spike_5_similarities.json \
        --earlier "VGGish 2025=spike_4_similarities.json"
    python scripts/reproduce_experiment.py --audio MUSIC --truth musicmap.json --out spike5

It says first what it will fetch and how long that takes (--plan says that alone), and goes on
where it was stopped when it is started again. The eight artists' tracks come from a catalogue and
their audio from YouTube, as `artistindex build` does it, or, with --audio, everything from a
folder, whose artists then take the place of the eight. Without --truth the lists are fetched from
music-map.com into OUT/musicmap.json.

OUT receives spike_5_embeddings.json, spike_5_similarities.json and spike_5_validation.json in the
original shapes for the first model, the same in a folder named after each further model, the
indexes themselves below OUT/indexes, and SPIKE_5_RESULTS.md, which sets today's models beside each
other and beside earlier results.
"""

import argparse
import json
import math
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from artistindex import ArtistIndex, ArtistIndexError, Library, build, compare
from artistindex.cli import exit_codes
from artistindex.cli.display import Display
from artistindex.cli.remedies import line_for
from artistindex.embedding.registry import spec_of
from artistindex.embedding.weights import is_installed
from artistindex.errors import Misuse
from artistindex.evaluation.compare import Comparison
from artistindex.evaluation.expected_pairs import EXPERIMENT
from artistindex.evaluation.report.render import write_report
from artistindex.evaluation.report.tables import Column, Kind, Table, markdown, markdown_table
from artistindex.evaluation.success_criteria import RANGE_NOTE
from artistindex.ingest.report import BuildReport
from artistindex.library.library import FILE_NAME
from artistindex.listeners import musicmap
from artistindex.listeners.truth_files import GroundTruth, ListFile, read_truth
from artistindex.naming import normalise

ARTISTS = (
    "Vril",
    "Calibre",
    "deadmau5",
    "Rezz",
    "TroyBoi",
    "IMANU",
    "PEEKABOO",
    "Sabrina Carpenter",
)
MODELS = ("discogs-effnet", "vggish")
TOP = 5
BYTES_A_VIDEO = 4_000_000  # the audio of four minutes at 128 kbit/s
SECONDS_A_VIDEO = 12  # a guest gets about 300 videos an hour (docs/ingest.md)
REQUESTS_A_NAME = 3  # of a catalogue, one a second


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the experiment; returns the exit code."""
    options = _parser().parse_args(arguments)
    try:
        return run(options)
    except ArtistIndexError as error:
        print(f"Error: {line_for(error)}", file=sys.stderr)
        return exit_codes.for_error(error)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("experiment"),
        help="the folder of the results (default: experiment)",
    )
    parser.add_argument("--plan", action="store_true", help="say what would be fetched, and stop")
    parser.add_argument("--audio", type=Path, help="a folder of music instead of the catalogue")
    parser.add_argument("--ids", type=Path, help='pinned ids: {"mapping": {name: spotify id}}')
    parser.add_argument("--truth", type=Path, help="music-map lists; fetched where not given")
    parser.add_argument(
        "--earlier",
        action="append",
        default=[],
        metavar="NAME=FILE",
        help="similarities of an earlier run, to set beside today's",
    )
    parser.add_argument(
        "--model",
        action="append",
        dest="models",
        metavar="MODEL",
        help="a model to embed with (default: discogs-effnet and vggish)",
    )
    parser.add_argument("--tracks", type=int, default=5, help="tracks for each artist (default: 5)")
    parser.add_argument("--engine", default="auto", choices=["auto", "essentia", "openvino"])
    parser.add_argument("--workers", type=int, help="worker processes")
    return parser


def run(options: argparse.Namespace) -> int:
    """The experiment from audio to results."""
    earlier = _earlier(options.earlier)
    models = options.models or MODELS
    if len(models) + len(earlier) < 2:
        raise Misuse("there is nothing to compare: give two --model, or an --earlier result")
    print(*plan(options, models), sep="\n", file=sys.stderr)
    if options.plan:
        return exit_codes.DONE
    with Display(quiet=False) as display:
        built = build(
            artists=[] if options.audio else ARTISTS,
            audio=options.audio,
            ids=options.ids,
            indexes=options.out / "indexes",
            models=models,
            tracks=options.tracks,
            engine=options.engine,
            workers=options.workers,
            reporter=display,
        )
    for failed in built.failed:
        print(f"{failed.artist}: {failed.reason} ({failed.stage})", file=sys.stderr)
    folders = {index.path: options.out / index.model for index in built.indexes}
    if folders:
        folders[next(iter(folders))] = options.out
        finish(folders, options.truth, earlier, options.out, built)
    return exit_codes.for_build(built)


def plan(options: argparse.Namespace, models: Sequence[str]) -> list[str]:
    """Say what a run will fetch and how long that takes; what is there already counts."""
    lines = [f"models: {', '.join(models)}"]
    missing = [spec for spec in map(spec_of, models) if not is_installed(spec)]
    size = sum(spec.bytes or spec.about_bytes or 0 for spec in missing)
    if missing:
        lines.append(f"fetches weights: {', '.join(spec.name for spec in missing)}, {_mb(size)}")
    names = () if options.audio else ARTISTS
    if options.audio:
        lines.append(f"music: the folder {options.audio}, nothing is fetched")
    else:
        lines += _fetched_music(options, models)
    if options.truth is None:
        whose = f"{len(names)}" if names else "the folder's artists'"
        lines.append(f"fetches {whose} lists from music-map.com, one a second at most")
    lines.append(f"results: {options.out}; stopped by Ctrl-C, it goes on when started again")
    return lines


def _fetched_music(options: argparse.Namespace, models: Sequence[str]) -> Iterator[str]:
    embedded = _tracks_embedded(options.out / "indexes" / FILE_NAME, models)
    videos = max(0, options.tracks * len(ARTISTS) - embedded)
    minutes = (videos * SECONDS_A_VIDEO + len(ARTISTS) * REQUESTS_A_NAME) / 60
    yield f"artists: {', '.join(ARTISTS)}; {options.tracks} tracks each, {embedded} of all embedded"
    yield (
        f"fetches up to {videos} tracks from YouTube, some {_mb(videos * BYTES_A_VIDEO)}; at the"
        f" pace that it bears {math.ceil(minutes)} minutes, embedding goes on meanwhile"
    )


def _tracks_embedded(path: Path, models: Sequence[str]) -> int:
    """The tracks that have a vector of every model."""
    if not path.exists():
        return 0
    with Library.open(path, read_only=True) as library:
        embedded = library.keys()
    counts = {key.model: tracks for key, tracks in embedded}
    return min(counts.get(model, 0) for model in models)


def _mb(size: int) -> str:
    return f"{size / 1e6:.0f} MB"


def finish(
    folders: Mapping[Path, Path],
    truth: Path | None,
    earlier: Mapping[str, Path],
    out: Path,
    built: BuildReport,
) -> None:
    """Write each index's results into the folder it is mapped to, and what they say into `out`."""
    spotify_ids = tracks_of_spotify(out / "indexes" / FILE_NAME)
    for folder, target in folders.items():
        with ArtistIndex.open(folder) as index:
            write_json(target / "spike_5_embeddings.json", embeddings(index, spotify_ids))
            write_json(target / "spike_5_similarities.json", similarities(index))
            names = index.artists
    truth = truth or fetched_truth(names, out / "musicmap.json")
    known = read_truth(truth)
    for folder, target in folders.items():
        with ArtistIndex.open(folder) as index:
            write_json(target / "spike_5_validation.json", validation(index, known))
    eight = {normalise(name) for name in ARTISTS} <= {normalise(name) for name in names}
    pairs = EXPERIMENT if eight else None
    comparison = _compared(list(folders), earlier, truth, pairs)
    write_report(comparison, out / "report")
    (out / "SPIKE_5_RESULTS.md").write_text(results(comparison, built), encoding="utf-8")
    print(comparison.verdict.headline)
    print(f"tells it: {out / 'SPIKE_5_RESULTS.md'}; shows it: {out / 'report' / 'report.html'}")


def _compared(
    folders: Sequence[Path], earlier: Mapping[str, Path], truth: Path, pairs: Path | None
) -> Comparison:
    """Compare with the truth, or without one that names none of these artists' neighbours."""
    try:
        return compare(folders, similarities=earlier, truth=truth, pairs=pairs)
    except Misuse as error:
        print(f"compared without music-map: {line_for(error)}", file=sys.stderr)
        return compare(folders, similarities=earlier, pairs=pairs)


def _earlier(values: Sequence[str]) -> dict[str, Path]:
    files = {}
    for value in values:
        name, separator, file = value.partition("=")
        if not (name and separator and file):
            raise Misuse(f"--earlier takes NAME=FILE, not {value!r}")
        files[name] = Path(file)
    return files


def fetched_truth(names: Sequence[str], path: Path) -> Path:
    """The lists of `names` from music-map.com, in the file `path`."""
    file = ListFile(path)
    with musicmap.session() as session:
        for outcome in musicmap.collect(names, file, session=session):
            if outcome.reason:
                print(f"{outcome.artist}: {outcome.reason}", file=sys.stderr)
    return path


# --- the original shapes ------------------------------------------------------------------------


def tracks_of_spotify(path: Path) -> dict[int, str]:
    """The Spotify ids of the library's tracks, by their id in the library."""
    with Library.open(path, read_only=True) as library:
        return {
            stored.id: stored.track.catalogue_id
            for artist in library.artists()
            for stored in library.tracks_of(artist.id)
            if stored.track.catalogue == "spotify" and stored.track.catalogue_id
        }


def embeddings(index: ArtistIndex, spotify_ids: Mapping[int, str]) -> dict[str, Any]:
    """Every artist's vector; `spotify_ids` are those of its tracks, where Spotify listed them."""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return {
        name: {
            "artist_name": name,
            "embedding": [float(value) for value in index.vector(name)],
            "tracks_used": tracks,
            "spotify_ids": [
                spotify_ids[track.library_id]
                for track in index.tracks(name)
                if track.library_id is not None and track.library_id in spotify_ids
            ],
            "computed_at": now,
            "model": index.name,
        }
        for name, tracks in zip(index.artists, index.track_counts, strict=True)
    }


def similarities(index: ArtistIndex) -> dict[str, Any]:
    """The cosine of every pair of artists."""
    cosines = np.clip(index.vectors @ index.vectors.T, -1, 1)
    return {
        "pairwise_similarities": [
            {
                "artist1": index.artists[first],
                "artist2": index.artists[second],
                "cosine_similarity": float(cosines[first, second]),
            }
            for first, second in combinations(range(len(index)), 2)
        ]
    }


def validation(index: ArtistIndex, truth: GroundTruth) -> dict[str, Any]:
    """The experiment's own validation, which compares a top 5 of the pool with one of everything.

    Kept for comparison: SPIKE_5_RESULTS.md says what it can reach at most.
    """
    lists = {normalise(name): listed for name, listed in truth.lists.items()}
    results = {
        name: _validated(index, name, [entry.name for entry in lists[normalise(name)][:TOP]])
        for name in index.artists
        if normalise(name) in lists
    }
    percents = [result["overlap_pct"] for result in results.values()]
    mean = sum(percents) / len(percents) if percents else 0.0
    return {"metrics": {"top5_overlap_avg": mean}, "per_artist_results": results}


def _validated(index: ArtistIndex, name: str, listed: Sequence[str]) -> dict[str, Any]:
    nearest = [neighbour.artist for neighbour in index.neighbours(name, TOP)]
    overlap = len(
        {normalise(artist) for artist in listed} & {normalise(artist) for artist in nearest}
    )
    return {
        "music_map_top5": list(listed),
        "embedding_top5": nearest,
        "overlap": overlap,
        "overlap_pct": 100 * overlap / TOP,
    }


def write_json(path: Path, content: Any) -> None:
    """Write `content` as the experiment did."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, ensure_ascii=False, indent=2), encoding="utf-8")


# --- the results for people ---------------------------------------------------------------------


def results(comparison: Comparison, built: BuildReport) -> str:
    """SPIKE_5_RESULTS.md."""
    verdict = comparison.verdict
    parts = [
        f"# {markdown(verdict.headline)}",
        *(markdown(sentence) for sentence in verdict.sentences),
        f"{built.indexed} of {built.requested} artists, {built.tracks} tracks,"
        f" {built.seconds:.0f} s. Everything else, with plots: [report/report.md](report/report.md)"
        " and report/report.html.",
        "## Success criteria",
        markdown_table(_criteria_table(comparison)),
        f"Note: {RANGE_NOTE}.",
        "## Against music-map",
        "The experiment's number is open_overlap; its ceiling is what a perfect index could reach.",
        markdown_table(_metrics_table(comparison)),
    ]
    if comparison.pairs:
        parts += ["## Pairs", markdown_table(_pairs_table(comparison))]
    return "\n\n".join(parts) + "\n"


def _criteria_table(comparison: Comparison) -> Table:
    return Table.of(
        "Success criteria",
        (
            *map(Column, ("criterion", "index", "wanted")),
            Column("met?", key="outcome"),
            Column("detail"),
        ),
        (
            {**criterion.to_json(), "outcome": criterion.outcome}
            for criterion in comparison.criteria
        ),
    )


def _metrics_table(comparison: Comparison) -> Table:
    return Table.of(
        "Against music-map",
        (
            Column("metric"),
            Column("index"),
            *(Column(title, Kind.PERCENT) for title in ("value", "chance", "ceiling")),
        ),
        (
            {"metric": metric, "index": evaluation.index, **estimate.to_json()}
            for evaluation in comparison.evaluations
            for metric, estimate in evaluation.metrics.items()
            if metric.split("@")[0] in ("overlap", "open_overlap", "recall")
        ),
    )


def _pairs_table(comparison: Comparison) -> Table:
    return Table.of(
        "Pairs",
        (
            *map(Column, ("pair", "expected", "index")),
            Column("cosine", Kind.NUMBER, "cosine_similarity"),
            Column("met?", key="outcome"),
        ),
        (
            {
                **pair.to_json(),
                "pair": f"{pair.pair.first} and {pair.pair.second}",
                "outcome": "met" if pair.is_met else "not met",
            }
            for pair in comparison.pairs
        ),
    )


if __name__ == "__main__":
    sys.exit(main())
