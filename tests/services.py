"""Stand-ins for the web: a clock that only jumps, and servers that misbehave on a raw socket."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class JumpingClock:
    """A clock on which sleeping takes no time; it remembers how long everyone slept."""

    def __init__(self, start: float = 1_800_000_000.0) -> None:
        self.now = start
        self.slept: list[float] = []

    def time(self) -> float:
        return self.now

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        assert seconds >= 0
        self.slept.append(seconds)
        self.now += seconds


class RawServer:
    """Answers every connection with `answer(connection, number)`, whatever was asked."""

    def __init__(self, answer: Callable[[socket.socket, int], None]) -> None:
        self.connections = 0
        self.heard = b""
        self._answer = answer
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._stopping = False
        self._threads: list[threading.Thread] = []
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            if self._stopping:
                connection.close()
                return
            self.connections += 1
            thread = threading.Thread(
                target=self._serve, args=(connection, self.connections), daemon=True
            )
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket, number: int) -> None:
        with connection:
            connection.settimeout(5)
            try:
                self.heard += connection.recv(65536)
                self._answer(connection, number)
            except OSError:
                return  # the client gave up, as it should

    def close(self) -> None:
        if self._stopping:
            return
        self._stopping = True
        with socket.socket() as wake:  # closing a listener does not wake accept() everywhere
            wake.settimeout(1)
            wake.connect_ex(self._listener.getsockname())
        self._accepting.join(5)
        self._listener.close()
        for thread in self._threads:
            thread.join(5)


@contextmanager
def raw_server(answer: Callable[[socket.socket, int], None]) -> Iterator[RawServer]:
    server = RawServer(answer)
    try:
        yield server
    finally:
        server.close()


def closes_at_once(connection: socket.socket, number: int) -> None:
    """Not a byte."""


def drips_for_ever(connection: socket.socket, number: int) -> None:
    """A body of which a byte comes now and then, without an end."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n[")
    while True:
        connection.sendall(b" ")
        time.sleep(0.02)


def floods(connection: socket.socket, number: int) -> None:
    """A body as fast as it goes, without an end."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n")
    while True:
        connection.sendall(b"[" * 65536)


def breaks_off(connection: socket.socket, number: int) -> None:
    """Half of the body that was announced."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{}")


def says_nothing(connection: socket.socket, number: int) -> None:
    """Takes the request, and leaves the line open."""
    connection.recv(1)


def unused_url() -> str:
    """An address on this machine where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return f"http://127.0.0.1:{server.getsockname()[1]}"
