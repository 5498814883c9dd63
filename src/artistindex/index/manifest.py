"""manifest.json: what an index is, and which two data files hold it."""

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from artistindex._util import files
from artistindex.entities import VectorKey
from artistindex.errors import BrokenIndex, NewerIndex

FILE_NAME = "manifest.json"
FORMAT = 1


@dataclass(frozen=True, slots=True)
class DataFile:
    """A data file's name inside the index folder, its size and its hash."""

    name: str
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """The settings of an index, readable without loading it.

    `background` holds quantiles, evenly spaced from 0 to 1, of the similarity of pairs of the
    index's artists; it is empty where there are no pairs.
    """

    key: VectorKey
    licence: str
    dimension: int
    artists: int
    tracks: int
    transform: str
    background: tuple[float, ...]
    index_file: DataFile
    artists_file: DataFile
    created: str
    made_by: str

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read the manifest of the index in `folder`.

        Raises BrokenIndex where there is none, it is no manifest, or it is of another format.
        """
        path = folder / FILE_NAME
        try:
            held = json.loads(path.read_bytes())
        except FileNotFoundError:
            raise BrokenIndex(
                f"no index at {folder} (no {FILE_NAME}): run `artistindex build` first"
            ) from None
        except OSError as error:
            raise BrokenIndex(f"cannot read {path}: {error.strerror or error}") from error
        except (ValueError, RecursionError) as error:
            raise BrokenIndex(f"{path} is damaged (not JSON): build the index again") from error
        return cls._from_json(held, path)

    @classmethod
    def _from_json(cls, held: Any, path: Path) -> Self:
        try:
            version = held["format"]
            if isinstance(version, int) and version > FORMAT:
                raise NewerIndex(
                    f"{path} has format {version}, newer than the {FORMAT} that this version reads:"
                    " upgrade artistindex"
                )
            _expect(version == FORMAT and held["metric"] == "inner_product")
            _expect(held["sha256"] == seal(held))
            found = cls(
                key=VectorKey(*(_text(held[field]) for field in _KEY_FIELDS)),
                licence=_text(held["licence"]),
                dimension=_count(held["dimension"]),
                artists=_count(held["artists"]),
                tracks=_count(held["tracks"]),
                transform=_text(held["transform"]),
                background=tuple(float(value) for value in held["background"]),
                index_file=_data_file(held["files"]["index"]),
                artists_file=_data_file(held["files"]["artists"]),
                created=_text(held["created"]),
                made_by=_text(held["made_by"]),
            )
            _expect(bool(np.isfinite(found.background).all()) and found.dimension > 0)
        except (AttributeError, KeyError, TypeError, ValueError, OverflowError) as error:
            raise BrokenIndex(
                f"{path} is damaged (not a manifest of format {FORMAT}): build the index again"
            ) from error
        return found

    def to_json(self) -> dict[str, Any]:
        """The content of manifest.json, sealed with its own hash."""
        held = {
            "format": FORMAT,
            "made_by": self.made_by,
            "created": self.created,
            **asdict(self.key),
            "licence": self.licence,
            "dimension": self.dimension,
            "metric": "inner_product",
            "artists": self.artists,
            "tracks": self.tracks,
            "transform": self.transform,
            "background": list(self.background),
            "files": {"index": asdict(self.index_file), "artists": asdict(self.artists_file)},
        }
        return held | {"sha256": seal(held)}

    def percentile(self, similarity: float) -> float | None:
        """The share of the index's pairs of artists that are less alike than this, in percent."""
        if not self.background:
            return None
        levels: NDArray[np.float64] = np.linspace(0.0, 100.0, len(self.background))
        return float(np.interp(similarity, self.background, levels))


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


def seal(held: dict[str, Any]) -> str:
    """The sha256 of a manifest's content, its own seal left out, keys sorted, without spaces."""
    content = {key: value for key, value in held.items() if key != "sha256"}
    text = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


_KEY_FIELDS = ("model", "weights_sha256", "precision", "excerpt")


def _expect(condition: bool) -> None:
    if not condition:
        raise ValueError


def _text(value: Any) -> str:
    _expect(isinstance(value, str))
    return str(value)


def _count(value: Any) -> int:
    _expect(isinstance(value, int) and not isinstance(value, bool) and value >= 0)
    return int(value)


def _data_file(held: Any) -> DataFile:
    name = _text(held["name"])
    _expect(Path(name).name == name and name not in ("", ".", ".."))  # stays inside the folder
    return DataFile(name, _count(held["bytes"]), _text(held["sha256"]))
