"""Artists as the records of players, shops and services name them, with plays and ids."""

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from artistindex.entities import Service

_A_PLAY = 30_000  # milliseconds; what was left earlier counts for its part
_ARTIST_KEYS = (
    *("master_metadata_album_artist_name", "artistName", "artist_name", "artist", "artists"),
    "creator",
)
_PLAYS_KEYS = ("plays", "playcount", "play_count", "playCount", "listen_count", "scrobbles")
_MILLISECONDS_KEYS = ("msPlayed", "ms_played")
_JSPF_TRACK = "https://musicbrainz.org/doc/jspf#track"
_SPOTIFY_ID = re.compile(
    r"(?:^|spotify:artist:|open\.spotify\.com/(?:intl-\w+/)?artist/)([0-9A-Za-z]{22})\b"
)
_MBID = re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", re.IGNORECASE)
_CREDIT_SEPARATOR = re.compile(r"(?<!\\),\s*|;\s*")


@dataclass(frozen=True, slots=True)
class Mention:
    """An artist as one record names them; `weight` is how often it was played, 1 if not told."""

    name: str
    weight: float = 1.0
    ids: Mapping[str, str] = field(default_factory=dict, hash=False)


def from_record(record: Mapping[str, Any]) -> list[Mention] | None:
    """Return the artists that a JSON object names; None where it is no record of that kind.

    Read are the plays of Spotify and ListenBrainz, tracks and albums with an artist or a creator,
    artists with a name. A record of that kind may name nobody: a podcast, a track without tags.
    """
    if isinstance(record.get("track_metadata"), dict):
        return _from_listen(record["track_metadata"])
    keys = [key for key in _ARTIST_KEYS if key in record]
    if not keys:
        return _from_artist(record)
    weight = _weight(record)
    identified = _from_jspf_extension(record, weight)
    if identified:
        return identified
    mentions = [
        Mention(mention.name, weight, mention.ids) for mention in _from_value(record[keys[0]])
    ]
    return [mention for mention in mentions if mention.weight > 0]


def parse_ids(text: str) -> dict[str, str]:
    """Return the ids of services that a text holds: an address, a Spotify URI, an MBID."""
    spotify, mbid = _SPOTIFY_ID.search(text), _MBID.search(text)
    ids = {Service.SPOTIFY.value: spotify[1]} if spotify else {}
    return {**ids, Service.MUSICBRAINZ.value: mbid[0].lower()} if mbid else ids


def split_credit(credit: str, ids: str, known: Iterable[str] = ()) -> list[Mention]:
    """Return the artists of a cell that may hold several, as Exportify's does.

    A comma in a name is escaped in newer exports and not in older ones: commas separate where
    there is an id for each part, or each part is `known` by itself.
    """
    whole = credit.replace("\\,", ",").strip()
    parts = [part.replace("\\,", ",").strip() for part in _CREDIT_SEPARATOR.split(credit)]
    part_ids = [parse_ids(part) for part in re.split(r"[,;|]\s*", ids)] if ids else []
    if len(part_ids) == len(parts) > 1:
        return [Mention(part, ids=given) for part, given in zip(parts, part_ids, strict=True)]
    names = set(known)
    if len(part_ids) != 1 and (";" in credit or all(part in names for part in parts)):
        return [Mention(part) for part in parts if part]
    return [Mention(whole, ids=part_ids[0] if len(part_ids) == 1 else {})]


def parse_weight(text: str) -> float | None:
    """Return a number of plays, which may have separators of thousands; None for what is none."""
    digits = re.sub(r"(?<=\d)[, '\u00a0\u202f](?=\d{3}\b)", "", text.strip())
    try:
        weight = float(digits)
    except ValueError:
        return None
    return weight if math.isfinite(weight) and weight >= 0 else None


def _from_value(value: Any) -> Iterator[Mention]:
    """Yield the artists of a field: a name, an object with a name, or a list of either."""
    if isinstance(value, str):
        yield Mention(value)
    elif isinstance(value, dict):
        yield from _from_artist(value) or ()
    elif isinstance(value, list):
        for part in value:
            yield from _from_value(part)


def _from_artist(record: Mapping[str, Any]) -> list[Mention] | None:
    name = record.get("name")
    if not isinstance(name, str):
        return None
    return [Mention(name, _weight(record), ids_of(record))]


def ids_of(record: Mapping[str, Any]) -> dict[str, str]:
    """Return the ids of services that a JSON object about an artist holds."""
    ids: dict[str, str] = {}
    for key in ("spotify_uri", "uri", "url", "id", "spotify_id", "mbid", "artist_mbid"):
        value = record.get(key)
        if isinstance(value, str):
            ids |= parse_ids(value)
    deezer = record.get("deezer_id")
    return {**ids, Service.DEEZER.value: str(deezer)} if deezer else ids


def _from_listen(track: Mapping[str, Any]) -> list[Mention]:
    mapping = track.get("mbid_mapping")
    credited = _from_credits(mapping.get("artists") if isinstance(mapping, dict) else None)
    name = track.get("artist_name")
    return credited or ([Mention(name)] if isinstance(name, str) else [])


def _from_jspf_extension(record: Mapping[str, Any], weight: float) -> list[Mention]:
    extension = record.get("extension")
    track = extension.get(_JSPF_TRACK) if isinstance(extension, dict) else None
    metadata = track.get("additional_metadata") if isinstance(track, dict) else None
    return _from_credits(metadata.get("artists") if isinstance(metadata, dict) else None, weight)


def _from_credits(artists: Any, weight: float = 1.0) -> list[Mention]:
    """The credited artists as ListenBrainz maps them, whose names and ids are apart."""
    if not isinstance(artists, list):
        return []
    return [
        Mention(artist["artist_credit_name"], weight, ids_of(artist))
        for artist in artists
        if isinstance(artist, dict) and isinstance(artist.get("artist_credit_name"), str)
    ]


def _weight(record: Mapping[str, Any]) -> float:
    for key in _MILLISECONDS_KEYS:
        if key in record:
            played = _number(record[key])
            return 1.0 if played is None else min(1.0, played / _A_PLAY)
    for key in _PLAYS_KEYS:
        plays = _number(record.get(key))
        if plays is not None:
            return plays
    return 1.0


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return parse_weight(str(value))
    except ValueError:  # an integer of more than 4,300 digits
        return None
