"""Deezer: artists and their top tracks, without an account.

Shapes as Deezer's API documentation (developers.deezer.com/api) has them: every answer has status
200, errors are `{"error": {"type", "message", "code"}}`; 50 requests in 5 seconds are allowed.
"""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from artistindex._util.urls import is_local, service_url
from artistindex.entities import Artist, Track
from artistindex.errors import StatusError
from artistindex.metadata.provider import (
    Reader,
    credited,
    identifier,
    isrc,
    seconds,
    text,
)
from artistindex.metadata.track_selection import select_tracks

if TYPE_CHECKING:
    import requests

    from artistindex._util.http_policy import Clock

_URL = "https://api.deezer.com"
_MAX_RESULTS = 100
_STATUS_OF_CODE = {4: 429, 100: 400, 200: 403, 300: 401, 500: 400, 501: 400, 600: 400}
_STATUS_OF_CODE |= {700: 503, 800: 404, 901: 403}
_read = Reader("Deezer")


class Deezer:
    """The catalogue of Deezer."""

    name = "deezer"
    label = "Deezer"

    def __init__(self, *, base_url: str | None = None, clock: "Clock | None" = None) -> None:
        from artistindex._util.http import DAY, HttpClient
        from artistindex._util.http_policy import Policy

        base_url = base_url or service_url("ARTISTINDEX_DEEZER_URL", _URL)
        policy = Policy(
            self.label,
            base_url,
            per_second=1000 if is_local(base_url) else 8,
            hosts=(".dzcdn.net",),
            status_of=status_of,
        )
        self._client = HttpClient(policy, keep=DAY, unkept=("preview",), clock=clock)

    def search(self, name: str) -> list[Artist]:
        """Return the artists that Deezer offers for `name`, in its own ranking."""
        params = {"q": name, "limit": "50"}
        answer = self._client.get_json("search/artist", params=params, check=_data)
        return list(credited(_data(answer), _artist))

    def artist(self, id_: str) -> Artist | None:
        """Return the artist with this Deezer id, or None."""
        try:
            answer = self._client.get_json(f"artist/{id_}", check=_read.object)
            return _artist(_read.object(answer))
        except StatusError as error:
            if error.status == 404:
                return None
            raise

    def tracks(self, artist: Artist, *, limit: int) -> list[Track]:
        """Return at most `limit` of the artist's top tracks."""
        path = f"artist/{artist.ids['deezer']}/top"
        answer = self._client.get_json(path, params={"limit": _MAX_RESULTS}, check=_data)
        listed = (_track(entry) for entry in _data(answer))
        own = (track for track in listed if track is not None and _is_by(track, artist))
        return select_tracks(own, artist, limit=limit)

    def preview_url(self, track: Track) -> str | None:
        """Return where the 30 s preview of `track` (with a Deezer id or ISRC) lies for 15 minutes.

        None where Deezer has none. The address is signed: asked for anew each time, never stored.
        """
        if track.catalogue == self.name and track.catalogue_id:
            path = f"track/{track.catalogue_id}"
        elif track.isrc:
            path = f"track/isrc:{track.isrc}"
        else:
            return None
        try:
            entry = _read.object(self._client.get_json(path, fresh=True))
        except StatusError as error:
            if error.status == 404:
                return None
            raise
        address = entry.get("preview")
        return address if isinstance(address, str) and address.startswith("http") else None

    def download(self, url: str, destination: Path) -> int:
        """Write the preview at `url` to `destination`; returns its size in bytes."""
        return self._client.download(url, destination)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()


def status_of(response: "requests.Response") -> int:
    """Return the status that an answer of Deezer means: errors come with status 200 and a code."""
    if response.status_code != 200 or b'"error"' not in response.content[:200]:
        return response.status_code
    try:
        code = json.loads(response.content)["error"]["code"]
    except (ValueError, LookupError, TypeError, RecursionError):
        return response.status_code
    return _STATUS_OF_CODE.get(code, 400) if isinstance(code, int) else 400


def _data(answer: Any) -> list[dict[str, Any]]:
    return _read.members(answer, "data")


def _artist(entry: dict[str, Any]) -> Artist | None:
    name, id_ = text(entry.get("name")), identifier(entry.get("id"))
    return Artist(name, {"deezer": id_}) if name and id_ else None


def _track(entry: dict[str, Any]) -> Track | None:
    title, id_ = text(entry.get("title")), identifier(entry.get("id"))
    contributors = entry.get("contributors")
    credits_ = [entry.get("artist"), *(contributors if isinstance(contributors, list) else ())]
    artists = credited(credits_, _artist)
    if not (title and id_ and artists):
        return None
    album = entry.get("album")
    return Track(
        artists=artists,
        title=title,
        album=text(album.get("title")) if isinstance(album, dict) else None,
        duration=seconds(entry.get("duration")),
        catalogue=Deezer.name,
        catalogue_id=id_,
        isrc=isrc(entry.get("isrc")),
    )


def _is_by(track: Track, artist: Artist) -> bool:
    return any(credit.ids.get("deezer") == artist.ids.get("deezer") for credit in track.artists)
