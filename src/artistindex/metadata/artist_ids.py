"""Who is meant: ids of artists, and the files that pin a name to them.

The file is the original experiment's, `{"mapping": {name: spotify id}}`, with more ways to write
an id: an object `{"spotify": ..., "deezer": ..., "musicbrainz": ...}`, an address of the artist's
page, a Spotify URI, or a bare id of any of the three services, which their forms tell apart.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

from artistindex import naming
from artistindex.entities import Artist, Service
from artistindex.errors import Misuse
from artistindex.listeners.user_files import kind, read_json

_FORMS = {
    "spotify": re.compile(r"[0-9A-Za-z]{22}"),
    "deezer": re.compile(r"[1-9][0-9]{0,14}"),
    "musicbrainz": re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"),
}
_ADDRESSES = (
    ("spotify", re.compile(r"spotify:artist:([^:?#/]+)")),
    (
        "spotify",
        re.compile(r"https?://open\.spotify\.com/(?:intl-[a-z-]+/)?artist/([^/?#]+)/?(?:[?#].*)?"),
    ),
    (
        "deezer",
        re.compile(r"https?://(?:www\.)?deezer\.com/(?:[a-z-]+/)?artist/([^/?#]+)/?(?:[?#].*)?"),
    ),
    ("musicbrainz", re.compile(r"https?://(?:beta\.)?musicbrainz\.org/artist/([^/?#]+).*")),
)
_EXPECTED = (
    "a Spotify id (22 letters and digits), a Deezer id (a number), a MusicBrainz id (a UUID) "
    "or the address of the artist's page there"
)


def parse_id(text: str, service: str | None = None) -> tuple[str, str]:
    """Return the service and the id that `text` names, a bare id or an address.

    `service`, if given, is the only one allowed. Raises ValueError.
    """
    text = text.strip()
    candidates: Sequence[str] = tuple(Service)
    for owner, address in _ADDRESSES:
        if match := address.fullmatch(text):
            text, candidates = match.group(1), (owner,)
            break
    for candidate in candidates:
        if service in (None, candidate):
            bare = text.lower() if candidate == "musicbrainz" else text
            if _FORMS[candidate].fullmatch(bare):
                return candidate, bare
    raise ValueError(text)


class PinnedArtists:
    """Which artists are meant by which names."""

    def __init__(self, pins: Mapping[str, Artist] | None = None) -> None:
        self._pins = {naming.normalise(name): artist for name, artist in (pins or {}).items()}

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read the pins in an ids file. Raises Misuse, naming the entry and what was expected."""
        document = read_json(path)
        mapping = document.get("mapping") if isinstance(document, dict) else None
        if not isinstance(mapping, dict):
            content = kind(document)
            if isinstance(document, dict):
                content = 'no "mapping"'
                if "mapping" in document:
                    content = f'"mapping" is {kind(mapping)}'
            raise Misuse(f'{path}: expected {{"mapping": {{name: id}}}}, found {content}')
        pins = cls()
        for name, value in mapping.items():
            pins._add(name, value, path)
        return pins

    def of(self, name: str) -> Artist | None:
        """Return the artist pinned for `name`, with the ids that pin it."""
        return self._pins.get(naming.normalise(name))

    def update(self, other: Self) -> None:
        """Take the pins of `other` too, in place of those for the same names."""
        self._pins |= other._pins

    def __len__(self) -> int:
        return len(self._pins)

    def _add(self, name: str, value: Any, path: Path) -> None:
        shown = naming.truncate(naming.clean(name), 60)
        if not naming.clean(name):
            raise Misuse(f"{path}: an id is pinned to an empty name")
        artist = Artist(naming.clean(name))
        for service, text in _ids(value, path, shown):
            try:
                service, bare = parse_id(text, service)
            except ValueError:
                expected = _EXPECTED if service is None else f"an id of {service}"
                given = naming.truncate(naming.clean(text), 60)
                raise Misuse(
                    f'{path}: the id of "{shown}" is "{given}"; expected {expected}'
                ) from None
            artist = artist.with_id(service, bare)
        key = naming.normalise(name)
        if key in self._pins and replace(self._pins[key], name=artist.name) != artist:
            raise Misuse(f'{path}: "{shown}" is pinned twice, to different ids')
        self._pins[key] = artist


def _ids(value: Any, path: Path, shown: str) -> list[tuple[str | None, str]]:
    """Return the texts that an entry gives as ids, with the service where the entry says which."""
    match value:
        case str():
            return [(None, value)]
        case int() if not isinstance(value, bool):
            return [("deezer", str(value))]
        case dict() if value and set(value) <= set(Service):
            if all(isinstance(text, str | int) for text in value.values()):
                return [(service, str(text)) for service, text in value.items()]
    raise Misuse(
        f'{path}: the entry of "{shown}" must be an id or an object of ids with the keys '
        f"{', '.join(Service)}; found {kind(value)}"
    )
