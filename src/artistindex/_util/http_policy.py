"""What is polite towards a service: a Policy, a Pace, and what Retry-After asks for."""

import email.utils
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import requests


class Clock(Protocol):
    """What tells the time and waits: the module `time`, unless a test brings its own."""

    def time(self) -> float: ...

    def monotonic(self) -> float: ...

    def sleep(self, seconds: float, /) -> None: ...


def http_status(response: "requests.Response") -> int:
    """Return the status as HTTP has it."""
    return response.status_code


def never_final(response: "requests.Response") -> str | None:
    """Return None: no answer ends the service by itself."""
    return None


@dataclass(frozen=True, slots=True)
class Policy:
    """How one service is treated.

    `service` is its name as a person writes it, `base_url` where its API lies, `per_second` the
    most requests a second. `hosts` are the only further hosts spoken to ("host", "host:port", or
    ".domain" for all below it). `status_of` reads an answer as an HTTP status, for services that
    put their errors into answers of status 200; `final` gives the reason why an answer ends the
    service for this run, or None. `connect`, `read` and `whole` limit the seconds of a connection,
    of a silence and of one exchange, `max_bytes` a body, unpacked.
    """

    service: str
    base_url: str
    per_second: float
    hosts: tuple[str, ...] = ()
    status_of: "Callable[[requests.Response], int]" = http_status
    final: "Callable[[requests.Response], str | None]" = never_final
    connect: float = 3.05
    read: float = 15.0
    whole: float = 60.0
    max_bytes: int = 16 << 20


class Pace:
    """Spaces the requests to one service evenly, over all threads."""

    def __init__(self, per_second: float, clock: Clock) -> None:
        self._interval = 1 / per_second
        self._clock = clock
        self._lock = threading.Lock()
        self._next = clock.monotonic()

    def wait(self) -> None:
        """Take the next free moment and wait for it."""
        with self._lock:
            now = self._clock.monotonic()
            moment = max(now, self._next)
            self._next = moment + self._interval
        if moment > now:
            self._clock.sleep(moment - now)

    def hold(self, seconds: float) -> None:
        """Let nobody ask for the next `seconds`."""
        with self._lock:
            self._next = max(self._next, self._clock.monotonic() + seconds)


def retry_after(header: str | None, now: float) -> float | None:
    """Return the seconds to wait by a Retry-After header, a number or a date (RFC 9110, 10.2.3).

    None where there is none or it cannot be read; never negative. Unlike urllib3's, it bears
    numbers and dates of any size.
    """
    text = (header or "").strip()
    if re.fullmatch(r"[0-9]+", text):
        return float(text[:12])
    try:
        return max(0.0, email.utils.parsedate_to_datetime(text).timestamp() - now)
    except (ValueError, OverflowError):
        return None


def duration(seconds: float) -> str:
    """Return `seconds` as a person says it: "95 s", "24 min", "23 h 59 min"."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 120:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min"
