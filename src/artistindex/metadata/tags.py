"""What the tags of an audio file say of its artists, title and album."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from artistindex import naming

_FIELDS = ("artists", "album_artists", "titles", "albums", "musicbrainz_ids")
_KEYS = {  # the keys of these fields, by mutagen's class of the tags
    "ID3": ("TPE1", "TPE2", "TIT2", "TALB", "TXXX:MusicBrainz Artist Id"),
    "MP4Tags": (
        "\xa9ART",
        "aART",
        "\xa9nam",
        "\xa9alb",
        "----:com.apple.iTunes:MusicBrainz Artist Id",
    ),
    "APEv2": ("Artist", "Album Artist", "Title", "Album", "MUSICBRAINZ_ARTISTID"),
    "ASFTags": ("Author", "WM/AlbumArtist", "Title", "WM/AlbumTitle", "MusicBrainz/Artist Id"),
    "VComment": ("artist", "albumartist", "title", "album", "musicbrainz_artistid"),
}
_CONTAINER_KEYS = ("artist", "album_artist", "title", "album", "musicbrainz_artistid")
# What mutagen has no tags of. Nothing else is tried: a playlist names other files and hosts.
_CONTAINERS = "matroska,webm,wav,w64,caf,au,avi,flv"


@dataclass(frozen=True, slots=True)
class Tags:
    """Tidied values; each field holds several where the file has several, or none.

    Only real multiple values count as several: repeated Vorbis comments, NUL-separated ID3v2.4 and
    APEv2 text, MP4 lists. "Simon & Garfunkel" and "Tyler, The Creator" are one name each.
    """

    artists: tuple[str, ...] = ()
    album_artists: tuple[str, ...] = ()
    titles: tuple[str, ...] = ()
    albums: tuple[str, ...] = ()
    musicbrainz_ids: tuple[str, ...] = ()


def read_tags(path: Path) -> Tags:
    """The tags of a file: mutagen's, else those that FFmpeg finds; none where they are damaged."""
    found = _from_mutagen(path)
    return found if found.artists or found.album_artists else _from_container(path, found)


def _from_mutagen(path: Path) -> Tags:
    import mutagen

    try:
        with path.open("rb") as file:
            opened = mutagen.File(file)
        tags = None if opened is None else opened.tags
    except Exception:  # a stranger's bytes break a tag reader in any way there is
        return Tags()  # they say nothing; whether the sound is sound is seen when it is decoded
    classes = {kind.__name__ for kind in type(tags).__mro__}
    keys = next((keys for name, keys in _KEYS.items() if name in classes), None)
    if keys is None:
        return Tags()
    return Tags(*(tuple(_tidied(_values(tags, key))) for key in keys))


def _from_container(path: Path, found: Tags) -> Tags:
    """`found`, its gaps filled by what FFmpeg reads of containers that mutagen does not know."""
    import av
    import av.logging

    av.logging.set_libav_level(av.logging.PANIC)
    options = {"format_whitelist": _CONTAINERS, "protocol_whitelist": "file"}
    try:
        with av.open(str(path.absolute()), options=options, metadata_errors="replace") as container:
            levels = [*(stream.metadata for stream in container.streams), container.metadata]
    except (av.FFmpegError, OSError, ValueError):
        return found
    held = {key.lower(): value for level in levels for key, value in level.items()}
    fills = (tuple(_tidied([held.get(key, "")])) for key in _CONTAINER_KEYS)
    return Tags(
        *(getattr(found, field) or fill for field, fill in zip(_FIELDS, fills, strict=True))
    )


def _values(tags: Any, key: str) -> list[object]:
    try:
        held = tags[key]
    except (KeyError, ValueError):  # ValueError: a key that this kind of tags cannot have
        return []
    several = getattr(held, "text", held)  # an ID3 frame keeps its values in `text`
    return several if isinstance(several, list) else [several]


def _tidied(values: Iterable[object]) -> Iterator[str]:
    for value in values:
        text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
        yield from filter(None, map(naming.clean, text.split("\0")))
