"""The collections in which Milvus keeps an index, and what is asked of them.

An index is a pair of collections called `artistindex_NAME_TOKEN` and `..._data`: one row an artist,
and beside it, as text, the tracks, the manifest and the transform. The alias `artistindex_NAME`
leads to the pair in use: to row -1 there, which holds its token. It is set last, so that a reader
sees all of an index or all of the one before.
"""

import json
import logging
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

from artistindex._util.extras import load_extra
from artistindex.entities import Service
from artistindex.errors import BrokenIndex, Misuse, Remedy, ServiceError

if TYPE_CHECKING:
    from pymilvus import MilvusClient

PREFIX = "milvus:"
POINTER = -1
"""The row that holds the token of a pair, in place of an artist's name."""
ROWS_AT_ONCE = 500
MAX_TEXT = 65_535  # bytes of a text field
MAX_HITS = 16_384  # that Milvus answers with

_ALIAS = "artistindex_"
_COLLECTION = re.compile(rf"({_ALIAS}[a-z0-9_]+)_([0-9a-f]{{12}})")
_SECONDS_TO_ANSWER = 10.0
_QUIET = {"grpc.keepalive_permit_without_calls": False, "grpc.keepalive_time_ms": 300_000}
"""Milvus Lite hangs up on who pings it every ten seconds, as pymilvus does."""

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class MilvusAddress:
    """Where an index is: a folder of Milvus Lite or a server (`uri`), and its name there."""

    uri: str
    index: str | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read "milvus:PATH.db" or "milvus:http://HOST:19530", with "#INDEX" where need be.

        Raises Misuse for anything else.
        """
        uri, _, index = text.removeprefix(PREFIX).partition("#")
        if is_milvus(text) and (_is_server(uri) or (uri.endswith(".db") and "://" not in uri)):
            return cls(uri, index or None)
        raise Misuse(
            f"{_without_password(text)!r} is no place in Milvus; expected milvus:PATH.db or"
            " milvus:http://HOST:19530"
        )

    def __str__(self) -> str:
        name = f"#{self.index}" if self.index else ""
        return f"{PREFIX}{_without_password(self.uri)}{name}"


def is_milvus(text: str | os.PathLike[str]) -> bool:
    """Return whether `text` names an index in Milvus rather than one in a folder."""
    return isinstance(text, str) and text.startswith(PREFIX)


def _is_server(uri: str) -> bool:
    parts = urlsplit(uri)
    return parts.scheme in ("http", "https") and bool(parts.hostname)


def _without_password(text: str) -> str:
    return re.sub(r"//[^/@]*@", "//", text)


class MilvusStore:
    """A connection to Milvus; use it as a context manager or call `close`.

    Whatever Milvus refuses comes out as ServiceError. Only to be `written` to is a file of Milvus
    Lite made; else BrokenIndex is raised where there is none.
    """

    def __init__(self, address: MilvusAddress, *, written: bool = False) -> None:
        if not (written or _is_server(address.uri) or Path(address.uri).exists()):
            raise BrokenIndex(f"no index at {address}", remedy=Remedy.PUSH_FIRST)
        pymilvus = load_extra("pymilvus", "milvus")
        self._address = address
        self._error = pymilvus.MilvusException
        for name in ("pymilvus", "grpc"):  # all that they log is raised too
            logging.getLogger(name).setLevel(logging.CRITICAL)
        parts = urlsplit(address.uri)
        login = {"user": parts.username, "password": parts.password} if parts.username else {}
        with self.errors():
            self._client: MilvusClient = pymilvus.MilvusClient(
                _without_password(address.uri),
                timeout=_SECONDS_TO_ANSWER,
                grpc_options=_QUIET,
                **login,
            )

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def errors(self) -> Iterator[None]:
        """Turn what Milvus raises in here into ServiceError."""
        try:
            yield
        except self._error as error:
            reason = " ".join(str(error.message).split())
            raise ServiceError(f"{self._address}: {reason}") from error

    # -- which index -------------------------------------------------------------------------------

    def find_pair(self, index: str | None) -> "Pair":
        """Return the pair of `index`; without a name, of the only one there is.

        Raises BrokenIndex where there is none, Misuse where there are several.
        """
        aliases = sorted({pair.alias for pair in self.pairs()})
        if index is not None:
            aliases = [alias for alias in aliases if alias == alias_of(index)]
        if not aliases:
            raise BrokenIndex(f"no index at {self._address}", remedy=Remedy.PUSH_FIRST)
        if len(aliases) > 1:
            names = ", ".join(alias.removeprefix(_ALIAS) for alias in aliases)
            raise Misuse(f"{self._address} holds several indexes ({names}): add # and a name")
        return self._pair_in_use(aliases[0])

    def _pair_in_use(self, alias: str) -> "Pair":
        with suppress(ServiceError):  # nothing has got so far as to be called so
            self._load(alias)
            if row := self.query(alias, f"row == {POINTER}", ["name"]):
                return Pair(alias, row[0]["name"])
        raise BrokenIndex(f"no whole index at {self._address}", remedy=Remedy.PUSH_FIRST)

    def pairs(self) -> "list[Pair]":
        """Return every pair that is there, in use or not."""
        with self.errors():
            names = self._client.list_collections()
        matches = filter(None, map(_COLLECTION.fullmatch, names))
        return [Pair(match[1], match[2]) for match in matches]

    # -- reading -----------------------------------------------------------------------------------

    def query(self, collection: str, condition: str, fields: Sequence[str]) -> list[Row]:
        """Return the `fields` of the rows that meet a condition, in no order."""
        with self.errors():
            rows: list[Row] = self._client.query(
                collection, filter=condition, output_fields=list(fields)
            )
        return rows

    def query_keys(
        self, collection: str, key: str, keys: Sequence[int], fields: Sequence[str]
    ) -> dict[int, Row]:
        """Return the rows with these keys, by key."""
        found: dict[int, Row] = {}
        for start in range(0, len(keys), ROWS_AT_ONCE):
            some = list(map(int, keys[start : start + ROWS_AT_ONCE]))
            rows = self.query(collection, f"{key} in {some}", [key, *fields])
            found |= {row[key]: row for row in rows}
        return found

    def search(self, collection: str, vector: Sequence[float], k: int, condition: str) -> list[int]:
        """Return the rows of about the `k` vectors of the greatest inner product."""
        parameters = {"metric_type": "IP", "params": {"ef": max(64, 2 * k)}}
        with self.errors():
            (hits,) = self._client.search(
                collection,
                [vector],
                limit=k,
                filter=condition,
                search_params=parameters,
                output_fields=["row"],
            )
        return [int(hit["row"]) for hit in hits]

    # -- writing -----------------------------------------------------------------------------------

    def create(self, pair: "Pair", dimension: int, *, is_exact: bool) -> None:
        """Make the two collections of `pair`, for vectors of `dimension`."""
        from pymilvus import DataType

        artists = {
            "name": DataType.VARCHAR,
            "folded": DataType.VARCHAR,
            **dict.fromkeys(Service, DataType.VARCHAR),
            **dict.fromkeys(("guessed", "tracks", "first", "listed"), DataType.INT64),
        }
        kind = ("FLAT", {}) if is_exact else ("HNSW", {"M": 16, "efConstruction": 200})
        self._create(pair.artists, "row", artists, dimension, *kind)
        self._create(pair.data, "key", {"text": DataType.VARCHAR}, 2, "FLAT", {})

    def _create(
        self,
        name: str,
        key: str,
        fields: Mapping[str, Any],
        dimension: int,
        kind: str,
        parameters: Mapping[str, int],
    ) -> None:
        from pymilvus import DataType

        with self.errors():
            schema = self._client.create_schema(auto_id=False, enable_dynamic_field=False)
            schema.add_field(key, DataType.INT64, is_primary=True)
            for field, type_ in fields.items():
                more = {"max_length": MAX_TEXT} if type_ == DataType.VARCHAR else {}
                schema.add_field(str(field), type_, **more)
            schema.add_field("vector", DataType.FLOAT_VECTOR, dim=dimension)
            indexes = self._client.prepare_index_params()
            indexes.add_index("vector", index_type=kind, metric_type="IP", params=dict(parameters))
            self._client.create_collection(
                name, schema=schema, index_params=indexes, consistency_level="Eventually"
            )

    def insert(self, collection: str, rows: Sequence[Row]) -> None:
        """Add rows, so many at a time."""
        for start in range(0, len(rows), ROWS_AT_ONCE):
            with self.errors():
                self._client.insert(collection, list(rows[start : start + ROWS_AT_ONCE]))

    def load(self, pair: "Pair") -> None:
        """Have Milvus hold a pair in memory, as searching it needs."""
        for name in (pair.artists, pair.data):
            self._load(name)

    def _load(self, collection: str) -> None:
        with self.errors():
            self._client.load_collection(collection)

    def put_in_use(self, pair: "Pair", *, artists: int) -> None:
        """Flush and load `pair`, and have its alias lead to it from now on.

        Of older pairs the last one stays, for who is just reading it. Raises ServiceError where not
        all `artists` have arrived.
        """
        for name in (pair.artists, pair.data):
            with self.errors():
                self._client.flush(name)
        self.load(pair)
        arrived = self._count(pair.artists)
        if arrived != artists + 1:  # and the pointer
            raise ServiceError(f"{self._address}: {arrived} rows arrived of {artists + 1}")
        before = None
        with suppress(BrokenIndex):
            before = self._pair_in_use(pair.alias)
        with self.errors():
            change = self._client.alter_alias if before else self._client.create_alias
            change(pair.artists, pair.alias)
        for old in self.pairs():
            if old.alias == pair.alias and old not in (pair, before):
                self.drop(old)

    def _count(self, collection: str) -> int:
        with self.errors():
            (row,) = self._client.query(
                collection, filter="", output_fields=["count(*)"], consistency_level="Strong"
            )
        return int(row["count(*)"])

    def drop(self, pair: "Pair") -> None:
        """Remove the collections of a pair."""
        for name in (pair.artists, pair.data):
            with self.errors():
                self._client.drop_collection(name)


@dataclass(frozen=True, slots=True)
class Pair:
    """The two collections of one state of an index."""

    alias: str
    token: str

    @property
    def artists(self) -> str:
        """Return the name of the collection of artists."""
        return f"{self.alias}_{self.token}"

    @property
    def data(self) -> str:
        """Return the name of the collection of what stands beside."""
        return f"{self.artists}_data"


def alias_of(index: str) -> str:
    """Return the alias of the index called `index`: Milvus takes letters, digits and _ alone."""
    return _ALIAS + re.sub(r"[^a-z0-9]+", "_", index.lower())


def literal(text: str) -> str:
    """Return `text` as a string in a condition."""
    return json.dumps(text, ensure_ascii=False)
