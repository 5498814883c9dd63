"""The own API as one table: addresses, parameters and answers, for the router and for OpenAPI."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from artistindex.query.ranking import RANKERS
from artistindex.server import answers
from artistindex.server.parameters import Parameter, choice, integer

PREFIX = "/api/v1"
MAX_K = 1000
"""How many artists, tracks or evenings one answer may list."""


@dataclass(frozen=True, slots=True)
class FilePart:
    """A part of a form that holds files, or a list typed into it."""

    name: str
    description: str
    required: bool = False


@dataclass(frozen=True, slots=True)
class Operation:
    """One address below `PREFIX`.

    `answer` puts the values of the parameters, by name, to an open index; one with `files` is asked
    by POST, and its `answer` takes them too. `schema` names the schema of what comes back.
    """

    name: str
    path: str
    summary: str
    schema: str
    answer: Callable[..., dict[str, Any]]
    parameters: tuple[Parameter, ...] = ()
    files: tuple[FilePart, ...] = ()

    @property
    def method(self) -> str:
        """The HTTP method."""
        return "POST" if self.files else "GET"


def _k(default: int) -> Parameter:
    return Parameter("k", "How many to list.", integer(default, 1, MAX_K))


_QUERY = (
    Parameter(
        "artist",
        'An artist to be near to: a name, or an id such as "spotify:ID"; several are averaged.',
        repeatable=True,
    ),
    Parameter("track", 'A track to be near to: "Artist - Title".', repeatable=True),
    Parameter("minus", "An artist to be away from.", repeatable=True),
    Parameter(
        "weight", "NAME=NUMBER: how much an artist asked about counts; else 1.", repeatable=True
    ),
)
_MIN_TRACKS = Parameter(
    "min_tracks", "List only artists with so many tracks behind them.", integer(0, 0, MAX_K)
)

OPERATIONS = (
    Operation("getInfo", "/info", "What is served.", "Info", answers.info),
    Operation(
        "findArtists",
        "/artists",
        "The artists of the index whose names hold a text, the likeliest first.",
        "Artists",
        answers.artists,
        (
            Parameter("q", "The text; without it, everybody.", {"type": "string", "default": ""}),
            Parameter("limit", "How many to list.", integer(20, 1, MAX_K)),
            Parameter("offset", "How many to leave out first.", integer(0, 0, 10**8)),
        ),
    ),
    Operation(
        "getNeighbours",
        "/neighbours",
        "The artists who sound most like those asked about.",
        "Neighbours",
        answers.neighbours,
        (
            *_QUERY,
            _k(10),
            _MIN_TRACKS,
            Parameter("ranker", "What ranks the candidates.", choice(*RANKERS)),
        ),
    ),
    Operation(
        "getTracks",
        "/tracks",
        "The single tracks that sound most like those asked about.",
        "Tracks",
        answers.tracks,
        (*_QUERY, _k(10)),
    ),
    Operation(
        "getPath",
        "/path",
        "The way from one artist to another in small steps.",
        "Path",
        answers.path,
        (
            Parameter("from", "The artist to begin with.", required=True),
            Parameter("to", "The artist to end with.", required=True),
            Parameter("neighbours", "To how many a step may lead.", integer(10, 1, 100)),
        ),
    ),
    Operation(
        "match",
        "/match",
        "Who of a line-up somebody would like, best first.",
        "Match",
        answers.match,
        (
            Parameter(
                "k", "How many to list; else all.", {**integer(0, 1, MAX_K), "default": None}
            ),
            _MIN_TRACKS,
            Parameter("by", "What to list.", choice("artist", "event")),
            Parameter(
                "from",
                "Leave out events before this day; else before today.",
                {"type": "string", "format": "date", "pattern": r"^\d{4}-\d{2}-\d{2}$"},
            ),
            Parameter(
                "days",
                "Leave out events after so many days.",
                {**integer(0, 1, 3660), "default": None},
            ),
        ),
        (
            FilePart("lineup", "Line-ups and events, of any kind that is understood.", True),
            FilePart("likes", "Favourites, of any kind that is understood.", True),
            FilePart("dislikes", "Artists whose like are to go down."),
            FilePart("exclude", "Artists to leave out."),
            FilePart("only", "The only artists to list."),
        ),
    ),
)
