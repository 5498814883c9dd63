"""The pack file: a zip with a manifest, and for each index its artists and their vectors.

    manifest.json           what is in it: format, and for each index its key, size and hashes
    MODEL/artists.jsonl     one artist a line, in row order: name, ids, tracks
    MODEL/vectors.npy       float32 of shape (artists, dimension), little-endian, in C order

A pack comes from a stranger. It is read member by member into memory, never unpacked to disk;
nothing is believed before it is measured: sizes against the file's own, hashes, names, every value.
The vectors are stored as they are (they do not compress), so that rows cannot be claimed that are
not there; only JSON is deflated, and read line by line.
"""

import hashlib
import io
import json
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from artistindex import __version__, naming
from artistindex._util import files
from artistindex.audio.decode import Excerpt
from artistindex.embedding.engine import Precision
from artistindex.embedding.registry import MODELS
from artistindex.entities import Artist, Pooling, Service, VectorKey
from artistindex.errors import ArtistIndexError, PackError, Remedy
from artistindex.index.transforms import TRANSFORMS
from artistindex.library.artist_matching import ArtistList

FORMAT = 2
MANIFEST = "manifest.json"
ARTISTS = "artists.jsonl"
VECTORS = "vectors.npy"

_MAX_INDEXES = 32
_MAX_MANIFEST_BYTES = 1 << 20  # bytes
_MAX_AT_ONCE = 1 << 20  # bytes that zipfile may read in one go: a directory, or a block of data
_BLOCK = 1 << 18
_MAX_LINE_BYTES = 1 << 20  # bytes of one artist with all tracks
_MAX_BYTES_AN_ARTIST = 16 << 10  # bytes of all artists' names and titles together, for each artist
_MAX_TEXT_LENGTH = 100_000  # characters of a name or a title
_MAX_DIMENSIONS = 1 << 16
_MAX_ARTISTS = 100_000_000
_MAX_RATIO = 200  # real JSON is deflated to a tenth or so, a bomb to a thousandth
_MAX_HEADER_BYTES = 4096  # bytes at most before the values of an .npy
_SHA256 = re.compile(r"[0-9a-f]{64}")
_ID = re.compile(r"[0-9A-Za-z-]{1,64}")
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the same content gives the same bytes


@dataclass(frozen=True, slots=True, eq=False)
class PackedIndex:
    """An index as a pack holds it.

    `vectors` are float32 of shape (artists, dimension), of unit length, as they are before the
    `transform`, which is fitted anew where they arrive; `tracks` are (title, album) of those behind
    each row.
    """

    key: VectorKey
    licence: str
    transform: str
    artists: Sequence[Artist]
    tracks: Sequence[Sequence[tuple[str, str | None]]]
    vectors: NDArray[np.float32]


# -- writing -----------------------------------------------------------------------------------


def write_pack(path: Path, indexes: Sequence[PackedIndex], *, overwrite: bool = False) -> None:
    """Write `indexes` to the new file `path`; it appears whole or not at all.

    Raises PackError where there is a file already (without `overwrite`) or none can be written, and
    for two indexes of one model.
    """
    models = [index.key.model for index in indexes]
    for model in models:
        if models.count(model) > 1:
            raise PackError(f"a pack holds one index of {model}", remedy=Remedy.CHOOSE_INDEX)
    if path.exists() and not overwrite:
        raise PackError(f"{path} is there already", remedy=Remedy.OVERWRITE)
    try:
        with files.atomic_writer(path) as file, zipfile.ZipFile(file, "w") as archive:
            entries = [_write_index(archive, index) for index in indexes]
            manifest = {
                "format": max(_format_of(index.key) for index in indexes),
                "made_by": f"artistindex {__version__}",
                "created": datetime.now(UTC).isoformat(timespec="seconds"),
                "indexes": entries,
            }
            with _member(archive, MANIFEST, deflated=True) as member:
                member.write(json.dumps(manifest, ensure_ascii=False, indent=1).encode())
    except OSError as error:
        raise PackError(f"cannot write {path}: {error.strerror or error}") from error


def _write_index(archive: zipfile.ZipFile, index: PackedIndex) -> dict[str, Any]:
    """Write the two members of an index; returns its entry in the manifest."""
    model = index.key.model
    with _member(archive, f"{model}/{VECTORS}", deflated=False) as vectors:
        rows = np.ascontiguousarray(index.vectors, "<f4")
        np.lib.format.write_array(vectors, rows, version=(1, 0), allow_pickle=False)
    with _member(archive, f"{model}/{ARTISTS}", deflated=True) as artists:
        for artist, tracks in zip(index.artists, index.tracks, strict=True):
            entry = {
                "name": artist.name,
                **{f"{service}_id": id_ for service, id_ in artist.ids.items()},
                "tracks": [_track_entry(title, album) for title, album in tracks],
            }
            artists.write(json.dumps(entry, ensure_ascii=False).encode() + b"\n")
    key = asdict(index.key)
    if _format_of(index.key) == 1:
        key = {field: key[field] for field in ("model", "weights_sha256", "precision", "excerpt")}
    return {
        **key,
        "licence": index.licence,
        "transform": index.transform,
        "dimension": int(rows.shape[1]),
        "artists": len(rows),
        "sha256": {ARTISTS: artists.sha256.hexdigest(), VECTORS: vectors.sha256.hexdigest()},
    }


def _format_of(key: VectorKey) -> int:
    """Return the first format that can say of which layer and pooling vectors are."""
    return 1 if (key.layer, key.pooling) == ("", Pooling.MEAN) else 2


def _track_entry(title: str, album: str | None) -> dict[str, str]:
    return {"title": title} if album is None else {"title": title, "album": album}


class _Hashed:
    """A member being written, and the hash of what was written."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.sha256 = hashlib.sha256()

    def write(self, data: bytes) -> int:
        self.sha256.update(data)
        return self._file.write(data)


@contextmanager
def _member(archive: zipfile.ZipFile, name: str, *, deflated: bool) -> Iterator[_Hashed]:
    info = zipfile.ZipInfo(name, _EPOCH)
    info.compress_type = zipfile.ZIP_DEFLATED if deflated else zipfile.ZIP_STORED
    info.external_attr = (stat.S_IFREG | 0o644) << 16
    with archive.open(info, "w", force_zip64=True) as file:
        yield _Hashed(file)


# -- reading -----------------------------------------------------------------------------------


def read_pack(path: Path) -> list[PackedIndex]:
    """The indexes in the pack at `path`, checked through and through.

    Raises PackError, which says what is wrong with it.
    """
    try:
        with path.open("rb") as file, _as_pack_errors(path):
            bounded = _Bounded(file)
            with zipfile.ZipFile(bounded) as archive:
                return _read(archive, bounded.length)
    except OSError as error:
        raise PackError(f"cannot read {path}: {error.strerror or error}") from error


@contextmanager
def _as_pack_errors(path: Path) -> Iterator[None]:
    """Raise whatever a hostile file makes zipfile, zlib, json or numpy raise as one line."""
    try:
        yield
    except (zipfile.BadZipFile, zlib.error, EOFError, struct.error, NotImplementedError) as error:
        raise PackError(f"{path} is no pack, or damaged: {error or 'it ends early'}") from error
    except (_BadPack, UnicodeDecodeError) as error:
        raise PackError(f"{path} is not taken: {error}") from error
    except (ValueError, RuntimeError, LookupError, OverflowError, MemoryError) as error:
        raise PackError(f"{path} is no pack, or damaged: {type(error).__name__}") from error


class _BadPack(Exception):
    """What is wrong with a pack, in words, without its path."""


def _expect(condition: bool, otherwise: str) -> None:
    if not condition:
        raise _BadPack(otherwise)


class _Bounded(io.BufferedIOBase):
    """A file of which no more is read at once than a pack needs.

    zipfile reads the directory in one go, as long as the file says that it is, and makes an object
    of each entry.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.length = file.seek(0, io.SEEK_END)

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def read(self, size: int | None = -1, /) -> bytes:
        rest = max(0, self.length - self.tell())
        length = rest if size is None or size < 0 else min(size, rest)
        _expect(length <= _MAX_AT_ONCE, "its directory is too large for a pack")
        return self._file.read(length)


@dataclass(frozen=True, slots=True)
class _Entry:
    """What the manifest says of an index."""

    key: VectorKey
    licence: str
    transform: str
    dimension: int
    artists: int
    sha256: Mapping[str, str]


def _read(archive: zipfile.ZipFile, length: int) -> list[PackedIndex]:
    members = _members(archive, length)
    _expect(MANIFEST in members, f"it has no {MANIFEST}, which every exported pack has")
    entries = _manifest(archive, members[MANIFEST])
    expected = {MANIFEST} | {
        f"{entry.key.model}/{name}" for entry in entries for name in (ARTISTS, VECTORS)
    }
    for name in members.keys() - expected:
        raise _BadPack(f"it holds {naming.quoted(name)}, which belongs in no pack")
    for name in expected - members.keys():
        raise _BadPack(f"it lacks {name}")
    return [_index(archive, members, entry) for entry in entries]


def _members(archive: zipfile.ZipFile, length: int) -> dict[str, zipfile.ZipInfo]:
    """The members by name: plain files, of sizes that the pack can have."""
    infos = archive.infolist()
    _expect(len(infos) <= 1 + 2 * _MAX_INDEXES, f"it holds {len(infos)} files")
    members: dict[str, zipfile.ZipInfo] = {}
    for info in infos:
        name = naming.quoted(info.filename)
        _expect(info.filename not in members, f"it holds {name} twice")
        _expect(not info.flag_bits & 0x1, f"{name} is encrypted")
        kind = stat.S_IFMT(info.external_attr >> 16)
        _expect(kind in (0, stat.S_IFREG), f"{name} is a link, a folder or a device")
        stored = info.compress_type == zipfile.ZIP_STORED
        _expect(stored or info.compress_type == zipfile.ZIP_DEFLATED, f"{name} is packed oddly")
        _expect(not stored or info.file_size == info.compress_size, f"{name} has two sizes")
        ratio = info.file_size / max(1, info.compress_size)
        _expect(ratio <= _MAX_RATIO, f"{name} would unpack to {ratio:,.0f} times its size")
        members[info.filename] = info
    packed = sum(info.compress_size for info in infos)
    _expect(packed <= length, "its files overlap, or it is cut off")
    return members


def _manifest(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> list[_Entry]:
    _expect(info.file_size <= _MAX_MANIFEST_BYTES, f"{MANIFEST} is too large")
    manifest = _parsed(archive.read(info), MANIFEST)
    version = manifest.get("format")
    if isinstance(version, int) and version > FORMAT:
        raise _BadPack(f"it has format {version}, newer than {FORMAT}: upgrade artistindex")
    _expect(type(version) is int and version >= 1, f"{MANIFEST} gives no format")
    listed = manifest.get("indexes")
    if not isinstance(listed, list) or not listed:
        raise _BadPack(f"{MANIFEST} lists no index")
    _expect(len(listed) <= _MAX_INDEXES, f"{MANIFEST} lists {len(listed)} indexes")
    entries = [_entry(index) for index in listed]
    models = [entry.key.model for entry in entries]
    _expect(len(set(models)) == len(models), f"{MANIFEST} lists an index twice")
    return entries


def _entry(fields: Any) -> _Entry:
    _expect(isinstance(fields, dict), f"{MANIFEST} describes an index by no object")
    model, weights = _text(fields, "model"), _text(fields, "weights_sha256")
    _expect(
        model in MODELS,
        f"its model {naming.quoted(model)} is none of {', '.join(MODELS)}: upgrade artistindex",
    )
    _expect(bool(_SHA256.fullmatch(weights)), f"the weights of {model} are named by no sha256")
    precision, excerpt = _text(fields, "precision"), _text(fields, "excerpt")
    _expect(
        precision in tuple(Precision),
        f"{model} has the unknown precision {naming.quoted(precision)}",
    )
    _expect(_is_excerpt(excerpt), f"{model} has the unknown excerpt {naming.quoted(excerpt)}")
    layer, pooling = fields.get("layer", ""), fields.get("pooling", Pooling.MEAN)
    _expect(layer in ("", *MODELS[model].layers), f"{model} has the unknown layer {layer!r:.80}")
    _expect(pooling in tuple(Pooling), f"{model} has the unknown pooling {pooling!r:.80}")
    transform = _text(fields, "transform")
    _expect(
        transform in TRANSFORMS,
        f"{model} has the unknown transform {naming.quoted(transform)}: upgrade artistindex",
    )
    hashes = fields.get("sha256")
    _expect(isinstance(hashes, dict), f"{MANIFEST} gives no hashes of {model}")
    return _Entry(
        key=VectorKey(model, weights, precision, excerpt, layer, Pooling(pooling)),
        licence=naming.clean(_text(fields, "licence")),
        transform=transform,
        dimension=_count(fields, "dimension", maximum=_MAX_DIMENSIONS),
        artists=_count(fields, "artists", maximum=_MAX_ARTISTS),
        sha256={name: _text(hashes, name) for name in (ARTISTS, VECTORS)},
    )


def _index(
    archive: zipfile.ZipFile, members: Mapping[str, zipfile.ZipInfo], entry: _Entry
) -> PackedIndex:
    model = entry.key.model
    vectors = _vectors(archive, members[f"{model}/{VECTORS}"], entry)
    artists, tracks = _artists(archive, members[f"{model}/{ARTISTS}"], entry)
    return PackedIndex(entry.key, entry.licence, entry.transform, artists, tracks, vectors)


def _vectors(archive: zipfile.ZipFile, info: zipfile.ZipInfo, entry: _Entry) -> NDArray[np.float32]:
    name = info.filename
    _expect(info.compress_type == zipfile.ZIP_STORED, f"{name} is deflated; it must be stored")
    values = 4 * entry.artists * entry.dimension
    claim = f"{entry.artists} vectors of dimension {entry.dimension}"
    _expect(
        0 < info.file_size - values <= _MAX_HEADER_BYTES,
        f"{name} does not have the size of {claim}",
    )
    content = io.BytesIO()
    digest = hashlib.sha256()
    with archive.open(info) as file:
        while block := file.read(_BLOCK):
            digest.update(block)
            content.write(block)
    _expect(digest.hexdigest() == entry.sha256[VECTORS], f"{name} has another sha256 than stated")
    content.seek(0)
    shape, fortran, kind = _npy_header(content, name)
    _expect(kind == np.dtype("<f4"), f"{name} holds {naming.quoted(str(kind))}, not float32")
    _expect(not fortran, f"{name} is in Fortran order, not in C order")
    _expect(
        shape == (entry.artists, entry.dimension),
        f"{name} has the shape {shape}, not that of {claim}",
    )
    _expect(info.file_size - content.tell() == values, f"{name} does not have the size of {claim}")
    rows = np.frombuffer(content.getbuffer(), "<f4", offset=content.tell()).reshape(shape)
    for at in range(0, len(rows), 10_000):
        part = rows[at : at + 10_000].astype(np.float64)
        squares = np.einsum("ij,ij->i", part, part)
        _expect(bool(np.isfinite(squares).all()), f"{name} holds values that are not finite")
        _expect(bool((np.abs(squares - 1.0) < 1e-3).all()), f"{name} holds no unit vectors")
    return rows


def _npy_header(file: BinaryIO, name: str) -> tuple[tuple[int, ...], bool, "np.dtype[Any]"]:
    try:
        version = np.lib.format.read_magic(file)
        _expect(version == (1, 0), f"{name} is of .npy version {version}, not 1.0")
        header: tuple[tuple[int, ...], bool, np.dtype[Any]]
        header = np.lib.format.read_array_header_1_0(file, max_header_size=_MAX_HEADER_BYTES)
    except (ValueError, TypeError, SyntaxError) as error:
        raise _BadPack(f"{name} is no .npy file") from error
    return header


def _artists(
    archive: zipfile.ZipFile, info: zipfile.ZipInfo, entry: _Entry
) -> tuple[list[Artist], list[tuple[tuple[str, str | None], ...]]]:
    name = info.filename
    limit = _MAX_LINE_BYTES + _MAX_BYTES_AN_ARTIST * entry.artists
    _expect(info.file_size <= limit, f"{name} is too large for {entry.artists} artists")
    digest = hashlib.sha256()
    artists: list[Artist] = []
    tracks: list[tuple[tuple[str, str | None], ...]] = []
    known = ArtistList()
    with archive.open(info) as file:
        while line := file.readline(_MAX_LINE_BYTES + 1):
            digest.update(line)
            where = f"line {len(artists) + 1} of {name}"
            _expect(len(line) <= _MAX_LINE_BYTES, f"{where} is too long")
            _expect(len(artists) < entry.artists, f"{name} has more lines than there are vectors")
            artist, used = _artist(_parsed(line, where), where)
            _expect(
                known.find(artist) is None, f"{where}: {naming.quoted(artist.name)} comes twice"
            )
            known.add(artist)
            artists.append(artist)
            tracks.append(used)
    _expect(len(artists) == entry.artists, f"{name} has fewer lines than there are vectors")
    _expect(digest.hexdigest() == entry.sha256[ARTISTS], f"{name} has another sha256 than stated")
    return artists, tracks


def _artist(
    fields: dict[str, Any], where: str
) -> tuple[Artist, tuple[tuple[str, str | None], ...]]:
    name = naming.clean(_text(fields, "name"))
    _expect(bool(name), f"{where}: an artist without a name")
    ids = {service: _id(fields, f"{service}_id", where) for service in Service}
    listed = fields.get("tracks")
    _expect(isinstance(listed, list), f"{where}: tracks must be a list")
    used = []
    for track in listed or ():
        _expect(isinstance(track, dict), f"{where}: a track must be an object")
        album = _text(track, "album") if track.get("album") is not None else None
        used.append((naming.clean(_text(track, "title")), album and naming.clean(album)))
    return Artist(name, {service: id_ for service, id_ in ids.items() if id_}), tuple(used)


def _id(fields: Mapping[str, Any], field: str, where: str) -> str | None:
    value = fields.get(field)
    if value is None:
        return None
    _expect(isinstance(value, str) and bool(_ID.fullmatch(value)), f"{where}: {field} is no id")
    return str(value)


def _parsed(content: bytes, where: str) -> dict[str, Any]:
    try:
        parsed = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise _BadPack(f"{where} is not JSON") from error
    _expect(isinstance(parsed, dict), f"{where} is no JSON object")
    return dict(parsed)


def _text(fields: Mapping[str, Any], field: str) -> str:
    value = fields.get(field)
    _expect(isinstance(value, str), f"{naming.quoted(field)} must be a text")
    text = str(value)
    _expect(len(text) <= _MAX_TEXT_LENGTH, f"{naming.quoted(field)} is too long")
    return text


def _count(fields: Mapping[str, Any], field: str, *, maximum: int) -> int:
    value = fields.get(field)
    whole = isinstance(value, int) and not isinstance(value, bool)
    _expect(whole, f"{naming.quoted(field)} must be a whole number")
    number = int(value or 0)
    _expect(
        1 <= number <= maximum, f"{naming.quoted(field)} must be from 1 to {maximum:,}, not {value}"
    )
    return number


def _is_excerpt(text: str) -> bool:
    try:
        return str(Excerpt.parse(text)) == text
    except ArtistIndexError:
        return False
