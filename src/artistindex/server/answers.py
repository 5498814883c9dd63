"""The questions of the own API, each put to an open index: the same search, and the same JSON, as
on the command line."""

import datetime
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from artistindex import __version__, naming
from artistindex.errors import Misuse
from artistindex.index.reader import ArtistIndex
from artistindex.index.sidecar import Entry
from artistindex.index.summary import summary_of
from artistindex.listeners.bills import Lineup
from artistindex.listeners.favourites import Favourites, read_favourites, read_names
from artistindex.listeners.lineups import read_lineup
from artistindex.listeners.user_files import Upload
from artistindex.metadata.links import artist_links
from artistindex.query.artist_path import find_path, path_json
from artistindex.query.evenings import rank_evenings
from artistindex.query.lineup import rank_lineup
from artistindex.query.lineup_answer import Answer, Days
from artistindex.query.query import Query, parse_weight
from artistindex.query.ranking import RANKERS, rows_left_out, search
from artistindex.query.track_search import search_tracks
from artistindex.server.live_index import OpenIndex
from artistindex.server.problems import Problem

Values = Mapping[str, Any]
Uploads = Mapping[str, Sequence[Upload]]


def info(served: OpenIndex, values: Values) -> dict[str, Any]:
    """Return what is served."""
    index = served.index
    return {
        "name": "artistindex",
        "version": __version__,
        "index": index.name,
        **summary_of(index.manifest),
        "track_vectors": index.manifest.track_vectors,
    }


def artists(served: OpenIndex, values: Values) -> dict[str, Any]:
    """Return the artists whose names hold `q`: those that are it, begin so, have such a word."""
    index, first, limit = served.index, values["offset"], values["limit"]
    rows = _rows_named_like(served, values["q"])
    entries = index.entries_of(rows[first : first + limit])
    return {
        "index": index.name,
        "q": values["q"],
        "total": len(rows),
        "artists": [_entry_json(entry) for entry in entries],
    }


def _rows_named_like(served: OpenIndex, typed: str) -> list[int]:
    folded = naming.normalise(typed)
    if not typed.strip():
        return list(range(len(served.index)))
    ranked = []
    for row, name in enumerate(served.folded_names):
        at = name.find(folded)
        if at >= 0:
            begins_word = at == 0 or f" {folded}" in name
            ranked.append((name != folded, at > 0, not begins_word, len(name), row))
    return [row for *_, row in sorted(ranked)]


def _entry_json(entry: Entry) -> dict[str, Any]:
    return {
        "artist": entry.artist.name,
        "ids": dict(entry.artist.ids),
        "links": artist_links(entry.artist),
        "tracks": entry.tracks,
    }


def neighbours(served: OpenIndex, values: Values) -> dict[str, Any]:
    """Return the artists nearest to the query."""
    index = served.index
    query = _query(index, values).resolve(index)
    hits = search(
        index,
        query,
        values["k"],
        ranker=RANKERS[values["ranker"]](),
        exclude=rows_left_out(index, min_tracks=values["min_tracks"]),
    )
    return {
        "index": index.name,
        **query.to_json(),
        "k": values["k"],
        "ranker": values["ranker"],
        "neighbours": [hit.neighbour.to_json() | {"rank_score": hit.rank_score} for hit in hits],
    }


def tracks(served: OpenIndex, values: Values) -> dict[str, Any]:
    """Return the tracks nearest to the query."""
    index = served.index
    _demand_tracks(index)
    query = _query(index, values).resolve(index)
    hits = search_tracks(index, query, values["k"])
    return {
        "index": index.name,
        **query.to_json(),
        "k": values["k"],
        "tracks": [hit.to_json() for hit in hits],
    }


def path(served: OpenIndex, values: Values) -> dict[str, Any]:
    """Return the way from one artist to another in small steps."""
    index = served.index
    steps = find_path(index, values["from"], values["to"], neighbours=values["neighbours"])
    return path_json(index, steps)


def _query(index: ArtistIndex, values: Values) -> Query:
    if values["track"]:
        _demand_tracks(index)
    return Query(
        artists=values["artist"],
        minus=values["minus"],
        weights=dict(map(_weight, values["weight"])),
        tracks=values["track"],
    )


def _weight(text: str) -> tuple[str, float]:
    weight = parse_weight(text)
    if weight is None:
        raise Misuse(f"the weight {naming.quoted(text)} is not of the form NAME=NUMBER")
    return weight


def _demand_tracks(index: ArtistIndex) -> None:
    if not len(index.track_vectors):
        raise Problem(
            HTTPStatus.CONFLICT, f"the index {index.name} has no vectors of single tracks"
        )


# --- a line-up ----------------------------------------------------------------------------------


def match(served: OpenIndex, values: Values, files: Uploads) -> dict[str, Any]:
    """Return who of a line-up would be liked; `files` are line-ups, likes, dislikes and so on."""
    index = served.index
    likes = read_favourites(files["likes"])
    dislikes = read_favourites(files["dislikes"]) if files["dislikes"] else Favourites((), ())
    whole = read_sent_lineup(index, files["lineup"], likes)
    days = _days(whole, values)
    chosen = whole if days is None else whole.between(days.first, days.last)
    if not chosen.billings:
        raise Misuse(f"nobody plays {days}; `from` chooses other days")
    ranking = rank_lineup(
        index,
        chosen,
        likes,
        dislikes,
        exclude=_names(files["exclude"]) or (),
        only=_names(files["only"]),
        min_tracks=values["min_tracks"],
    )
    answer = Answer(index.name, ranking, whole, chosen, days, None)
    if values["by"] == "event":
        evenings = rank_evenings(ranking.ranked)[: values["k"]]
        return answer.to_json(ranking.ranked) | {
            "evenings": [evening.to_json() for evening in evenings]
        }
    return answer.to_json(ranking.ranked[: values["k"]])


def read_sent_lineup(index: ArtistIndex, files: Sequence[Upload], likes: Favourites) -> Lineup:
    """Read a line-up; who is liked or indexed may have commas in the name. Raises Misuse."""
    names = set(map(naming.normalise, likes.names))

    def knows(name: str) -> bool:
        return naming.normalise(name) in names or bool(index.find_rows(name))

    return read_lineup(files, knows=knows)


def _names(files: Sequence[Upload]) -> list[str] | None:
    return [name for file in files for name in read_names(file)] if files else None


def _days(lineup: Lineup, values: Values) -> Days | None:
    """Return the days asked for, from today on if nothing is said; None without any dates."""
    if not any(event.date for event in lineup.events):
        if values["from"] or values["days"]:
            raise Misuse("the line-up has no dates, which `from` and `days` need")
        return None
    try:
        first = datetime.date.fromisoformat(values["from"] or datetime.date.today().isoformat())
        last = first + datetime.timedelta(values["days"] - 1) if values["days"] else None
    except (ValueError, OverflowError):
        raise Misuse(f"{naming.quoted(values['from'])} is no day that `from` can name") from None
    return Days(first, last)
