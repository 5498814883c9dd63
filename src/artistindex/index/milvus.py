"""An index that lives in Milvus, read as one in a folder is.

Names resolve by the folded name stored beside the vectors, and what Milvus finds is scored again
with the vectors themselves, so that scores equal the file's.
"""

import base64
import json
import logging
from collections.abc import Collection, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from artistindex import naming
from artistindex.entities import Artist, Service
from artistindex.errors import BrokenIndex, Misuse, Remedy
from artistindex.index.backend import IndexParts
from artistindex.index.manifest import Manifest
from artistindex.index.milvus_store import (
    MAX_HITS,
    POINTER,
    ROWS_AT_ONCE,
    MilvusAddress,
    MilvusStore,
    Pair,
    literal,
)
from artistindex.index.rows import batches
from artistindex.index.sidecar import Entry, StoredArray, UsedTrack

Rows = NDArray[np.float32]

MAX_VALUES = 64_000_000
"""Numbers in a matrix up to which it is read as a whole: 256 MB."""

_ENTRY = ("name", "guessed", "tracks", *map(str, Service))
_MANY = 5_000  # rows, of which reading all takes a second
_WINDOW = 10_000  # rows that are asked about together
_MAX_CHUNK = 60_000  # characters of what is stored in several texts

_log = logging.getLogger(__name__)


def open_parts(text: str) -> IndexParts:
    """Open the index at an address in Milvus; closing its rows closes the connection.

    Raises Misuse for what is no address, MissingExtra, BrokenIndex where there is no index, and
    ServiceError where Milvus does not answer.
    """
    address = MilvusAddress.parse(text)
    store = MilvusStore(address)
    try:
        pair = store.find_pair(address.index)
        store.load(pair)
        about = _read_about(store, pair)
        manifest = Manifest.from_json(about["manifest"], Path(str(address)))
        shape = (manifest.artists, manifest.dimension)
        rows = MilvusRows(store, pair, shape)
        arrays = [(name, n, m, base64.b64decode(data)) for name, n, m, data in about["arrays"]]
        return IndexParts(
            Path(str(address)),
            manifest,
            rows,
            MilvusSearcher(store, pair, rows),
            MilvusSidecar(store, pair, manifest, arrays),
            UnreadVectors((manifest.track_vectors, manifest.track_dimension)),
        )
    except BaseException:
        store.close()
        raise


class MilvusRows:
    """The vectors of the artists, fetched when they are asked for: `shape` (rows, dimension)."""

    def __init__(self, store: MilvusStore, pair: Pair, shape: tuple[int, int]) -> None:
        self.shape = shape
        self._store, self._pair = store, pair
        self._has_said = False

    def __len__(self) -> int:
        return self.shape[0]

    def close(self) -> None:
        """Close the connection."""
        self._store.close()

    def take(self, rows: Collection[int] | NDArray[np.integer[Any]]) -> Rows:
        """Return some `rows`, in that order: (rows, dimension). Raises IndexError."""
        wanted = [int(row) for row in rows]
        for row in wanted:
            if not 0 <= row < len(self):
                raise IndexError(f"there is no row {row} of {len(self)}")
        fetched = self._store.query_keys(self._pair.artists, "row", wanted, ["vector"])
        if len(fetched) < len(set(wanted)):
            raise BrokenIndex(
                f"the collection {self._pair.artists} lacks rows", remedy=Remedy.PUSH_FIRST
            )
        vectors = [fetched[row]["vector"] for row in wanted]
        return np.array(vectors, np.float32).reshape(-1, self.shape[1])

    def __getitem__(self, part: slice) -> Rows:
        """Return the rows of a slice; raises Misuse where they are too many to be held."""
        rows = range(*part.indices(len(self)))
        if len(rows) * self.shape[1] > MAX_VALUES:
            raise Misuse(
                f"this needs {len(rows)} vectors at once, more than an index in Milvus hands out:"
                " ask an index in a folder"
            )
        self._say_of_all()
        return self.take(rows)

    def blocks(self) -> Iterator[Rows]:
        """Yield all rows in order, some at once."""
        self._say_of_all()
        for start in range(0, len(self), ROWS_AT_ONCE):
            yield self.take(range(start, min(start + ROWS_AT_ONCE, len(self))))

    def _say_of_all(self) -> None:
        """Log, once, that what goes on reads every vector, where they are so many that it shows."""
        if not self._has_said and len(self) > _MANY:
            _log.warning("this reads all %d vectors out of Milvus", len(self))
            self._has_said = True

    def products(self, vector: NDArray[np.floating]) -> Rows:
        """Return the inner product of every row with `vector` (dimension,): (rows,)."""
        asked = vector.astype(np.float32)
        products: Rows = np.concatenate([block @ asked for block in self.blocks()])
        return products


class MilvusSearcher:
    """Has Milvus search, and scores what it finds exactly."""

    def __init__(self, store: MilvusStore, pair: Pair, rows: MilvusRows) -> None:
        self._store, self._pair, self._rows = store, pair, rows

    def search(
        self, asked: Rows, k: int, *, allowed: NDArray[np.bool_] | None = None
    ) -> tuple[Rows, NDArray[np.int64]]:
        """Return the scores and rows of the `k` nearest to each of the unit vectors `asked`.

        Both are of shape (asked, k), nearest first; row -1 stands where there are no more. Without
        those `allowed` (rows,), all rows may answer.
        """
        scores = np.full((len(asked), k), -np.inf, np.float32)
        rows = np.full((len(asked), k), -1, np.int64)
        for vector, own_scores, own_rows in zip(asked, scores, rows, strict=True):
            candidates = self._candidates(vector, k, allowed)
            exact, nearest = self._scored(vector, candidates, k)
            own_scores[: len(exact)], own_rows[: len(exact)] = exact, nearest
        return scores, rows

    def _scored(
        self, vector: Rows, candidates: NDArray[np.int64], k: int
    ) -> tuple[Rows, NDArray[np.int64]]:
        """Return the scores and rows of the `k` best candidates, to the bit as of a flat file."""
        import faiss

        untyped: Any = faiss  # its stubs know the C++ signatures alone
        scores, rows = [np.zeros(0, np.float32)], [np.zeros(0, np.int64)]
        for part in batches(candidates.tolist(), ROWS_AT_ONCE):
            vectors, count = self._rows.take(part), min(k, len(part))
            near, at = untyped.knn(vector[None], vectors, count, untyped.METRIC_INNER_PRODUCT)
            scores.append(near[0])
            rows.append(np.array(part, np.int64)[at[0]])
        every, their_rows = np.concatenate(scores), np.concatenate(rows)
        best = np.lexsort((their_rows, -every))[:k]
        return every[best], their_rows[best]

    def _candidates(
        self, vector: Rows, k: int, allowed: NDArray[np.bool_] | None
    ) -> NDArray[np.int64]:
        """Return the rows of about the `k` nearest, of all that are allowed where k is many."""
        rows = np.arange(len(self._rows)) if allowed is None else np.flatnonzero(allowed)
        if k + 1 >= min(len(rows), MAX_HITS):
            return rows
        hits = self._store.search(self._pair.artists, vector.tolist(), k + 1, _condition(allowed))
        found = np.array([row for row in hits if row != POINTER], np.int64)
        return found if allowed is None else found[allowed[found]]


def _condition(allowed: NDArray[np.bool_] | None) -> str:
    """Return the condition for the rows that may answer, whichever way is shorter to say."""
    if allowed is None:
        return ""
    if allowed.mean() > 0.5:
        return f"row not in {np.flatnonzero(~allowed).tolist()}"
    return f"row in {np.flatnonzero(allowed).tolist()}"


class MilvusSidecar:
    """Which row is which artist, and the tracks behind each: `Sidecar`, asked of Milvus."""

    def __init__(
        self, store: MilvusStore, pair: Pair, manifest: Manifest, arrays: list[StoredArray]
    ) -> None:
        self._store, self._pair, self._manifest, self._arrays = store, pair, manifest, arrays

    def close(self) -> None:
        """Do nothing: the connection is the rows' to close."""

    def names(self) -> list[str]:
        """Return the artists' names in row order."""
        return [entry.artist.name for entry in self.entries()]

    def entries(self, rows: Sequence[int] | None = None) -> list[Entry]:
        """Return the entries of `rows`, in that order; all of them in row order without `rows`."""
        wanted = range(self._manifest.artists) if rows is None else rows
        found = self._store.query_keys(self._pair.artists, "row", wanted, _ENTRY)
        if not found.keys() >= set(wanted):
            raise BrokenIndex(
                f"the collection {self._pair.artists} lacks rows", remedy=Remedy.PUSH_FIRST
            )
        return [_entry(found[row]) for row in wanted]

    def find(self, name: str) -> list[Entry]:
        """Return the entries whose folded name is that of `name`, or whose id is it."""
        rows = self._where(f"folded == {literal(naming.normalise(name))}")
        service, _, id_ = naming.clean(name).partition(":")
        if not rows and id_ and service in tuple(Service):
            rows = self._where(f"{service} == {literal(id_)}")
        return rows

    def candidates(self, typed: str) -> dict[int, str]:
        """Return the folded names, by row, that may be like one that was `typed`: all."""
        return {row: naming.normalise(name) for row, name in enumerate(self.names())}

    def names_beginning(self, prefix: str, limit: int) -> list[str]:
        """Return up to `limit` artists' names whose folded form begins so."""
        names = (name for name in self.names() if naming.normalise(name).startswith(prefix))
        return list(islice(names, limit))

    def _where(self, condition: str) -> list[Entry]:
        rows = self._store.query(self._pair.artists, condition, ["row", *_ENTRY])
        return sorted((_entry(row) for row in rows if row["row"] >= 0), key=lambda entry: entry.row)

    def tracks(self, rows: Sequence[int], vectors: object) -> dict[int, list[UsedTrack]]:
        """Return the tracks behind each of `rows`, which have their vectors with them."""
        places = self._store.query_keys(self._pair.artists, "row", rows, ["first", "listed"])
        keys = {
            row: range(place["first"], place["first"] + place["listed"])
            for row, place in places.items()
        }
        every = [key for own in keys.values() for key in own]
        texts = self._store.query_keys(self._pair.data, "key", every, ["text"])
        return {row: [track_of(texts[key]["text"]) for key in keys[row]] for row in rows}

    def tracks_of_vectors(
        self, numbers: Sequence[int], vectors: object
    ) -> dict[int, tuple[list[int], UsedTrack]]:
        """Raise Misuse: tracks are found by their artists here."""
        raise _needs_all_tracks()

    def library_ids(self) -> Iterator[tuple[int, int]]:
        """Yield row and id in the library of the tracks behind every artist."""
        for rows in batches(range(self._manifest.artists), ROWS_AT_ONCE):
            for row, tracks in self.tracks(rows, None).items():
                for track in tracks:
                    if track.library_id is not None:
                        yield row, track.library_id

    def rows_below(self, tracks: int) -> list[int]:
        """Return the rows of artists with fewer tracks."""
        rows: list[int] = []
        for start in range(0, self._manifest.artists, _WINDOW):
            window = f"row >= {start} and row < {start + _WINDOW}"
            part = self._store.query(self._pair.artists, f"{window} and tracks < {tracks}", ["row"])
            rows += sorted(row["row"] for row in part)
        return rows

    def arrays(self) -> list[StoredArray]:
        """Return the arrays that a transform was fitted to."""
        return self._arrays

    def check(self, vectors: int) -> None:
        """Read all entries; raises BrokenIndex where some are missing."""
        self.entries()


class UnreadVectors:
    """The vectors of all tracks, of which only the `shape` is known here."""

    def __init__(self, shape: tuple[int, int]) -> None:
        self.shape = shape

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, part: object) -> Rows:
        raise _needs_all_tracks()

    def __array__(self, dtype: object = None, copy: bool | None = None) -> Rows:
        raise _needs_all_tracks()


def _needs_all_tracks() -> Misuse:
    return Misuse(
        "this needs the vectors of all tracks at once, which an index in Milvus does not hand out:"
        " ask an index in a folder"
    )


# --- as it is stored ----------------------------------------------------------------------------


def artist_row(entry: Entry, vector: Rows, *, first: int, listed: int) -> dict[str, Any]:
    """Return a row of the collection of artists; its tracks are `listed` keys from `first` on."""
    return {
        "row": entry.row,
        "name": entry.artist.name,
        "folded": naming.normalise(entry.artist.name),
        **{str(service): entry.artist.ids.get(service, "") for service in Service},
        "guessed": int(entry.guessed),
        "tracks": entry.tracks,
        "first": first,
        "listed": listed,
        "vector": vector.tolist(),
    }


def pointer_row(token: str, dimension: int) -> dict[str, Any]:
    """Return the row that says which pair an alias leads to."""
    nobody = Entry(POINTER, Artist(token), 0)
    vector = np.zeros(dimension, np.float32)
    return artist_row(nobody, vector, first=0, listed=0) | {"folded": ""}


def _entry(row: dict[str, Any]) -> Entry:
    ids = {str(service): row[service] for service in Service if row[service]}
    return Entry(row["row"], Artist(row["name"], ids), row["tracks"], bool(row["guessed"]))


def text_of(track: UsedTrack, *, with_path: bool) -> str:
    """Return a track as it is stored."""
    content: dict[str, Any] = {
        "title": track.title,
        "album": track.album,
        "library_id": track.library_id,
        "recording": track.recording,
        "ids": dict(track.ids),
    }
    if with_path and track.path is not None:
        content["path"] = str(track.path)
    if track.vector is not None:
        content["vector"] = base64.b64encode(track.vector.astype("<f4").tobytes()).decode()
    return json.dumps(content, ensure_ascii=False)


def track_of(text: str) -> UsedTrack:
    """Return the track that `text_of` stored."""
    content = json.loads(text)
    vector, path = content.pop("vector", None), content.pop("path", None)
    return UsedTrack(
        **content,
        path=None if path is None else Path(path),
        vector=None if vector is None else np.frombuffer(base64.b64decode(vector), "<f4"),
    )


def about_rows(manifest: Manifest, arrays: Sequence[StoredArray]) -> list[dict[str, Any]]:
    """Return manifest and transform as rows of the collection of data, with keys below zero."""
    encoded = [(name, n, m, base64.b64encode(data).decode()) for name, n, m, data in arrays]
    text = json.dumps({"manifest": manifest.to_json(), "arrays": encoded})  # ASCII
    chunks = [text[at : at + _MAX_CHUNK] for at in range(0, len(text), _MAX_CHUNK)]
    return [data_row(-1 - number, chunk) for number, chunk in enumerate(chunks)]


def data_row(key: int, text: str) -> dict[str, Any]:
    """Return a row of the collection of data; Milvus demands a vector everywhere."""
    return {"key": key, "text": text, "vector": [0.0, 0.0]}


def _read_about(store: MilvusStore, pair: Pair) -> Any:
    rows = store.query(pair.data, "key < 0", ["key", "text"])
    rows.sort(key=lambda row: -row["key"])
    try:
        return json.loads("".join(row["text"] for row in rows))
    except ValueError as error:
        raise BrokenIndex(
            f"the collection {pair.data} is damaged", remedy=Remedy.PUSH_FIRST
        ) from error
