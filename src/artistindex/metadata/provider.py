"""What every catalogue of music can do, and how what it sends is read."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum, auto
from typing import Any, Protocol

from artistindex import naming
from artistindex._util.strict_json import not_json
from artistindex.entities import Artist, Track
from artistindex.errors import ServiceError


class Evidence(StrEnum):
    """By what an artist was found."""

    PINNED = auto()  # an id of this catalogue
    LINKED = auto()  # an id of another service, which MusicBrainz translates
    EXACT = auto()  # the same folded name
    PART = auto()  # the same folded name as a part of a collaboration's


@dataclass(frozen=True, slots=True)
class ArtistMatch:
    """An artist, by what it was found, and `warnings` for people."""

    artist: Artist
    how: Evidence
    warnings: tuple[str, ...] = ()


class MetadataProvider(Protocol):
    """A service that knows artists and their tracks.

    `name` is that of its ids ("spotify"), `label` what people read
    ("Spotify"). The methods raise ServiceError and ServiceEnded as HttpClient does.
    """

    name: str
    label: str

    def search(self, name: str) -> list[Artist]:
        """Return the artists that the catalogue offers for `name`, near hits too, ranked by it."""

    def artist(self, id_: str) -> Artist | None:
        """Return the artist with this id of the catalogue's, or None."""

    def tracks(self, artist: Artist, *, limit: int) -> list[Track]:
        """Return at most `limit` tracks that stand for `artist` (who has this catalogue's id)."""

    def close(self) -> None:
        """Close the connections."""


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads what a service sent without trusting its shape; `label` names it in errors."""

    label: str

    def object(self, value: Any) -> dict[str, Any]:
        """Return `value`, which must be an object."""
        if not isinstance(value, dict):
            raise not_json(self.label)
        return value

    def members(self, value: Any, *path: str) -> list[dict[str, Any]]:
        """Return the objects of the list at `path` within `value`, other entries left out."""
        for step in path:
            value = self.object(value).get(step)
            if value is None:
                raise ServiceError(
                    f'{self.label} sent an answer without "{step}"; its interface may have changed'
                )
        if not isinstance(value, list):
            raise not_json(self.label)
        return [entry for entry in value if isinstance(entry, dict)]


def text(value: Any) -> str | None:
    """Return a cleaned text that is not empty, or None."""
    return (naming.clean(value[:1000]) or None) if isinstance(value, str) else None


def seconds(value: Any, *, per_second: int = 1) -> float | None:
    """Return a duration in seconds, from a number of `1 / per_second` s; None unless positive."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value / per_second if 0 < value < 1e9 else None


def identifier(value: Any) -> str | None:
    """Return an id that a service gives its records, as text, or None."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    return str(value) if re.fullmatch(r"[0-9A-Za-z]{1,40}", str(value)) else None


def isrc(value: Any) -> str | None:
    """Return an ISRC (ISO 3901) without its dashes, or None."""
    plain = value.replace("-", "").strip().upper() if isinstance(value, str) else ""
    return plain if re.fullmatch(r"[A-Z]{2}[A-Z0-9]{3}[0-9]{7}", plain) else None


def credited(entries: Any, read: Callable[[dict[str, Any]], Artist | None]) -> tuple[Artist, ...]:
    """Return the different artists in a list of credits, in their order."""
    artists = (read(entry) for entry in entries if isinstance(entry, dict))
    return tuple(dict.fromkeys(artist for artist in artists if artist is not None))
