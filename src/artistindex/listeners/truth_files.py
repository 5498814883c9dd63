"""The file of listeners' lists: read as a ground truth, added to as lists are collected.

It is the original experiment's JSON (docs/evaluation.md), read and written exactly:
`{name: {"status": "success", "similar_artists": [{"name", "rank", "relationship_strength"}],
"total_count"}}`, or `{"status": "error", "error": reason}` for an artist without a list.
"""

import hashlib
import json
import logging
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import quote_plus

from artistindex import naming
from artistindex._util import files
from artistindex._util.dirs import cache_folder
from artistindex.errors import Misuse

_UNKNOWN_STRENGTH = -1.0
_CUTS_AN_ADDRESS = re.compile(r"[/?#]")
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Similar:
    """One listed artist; `strength` is music-map's own scale, larger is closer, None unknown."""

    name: str
    strength: float | None


@dataclass(frozen=True, eq=False)
class GroundTruth:
    """The lists of a truth file, closest first, and what was odd about it.

    `lists` holds the artists with a list under their own spelling and `without_list` those without
    one. `repeated` are names left out since another spelling of theirs came first, in the file or
    in a list; `unknown_strengths` counts listed artists without a usable strength.
    """

    path: Path
    lists: Mapping[str, tuple[Similar, ...]]
    without_list: tuple[str, ...]
    repeated: tuple[str, ...]
    unknown_strengths: int

    @cached_property
    def folded(self) -> dict[str, list[tuple[str, float | None]]]:
        """The lists under folded names, of folded names with their strengths."""
        return {
            naming.normalise(name): [
                (naming.normalise(similar.name), similar.strength) for similar in listed
            ]
            for name, listed in self.lists.items()
        }


def parse_strength(value: object) -> float | None:
    """Return a strength as a number; None for what is none, for NaN, and for music-map's -1."""
    try:
        number = float(value)  # type: ignore[arg-type]  # what is none raises
    except (TypeError, ValueError, OverflowError):
        return None
    return number if math.isfinite(number) and number >= 0 else None


def without_repeats(
    listed: Iterable[Similar], *, owner: str
) -> tuple[tuple[Similar, ...], tuple[str, ...]]:
    """Return the list with each artist once and without its owner; and the names left out."""
    seen = {naming.normalise(owner)}
    distinct, repeated = [], []
    for similar in listed:
        folded = naming.normalise(similar.name)
        if folded in seen:
            repeated.append(similar.name)
        else:
            seen.add(folded)
            distinct.append(similar)
    return tuple(distinct), tuple(repeated)


# --- reading ------------------------------------------------------------------------------------


def read_truth(path: Path) -> GroundTruth:
    """Read a file of lists, whole and checked.

    Of names that fold alike the first with a list counts. Raises Misuse where the file cannot be
    read, has another shape, names an artist twice in the same spelling, or holds no list.
    """
    lists: dict[str, tuple[Similar, ...]] = {}
    spellings: dict[str, str] = {}
    without_list: list[str] = []
    repeated: list[str] = []
    entries = _read_entries(path)
    for name, entry in entries.items():
        listed = _parse_entry(path, name, entry)
        if listed is None:
            without_list.append(name)
        elif naming.normalise(name) in spellings:
            repeated.append(name)
        else:
            spellings[naming.normalise(name)] = name
            lists[name], repeats = without_repeats(listed, owner=name)
            repeated.extend(repeats)
    _warn_of_cut_names(path, (name for name in lists if "asked_as" not in entries[name]))
    if not lists:
        _refuse(path, f"holds no list ({len(without_list)} artists without one)")
    return GroundTruth(
        path=path,
        lists=lists,
        without_list=tuple(
            name for name in without_list if naming.normalise(name) not in spellings
        ),
        repeated=tuple(repeated),
        unknown_strengths=sum(
            similar.strength is None for listed in lists.values() for similar in listed
        ),
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


def _parse_entry(path: Path, name: str, entry: Any) -> list[Similar] | None:
    if not isinstance(entry, dict) or entry.get("status") not in ("success", "error"):
        _refuse(path, f'{naming.quoted(name)} has no "status" of "success" or "error"')
    if entry["status"] == "error":
        return None
    listed = entry.get("similar_artists")
    if not isinstance(listed, list):
        _refuse(path, f'{naming.quoted(name)} has no list of "similar_artists"')
    return [_parse_similar(path, name, similar) for similar in sorted(listed, key=_rank)]


def _parse_similar(path: Path, name: str, similar: Any) -> Similar:
    if not isinstance(similar, dict) or not isinstance(similar.get("name"), str):
        _refuse(path, f'the list of {naming.quoted(name)} holds something without a "name"')
    strength = parse_strength(similar.get("relationship_strength"))
    return Similar(naming.clean(similar["name"]), strength)


def _rank(similar: Any) -> float:
    rank = similar.get("rank") if isinstance(similar, dict) else None
    return rank if isinstance(rank, int | float) and math.isfinite(rank) else math.inf


def _read_entries(path: Path) -> dict[str, Any]:
    try:
        entries = json.loads(path.read_text("utf-8-sig"), object_pairs_hook=_reject_repeated_key)
    except OSError as error:
        raise Misuse(f"cannot read {path}: {error.strerror or error}") from error
    except _RepeatedKey as error:
        _refuse(path, f"names {naming.quoted(error.key)} twice: keep one of the two")
    except RecursionError:
        _refuse(path, "is nested too deeply")
    except ValueError as error:  # malformed JSON, bytes that are no UTF-8, a number of 5,000 digits
        _refuse(path, f"is no JSON ({error})")
    if not isinstance(entries, dict):
        _refuse(path, "is no JSON object of artists")
    return entries


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


def _refuse(path: Path, problem: str) -> NoReturn:
    raise Misuse(f"{path} {problem}; expected music-map lists, each artist with its status")


# --- writing ------------------------------------------------------------------------------------


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
            _parse_entry(path, name, entry)
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
