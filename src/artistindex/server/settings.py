"""What a server is told to serve, how, and to whom."""

import ipaddress
from dataclasses import dataclass, field
from pathlib import Path

LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})

MAX_BODY = 8 << 20
"""Bytes in the body of a request: the favourites of a lifetime are one or two million."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What `serve` was told.

    `folder` is that of the index. With a `token`, whoever asks must know it. `host_names` are names
    besides the machine's addresses by which requests may call it, `origins` the web pages elsewhere
    that may read answers. `rate` is how many requests a second one address may send, 0 for any
    number. Answers name files of the disk only if `shows_paths`.
    """

    folder: Path
    host: str = "127.0.0.1"
    port: int = 8100
    workers: int = 1
    token: str | None = field(default=None, repr=False)
    host_names: frozenset[str] = LOCAL_NAMES
    origins: tuple[str, ...] = ()
    rate: float = 0.0
    library_ids: Path | None = None
    shows_paths: bool = False


def is_loopback(host: str) -> bool:
    """Tell whether only this machine can reach what listens on `host`."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
