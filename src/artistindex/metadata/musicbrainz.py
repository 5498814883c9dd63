"""MusicBrainz: the link between the ids that one artist has with several services.

Shapes as musicbrainz.org/doc/MusicBrainz_API has them; one request a second. Its data is in the
public domain (CC0), so answers are kept for a month.
"""

from typing import TYPE_CHECKING, Any

from artistindex._util.urls import service_url
from artistindex.entities import Artist
from artistindex.errors import StatusError
from artistindex.metadata.artist_ids import parse_id
from artistindex.metadata.provider import Reader

if TYPE_CHECKING:
    from artistindex._util.http_policy import Clock

_URL = "https://musicbrainz.org/ws/2"
_PAGES = {
    "spotify": "https://open.spotify.com/artist/{}",
    "deezer": "https://www.deezer.com/artist/{}",
}
_read = Reader("MusicBrainz")


class MusicBrainz:
    """Completes the ids of artists."""

    def __init__(self, *, base_url: str | None = None, clock: "Clock | None" = None) -> None:
        from artistindex._util.http import DAY, HttpClient
        from artistindex._util.http_policy import Policy

        base_url = base_url or service_url("ARTISTINDEX_MUSICBRAINZ_URL", _URL)
        policy = Policy("MusicBrainz", base_url, per_second=0.9)
        self._client = HttpClient(policy, keep=30 * DAY, clock=clock)

    def complete(self, artist: Artist) -> Artist:
        """Return `artist` with the ids that MusicBrainz links to those it has, which stay.

        Raises ServiceError. An artist whom MusicBrainz does not know comes back unchanged.
        """
        mbid = artist.ids.get("musicbrainz") or self._mbid(artist)
        if mbid is None:
            return artist
        answer = self._ask(f"artist/{mbid}", {"inc": "url-rels"})
        if answer is None:
            return artist
        if artist.ids.get("musicbrainz") is None:
            artist = artist.with_id("musicbrainz", mbid)
        for relation in _relations(answer):
            url = relation.get("url")
            address = url.get("resource") if isinstance(url, dict) else None
            try:
                service, id_ = parse_id(address if isinstance(address, str) else "")
            except ValueError:
                continue
            if artist.ids.get(service) is None and not relation.get("ended"):
                artist = artist.with_id(service, id_)
        return artist

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _mbid(self, artist: Artist) -> str | None:
        """Return the MusicBrainz id of the artist with this page at Spotify or Deezer."""
        for service, page in _PAGES.items():
            if id_ := artist.ids.get(service):
                answer = self._ask("url", {"resource": page.format(id_), "inc": "artist-rels"})
                for relation in _relations(answer or {}):
                    linked = relation.get("artist")
                    mbid = linked.get("id") if isinstance(linked, dict) else None
                    try:
                        return parse_id(str(mbid), "musicbrainz")[1]
                    except ValueError:
                        continue
        return None

    def _ask(self, path: str, params: dict[str, str]) -> dict[str, Any] | None:
        try:
            params = {**params, "fmt": "json"}
            answer = self._client.get_json(path, params=params, check=_read.object)
        except StatusError as error:
            if error.status in (400, 404):
                return None
            raise
        return _read.object(answer)


def _relations(answer: dict[str, Any]) -> list[dict[str, Any]]:
    relations = answer.get("relations")
    return _read.members(relations) if isinstance(relations, list) else []
