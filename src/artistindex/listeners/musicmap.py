"""music-map.com: who listeners' taste puts near whom. Its pages are fetched, parsed, collected."""

import math
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote_plus

from artistindex import naming
from artistindex._util.urls import service_url
from artistindex.errors import ServiceEnded, ServiceError, StatusError, UnknownArtist
from artistindex.listeners.favourites import unique
from artistindex.listeners.truth_files import (
    ListFile,
    Similar,
    parse_strength,
    without_repeats,
)

if TYPE_CHECKING:
    from artistindex._util.http import HttpClient
    from artistindex._util.http_policy import Clock

BASE_URL = "https://www.music-map.com/"
_ANCHOR = re.compile(r"s(\d+)")
_STRENGTHS = re.compile(r"\bAid\[0\]\s*=\s*new\s+Array\(([^)]*)\)")
_NOT_FOUND = 404
_SAVE_INTERVAL = 20  # artists
_MAX_FAILURES = 5  # in a row


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
    """Return the artists that music-map lists for the artist called `name`, closest first.

    Where it redirects to a spelling of its own ("Bushwacka" to "Bushwacka!"), that page's list
    counts. Raises UnknownArtist where it has no page or no list for that artist, ServiceError where
    it answers anything else, ServiceEnded where it is not to be asked again.
    """
    try:
        try:
            return _read(_path(name), name, session)
        except _SomebodyElse as error:
            address = session.redirect_of(_path(name))
            if address is None:
                raise
            return _read(address, error.shown, session)
    except StatusError as error:
        if error.status != _NOT_FOUND:
            raise
        raise UnknownArtist(f"music-map.com has no page for {naming.quoted(name)}") from None


class _SomebodyElse(UnknownArtist):
    """A page that shows another artist than the one asked for; `shown` is who."""

    def __init__(self, name: str, shown: str) -> None:
        super().__init__(
            f"music-map.com shows {naming.quoted(shown)} instead of {naming.quoted(name)}", [shown]
        )
        self.shown = shown


def _read(path: str, name: str, session: "HttpClient") -> tuple[Similar, ...]:
    similar = parse(session.get_text(path, check=lambda text: parse(text, name)), name)
    if not similar:
        raise UnknownArtist(
            f"music-map.com has no list for {naming.quoted(name)}: its map is empty"
        )
    return similar


def _path(name: str) -> str:
    """Lower case, spaces as +, the rest percent-encoded."""
    return quote_plus(naming.clean(name).lower(), errors="replace")


def parse(page: str | bytes, name: str) -> tuple[Similar, ...]:
    """Return the artists listed on the `page` of the artist called `name`, closest first.

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
            f"music-map.com sent a page for {naming.quoted(name)} that is no map of artists: is a"
            " log-in page or a proxy in between, or has the site changed?"
        )
    if not naming.same_name(anchors[0], name):
        raise _SomebodyElse(name, anchors[0])
    strengths = _strengths("".join(script.get_text() for script in soup.find_all("script")))
    listed = [
        Similar(spelled, strengths.get(number))
        for number, spelled in sorted(anchors.items())
        if number > 0 and spelled
    ]
    listed.sort(key=lambda similar: math.inf if similar.strength is None else -similar.strength)
    return without_repeats(listed, owner=name)[0]


def _strengths(script: str) -> dict[int, float | None]:
    row = _STRENGTHS.search(script)
    return dict(enumerate(map(parse_strength, row[1].split(",")))) if row else {}


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
    names: Iterable[str],
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
        for name in unique(names):
            try:
                outcome = _collect_one(name, file, session, retry_failed=retry_failed, ended=ended)
            except ServiceEnded as error:
                ended = error
                outcome = Outcome(name, "failed", reason=str(error))
            outcomes.append(outcome)
            done(outcome)
            if ended is None and _keeps_failing(outcomes):
                ended = ServiceEnded(f"{_MAX_FAILURES} pages in a row were of no use")
            if len(outcomes) % _SAVE_INTERVAL == 0:
                file.save()
    finally:
        file.save()
    return outcomes


def _collect_one(
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
        return Outcome(name, "unknown", reason="the file says so")
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
    last = outcomes[-_MAX_FAILURES:]
    return len(last) == _MAX_FAILURES and all(outcome.status == "failed" for outcome in last)
