"""What is shown of `evaluate`, of artist retrieval and of the transforms of an index."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from artistindex.evaluation.artist_retrieval import HEADLINE, RankerComparison, Retrieval
from artistindex.evaluation.bootstrap import Difference
from artistindex.evaluation.evaluate import Evaluation, IndexEvaluation
from artistindex.evaluation.hidden_favourites import HiddenFavourites
from artistindex.evaluation.provenance import Provenance
from artistindex.evaluation.report.sections import protocol_record
from artistindex.evaluation.report.tables import Column, Kind, Table, cell
from artistindex.evaluation.variants import TransformComparison
from artistindex.index.transforms import TRANSFORMS

SIGNIFICANT = 0.05

_ESTIMATE = ("value", "low", "high", "chance")
_POOL = ("queries", "pool_artists", "coverage")
_REPEATED = ("seed", "date", "artistindex", "weights_sha256", "truth_sha256")
_DIFFERENCE = ("difference", "difference low", "difference high", "p")


# --- evaluate -----------------------------------------------------------------------------------


def metrics_table(evaluation: Evaluation, *, is_whole: bool = False) -> Table:
    """Return every metric of every index, with what frames it.

    `is_whole` adds who was asked for, and what the run can be repeated by.
    """
    columns = [
        *map(Column, ("index", "metric", "pool")),
        *(Column(title, Kind.NUMBER) for title in (*_ESTIMATE, "ceiling")),
    ]
    if is_whole:
        columns += map(Column, (*_POOL, *_REPEATED))
    caption = f"Agreement with {evaluation.judge}"
    return Table.of(caption, columns, _metric_records(evaluation, evaluation.provenance))


def _metric_records(
    evaluation: Evaluation, provenance: Provenance | None
) -> Iterator[dict[str, Any]]:
    protocols = {index.index: index.protocol for index in evaluation.indexes}
    for record in _estimates(evaluation.indexes):
        name = record["index"]
        yield {**record, **protocol_record(protocols[name]), **repeated_by(provenance, name)}


def repeated_by(provenance: Provenance | None, index: str) -> dict[str, Any]:
    """Return what the numbers of one index can be repeated by."""
    if provenance is None:
        return {}
    return {
        "seed": provenance.seed,
        "date": provenance.date,
        "artistindex": provenance.versions["artistindex"],
        "weights_sha256": provenance.weights_of(index),
        "truth_sha256": provenance.truth_sha256,
    }


def paper_table(evaluation: Evaluation) -> Table:
    """Return every metric of every index as a paper shows it, intervals in brackets."""
    columns = (
        *map(Column, ("index", "metric")),
        Column("value", Kind.NUMBER),
        Column("95% interval"),
        Column("chance", Kind.NUMBER),
        Column("ceiling", Kind.NUMBER),
        Column("queries", Kind.INTEGER),
        Column("pool", Kind.INTEGER, "pool_artists"),
        Column("coverage", Kind.PERCENT),
    )
    records = (
        {**record, "95% interval": interval_text(record)}
        for record in _metric_records(evaluation, None)
    )
    return Table.of(f"Agreement with {evaluation.judge}", columns, records)


def interval_text(estimate: Mapping[str, Any]) -> str | None:
    """Return the ends of an estimate's interval in brackets, None where it has none."""
    low, high = estimate["low"], estimate["high"]
    if low is None or high is None:
        return None
    return f"[{cell(low, Kind.NUMBER)}, {cell(high, Kind.NUMBER)}]"


def reading_summary(evaluation: Evaluation) -> str:
    """Return what the truth was read as, and how much of it is indexed, in a sentence."""
    reading = evaluation.reading
    if reading is None:
        return evaluation.truth
    order = "" if reading.is_ranked else ", in no order"
    strengths = ", with strengths" if reading.is_graded else ""
    indexed = ", ".join(
        f"{index.protocol.names_in_pool:,} in {index.index}" for index in evaluation.indexes
    )
    return (
        f"{evaluation.truth} read as {reading.format}{order}{strengths}:"
        f" {reading.queries:,} artists with a list, {reading.pairs:,} pairs; of"
        f" {reading.names:,} names are indexed {indexed}"
    )


def artists_table(evaluation: Evaluation, *, all_metrics: bool) -> Table:
    """Return a row for each query artist; without `all_metrics` the two that say most."""
    metrics = [
        name
        for name in evaluation.indexes[0].columns
        if all_metrics or name == "mrr" or name.startswith("overlap@")
    ]
    records = (
        {"index": index.index, **artist, **artist["metrics"]}
        for index in evaluation.indexes
        for artist in index.per_artist()
    )
    columns = map(Column, ("index", "artist", "listed", "in_pool", *metrics))
    return Table.of("Every query artist", columns, records, is_detail=True)


def pool_summary(evaluation: IndexEvaluation, judge: str) -> str:
    """Return who is compared with whom, in a sentence."""
    protocol = evaluation.protocol
    left_out = ", ".join(
        f"{len(artists)}: {reason.sentence(judge)}"
        for reason, artists in protocol.left_out.items()
        if artists
    )
    return (
        f"{evaluation.index}: {len(protocol.queries)} queries in a pool of"
        f" {len(protocol.artists)} artists; {protocol.coverage:.1%} of the artists listed for them"
        f" are in it{left_out and f'; left out: {left_out}'}"
    )


# --- hidden favourites --------------------------------------------------------------------------


def hidden_table(evaluations: Iterable[HiddenFavourites], *, per_artist: bool) -> Table:
    """Return the metrics of each index, or a row for each hidden favourite."""
    if not per_artist:
        columns = (
            *map(Column, ("index", "metric")),
            *(Column(title, Kind.NUMBER) for title in _ESTIMATE),
        )
        return Table.of("Hidden favourites", columns, _estimates(evaluations))
    records = (
        {"index": evaluation.index, **favourite.to_json()}
        for evaluation in evaluations
        for favourite in evaluation.hidden
    )
    details = map(Column, ("index", "artist", "rank", "percentile"))
    return Table.of("Hidden favourites", details, records, is_detail=True)


def hidden_summary(evaluation: HiddenFavourites) -> str:
    """Return who is hidden among whom, in a sentence."""
    return (
        f"{evaluation.index}: {evaluation.playing} favourites play, {len(evaluation.hidden)} of"
        f" them are hidden in turn among {evaluation.pool} acts"
    )


# --- artist retrieval ---------------------------------------------------------------------------


def retrieval_table(
    comparison: RankerComparison, *, per_artist: bool, is_whole: bool = False
) -> Table:
    """Return every metric of every way of ranking, or a row for each artist.

    `is_whole` adds how much was asked, and what the run can be repeated by.
    """
    if not per_artist:
        columns = [
            *map(Column, ("index", "metric")),
            *(Column(title, Kind.NUMBER) for title in _ESTIMATE),
        ]
        if is_whole:
            columns += map(Column, ("queries", "artists", "candidates", *_REPEATED[:-1]))
        return Table.of("Artist retrieval", columns, _retrieval_records(comparison))
    records = (
        {"index": retrieval.index, **artist, **artist["metrics"]}
        for retrieval in comparison.retrievals
        for artist in retrieval.per_artist()
    )
    details = map(Column, ("index", "artist", "tracks", *comparison.retrievals[0].metrics))
    return Table.of("Artist retrieval", details, records, is_detail=True)


def _retrieval_records(comparison: RankerComparison) -> Iterator[dict[str, Any]]:
    by_name = {retrieval.index: retrieval for retrieval in comparison.retrievals}
    for record in _estimates(comparison.retrievals):
        retrieval = by_name[record["index"]].to_json()
        asked = {name: retrieval[name] for name in ("queries", "artists", "candidates")}
        yield {**record, **asked, **repeated_by(comparison.provenance, record["index"])}


def retrieval_paper_table(comparison: RankerComparison) -> Table:
    """Return every metric of every way of ranking as a paper shows it."""
    columns = (
        *map(Column, ("index", "metric")),
        Column("value", Kind.NUMBER),
        Column("95% interval"),
        Column("chance", Kind.NUMBER),
        Column("tracks", Kind.INTEGER, "queries"),
        Column("artists", Kind.INTEGER),
    )
    records = (
        {**record, "95% interval": interval_text(record)}
        for record in _retrieval_records(comparison)
    )
    return Table.of("Artist retrieval", columns, records)


def retrieval_differences(comparison: RankerComparison) -> Iterator[str]:
    """Yield each difference in a line."""
    for (first, second), difference in comparison.differences.items():
        is_clear = difference.is_clear and difference.p < SIGNIFICANT
        yield (
            f"{first} less {second}: {HEADLINE} {_signed(difference)}, p = {difference.p:.3f}:"
            f" {'clear' if is_clear else 'not clear'}"
        )


def _signed(difference: Difference) -> str:
    if difference.low is None or difference.high is None:
        return f"{difference.value:+.3f}"
    return f"{difference.value:+.3f} ({difference.low:+.3f} to {difference.high:+.3f})"


# --- transforms ---------------------------------------------------------------------------------


def transforms_table(comparison: TransformComparison) -> Table:
    """Return what every transform does, by artist retrieval, music-map and hubs."""
    columns = (
        *map(Column, ("judged by", "transform", "metric")),
        *(Column(title, Kind.NUMBER) for title in (*_ESTIMATE, *_DIFFERENCE)),
    )
    return Table.of("Transforms", columns, _transform_records(comparison))


def _transform_records(comparison: TransformComparison) -> Iterator[dict[str, Any]]:
    plain = TRANSFORMS[0]
    of_retrieval = {
        transform: difference
        for (transform, other), difference in comparison.retrieval.differences.items()
        if other == plain
    }
    judgements: tuple[
        tuple[str, Iterable[IndexEvaluation | Retrieval], str, Mapping[str, Difference]], ...
    ] = (
        ("artist retrieval", comparison.retrieval.retrievals, HEADLINE, of_retrieval),
        (
            comparison.evaluation.judge if comparison.evaluation else "",
            comparison.evaluation.indexes if comparison.evaluation else (),
            comparison.headline,
            comparison.differences,
        ),
    )
    for judge, evaluated, headline, differences in judgements:
        for record in _estimates(evaluated):
            difference = differences.get(record["index"]) if record["metric"] == headline else None
            yield {"judged by": judge, "transform": record["index"], **record} | (
                _difference_record(difference) if difference else {}
            )
    for name, hubs in comparison.hubs.items():
        for measure in ("skewness", "largest", "anti_hubs"):
            record = {"judged by": f"hubs at {hubs.k}", "transform": name, "metric": measure}
            yield record | {"value": hubs.to_json()[measure]}


def _difference_record(difference: Difference) -> dict[str, Any]:
    return {
        "difference": difference.value,
        "difference low": difference.low,
        "difference high": difference.high,
        "p": difference.p,
    }


def _estimates(
    evaluated: Iterable[IndexEvaluation | Retrieval | HiddenFavourites],
) -> Iterator[dict[str, Any]]:
    """A record for each metric of some evaluations."""
    for evaluation in evaluated:
        for metric, estimate in evaluation.metrics.items():
            yield {"index": evaluation.index, "metric": metric, **estimate.to_json()}
