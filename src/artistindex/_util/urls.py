"""What may be said of an address by looking at it: where it leads, and whether it is safe."""

import os
from contextlib import suppress
from urllib.parse import urlsplit

from artistindex.errors import Misuse

_LOOPBACK = ("127.0.0.1", "::1", "localhost")


def service_url(variable: str, default: str) -> str:
    """Return the base URL of a service: that in the environment's `variable`, or `default`.

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
    """Tell whether `url` is https, or http to this machine. Raises ValueError."""
    parts = urlsplit(url)
    return parts.scheme == "https" or (parts.scheme == "http" and is_local(url))


def is_local(url: str) -> bool:
    """Tell whether `url` leads to this machine, which is asked without delay. Raises ValueError."""
    return urlsplit(url).hostname in _LOOPBACK


def host_of(url: str) -> str:
    """Return the host of `url`, with the port unless it is that of https. Raises ValueError."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    return f"{host}:{parts.port}" if parts.port not in (None, 443) else host
