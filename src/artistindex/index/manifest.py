"""manifest.json: what an index is, and which data files hold it (docs/index-format.md)."""

import hashlib
import json
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Any, Self

import numpy as np

from artistindex import naming
from artistindex._util import files
from artistindex.entities import Pooling, VectorKey
from artistindex.errors import BrokenIndex, NewerIndex, Remedy

FILE_NAME = "manifest.json"
FORMAT = 2
BLOCK_BYTES = 4 * 1024 * 1024
"""The size of the pieces in which a data file is hashed."""

_MAX_BYTES = 64 * 1024 * 1024  # of a manifest; with 4 MiB a hash, that of 4 TB of data


AUTO = "auto"
"""The word for the kind that goes by the size of an index (kinds.py)."""


class Kind(StrEnum):
    """How the vectors are searched."""

    FLAT = "flat"
    HNSW = "hnsw"


class FittedOn(StrEnum):
    """The vectors that a transform was fitted on."""

    ARTISTS = "artists"
    TRACKS = "tracks"


@dataclass(frozen=True, slots=True)
class DataFile:
    """A data file's name inside the index folder, its size, its hash, and those of its blocks.

    `blocks` are the SHA-256 of each 4 MiB and of the rest; format 1 has none.
    """

    name: str
    bytes: int
    sha256: str
    blocks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Recall:
    """How much of the exact answer an approximate kind finds: the mean share of the `k` nearest
    others of so many artists (`queries`), measured when the index was built."""

    value: float
    k: int
    queries: int


@dataclass(frozen=True, slots=True)
class Recipe:
    """What made the vectors, so that they can be made again, or others like them.

    `key` says which vectors of tracks they are, `tracks` how many stand for an artist at most and
    `outliers` what was done with tracks that lie apart ("keep" or "drop"); None where it is not
    known. The transform was fitted on so many vectors (`fitted_count`) of artists or tracks, with
    `transform_parameters` where it has any.
    """

    key: VectorKey
    tracks: int | None = None
    outliers: str | None = None
    transform: str = "none"
    fitted_on: FittedOn | None = None
    fitted_count: int = 0
    transform_parameters: Mapping[str, float] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The object `recipe` of manifest.json."""
        content = asdict(self)
        return {**content.pop("key"), **content}


@dataclass(frozen=True, slots=True)
class Manifest:
    """The settings of an index, readable without loading it.

    `background` holds quantiles, evenly spaced from 0 to 1, of the similarity of pairs of the
    index's artists; it is empty where there are no pairs. `tracks_file` holds `track_vectors`
    vectors of `track_dimension` values; None where the index has none, as in format 1. An
    approximate `kind` has a `graph_file` and its measured `recall`.
    """

    recipe: Recipe
    licence: str
    dimension: int
    artists: int
    tracks: int
    background: tuple[float, ...]
    index_file: DataFile
    artists_file: DataFile
    created: str
    made_by: str
    kind: Kind = Kind.FLAT
    parameters: Mapping[str, Any] = field(default_factory=dict)
    tracks_file: DataFile | None = None
    track_vectors: int = 0
    track_dimension: int = 0
    graph_file: DataFile | None = None
    recall: Recall | None = None
    format: int = FORMAT

    @property
    def key(self) -> VectorKey:
        """What must agree for vectors to be compared with those of the index."""
        return self.recipe.key

    @property
    def transform(self) -> str:
        """The name of the transform that was applied to the artists' vectors."""
        return self.recipe.transform

    @property
    def files(self) -> tuple[DataFile, ...]:
        """The data files."""
        files = (self.index_file, self.artists_file, self.tracks_file, self.graph_file)
        return tuple(file for file in files if file is not None)

    @property
    def sha256(self) -> str:
        """The seal of the manifest as this version writes it."""
        return str(self.to_json()["sha256"])

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read the manifest of the index in `folder`.

        Raises BrokenIndex where there is none, it is no manifest, or it is of another format.
        """
        path = folder / FILE_NAME
        try:
            with path.open("rb") as file:
                content = file.read(_MAX_BYTES + 1)
            if len(content) > _MAX_BYTES:
                raise ValueError
            document = json.loads(content)
        except FileNotFoundError:
            raise BrokenIndex(
                f"no index at {folder} (no {FILE_NAME})", remedy=Remedy.BUILD_FIRST
            ) from None
        except OSError as error:
            raise BrokenIndex(f"cannot read {path}: {error.strerror or error}") from error
        except (ValueError, RecursionError) as error:
            raise BrokenIndex(f"{path} is damaged (not JSON): build the index again") from error
        return cls.from_json(document, path)

    @classmethod
    def from_json(cls, document: Any, path: Path) -> Self:
        """Read the content of a manifest.json, which messages call `path`; raises BrokenIndex."""
        version: Any = None
        try:
            version = document["format"]
            if isinstance(version, int) and version > FORMAT:
                raise NewerIndex(
                    f"{path} has format {version}, newer than the {FORMAT} that this version reads",
                    remedy=Remedy.UPGRADE,
                )
            _expect(type(version) is int and version >= 1)
            _expect(document["metric"] == "inner_product")
            _expect(document["sha256"] == seal(document))
            manifest = cls(**_FIELDS[version](document, path), **_common(document), format=version)
            _expect(manifest.dimension > 0)
        except (AttributeError, KeyError, TypeError, ValueError, OverflowError) as error:
            number = version if type(version) is int and version in _FIELDS else FORMAT
            raise BrokenIndex(
                f"{path} is damaged (not a manifest of format {number}): build the index again"
            ) from error
        return manifest

    def to_json(self) -> dict[str, Any]:
        """The content of manifest.json in format 2, sealed with its own hash."""
        others = {"tracks": self.tracks_file, "graph": self.graph_file}
        recall = {} if self.recall is None else {"recall": asdict(self.recall)}
        document = {
            "format": FORMAT,
            "made_by": self.made_by,
            "created": self.created,
            "kind": self.kind,
            "parameters": dict(self.parameters),
            **recall,
            "metric": "inner_product",
            "dimension": self.dimension,
            "artists": self.artists,
            "tracks": self.tracks,
            "track_vectors": self.track_vectors,
            "track_dimension": self.track_dimension,
            "recipe": self.recipe.to_json(),
            "licence": self.licence,
            "background": list(self.background),
            "block_bytes": BLOCK_BYTES,
            "files": {
                "index": _file_json(self.index_file),
                "artists": _file_json(self.artists_file),
                **{name: _file_json(file) for name, file in others.items() if file is not None},
            },
        }
        return document | {"sha256": seal(document)}

    def percentile(self, similarity: float) -> float | None:
        """The share of the index's pairs of artists that are less alike than this, in percent."""
        if not self.background:
            return None
        at = bisect_right(self.background, similarity)
        if at in (0, len(self.background)):
            return 100.0 if at else 0.0
        below, above = self.background[at - 1 : at + 1]
        share = (similarity - below) / (above - below)
        return 100.0 * (at - 1 + share) / (len(self.background) - 1)


def replaceable(folder: Path) -> Manifest | None:
    """The manifest of the index in `folder`; None where there is none that a reader could use.

    Raises NewerIndex: what a newer version wrote is not for this one to replace; BrokenIndex where
    the folder is a link, through which nothing is written.
    """
    try:
        files.refuse_link(folder)
    except OSError as error:
        raise BrokenIndex(f"cannot write the index {folder}: {error.strerror}") from None
    try:
        return Manifest.read(folder)
    except NewerIndex:
        raise
    except BrokenIndex:
        return None


def seal(document: dict[str, Any]) -> str:
    """The sha256 of a manifest's content, its own seal left out, keys sorted, without spaces."""
    content = {key: value for key, value in document.items() if key != "sha256"}
    text = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


# --- from JSON ----------------------------------------------------------------------------------

_KEY_FIELDS = ("model", "weights_sha256", "precision", "excerpt")


def _common(document: Any) -> dict[str, Any]:
    """The fields that both formats have, by the names of `Manifest`."""
    background = tuple(float(value) for value in document["background"])
    _expect(bool(np.isfinite(background).all() and (np.diff(background) >= 0).all()))
    return {
        "licence": _text(document["licence"]),
        "dimension": _count(document["dimension"]),
        "artists": _count(document["artists"]),
        "tracks": _count(document["tracks"]),
        "background": background,
        "index_file": _data_file(document["files"]["index"]),
        "artists_file": _data_file(document["files"]["artists"]),
        "created": _text(document["created"]),
        "made_by": _text(document["made_by"]),
    }


def _format_1(document: Any, path: Path) -> dict[str, Any]:
    key = VectorKey(*(_text(document[name]) for name in _KEY_FIELDS))
    return {"recipe": Recipe(key, transform=_text(document["transform"]))}


def _format_2(document: Any, path: Path) -> dict[str, Any]:
    kind = _text(document["kind"])
    if kind not in tuple(Kind):
        raise NewerIndex(
            f"{path} is of a kind {naming.quoted(kind, 40)} that this version does not know",
            remedy=Remedy.UPGRADE,
        )
    files = document["files"]
    _expect(document["block_bytes"] == BLOCK_BYTES)
    _expect(all(file["blocks"] for file in files.values() if file["bytes"]))
    tracks_file = _data_file(files["tracks"]) if "tracks" in files else None
    graph_file = _data_file(files["graph"]) if "graph" in files else None
    _expect((graph_file is None) == (kind == Kind.FLAT))
    vectors, dimension = _count(document["track_vectors"]), _count(document["track_dimension"])
    _expect((tracks_file.bytes if tracks_file else 0) == 4 * vectors * dimension)
    return {
        "kind": Kind(kind),
        "parameters": dict(document["parameters"]),
        "recipe": _recipe(document["recipe"]),
        "tracks_file": tracks_file,
        "track_vectors": vectors,
        "track_dimension": dimension,
        "graph_file": graph_file,
        "recall": _recall(document["recall"]) if "recall" in document else None,
    }


_FIELDS = {1: _format_1, 2: _format_2}


def _recall(document: Any) -> Recall:
    value = float(document["value"])
    _expect(0.0 <= value <= 1.0)
    return Recall(value, _count(document["k"]), _count(document["queries"]))


def _recipe(document: Any) -> Recipe:
    fitted_on = document["fitted_on"]
    tracks, outliers = document["tracks"], document["outliers"]
    return Recipe(
        key=replace(
            VectorKey(*(_text(document[name]) for name in _KEY_FIELDS)),
            layer=_text(document["layer"]),
            pooling=Pooling(document["pooling"]),
        ),
        tracks=None if tracks is None else _count(tracks),
        outliers=None if outliers is None else _text(outliers),
        transform=_text(document["transform"]),
        fitted_on=None if fitted_on is None else FittedOn(fitted_on),
        fitted_count=_count(document["fitted_count"]),
        transform_parameters=dict(document["transform_parameters"]),
    )


def _expect(condition: bool) -> None:
    if not condition:
        raise ValueError


def _text(value: Any) -> str:
    _expect(isinstance(value, str))
    return str(value)


def _count(value: Any) -> int:
    _expect(isinstance(value, int) and not isinstance(value, bool) and value >= 0)
    return int(value)


def _data_file(document: Any) -> DataFile:
    name = _text(document["name"])
    _expect(Path(name).name == name and name not in ("", ".", ".."))  # stays inside the folder
    size = _count(document["bytes"])
    blocks = tuple(_text(block) for block in document.get("blocks", ()))
    _expect(len(blocks) in (0, -(-size // BLOCK_BYTES)))
    return DataFile(name, size, _text(document["sha256"]), blocks)


def _file_json(file: DataFile) -> dict[str, Any]:
    return asdict(file) | {"blocks": list(file.blocks)}
