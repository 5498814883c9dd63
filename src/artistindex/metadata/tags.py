"""What the tags of an audio file say of its artists, title and album."""

import io
import pkgutil
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum, auto
from itertools import islice
from pathlib import Path
from typing import Any

from artistindex import naming
from artistindex.metadata.bounded_id3 import bounded_frames, has_too_many_frames

MAX_TEXT = 1000  # characters of a name or a title that count
_MAX_VALUES = 100  # of one field
_MAX_ID3 = 64 << 20  # bytes of an ID3v2 tag, covers and all
_MAX_ID3_TAGS = 8  # one behind another
_ID3V1 = 128  # bytes
_MAX_COMMENTS = 16 << 20  # bytes of a block of Vorbis comments
_MAX_COMMENT_COUNT = 10_000
_SEARCHED = 1 << 18  # bytes at the beginning in which a tag may hide behind junk

# The keys of each field, in lower case, in the kinds of tags there are.
_KEYS = {
    "artists": ("tpe1", "artist", "\xa9art", "author"),
    "credits": ("txxx:artists", "artists", "----:com.apple.itunes:artists", "wm/artists"),
    "album_artists": (
        "tpe2",
        "albumartist",
        "album artist",
        "album_artist",
        "aart",
        "wm/albumartist",
    ),
    "titles": ("tit2", "title", "\xa9nam"),
    "albums": ("talb", "album", "\xa9alb", "wm/albumtitle"),
    "artist_ids": (
        "txxx:musicbrainz artist id",
        "musicbrainz_artistid",
        "musicbrainz artist id",
        "----:com.apple.itunes:musicbrainz artist id",
        "musicbrainz/artist id",
    ),
    "recording_ids": (
        "ufid:http://musicbrainz.org",
        "musicbrainz_trackid",
        "----:com.apple.itunes:musicbrainz track id",
        "musicbrainz/track id",
    ),
    "isrcs": ("tsrc", "isrc", "----:com.apple.itunes:isrc", "wm/isrc"),
}
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
# What FFmpeg reads the tags of. Nothing else is tried: a playlist names other files and hosts.
_CONTAINERS = "matroska,webm,mov,wav,w64,aiff,caf,au,avi,flv,rm,iff,mpegts,oma,voc"


@dataclass(frozen=True, slots=True)
class Tags:
    """Tidied values; each field holds several where the file has several, or none.

    Only real multiple values count as several: repeated Vorbis comments, NUL-separated ID3v2.4 and
    APEv2 text, MP4 lists. `credits` is the tag ARTISTS, in which Picard lists the artists that
    `artists` names in one sentence. Ids are those of MusicBrainz, in the order of the artists.
    """

    artists: tuple[str, ...] = ()
    credits: tuple[str, ...] = ()
    album_artists: tuple[str, ...] = ()
    titles: tuple[str, ...] = ()
    albums: tuple[str, ...] = ()
    artist_ids: tuple[str, ...] = ()
    recording_ids: tuple[str, ...] = ()
    isrcs: tuple[str, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether nothing that a person reads is missing."""
        return bool(self.artists and self.titles and self.albums)


class _Kind(StrEnum):
    """What a file is, told by its first bytes."""

    FLAC = auto()
    OGG = auto()
    MP4 = auto()
    ASF = auto()
    WAVE = auto()
    AIFF = auto()
    DSF = auto()
    DSDIFF = auto()
    CONTAINER = auto()
    OTHER = auto()


_MAGIC = (
    (b"fLaC", _Kind.FLAC),
    (b"OggS", _Kind.OGG),
    (b"0&\xb2u\x8ef\xcf\x11", _Kind.ASF),
    (b"DSD ", _Kind.DSF),
    (b"FRM8", _Kind.DSDIFF),
    (b"\x1aE\xdf\xa3", _Kind.CONTAINER),  # Matroska
    (b"caff", _Kind.CONTAINER),
    (b"riff", _Kind.CONTAINER),  # Sony's Wave64
    (b"FLV", _Kind.CONTAINER),
    (b".RMF", _Kind.CONTAINER),
)
_FORMATS = {
    _Kind.MP4: "mp4.MP4",
    _Kind.ASF: "asf.ASF",
    _Kind.WAVE: "wave.WAVE",
    _Kind.AIFF: "aiff.AIFF",
    _Kind.DSF: "dsf.DSF",
    _Kind.DSDIFF: "dsdiff.DSDIFF",
}
_HOLD_ID3 = (_Kind.WAVE, _Kind.AIFF, _Kind.DSF, _Kind.DSDIFF)
_OGG_CODECS = (
    (b"\x01vorbis", "oggvorbis.OggVorbis"),
    (b"OpusHead", "oggopus.OggOpus"),
    (b"\x7fFLAC", "oggflac.OggFLAC"),
    (b"Speex   ", "oggspeex.OggSpeex"),
    (b"\x80theora", "oggtheora.OggTheora"),
)


def read_tags(path: Path) -> Tags:
    """Return the tags of a file by what it is, whatever its name says; none where they are damaged.

    The tags that the format has of its own come first, then ID3v2, then APEv2, then ID3v1, which
    cuts names, then what FFmpeg finds; what one does not say the next one may. Raises OSError where
    the file cannot be read.
    """
    with _WatchedFile(path) as raw, io.BufferedReader(raw) as file:
        tags = Tags()
        kind, offset = _kind_of(file)
        for read in (_own_tags, _id3, _ape, _id3v1):
            if not tags.complete:
                tags = _joined(tags, _safely(read, file, kind, offset))
        if raw.error is not None:
            raise raw.error
    if not tags.artists or kind is _Kind.CONTAINER:
        tags = _joined(tags, _from_container(path))
    return tags


class _WatchedFile(io.FileIO):
    """A file that keeps the error which a tag reader takes for damage."""

    error: OSError | None = None

    def readall(self) -> bytes:
        return b"".join(iter(lambda: self.read(1 << 20), b""))

    def read(self, size: int | None = -1, /) -> bytes:
        if size is None or size < 0:
            return self.readall()
        try:
            return super().read(size)
        except OSError as error:
            self.error = error
            raise

    def readinto(self, buffer: Any, /) -> int | None:
        try:
            return super().readinto(buffer)
        except OSError as error:
            self.error = error
            raise


def _joined(tags: Tags, more: Tags) -> Tags:
    """`tags`, its gaps filled by `more`; who made it is said by one of the two alone."""
    changes = {
        field: getattr(more, field)
        for field in ("album_artists", "titles", "albums", "recording_ids", "isrcs")
        if not getattr(tags, field)
    }
    if not (tags.artists or tags.credits):
        changes.update(artists=more.artists, credits=more.credits, artist_ids=more.artist_ids)
    return replace(tags, **changes)


def _safely(read: Callable[..., Iterator[Mapping[str, Any]]], *where: Any) -> Tags:
    tags = Tags()
    try:
        for level in read(*where):
            tags = _joined(tags, _fields(level))
    except MemoryError:
        raise
    except Exception:  # a stranger's bytes break a tag reader in any way there is
        return tags  # they say nothing; whether the sound is sound is seen when it is decoded
    return tags


# --- what a file is -----------------------------------------------------------------------------


def _kind_of(file: Any) -> tuple[_Kind, int]:
    """The kind of a file, and where it begins behind ID3v2 tags."""
    offset = 0
    for _ in range(_MAX_ID3_TAGS):
        file.seek(offset)
        head = file.read(40)
        size = _id3_size(head)
        if size is None:
            break
        offset += size
    return _kind_by(head), offset


def _id3_size(head: bytes) -> int | None:
    """The bytes of the ID3v2 tag that begins with `head`; None where none does."""
    if len(head) < 10 or head[:3] != b"ID3" or head[3] > 4 or max(head[6:10]) > 0x7F:
        return None
    size = head[6] << 21 | head[7] << 14 | head[8] << 7 | head[9]
    return 10 + size + (10 if head[5] & 0x10 else 0)


def _kind_by(head: bytes) -> _Kind:
    if head[4:8] == b"ftyp":
        return _Kind.MP4
    if head[:4] in (b"RIFF", b"RF64") and head[8:12] == b"WAVE":
        return _Kind.WAVE
    if head[:4] == b"FORM" and head[8:12] in (b"AIFF", b"AIFC"):
        return _Kind.AIFF
    return next((kind for magic, kind in _MAGIC if head.startswith(magic)), _Kind.OTHER)


# --- the readers --------------------------------------------------------------------------------


def _own_tags(file: Any, kind: _Kind, offset: int) -> Iterator[Mapping[str, Any]]:
    """The tags that are part of the format itself."""
    if kind is _Kind.FLAC:
        yield from _flac_comments(file, offset)
        return
    file.seek(offset)
    name = _ogg_codec(file.read(128)) if kind is _Kind.OGG else _FORMATS.get(kind)
    if name:
        file.seek(offset)
        whole = io.BytesIO(file.read(_MAX_ID3)) if offset else file
        frames = {"known_frames": bounded_frames()} if kind in _HOLD_ID3 else {}
        yield _mutagen(name, whole, **frames).tags or {}


def _mutagen(name: str, *arguments: Any, **options: Any) -> Any:
    """Call a class of mutagen's, which is imported for it and not before."""
    return pkgutil.resolve_name(f"mutagen.{name}")(*arguments, **options)


def _flac_comments(file: Any, offset: int) -> Iterator[Mapping[str, Any]]:
    """Every block of Vorbis comments: some taggers leave two, and STREAMINFO need not be first."""
    place, last = offset + 4, 0
    while not last:
        file.seek(place)
        head = file.read(4)
        if len(head) < 4:
            return
        kind, last, size = head[0] & 0x7F, head[0] & 0x80, int.from_bytes(head[1:], "big")
        if kind == 4 and size <= _MAX_COMMENTS:
            block = file.read(size)
            if _count_of_comments(block) <= _MAX_COMMENT_COUNT:
                yield _mutagen("flac.VCFLACDict", block)
        place += 4 + size


def _count_of_comments(block: bytes) -> int:
    place = 4 + int.from_bytes(block[:4], "little")  # behind the name of the encoder
    return int.from_bytes(block[place : place + 4], "little")


def _ogg_codec(head: bytes) -> str | None:
    """The class for the codec of the first page."""
    return next((name for magic, name in _OGG_CODECS if magic in head), None)


def _id3(file: Any, kind: _Kind, offset: int) -> Iterator[Mapping[str, Any]]:
    """ID3v2 at the beginning, one tag behind another, or behind junk."""
    file.seek(0)
    head = file.read(_SEARCHED if kind is _Kind.OTHER and not offset else 10)
    place = max(0, head.find(b"ID3"))
    for _ in range(_MAX_ID3_TAGS):
        file.seek(place)
        size = _id3_size(file.read(10))
        if size is None or size > _MAX_ID3:
            return
        file.seek(place)
        tag = file.read(size)
        if has_too_many_frames(tag):
            return
        yield _id3_of(tag)
        place += size


def _id3_of(tag: bytes) -> Any:
    options = {"known_frames": bounded_frames(), "translate": False}
    return _mutagen("id3.ID3", io.BytesIO(tag), **options)


def _id3v1(file: Any, kind: _Kind, offset: int) -> Iterator[Mapping[str, Any]]:
    """The tag of 128 bytes at the end, which cuts every name after 30 letters."""
    size = file.seek(0, io.SEEK_END)
    file.seek(max(0, size - _ID3V1))
    end = file.read(_ID3V1)
    if end.startswith(b"TAG"):
        yield _id3_of(end)


def _ape(file: Any, kind: _Kind, offset: int) -> Iterator[Mapping[str, Any]]:
    """APEv2 at the end, before ID3v1 or behind it, or at the beginning."""
    file.seek(0)
    yield _mutagen("apev2.APEv2", file)


def _from_container(path: Path) -> Tags:
    """What FFmpeg reads of containers that mutagen does not know, and of RIFF's INFO chunk.

    The latter names no charset: what is not UTF-8 is read as that of old Windows systems.
    """
    try:
        return _ffmpeg_tags(path, "utf-8")
    except UnicodeDecodeError:
        return _ffmpeg_tags(path, "cp1252")


def _ffmpeg_tags(path: Path, charset: str) -> Tags:
    import av
    import av.logging

    av.logging.set_libav_level(av.logging.PANIC)
    options = {"format_whitelist": _CONTAINERS, "protocol_whitelist": "file"}
    errors = "strict" if charset == "utf-8" else "replace"
    try:
        with av.open(
            str(path.absolute()), "r", options=options,
            metadata_encoding=charset, metadata_errors=errors,
        ) as container:  # fmt: skip
            levels = [*(stream.metadata for stream in container.streams), container.metadata]
    except UnicodeDecodeError:
        raise
    except (av.FFmpegError, OSError, ValueError):
        return Tags()
    return _fields({key: value for level in levels for key, value in level.items()})


# --- values -------------------------------------------------------------------------------------


def _fields(level: Mapping[str, Any]) -> Tags:
    """The fields that one kind of tags has."""
    values = {key.lower(): level[key] for key in level.keys()}  # noqa: SIM118  not all are dicts
    texts = {field: _first_of(keys, values) for field, keys in _KEYS.items()}
    for field in ("artist_ids", "recording_ids"):
        texts[field] = tuple(_UUID.findall(" ".join(texts[field]).lower()))
    return Tags(**texts)


def _first_of(keys: Iterable[str], values: Mapping[str, Any]) -> tuple[str, ...]:
    """The texts under the first key that has any: taggers write one name under several."""
    texts = (tuple(islice(_tidied(values[key]), _MAX_VALUES)) for key in keys if key in values)
    return next(filter(None, texts), ())


def _tidied(value: Any) -> Iterator[str]:
    for text in _texts(value):
        for part in text[: MAX_TEXT * _MAX_VALUES].split("\0"):
            right = _in_its_charset(part[: 2 * MAX_TEXT])
            if name := naming.clean(naming.clean(right)[:MAX_TEXT]):
                yield name


def _in_its_charset(text: str) -> str:
    """Text that a tagger wrote in another charset than it says, where that is beyond doubt.

    UTF-8 that was taken for Latin-1 ("BjÃ¶rk") is valid by chance in no name; UTF-16 in the wrong
    order of bytes has Latin letters as Chinese ones, every one of which ends in a zero byte.
    """
    if text.isascii():
        return text
    if len(text) > 1 and not any(ord(letter) & 0xFF for letter in text):
        return text.encode("utf-16-le", "replace").decode("utf-16-be", "replace")
    for charset in ("latin-1", "cp1252"):
        try:
            return text.encode(charset).decode("utf-8")
        except UnicodeError:
            continue
    return text


def _texts(value: Any) -> Iterator[str]:
    """The texts of a value of mutagen's; an ID3 frame keeps them in `text` or `data`."""
    inner = getattr(value, "text", None) or getattr(value, "data", None) or value
    for item in inner if isinstance(inner, list) else [inner]:
        plain = getattr(item, "value", item)
        yield plain.decode("utf-8", "replace") if isinstance(plain, bytes) else str(plain)
