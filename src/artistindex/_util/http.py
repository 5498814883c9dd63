"""The one polite client through which every web service is asked.

A service gets an HttpClient of its own. It names us and a contact, keeps a pace, tries again what
is transient, obeys Retry-After, speaks to the service's own hosts only, bounds every answer in
size and time, and keeps answers on disk where the service's terms allow it.
"""

import json
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self, TypeVar
from urllib.parse import urlencode, urljoin, urlsplit

import requests

from artistindex._util import strict_json
from artistindex._util.dirs import cache_folder
from artistindex._util.files import atomic_write
from artistindex._util.http_adapter import PoliteAdapter
from artistindex._util.http_cache import HttpCache
from artistindex._util.http_policy import Clock, Policy
from artistindex.errors import ServiceError, StatusError

DAY = 86_400.0
_NOT_FOUND = 404
_Value = TypeVar("_Value")


class HttpClient:
    """A client of one web service; safe to share between threads, closed when done.

    Answers are kept for `keep` seconds (None: never) in the file `cache`, by default one in the
    cache folder, without the JSON members named in `unkept`.

    The methods raise StatusError for an answer that is no success, ServiceError for a service that
    fails or answers nonsense, and ServiceEnded once it must not be asked again in this run.
    """

    def __init__(
        self,
        policy: Policy,
        *,
        keep: float | None = None,
        cache: Path | None = None,
        unkept: tuple[str, ...] = (),
        clock: Clock | None = None,
    ) -> None:
        self.service = policy.service
        self.base_url = policy.base_url.rstrip("/")
        self._unkept = frozenset(unkept)
        self._clock: Clock = clock or time
        self.requests = _polite_session(PoliteAdapter(policy, self._clock))
        self._cache = None
        if keep is not None:
            name = "".join(filter(str.isalnum, self.service.lower()))
            path = cache or cache_folder("responses") / f"{name}.sqlite3"
            self._cache = HttpCache(path, seconds=keep, now=self._clock.time())

    def get_json(
        self,
        path: str,
        *,
        params: Mapping[str, str | int] | None = None,
        fresh: bool = False,
        check: Callable[[Any], object] | None = None,
    ) -> Any:
        """Return the JSON document at `path` (below the base URL, or a whole URL).

        Without the members in `unkept`, unless `fresh`: then it is asked for anew, and not kept.
        `check` raises where it is not what was asked for: not kept then.
        """

        def parse(text: str) -> Any:
            return strict_json.parse(text, self.service)

        def keepable(text: str) -> str:
            if check is not None:
                check(parse(text))
            return self._without_unkept(text)

        return self._get(path, params, fresh=fresh, parse=parse, keepable=keepable)

    def get_text(
        self,
        path: str,
        *,
        params: Mapping[str, str | int] | None = None,
        fresh: bool = False,
        check: Callable[[str], object] | None = None,
    ) -> str:
        """Return the text at `path`; `check` raises where it is not what was asked for."""

        def checked(text: str) -> str:
            if check is not None:
                check(text)
            return text

        return self._get(path, params, fresh=fresh, parse=checked, keepable=checked)

    def redirect_of(self, path: str) -> str | None:
        """Return the address on this service to which `path` is redirected, or None; not kept."""
        url = self._url(path, None)
        try:
            response = self.requests.get(url, allow_redirects=False)
        except requests.RequestException as error:
            reason = f"{self.service}: {type(error).__name__} in the exchange"
            raise ServiceError(reason) from None
        return urljoin(url, response.headers["location"]) if response.is_redirect else None

    def download(self, url: str, destination: Path) -> int:
        """Write what lies at `url` to `destination`, which appears only when whole.

        Returns the bytes written, at most the policy's `max_bytes`; they are kept nowhere else.
        """
        body = self._ask(self._url(url, None)).content
        destination.parent.mkdir(parents=True, exist_ok=True)
        atomic_write(destination, body)
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
        keepable: Callable[[str], str],
    ) -> _Value:
        url = self._url(path, params)
        cache = None if fresh else self._cache
        answer = cache.get(url, now=self._clock.time()) if cache else None
        if answer is None:
            answer = self._fetch(url, keepable=None if fresh else keepable)
            if cache:
                cache.put(url, *answer, now=self._clock.time())
        status, text = answer
        self._check_success(status, url)
        return parse(text)

    def _fetch(self, url: str, *, keepable: Callable[[str], str] | None) -> tuple[int, str]:
        """Return the status (of a success, or 404) and the text at `url`."""
        response = self._ask(url, not_found=True)
        text = _text(response)
        if keepable is not None and response.status_code != _NOT_FOUND:
            text = keepable(text)  # raises for nonsense, so that it is not kept
        return response.status_code, text

    def _ask(self, url: str, *, not_found: bool = False) -> requests.Response:
        try:
            response = self.requests.get(url)
        except requests.RequestException as error:
            reason = f"{self.service}: {type(error).__name__} in the exchange"
            raise ServiceError(reason) from None
        if not (not_found and response.status_code == _NOT_FOUND):
            self._check_success(response.status_code, url)
        return response

    def _check_success(self, status: int, url: str) -> None:
        if not 200 <= status < 300:
            path = urlsplit(url).path[:100]
            raise StatusError(f"{self.service} answered with status {status} to {path}", status)

    def _url(self, path: str, params: Mapping[str, str | int] | None) -> str:
        url = path if "://" in path else f"{self.base_url}/{path.lstrip('/')}"
        return f"{url}?{urlencode(params, errors='replace')}" if params else url

    def _without_unkept(self, text: str) -> str:
        def prune(members: dict[str, Any]) -> dict[str, Any]:
            return {name: value for name, value in members.items() if name not in self._unkept}

        document = strict_json.parse(text, self.service, hook=prune if self._unkept else None)
        return json.dumps(document, ensure_ascii=False) if self._unkept else text


def user_agent() -> str:
    """Return who is asking, with a contact: ARTISTINDEX_CONTACT, else the project's address."""
    from importlib import metadata

    package = metadata.metadata("artistindex")
    urls = [entry.partition(",")[2].strip() for entry in package.get_all("Project-URL") or ()]
    contact = os.environ.get("ARTISTINDEX_CONTACT") or next(iter(urls), "") or package["Author"]
    plain = "".join(c for c in contact or "" if c.isascii() and c.isprintable() and c not in "()")
    return f"artistindex/{package['Version']} (contact: {plain.strip()[:200]})"


def _polite_session(adapter: PoliteAdapter) -> requests.Session:
    session = requests.Session()
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    session.headers["User-Agent"] = user_agent()
    session.max_redirects = 5
    return session


def _text(response: requests.Response) -> str:
    """Return the body as text: in the declared character set where there is one, else UTF-8."""
    declared = "charset" in response.headers.get("Content-Type", "").lower()
    encoding = (response.encoding if declared else None) or "utf-8"
    try:
        return response.content.decode(encoding, errors="replace")
    except LookupError:
        return response.content.decode("utf-8", errors="replace")
