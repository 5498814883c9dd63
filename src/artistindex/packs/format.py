"""The pack file: a zip with a manifest, and for each index its artists and their vectors.

    manifest.json           what is in it: format, and for each index its key, size and hashes
    MODEL/artists.jsonl     one artist a line, in row order: name, ids, tracks
    MODEL/vectors.npy       float32 of shape (artists, dimension), little-endian, in C order

The vectors are stored as they are (they do not compress), so that rows cannot be claimed that are
not there; only JSON is deflated. `reader` reads it.
"""

import hashlib
import json
import stat
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from artistindex import __version__, naming
from artistindex._util import files
from artistindex.entities import Artist, Pooling, VectorKey
from artistindex.errors import PackError, Remedy
from artistindex.packs.claims import check_claims

FORMAT = 2
MANIFEST = "manifest.json"
ARTISTS = "artists.jsonl"
VECTORS = "vectors.npy"

MAX_TRACKS_AN_ARTIST = 1000
"""Titles of an artist that a pack holds at most."""

MAX_BYTES_AN_ARTIST = 64 << 10
"""Bytes of an artist's name, ids and titles, of all artists of a pack on average."""

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

    An artist's first titles go in, up to 1,000 and 64 KiB. Raises PackError where the vectors
    cannot be those of the model that they are said to be of, where there is a file already (without
    `overwrite`) or none can be written, and for two indexes of one model.
    """
    models = [index.key.model for index in indexes]
    for model in models:
        if models.count(model) > 1:
            raise PackError(f"a pack holds one index of {model}", remedy=Remedy.CHOOSE_INDEX)
    for index in indexes:
        check_claims(index.key, index.vectors.shape[1])
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
            artists.write(_line(artist, tracks))
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


def _line(artist: Artist, tracks: Sequence[tuple[str, str | None]]) -> bytes:
    """Return an artist's line, with as many of the tracks as it may have."""
    titled = [_track_entry(title, album) for title, album in tracks if naming.clean(title)]
    fields: dict[str, Any] = {
        "name": artist.name,
        **{f"{service}_id": id_ for service, id_ in artist.ids.items()},
        "tracks": titled[:MAX_TRACKS_AN_ARTIST],
    }
    line = json.dumps(fields, ensure_ascii=False).encode()
    while len(line) > MAX_BYTES_AN_ARTIST and fields["tracks"]:
        fields["tracks"] = fields["tracks"][: len(fields["tracks"]) // 2]
        line = json.dumps(fields, ensure_ascii=False).encode()
    return line + b"\n"


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
