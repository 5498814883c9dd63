"""Asking an index: by artist, by several artists, or by a vector."""

import hashlib
import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from artistindex import naming
from artistindex._util.extras import load_extra
from artistindex._util.files import sha256_file
from artistindex.embedding.registry import MODELS
from artistindex.entities import Artist, EntryTrack, Neighbour, Service, VectorKey
from artistindex.errors import AmbiguousArtist, BrokenIndex, Misuse, Remedy, UnknownArtist
from artistindex.index.backend import ArtistTable, TrackVectors, VectorRows
from artistindex.index.entry_tracks import entry_tracks
from artistindex.index.flat import StoredRows, stored_rows
from artistindex.index.kinds import Searcher, open_searcher
from artistindex.index.manifest import BLOCK_BYTES, FILE_NAME, DataFile, Kind, Manifest
from artistindex.index.milvus_store import is_milvus
from artistindex.index.rows import IndexRow, batches
from artistindex.index.sidecar import Entry, Sidecar, Sidecar2, StoredArray, UsedTrack
from artistindex.index.sidecar_1 import Sidecar1
from artistindex.index.transforms import Transform, unit
from artistindex.metadata.links import ArtistLinks

ScoredRow = tuple[float, int]
"""The cosine of a row with what was asked, and the row."""

PREFERRED = ("discogs-effnet", "vggish", "musicnn")
_MAX_TYPED = 200  # characters of a name that are compared
_MIN_LIKENESS = 70  # of a name for it to be worth naming: rapidfuzz has 100 for the same
_MAX_SKIPPED = 64  # rows left out, from which on FAISS is told instead of asked for more
_ROWS_AT_ONCE = 500  # that are taken out of an index together
_ASKED_AT_ONCE = 1_000  # artists of whom many are asked for
_BLOCKS_CHECKED = 4  # of each file at every opening: 16 MB
_LENGTHS_CHECKED = 1_000  # for their length, at every opening
_MAX_HASHED_WHOLE = 256 * 1024 * 1024  # bytes of a file of format 1, hashed at every opening


class ArtistIndex:
    """One index, open for questions; use it as a context manager or call `close`.

    Nothing here writes. It stays valid while a build replaces the index: it answers from the state
    in which it was opened.
    """

    def __init__(
        self,
        path: Path,
        manifest: Manifest,
        rows: VectorRows,
        searcher: Searcher,
        sidecar: ArtistTable,
        track_vectors: TrackVectors,
    ) -> None:
        self.path = path
        self.manifest = manifest
        self.track_vectors = track_vectors
        """Those of the tracks behind the artists, as the model made them: (vectors, dimension)."""
        self.rows = rows
        """The unit vectors of the artists, read as they are asked for."""
        self._searcher = searcher
        self._sidecar = sidecar

    @classmethod
    def open(cls, path: str | Path) -> Self:
        """Open the index in the folder `path`, or at an address in Milvus.

        Such an address is "milvus:PATH.db" or "milvus:http://HOST:19530". Of a folder, the vectors
        are mapped, not read. Checks format, sizes, the sidecar's tables, dimension, row counts, and
        the hashes and unit length of up to 16 MB of each file, or all of a file of format 1 up to
        256 MB (`verify` checks everything). Raises BrokenIndex; for Milvus also what
        `milvus.open_parts` raises.
        """
        if is_milvus(path):
            from artistindex.index.milvus import open_parts

            return cls(*open_parts(str(path)))
        folder = Path(path)
        manifest = Manifest.read(folder)
        while True:
            try:
                return cls._load(folder, manifest)
            except FileNotFoundError as error:
                before, manifest = manifest, Manifest.read(folder)
                if manifest == before:  # else it was replaced just now, and names other files
                    missing = Path(error.filename or str(error)).name
                    raise BrokenIndex(
                        f"{folder} lacks its data file {missing}: build the index again"
                    ) from error

    @classmethod
    def _load(cls, folder: Path, manifest: Manifest) -> Self:
        for file in manifest.files:
            _check_size(folder, file)
        with ThreadPoolExecutor() as pool, ExitStack() as stack:  # FAISS maps while others hash
            checks = [pool.submit(_check_hash, folder, file) for file in manifest.files]
            try:
                index = cls._open_files(folder, manifest)
                stack.callback(index.close)
            finally:
                for check in checks:
                    check.result()  # what has been altered says more than what it leads to
            stack.pop_all()
            return index

    @classmethod
    def _open_files(cls, folder: Path, manifest: Manifest) -> Self:
        sidecar = _SIDECARS[manifest.format].open(folder / manifest.artists_file.name)
        try:
            rows = sidecar.rows()
            if rows != manifest.artists:
                raise BrokenIndex(
                    f"{folder}: the sidecar has {rows} artists, the manifest {manifest.artists}:"
                    " build the index again"
                )
            stored = stored_rows(folder, manifest)
            searcher = open_searcher(folder, manifest, stored)
            _check_unit(folder, _sample(stored))
            tracks = _map_track_vectors(folder, manifest)
            return cls(folder, manifest, stored, searcher, sidecar, tracks)
        except BaseException:
            sidecar.close()
            raise

    @classmethod
    def write(
        cls,
        path: str | Path,
        *,
        model: str,
        artists: Sequence[str | Artist],
        vectors: NDArray[np.floating],
        tracks: Sequence[Sequence[UsedTrack]] | None = None,
        licence: str,
        transform: str = "none",
    ) -> Self:
        """Write an index of vectors that were made elsewhere to the folder `path`, and open it.

        The rows of `vectors`, floats of shape (artists, dimension), are scaled to unit length;
        `tracks` are those behind each artist, with their own vectors where they have any. `model`
        is any name, `licence` that of its weights. An index that is there is replaced.

        Raises ValueError for vectors that are zero, not finite or do not match `artists`, Misuse
        for a transform that cannot be fitted, BrokenIndex where the folder cannot be written.
        """
        from artistindex.index.writer import write_index

        rows = np.asarray(vectors, np.float32)
        if not rows.any(axis=-1).all():
            raise ValueError("a vector of zeros has no direction")
        write_index(
            Path(path),
            key=VectorKey.made_elsewhere(model),
            artists=[
                artist if isinstance(artist, Artist) else Artist(artist) for artist in artists
            ],
            vectors=rows,
            tracks=tracks,
            licence=licence,
            transform=transform,
        )
        return cls.open(path)

    def close(self) -> None:
        """Close the files."""
        self._sidecar.close()
        self.rows.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __len__(self) -> int:
        return self.manifest.artists

    @property
    def is_exact(self) -> bool:
        """Whether searching finds all that is nearest."""
        return self.manifest.kind is Kind.FLAT

    @property
    def name(self) -> str:
        """The model whose vectors these are."""
        return self.manifest.key.model

    @property
    def arrays(self) -> list[StoredArray]:
        """What the transform was fitted to: name, rows, columns and float32 bytes of each."""
        return self._sidecar.arrays()

    @cached_property
    def artists(self) -> list[str]:
        """The artists' names, in row order."""
        return self._sidecar.names()

    @cached_property
    def entries(self) -> list[Entry]:
        """Row, artist (with ids) and number of tracks, in row order."""
        return self._sidecar.entries()

    @cached_property
    def records(self) -> list[Artist]:
        """The artists with their ids, in row order."""
        return [entry.artist for entry in self.entries]

    @cached_property
    def track_counts(self) -> list[int]:
        """The number of tracks behind each artist, in row order."""
        return [entry.tracks for entry in self.entries]

    @cached_property
    def vectors(self) -> NDArray[np.float32]:
        """The unit vectors of all artists, read at once: float32 of shape (artists, dimension)."""
        return self.rows[:]

    def to_dataframe(self, *, tracks: bool = False) -> Any:
        """Return the artists as a pandas DataFrame, or the `tracks` behind them, a row each.

        Columns are artist, an id for each service, tracks and vector, the unit vector; of tracks
        title, album, recording, path and vector, as the model made it (None where the index has
        none). Raises MissingExtra without pandas.
        """
        frame = load_extra("pandas", "parquet").DataFrame
        if tracks:
            records: Iterable[dict[str, Any]] = self._track_records()
        else:
            records = (
                {**_artist_record(entry), "tracks": entry.tracks, "vector": vector}
                for entry, vector in zip(self.entries, self.vectors, strict=True)
            )
        return frame.from_records(list(records))

    def _track_records(self) -> Iterator[dict[str, Any]]:
        for entry in self.entries:
            for track in self.tracks_of_row(entry.row):
                yield {
                    **_artist_record(entry),
                    "title": track.title,
                    "album": track.album,
                    "recording": track.recording,
                    "path": None if track.path is None else str(track.path),
                    "vector": track.vector,
                }

    @cached_property
    def transform(self) -> Transform:
        """The transform that was applied to the artist vectors, for vectors from elsewhere."""
        return Transform.load(self.manifest.transform, self.arrays)

    def row(self, name: str) -> int:
        """The row of the artist called `name`; raises as `entry`."""
        return self.entry(name).row

    def entry(self, name: str) -> Entry:
        """The entry of the artist called `name` (or "spotify:ID", "deezer:ID", "musicbrainz:ID").

        An artist spelled just so comes before those whose name merely folds alike. Raises
        UnknownArtist with the closest names, or AmbiguousArtist with all that fold alike.
        """
        entries = self._sidecar.find(name)
        if not entries:
            raise self._unknown(name)
        exact = [entry for entry in entries if entry.artist.name == naming.clean(name)]
        if len(entries) > 1 and len(exact) != 1:
            spelled = [naming.truncate(entry.artist.described) for entry in entries]
            raise AmbiguousArtist(
                f"{naming.quoted(name)} could be any of {'; '.join(spelled)}:"
                " spell it so, or ask by an id",
                spelled,
            )
        return (exact or entries)[0]

    def find_rows(self, name: str) -> list[int]:
        """The rows of all artists whose name folds like `name`, or whose id it is."""
        return [entry.row for entry in self._sidecar.find(name)]

    def display_name(self, name: str) -> str:
        """The artist's own spelling of `name`."""
        return self.entry(name).artist.name

    def namesakes(self, name: str) -> list[str]:
        """Other artists whose name folds like `name`; empty for most."""
        row = self.row(name)
        return [entry.artist.name for entry in self._sidecar.find(name) if entry.row != row]

    def tracks(self, name: str) -> list[UsedTrack]:
        """The tracks behind the vector of the artist called `name`."""
        return self.tracks_of_row(self.row(name))

    def vector(self, name: str) -> NDArray[np.float32]:
        """The artist's unit vector: float32 of shape (dimension,)."""
        return self._vector(self.row(name))

    def neighbours(self, name_or_names: str | Sequence[str], k: int = 10) -> list[Neighbour]:
        """The `k` artists nearest to one artist, or to the normalised mean of several.

        Those asked about are left out. Fewer than `k` come back from a smaller index. Raises
        Misuse for `k` below 1 or no name, UnknownArtist, AmbiguousArtist.
        """
        asked = [name_or_names] if isinstance(name_or_names, str) else list(name_or_names)
        if not asked:
            raise Misuse("name at least one artist")
        rows = list(dict.fromkeys(self.row(name) for name in asked))
        together = self.vectors_of(rows).astype(np.float64).sum(axis=0)
        return self.search_vector(together, k, exclude=rows)

    def neighbours_many(
        self, names: Sequence[str], k: int = 10, *, entry_tracks: bool = True
    ) -> list[list[Neighbour]]:
        """The answers of `neighbours` to each of `names`, as one search.

        Without `entry_tracks` the neighbours come without them, which is quicker for very many.
        Raises what `neighbours` raises.
        """
        rows = [self.row(name) for name in names]
        answers: list[list[Neighbour]] = []
        for part in batches(rows, _ASKED_AT_ONCE):
            vectors = self.vectors_of(part)
            scored = self.search_many(vectors, k, exclude=[(row,) for row in part])
            entries = self._entries_by_row({row for answer in scored for _, row in answer})
            for vector, answer in zip(vectors, scored, strict=True):
                tracks = (
                    self.entry_tracks([row for _, row in answer], vector) if entry_tracks else {}
                )
                answers.append(self._neighbours(answer, entries, tracks))
        return answers

    def search_vector(
        self, vector: NDArray[np.floating], k: int = 10, *, exclude: Collection[int] = ()
    ) -> list[Neighbour]:
        """The `k` artists nearest to `vector` (dimension,), which lies in the index's own space.

        `exclude` are rows that must not answer. Raises Misuse for `k` below 1, a vector of
        another dimension, or one that is not finite or zero.
        """
        return self.to_neighbours(self.search_rows(vector, k, exclude=exclude), vector)

    def search_rows(
        self, vector: NDArray[np.floating], k: int, *, exclude: Collection[int] = ()
    ) -> list[ScoredRow]:
        """The (score, row) of the `k` artists nearest to `vector`, as `search_vector`."""
        if k < 1:
            raise Misuse(f"k must be at least 1, not {k}")
        asked = self._asked(vector)
        excluded = set(exclude)
        reach, allowed = k + len(excluded), None
        if len(excluded) > _MAX_SKIPPED:
            reach, allowed = k, np.ones(len(self), np.bool_)
            allowed[list(excluded)] = False
        scores, rows = self._searcher.search(asked, min(reach, len(self)), allowed=allowed)
        return _scored(scores[0], rows[0], excluded, k)

    def search_many(
        self,
        vectors: NDArray[np.floating],
        k: int,
        *,
        exclude: Sequence[Collection[int]] | None = None,
    ) -> list[list[ScoredRow]]:
        """The answers of `search_rows` to each of `vectors` (n, dimension), as one search.

        `exclude` has for each the rows that must not answer. Raises Misuse as `search_rows`.
        """
        if k < 1:
            raise Misuse(f"k must be at least 1, not {k}")
        excluded = [set()] * len(vectors) if exclude is None else [set(rows) for rows in exclude]
        asked = np.concatenate(
            [np.zeros((0, self.manifest.dimension), np.float32), *map(self._asked, vectors)]
        )
        reach = min(k + max(map(len, excluded), default=0), len(self))
        scores, rows = self._searcher.search(asked, reach)
        return [_scored(*answer, k) for answer in zip(scores, rows, excluded, strict=True)]

    def similarities(self, vector: NDArray[np.floating]) -> NDArray[np.float32]:
        """The cosine of every artist with `vector` (dimension,): shape (artists,).

        All vectors are read, some megabytes at once. Raises Misuse as `search_vector`.
        """
        return self.rows.products(self._asked(vector)[0])

    def _asked(self, vector: NDArray[np.floating]) -> NDArray[np.float32]:
        """The unit vector that is asked with: (1, dimension)."""
        asked = np.asarray(vector, np.float64)
        if asked.shape != (self.manifest.dimension,):
            raise Misuse(
                f"the vector has shape {asked.shape}, the index {self.name} has dimension"
                f" {self.manifest.dimension}"
            )
        if not np.isfinite(asked).all() or not asked.any():
            raise Misuse("the vector to ask with is zero or not finite: it is near nobody")
        return unit(asked[None, :])

    def to_neighbours(
        self, scored: Sequence[ScoredRow], vector: NDArray[np.floating] | None = None
    ) -> list[Neighbour]:
        """The artists of (score, row) pairs, ranked in the order given.

        With the `vector` (dimension,) that was asked with, they get their entry tracks.
        """
        rows = [row for _, row in scored]
        tracks = {} if vector is None else self.entry_tracks(rows, vector)
        return self._neighbours(scored, self._entries_by_row(rows), tracks)

    def _entries_by_row(self, rows: Collection[int]) -> dict[int, Entry]:
        return {entry.row: entry for entry in self._sidecar.entries(sorted(set(rows)))}

    def _neighbours(
        self,
        scored: Sequence[ScoredRow],
        entries: Mapping[int, Entry],
        tracks: Mapping[int, tuple[EntryTrack, ...]],
    ) -> list[Neighbour]:
        """The artists of (score, row) pairs, ranked in the order given."""
        return [
            Neighbour(
                rank=rank,
                artist=entries[row].artist.name,
                score=score,
                percentile=self.manifest.percentile(score),
                tracks=entries[row].tracks,
                ids=entries[row].artist.ids,
                links=ArtistLinks(entries[row].artist),
                entry_tracks=tracks.get(row, ()),
            )
            for rank, (score, row) in enumerate(scored, 1)
        ]

    def entry_tracks(
        self, rows: Sequence[int], vector: NDArray[np.floating]
    ) -> dict[int, tuple[EntryTrack, ...]]:
        """Up to three tracks of the artist in each row, those nearest to `vector` (dimension,)."""
        (asked,) = unit(np.asarray(vector, np.float64)[None, :])
        used = self._sidecar.tracks(rows, self.track_vectors)
        return {row: entry_tracks(tracks, asked, self.transform) for row, tracks in used.items()}

    def entries_of(self, rows: Sequence[int]) -> list[Entry]:
        """The entries of `rows`, in that order."""
        return self._sidecar.entries(rows)

    def vectors_of(self, rows: Sequence[int]) -> NDArray[np.float32]:
        """The unit vectors of `rows`, in that order: float32 of shape (rows, dimension)."""
        return self.rows.take(rows)

    def tracks_of_vectors(self, numbers: Sequence[int]) -> dict[int, tuple[list[int], UsedTrack]]:
        """For rows of `track_vectors`, the rows of the track's artists and the track."""
        return self._sidecar.tracks_of_vectors(numbers, self.track_vectors)

    def library_ids(self) -> Iterator[tuple[int, int]]:
        """Yield row and id in the library of the tracks behind every artist, where it has any."""
        return self._sidecar.library_ids()

    def rows_below(self, tracks: int) -> list[int]:
        """The rows of the artists with fewer tracks behind them."""
        return self._sidecar.rows_below(tracks)

    def tracks_of_row(self, row: int) -> list[UsedTrack]:
        """The tracks behind the vector of `row`."""
        return self._sidecar.tracks([row], self.track_vectors)[row]

    def placed_rows(self, rows: Iterable[int]) -> Iterator[IndexRow]:
        """Yield what the index holds of the artists in `rows`, for another one of its space."""
        for batch in batches(rows, _ROWS_AT_ONCE):
            used = self._sidecar.tracks(batch, self.track_vectors)
            for entry in self._sidecar.entries(batch):
                yield IndexRow(
                    entry.artist,
                    self._vector(entry.row),
                    used[entry.row],
                    guessed=entry.guessed,
                    is_placed=True,
                )

    def _vector(self, row: int) -> NDArray[np.float32]:
        vector: NDArray[np.float32] = self.vectors_of([row])[0]
        return vector

    def closest_names(self, name: str, limit: int = 5) -> list[str]:
        """Up to `limit` artists' names that are like `name`, closest first.

        Of very many artists those are compared whose names have the most trigrams in common.
        """
        from rapidfuzz import fuzz, process

        typed = naming.normalise(name)[:_MAX_TYPED]
        hits = process.extract(
            typed,
            self._sidecar.candidates(typed),
            scorer=fuzz.WRatio,
            limit=limit,
            score_cutoff=_MIN_LIKENESS,
        )
        entries = self._sidecar.entries([row for _, _, row in hits])
        return [entry.artist.name for entry in entries]

    def names_beginning(self, prefix: str, limit: int = 200) -> list[str]:
        """Up to `limit` artists' names that begin with `prefix`, however it is written."""
        return self._sidecar.names_beginning(naming.normalise(prefix), limit)

    def _unknown(self, name: str) -> UnknownArtist:
        closest = self.closest_names(name)
        near = ", ".join(map(naming.truncate, closest))
        return UnknownArtist(
            f"no artist {naming.quoted(name)} in the index {self.name}"
            + (f"; the closest names are {near}" if near else ", nor one of a name like it"),
            closest,
        )


def _artist_record(entry: Entry) -> dict[str, Any]:
    ids = {f"{service}_id": entry.artist.ids.get(service) for service in Service}
    return {"artist": entry.artist.name, **ids}


def find_index(indexes: Path, model: str | None = None) -> Path:
    """The folder of the index of `model`; without one the only index, else the preferred one.

    Raises Misuse for a model that is unknown and for an address in Milvus, BrokenIndex where there
    is no such index.
    """
    if model is not None and is_milvus(model):
        raise Misuse(
            "this reads an index as a whole, and one in Milvus answers single questions:"
            " name an index in a folder"
        )
    if model is not None:
        names = [path.name for path in all_indexes(indexes)]
        if model not in MODELS and model not in names:
            raise Misuse(
                f"unknown index {naming.quoted(model)}; {indexes.absolute()} holds:"
                f" {', '.join(names) or 'none'}"
            )
        return indexes / model
    folders = all_indexes(indexes)
    if not folders:
        raise BrokenIndex(f"no index in {indexes.absolute()}", remedy=Remedy.BUILD_FIRST)
    by_name = {path.name: path for path in folders}
    return next((by_name[name] for name in PREFERRED if name in by_name), folders[0])


def open_index(indexes: Path, name: str | None = None) -> ArtistIndex:
    """Open the index that `name` means: of a model below `indexes`, or at an address in Milvus.

    Raises as `find_index` and `ArtistIndex.open` do.
    """
    if name is not None and is_milvus(name):
        return ArtistIndex.open(name)
    return ArtistIndex.open(find_index(indexes, name))


def index_at(indexes: Path, model_or_path: str) -> Path:
    """The folder of an index: of a model below `indexes`, or anywhere by a path with a separator.

    For what compares indexes, which may lie apart. Raises as `find_index` does.
    """
    if not is_milvus(model_or_path) and (os.sep in model_or_path or "/" in model_or_path):
        return Path(model_or_path)
    return find_index(indexes, model_or_path)


def all_indexes(indexes: Path) -> list[Path]:
    """The folders below `indexes` that hold an index: the preferred models first, then by name."""
    folders = [path.parent for path in indexes.glob(f"*/{FILE_NAME}")]
    order = {name: at for at, name in enumerate(PREFERRED)}
    return sorted(folders, key=lambda path: (order.get(path.name, len(order)), path.name))


def verify(folder: Path) -> None:
    """Read the index in `folder` whole and check every hash; raises BrokenIndex."""
    with ArtistIndex.open(folder) as index:
        for file in index.manifest.files:
            _check_hash(folder, file, whole=True)
        for block in index.rows.blocks():
            _check_unit(folder, block)
        if not np.isfinite(np.asarray(index.track_vectors)).all():
            raise BrokenIndex(f"{folder} holds track vectors that are not finite: build it again")
        index._sidecar.check(len(index.track_vectors))


def _scored(
    scores: NDArray[np.float32], rows: NDArray[np.int64], excluded: Collection[int], k: int
) -> list[ScoredRow]:
    """The `k` best that may answer; of equals the earlier row first."""
    scored = [
        (score, row)
        for score, row in zip(scores.tolist(), rows.tolist(), strict=True)
        if row >= 0 and row not in excluded
    ]
    scored.sort(key=lambda pair: (-pair[0], pair[1]))
    return scored[:k]


_SIDECARS: Mapping[int, type[Sidecar]] = {1: Sidecar1, 2: Sidecar2}


def _check_size(folder: Path, file: DataFile) -> None:
    path = folder / file.name
    size = path.stat().st_size
    if size != file.bytes:
        raise BrokenIndex(
            f"{path} has {size} bytes, the manifest says {file.bytes}: build the index again"
        )


def _check_hash(folder: Path, file: DataFile, *, whole: bool = False) -> None:
    path = folder / file.name
    if not (_is_unaltered(path, file) if whole else _looks_unaltered(path, file)):
        raise BrokenIndex(
            f"{path} has been altered (its sha256 is not the manifest's): build the index again"
        )


def _is_unaltered(path: Path, file: DataFile) -> bool:
    everywhere = range(len(file.blocks))
    return sha256_file(path) == file.sha256 and _blocks_match(path, file, everywhere)


def _looks_unaltered(path: Path, file: DataFile) -> bool:
    """Check as much of a file as every opening does: some blocks, the first and last among them."""
    if not file.blocks:
        return file.bytes > _MAX_HASHED_WHOLE or sha256_file(path) == file.sha256
    last = len(file.blocks) - 1
    chosen = {round(at) for at in np.linspace(0, last, min(_BLOCKS_CHECKED, last + 1))}
    return _blocks_match(path, file, chosen)


def _blocks_match(path: Path, file: DataFile, numbers: Iterable[int]) -> bool:
    with path.open("rb") as opened:
        for number in numbers:
            opened.seek(number * BLOCK_BYTES)
            if hashlib.sha256(opened.read(BLOCK_BYTES)).hexdigest() != file.blocks[number]:
                return False
    return True


def _map_track_vectors(folder: Path, manifest: Manifest) -> NDArray[np.float32]:
    shape = (manifest.track_vectors, manifest.track_dimension)
    if manifest.tracks_file is None or not all(shape):
        return np.zeros(shape, np.float32)
    return np.memmap(folder / manifest.tracks_file.name, "<f4", mode="r", shape=shape)


def _sample(rows: StoredRows) -> NDArray[np.float32]:
    """Some rows, evenly spaced, of a size that is read at every opening."""
    return rows[:: -(-len(rows) // _LENGTHS_CHECKED) or 1]


def _check_unit(folder: Path, rows: NDArray[np.float32]) -> None:
    squares = np.einsum("ij,ij->i", rows, rows)
    if not (np.abs(squares - 1.0) < 1e-3).all():  # false for NaN too
        raise BrokenIndex(f"{folder} holds vectors that are not of unit length: build it again")
