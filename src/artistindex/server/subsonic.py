"""The OpenSubsonic door: what sounds like what, for players that speak it.

https://opensubsonic.netlify.app/docs/: the envelope, the errors, token authentication, and the
extensions sonicSimilarity (version 1), formPost and apiKeyAuthentication.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, NoReturn

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from artistindex import __version__, naming
from artistindex.errors import ArtistIndexError, UnknownArtist, UnknownTrack
from artistindex.server.access import Access
from artistindex.server.api import Desk
from artistindex.server.bodies import Element, to_json
from artistindex.server.fields import read_fields
from artistindex.server.live_index import OpenIndex
from artistindex.server.songs import PlayerArtist, PlayerSong, SongBook

VERSION = "1.16.1"
"""Of Subsonic's API."""

_MAX_COUNT = 500
_ABSENT = "-1"  # the id of an artist whom the library lacks
_NAMESPACE = "http://subsonic.org/restapi"
_EXTENSIONS = {"sonicSimilarity": [1], "formPost": [1], "apiKeyAuthentication": [1]}

_logger = logging.getLogger(__name__)

Values = Mapping[str, str]
Payload = dict[str, Any]


class ErrorCode(IntEnum):
    """Subsonic's own codes."""

    GENERIC = 0
    MISSING_PARAMETER = 10
    WRONG_CREDENTIALS = 40
    CONFLICTING_CREDENTIALS = 43
    WRONG_API_KEY = 44
    NOT_FOUND = 70


class Refusal(Exception):
    """What is answered instead, as an error of Subsonic's."""

    def __init__(self, code: ErrorCode, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


@dataclass(frozen=True, slots=True)
class _Method:
    answer: Callable[[SongBook, Values], Payload]
    is_public: bool = False


def routes(desk: Desk) -> list[Route]:
    """Return the route of the door; a method may end in `.view`, as Subsonic's own did."""

    async def endpoint(request: Request) -> Response:
        values = await read_fields(request)
        try:
            payload = await _payload(desk, request.path_params["method"], values)
        except Refusal as refusal:
            error = {"code": int(refusal.code), "message": refusal.message}
            return _response({"error": error}, values, status="failed")
        return _response(payload, values)

    return [Route("/rest/{method}", endpoint, methods=["GET", "POST"])]


async def _payload(desk: Desk, name: str, values: Values) -> Payload:
    method = _METHODS.get(name.removesuffix(".view").lower())
    if method is None:
        raise Refusal(ErrorCode.GENERIC, f"there is no method {naming.truncate(name)} here")
    if values.get("f", "xml") not in ("xml", "json"):
        raise Refusal(ErrorCode.GENERIC, "the format f is xml or json")
    if not method.is_public:
        _check_access(desk.access, values)

    def answer(served: OpenIndex) -> Payload:
        return method.answer(desk.songs(served), values)

    try:
        return await desk.ask(answer)
    except (UnknownArtist, UnknownTrack) as error:
        raise Refusal(ErrorCode.NOT_FOUND, _one_line(error)) from error
    except ArtistIndexError as error:
        _logger.info("%s", error)
        raise Refusal(ErrorCode.GENERIC, _one_line(error)) from error


def _check_access(access: Access, values: Values) -> None:
    """Raise Refusal unless the token is known: as a password `p`, salted (`t`, `s`) or `apiKey`."""
    key, user = values.get("apiKey"), values.get("u")
    if key is not None:
        if user is not None:
            raise Refusal(ErrorCode.CONFLICTING_CREDENTIALS, "either apiKey or u, not both")
        if not access.knows(key):
            raise Refusal(ErrorCode.WRONG_API_KEY, "wrong API key")
        return
    if access.token is None:
        return
    if user is None:
        raise Refusal(ErrorCode.MISSING_PARAMETER, "the parameter u or apiKey is missing")
    if "t" in values and "s" in values:
        is_known = access.knows_salted(values["t"], values["s"])
    else:
        is_known = access.knows(_password(values.get("p", "")))
    if not is_known:
        raise Refusal(ErrorCode.WRONG_CREDENTIALS, "wrong username or password")


def _password(text: str) -> str:
    """Return a password that may be in hexadecimal, behind "enc:"."""
    if not text.startswith("enc:"):
        return text
    try:
        return bytes.fromhex(text.removeprefix("enc:")).decode()
    except ValueError:
        return ""


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())


# --- methods ------------------------------------------------------------------------------------


def _ping(songs: SongBook, values: Values) -> Payload:
    return {}


def _license(songs: SongBook, values: Values) -> Payload:
    return {"license": {"valid": True}}


def _extensions(songs: SongBook, values: Values) -> Payload:
    return {
        "openSubsonicExtensions": [
            {"name": name, "versions": versions} for name, versions in _EXTENSIONS.items()
        ]
    }


def _token_info(songs: SongBook, values: Values) -> Payload:
    if "apiKey" not in values:
        _miss("apiKey")
    return {"tokenInfo": {"username": "artistindex"}}


def _artist_info(name: str) -> Callable[[SongBook, Values], Payload]:
    def answer(songs: SongBook, values: Values) -> Payload:
        artist = songs.artist(_text(values, "id"))
        similar = songs.similar_artists(
            artist,
            _count(values, 20),
            with_absent=values.get("includeNotPresent", "").lower() == "true",
        )
        info = {"similarArtist": [_artist_id3(other) for other, _ in similar]}
        return {name: {**_given(musicBrainzId=artist.mbid), **info}}

    return answer


def _similar_songs(name: str) -> Callable[[SongBook, Values], Payload]:
    def answer(songs: SongBook, values: Values) -> Payload:
        artist = songs.artist(_text(values, "id"))
        similar = songs.songs_like_artist(artist, _count(values, 50))
        return {name: {"song": list(map(_child, similar))}}

    return answer


def _sonic_similar_tracks(songs: SongBook, values: Values) -> Payload:
    song = songs.song(_text(values, "id"))
    similar = songs.songs_like(song, _count(values, 10))
    return {"sonicMatch": [_sonic_match(other, score) for other, score in similar]}


def _sonic_path(songs: SongBook, values: Values) -> Payload:
    ids = [_text(values, name) for name in ("startSongId", "endSongId")]
    start, end = map(songs.song, ids)
    way = songs.way(start, end, max(2, _count(values, 25)))
    scores = songs.similarities(way)
    return {"sonicMatch": [_sonic_match(*pair) for pair in zip(way, scores, strict=True)]}


_METHODS = {
    "ping": _Method(_ping),
    "getlicense": _Method(_license),
    "getopensubsonicextensions": _Method(_extensions, is_public=True),
    "tokeninfo": _Method(_token_info),
    "getartistinfo": _Method(_artist_info("artistInfo")),
    "getartistinfo2": _Method(_artist_info("artistInfo2")),
    "getsimilarsongs": _Method(_similar_songs("similarSongs")),
    "getsimilarsongs2": _Method(_similar_songs("similarSongs2")),
    "getsonicsimilartracks": _Method(_sonic_similar_tracks),
    "findsonicpath": _Method(_sonic_path),
}


def _text(values: Values, name: str) -> str:
    return values.get(name) or _miss(name)


def _miss(name: str) -> NoReturn:
    raise Refusal(ErrorCode.MISSING_PARAMETER, f"the parameter {name} is missing")


def _count(values: Values, default: int) -> int:
    text = values.get("count", str(default))
    if not text.isascii() or not text.isdecimal() or len(text) > 9:
        raise Refusal(ErrorCode.GENERIC, "the parameter count is a whole number")
    return min(max(int(text), 1), _MAX_COUNT)


# --- what is told -------------------------------------------------------------------------------


def _artist_id3(artist: PlayerArtist) -> Payload:
    return {
        "id": _ABSENT if artist.id is None else artist.id,
        "name": artist.name,
        "albumCount": 0,
        **_given(musicBrainzId=artist.mbid),
    }


def _child(song: PlayerSong) -> Payload:
    return {
        "id": song.id,
        "isDir": False,
        "isVideo": False,
        "type": "music",
        "mediaType": "song",
        "title": song.title,
        "artist": song.artist,
        **_given(album=song.album, artistId=song.artist_id, musicBrainzId=song.mbid),
    }


def _sonic_match(song: PlayerSong, cosine: float) -> Payload:
    return {"entry": _child(song), "similarity": min(1.0, max(0.0, cosine))}


def _given(**values: str | None) -> Payload:
    return {key: value for key, value in values.items() if value}


# --- the envelope -------------------------------------------------------------------------------


def _response(payload: Payload, values: Values, *, status: str = "ok") -> Response:
    """Errors come with the HTTP status 200 too: clients read the envelope."""
    envelope = {
        "status": status,
        "version": VERSION,
        "type": "artistindex",
        "serverVersion": __version__,
        "openSubsonic": True,
    }
    if values.get("f") == "json":
        body = to_json({"subsonic-response": envelope | payload})
        return Response(body, media_type="application/json")
    children = _elements(payload)
    root = Element("subsonic-response", {"xmlns": _NAMESPACE, **envelope}, *children)
    return Response(root.document(), media_type="application/xml")


def _elements(payload: Payload) -> list[Element]:
    """Lists and objects of a payload as elements: a list is one element for each of its values."""
    elements = []
    for name, value in payload.items():
        if isinstance(value, dict):
            elements.append(_element(name, value))
        elif isinstance(value, Sequence) and not isinstance(value, str):
            elements += [_element(name, item) for item in value]
    return elements


def _element(name: str, value: Any) -> Element:
    if not isinstance(value, dict):
        return Element(name, text=str(value))
    attributes = {key: item for key, item in value.items() if not isinstance(item, dict | list)}
    return Element(name, attributes, *_elements(value))
