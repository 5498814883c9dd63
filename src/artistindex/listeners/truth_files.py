"""A ground truth read from a file, and the file of music-map lists as they are collected.

Truths of other shapes are read by `truth_shapes`. music-map lists are kept in the original
experiment's JSON (docs/evaluation.md), read and written exactly:
`{name: {"status": "success", "similar_artists": [{"name", "rank", "relationship_strength"}],
"total_count"}}`, or `{"status": "error", "error": reason}` for an artist without a list.
"""

import hashlib
import json
import logging
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import quote_plus

from artistindex import naming
from artistindex._util import files
from artistindex._util.dirs import cache_folder
from artistindex.errors import Misuse
from artistindex.listeners.truth_shapes import (
    UNDERSTOOD,
    NotUnderstood,
    Shape,
    Similar,
    TruthFormat,
    artist_key,
    is_answer_or_labels,
    parse_strength,
    shape_of_json,
    shape_of_text,
)

__all__ = [
    "GroundTruth",
    "ListFile",
    "Similar",
    "TruthFormat",
    "parse_strength",
    "read_truth",
    "without_repeats",
]

_UNKNOWN_STRENGTH = -1.0
_CUTS_AN_ADDRESS = re.compile(r"[/?#]")
_log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class GroundTruth:
    """The lists of a truth file, closest first, and what was odd about it.

    `lists` holds the artists with a list under their own spelling and `without_list` those without
    one. `repeated` are names left out since another spelling of theirs came first, in the file or
    in a list; `unknown_strengths` counts listed artists without a usable strength, `ties` those
    whose strength another of their list has too, `nowhere` pairs that are said to be unlike.
    `is_ranked`, where the order of a list means something.
    """

    path: Path
    lists: Mapping[str, tuple[Similar, ...]]
    without_list: tuple[str, ...]
    repeated: tuple[str, ...]
    unknown_strengths: int
    sha256: str
    format: TruthFormat = TruthFormat.MUSIC_MAP
    is_ranked: bool = True
    ties: int = 0
    nowhere: int = 0

    @cached_property
    def folded(self) -> dict[str, list[tuple[str, float | None]]]:
        """The lists under the keys of their artists, of such keys with their strengths.

        A key is a folded name or "service:ID" (`truth_shapes.artist_key`).
        """
        return {
            artist_key(name): [(artist_key(similar.name), similar.strength) for similar in listed]
            for name, listed in self.lists.items()
        }

    @cached_property
    def keys(self) -> frozenset[str]:
        """The keys of all artists that the file names, listed or with a list."""
        listed = {id(similar): similar for lists in self.lists.values() for similar in lists}
        names = (*self.lists, *self.without_list, *(similar.name for similar in listed.values()))
        return frozenset(map(artist_key, names))

    @property
    def pairs(self) -> int:
        """How many artists are listed, counted once a list."""
        return sum(map(len, self.lists.values()))

    @property
    def judge(self) -> str:
        """Who says so, as a sentence names it."""
        return "music-map" if self.format is TruthFormat.MUSIC_MAP else "the truth"

    @property
    def is_graded(self) -> bool:
        """Whether it says how alike artists are; music-map's lists always mean to."""
        return self.format is TruthFormat.MUSIC_MAP or self.unknown_strengths < self.pairs


def without_repeats(
    listed: Iterable[Similar], *, owner: str
) -> tuple[tuple[Similar, ...], tuple[str, ...]]:
    """Return the list with each artist once and without its owner; and the names left out."""
    seen = {artist_key(owner)}
    distinct, repeated = [], []
    for similar in listed:
        key = artist_key(similar.name)
        if key in seen:
            repeated.append(similar.name)
        else:
            seen.add(key)
            distinct.append(similar)
    return tuple(distinct), tuple(repeated)


# --- reading ------------------------------------------------------------------------------------


def read_truth(path: Path) -> GroundTruth:
    """Read a truth file, whole and checked; its structure says which of `TruthFormat` it is.

    Of names that fold alike the first with a list counts. Raises Misuse where the file cannot be
    read, is of no shape that is understood, names an artist twice in the same spelling, or holds
    no list.
    """
    data = _read_bytes(path)
    text = _decoded(path, data, UNDERSTOOD)
    sha256 = hashlib.sha256(data).hexdigest()
    if not text.lstrip().startswith(("{", "[")) and path.suffix.lower() != ".json":
        return _from_shape(path, sha256, _understood(path, shape_of_text, text))
    document = _parse_json(path, text, UNDERSTOOD)
    if _is_music_map(document):
        return _from_music_map(path, sha256, document)
    return _from_shape(path, sha256, _understood(path, shape_of_json, document))


def _is_music_map(document: Any) -> bool:
    """Tell music-map's shape, be it broken: entries that are objects, not of numbers alone."""
    if not isinstance(document, dict) or is_answer_or_labels(document):
        return False
    return not document or any(
        isinstance(entry, dict) and (not entry or any(map(_is_no_number, entry.values())))
        for entry in document.values()
    )


def _is_no_number(value: Any) -> bool:
    return isinstance(value, bool) or not isinstance(value, int | float)


def _understood(path: Path, shape_of: Callable[[Any], Shape], content: Any) -> Shape:
    try:
        return shape_of(content)
    except NotUnderstood as error:
        _refuse(path, str(error), UNDERSTOOD)


def _from_music_map(path: Path, sha256: str, entries: Mapping[str, Any]) -> GroundTruth:
    lists = {name: _parse_entry(path, name, entry, UNDERSTOOD) for name, entry in entries.items()}
    _warn_of_cut_names(
        path,
        (name for name, listed in lists.items() if listed and "asked_as" not in entries[name]),
    )
    return _checked(path, sha256, lists, Shape(TruthFormat.MUSIC_MAP, {}, is_ranked=True))


def _from_shape(path: Path, sha256: str, shape: Shape) -> GroundTruth:
    return _checked(
        path, sha256, {name: listed or None for name, listed in shape.lists.items()}, shape
    )


def _checked(
    path: Path, sha256: str, entries: Mapping[str, Sequence[Similar] | None], shape: Shape
) -> GroundTruth:
    """Return the truth of lists, None where an artist has none, each artist once."""
    lists: dict[str, tuple[Similar, ...]] = {}
    keys: set[str] = set()
    repeated: list[str] = []
    for name, listed in entries.items():
        if listed is None:
            continue
        if artist_key(name) in keys:
            repeated.append(name)
            continue
        keys.add(artist_key(name))
        lists[name], repeats = without_repeats(listed, owner=name)
        repeated.extend(repeats)
    without_list = [name for name, listed in entries.items() if listed is None]
    if not lists:
        _refuse(path, f"holds no list ({len(without_list)} artists without one)", UNDERSTOOD)
    return GroundTruth(
        path=path,
        lists=lists,
        without_list=tuple(name for name in without_list if artist_key(name) not in keys),
        repeated=tuple(repeated),
        unknown_strengths=sum(
            similar.strength is None for listed in lists.values() for similar in listed
        ),
        sha256=sha256,
        format=shape.format,
        is_ranked=shape.is_ranked,
        ties=shape.ties,
        nowhere=shape.nowhere,
    )


def _warn_of_cut_names(path: Path, names: Iterable[str]) -> None:
    """Log a warning of names that cut the address of a map short where they were put into it raw.

    Asked for as "AR/CO", music-map answers for somebody else.
    """
    cut = [name for name in names if _CUTS_AN_ADDRESS.search(name)]
    if cut:
        shown = ", ".join(map(naming.quoted, cut[:5])) + (
            f" and {len(cut) - 5} more" if cut[5:] else ""
        )
        _log.warning(
            "%s: the lists of %s may be somebody else's, if the names were put into an address as "
            "they are: a / or ? cuts it short; collect them anew",
            path,
            shown,
        )


def _parse_entry(path: Path, name: str, entry: Any, expected: str) -> list[Similar] | None:
    if not isinstance(entry, dict) or entry.get("status") not in ("success", "error"):
        _refuse(path, f'{naming.quoted(name)} has no "status" of "success" or "error"', expected)
    if entry["status"] == "error":
        return None
    listed = entry.get("similar_artists")
    if not isinstance(listed, list):
        _refuse(path, f'{naming.quoted(name)} has no list of "similar_artists"', expected)
    return [_parse_similar(path, name, similar, expected) for similar in sorted(listed, key=_rank)]


def _parse_similar(path: Path, name: str, similar: Any, expected: str) -> Similar:
    if not isinstance(similar, dict) or not isinstance(similar.get("name"), str):
        _refuse(
            path, f'the list of {naming.quoted(name)} holds something without a "name"', expected
        )
    strength = parse_strength(similar.get("relationship_strength"))
    return Similar(naming.clean(similar["name"]), strength)


def _rank(similar: Any) -> float:
    rank = similar.get("rank") if isinstance(similar, dict) else None
    return rank if isinstance(rank, int | float) and math.isfinite(rank) else math.inf


def _read_bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise Misuse(f"cannot read {path}: {error.strerror or error}") from error


def _decoded(path: Path, data: bytes, expected: str) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        _refuse(path, f"is no text in UTF-8 ({error.reason})", expected)


def _parse_json(path: Path, text: str, expected: str) -> Any:
    try:
        return _parse_document(text)
    except _RepeatedKey as error:
        _refuse(path, f"names {naming.quoted(error.key)} twice: keep one of the two", expected)
    except RecursionError:
        _refuse(path, "is nested too deeply", expected)
    except ValueError as error:  # malformed JSON, a number of 5,000 digits
        _refuse(path, f"is no JSON ({error})", expected)


def _parse_document(text: str) -> Any:
    """Return the value of JSON, or of JSON Lines the list of values."""
    parse = partial(json.loads, object_pairs_hook=_reject_repeated_key)
    try:
        return parse(text)
    except json.JSONDecodeError as error:
        if error.msg != "Extra data":
            raise
        return [parse(line) for line in text.splitlines() if line.strip()]


class _RepeatedKey(Exception):
    def __init__(self, key: str) -> None:
        self.key = key


def _reject_repeated_key(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    document: dict[str, Any] = {}
    for key, value in pairs:
        if key in document:
            raise _RepeatedKey(key)
        document[key] = value
    return document


def _refuse(path: Path, problem: str, expected: str) -> NoReturn:
    raise Misuse(f"{path} {problem}; {expected}")


# --- writing ------------------------------------------------------------------------------------

_EXPECTED = "expected music-map lists, each artist with its status"


def _read_entries(path: Path) -> dict[str, Any]:
    entries = _parse_json(path, _decoded(path, _read_bytes(path), _EXPECTED), _EXPECTED)
    if not isinstance(entries, dict):
        _refuse(path, "is no JSON object of artists", _EXPECTED)
    return entries


class ListFile:
    """The JSON file that lists are collected in; nothing in it is ever lost.

    `put` keeps an entry in memory, `save` merges what was put into the file as it is then, so that
    two processes can fill one file. An entry with a list is never replaced by one without.
    """

    def __init__(self, path: Path) -> None:
        """Read `path`, which may be missing. Raises Misuse for a file of another shape."""
        self.path = path
        if path.is_dir():
            raise Misuse(f"{path} is a folder: name the file to write")
        self._entries = self._read()
        for name, entry in self._entries.by_name.items():
            _parse_entry(path, name, entry, _EXPECTED)
        self._unsaved = _Entries({})

    def status(self, name: str) -> str | None:
        """Return "success" or "error" as the file has it for `name`, None where it has nothing."""
        entry = self._entries.get(name)
        return None if entry is None else str(entry["status"])

    def put(self, name: str, similar: Sequence[Similar]) -> None:
        """Add the list of an artist."""
        listed = [
            {
                "name": artist.name,
                "rank": rank,
                "relationship_strength": (
                    _UNKNOWN_STRENGTH if artist.strength is None else artist.strength
                ),
            }
            for rank, artist in enumerate(similar, 1)
        ]
        entry = {"status": "success", "similar_artists": listed, "total_count": len(listed)}
        if _CUTS_AN_ADDRESS.search(name):
            entry["asked_as"] = quote_plus(name.lower(), errors="replace")
        self._put(name, entry)

    def put_unknown(self, name: str, reason: str) -> None:
        """Add that music-map has no list of an artist."""
        self._put(name, {"status": "error", "error": reason})

    def save(self) -> None:
        """Write what was put. Raises Misuse where the file cannot be written."""
        if not self._unsaved.by_name:
            return
        digest = hashlib.sha256(str(self.path.resolve()).encode("utf-8", "replace")).hexdigest()
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            locks = cache_folder("musicmap")
            locks.mkdir(parents=True, exist_ok=True)
            with files.file_lock(locks / f"{digest[:16]}.lock"):
                self._merge()
        except OSError as error:
            raise Misuse(f"cannot write {self.path}: {error.strerror or error}") from error

    def _read(self) -> "_Entries":
        return _Entries(_read_entries(self.path) if self.path.exists() else {})

    def _put(self, name: str, entry: dict[str, Any]) -> None:
        self._entries.put(name, entry)
        self._unsaved.put(name, entry)

    def _merge(self) -> None:
        entries = self._read()
        for name, entry in self._unsaved.by_name.items():
            entries.put(name, entry)
        text = json.dumps(entries.by_name, ensure_ascii=False, indent=2)
        # only a lone surrogate cannot be encoded; replaced by a backslash it is JSON's own escape
        files.atomic_write(self.path, text.encode("utf-8", "backslashreplace"))
        self._entries, self._unsaved = entries, _Entries({})


class _Entries:
    """Entries under the spelling that came first; any spelling that folds alike finds them."""

    def __init__(self, by_name: dict[str, Any]) -> None:
        self.by_name = by_name
        self._spellings: dict[str, str] = {}
        for name in by_name:
            self._spellings.setdefault(naming.normalise(name), name)

    def get(self, name: str) -> Any:
        return self.by_name.get(self._key(name))

    def put(self, name: str, entry: dict[str, Any]) -> None:
        key = self._key(name)
        present = self.by_name.get(key)
        if present is None or present["status"] != "success":
            self.by_name[key] = entry
            self._spellings.setdefault(naming.normalise(key), key)

    def _key(self, name: str) -> str:
        spelling = naming.clean(name)
        if spelling in self.by_name:
            return spelling
        return self._spellings.get(naming.normalise(name), spelling)
