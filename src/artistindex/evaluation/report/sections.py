"""What is shown of a comparison: an overview, sections with tables, and every number in one."""

from collections.abc import Iterable, Iterator
from typing import Any

from artistindex.evaluation.bootstrap import Estimate
from artistindex.evaluation.compare import Comparison
from artistindex.evaluation.protocol import Protocol
from artistindex.evaluation.report.tables import Column, Kind, Section, Table, cell, shown

_INTERVAL = (Column("from", Kind.NUMBER, "low"), Column("to", Kind.NUMBER, "high"))
_ESTIMATE = (Column("value", Kind.NUMBER), *_INTERVAL, Column("chance", Kind.NUMBER))
_SPREAD = ("min", "max", "range", "mean", "sd")
_POOL = ("queries", "pool_artists", "coverage")
_NUMBERS = ("part", "measure", "index", "value", "low", "high", "chance", *_POOL, "remark")


_TASTE = (
    "music-map measures listeners' taste, which also follows scenes, languages and fame; no index"
    " of sound alone can reach the ceiling."
)


def overview_of(comparison: Comparison) -> Table:
    """Return the table of the first screen."""
    if comparison.evaluation is None:
        return _spread_table(comparison)
    metric = comparison.headline
    columns = (
        Column("index"),
        Column(metric, Kind.PERCENT, "value"),
        Column("95% from", Kind.PERCENT, "low"),
        Column("to", Kind.PERCENT, "high"),
        Column("chance", Kind.PERCENT),
        Column("above chance?", key="above"),
    )
    records = (
        {
            "index": evaluation.index,
            **evaluation.metrics[metric].to_json(),
            "above": "yes" if evaluation.metrics[metric].beats_chance else "not shown",
        }
        for evaluation in comparison.evaluations
    )
    return Table.of(f"{metric} against {comparison.judge}", columns, records)


def headline_of_each(comparison: Comparison) -> Table:
    """Return the table of the first screen, narrow enough for a phone."""
    if comparison.evaluation is None:
        return _spread_table(comparison)
    metric = comparison.headline
    columns = (
        Column("index"),
        Column("95% interval", key="interval"),
        Column("chance", Kind.PERCENT),
        Column("above?", key="above"),
    )
    records = (
        {
            "index": evaluation.index,
            "interval": _with_interval(evaluation.metrics[metric], Kind.PERCENT),
            "chance": evaluation.metrics[metric].chance,
            "above": "yes" if evaluation.metrics[metric].beats_chance else "not shown",
        }
        for evaluation in comparison.evaluations
    )
    return Table.of(f"{metric} against {comparison.judge}, beside chance", columns, records)


def sections_of(comparison: Comparison) -> list[Section]:
    """Return everything below the first screen."""
    sections = [
        Section(
            "Similarities",
            (
                "How widely the similarities spread says nothing about which index is better: a"
                " wider range can be had by subtracting the mean vector.",
            ),
            ("similarities", "heatmap", "map"),
            (_spread_table(comparison), _hub_table(comparison)),
        ),
        *([_pairs_section(comparison)] if comparison.pairs else []),
        _agreement_section(comparison),
        *([_criteria_section(comparison)] if is_of_experiment(comparison) else []),
    ]
    if comparison.evaluation is None:
        return sections
    return [_truth_section(comparison), *sections, _artists_section(comparison)]


def is_of_experiment(comparison: Comparison) -> bool:
    """Tell whether files of the original experiment were given: its similarities, or pairs."""
    return bool(comparison.pairs) or any(space.vectors is None for space in comparison.spaces)


def paper_tables_of(comparison: Comparison) -> list[Table]:
    """Return the tables that a paper shows: the headline, every metric, differences, agreement."""
    evaluated = (
        [overview_of(comparison), _metrics_table(comparison), _differences_table(comparison)]
        if comparison.evaluation
        else []
    )
    agreement = _agreement_section(comparison).tables[0]
    return [*evaluated, _spread_table(comparison), _hub_table(comparison), agreement]


def _truth_section(comparison: Comparison) -> Section:
    protocol = comparison.evaluations[0].protocol
    left_out = sum(len(names) for names in protocol.left_out.values())
    text = (
        f"Closed pool: the {len(protocol.artists)} shared artists, {protocol.candidates} ranked for"
        f" each of {len(protocol.queries)} query artists; {left_out} artists are no query."
        f" Coverage: {protocol.coverage:.1%} of the artists that {comparison.judge} lists for them"
        " are in the pool. Metrics that begin with open_ hold the whole list against the index;"
        " their ceiling is what a perfect index could reach.",
        *([_TASTE] if comparison.judge == "music-map" else []),
    )
    tables = (_metrics_matrix(comparison), _differences_table(comparison))
    return Section(f"Agreement with {comparison.judge}", text, ("overlap",), tables)


def _metrics_matrix(comparison: Comparison) -> Table:
    """Every metric in a row, every index in a column."""
    first = comparison.evaluations[0]
    estimates = {evaluation.index: evaluation.metrics for evaluation in comparison.evaluations}
    return Table.of(
        "Every metric, with its 95% interval, chance and ceiling",
        (
            Column("metric"),
            *(Column(shown(index), key=index) for index in estimates),
            Column("chance", Kind.NUMBER),
            Column("ceiling", Kind.NUMBER),
        ),
        (
            {
                "metric": metric,
                "chance": of_first.chance,
                "ceiling": of_first.ceiling,
                **{index: _with_interval(metrics[metric]) for index, metrics in estimates.items()},
            }
            for metric, of_first in first.metrics.items()
        ),
    )


def _with_interval(estimate: Estimate, kind: Kind = Kind.NUMBER) -> str:
    value = cell(estimate.value, kind)
    if estimate.low is None or estimate.high is None:
        return value
    return f"{value} ({cell(estimate.low, kind)} to {cell(estimate.high, kind)})"


def _metrics_table(comparison: Comparison) -> Table:
    return Table.of(
        "Every metric, with its 95% interval, chance and ceiling",
        (*map(Column, ("metric", "pool", "index")), *_ESTIMATE, Column("ceiling", Kind.NUMBER)),
        (
            {"metric": metric, "index": evaluation.index, **evaluation.metrics[metric].to_json()}
            for metric in comparison.evaluations[0].metrics
            for evaluation in comparison.evaluations
        ),
        is_sortable=True,
    )


def _differences_table(comparison: Comparison) -> Table:
    return Table.of(
        "Differences on the same queries, by a paired bootstrap; many at once: a few look clear by"
        " luck",
        (
            *map(Column, ("metric", "first", "second")),
            Column("first less second", Kind.NUMBER, "difference"),
            *_INTERVAL,
            Column("p", Kind.NUMBER),
            Column("clear?", key="clear"),
        ),
        (
            {
                **difference.to_json(),
                "metric": metric,
                "first": first,
                "second": second,
                "clear": "yes" if difference.is_clear else "no",
            }
            for (first, second, metric), difference in comparison.differences.items()
        ),
        is_sortable=True,
    )


def _spread_table(comparison: Comparison) -> Table:
    return Table.of(
        "Cosine similarities of all pairs of the shared artists",
        (
            Column("index"),
            Column("pairs", Kind.INTEGER),
            *(Column(measure, Kind.NUMBER) for measure in _SPREAD),
        ),
        ({"index": index, **spread.to_json()} for index, spread in comparison.spreads.items()),
    )


def _hub_table(comparison: Comparison) -> Table:
    return Table.of(
        "Hubs: how unevenly artists turn up among the k nearest of the others",
        (
            Column("index"),
            Column("k", Kind.INTEGER),
            Column("skewness", Kind.NUMBER),
            Column("most occurrences", Kind.INTEGER, "largest"),
            Column("never occurring", Kind.PERCENT, "anti_hubs"),
        ),
        ({"index": index, **hubs.to_json()} for index, hubs in comparison.hubs.items()),
    )


def _pairs_section(comparison: Comparison) -> Section:
    table = Table.of(
        "Chosen pairs",
        (
            *map(Column, ("artist", "and", "expected", "index")),
            Column("cosine", Kind.NUMBER, "cosine_similarity"),
            Column("percentile", Kind.NUMBER),
            Column("met?", key="met"),
        ),
        (
            {
                **pair.to_json(),
                "artist": shown(pair.pair.first),
                "and": shown(pair.pair.second),
                "met": "yes" if pair.is_met else "no",
            }
            for pair in comparison.pairs
        ),
    )
    text = (
        "A range is held against the cosine; low, medium and high against the thirds of all pairs"
        " of that index, since two models' cosines have no common scale.",
    )
    return Section("Pairs with an expectation", text, tables=(table,))


def _agreement_section(comparison: Comparison) -> Section:
    agreement = Table.of(
        "How alike the indexes rank the artists",
        (
            *map(Column, ("first", "second", "measure")),
            Column("mean", Kind.NUMBER, "value"),
            *_ESTIMATE[1:],
        ),
        _agreement_records(comparison),
    )
    disagreement = Table.of(
        f"Where they disagree most: what only one has among the nearest {comparison.ks[-1]}",
        (
            Column("artist"),
            Column("rank-biased overlap", Kind.NUMBER, "rbo"),
            *map(Column, ("first", "only in the first", "second", "only in the second")),
        ),
        (
            {
                "artist": shown(disagreement.artist),
                "rbo": disagreement.rbo,
                "first": disagreement.first,
                "only in the first": _listed(disagreement.only_first),
                "second": disagreement.second,
                "only in the second": _listed(disagreement.only_second),
            }
            for disagreement in comparison.disagreements
        ),
    )
    return Section("Agreement between the indexes", tables=(agreement, disagreement))


def _agreement_records(comparison: Comparison) -> Iterator[dict[str, Any]]:
    for agreement in comparison.agreements:
        overlaps = {f"overlap@{k}": overlap for k, overlap in agreement.overlaps.items()}
        for measure, estimate in (*overlaps.items(), ("rank-biased overlap", agreement.rbo)):
            names = {"first": agreement.first, "second": agreement.second}
            yield {**names, "measure": measure, **estimate.to_json()}


def _listed(artists: Iterable[str]) -> str:
    return ", ".join(shown(artist) for artist in artists) or "nobody"


def _criteria_section(comparison: Comparison) -> Section:
    table = Table.of(
        "Criteria of success",
        map(Column, ("criterion", "index", "wanted", "result", "detail")),
        ({**criterion.to_json(), "result": criterion.outcome} for criterion in comparison.criteria),
    )
    notes = {
        f"{criterion.name}: {criterion.note}.": None
        for criterion in comparison.criteria
        if criterion.note
    }
    return Section("The original experiment's criteria", tuple(notes), tables=(table,))


def _artists_section(comparison: Comparison) -> Section:
    evaluations = comparison.evaluations
    values = {
        f"{metric} {evaluation.index}": evaluation.column(metric)
        for metric in (comparison.headline, "mrr")
        for evaluation in evaluations
    }
    table = Table(
        "Every query artist",
        (
            Column("artist"),
            Column("listed", Kind.INTEGER),
            Column("in pool", Kind.INTEGER),
            *(Column(title, Kind.NUMBER) for title in values),
        ),
        tuple(
            (
                shown(comparison.artists[query.row]),
                query.listed,
                query.relevant,
                *(float(column[at]) for column in values.values()),
            )
            for at, query in enumerate(evaluations[0].protocol.queries)
        ),
        is_sortable=True,
        is_detail=True,
    )
    return Section("Artist by artist", tables=(table,))


# --- every number -------------------------------------------------------------------------------


def numbers_of(comparison: Comparison) -> Table:
    """Return everything in one table, a line for each number."""
    parts = (
        *(_similarities, _evaluations, _differences, _agreements, _hubs, _pairs, _criteria),
        _provenance,
    )
    records = (record for part in parts for record in part(comparison))
    return Table.of("Every number", map(Column, _NUMBERS), records)


def _similarities(comparison: Comparison) -> Iterator[dict[str, Any]]:
    for index, spread in comparison.spreads.items():
        for measure in _SPREAD:
            value = spread.to_json()[measure]
            yield {"part": "similarities", "measure": measure, "index": index, "value": value}


def _evaluations(comparison: Comparison) -> Iterator[dict[str, Any]]:
    for evaluation in comparison.evaluations:
        for metric, estimate in evaluation.metrics.items():
            names = {"part": comparison.judge, "measure": metric, "index": evaluation.index}
            yield {
                **names,
                **estimate.to_json(),
                **protocol_record(evaluation.protocol),
                "remark": estimate.pool,
            }


def protocol_record(protocol: Protocol) -> dict[str, Any]:
    """Return the number of queries, that of the artists, and what is covered of the lists."""
    return {
        "queries": len(protocol.queries),
        "pool_artists": len(protocol.artists),
        "coverage": protocol.coverage,
    }


def _differences(comparison: Comparison) -> Iterator[dict[str, Any]]:
    for (first, second, metric), difference in comparison.differences.items():
        names = {"part": "difference", "measure": metric, "index": f"{first} - {second}"}
        clear = "clear" if difference.is_clear else "not clear"
        yield {**names, **difference.to_json(), "value": difference.value, "remark": clear}


def _agreements(comparison: Comparison) -> Iterator[dict[str, Any]]:
    for record in _agreement_records(comparison):
        index = f"{record['first']} and {record['second']}"
        yield {**record, "part": "agreement", "index": index}


def _hubs(comparison: Comparison) -> Iterator[dict[str, Any]]:
    for index, hubs in comparison.hubs.items():
        for measure in ("skewness", "largest", "anti_hubs"):
            value = hubs.to_json()[measure]
            yield {"part": f"hubs at {hubs.k}", "measure": measure, "index": index, "value": value}


def _pairs(comparison: Comparison) -> Iterator[dict[str, Any]]:
    for pair in comparison.pairs:
        names = {"part": "pairs", "measure": f"{pair.pair.first} - {pair.pair.second}"}
        remark = f"{'met' if pair.is_met else 'not met'}: expected {pair.pair.expected}"
        yield {**names, "index": pair.index, "value": pair.cosine, "remark": remark}


def _criteria(comparison: Comparison) -> Iterator[dict[str, Any]]:
    for criterion in comparison.criteria:
        names = {"part": "criteria", "measure": f"{criterion.name} {criterion.required}"}
        remark = f"{criterion.outcome}: {criterion.detail}"
        yield {**names, "index": criterion.index, "value": criterion.value, "remark": remark}


def _provenance(comparison: Comparison) -> Iterator[dict[str, Any]]:
    """The run's settings, and the weights of each index, as remarks."""
    provenance = comparison.provenance
    run = {"seed": provenance.seed, "resamples": provenance.resamples, "date": provenance.date}
    texts = {**run, "truth sha256": provenance.truth_sha256, **provenance.versions}
    for measure, text in texts.items():
        if text is not None:
            yield {"part": "provenance", "measure": measure, "remark": str(text)}
    for origin in provenance.indexes:
        names = {"part": "provenance", "measure": "weights sha256", "index": origin.index}
        yield {**names, "remark": origin.weights_sha256}
