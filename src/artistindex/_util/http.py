"""The one polite session through which every web service is asked.

A service gets a PoliteSession of its own: it names us and a contact, keeps a pace, retries what
is transient, obeys Retry-After, speaks to the service's own hosts only, bounds every answer in
size and time, and keeps answers on disk where the service's terms allow it.
"""

import json
import os
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar
from urllib.parse import urlencode, urlsplit

from artistindex.errors import Misuse, ServiceError

if TYPE_CHECKING:
    import requests

    from artistindex._util.http_transport import Clock

_Value = TypeVar("_Value")
_NOT_FOUND = 404
_LOOPBACK = ("127.0.0.1", "::1", "localhost")
DAY = 86_400.0


class StatusError(ServiceError):
    """A service answered with an HTTP status that is no success; `status` says which."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class PoliteSession:
    """A session with one web service; safe to share between threads, closed when done.

    `service` is its name as a person writes it, `base_url` where its API lies and `per_second` the
    most requests a second. `hosts` are further hosts that it may send us to ("host", or ".domain"
    for all below it). Answers are kept for `keep` seconds (None: never) in the file `cache`, by
    default one in the cache folder, without the JSON members named in `unkept`. `status_of` and
    `final` are those of transport.Policy. `limits` replaces its limits (connect, read, whole,
    most_bytes).

    The methods raise StatusError for an answer that is no success, ServiceError for a service that
    fails or answers nonsense, and ServiceEnded once it must not be asked again in this run.
    """

    def __init__(
        self,
        service: str,
        *,
        base_url: str,
        per_second: float,
        hosts: Collection[str] = (),
        keep: float | None = None,
        cache: Path | None = None,
        unkept: Collection[str] = (),
        status_of: "Callable[[requests.Response], int] | None" = None,
        final: "Callable[[requests.Response], str | None] | None" = None,
        limits: Mapping[str, Any] | None = None,
        clock: "Clock | None" = None,
    ) -> None:
        from artistindex._util import http_transport

        self.service = service
        self.base_url = base_url.rstrip("/")
        self._unkept = frozenset(unkept)
        self._clock: Clock = clock or http_transport.SystemClock()
        self._policy = http_transport.Policy(
            service=service,
            per_second=per_second,
            hosts=(host_of(base_url), *hosts),
            status_of=status_of or http_transport.status,
            final=final or http_transport.nothing_final,
            **(limits or {}),
        )
        self.requests = _requests_session(self._policy, self._clock)
        self._cache = None
        if keep is not None:
            from artistindex._util.dirs import cache_folder
            from artistindex._util.http_responses import ResponseCache

            name = "".join(filter(str.isalnum, service.casefold()))
            path = cache or cache_folder("responses") / f"{name}.sqlite3"
            self._cache = ResponseCache(path, seconds=keep, now=self._clock.time())

    def get_json(
        self,
        path: str,
        *,
        params: Mapping[str, str | int] | None = None,
        fresh: bool = False,
        check: Callable[[Any], object] | None = None,
    ) -> Any:
        """The JSON document at `path` (below the base URL, or a whole URL).

        Without the members in `unkept`, unless `fresh`: then it is asked for anew, and not kept.
        `check` raises where it is not what was asked for: not kept then.
        """

        def keepable(text: str) -> str:
            if check is not None:
                check(self._json(text))
            return self._keepable(text)

        return self._get(path, params, fresh=fresh, parse=self._json, keep=keepable)

    def get_text(
        self,
        path: str,
        *,
        params: Mapping[str, str | int] | None = None,
        fresh: bool = False,
        check: Callable[[str], object] | None = None,
    ) -> str:
        """The text at `path`; `check` raises where it is not what was asked for: not kept then."""

        def parse(text: str) -> str:
            if check is not None:
                check(text)
            return text

        return self._get(path, params, fresh=fresh, parse=parse, keep=parse)

    def download(self, url: str, destination: Path) -> int:
        """Write what lies at `url` to `destination`, which appears only when whole; bytes written.

        Never kept elsewhere; at most `most_bytes` of the limits.
        """
        body = self._ask(self._url(url, None)).content
        destination.parent.mkdir(parents=True, exist_ok=True)
        partial = destination.with_name(f"{destination.name}.{os.getpid()}.part")
        try:
            partial.write_bytes(body)
            partial.replace(destination)
        finally:
            partial.unlink(missing_ok=True)
        return len(body)

    def close(self) -> None:
        """Close the connections and the cache."""
        self.requests.close()
        if self._cache is not None:
            self._cache.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _get(
        self,
        path: str,
        params: Mapping[str, str | int] | None,
        *,
        fresh: bool,
        parse: Callable[[str], _Value],
        keep: Callable[[str], str],
    ) -> _Value:
        url = self._url(path, params)
        cache = None if fresh else self._cache
        kept = cache.get(url, now=self._clock.time()) if cache else None
        if kept is not None:
            status, text = kept
            return parse(self._successful(status, text, url))
        response = self._ask(url, not_found=True)
        text = _text(response)
        if response.status_code != _NOT_FOUND and not fresh:
            text = keep(text)  # raises for nonsense, so that it is not kept
        if cache:
            cache.put(url, response.status_code, text, now=self._clock.time())
        return parse(self._successful(response.status_code, text, url))

    def _ask(self, url: str, *, not_found: bool = False) -> "requests.Response":
        import requests

        try:
            response = self.requests.get(url)
        except requests.RequestException as error:
            raise ServiceError(f"{self.service}: {type(error).__name__} in the exchange") from None
        if not (not_found and response.status_code == _NOT_FOUND):
            self._successful(response.status_code, "", url)
        return response

    def _successful(self, status: int, text: str, url: str) -> str:
        if 200 <= status < 300:
            return text
        path = urlsplit(url).path[:100]
        raise StatusError(f"{self.service} answered with status {status} to {path}", status)

    def _url(self, path: str, params: Mapping[str, str | int] | None) -> str:
        url = path if "://" in path else f"{self.base_url}/{path.lstrip('/')}"
        return f"{url}?{urlencode(params, errors='replace')}" if params else url

    def _json(self, text: str) -> Any:
        return self._parse(text, None)

    def _keepable(self, text: str) -> str:
        document = self._parse(text, self._without_unkept if self._unkept else None)
        return json.dumps(document, ensure_ascii=False) if self._unkept else text

    def _parse(self, text: str, hook: Callable[[dict[str, Any]], Any] | None) -> Any:
        try:
            return json.loads(text, object_hook=hook, parse_constant=_no_constant)
        except (ValueError, RecursionError):
            raise not_json(self.service, text) from None

    def _without_unkept(self, members: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in members.items() if name not in self._unkept}


def not_json(service: str, text: str = "") -> ServiceError:
    """The error for an answer that is not the JSON it should be."""
    what = "a web page" if text.lstrip()[:1] == "<" else "something else"
    return ServiceError(
        f"{service} sent {what} where JSON was expected (is a log-in page or a proxy in between?)"
    )


def service_url(variable: str, default: str) -> str:
    """The base URL of a service: that in the environment's `variable`, or `default`.

    The variables are for mirrors and tests.

    Raises Misuse unless it is https, or http to this machine: credentials travel there.
    """
    url = os.environ.get(variable) or default
    parts = urlsplit("")
    with suppress(ValueError):
        parts = urlsplit(url) if is_safe(url) else parts
    if not parts.hostname or parts.query or parts.fragment or parts.username:
        raise Misuse(f"{variable} must be an https URL without a query, such as {default}")
    return url


def is_safe(url: str) -> bool:
    """Whether `url` is https, or http to this machine. Raises ValueError for what is no URL."""
    parts = urlsplit(url)
    return parts.scheme == "https" or (parts.scheme == "http" and is_local(url))


def is_local(url: str) -> bool:
    """Whether `url` leads to this machine, which is asked without delay. Raises ValueError."""
    return urlsplit(url).hostname in _LOOPBACK


def host_of(url: str) -> str:
    """The host of `url`, with the port unless it is that of https. Raises ValueError."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    return f"{host}:{parts.port}" if parts.port not in (None, 443) else host


def user_agent() -> str:
    """Who is asking, with a contact: ARTISTINDEX_CONTACT, else the project's own address."""
    from importlib import metadata

    package = metadata.metadata("artistindex")
    urls = [entry.partition(",")[2].strip() for entry in package.get_all("Project-URL") or ()]
    contact = os.environ.get("ARTISTINDEX_CONTACT") or next(iter(urls), "") or package["Author"]
    plain = "".join(c for c in contact or "" if c.isascii() and c.isprintable() and c not in "()")
    return f"artistindex/{package['Version']} (contact: {plain.strip()[:200]})"


def _requests_session(policy: Any, clock: Any) -> "requests.Session":
    import requests

    from artistindex._util.http_transport import PoliteAdapter

    session = requests.Session()
    adapter = PoliteAdapter(policy, clock)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    session.headers["User-Agent"] = user_agent()
    session.max_redirects = 5
    return session


def _text(response: "requests.Response") -> str:
    """The body as text: the declared character set where there is one, else UTF-8."""
    declared = "charset" in response.headers.get("Content-Type", "").casefold()
    encoding = (response.encoding if declared else None) or "utf-8"
    try:
        return response.content.decode(encoding, errors="replace")
    except LookupError:
        return response.content.decode("utf-8", errors="replace")


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")
