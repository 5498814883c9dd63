"""Reading a pack, which comes from a stranger, artist by artist.

Nothing is unpacked to the disk and nothing is believed before it is measured: sizes against the
file's own, hashes, names, every value. What reading costs is bounded by the size of the file, and
no more than a few artists are in memory at a time.
"""

import hashlib
import io
import json
import re
import sqlite3
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from artistindex import naming
from artistindex.audio.decode import Excerpt
from artistindex.embedding.engine import Precision
from artistindex.entities import Artist, Pooling, Service, VectorKey
from artistindex.errors import ArtistIndexError, PackError
from artistindex.index.transforms import TRANSFORMS
from artistindex.library.artist_matching import find_same
from artistindex.packs.claims import MAX_DIMENSION, check_claims
from artistindex.packs.format import (
    ARTISTS,
    FORMAT,
    MANIFEST,
    MAX_BYTES_AN_ARTIST,
    MAX_TRACKS_AN_ARTIST,
    VECTORS,
)
from artistindex.packs.npy_file import BAD_HEADER

MAX_NAMESAKES = 100
"""Artists of one spelling in a pack, told apart by their ids: each is held against the others."""

_MAX_INDEXES = 32
_MAX_MANIFEST_BYTES = 1 << 20  # bytes
_MAX_AT_ONCE = 1 << 20  # bytes that zipfile may read in one go: a directory, or a block of data
_MAX_LINE_BYTES = 1 << 20  # bytes of one artist with all tracks
_MAX_TEXT_LENGTH = 10_000  # characters of a name or a title
_MAX_ARTISTS = 100_000_000
_MAX_RATIO = 50  # real JSON is deflated to a tenth or so, a bomb to a thousandth
_MIN_BYTES_A_TRACK = 4  # of the file, deflated titles and vectors alike
_TRACKS_FOR_NOTHING = 1000
_MAX_BYTES_OF_ANY_RATIO = 1 << 16  # bytes; what is small may be deflated well
_MAX_HEADER_BYTES = 4096  # bytes at most before the values of an .npy
_BLOCK = 1 << 18  # bytes of vectors that are read and checked together
_ID = re.compile(r"[0-9A-Za-z-]{1,64}")

Titles = tuple[tuple[str, str | None], ...]
"""(title, album) of the tracks behind a vector."""


@dataclass(frozen=True, slots=True)
class PackEntry:
    """What the manifest of a pack says of an index in it."""

    key: VectorKey
    licence: str
    transform: str
    dimension: int
    artists: int
    sha256: Mapping[str, str]


@dataclass(frozen=True, slots=True, eq=False)
class PackedArtist:
    """An artist out of a pack; `vector` is float32 of shape (dimension,), of unit length."""

    artist: Artist
    tracks: Titles
    vector: NDArray[np.float32]


@contextmanager
def open_pack(path: Path) -> Iterator["PackReader"]:
    """Open the pack at `path`, whose directory and manifest are checked; raises PackError."""
    try:
        file = path.open("rb")
    except sqlite3.Error as error:
        raise PackError(f"no room to check {path}: {error}") from error
    except OSError as error:
        raise PackError(f"cannot read {path}: {error.strerror or error}") from error
    with file:
        with _as_pack_errors(path):
            bounded = _BoundedFile(file)
            archive = zipfile.ZipFile(bounded)
            reader = PackReader(path, archive, bounded.length)
        with archive:
            yield reader


class PackReader:
    """An open pack; `entries` are the indexes in it."""

    def __init__(self, path: Path, archive: zipfile.ZipFile, length: int) -> None:
        self.path = path
        self._archive = archive
        self._max_tracks = _TRACKS_FOR_NOTHING + length // _MIN_BYTES_A_TRACK
        self._members = _members(archive, length)
        _expect(MANIFEST in self._members, f"it has no {MANIFEST}, which every exported pack has")
        self.entries = _manifest(archive, self._members[MANIFEST])
        self._check_members()

    def check(self) -> None:
        """Read everything, once; raises PackError where anything is wrong."""
        for entry in self.entries:
            with closing(_SeenArtists()) as seen, _as_pack_errors(self.path):
                for number, packed in enumerate(self.artists(entry), 1):
                    name = naming.quoted(packed.artist.name)
                    where = f"line {number} of {entry.key.model}/{ARTISTS}: {name}"
                    _expect(find_same(packed.artist, seen) is None, f"{where} comes twice")
                    namesakes = len(seen.spelled(packed.artist.name))
                    _expect(namesakes < MAX_NAMESAKES, f"{where} has too many namesakes")
                    seen.add(packed.artist)

    def artists(self, entry: PackEntry) -> Iterator[PackedArtist]:
        """Yield the artists of an index in row order, each checked, the hashes after the last.

        Raises PackError. Whether one comes twice is for `check` to say.
        """
        with _as_pack_errors(self.path):
            listed = 0
            lines = self._lines(entry)
            for (where, line), vector in zip(lines, self._vectors(entry), strict=True):
                artist, tracks = _artist(_parsed(line, where), where)
                listed += len(tracks)
                _expect(
                    listed <= self._max_tracks, f"{where}: more tracks than the file has room for"
                )
                yield PackedArtist(artist, tracks, vector)

    def _check_members(self) -> None:
        expected = {MANIFEST} | {
            f"{entry.key.model}/{name}" for entry in self.entries for name in (ARTISTS, VECTORS)
        }
        for name in self._members.keys() - expected:
            raise _BadPack(f"it holds {naming.quoted(name)}, which belongs in no pack")
        for name in expected - self._members.keys():
            raise _BadPack(f"it lacks {name}")
        for entry in self.entries:
            self._check_sizes(entry)

    def _check_sizes(self, entry: PackEntry) -> None:
        vectors = self._members[f"{entry.key.model}/{VECTORS}"]
        name = vectors.filename
        _expect(
            vectors.compress_type == zipfile.ZIP_STORED, f"{name} is deflated; it must be stored"
        )
        _expect(
            0 < vectors.file_size - 4 * entry.artists * entry.dimension <= _MAX_HEADER_BYTES,
            f"{name} does not have the size of {_claim(entry)}",
        )
        artists = self._members[f"{entry.key.model}/{ARTISTS}"]
        _expect(
            artists.file_size <= _MAX_LINE_BYTES + MAX_BYTES_AN_ARTIST * entry.artists,
            f"{artists.filename} is too large for {entry.artists} artists",
        )

    def _lines(self, entry: PackEntry) -> Iterator[tuple[str, bytes]]:
        """Yield each line with where it stands."""
        name = f"{entry.key.model}/{ARTISTS}"
        digest = hashlib.sha256()
        number = 0
        with self._archive.open(self._members[name]) as file:
            while line := file.readline(_MAX_LINE_BYTES + 1):
                number += 1
                where = f"line {number} of {name}"
                digest.update(line)
                _expect(len(line) <= _MAX_LINE_BYTES, f"{where} is too long")
                _expect(number <= entry.artists, f"{name} has more lines than there are vectors")
                yield where, line
        _expect(number == entry.artists, f"{name} has fewer lines than there are vectors")
        _expect(
            digest.hexdigest() == entry.sha256[ARTISTS], f"{name} has another sha256 than stated"
        )

    def _vectors(self, entry: PackEntry) -> Iterator[NDArray[np.float32]]:
        name = f"{entry.key.model}/{VECTORS}"
        digest = hashlib.sha256()
        with self._archive.open(self._members[name]) as file:
            header = _npy_header(file, entry, name)
            digest.update(header)
            rows_at_once = max(1, _BLOCK // (4 * entry.dimension))
            for at in range(0, entry.artists, rows_at_once):
                count = min(rows_at_once, entry.artists - at)
                block = file.read(4 * count * entry.dimension)
                digest.update(block)
                yield from _unit_rows(block, entry.dimension, name)
            _expect(not file.read(1), f"{name} does not have the size of {_claim(entry)}")
        _expect(
            digest.hexdigest() == entry.sha256[VECTORS], f"{name} has another sha256 than stated"
        )


class _SeenArtists:
    """The artists of a pack so far, in a file without a name: in memory they are its largest part.

    A `Directory` of them by their numbers.
    """

    def __init__(self) -> None:
        self._db = sqlite3.connect("", isolation_level=None)
        self._db.execute("CREATE TABLE artists (number INTEGER PRIMARY KEY, name, ids)")
        self._db.execute("CREATE INDEX artists_name ON artists (name)")
        self._db.execute("CREATE TABLE ids (id PRIMARY KEY, number) WITHOUT ROWID")
        self._db.execute("BEGIN")

    def close(self) -> None:
        self._db.close()

    def add(self, artist: Artist) -> None:
        sql = "INSERT INTO artists (name, ids) VALUES (?, ?)"
        number = self._db.execute(sql, (artist.name, json.dumps(artist.ids))).lastrowid
        ids = [(f"{service}:{id_}", number) for service, id_ in artist.ids.items()]
        self._db.executemany("INSERT INTO ids VALUES (?, ?)", ids)

    def with_id(self, service: str, id_: str) -> int | None:
        sql = "SELECT number FROM ids WHERE id = ?"
        row = self._db.execute(sql, (f"{service}:{id_}",)).fetchone()
        return int(row[0]) if row else None

    def spelled(self, name: str) -> list[tuple[int, Artist]]:
        rows = self._db.execute("SELECT number, ids FROM artists WHERE name = ?", (name,))
        return [(int(number), Artist(name, json.loads(ids))) for number, ids in rows]


# -- errors ------------------------------------------------------------------------------------


@contextmanager
def _as_pack_errors(path: Path) -> Iterator[None]:
    """Raise whatever a hostile file makes zipfile, zlib, json or numpy raise as one line."""
    try:
        yield
    except ArtistIndexError:
        raise
    except (zipfile.BadZipFile, zlib.error, EOFError, struct.error, NotImplementedError) as error:
        raise PackError(f"{path} is no pack, or damaged: {error or 'it ends early'}") from error
    except (_BadPack, UnicodeDecodeError) as error:
        raise PackError(f"{path} is not taken: {error}") from error
    except sqlite3.Error as error:
        raise PackError(f"no room to check {path}: {error}") from error
    except OSError as error:
        raise PackError(f"cannot read {path}: {error.strerror or error}") from error
    except (ValueError, RuntimeError, LookupError, OverflowError, MemoryError) as error:
        raise PackError(f"{path} is no pack, or damaged: {type(error).__name__}") from error


class _BadPack(Exception):
    """What is wrong with a pack, in words, without its path."""


def _expect(condition: bool, otherwise: str) -> None:
    if not condition:
        raise _BadPack(otherwise)


# -- the zip -----------------------------------------------------------------------------------


class _BoundedFile(io.BufferedIOBase):
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


def _members(archive: zipfile.ZipFile, length: int) -> dict[str, zipfile.ZipInfo]:
    """Return the members by name: plain files, of sizes that the pack can have."""
    infos = archive.infolist()
    _expect(len(infos) <= 1 + 2 * _MAX_INDEXES, f"it holds {len(infos)} files")
    members: dict[str, zipfile.ZipInfo] = {}
    for info in infos:
        _expect(info.filename not in members, f"it holds {naming.quoted(info.filename)} twice")
        _check_member(info)
        members[info.filename] = info
    packed = sum(info.compress_size for info in infos)
    _expect(packed <= length, "its files overlap, or it is cut off")
    return members


def _check_member(info: zipfile.ZipInfo) -> None:
    name = naming.quoted(info.filename)
    _expect(not info.flag_bits & 0x1, f"{name} is encrypted")
    kind = stat.S_IFMT(info.external_attr >> 16)
    _expect(kind in (0, stat.S_IFREG), f"{name} is a link, a folder or a device")
    stored = info.compress_type == zipfile.ZIP_STORED
    _expect(stored or info.compress_type == zipfile.ZIP_DEFLATED, f"{name} is packed oddly")
    _expect(not stored or info.file_size == info.compress_size, f"{name} has two sizes")
    ratio = info.file_size / max(1, info.compress_size)
    _expect(
        ratio <= _MAX_RATIO or info.file_size <= _MAX_BYTES_OF_ANY_RATIO,
        f"{name} would unpack to {ratio:,.0f} times its size",
    )


# -- the manifest ------------------------------------------------------------------------------


def _manifest(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> list[PackEntry]:
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
    entries = [_entry(fields) for fields in listed]
    models = {entry.key.model.casefold() for entry in entries}  # folders, maybe of no case
    _expect(len(models) == len(entries), f"{MANIFEST} lists an index twice")
    return entries


def _entry(fields: Any) -> PackEntry:
    _expect(isinstance(fields, dict), f"{MANIFEST} describes an index by no object")
    model, weights = _text(fields, "model"), _text(fields, "weights_sha256")
    precision, excerpt = _text(fields, "precision"), _text(fields, "excerpt")
    layer, pooling = fields.get("layer", ""), fields.get("pooling", Pooling.MEAN)
    _expect(
        pooling in tuple(Pooling), f"{naming.quoted(model)} has the unknown pooling {pooling!r:.80}"
    )
    _expect(isinstance(layer, str), "'layer' must be a text")
    key = VectorKey(model, weights, precision, excerpt, layer, Pooling(pooling))
    dimension = _count(fields, "dimension", maximum=MAX_DIMENSION)
    try:
        check_claims(key, dimension)
    except PackError as error:
        raise _BadPack(str(error)) from None
    name = naming.quoted(model)
    _expect(
        precision in tuple(Precision),
        f"{name} has the unknown precision {naming.quoted(precision)}",
    )
    _expect(_is_excerpt(excerpt), f"{name} has the unknown excerpt {naming.quoted(excerpt)}")
    transform = _text(fields, "transform")
    _expect(
        transform in TRANSFORMS,
        f"{name} has the unknown transform {naming.quoted(transform)}: upgrade artistindex",
    )
    hashes = fields.get("sha256")
    _expect(isinstance(hashes, dict), f"{MANIFEST} gives no hashes of {name}")
    return PackEntry(
        key=key,
        licence=naming.clean(_text(fields, "licence")),
        transform=transform,
        dimension=dimension,
        artists=_count(fields, "artists", maximum=_MAX_ARTISTS),
        sha256={name: _text(hashes, name) for name in (ARTISTS, VECTORS)},
    )


def _is_excerpt(text: str) -> bool:
    try:
        return str(Excerpt.parse(text)) == text
    except ArtistIndexError:
        return False


# -- vectors -----------------------------------------------------------------------------------


def _claim(entry: PackEntry) -> str:
    return f"{entry.artists} vectors of dimension {entry.dimension}"


def _npy_header(file: IO[bytes], entry: PackEntry, name: str) -> bytes:
    """Return the bytes before the values, which are what the manifest claims."""
    start = file.read(10)
    _expect(start[:6] == b"\x93NUMPY" and len(start) == 10, f"{name} is no .npy file")
    version = (start[6], start[7])
    _expect(version == (1, 0), f"{name} is of .npy version {version}, not 1.0")
    (length,) = struct.unpack("<H", start[8:])
    _expect(length <= _MAX_HEADER_BYTES, f"{name} is no .npy file")
    header = start + file.read(length)
    try:
        shape, fortran, kind = np.lib.format.read_array_header_1_0(
            io.BytesIO(header[8:]), max_header_size=_MAX_HEADER_BYTES
        )
    except BAD_HEADER as error:
        raise _BadPack(f"{name} is no .npy file") from error
    _expect(kind == np.dtype("<f4"), f"{name} holds {naming.quoted(str(kind))}, not float32")
    _expect(not fortran, f"{name} is in Fortran order, not in C order")
    _expect(
        shape == (entry.artists, entry.dimension),
        f"{name} has the shape {naming.truncate(str(shape))}, not that of {_claim(entry)}",
    )
    return header


def _unit_rows(block: bytes, dimension: int, name: str) -> NDArray[np.float32]:
    """Return the rows in a block of bytes; each must be finite and of unit length."""
    _expect(len(block) % (4 * dimension) == 0, f"{name} ends early")
    rows = np.frombuffer(block, "<f4").reshape(-1, dimension)
    wide = rows.astype(np.float64)
    squares = np.einsum("ij,ij->i", wide, wide)
    _expect(bool(np.isfinite(squares).all()), f"{name} holds values that are not finite")
    _expect(bool((np.abs(squares - 1.0) < 1e-3).all()), f"{name} holds no unit vectors")
    return rows


# -- artists -----------------------------------------------------------------------------------


def _artist(fields: dict[str, Any], where: str) -> tuple[Artist, Titles]:
    name = naming.clean(_text(fields, "name"))
    _expect(bool(name), f"{where}: an artist without a name")
    ids = {service: _id(fields, f"{service}_id", where) for service in Service}
    listed = fields.get("tracks")
    if not isinstance(listed, list):
        raise _BadPack(f"{where}: tracks must be a list")
    _expect(len(listed) <= MAX_TRACKS_AN_ARTIST, f"{where}: {len(listed):,} tracks are too many")
    tracks = tuple(_track(track, where) for track in listed)
    return Artist(name, {service: id_ for service, id_ in ids.items() if id_}), tracks


def _track(fields: Any, where: str) -> tuple[str, str | None]:
    _expect(isinstance(fields, dict), f"{where}: a track must be an object")
    title = naming.clean(_text(fields, "title"))
    _expect(bool(title), f"{where}: a track without a title")
    album = None if fields.get("album") is None else naming.clean(_text(fields, "album"))
    return title, album or None


def _id(fields: Mapping[str, Any], field: str, where: str) -> str | None:
    value = fields.get(field)
    if value is None:
        return None
    _expect(isinstance(value, str) and bool(_ID.fullmatch(value)), f"{where}: {field} is no id")
    return str(value)


def _parsed(content: bytes, where: str) -> dict[str, Any]:
    try:
        parsed = json.loads(content, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise _BadPack(f"{where} is not JSON") from error
    _expect(isinstance(parsed, dict), f"{where} is no JSON object")
    return dict(parsed)


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


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
    _expect(1 <= number <= maximum, f"{naming.quoted(field)} must be from 1 to {maximum:,}")
    return number
