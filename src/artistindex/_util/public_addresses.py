"""Connections to public addresses only, whoever makes them and however often they are redirected.

An address from a stranger may lead to this machine or to its network, at once, by a redirect, by
one segment of a stream, or by a name that means another address the second time. So the rule holds
for the very address to which a socket is about to be connected, which an audit hook (PEP 578) sees
in any Python library. Programs make connections that no hook sees: none is started meanwhile, but
for interpreters of JavaScript, which yt-dlp starts without a network.
"""

import ipaddress
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import PurePath
from typing import Any
from urllib.parse import urlsplit

_INTERPRETERS = frozenset({"deno", "node", "bun", "qjs"})
_NAT64 = ipaddress.ip_network("64:ff9b::/96")  # RFC 6052: an IPv4 address in its last 32 bits
_thread = threading.local()


class PrivateAddress(Exception):
    """A connection to an address that is not public was refused; `str(error)` is the address."""


@dataclass(slots=True)
class Guard:
    """What was refused last, since libraries turn the error into one of their own."""

    refused: str | None = None
    proxies: frozenset[str] = field(default_factory=frozenset)


@contextmanager
def public_addresses_only() -> Iterator[Guard]:
    """Let this thread connect to public addresses only, and to the person's own proxies.

    Any other connection raises PrivateAddress before a byte is sent. Behind a proxy, it is the
    proxy that decides what can be reached.
    """
    _install_hook()
    outer = getattr(_thread, "guard", None)
    _thread.guard = guard = Guard(proxies=_proxy_addresses())
    try:
        yield guard
    finally:
        _thread.guard = outer


def is_public(address: str) -> bool:
    """Tell whether an IP address is one of the internet's: no loopback, link-local, private or
    multicast one, and no IPv6 address that stands for such an IPv4 one.
    """
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return False  # a name, which may mean anything
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo and ip.teredo[1])
        if ip in _NAT64:
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if inner:
            return is_public(str(inner))
        if ip.is_site_local:
            return False
    return ip.is_global and not ip.is_multicast


@cache
def _install_hook() -> None:
    sys.addaudithook(_watch)


def _watch(event: str, arguments: tuple[Any, ...]) -> None:
    guard: Guard | None = getattr(_thread, "guard", None)
    if guard is None:
        return
    if event == "socket.connect":
        _check_connection(guard, *arguments)
    elif event == "subprocess.Popen":
        _check_program(*arguments[:2])


def _check_connection(guard: Guard, connection: socket.socket, address: Any) -> None:
    if connection.family not in (socket.AF_INET, socket.AF_INET6):
        return
    host = str(address[0])
    if not is_public(host) and host not in guard.proxies:
        guard.refused = host
        connection.close()  # those who expect an OSError would leave it open
        raise PrivateAddress(host)


def _check_program(executable: Any, arguments: Any) -> None:
    first = arguments if isinstance(arguments, str | bytes) else next(iter(arguments), "")
    program = executable or first
    name = PurePath(program.decode() if isinstance(program, bytes) else str(program)).stem
    if name not in _INTERPRETERS:
        raise PermissionError(f"{name} is not started while addresses of strangers are fetched")


def _proxy_addresses() -> frozenset[str]:
    """Return the addresses of the proxies that the environment or the system names."""
    from urllib.request import getproxies

    addresses: set[str] = set()
    for scheme, proxy in getproxies().items():
        if scheme != "no":
            with suppress(OSError, ValueError, UnicodeError):
                host = urlsplit(proxy if "://" in proxy else f"//{proxy}").hostname
                addresses.update(str(row[4][0]) for row in socket.getaddrinfo(host, None))
    return frozenset(addresses)
