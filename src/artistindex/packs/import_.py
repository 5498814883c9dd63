"""From a pack to the library and the indexes that are here.

The library keeps what was imported, so that every later build indexes it too. The index and its
sidecar are written anew from checked values: FAISS and SQLite never see a byte of the pack.
"""

import logging
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from artistindex.entities import Artist, VectorKey
from artistindex.errors import PackError, Remedy
from artistindex.index.manifest import FILE_NAME as MANIFEST
from artistindex.index.manifest import Manifest, replaceable
from artistindex.index.reader import ArtistIndex
from artistindex.index.sidecar import UsedTrack
from artistindex.index.writer import write_index
from artistindex.library.artist_matching import ArtistList
from artistindex.library.library import FILE_NAME, Library
from artistindex.library.lock import writer_lock
from artistindex.library.rows import ImportedArtist
from artistindex.packs.export import untransformed
from artistindex.packs.format import PackedIndex, read_pack

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

    model: str
    path: Path
    licence: str
    in_pack: int
    artists: int = 0
    added: int = 0
    unchanged: int = 0
    kept: int = 0
    replaced: int = 0
    collisions: list[Collision] = field(default_factory=list)

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
    packed = read_pack(path)
    with writer_lock(indexes, wait=wait):
        for index in packed:
            _check_key(indexes / index.key.model, index)
        with Library.open(indexes / FILE_NAME) as library:
            merges = [_Merge(library, indexes, index, replace=replace) for index in packed]
            library.put_imported(
                (artist_id, merge.key, entry)
                for merge in merges
                for artist_id, entry in merge.imported
            )
            for merge in merges:
                _log.info("writing the index %s", merge.outcome.path)
                merge.write(library)
    return [merge.outcome for merge in merges]


def _check_key(folder: Path, packed: PackedIndex) -> None:
    """Raise PackError where the index in `folder` cannot take the vectors of `packed`."""
    replaceable(folder)
    if not (folder / MANIFEST).is_file():
        return
    manifest = Manifest.read(folder)
    differences = [
        f"{field} {getattr(packed.key, field)} instead of {getattr(manifest.key, field)}"
        for field in ("weights_sha256", "precision", "excerpt", "layer", "pooling")
        if getattr(packed.key, field) != getattr(manifest.key, field)
    ]
    if packed.vectors.shape[1] != manifest.dimension:
        differences.append(f"dimension {packed.vectors.shape[1]} instead of {manifest.dimension}")
    if differences:
        raise PackError(
            f"the pack's {packed.key.model} does not go with the index {folder}: it has"
            f" {', '.join(differences)}; nothing was imported",
            remedy=Remedy.IMPORT_ELSEWHERE,
        )


class _Merge:
    """One index of a pack and what is here: planned first, then written."""

    def __init__(
        self, library: Library, indexes: Path, packed: PackedIndex, *, replace: bool
    ) -> None:
        self.key: VectorKey = packed.key
        self.transform = packed.transform
        self.licence = packed.licence
        self.imported: list[tuple[int | None, ImportedArtist]] = []
        self.outcome = ImportedIndex(
            packed.key.model, indexes / packed.key.model, packed.licence, len(packed.artists)
        )
        self._artists: list[Artist] = []
        self._tracks: list[list[UsedTrack]] = []
        self._guessed: list[bool] = []
        self._vectors: list[NDArray[np.float32]] = []
        self._load(library)
        self._ids: dict[int, int] = {}  # the number of a known artist -> the id in the library
        self._known = ArtistList(self._artists)
        self._local = dict(enumerate(self._vectors))
        self._add_library(library)
        self._plan(packed, replace=replace)

    def _load(self, library: Library) -> None:
        """Take over the index that is here."""
        if not (self.outcome.path / MANIFEST).is_file():
            return
        with ArtistIndex.open(self.outcome.path) as index:
            self.transform = index.manifest.transform
            self.licence = index.manifest.licence
            self._vectors = list(untransformed(index, library))
            self._artists = list(index.records)
            self._guessed = [entry.guessed for entry in index.entries]
            self._tracks = [index.tracks_of_row(row) for row in range(len(index))]

    def _add_library(self, library: Library) -> None:
        """Add the artists that the library knows, and what earlier packs brought of them."""
        earlier = library.imported(self.key)
        for stored in library.artists():
            same = self._known.find(stored.artist)
            number = same[0] if same else self._known.add(stored.artist)
            self._ids.setdefault(number, stored.id)
            if stored.id in earlier:
                self._local.setdefault(number, earlier[stored.id].vector)

    def _plan(self, packed: PackedIndex, *, replace: bool) -> None:
        """Decide for each artist of the pack whether it is new, known, or stays out."""
        planned: set[int] = set()
        for artist, tracks, vector in zip(
            packed.artists, packed.tracks, packed.vectors, strict=True
        ):
            entry = ImportedArtist(artist, vector, tuple(tracks), packed.licence, replace)
            same = self._known.find(artist)
            if same is None:
                self._note_namesakes(artist)
                self._add(None, entry)
                continue
            number, matched_by = same
            local = self._local.get(number)
            if number in planned or (local is not None and not replace):
                self._keep(number, matched_by, entry)
            elif local is None:
                self._add(self._ids.get(number), entry)
            elif np.abs(local - vector).max() <= _SAME_VECTOR:
                self.outcome.unchanged += 1
            else:
                self._collide(number, matched_by, entry, kept="pack")
                self.outcome.replaced += 1
                self.imported.append((self._ids.get(number), entry))
            planned.add(number)

    def _add(self, artist_id: int | None, entry: ImportedArtist) -> None:
        self.outcome.added += 1
        self.imported.append((artist_id, entry))

    def _keep(self, number: int, matched_by: str, entry: ImportedArtist) -> None:
        local = self._local.get(number)
        if local is not None and np.abs(local - entry.vector).max() <= _SAME_VECTOR:
            self.outcome.unchanged += 1
            return
        self.outcome.kept += 1
        self._collide(number, matched_by, entry, kept="local")

    def _collide(self, number: int, matched_by: str, entry: ImportedArtist, *, kept: str) -> None:
        local = self._local.get(number)
        similarity = None if local is None else round(float(local @ entry.vector), 6)
        self.outcome.collisions.append(
            Collision(entry.artist.name, self._known[number].name, matched_by, kept, similarity)
        )

    def _note_namesakes(self, artist: Artist) -> None:
        for _, other in self._known.spelled(artist.name):
            self.outcome.collisions.append(Collision(artist.name, other.name, "name", "both", None))

    def write(self, library: Library) -> None:
        """Write the index: what was here, and all that the library holds of packs."""
        rows = ArtistList(self._artists)
        for entry in library.imported(self.key).values():
            tracks = [UsedTrack(title, album) for title, album in entry.tracks]
            same = rows.find(entry.artist)
            if same is None:
                rows.add(entry.artist)
                self._artists.append(entry.artist)
                self._tracks.append(tracks)
                self._guessed.append(False)
                self._vectors.append(entry.vector)
            elif entry.preferred:
                self._tracks[same[0]] = tracks
                self._vectors[same[0]] = entry.vector
            if entry.licence not in self.licence:
                self.licence = f"{self.licence}; {entry.licence}".removeprefix("; ")
        manifest = write_index(
            self.outcome.path,
            key=self.key,
            artists=self._artists,
            vectors=np.stack(self._vectors),
            tracks=self._tracks,
            guessed=self._guessed,
            licence=self.licence,
            transform=self.transform,
        )
        self.outcome.artists = manifest.artists
