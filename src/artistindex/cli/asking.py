"""The options of a question, for the commands that put one."""

from collections.abc import Mapping
from typing import Any

import click

from artistindex.cli.options import State, cookie_options
from artistindex.cli.output import message
from artistindex.errors import Misuse
from artistindex.index.reader import ArtistIndex
from artistindex.query.query import Query, ResolvedQuery

_OPTIONS = (
    click.option(
        "--audio",
        multiple=True,
        metavar="FILE|URL",
        help="Ask with this piece of music; several are averaged. A URL is fetched with yt-dlp.",
    ),
    click.option("--minus", multiple=True, metavar="NAME", help="Away from this artist."),
    click.option(
        "--weight",
        "weights",
        multiple=True,
        metavar="NAME=X",
        help="Count an artist asked about X times; 1 where nothing is said.",
    ),
    cookie_options,
)


def question_options(command: Any) -> Any:
    """--audio, --minus, --weight and the cookies to fetch with; `question_of` reads them."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def question_of(artists: tuple[str, ...], options: Mapping[str, Any]) -> Query:
    """The question that a command line puts; raises Misuse."""
    if (options["cookies"] or options["cookies_from_browser"]) and not any(
        "://" in source for source in options["audio"]
    ):
        raise Misuse("cookies are for fetching: give --audio the URL to fetch with them")
    return Query(
        artists=artists,
        minus=options["minus"],
        weights=dict(map(_weight, options["weights"])),
        audio=options["audio"],
    )


def listened(
    index: ArtistIndex,
    question: Query,
    posed: ResolvedQuery,
    options: Mapping[str, Any],
    state: State,
) -> ResolvedQuery:
    """`posed` with the question's audio, where it has any, embedded as `index` asks for."""
    if not question.audio:
        return posed
    from artistindex.query.audio_query import embed

    sound = embed(
        index,
        question.audio,
        cookies=options["cookies"],
        browser=options["cookies_from_browser"],
        note=lambda line: message(line, quiet=state.quiet),
    )
    return posed.with_sound(sound)


def question_payload(question: Query, posed: ResolvedQuery) -> dict[str, Any]:
    """What was asked, as JSON: `query`, and `minus`, `weights` and `audio` where they were used."""
    payload: dict[str, Any] = {"query": [*posed.artists, *question.audio]}
    if posed.minus:
        payload["minus"] = list(posed.minus)
    if posed.weights:
        payload["weights"] = dict(posed.weights)
    if question.audio:
        payload["audio"] = list(question.audio)
    return payload


def _weight(text: str) -> tuple[str, float]:
    name, equals, number = text.rpartition("=")
    try:
        if equals and name.strip():
            return name, float(number)
    except ValueError:
        pass
    raise Misuse(f"--weight {text!r}: expected NAME=NUMBER, as in --weight Rezz=2")
