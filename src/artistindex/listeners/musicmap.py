"""music-map.com: who listeners' taste puts near whom. Fetched, parsed, and kept as the truth.

The file of lists is the original experiment's JSON (docs/evaluation.md), read and written exactly:
`{name: {"status": "success", "similar_artists": [{"name", "rank", "relationship_strength"}],
"total_count"}}`, or `{"status": "error", "error": reason}` for an artist music-map does not know.
"""

import hashlib
import json
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import quote_plus

from artistindex import naming
from artistindex._util import files
from artistindex._util.dirs import cache_folder
from artistindex._util.urls import service_url
from artistindex.errors import Misuse, ServiceEnded, ServiceError, StatusError, UnknownArtist
from artistindex.listeners.favourites import unique

if TYPE_CHECKING:
    from artistindex._util.http import HttpClient
    from artistindex._util.http_policy import Clock

BASE_URL = "https://www.music-map.com/"
_UNKNOWN = -1.0
_ANCHOR = re.compile(r"s(\d+)")
_STRENGTHS = re.compile(r"\bAid\[0\]\s*=\s*new\s+Array\(([^)]*)\)")
_NOT_FOUND = 404
_SAVED_EVERY = 20
_FAILURES_THAT_END = 5


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
            naming.normalise(name): [(naming.normalise(one.name), one.strength) for one in listed]
            for name, listed in self.lists.items()
        }


# --- the page -----------------------------------------------------------------------------------


def session(*, clock: "Clock | None" = None) -> "HttpClient":
    """Open a client of music-map.com: one request a second, pages kept for 90 days.

    ARTISTINDEX_MUSICMAP_URL names another home of the pages, for mirrors and tests.
    """
    from artistindex._util.http import DAY, HttpClient
    from artistindex._util.http_policy import Policy

    base_url = service_url("ARTISTINDEX_MUSICMAP_URL", BASE_URL)
    policy = Policy("music-map.com", base_url, per_second=1)
    return HttpClient(policy, keep=90 * DAY, clock=clock)


def fetch(name: str, *, session: "HttpClient") -> tuple[Similar, ...]:
    """The artists that music-map lists for the artist called `name`, closest first.

    Raises UnknownArtist where it has no page for that artist, ServiceError where it answers
    anything else, ServiceEnded where it is not to be asked again.
    """
    try:
        page = session.get_text(_path(name), check=lambda text: parse(text, name))
    except StatusError as error:
        if error.status != _NOT_FOUND:
            raise
        raise UnknownArtist(f"music-map.com has no page for {_short(name)}") from None
    return parse(page, name)


def _path(name: str) -> str:
    """Lower case, spaces as +, the rest percent-encoded."""
    return quote_plus(naming.clean(name).lower(), errors="replace")


def parse(page: str | bytes, name: str) -> tuple[Similar, ...]:
    """The artists listed on the `page` of the artist called `name`, closest first.

    Artists whose strength the page does not give stand last, in the page's order. Raises
    ServiceError for a page that is no map, UnknownArtist for the map of somebody else.
    """
    from bs4 import BeautifulSoup

    soup = BeautifulSoup(page, "html.parser")
    anchors: dict[int, str] = {}
    for anchor in soup.find_all("a", id=_ANCHOR):
        number = _ANCHOR.fullmatch(str(anchor["id"]))
        if number and len(number[1]) < 6:
            anchors.setdefault(int(number[1]), naming.clean(anchor.get_text()))
    if 0 not in anchors:
        raise ServiceError(
            f"music-map.com sent a page for {_short(name)} that is no map of artists: is a log-in"
            " page or a proxy in between, or has the site changed?"
        )
    if not naming.same_name(anchors[0], name):
        shown = anchors[0]
        raise UnknownArtist(
            f"music-map.com shows {_short(shown)} instead of {_short(name)}", [shown]
        )
    strengths = _strengths("".join(script.get_text() for script in soup.find_all("script")))
    listed = [
        Similar(spelled, strengths.get(number))
        for number, spelled in sorted(anchors.items())
        if number > 0 and spelled
    ]
    listed.sort(key=lambda one: math.inf if one.strength is None else -one.strength)
    return _once_each(listed, without=name)[0]


def _strengths(script: str) -> dict[int, float | None]:
    row = _STRENGTHS.search(script)
    return dict(enumerate(map(_strength, row[1].split(",")))) if row else {}


def _strength(value: object) -> float | None:
    """A strength as a number; None for what is none, for NaN, and for music-map's -1."""
    try:
        number = float(value)  # type: ignore[arg-type]  # what is none raises
    except (TypeError, ValueError, OverflowError):
        return None
    return number if math.isfinite(number) and number >= 0 else None


def _once_each(
    listed: Iterable[Similar], *, without: str
) -> tuple[tuple[Similar, ...], tuple[str, ...]]:
    """The list with each artist once and without its owner; and the names that were left out."""
    seen, kept, repeated = {naming.normalise(without)}, [], []
    for similar in listed:
        folded = naming.normalise(similar.name)
        if folded in seen:
            repeated.append(similar.name)
        else:
            seen.add(folded)
            kept.append(similar)
    return tuple(kept), tuple(repeated)


# --- the file -----------------------------------------------------------------------------------


def read_truth(path: Path) -> GroundTruth:
    """Read a file of lists, whole and checked.

    Of names that fold alike the first with a list counts. Raises Misuse where the file cannot be
    read, has another shape, names an artist twice in the same spelling, or holds no list.
    """
    lists: dict[str, tuple[Similar, ...]] = {}
    spellings: dict[str, str] = {}
    without_list: list[str] = []
    repeated: list[str] = []
    for name, entry in _read_entries(path).items():
        listed = _listed(path, name, entry)
        if listed is None:
            without_list.append(name)
        elif naming.normalise(name) in spellings:
            repeated.append(name)
        else:
            spellings[naming.normalise(name)] = name
            lists[name], again = _once_each(listed, without=name)
            repeated.extend(again)
    if not lists:
        _bad(path, f"holds no list ({len(without_list)} artists without one)")
    return GroundTruth(
        path=path,
        lists=lists,
        without_list=tuple(
            name for name in without_list if naming.normalise(name) not in spellings
        ),
        repeated=tuple(repeated),
        unknown_strengths=sum(one.strength is None for many in lists.values() for one in many),
    )


def _listed(path: Path, name: str, entry: Any) -> list[Similar] | None:
    if not isinstance(entry, dict) or entry.get("status") not in ("success", "error"):
        _bad(path, f'{_short(name)} has no "status" of "success" or "error"')
    if entry["status"] == "error":
        return None
    similar = entry.get("similar_artists")
    if not isinstance(similar, list):
        _bad(path, f'{_short(name)} has no list of "similar_artists"')
    return [_similar(path, name, one) for one in sorted(similar, key=_rank)]


def _similar(path: Path, name: str, one: Any) -> Similar:
    if not isinstance(one, dict) or not isinstance(one.get("name"), str):
        _bad(path, f'the list of {_short(name)} holds something without a "name"')
    return Similar(naming.clean(one["name"]), _strength(one.get("relationship_strength")))


def _rank(one: Any) -> float:
    rank = one.get("rank") if isinstance(one, dict) else None
    return rank if isinstance(rank, int | float) and math.isfinite(rank) else math.inf


def _read_entries(path: Path) -> dict[str, Any]:
    try:
        entries = json.loads(path.read_text("utf-8-sig"), object_pairs_hook=_no_key_twice)
    except OSError as error:
        raise Misuse(f"cannot read {path}: {error.strerror or error}") from error
    except _Twice as error:
        _bad(path, f"names {_short(error.key)} twice: keep one of the two")
    except RecursionError:
        _bad(path, "is nested too deeply")
    except ValueError as error:  # malformed JSON, bytes that are no UTF-8, a number of 5,000 digits
        _bad(path, f"is no JSON ({error})")
    if not isinstance(entries, dict):
        _bad(path, "is no JSON object of artists")
    return entries


class _Twice(Exception):
    def __init__(self, key: str) -> None:
        self.key = key


def _no_key_twice(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for key, value in pairs:
        if key in made:
            raise _Twice(key)
        made[key] = value
    return made


def _bad(path: Path, what: str) -> NoReturn:
    raise Misuse(f"{path} {what}; expected music-map lists as `artistindex musicmap` writes them")


def _short(name: str) -> str:
    return repr(name if len(name) <= 80 else f"{name[:80]}…")


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
        self._held = _Held(_read_entries(path) if path.exists() else {})
        for name, entry in self._held.entries.items():
            _listed(path, name, entry)
        self._new = _Held({})

    def status(self, name: str) -> str | None:
        """ "success" or "error" as the file has it for `name`, None where it has nothing."""
        entry = self._held.get(name)
        return None if entry is None else str(entry["status"])

    def put(self, name: str, similar: Sequence[Similar]) -> None:
        """Add the list of an artist."""
        listed = [
            {
                "name": one.name,
                "rank": rank,
                "relationship_strength": _UNKNOWN if one.strength is None else one.strength,
            }
            for rank, one in enumerate(similar, 1)
        ]
        self._put(
            name, {"status": "success", "similar_artists": listed, "total_count": len(listed)}
        )

    def put_unknown(self, name: str, reason: str) -> None:
        """Add that music-map has no list of an artist."""
        self._put(name, {"status": "error", "error": reason})

    def save(self) -> None:
        """Write what was put. Raises Misuse where the file cannot be written."""
        from filelock import FileLock

        if not self._new.entries:
            return
        lock = hashlib.sha256(str(self.path.resolve()).encode("utf-8", "replace")).hexdigest()
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            locks = cache_folder("musicmap")
            locks.mkdir(parents=True, exist_ok=True)
            with FileLock(locks / f"{lock[:16]}.lock"):
                self._merge()
        except OSError as error:
            raise Misuse(f"cannot write {self.path}: {error.strerror or error}") from error

    def _put(self, name: str, entry: dict[str, Any]) -> None:
        self._held.put(name, entry)
        self._new.put(name, entry)

    def _merge(self) -> None:
        held = _Held(_read_entries(self.path) if self.path.exists() else {})
        for name, entry in self._new.entries.items():
            held.put(name, entry)
        text = json.dumps(held.entries, ensure_ascii=False, indent=2)
        # only a lone surrogate cannot be encoded; replaced by a backslash it is JSON's own escape
        files.atomic_write(self.path, text.encode("utf-8", "backslashreplace"))
        self._held, self._new = held, _Held({})


class _Held:
    """Entries under the spelling that came first; any spelling that folds alike finds them."""

    def __init__(self, entries: dict[str, Any]) -> None:
        self.entries = entries
        self._spelled: dict[str, str] = {}
        for name in entries:
            self._spelled.setdefault(naming.normalise(name), name)

    def get(self, name: str) -> Any:
        return self.entries.get(self._key(name))

    def put(self, name: str, entry: dict[str, Any]) -> None:
        key = self._key(name)
        held = self.entries.get(key)
        if held is None or held["status"] != "success":
            self.entries[key] = entry
            self._spelled.setdefault(naming.normalise(key), key)

    def _key(self, name: str) -> str:
        spelled = naming.clean(name)
        return (
            spelled
            if spelled in self.entries
            else self._spelled.get(naming.normalise(name), spelled)
        )


# --- collecting ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one artist that was asked for.

    `status` is "fetched", "known" (the file had the list), "unknown" (music-map has none) or
    "failed", with the `reason` for the last two; `listed` is how many artists the list has.
    """

    artist: str
    status: str
    listed: int | None = None
    reason: str | None = None


def collect(
    wanted: Iterable[str],
    file: ListFile,
    *,
    session: "HttpClient",
    retry_failed: bool = False,
    done: Callable[[Outcome], None] = lambda outcome: None,
) -> list[Outcome]:
    """Fetch the lists that `file` lacks, saving them as it goes, whatever happens.

    An artist without a page is written down as such and not asked for again unless `retry_failed`;
    a failure of the service is not written down. `done` is told each outcome. Raises Misuse where
    the file cannot be written.
    """
    outcomes: list[Outcome] = []
    ended: ServiceEnded | None = None
    try:
        for name in unique(wanted):
            try:
                outcome = _one(name, file, session, retry_failed=retry_failed, ended=ended)
            except ServiceEnded as error:
                ended = error
                outcome = Outcome(name, "failed", reason=str(error))
            outcomes.append(outcome)
            done(outcome)
            if ended is None and _keeps_failing(outcomes):
                ended = ServiceEnded(f"{_FAILURES_THAT_END} pages in a row were of no use")
            if len(outcomes) % _SAVED_EVERY == 0:
                file.save()
    finally:
        file.save()
    return outcomes


def _one(
    name: str,
    file: ListFile,
    session: "HttpClient",
    *,
    retry_failed: bool,
    ended: ServiceEnded | None,
) -> Outcome:
    status = file.status(name)
    if status == "success":
        return Outcome(name, "known")
    if status == "error" and not retry_failed:
        return Outcome(name, "unknown", reason="the file says so; --retry-failed asks again")
    if ended:
        return Outcome(name, "failed", reason=f"not asked: {ended}")
    try:
        similar = fetch(name, session=session)
    except UnknownArtist as error:
        file.put_unknown(name, str(error))
        return Outcome(name, "unknown", reason=str(error))
    except ServiceEnded:
        raise
    except ServiceError as error:
        return Outcome(name, "failed", reason=str(error))
    file.put(name, similar)
    return Outcome(name, "fetched", listed=len(similar))


def _keeps_failing(outcomes: Sequence[Outcome]) -> bool:
    last = outcomes[-_FAILURES_THAT_END:]
    return len(last) == _FAILURES_THAT_END and all(one.status == "failed" for one in last)
