"""Artist retrieval as tables, for `evaluate` and `compare`."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from artistindex.cli.output import emit, message

if TYPE_CHECKING:
    from artistindex.evaluation.artist_retrieval import Retrievals
    from artistindex.evaluation.bootstrap import Difference
    from artistindex.evaluation.transform_variants import TransformComparison

_COLUMNS = ("index", "metric", "value", "low", "high", "chance")
_ARTIST_COLUMNS = ("index", "artist", "tracks")
_TRANSFORM_COLUMNS = (
    "judged by",
    "transform",
    "metric",
    "value",
    "low",
    "high",
    "chance",
    "difference",
    "difference low",
    "difference high",
    "p",
)


def show_retrievals(found: "Retrievals", form: str, *, per_artist: bool, quiet: bool) -> None:
    """Print what `evaluate --artist-retrieval` found."""
    for note in (*found.notes, *_differences(found)):
        message(note, quiet=quiet)
    payload = found.to_json(per_artist=per_artist)
    if per_artist:
        rows = [
            {"index": one.index, **artist, **artist["metrics"]}
            for one in found.each
            for artist in one.per_artist()
        ]
        emit(rows, (*_ARTIST_COLUMNS, *found.each[0].metrics), form, payload=payload)
    else:
        emit(_means(found), _COLUMNS, form, payload=payload)


def show_transforms(found: "TransformComparison", form: str, *, quiet: bool) -> None:
    """Print what `compare --transforms` found."""
    judged = found.evaluation
    for note in (*found.retrieval.notes, *(judged.notes if judged else ())):
        message(note, quiet=quiet)
    rows = [
        {"judged by": "artist retrieval", "transform": row["index"], **row}
        for row in _means(found.retrieval)
    ]
    for row in rows:
        difference = found.retrieval.differences.get((row["transform"], "none"))
        if row["metric"] == "mrr" and difference is not None:
            row |= _columns_of(difference)
    for one in judged.indexes if judged else ():
        for metric, estimate in one.metrics.items():
            row = {"judged by": "music-map", "transform": one.index, "metric": metric}
            row |= estimate.to_json()
            if metric == found.headline and one.index in found.differences:
                row |= _columns_of(found.differences[one.index])
            rows.append(row)
    for name, hubs in found.hubs.items():
        for measure in ("skewness", "largest", "anti_hubs"):
            row = {"judged by": f"hubs at {hubs.k}", "transform": name, "metric": measure}
            rows.append(row | {"value": hubs.to_json()[measure]})
    emit(rows, _TRANSFORM_COLUMNS, form, payload=found.to_json())


def _means(found: "Retrievals") -> list[dict[str, Any]]:
    return [
        {"index": one.index, "metric": name, **estimate.to_json()}
        for one in found.each
        for name, estimate in one.metrics.items()
    ]


def _differences(found: "Retrievals") -> Iterable[str]:
    for (one, other), difference in found.differences.items():
        clear = "clear" if difference.is_clear and difference.p < _SIGNIFICANT else "not clear"
        yield f"{one} less {other}: mrr {_signed(difference)}, p = {difference.p:.3f}: {clear}"


_SIGNIFICANT = 0.05


def _signed(difference: "Difference") -> str:
    if difference.low is None or difference.high is None:
        return f"{difference.value:+.3f}"
    return f"{difference.value:+.3f} ({difference.low:+.3f} to {difference.high:+.3f})"


def _columns_of(difference: "Difference") -> dict[str, Any]:
    return {
        "difference": difference.value,
        "difference low": difference.low,
        "difference high": difference.high,
        "p": difference.p,
    }
