"""The ways in which `query` answers: plain, fused, corrected, ranked again, explained."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from artistindex.cli.options import State, any_path
from artistindex.cli.output import message
from artistindex.errors import Misuse
from artistindex.index.reader import ArtistIndex
from artistindex.query.query import Query, ResolvedQuery

if TYPE_CHECKING:
    from artistindex.entities import Neighbour
    from artistindex.query.explain import Explanation
    from artistindex.query.fusion import FusedNeighbour

COLUMNS = ("rank", "artist", "score", "percentile", "tracks")

_OPTIONS = (
    click.option(
        "--fuse",
        type=click.Choice(["rrf", "score"]),
        help="How several voices are joined: by reciprocal rank or by calibrated score."
        "  [default: rrf]",
    ),
    click.option(
        "--truth",
        type=any_path,
        metavar="FILE",
        help="Let music-map's lists have a voice too, from a file that `artistindex musicmap`"
        " wrote.",
    ),
    click.option(
        "--hubs",
        type=click.Choice(["none", "csls", "mp"]),
        default="none",
        show_default=True,
        help="Correct for artists who are near everybody: by local scaling or mutual proximity.",
    ),
    click.option(
        "--rerank",
        type=click.Choice(["tracks"]),
        help="Rank the top again, by all pairs of tracks.",
    ),
    click.option(
        "--explain",
        is_flag=True,
        help="Show the closest tracks of each, and how far the answer hangs on single tracks.",
    ),
)


@dataclass(frozen=True, slots=True)
class Answer:
    """The neighbours as JSON and as table rows of `columns`."""

    neighbours: list[dict[str, Any]]
    rows: list[dict[str, Any]]
    columns: tuple[str, ...]


def answer_options(command: Any) -> Any:
    """--fuse, --truth, --hubs, --rerank and --explain; `answer` reads them."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def answer(
    indexes: Sequence[ArtistIndex],
    question: Query,
    posed: Sequence[ResolvedQuery],
    k: int,
    options: Mapping[str, Any],
    state: State,
) -> Answer:
    """Answer as the `options` ask for; raises Misuse for two that do not go together."""
    _check(indexes, question, options)
    index, one = indexes[0], posed[0]
    if _is_fused(indexes, options):
        return _of_voices(_fused(indexes, posed, k, options, state))
    if options["hubs"] != "none":
        from artistindex.query import hubness

        method = options["hubs"]
        return _adjusted(
            hubness.neighbours(index, one.vector, k, method=method, leave_out=one.rows), method
        )
    if options["rerank"]:
        from artistindex.query import rerank
        from artistindex.query.track_vectors import TrackSets

        sets = TrackSets.beside(index)
        found = rerank.neighbours(index, sets, one.rows, one.vector, k, leave_out=one.rows)
        return _adjusted(found, "matches")
    neighbours = index.search_vector(one.vector, k, leave_out=one.rows)
    if options["explain"]:
        return _explained(index, one, neighbours, k, state)
    rows = [asdict(each) for each in neighbours]
    return Answer(rows, rows, COLUMNS)


def _is_fused(indexes: Sequence[ArtistIndex], options: Mapping[str, Any]) -> bool:
    return len(indexes) > 1 or options["truth"] is not None


def _check(indexes: Sequence[ArtistIndex], question: Query, options: Mapping[str, Any]) -> None:
    ways = [
        f"--{name}"
        for name in ("hubs", "rerank", "explain")
        if options[name] not in (None, False, "none")
    ]
    if _is_fused(indexes, options):
        ways.append("several --index" if len(indexes) > 1 else "--truth")
    elif options["fuse"]:
        raise Misuse("--fuse joins several voices: give --index more than once, or --truth FILE")
    if len(ways) > 1:
        raise Misuse(f"{' and '.join(ways)} do not go together: choose one")
    more = question.audio or question.minus or question.weights
    if more and (options["rerank"] or options["explain"]):
        raise Misuse(
            f"{ways[0]} looks at the tracks of artists: ask for ARTISTs alone, without --audio,"
            " --minus and --weight"
        )


def _fused(
    indexes: Sequence[ArtistIndex],
    posed: Sequence[ResolvedQuery],
    k: int,
    options: Mapping[str, Any],
    state: State,
) -> "list[FusedNeighbour]":
    from artistindex.query import fusion

    lists = _lists(options["truth"], posed[0].artists, state) if options["truth"] else None
    shared = len(fusion.aligned([index.artists for index in indexes])[0])
    for index in indexes:
        if len(index) > shared:
            message(
                f"{len(index) - shared} artists of {index.name} are left out: the name is shared,"
                " or another index lacks them",
                quiet=state.quiet,
            )
    return fusion.neighbours(
        indexes,
        [each.vector for each in posed],
        k,
        method=options["fuse"] or fusion.METHODS[0],
        leave_out=[each.rows for each in posed],
        asked=posed[0].artists,
        lists=lists,
    )


def _lists(
    path: Path, asked: Sequence[str], state: State
) -> Mapping[str, Sequence[tuple[str, float | None]]]:
    from artistindex import naming
    from artistindex.listeners.musicmap import read_truth

    lists = read_truth(path).folded
    silent = [name for name in asked if naming.normalise(name) not in lists]
    if silent or not asked:
        who = ", ".join(silent) or "a sound"
        message(f"{path} has no list for {who}: music-map is silent there", quiet=state.quiet)
    return lists


def _of_voices(found: "Sequence[FusedNeighbour]") -> Answer:
    payload = [each.to_json() for each in found]
    voices = list(found[0].voices) if found else []
    rows = [
        one | {f"{name} %": 100 * one["voices"][name]["share"] for name in voices}
        for one in payload
    ]
    return Answer(payload, rows, (*COLUMNS, *(f"{name} %" for name in voices)))


def _adjusted(found: "Sequence[tuple[Neighbour, float]]", column: str) -> Answer:
    rows = [asdict(one) | {column: value} for one, value in found]
    return Answer(rows, rows, ("rank", "artist", column, *COLUMNS[2:]))


def _explained(
    index: ArtistIndex,
    posed: ResolvedQuery,
    neighbours: "Sequence[Neighbour]",
    k: int,
    state: State,
) -> Answer:
    from artistindex.query.explain import explain
    from artistindex.query.track_vectors import TrackSets

    sets = TrackSets.beside(index)
    for row, name in zip(dict.fromkeys(posed.rows), dict.fromkeys(posed.artists), strict=False):
        held = sets.of(row)
        if held.is_imported:
            message(f"{name} came in a pack, without tracks to explain by", quiet=state.quiet)
        elif len(held) == 1:
            message(f"one track stands for {name}: all answers rest on it", quiet=state.quiet)
    found = explain(index, sets, posed.rows, k)
    payload = [asdict(one) | why.to_json() for one, why in zip(neighbours, found, strict=True)]
    rows = [
        one | {"closest tracks": _pair(why), "rests on": why.rests_on}
        for one, why in zip(payload, found, strict=True)
    ]
    return Answer(payload, rows, (*COLUMNS, "stability", "closest tracks", "rests on"))


def _pair(why: "Explanation") -> str | None:
    pair = why.closest
    return None if pair is None else f"{pair.asked} ~ {pair.neighbour} ({pair.score:.3f})"
