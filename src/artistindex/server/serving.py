"""Listening: one process that serves, or several that share a socket and the mapped index."""

import logging
import os
import socket
from collections.abc import Callable
from functools import partial
from typing import Any

from artistindex._util.extras import load_extra
from artistindex.errors import ArtistIndexError, Misuse, Remedy
from artistindex.index.reader import ArtistIndex
from artistindex.server.library_ids import read_songs
from artistindex.server.settings import Settings, is_loopback

_GRACE = 10  # seconds for what is being answered when the server is told to stop
_BACKLOG = 2048
_MAX_CONNECTIONS = 1000  # of one process, beyond which it answers 503

_logger = logging.getLogger(__name__)


def serve(
    settings: Settings,
    *,
    on_start: Callable[[], None] | None = None,
    on_listening: Callable[[str], None] | None = None,
) -> None:
    """Serve until SIGINT or SIGTERM; what is being answered then is answered still.

    `on_start` is called in each process that serves, and has to be picklable; `on_listening` once,
    with the address. Raises Misuse where others could ask without a token, BrokenIndex,
    MissingExtra, and ArtistIndexError where the port is taken.
    """
    _refuse_open_house(settings)
    for package in ("starlette", "python_multipart", "uvicorn"):
        load_extra(package, "serve")
    ArtistIndex.open(settings.folder).close()  # what is wrong with it is said here, once
    if settings.library_ids is not None:
        read_songs(settings.library_ids)
    with _listen(settings.host, settings.port) as listener:
        if on_listening is not None:
            on_listening(_address(listener))
        _run(_config(settings, on_start), listener)


def _refuse_open_house(settings: Settings) -> None:
    if settings.token is None and not is_loopback(settings.host):
        raise Misuse(
            f"{settings.host} can be reached from other machines, and everybody there could ask",
            remedy=Remedy.GIVE_TOKEN,
        )


def _listen(host: str, port: int) -> socket.socket:
    try:
        family, _, _, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.create_server(address, family=family, backlog=_BACKLOG)
        # asyncio sets it only where the socket names its protocol; without it, headers and body
        # wait for each other's acknowledgement, 40 ms a request
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return listener
    except OSError as error:
        number = error.errno or 0  # that of a name's look-up is below zero
        reason = os.strerror(number) if number > 0 else error.strerror or error
        raise ArtistIndexError(f"cannot listen on {host} port {port}: {reason}") from error


def _address(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"


def _config(settings: Settings, on_start: Callable[[], None] | None) -> Any:
    import uvicorn

    from artistindex.server.app import create_app

    return uvicorn.Config(
        partial(create_app, settings, on_start),
        factory=True,
        workers=settings.workers,
        limit_concurrency=_MAX_CONNECTIONS,
        timeout_graceful_shutdown=_GRACE,
        lifespan="on",
        ws="none",
        proxy_headers=False,  # whoever asks could name any address
        server_header=False,
        access_log=False,  # it has queries in it, and with them tokens; safety.RequestLog has none
        log_config=None,
    )


def _run(config: Any, listener: socket.socket) -> None:
    from uvicorn.server import Server
    from uvicorn.supervisors import Multiprocess

    try:
        if config.workers > 1:
            Multiprocess(config, sockets=[listener]).run()
        else:
            Server(config).run(sockets=[listener])
    except KeyboardInterrupt:  # uvicorn raises the signal again once all is answered
        _logger.info("stopped")
