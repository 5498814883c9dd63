"""Putting an index into Milvus."""

from uuid import uuid4

from artistindex._util.progress import NullReporter, Reporter
from artistindex.errors import Misuse
from artistindex.index.manifest import Kind
from artistindex.index.milvus import about_rows, artist_row, data_row, pointer_row, text_of
from artistindex.index.milvus_store import (
    MAX_TEXT,
    ROWS_AT_ONCE,
    MilvusAddress,
    MilvusStore,
    Pair,
    alias_of,
)
from artistindex.index.reader import ArtistIndex
from artistindex.index.rows import batches


def push(
    index: ArtistIndex,
    address: str,
    *,
    with_paths: bool = False,
    reporter: Reporter | None = None,
) -> MilvusAddress:
    """Write `index` into Milvus as a new pair of collections, then have its alias lead there.

    Readers see the index that was there before until all is written. The files' paths stay here
    unless `with_paths`. Returns the address with the name of the index. Raises Misuse for what is
    no address, MissingExtra, and ServiceError where Milvus does not answer or refuses.
    """
    target = MilvusAddress.parse(address)
    reporter = reporter or NullReporter()
    with MilvusStore(target, written=True) as store:
        pair = Pair(alias_of(target.index or index.name), uuid4().hex[:12])
        try:
            store.create(pair, index.manifest.dimension, is_exact=index.manifest.kind == Kind.FLAT)
            _write(index, store, pair, with_paths, reporter)
            store.put_in_use(pair, artists=len(index))
        except BaseException:
            store.drop(pair)
            raise
    return MilvusAddress(target.uri, target.index or index.name)


def _write(
    index: ArtistIndex, store: MilvusStore, pair: Pair, with_paths: bool, reporter: Reporter
) -> None:
    first = 0
    for rows in batches(range(len(index)), ROWS_AT_ONCE):
        artists, texts = [], []
        for entry, placed in zip(index.entries_of(rows), index.placed_rows(rows), strict=True):
            own = [text_of(track, with_path=with_paths) for track in placed.tracks]
            artists.append(artist_row(entry, placed.vector, first=first, listed=len(own)))
            texts += [data_row(first + number, text) for number, text in enumerate(own)]
            first += len(own)
        _check_size([*texts])
        store.insert(pair.data, texts)
        store.insert(pair.artists, artists)
        reporter.activity(f"pushing: {rows[-1] + 1} of {len(index)} artists")
    store.insert(pair.data, about_rows(index.manifest, index.arrays))
    store.insert(pair.artists, [pointer_row(pair.token, index.manifest.dimension)])


def _check_size(rows: list[dict[str, str]]) -> None:
    for row in rows:
        if len(row["text"].encode()) > MAX_TEXT:
            raise Misuse("a track is too large for Milvus: its vector has too many dimensions")
