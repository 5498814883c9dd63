"""Last.fm's door: artist.getSimilar, answered from the index.

https://www.last.fm/api/show/artist.getSimilar; the shapes of JSON are those that it sends, numbers
as texts. Errors come with the HTTP status 200, as there.
"""

from collections.abc import Callable, Mapping
from enum import IntEnum
from typing import Any
from urllib.parse import quote_plus

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from artistindex.entities import Neighbour
from artistindex.errors import ArtistIndexError, UnknownArtist
from artistindex.index.reader import ArtistIndex
from artistindex.query.ranking import search
from artistindex.server.api import Desk
from artistindex.server.bodies import Element, to_json
from artistindex.server.fields import read_fields

_DEFAULT_LIMIT, _MAX_LIMIT = 100, 1000
_MIN_LIKENESS = 85  # of 100 by edits, for a misspelled name to be put right
_IMAGE_SIZES = ("small", "medium", "large", "extralarge", "mega")
_PAGES = "https://www.last.fm/music/"

Values = Mapping[str, str]


class ErrorCode(IntEnum):
    """Last.fm's own codes."""

    INVALID_METHOD = 3
    INVALID_FORMAT = 5
    INVALID_PARAMETERS = 6
    OPERATION_FAILED = 8
    INVALID_API_KEY = 10


class Refusal(Exception):
    """What is answered instead, as an error of Last.fm's."""

    def __init__(self, code: ErrorCode, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


def routes(desk: Desk) -> list[Route]:
    """Return the routes of the door, with and without its last slash."""

    async def endpoint(request: Request) -> Response:
        values = await read_fields(request)
        try:
            return await _answer(desk, values)
        except Refusal as refusal:
            return _refusal(refusal, values)

    return [Route(path, endpoint, methods=["GET", "POST"]) for path in ("/2.0/", "/2.0")]


async def _answer(desk: Desk, values: Values) -> Response:
    if values.get("format", "xml") not in ("xml", "json"):
        raise Refusal(ErrorCode.INVALID_FORMAT, "This service doesn't exist in that format")
    if values.get("method", "").lower() != "artist.getsimilar":
        raise Refusal(ErrorCode.INVALID_METHOD, "No method with that name in this package")
    if not desk.access.knows(values.get("api_key", "")):
        raise Refusal(ErrorCode.INVALID_API_KEY, "Invalid API key")
    limit = _limit(values)
    try:
        artist, similar = await desk.ask(lambda served: _similar(served.index, values, limit))
    except UnknownArtist as error:
        raise Refusal(
            ErrorCode.INVALID_PARAMETERS, "The artist you supplied could not be found"
        ) from error
    except ArtistIndexError as error:
        message = " ".join(str(error).split())
        raise Refusal(ErrorCode.INVALID_PARAMETERS, message) from error
    shape: Callable[[str, list[Neighbour]], Response] = (
        _as_json if values.get("format") == "json" else _as_xml
    )
    return shape(artist, similar)


def _limit(values: Values) -> int:
    text = values.get("limit", str(_DEFAULT_LIMIT))
    if not text.isascii() or not text.isdecimal() or len(text) > 9 or int(text) < 1:
        raise Refusal(ErrorCode.INVALID_PARAMETERS, "limit is a whole number from 1 on")
    return min(int(text), _MAX_LIMIT)


def _similar(index: ArtistIndex, values: Values, limit: int) -> tuple[str, list[Neighbour]]:
    """Return the artist's own spelling and the nearest."""
    name = _name(index, values)
    hits = search(index, name, limit, entry_tracks=False)
    return index.display_name(name), [hit.neighbour for hit in hits]


def _name(index: ArtistIndex, values: Values) -> str:
    """Return whom the request is about: by MBID where the index knows it, else by name."""
    mbid = f"musicbrainz:{values.get('mbid', '')}"
    if values.get("mbid") and index.find_rows(mbid):
        return mbid
    name = values.get("artist", "")
    if not name.strip():
        if values.get("mbid"):
            raise UnknownArtist("nobody has this MBID")
        raise Refusal(
            ErrorCode.INVALID_PARAMETERS,
            "Invalid parameters - Your request is missing a required parameter",
        )
    return _corrected(index, name) if values.get("autocorrect") == "1" else name


def _corrected(index: ArtistIndex, name: str) -> str:
    """Return the name, or the one of the index that it is a misspelling of."""
    from rapidfuzz import fuzz

    try:
        index.row(name)
    except UnknownArtist as error:
        likely = [near for near in error.closest if fuzz.ratio(near, name) >= _MIN_LIKENESS]
        return likely[0] if likely else name
    return name


# --- shapes -------------------------------------------------------------------------------------


def _match(neighbour: Neighbour) -> str:
    """The cosine as a text, 0 for less; six digits, as Last.fm has them."""
    return f"{min(1.0, max(0.0, neighbour.score)):.6g}"


def _page(name: str) -> str:
    return _PAGES + quote_plus(name, errors="replace")


def _as_json(artist: str, similar: list[Neighbour]) -> Response:
    entries = [
        {
            "name": neighbour.artist,
            "mbid": neighbour.ids.get("musicbrainz", ""),
            "match": _match(neighbour),
            "url": _page(neighbour.artist),
            "image": [{"#text": "", "size": size} for size in _IMAGE_SIZES],
            "streamable": "0",
        }
        for neighbour in similar
    ]
    content = {"similarartists": {"artist": entries, "@attr": {"artist": artist}}}
    return Response(to_json(content), media_type="application/json")


def _as_xml(artist: str, similar: list[Neighbour]) -> Response:
    entries = [
        Element(
            "artist",
            None,
            Element("name", text=neighbour.artist),
            Element("mbid", text=neighbour.ids.get("musicbrainz", "")),
            Element("match", text=_match(neighbour)),
            Element("url", text=_page(neighbour.artist)),
            *(Element("image", {"size": size}) for size in _IMAGE_SIZES),
            Element("streamable", text="0"),
        )
        for neighbour in similar
    ]
    return _xml("ok", Element("similarartists", {"artist": artist}, *entries))


def _refusal(refusal: Refusal, values: Values) -> Response:
    if values.get("format") == "json":
        content: dict[str, Any] = {
            "error": int(refusal.code),
            "message": refusal.message,
            "links": [],
        }
        return Response(to_json(content), media_type="application/json")
    return _xml("failed", Element("error", {"code": int(refusal.code)}, text=refusal.message))


def _xml(status: str, content: Element) -> Response:
    body = Element("lfm", {"status": status}, content).document()
    return Response(body, media_type="text/xml")
