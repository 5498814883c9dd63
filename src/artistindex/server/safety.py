"""What stands between a request and the answers: each a layer of ASGI around the application."""

import ipaddress
import logging
import time
from collections import OrderedDict
from http import HTTPStatus

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from artistindex import naming
from artistindex.server.problems import Problem

_MAX_ADDRESSES = 10_000  # of which the requests are counted at once
_BURST_SECONDS = 2.0  # whoever was silent may send the requests of so long at once

_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Resource-Policy": "same-origin",
}

_logger = logging.getLogger(__name__)


class RequestLog:
    """Logs method, path, status and milliseconds: no query and no header, in which secrets are."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not _logger.isEnabledFor(logging.INFO):
            await self._app(scope, receive, send)
            return
        status, begun = 0, time.perf_counter()

        async def noting(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)
            await send(message)

        try:
            await self._app(scope, receive, noting)
        finally:
            path = naming.printable(naming.truncate(scope["path"], 120))
            spent = 1000 * (time.perf_counter() - begun)
            _logger.info("%s %s %d %.1f ms", scope["method"], path, status, spent)


class SafeHeaders:
    """Tells browsers not to guess types, not to frame, and not to let other sites embed answers."""

    def __init__(self, app: ASGIApp, *, is_shared: bool) -> None:
        self._app = app
        self._headers = {
            name: value
            for name, value in _HEADERS.items()
            if not (is_shared and name == "Cross-Origin-Resource-Policy")
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def adding(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, adding)


class HostCheck:
    """Refuses requests that call this server by a name which is not its own.

    A web page whose own name is made to lead here (DNS rebinding) would read everything; an address
    in digits, which nobody else can own, is always right.
    """

    def __init__(self, app: ASGIApp, names: frozenset[str]) -> None:
        self._app = app
        self._names = frozenset(name.lower() for name in names)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not self._is_ours(Headers(scope=scope).get("host", "")):
            problem = Problem(
                HTTPStatus.MISDIRECTED_REQUEST, "the Host header names none of this server's names"
            )
            await problem.response()(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _is_ours(self, header: str) -> bool:
        name = _without_port(header).lower().rstrip(".")
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return name in self._names
        return True


def _without_port(header: str) -> str:
    if header.startswith("["):
        return header[1:].partition("]")[0]
    return header.rpartition(":")[0] if header.count(":") == 1 else header


class RateLimit:
    """Lets each address send so many requests a second (a token bucket); this process alone counts.

    What an address in the log of a proxy stands for is the proxy.
    """

    def __init__(self, app: ASGIApp, rate: float) -> None:
        self._app, self._rate, self._burst = app, rate, max(1.0, rate * _BURST_SECONDS)
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and self._rate:
            client = scope.get("client")
            wait = self._take(client[0] if client else "", time.monotonic())
            if wait:
                seconds = str(int(wait) + 1)
                problem = Problem(
                    HTTPStatus.TOO_MANY_REQUESTS,
                    f"more than {self._rate:g} requests a second",
                    headers={"Retry-After": seconds},
                )
                await problem.response()(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _take(self, address: str, now: float) -> float:
        """Take one request out of the bucket; the seconds to wait where it is empty, else 0."""
        level, then = self._buckets.pop(address, (self._burst, now))
        level = min(self._burst, level + (now - then) * self._rate)
        wait = 0.0 if level >= 1.0 else (1.0 - level) / self._rate
        self._buckets[address] = (level - 1.0 if level >= 1.0 else level, now)
        if len(self._buckets) > _MAX_ADDRESSES:
            self._buckets.popitem(last=False)
        return wait


class BodyLimit:
    """Refuses bodies of more than so many bytes, whatever a request says of its length."""

    def __init__(self, app: ASGIApp, limit: int) -> None:
        self._app, self._limit = app, limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        length = Headers(scope=scope).get("content-length", "0")
        if not length.isdecimal() or int(length[:20]) > self._limit:
            await self._problem().response()(scope, receive, send)
            return
        read = 0

        async def counting() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > self._limit:
                raise self._problem()
            return message

        await self._app(scope, counting, send)

    def _problem(self) -> Problem:
        return Problem(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            f"the body has more than {self._limit} bytes",
            headers={"Connection": "close"},
        )
