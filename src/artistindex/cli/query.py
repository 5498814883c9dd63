"""`artistindex query`."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from artistindex.cli import completion
from artistindex.cli.neighbour_cells import CSV_COLUMNS, TABLE_COLUMNS, shown, track_place
from artistindex.cli.options import (
    State,
    any_path,
    candidate_options,
    cookie_options,
    index_option,
    is_given,
    pass_state,
)
from artistindex.cli.output import emit, message
from artistindex.cli.playlists import (
    PLAYLIST_FORMATS,
    check_playlist,
    playlist_options,
    print_playlist,
    save_playlist,
)
from artistindex.entities import Artist
from artistindex.errors import Misuse
from artistindex.index.reader import ArtistIndex, open_index
from artistindex.query.query import Query, ResolvedQuery, parse_weight

if TYPE_CHECKING:
    from artistindex.entities import Neighbour
    from artistindex.query.explain import Explanation
    from artistindex.query.playlist import PlaylistTrack
    from artistindex.query.ranking import Hit

_COLUMNS = ("rank", "artist", "score", "percentile", "tracks")
_TRACK_COLUMNS = ("rank", "artist", "title", "album", "score", "where")
_SCORE_COLUMNS = {"csls": "csls", "mp": "mp", "tracks": "matches"}
_RANKER_FLAGS = ("ranker", "hubs", "rerank")


@click.command(name="query")
@click.argument("artists", nargs=-1, metavar="[ARTIST]...", shell_complete=completion.artists)
@click.option(
    "--audio",
    multiple=True,
    metavar="FILE|URL",
    help="Ask with this piece of music; several are averaged. A URL is fetched with yt-dlp.",
)
@click.option(
    "--allow-private",
    is_flag=True,
    help="Let a URL of --audio lead to this machine or a private network.",
)
@click.option(
    "--track",
    "tracks",
    multiple=True,
    metavar="NAME",
    help='Ask with this track of the index: "Artist - Title".',
)
@click.option(
    "--minus",
    multiple=True,
    metavar="NAME",
    shell_complete=completion.artists,
    help="Away from this artist.",
)
@click.option(
    "--weight",
    "weights",
    multiple=True,
    metavar="NAME=X",
    help="Count an artist asked about X times; 1 where nothing is said.",
)
@cookie_options
@click.option(
    "--for",
    "goal",
    type=click.Choice(["artists", "tracks"]),
    default="artists",
    show_default=True,
    help="List artists, or single tracks.",
)
@click.option("--k", default=10, show_default=True, help="How many to list.")
@candidate_options
@index_option(
    "The index to ask; of several, the answers are fused.  [default: the only one, else"
    " discogs-effnet]"
)
@click.option(
    "--fuse",
    type=click.Choice(["rrf", "score"]),
    help="How several voices are joined: by reciprocal rank or by calibrated score."
    "  [default: rrf]",
)
@click.option(
    "--truth",
    type=any_path,
    metavar="FILE",
    help="Let music-map's lists have a voice too, from a file that `artistindex musicmap` wrote.",
)
@click.option(
    "--ranker",
    type=click.Choice(["cosine", "csls", "mp", "tracks"]),
    help="What ranks: the cosine of artists; the same against artists who are near everybody, by"
    " local scaling (csls) or mutual proximity (mp); or single tracks, for the top.  [default:"
    " cosine]",
)
@click.option(
    "--hubs",
    type=click.Choice(["none", "csls", "mp"]),
    hidden=True,
    help="An older spelling of --ranker csls|mp.",
)
@click.option(
    "--rerank",
    type=click.Choice(["tracks"]),
    hidden=True,
    help="An older spelling of --ranker tracks.",
)
@click.option(
    "--explain",
    is_flag=True,
    help="Show the closest tracks of each, and how far the answer hangs on single tracks.",
)
@playlist_options
@pass_state
def command(
    state: State,
    /,
    artists: tuple[str, ...],
    k: int,
    index: tuple[str, ...],
    output_format: str,
    playlist: Path | None,
    **options: Any,
) -> None:
    """List the artists who sound most like ARTIST, or like several ARTISTs together.

    The score is the cosine of the artists' vectors; the percentile says how many of the index's
    pairs of artists are less alike, with --minus how many of the others are. An artist may be named
    by id ("spotify:...") too. Write `--` before a name that begins with a dash. With --audio, a
    piece of music is asked about, with --track one of the index's own, alone or together with
    ARTISTs. Nobody who is asked about answers, nor does the artist of a track.

    Of several voices, the score is the fused one and a column for each says how much of it is its.
    With a --ranker other than cosine, the order is that of the column after the name. --explain
    tells a neighbour's stability: how often it stays in the list when everybody's tracks are drawn
    again.
    """
    query = _query(artists, options)
    check_playlist(playlist)
    with ExitStack() as stack:
        indexes = [
            stack.enter_context(open_index(state.indexes, name))
            for name in dict.fromkeys(index or (None,))
        ]
        _check(indexes, query, options)
        embed = _embedder(options, state)
        asked = [
            _Asked(index, query.resolve(index, embed=embed), exclude)
            for index, exclude in zip(indexes, _left_out(indexes, options), strict=True)
        ]
        answer = _answer(asked, k, options, state).with_descriptions(state.indexes)
        for name in artists:
            for other in indexes[0].namesakes(name):
                message(f"the index also holds {other!r}", quiet=state.quiet)
    names = [index.name for index in indexes]
    payload = {
        "index": names if len(names) > 1 else names[0],
        **asked[0].query.to_json(),
        "k": k,
        "neighbours" if options["goal"] == "artists" else "tracks": answer.payload,
    }
    title = f"Like {', '.join(payload['query'])}"
    if output_format in PLAYLIST_FORMATS:
        print_playlist(output_format, answer.tracks, title)
    else:
        rows = [row | cells for row, cells in zip(answer.payload, answer.cells, strict=True)]
        columns = (*answer.columns, *answer.more_columns(output_format))
        emit(rows, columns, output_format, payload=payload)
    save_playlist(playlist, answer.tracks, title, state)


# --- what is asked ------------------------------------------------------------------------------


def _query(artists: tuple[str, ...], options: Mapping[str, Any]) -> Query:
    is_fetching = any("://" in source for source in options["audio"])
    if is_given("cookies", "cookies_from_browser") and not is_fetching:
        raise Misuse("cookies are for fetching: give --audio the URL to fetch with them")
    if is_given("allow_private") and not is_fetching:
        raise Misuse("--allow-private is for fetching: it goes with the URL of --audio")
    return Query(
        artists=artists,
        minus=options["minus"],
        weights=dict(map(_weight, options["weights"])),
        audio=options["audio"],
        tracks=options["tracks"],
    )


def _weight(text: str) -> tuple[str, float]:
    weight = parse_weight(text)
    if weight is None:
        raise Misuse(f"--weight {text!r}: expected NAME=NUMBER, as in --weight Rezz=2")
    return weight


def _embedder(options: Mapping[str, Any], state: State) -> Callable[..., Any]:
    """Embeds the audio of a query, with the cookies given, saying what goes on."""

    def embed(index: ArtistIndex, sources: Sequence[str]) -> Any:
        from artistindex.query import audio_query

        return audio_query.embed(
            index,
            sources,
            cookies=options["cookies"],
            browser=options["cookies_from_browser"],
            allow_private=options["allow_private"],
            note=partial(message, quiet=state.quiet),
        )

    return embed


def _check(indexes: Sequence[ArtistIndex], query: Query, options: Mapping[str, Any]) -> None:
    """Raise Misuse for options that do not go together."""
    ranker, flag = _ranker(options)
    ways = [flag] if ranker != "cosine" else []
    if options["explain"]:
        ways.append("--explain")
    if _is_fused(indexes, options):
        ways.append("several --index" if len(indexes) > 1 else "--truth")
    elif is_given("fuse"):
        raise Misuse("--fuse joins several voices: give --index more than once, or --truth FILE")
    if len(ways) > 1:
        raise Misuse(f"{' and '.join(ways)} do not go together: choose one")
    if options["goal"] == "tracks" and ways:
        raise Misuse(f"--for tracks and {ways[0]} do not go together: choose one")
    music = query.audio or query.tracks
    more = query.minus or query.weights or (music and query.artists)
    if more and (ranker == "tracks" or options["explain"]):
        raise Misuse(
            f"{ways[0]} looks at tracks: ask for ARTISTs alone, or for --audio and --track alone,"
            " without --minus and --weight"
        )


def _ranker(options: Mapping[str, Any]) -> tuple[str, str]:
    """Return the ranker's name and the flag that names it, --hubs and --rerank being older ones.

    What the command names goes over what the settings name. Raises Misuse where two flags disagree.
    """
    flags = [name for name in _RANKER_FLAGS if options[name] is not None]
    flags = [name for name in flags if is_given(name)] or flags
    rankers = {f"--{name}": options[name] for name in flags if options[name] != "none"}
    if len({*rankers.values()}) > 1:
        raise Misuse(f"{' and '.join(rankers)} do not go together: choose one")
    return next(((ranker, flag) for flag, ranker in rankers.items()), ("cosine", "--ranker"))


def _is_fused(indexes: Sequence[object], options: Mapping[str, Any]) -> bool:
    return len(indexes) > 1 or options["truth"] is not None


# --- what is answered ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Asked:
    """An index with the query in its terms, and the rows of who must not answer besides."""

    index: ArtistIndex
    query: ResolvedQuery
    exclude: set[int]


@dataclass(frozen=True, slots=True)
class _Answer:
    """An answer as JSON, the `columns` of its table, the `cells` that only tables have, and the
    tracks to play."""

    payload: list[dict[str, Any]]
    cells: list[dict[str, Any]]
    tracks: "list[PlaylistTrack]"
    columns: tuple[str, ...] = _COLUMNS
    artists: "Sequence[Artist]" = ()

    def with_descriptions(self, indexes: Path) -> "_Answer":
        """Return the answer with what an index of descriptors, if there is one, says of it."""
        from artistindex.cli.described import COLUMN, describe_rows

        told = describe_rows(indexes, self.artists, self.payload) if self.artists else []
        if not told:
            return self
        cells = [row | more for row, more in zip(self.cells, told, strict=True)]
        return replace(self, cells=cells, columns=(*self.columns, COLUMN))

    def more_columns(self, output_format: str) -> tuple[str, ...]:
        """Return the last columns, of which CSV has more."""
        if self.columns == _TRACK_COLUMNS:
            return ()
        return CSV_COLUMNS if output_format == "csv" else TABLE_COLUMNS


def _of_neighbours(
    neighbours: "Sequence[Neighbour]",
    payload: list[dict[str, Any]],
    columns: tuple[str, ...] = _COLUMNS,
    cells: Sequence[Mapping[str, Any]] = (),
) -> _Answer:
    from artistindex.query.playlist import playlist_of

    own = cells or [{} for _ in neighbours]
    every = [{**row, **shown(neighbour)} for row, neighbour in zip(own, neighbours, strict=True)]
    artists = [Artist(neighbour.artist, neighbour.ids) for neighbour in neighbours]
    return _Answer(payload, every, playlist_of(neighbours), columns, artists)


def _answer(asked: Sequence[_Asked], k: int, options: Mapping[str, Any], state: State) -> _Answer:
    from artistindex.query.ranking import RANKERS, search

    if options["goal"] == "tracks":
        return _tracks(asked[0], k)
    if _is_fused(asked, options):
        return _fused(asked, k, options, state)
    index, query, exclude = asked[0].index, asked[0].query, asked[0].exclude
    ranker, _ = _ranker(options)
    hits = search(index, query, k, ranker=RANKERS[ranker](), exclude=exclude)
    if options["explain"]:
        return _explained(asked[0], hits, state)
    neighbours = [hit.neighbour for hit in hits]
    payload = [neighbour.to_json() for neighbour in neighbours]
    if ranker == "cosine":
        return _of_neighbours(neighbours, payload)
    column = _SCORE_COLUMNS[ranker]
    scored = [row | {column: hit.rank_score} for row, hit in zip(payload, hits, strict=True)]
    return _of_neighbours(neighbours, scored, ("rank", "artist", column, *_COLUMNS[2:]))


def _tracks(asked: _Asked, k: int) -> _Answer:
    from artistindex.query.playlist import PlaylistTrack
    from artistindex.query.track_search import search_tracks

    hits = search_tracks(asked.index, asked.query, k, exclude=asked.exclude)
    payload = [hit.to_json() for hit in hits]
    cells = [{"artist": ", ".join(hit.artists), "where": track_place(hit.track)} for hit in hits]
    tracks = [PlaylistTrack(", ".join(hit.artists), hit.track) for hit in hits]
    return _Answer(payload, cells, tracks, _TRACK_COLUMNS)


def _left_out(indexes: Sequence[ArtistIndex], options: Mapping[str, Any]) -> list[set[int]]:
    """The rows of each index who must not answer for the options given."""
    from artistindex.listeners.favourites import read_names
    from artistindex.query.ranking import rows_left_out

    if options["exclude"] and options["exclude"] == options["only"]:
        raise Misuse("--exclude and --only name the same file: nobody would be left")
    exclude = read_names(options["exclude"]) if options["exclude"] else ()
    only = read_names(options["only"]) if options["only"] else None
    return [
        rows_left_out(index, min_tracks=options["min_tracks"], exclude=exclude, only=only)
        for index in indexes
    ]


def _fused(asked: Sequence[_Asked], k: int, options: Mapping[str, Any], state: State) -> _Answer:
    from artistindex.query import fusion
    from artistindex.query.ranking import search

    names = asked[0].query.artists
    lists = _lists(options["truth"], names, state) if options["truth"] else None
    shared = len(fusion.aligned([part.index.artists for part in asked])[0])
    for part in asked:
        if len(part.index) > shared:
            message(
                f"{len(part.index) - shared} artists of {part.index.name} are left out: the name is"
                " shared, or another index lacks them",
                quiet=state.quiet,
            )
    answers = {
        part.index.name: search(
            part.index,
            part.query,
            max(len(part.index), k),
            exclude=part.exclude,
            entry_tracks=False,
        )
        for part in asked
    }
    method = options["fuse"] or fusion.FusionMethod.RRF
    fused = fusion.fuse_hits(answers, k, method=method, asked=names, lists=lists)
    tracks = asked[0].index.entry_tracks([answer.row for answer in fused], asked[0].query.vector)
    fused = [
        replace(answer, neighbour=replace(answer.neighbour, entry_tracks=tracks[answer.row]))
        for answer in fused
    ]
    payload = [answer.to_json() for answer in fused]
    voices = list(fused[0].voices) if fused else []
    cells = [{f"{name} %": 100 * answer.voices[name].share for name in voices} for answer in fused]
    columns = (*_COLUMNS, *(f"{voice} %" for voice in voices))
    return _of_neighbours([answer.neighbour for answer in fused], payload, columns, cells)


def _lists(
    path: Path, asked: Sequence[str], state: State
) -> Mapping[str, Sequence[tuple[str, float | None]]]:
    from artistindex import naming
    from artistindex.listeners.truth_files import read_truth

    lists = read_truth(path).folded
    silent = [name for name in asked if naming.normalise(name) not in lists]
    if silent or not asked:
        who = ", ".join(silent) or "a sound"
        message(f"{path} has no list for {who}: music-map is silent there", quiet=state.quiet)
    return lists


def _explained(asked: _Asked, hits: "Sequence[Hit]", state: State) -> _Answer:
    from artistindex.query.explain import explain
    from artistindex.query.track_vectors import TrackSets

    query, sets = asked.query, TrackSets(asked.index)
    artists = dict.fromkeys(query.artists)  # none where music was asked with
    for row, name in zip(query.rows[: len(artists)], artists, strict=True):
        tracks = sets.of(row)
        if tracks.is_imported:
            message(f"{name} came in a pack, without tracks to explain by", quiet=state.quiet)
        elif len(tracks) == 1:
            message(f"one track stands for {name}: all answers rest on it", quiet=state.quiet)
    explanations = explain(asked.index, query, hits, sets=sets, exclude=asked.exclude)
    payload = [
        hit.neighbour.to_json() | explanation.to_json()
        for hit, explanation in zip(hits, explanations, strict=True)
    ]
    cells = [
        {"closest tracks": _pair(explanation), "rests on": explanation.rests_on}
        for explanation in explanations
    ]
    columns = (*_COLUMNS, "stability", "closest tracks", "rests on")
    return _of_neighbours([hit.neighbour for hit in hits], payload, columns, cells)


def _pair(explanation: "Explanation") -> str | None:
    pair = explanation.closest
    return None if pair is None else f"{pair.asked} ~ {pair.neighbour} ({pair.score:.3f})"
