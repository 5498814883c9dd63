"""Addresses at which people find an artist or a track."""

from collections.abc import Iterator, Mapping
from urllib.parse import quote, quote_plus

from artistindex import naming
from artistindex.entities import Artist, Service

ARTIST_PAGES = {
    Service.SPOTIFY: "https://open.spotify.com/artist/",
    Service.DEEZER: "https://www.deezer.com/artist/",
    Service.MUSICBRAINZ: "https://musicbrainz.org/artist/",
}
TRACK_PAGES = {
    "spotify": "https://open.spotify.com/track/",
    "deezer": "https://www.deezer.com/track/",
    "youtube": "https://www.youtube.com/watch?v=",
    "musicbrainz": "https://musicbrainz.org/recording/",
}
_MUSIC_MAP = "https://www.music-map.com/"


class ArtistLinks(Mapping[str, str]):
    """An artist's pages by service, and on music-map by name; made when they are looked at."""

    __slots__ = ("_artist", "_links")

    def __init__(self, artist: Artist) -> None:
        self._artist = artist
        self._links: dict[str, str] | None = None

    def __getitem__(self, service: str) -> str:
        return self._all()[service]

    def __iter__(self) -> Iterator[str]:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._all())

    def __repr__(self) -> str:
        return repr(self._all())

    def _all(self) -> dict[str, str]:
        if self._links is None:
            self._links = artist_links(self._artist)
        return self._links


def artist_links(artist: Artist) -> dict[str, str]:
    """Return the artist's pages by service, and on music-map by name."""
    links = {
        str(service): page + quote(artist.ids[service], safe="")
        for service, page in ARTIST_PAGES.items()
        if service in artist.ids
    }
    name = quote_plus(naming.clean(artist.name).lower(), errors="replace")
    return {**links, "music-map": _MUSIC_MAP + name}


def track_link(ids: Mapping[str, str]) -> str | None:
    """Return the page of a track on the first service that has it, of those named here."""
    for service, page in TRACK_PAGES.items():
        if service in ids:
            return page + quote(ids[service], safe="")
    return None
