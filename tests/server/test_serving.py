"""The server as processes: it listens, shares its socket, and stops in order."""

import signal
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2 as httpx
import pytest

from artistindex.server import serving
from server.conftest import write_served_index
from server.processes import server

pytestmark = pytest.mark.process


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_served_index(tmp_path / "indexes" / "vggish")


@pytest.mark.parametrize(
    "number", [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.slow)]
)
def test_a_signal_stops_it_once_all_is_answered(folder: Path, number: signal.Signals) -> None:
    with server(folder) as (address, process):
        assert httpx.get(f"{address}/api/v1/info").json()["artists"] == 8
        with socket.create_connection(("127.0.0.1", int(address.rpartition(":")[2]))) as slow:
            body = b"--b\r\nContent-Disposition: form-data; name=likes\r\n\r\nRezz\r\n--b--\r\n"
            head = (
                b"POST /api/v1/match HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                b"Content-Type: multipart/form-data; boundary=b\r\n"
                b"Content-Length: %d\r\n\r\n" % len(body)
            )
            slow.sendall(head + body[:20])
            httpx.get(f"{address}/api/v1/info")  # by now the request above has been begun
            process.send_signal(number)
            time.sleep(0.3)
            slow.sendall(body[20:])
            assert b"needs a part lineup" in b"".join(iter(lambda: slow.recv(65_536), b""))
        out, err = process.communicate(timeout=20)
    assert (process.returncode, out, err) == (0, "", "")


@pytest.mark.slow
def test_two_workers_share_the_socket_and_an_index_is_swapped_under_both(folder: Path) -> None:
    with server(folder, "--workers", 2, "--verbose") as (address, process):
        stop = threading.Event()
        statuses: list[int] = []

        def ask() -> None:
            with httpx.Client() as client:
                while not stop.is_set():
                    answer = client.get(f"{address}/api/v1/neighbours?artist=Rezz")
                    statuses.append(answer.status_code)

        askers = [threading.Thread(target=ask) for _ in range(4)]
        for asker in askers:
            asker.start()
        try:
            wait_for(lambda: len(statuses) > 50)
            for seed in range(1, 4):
                write_served_index(folder, seed=seed)
            write_served_index(folder, seed=4, names=("Rezz", "Vril"))
            wait_for(lambda: len(statuses) > 250)
        finally:
            stop.set()
            for asker in askers:
                asker.join()
        for _ in range(10):  # whichever worker answers
            assert httpx.get(f"{address}/api/v1/info").json()["artists"] == 2
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=30)
    assert set(statuses) == {200}
    assert process.returncode == 0
    assert "serving the index made at" in err
    assert "Traceback" not in err


def wait_for(condition: Callable[[], Any]) -> None:
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_a_port_that_is_taken_is_one_line(run: Any, planted: Any) -> None:
    planted()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, out, err = run("serve", "--port", port)
    assert (code, out) == (1, "")
    assert err == f"Error: cannot listen on 127.0.0.1 port {port}: Address already in use\n"


def test_connections_send_at_once() -> None:
    with (
        serving._listen("127.0.0.1", 0) as listener,
        socket.create_connection(listener.getsockname()),
    ):
        accepted, _ = listener.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
