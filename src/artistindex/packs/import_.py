"""From a pack to the library and the indexes that are here.

The library keeps what was imported, so that every later build indexes it too. The index and its
sidecar are written anew from checked values: FAISS and SQLite never see a byte of the pack. It is
read twice, artist by artist: to check all of it, then to take it in, within one transaction.
"""

import logging
import re
from collections.abc import Callable, Collection, Container, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from artistindex.entities import Artist, VectorKey
from artistindex.errors import PackError, Remedy
from artistindex.index.manifest import FILE_NAME as MANIFEST
from artistindex.index.manifest import replaceable
from artistindex.index.reader import ArtistIndex
from artistindex.index.sidecar import UsedTrack
from artistindex.index.writer import write_index
from artistindex.library.artist_matching import ArtistList
from artistindex.library.library import FILE_NAME, Library
from artistindex.library.lock import writer_lock
from artistindex.library.rows import ImportedArtist
from artistindex.packs.export import raw_dimension, untransformed
from artistindex.packs.reader import PackedArtist, PackEntry, open_pack

_T = TypeVar("_T")

_SAME_VECTOR = 1e-5  # how far the values of two unit vectors that are the same may differ

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Collision:
    """An artist of the pack who is here already, or has a namesake here.

    `matched_by` is "spotify_id", "deezer_id", "musicbrainz_id" or "name"; `kept` says whose vector
    is in the index now: "local", "pack" or, of namesakes with different ids, "both". `similarity`
    is the cosine of the two vectors.
    """

    artist: str
    local: str
    matched_by: str
    kept: str
    similarity: float | None


@dataclass(slots=True)
class ImportedIndex:
    """What became of one index of a pack: numbers of artists, `artists` of the index by now."""

    key: VectorKey
    path: Path
    licence: str
    in_pack: int
    artists: int = 0
    added: int = 0
    unchanged: int = 0
    kept: int = 0
    replaced: int = 0
    collisions: list[Collision] = field(default_factory=list)

    @property
    def model(self) -> str:
        """The model whose vectors these are."""
        return self.key.model

    def to_json(self) -> dict[str, Any]:
        """One entry of the JSON shape of `artistindex import --format json`."""
        return {
            "index": self.model,
            "path": str(self.path),
            "licence": self.licence,
            "artists": self.artists,
            "in_pack": self.in_pack,
            "added": self.added,
            "unchanged": self.unchanged,
            "kept": self.kept,
            "replaced": self.replaced,
            "collisions": [
                {
                    "artist": collision.artist,
                    "local": collision.local,
                    "matched_by": collision.matched_by,
                    "kept": collision.kept,
                    "similarity": collision.similarity,
                }
                for collision in self.collisions
            ],
        }


def import_pack(
    path: Path,
    indexes: Path,
    *,
    replace: bool = False,
    wait: bool = False,
) -> list[ImportedIndex]:
    """Take the pack at `path` into the library and the indexes of the folder `indexes`.

    Artists who are in an index already keep their vector; with `replace` the pack's takes its
    place, now and in later builds. Doing it again changes nothing, and finishes what was
    interrupted. With `wait` another process that writes is waited for.

    Raises PackError where anything in the pack is wrong, or an index here is of another key: then
    nothing is imported. Raises BrokenIndex, BrokenLibrary, and Busy (without `wait`).
    """
    with ExitStack() as stack:
        pack = stack.enter_context(open_pack(path))
        pack.check()
        stack.enter_context(writer_lock(indexes, wait=wait))
        for entry in pack.entries:
            check_key(indexes / entry.key.model, entry)
        library = stack.enter_context(Library.open(indexes / FILE_NAME))
        merges = [
            stack.enter_context(Merge(library, indexes, entry, replace=replace))
            for entry in pack.entries
        ]
        with library.transaction():
            for merge in merges:
                merge.take(pack.artists(merge.entry))
        for merge in merges:
            _log.info("writing the index %s", merge.outcome.path)
            merge.write()
        return [merge.outcome for merge in merges]


def check_key(folder: Path, entry: PackEntry, *, whose: str = "the pack's") -> None:
    """Raise PackError where the index in `folder` cannot take the vectors of `entry`."""
    replaceable(folder)
    if not (folder / MANIFEST).is_file():
        _check_is_ours(folder, whose)
        return
    with ArtistIndex.open(folder) as index:
        manifest, dimension = index.manifest, raw_dimension(index)
    differences = [
        f"{field} {getattr(entry.key, field)} instead of {getattr(manifest.key, field)}"
        for field in ("weights_sha256", "precision", "excerpt", "layer", "pooling")
        if getattr(entry.key, field) != getattr(manifest.key, field)
    ]
    if entry.dimension != dimension:
        differences.append(f"dimension {entry.dimension} instead of {dimension}")
    if differences:
        raise PackError(
            f"{whose} {entry.key.model} does not go with the index {folder}: it has"
            f" {', '.join(differences)}; nothing was imported",
            remedy=Remedy.IMPORT_ELSEWHERE,
        )


def _check_is_ours(folder: Path, whose: str) -> None:
    """Raise PackError where a stranger's name of a model is that of a file or folder of yours."""
    if not folder.exists():
        return
    remains = re.compile(
        r"(index|artists|tracks)-[0-9a-f]{16}\.\w+|\..*\.part"
    )  # of a killed write
    if not folder.is_dir() or not all(remains.fullmatch(path.name) for path in folder.iterdir()):
        raise PackError(
            f"{folder} is in the way of {whose} {folder.name} and is no index; nothing was"
            " imported",
            remedy=Remedy.IMPORT_ELSEWHERE,
        )


class Merge:
    """One index of a pack and what is here: taken into the library first, then written."""

    def __init__(self, library: Library, indexes: Path, entry: PackEntry, *, replace: bool) -> None:
        self._library = library
        self.entry = entry
        self._replace = replace
        self.key: VectorKey = entry.key
        self.outcome = ImportedIndex(
            entry.key, indexes / entry.key.model, entry.licence, entry.artists
        )
        self._index: ArtistIndex | None = None

    def __enter__(self) -> Self:
        """Look at the index that is here, and at whom the library knows."""
        if (self.outcome.path / MANIFEST).is_file():
            self._index = ArtistIndex.open(self.outcome.path)
        index = self._index
        self._own = untransformed(index, self._library) if index else None
        self._known = ArtistList(index.records if index else ())
        self._ids: dict[int, int] = {}  # the number of a known artist -> the id in the library
        for stored in self._library.artists():
            same = self._known.find(stored.artist)
            number = same[0] if same else self._known.add(stored.artist)
            self._ids.setdefault(number, stored.id)
        return self

    def __exit__(self, *_: object) -> None:
        if self._index:
            self._index.close()

    def take(self, artists: Iterable[PackedArtist]) -> None:
        """Put into the library each of the pack's artists who is new here, or replaced."""
        taken: set[int] = set()
        for packed in artists:
            same = self._known.find(packed.artist)
            if same is None:
                self._note_namesakes(packed.artist)
                self._add(None, packed)
                continue
            number, matched_by = same
            local = self._local(number, taken)
            if number in taken or (local is not None and not self._replace):
                self._keep(number, matched_by, packed, local)
            elif local is None:
                self._add(self._ids.get(number), packed)
            elif _is_same(local, packed.vector):
                self.outcome.unchanged += 1
            else:
                self._collide(number, matched_by, packed, local, kept="pack")
                self.outcome.replaced += 1
                self._put(self._ids.get(number), packed)
            taken.add(number)

    def _local(self, number: int, taken: Container[int]) -> NDArray[np.float32] | None:
        """Return the vector that is here of a known artist: the index's, or an earlier pack's."""
        if self._own is not None and number < len(self._own):
            return np.asarray(self._own[number])
        artist_id = None if number in taken else self._ids.get(number)
        imported = None if artist_id is None else self._library.imported_of(artist_id, self.key)
        return imported.vector if imported else None

    def _add(self, artist_id: int | None, packed: PackedArtist) -> None:
        self.outcome.added += 1
        self._put(artist_id, packed)

    def _put(self, artist_id: int | None, packed: PackedArtist) -> None:
        licence = self.entry.licence
        imported = ImportedArtist(
            packed.artist, packed.vector, packed.tracks, licence, self._replace
        )
        self._library.put_imported([(artist_id, self.key, imported)])

    def _keep(
        self,
        number: int,
        matched_by: str,
        packed: PackedArtist,
        local: NDArray[np.float32] | None,
    ) -> None:
        if local is not None and _is_same(local, packed.vector):
            self.outcome.unchanged += 1
            return
        self.outcome.kept += 1
        self._collide(number, matched_by, packed, local, kept="local")

    def _collide(
        self,
        number: int,
        matched_by: str,
        packed: PackedArtist,
        local: NDArray[np.float32] | None,
        *,
        kept: str,
    ) -> None:
        similarity = None if local is None else round(float(local @ packed.vector), 6)
        self.outcome.collisions.append(
            Collision(packed.artist.name, self._known[number].name, matched_by, kept, similarity)
        )

    def _note_namesakes(self, artist: Artist) -> None:
        for _, other in self._known.spelled(artist.name):
            self.outcome.collisions.append(Collision(artist.name, other.name, "name", "both", None))

    def write(self) -> None:
        """Write the index: what was here, and all that the library holds of packs."""
        rows = _Rows(self._library, self.key, self._index, self._own)
        licence = self._index.manifest.licence if self._index else self.entry.licence
        for other in rows.licences:
            if other not in licence:
                licence = f"{licence}; {other}".removeprefix("; ")
        manifest = write_index(
            self.outcome.path,
            key=self.key,
            artists=_Lazy(rows.count, rows.artists),
            vectors=rows.vectors(),
            tracks=_Lazy(rows.count, rows.tracks),
            guessed=rows.guessed(),
            licence=licence,
            transform=self._index.manifest.transform if self._index else self.entry.transform,
        )
        self.outcome.artists = manifest.artists


class _Rows:
    """The rows of an index to be written, read as they are asked for.

    First come those of the index that is here, some of them `replaced` (row -> id in the library)
    by what a pack brought, then the artists out of packs who are not in it.
    """

    def __init__(
        self,
        library: Library,
        key: VectorKey,
        index: ArtistIndex | None,
        own: NDArray[np.float32] | None,
    ) -> None:
        self._library = library
        self._key = key
        self._index = index
        self._own = own
        self._rows: dict[int, int] = {}  # id in the library -> row in the index that is here
        self._replaced: dict[int, int] = {}
        self.count = 0 if index is None else len(index)
        self.licences: dict[str, None] = {}
        here = ArtistList(() if index is None else index.records)
        for artist_id, imported in library.stream_imported(key):
            same = here.find(imported.artist)
            if same is None:
                self.count += 1
            else:
                self._rows[artist_id] = same[0]
                if imported.preferred:
                    self._replaced[same[0]] = artist_id
            self.licences[imported.licence] = None

    def artists(self) -> Iterator[Artist]:
        """Yield the artist of each row."""
        yield from () if self._index is None else self._index.records
        yield from (imported.artist for imported in self._new())

    def vectors(self) -> NDArray[np.float32]:
        """Return the vectors before any transform: float32 of shape (artists, dimension)."""
        start, rows = 0, None
        if self._own is not None:
            start, rows = len(self._own), self._room(self._own.shape[1])
            rows[:start] = self._own
            for number, artist_id in self._replaced.items():
                rows[number] = self._imported(artist_id).vector
        for row, imported in enumerate(self._new(), start):
            if rows is None:
                rows = self._room(len(imported.vector))
            rows[row] = imported.vector
        return self._room(0) if rows is None else rows

    def tracks(self) -> Iterator[list[UsedTrack]]:
        """Yield the tracks behind each row."""
        for row in range(0 if self._index is None else len(self._index)):
            if row in self._replaced:
                yield _used(self._imported(self._replaced[row]))
            elif self._index is not None:
                yield self._index.tracks_of_row(row)
        yield from (_used(imported) for imported in self._new())

    def guessed(self) -> list[bool]:
        """Return whose name was guessed from a path."""
        own = [] if self._index is None else [entry.guessed for entry in self._index.entries]
        return own + [False] * (self.count - len(own))

    def _new(self) -> Iterator[ImportedArtist]:
        for artist_id, imported in self._library.stream_imported(self._key):
            if artist_id not in self._rows:
                yield imported

    def _imported(self, artist_id: int) -> ImportedArtist:
        imported = self._library.imported_of(artist_id, self._key)
        if imported is None:
            raise LookupError(f"artist {artist_id} is no longer in the library")
        return imported

    def _room(self, dimension: int) -> NDArray[np.float32]:
        return np.empty((self.count, dimension), np.float32)


class _Lazy(Collection[_T]):
    """So many things, made anew each time that they are asked for."""

    def __init__(self, count: int, make: Callable[[], Iterator[_T]]) -> None:
        self._count = count
        self._make = make

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[_T]:
        return self._make()

    def __contains__(self, thing: object) -> bool:
        return any(thing == other for other in self)


def _used(imported: ImportedArtist) -> list[UsedTrack]:
    return [UsedTrack(title, album) for title, album in imported.tracks]


def _is_same(one: NDArray[np.float32], other: NDArray[np.float32]) -> bool:
    return bool(np.abs(one - other).max() <= _SAME_VECTOR)
