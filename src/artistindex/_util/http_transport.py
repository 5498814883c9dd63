"""How one request is made politely: pace, retries, Retry-After, limits. Used through http.py."""

import email.utils
import random
import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import urljoin, urlsplit

import requests
import urllib3.exceptions
from requests.adapters import HTTPAdapter

from artistindex._util.http import host_of, is_safe
from artistindex.errors import ServiceEnded, ServiceError

ATTEMPTS = 4
MAX_WAIT = 60.0
_TOO_MANY = 429
_TOO_MANY_REASON = "too many requests (status 429)"
_TRANSIENT = frozenset({_TOO_MANY, 500, 502, 503, 504})
_REFUSALS = frozenset({401, 403, 451})
_FAILURES_THAT_END = 3
_QUICK = 2.0  # seconds; a connection that failed more slowly is not tried a second time
_NAME_SECONDS = 6.0  # the system resolver can hang for half a minute without a network
_CHUNK = 1 << 16
_jitter = random.SystemRandom()


class Clock(Protocol):
    """What tells the time and waits; tests bring their own."""

    def time(self) -> float:
        """Seconds since the epoch."""

    def monotonic(self) -> float:
        """Seconds since any fixed moment."""

    def sleep(self, seconds: float, /) -> None:
        """Wait."""


class SystemClock:
    """The real one."""

    def time(self) -> float:
        """Seconds since the epoch."""
        return time.time()

    def monotonic(self) -> float:
        """Seconds since any fixed moment."""
        return time.monotonic()

    def sleep(self, seconds: float, /) -> None:
        """Wait."""
        time.sleep(seconds)


def status(response: requests.Response) -> int:
    """The status as HTTP has it; a service that hides it elsewhere brings its own reading."""
    return response.status_code


def nothing_final(response: requests.Response) -> str | None:
    """No answer of the service ends it by itself."""
    return None


@dataclass(frozen=True)
class Policy:
    """How one service is treated.

    `per_second` is the most requests a second; `hosts` are the only ones spoken to, as "host" or
    "host:port", or ".domain" for all below it. `status_of` reads an answer as an HTTP status,
    `final` gives the reason why an answer ends the service for this run, or None. `connect` and
    `read` are the socket's timeouts in seconds, `whole` that of one exchange; `most_bytes` limits
    a body, unpacked.
    """

    service: str
    per_second: float
    hosts: tuple[str, ...]
    status_of: Callable[[requests.Response], int] = status
    final: Callable[[requests.Response], str | None] = nothing_final
    connect: float = 3.05
    read: float = 15.0
    whole: float = 60.0
    most_bytes: int = 16 << 20


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


class _DroppedError(Exception):
    """The exchange broke off; another try may succeed."""


class _UnreachableError(Exception):
    """There is no connection to be had."""


class PoliteAdapter(HTTPAdapter):
    """A transport for `requests.Session` that keeps to a Policy.

    Transient errors (statuses 429, 500, 502, 503, 504, a dropped or stalled connection) are tried
    again up to 3 times with exponential back-off and jitter, or after the time in Retry-After.
    Raises ServiceError where that does not help, for a body that is too large or never ends, and
    for another host; ServiceEnded, from then on for every request, after a Retry-After of more
    than a minute, a quota that stays exhausted, no connection, or three failures or refusals in a
    row.
    Bodies are read whole; no message quotes what the service or the request said.
    """

    def __init__(self, policy: Policy, clock: Clock) -> None:
        super().__init__(max_retries=0)
        self._policy = policy
        self._clock = clock
        self._pace = Pace(policy.per_second, clock)
        self._ended: str | None = None
        self._answered = False
        self._failures = 0
        self._known_hosts: set[str] = set()

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: object = None,
        verify: bool | str = True,
        cert: object = None,
        proxies: Mapping[str, str] | None = None,
    ) -> requests.Response:
        """The answer to `request`, read whole; the policy decides on `stream` and `timeout`."""
        self._require_host(str(request.url))

        def exchange() -> requests.Response:
            return self._exchange(request, verify=verify, cert=cert, proxies=proxies)

        try:
            response = self._persist(exchange)
        except ServiceEnded:
            raise
        except ServiceError as error:
            self._count_failure(str(error))
            raise
        if response.status_code in _REFUSALS:
            self._count_failure(
                f"{self._policy.service}: refused with status {response.status_code}"
            )
        else:
            self._failures = 0
        return response

    def _count_failure(self, reason: str) -> None:
        """End the service after several failures in a row: it is broken, or wants none of us."""
        self._failures += 1
        if self._failures >= _FAILURES_THAT_END:
            raise self._end(f"{reason} ({self._failures} requests in a row)") from None

    def _persist(self, exchange: Callable[[], requests.Response]) -> requests.Response:
        reason, wait = "", None
        for attempt in range(ATTEMPTS):
            if attempt:
                self._pace.hold(self._back_off(attempt) if wait is None else wait)
            if not self._ended:
                self._pace.wait()
            if self._ended:  # another thread's answer may have ended it meanwhile
                raise ServiceEnded(self._ended)
            started = self._clock.monotonic()
            try:
                response = exchange()
            except (_UnreachableError, _DroppedError) as trouble:
                unreachable = isinstance(trouble, _UnreachableError)
                if unreachable and self._is_hopeless(attempt, started):
                    raise self._end(f"cannot be reached: {trouble}") from None
                reason, wait = str(trouble), None
                continue
            self._answered = True
            if final := self._policy.final(response):
                raise self._end(final)
            if response.status_code not in _TRANSIENT:
                return response
            reason, wait = self._refusal(response)
        if reason == _TOO_MANY_REASON:
            raise self._end(f"{reason}, again and again; run the same command again later")
        raise ServiceError(
            f"{self._policy.service}: {reason}, {ATTEMPTS} times; run the same command again later"
        )

    def _is_hopeless(self, attempt: int, started: float) -> bool:
        """Whether to stop asking for a connection: soon, unless there was one before."""
        if self._answered:
            return attempt == ATTEMPTS - 1
        return attempt > 0 or self._clock.monotonic() - started > _QUICK

    def _refusal(self, response: requests.Response) -> tuple[str, float | None]:
        """What a transient status says, and how long it asks to wait."""
        code = response.status_code
        reason = _TOO_MANY_REASON if code == _TOO_MANY else f"status {code}"
        wait = retry_after(response.headers.get("Retry-After"), self._clock.time())
        if wait is not None and wait > MAX_WAIT:
            raise self._end(
                f"{reason} and asks to wait {duration(wait)}; what is done is kept, "
                "run the same command again after that"
            )
        return reason, wait

    def _back_off(self, attempt: int) -> float:
        return float(2 ** (attempt - 1)) * _jitter.uniform(0.75, 1.25)

    def _end(self, reason: str) -> ServiceEnded:
        said = reason.startswith(self._policy.service)
        self._ended = reason if said else f"{self._policy.service}: {reason}"
        return ServiceEnded(self._ended)

    def _exchange(
        self,
        request: requests.PreparedRequest,
        *,
        verify: bool | str,
        cert: object,
        proxies: Mapping[str, str] | None,
    ) -> requests.Response:
        started = self._clock.monotonic()
        url = str(request.url)
        if not requests.utils.select_proxy(url, dict(proxies or {})):
            self._require_name(urlsplit(url).hostname or "")
        try:
            response = super().send(
                request,
                stream=True,
                timeout=(self._policy.connect, self._policy.read),
                verify=verify,
                cert=cert,  # type: ignore[arg-type]  # as given
                proxies=proxies,
            )
        except requests.RequestException as error:
            raise self._trouble(error) from None
        try:
            self._read(response, started)
        except urllib3.exceptions.ReadTimeoutError:
            raise _DroppedError("it stopped answering") from None
        except (urllib3.exceptions.HTTPError, OSError):
            raise _DroppedError("the connection broke off") from None
        finally:
            response.raw.release_conn()
        response.status_code = self._policy.status_of(response)
        if response.is_redirect:
            self._require_host(self._target(url, response.headers["location"]))
        return response

    def _trouble(self, error: requests.RequestException) -> Exception:
        cause = error.args[0] if error.args else None
        cause = getattr(cause, "reason", cause)
        match error:
            case requests.exceptions.ProxyError():
                return self._end("the proxy of this machine refuses the connection")
            case requests.exceptions.SSLError():
                return self._end(
                    "its certificate cannot be trusted (is a log-in page or a proxy in between?)"
                )
            case requests.exceptions.ConnectTimeout():
                return _UnreachableError("no answer (is there a network?)")
            case requests.exceptions.ReadTimeout():
                return _DroppedError("it does not answer")
        if isinstance(cause, urllib3.exceptions.NewConnectionError):
            return _UnreachableError("the connection is refused (is there a network?)")
        if isinstance(error, requests.ConnectionError):
            return _DroppedError("the connection broke off")
        return ServiceError(f"{self._policy.service}: {type(error).__name__} in the exchange")

    def _read(self, response: requests.Response, started: float) -> None:
        """Read the body into `response` within the limits."""
        body = bytearray()
        while chunk := response.raw.read1(_CHUNK, decode_content=True):
            body += chunk
            late = self._clock.monotonic() - started > self._policy.whole
            if late or len(body) > self._policy.most_bytes:
                response.close()
                limit = (
                    f"is not done after {self._policy.whole:g} s"
                    if late
                    else f"is larger than {self._policy.most_bytes >> 10} KiB"
                )
                raise ServiceError(f"{self._policy.service}: the answer {limit}; given up")
        response._content = bytes(body)
        response._content_consumed = True  # type: ignore[attr-defined]  # as requests does

    def _target(self, url: str, location: str) -> str:
        try:
            return urljoin(url, location)
        except ValueError:
            raise self._other_host("an unreadable address") from None

    def _require_host(self, url: str) -> None:
        """Only the service's own hosts, and only over TLS, this machine excepted."""
        try:
            shown, safe = host_of(url), is_safe(url)
        except ValueError:
            raise self._other_host("an unreadable address") from None
        if not safe:
            raise self._other_host(f"an address without https ({shown[:100]})")
        if not any(
            shown == known or (known.startswith(".") and shown.endswith(known))
            for known in self._policy.hosts
        ):
            raise self._other_host(shown[:100])

    def _other_host(self, shown: str) -> ServiceError:
        service = self._policy.service
        return ServiceError(
            f"{service} points to {shown}, which is not {service}; refused "
            "(is a log-in page or a proxy in between?)"
        )

    def _require_name(self, host: str) -> None:
        """See that `host` has an address, without hanging where there is no name server."""
        if host in self._known_hosts:
            return
        if not _has_address(host):
            raise _UnreachableError(f"no address is found for {host} (is there a network?)")
        self._known_hosts.add(host)


def _has_address(host: str) -> bool:
    found = threading.Event()

    def look_up() -> None:
        import socket

        try:
            socket.getaddrinfo(host, None)
        except (OSError, UnicodeError):
            return
        found.set()

    thread = threading.Thread(target=look_up, daemon=True, name="look-up")
    thread.start()
    thread.join(_NAME_SECONDS)
    return found.is_set()


def retry_after(header: str | None, now: float) -> float | None:
    """Seconds to wait by a Retry-After header, a number or an HTTP date (RFC 9110, 10.2.3).

    None where there is none or it cannot be read; never negative.
    """
    text = (header or "").strip()
    if re.fullmatch(r"[0-9]+", text):
        return float(text[:12])
    try:
        return max(0.0, email.utils.parsedate_to_datetime(text).timestamp() - now)
    except (ValueError, OverflowError):
        return None


def duration(seconds: float) -> str:
    """`seconds` as a person says it: "95 s", "24 min", "23 h 59 min"."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 120:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min"
