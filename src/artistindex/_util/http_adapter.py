"""The transport under HttpClient: one request, made politely, read whole, tried again."""

import random
import threading
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any, NoReturn
from urllib.parse import urljoin, urlsplit

import requests
import urllib3.exceptions
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from artistindex._util.http_policy import Clock, Pace, Policy, duration, retry_after
from artistindex._util.public_addresses import PrivateAddress, public_addresses_only
from artistindex._util.urls import host_of, is_safe
from artistindex.errors import ServiceEnded, ServiceError

MAX_ATTEMPTS = 4
MAX_WAIT = 60.0  # seconds of a Retry-After
_TOO_MANY = 429
_TOO_MANY_REASON = "too many requests (status 429)"
_TRANSIENT = frozenset({_TOO_MANY, 500, 502, 503, 504})
_REFUSALS = frozenset({401, 403, 451})
_FAILURES_THAT_END = 3
_QUICK = 2.0  # seconds; a connection that failed more slowly is not tried a second time
_NAME_SECONDS = 6.0  # the system resolver can hang for half a minute without a network
_CHUNK = 1 << 16
_ASIDE = "(is a log-in page or a proxy in between?)"
_jitter = random.SystemRandom()


class _Backoff(Retry):
    """urllib3's count of attempts, with waits of 1, 2 and 4 s, a quarter more or less."""

    def get_backoff_time(self) -> float:
        return float(2 ** (len(self.history) - 1) * _jitter.uniform(0.75, 1.25))


class _Trouble(Exception):
    """The exchange failed; another try may succeed, after `wait` seconds where they are known."""

    def __init__(
        self, reason: str, *, unreachable: bool = False, wait: float | None = None
    ) -> None:
        super().__init__(reason)
        self.unreachable = unreachable
        self.wait = wait


class PoliteAdapter(HTTPAdapter):
    """A transport for `requests.Session` that keeps to a Policy.

    Transient errors (statuses 429, 500, 502, 503, 504, a dropped or stalled connection) are tried
    again up to 3 times with exponential back-off and jitter, or after the time in Retry-After.
    Raises ServiceError where that does not help, for a body that is too large or never ends, and
    for another host; ServiceEnded, from then on for every request, after a Retry-After of more
    than a minute, a quota that stays exhausted, no connection, or three failures or refusals in a
    row. Bodies are read whole, since a service may hide its status there; no message quotes what
    the service or the request said.
    """

    def __init__(self, policy: Policy, clock: Clock) -> None:
        super().__init__(max_retries=0)  # urllib3 decides before the body is there
        self._policy = policy
        self._hosts = (host_of(policy.base_url), *policy.hosts)
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
        """Return the answer to `request`, read whole; the policy decides on stream and timeout."""
        self._check_host(str(request.url))
        connection = {"verify": verify, "cert": cert, "proxies": proxies}
        try:
            response = self._persist(lambda: self._exchange(request, **connection))
        except ServiceEnded:
            raise
        except ServiceError as error:
            self._count_failure(str(error))
            raise
        if response.status_code in _REFUSALS:
            self._count_failure(f"refused with status {response.status_code}")
        else:
            self._failures = 0
        return response

    def _count_failure(self, reason: str) -> None:
        """End the service after several failures in a row: it is broken, or wants none of us."""
        self._failures += 1
        if self._failures >= _FAILURES_THAT_END:
            self._end(f"{reason} ({self._failures} requests in a row)")

    def _end(self, reason: str) -> NoReturn:
        prefix = f"{self._policy.service}: "
        self._ended = prefix + reason.removeprefix(prefix)
        raise ServiceEnded(self._ended) from None

    def _fail(self, reason: str) -> NoReturn:
        raise ServiceError(f"{self._policy.service}: {reason}") from None

    def _persist(self, exchange: Callable[[], requests.Response]) -> requests.Response:
        retry = _Backoff(total=MAX_ATTEMPTS - 1, status_forcelist=_TRANSIENT)
        while True:
            self._take_turn()
            started = self._clock.monotonic()
            try:
                return self._settled(exchange(), retry)
            except _Trouble as trouble:
                if trouble.unreachable and self._is_hopeless(retry, started):
                    self._end(f"cannot be reached: {trouble}")
                retry = self._next_try(retry, trouble)

    def _take_turn(self) -> None:
        if not self._ended:
            self._pace.wait()
        if self._ended:  # another thread's answer may have ended it meanwhile
            raise ServiceEnded(self._ended)

    def _settled(self, response: requests.Response, retry: "_Backoff") -> requests.Response:
        """Return `response` unless its status is transient (_Trouble) or ends the service."""
        self._answered = True
        code = response.status_code
        if final := self._policy.final(response):
            self._end(final)
        if not retry.is_retry("GET", code):
            return response
        reason = _TOO_MANY_REASON if code == _TOO_MANY else f"status {code}"
        wait = retry_after(response.headers.get("Retry-After"), self._clock.time())
        if wait is not None and wait > MAX_WAIT:
            self._end(
                f"{reason} and asks to wait {duration(wait)}; what is done is kept, "
                "try again after that"
            )
        raise _Trouble(reason, wait=wait)

    def _next_try(self, retry: "_Backoff", trouble: _Trouble) -> "_Backoff":
        try:
            retry = retry.increment(error=trouble)
        except urllib3.exceptions.MaxRetryError:
            if str(trouble) == _TOO_MANY_REASON:
                self._end(f"{trouble}, again and again; try again later")
            self._fail(f"{trouble}, {MAX_ATTEMPTS} times; try again later")
        self._pace.hold(retry.get_backoff_time() if trouble.wait is None else trouble.wait)
        return retry

    def _is_hopeless(self, retry: "_Backoff", started: float) -> bool:
        """Tell whether to stop asking for a connection: soon, unless there was one before."""
        if self._answered:
            return retry.total == 0
        return bool(retry.history) or self._clock.monotonic() - started > _QUICK

    def _exchange(self, request: requests.PreparedRequest, **connection: Any) -> requests.Response:
        started = self._clock.monotonic()
        url = str(request.url)
        if not requests.utils.select_proxy(url, dict(connection["proxies"] or {})):
            self._check_name(urlsplit(url).hostname or "")
        timeout = (self._policy.connect, self._policy.read)
        try:
            with self._guard(url):
                response = super().send(request, stream=True, timeout=timeout, **connection)
        except PrivateAddress as error:
            self._refuse_host(f"the address {error} of a private network")
        except requests.RequestException as error:
            self._explain(error)
        try:
            self._read(response, started)
        except urllib3.exceptions.ReadTimeoutError:
            raise _Trouble("it stopped answering") from None
        except (urllib3.exceptions.HTTPError, OSError):
            raise _Trouble("the connection broke off") from None
        finally:
            response.raw.release_conn()
        response.status_code = self._policy.status_of(response)
        if response.is_redirect:
            self._check_redirect(url, response.headers["location"])
        return response

    def _guard(self, url: str) -> AbstractContextManager[object]:
        """Only the person's own choice, the base URL, may lie in a private network."""
        own = host_of(url) == host_of(self._policy.base_url)
        return nullcontext() if own else public_addresses_only()

    def _explain(self, error: requests.RequestException) -> NoReturn:
        """Raise what an exchange that did not come about means."""
        cause = error.args[0] if error.args else None
        cause = getattr(cause, "reason", cause)
        match error:
            case requests.exceptions.ProxyError():
                self._end("the proxy of this machine refuses the connection")
            case requests.exceptions.SSLError():
                self._end(f"its certificate cannot be trusted {_ASIDE}")
            case requests.exceptions.ConnectTimeout():
                raise _Trouble("no answer (is there a network?)", unreachable=True) from None
            case requests.exceptions.ReadTimeout():
                raise _Trouble("it does not answer") from None
        if isinstance(cause, urllib3.exceptions.NewConnectionError):
            reason = "the connection is refused (is there a network?)"
            raise _Trouble(reason, unreachable=True) from None
        if isinstance(error, requests.ConnectionError):
            raise _Trouble("the connection broke off") from None
        self._fail(f"{type(error).__name__} in the exchange")

    def _read(self, response: requests.Response, started: float) -> None:
        """Read the body into `response` within the limits."""
        body = bytearray()
        while chunk := response.raw.read1(_CHUNK, decode_content=True):
            body += chunk
            if self._clock.monotonic() - started > self._policy.whole:
                response.close()
                self._fail(f"the answer is not done after {self._policy.whole:g} s; given up")
            if len(body) > self._policy.max_bytes:
                response.close()
                limit = self._policy.max_bytes >> 10
                self._fail(f"the answer is larger than {limit} KiB; given up")
        response._content = bytes(body)
        response._content_consumed = True  # type: ignore[attr-defined]  # as requests does

    def _check_redirect(self, url: str, location: str) -> None:
        try:
            target = urljoin(url, location)
        except ValueError:
            self._refuse_host("an unreadable address")
        self._check_host(target)

    def _check_host(self, url: str) -> None:
        """See that `url` is one of the service's own hosts, over TLS, this machine excepted."""
        try:
            host, safe = host_of(url), is_safe(url)
        except ValueError:
            self._refuse_host("an unreadable address")
        if not safe:
            self._refuse_host(f"an address without https ({host[:100]})")
        below = tuple(known for known in self._hosts if known.startswith("."))
        if host not in self._hosts and not host.endswith(below):
            self._refuse_host(host[:100])

    def _refuse_host(self, shown: str) -> NoReturn:
        service = self._policy.service
        raise ServiceError(
            f"{service} points to {shown}, which is not {service}; refused {_ASIDE}"
        ) from None

    def _check_name(self, host: str) -> None:
        """See that `host` has an address, without hanging where there is no name server."""
        if host not in self._known_hosts:
            if not _has_address(host):
                reason = f"no address is found for {host} (is there a network?)"
                raise _Trouble(reason, unreachable=True)
            self._known_hosts.add(host)


def _has_address(host: str) -> bool:
    resolved = threading.Event()

    def look_up() -> None:
        import socket

        try:
            socket.getaddrinfo(host, None)
        except (OSError, UnicodeError):
            return
        resolved.set()

    thread = threading.Thread(target=look_up, daemon=True, name="look-up")
    thread.start()
    thread.join(_NAME_SECONDS)
    return resolved.is_set()
