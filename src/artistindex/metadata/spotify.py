"""Spotify: artists and their tracks through spotipy, with an app's client credentials.

Metadata only: Spotify's terms forbid feeding its content to a model, and no audio is taken from
it. Apps in Development Mode may not ask for top tracks; their tracks then come from the search,
kept to the artist's id, and from the artist's albums.
"""

import logging
import os
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from artistindex import naming
from artistindex._util.strict_json import not_json
from artistindex._util.urls import host_of, service_url
from artistindex.entities import Artist, Track
from artistindex.errors import Misuse, ServiceEnded, ServiceError, StatusError
from artistindex.listeners.user_files import kind, read_json
from artistindex.metadata.provider import (
    Reader,
    credited,
    identifier,
    isrc,
    seconds,
    text,
)
from artistindex.metadata.track_selection import is_live, select_tracks

if TYPE_CHECKING:
    import requests

    from artistindex._util.http import HttpClient
    from artistindex._util.http_policy import Clock

_URL = "https://api.spotify.com/v1"
_TOKEN_URL = "https://accounts.spotify.com/api/token"  # noqa: S105 - an address
_CONFIG = "spotify-config.json"
_PAGE = 10  # the most that Development Mode allows in a search or a list of albums
_SEARCH_PAGES = 3
_MAX_ALBUMS = 5  # that are asked for their tracks
_OTHERWISE = "or use Deezer, which needs no account"
_read = Reader("Spotify")


@dataclass(frozen=True, slots=True)
class Credentials:
    """A Spotify app's id and secret, which appear in no text of this object."""

    client_id: str = field(repr=False)
    client_secret: str = field(repr=False)


def find_credentials() -> Credentials | None:
    """Return the credentials in the environment, else those in a spotify-config.json, else None.

    The environment's are SPOTIPY_CLIENT_ID and SPOTIPY_CLIENT_SECRET. The file, `{"clientId":
    ..., "clientSecret": ...}`, is the one that ARTISTINDEX_SPOTIFY_CONFIG names, else that in the
    working directory, else that in the user's configuration directory of artistindex. Raises
    Misuse, without quoting any of it, where one is there and cannot be used.
    """
    id_, secret = (os.environ.get(f"SPOTIPY_CLIENT_{part}", "") for part in ("ID", "SECRET"))
    if id_ and secret:
        return _checked(id_, secret, "SPOTIPY_CLIENT_ID and SPOTIPY_CLIENT_SECRET")
    if id_ or secret:
        missing = "SPOTIPY_CLIENT_SECRET" if id_ else "SPOTIPY_CLIENT_ID"
        raise Misuse(f"{missing} is not set, but its counterpart is: set both or neither")
    path = _config_file()
    return _read_config(path) if path is not None else None


def _config_file() -> Path | None:
    from platformdirs import user_config_path

    if named := os.environ.get("ARTISTINDEX_SPOTIFY_CONFIG"):
        return Path(named).expanduser()
    places = (Path(_CONFIG), user_config_path("artistindex") / _CONFIG)
    return next((path for path in places if path.is_file()), None)


def _read_config(path: Path) -> Credentials:
    document = read_json(path)
    if not isinstance(document, dict):
        raise Misuse(
            f"{path}: expected an object of clientId and clientSecret, found {kind(document)}"
        )
    id_, secret = document.get("clientId"), document.get("clientSecret")
    if not (isinstance(id_, str) and isinstance(secret, str)):
        raise Misuse(f"{path}: expected the texts clientId and clientSecret")
    return _checked(id_, secret, f"clientId and clientSecret in {path}")


def _checked(client_id: str, client_secret: str, where: str) -> Credentials:
    id_, secret = client_id.strip(), client_secret.strip()
    if not all(part.isascii() and part.isalnum() for part in (id_, secret)):
        raise Misuse(f"{where} must be letters and digits, as the Spotify dashboard shows them")
    return Credentials(id_, secret)


class Spotify:
    """The catalogue of Spotify; its answers are not kept on disk, as its terms ask."""

    name = "spotify"
    label = "Spotify"

    def __init__(
        self,
        credentials: Credentials,
        *,
        base_url: str | None = None,
        token_url: str | None = None,
        clock: "Clock | None" = None,
    ) -> None:
        from artistindex._util.http import HttpClient
        from artistindex._util.http_policy import Policy

        base_url = base_url or service_url("ARTISTINDEX_SPOTIFY_URL", _URL)
        token_url = token_url or service_url("ARTISTINDEX_SPOTIFY_TOKEN_URL", _TOKEN_URL)
        policy = Policy(
            self.label,
            base_url,
            per_second=3,
            hosts=(host_of(token_url),),
            final=lambda response: _final(response, token_url),
        )
        self._http = HttpClient(policy, clock=clock)
        self._client = _client(credentials, self._http, token_url)
        self._has_top_tracks = True
        self._offered: dict[str, list[dict[str, Any]]] = {}

    def search(self, name: str) -> list[Artist]:
        """Return the artists that Spotify offers for `name`, in its own ranking.

        The same request brings tracks; those of the last name are kept for `tracks`.
        """
        artists: dict[Artist, None] = {}
        self._offered = {}
        for query in (name, _by_artist(name)):
            answer = self._call(self._client.search, q=query, type="artist,track", limit=_PAGE)
            artists |= dict.fromkeys(credited(_read.members(answer, "artists", "items"), _artist))
            if "tracks" in answer:
                self._offered[query] = _read.members(answer, "tracks", "items")
            if any(naming.same_name(artist.name, name) for artist in artists):
                break
        return list(artists)

    def artist(self, id_: str) -> Artist | None:
        """Return the artist with this Spotify id, or None."""
        try:
            return _artist(self._call(self._client.artist, id_))
        except StatusError as error:
            if error.status in (400, 404):
                return None
            raise

    def tracks(self, artist: Artist, *, limit: int) -> list[Track]:
        """Return at most `limit` tracks: top ones if allowed, then searched ones, then albums'."""
        by_id: dict[str | None, Track] = {}  # an album's listing of a track lacks its ISRC
        for entries in self._sources(artist):
            for track in map(_track, entries):
                if track is not None and _is_by(track, artist):
                    by_id.setdefault(track.catalogue_id, track)
            if len(select_tracks(by_id.values(), artist, limit=limit, live=False)) == limit:
                break
        return select_tracks(by_id.values(), artist, limit=limit)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def _sources(self, artist: Artist) -> Iterator[list[dict[str, Any]]]:
        if self._has_top_tracks:
            yield self._top_tracks(artist)
        yield from self._offered.values()
        yield from self._searched(artist)
        yield from self._albums(artist)

    def _searched(self, artist: Artist) -> Iterator[list[dict[str, Any]]]:
        """Yield the pages of a search for the artist's tracks, while they hold any."""
        query = _by_artist(artist.name)
        for page in range(_SEARCH_PAGES):
            entries = self._offered.get(query) if page == 0 else None
            if entries is None:
                answer = self._call(
                    self._client.search, q=query, type="track", limit=_PAGE, offset=page * _PAGE
                )
                entries = _read.members(answer, "tracks", "items")
                yield entries
            tracks = [track for track in map(_track, entries) if track is not None]
            is_past_them = page > 0 and not any(_is_by(track, artist) for track in tracks)
            if len(entries) < _PAGE or is_past_them:  # near names may fill the first page
                return

    def _albums(self, artist: Artist) -> Iterator[list[dict[str, Any]]]:
        """Yield the tracks of the artist's albums and singles, the longest first, no live ones."""
        answer = self._call(
            self._client.artist_albums,
            artist.ids.get("spotify"),
            include_groups="album,single",
            limit=_PAGE,
        )
        albums = [album for album in _read.members(answer, "items") if identifier(album.get("id"))]
        albums.sort(key=lambda album: (_is_live_album(album), -_count(album.get("total_tracks"))))
        for album in albums[:_MAX_ALBUMS]:
            answer = self._call(self._client.album_tracks, album["id"], limit=50)
            yield [{**entry, "album": album} for entry in _read.members(answer, "items")]

    def _top_tracks(self, artist: Artist) -> list[dict[str, Any]]:
        """Return the top tracks, or none, once and for all, where the app may not ask for them."""
        try:
            with warnings.catch_warnings():  # spotipy warns that Spotify withdraws it
                warnings.simplefilter("ignore", DeprecationWarning)
                answer = self._call(self._client.artist_top_tracks, artist.ids.get("spotify"))
        except StatusError as error:
            if error.status not in (403, 404, 410):
                raise
            self._has_top_tracks = False
            return []
        return _read.members(answer, "tracks")

    def _call(self, method: Callable[..., Any], *arguments: Any, **options: Any) -> dict[str, Any]:
        """Return what a method of spotipy returns; its errors become ours and quote nothing."""
        import requests
        from spotipy.exceptions import SpotifyBaseException, SpotifyException

        try:
            answer = method(*arguments, **options)
        except SpotifyException as error:
            status = error.http_status
            if status == 400 and "invalid limit" in str(error.msg).lower():
                raise ServiceEnded(
                    "Spotify refuses to list so many at once (status 400, Invalid limit), since it "
                    "has changed what an app may ask for: upgrade artistindex, " + _OTHERWISE
                ) from None
            raise StatusError(f"Spotify answered with status {status}", status) from None
        except (SpotifyBaseException, requests.RequestException):
            raise ServiceError("Spotify: the exchange failed") from None
        except (AttributeError, LookupError, TypeError, ValueError):
            raise not_json(self.label) from None
        return _read.object(answer)


def _client(credentials: Credentials, http: "HttpClient", token_url: str) -> Any:
    """Make a spotipy client that speaks through `http` and asks for its token at `token_url`."""
    import spotipy
    from spotipy.cache_handler import MemoryCacheHandler
    from spotipy.oauth2 import SpotifyClientCredentials

    for name in ("spotipy.client", "spotipy.oauth2"):
        # spotipy logs its headers, secret and token included, and every refusal
        logging.getLogger(name).addFilter(_say_nothing)
    manager = SpotifyClientCredentials(
        credentials.client_id,
        credentials.client_secret,
        requests_session=http.requests,
        cache_handler=MemoryCacheHandler(),
    )
    manager.OAUTH_TOKEN_URL = token_url
    client = spotipy.Spotify(auth_manager=_Token(manager), requests_session=http.requests)
    client.prefix = f"{http.base_url}/"
    return client


def _say_nothing(record: logging.LogRecord) -> bool:
    return False


@dataclass(frozen=True, slots=True)
class _Token:
    """An authorisation for spotipy whose failures quote nothing that the service said."""

    manager: Any

    def get_access_token(self, *, as_dict: bool = False) -> str:
        import requests
        from spotipy.exceptions import SpotifyBaseException

        try:
            token = self.manager.get_access_token(as_dict=as_dict)
        except (
            SpotifyBaseException,
            requests.RequestException,
            AttributeError,
            LookupError,
            TypeError,
            ValueError,
        ):
            token = None
        if not (isinstance(token, str) and token.isascii() and token.isprintable()):
            raise ServiceEnded(
                "Spotify: no access token came from its accounts service (is a log-in page or a "
                f"proxy in between?); try again later, {_OTHERWISE}"
            )
        return token


def _final(response: "requests.Response", token_url: str) -> str | None:
    """Return why an answer ends Spotify for this run, or None."""
    status, body = response.status_code, response.content[:2000].lower()
    asks_token = str(response.request.url).startswith(token_url)
    if asks_token and status in (400, 401, 403):
        return (
            "the client id or the client secret is refused; check SPOTIPY_CLIENT_ID and "
            f"SPOTIPY_CLIENT_SECRET (or {_CONFIG}) against the dashboard, {_OTHERWISE}"
        )
    if status == 401:
        return f"its own access token is refused (status 401); try again later, {_OTHERWISE}"
    if status == 403 and b"premium" in body:
        return f"the owner of the app needs Spotify Premium (status 403); subscribe, {_OTHERWISE}"
    if status == 403 and "/top-tracks" not in str(response.request.url):
        return f"this app may not ask (status 403); look at it on the dashboard, {_OTHERWISE}"
    if status == 429 and b"quota_exceeded" in body:
        return (
            "the app's quota is used up (status 429, QUOTA_EXCEEDED); what is done is kept, try "
            f"again tomorrow, {_OTHERWISE}"
        )
    return None


def _artist(entry: dict[str, Any]) -> Artist | None:
    name, id_ = text(entry.get("name")), identifier(entry.get("id"))
    return Artist(name, {"spotify": id_}) if name and id_ else None


def _track(entry: dict[str, Any]) -> Track | None:
    title, id_ = text(entry.get("name")), identifier(entry.get("id"))
    credits_ = entry.get("artists")
    artists = credited(credits_ if isinstance(credits_, list) else (), _artist)
    if not (title and id_ and artists):
        return None
    album, external = entry.get("album"), entry.get("external_ids")
    return Track(
        artists=artists,
        title=title,
        album=text(album.get("name")) if isinstance(album, dict) else None,
        duration=seconds(entry.get("duration_ms"), per_second=1000),
        catalogue=Spotify.name,
        catalogue_id=id_,
        isrc=isrc(external.get("isrc")) if isinstance(external, dict) else None,
    )


def _by_artist(name: str) -> str:
    return f'artist:"{name.replace(chr(34), " ")}"'


def _is_live_album(album: dict[str, Any]) -> bool:
    return is_live(Track((), "", album=text(album.get("name"))))


def _count(value: Any) -> int:
    return value if isinstance(value, int) else 0


def _is_by(track: Track, artist: Artist) -> bool:
    return any(credit.ids.get("spotify") == artist.ids.get("spotify") for credit in track.artists)
