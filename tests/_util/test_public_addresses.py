import ipaddress
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from artistindex._util.public_addresses import (
    PrivateAddress,
    is_public,
    public_addresses_only,
)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.8.8.8", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.1.1",
        "169.254.169.254", "100.64.0.1", "192.0.0.1", "198.18.0.1", "224.0.0.1", "239.1.1.1",
        "240.0.0.1", "255.255.255.255", "::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1",
        "fd12::1", "fec0::1", "ff02::1", "ff0e::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1",
        "::ffff:a00:1", "64:ff9b::7f00:1", "64:ff9b::10.0.0.1", "2002:7f00:1::", "2002:a00:1::1",
        "2001:0:4136:e378:8000:63bf:f5ff:fffe", "localhost", "example.org", "", "0x7f.1",
        "2130706433",
    ],
)  # fmt: skip
def test_what_is_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "address",
    ["8.8.8.8", "1.1.1.1", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"],
)
def test_what_is_public(address: str) -> None:
    assert is_public(address)


@given(st.ip_addresses(v=4))
def test_an_ipv4_address_is_public_or_not_however_it_is_dressed(
    address: ipaddress.IPv4Address,
) -> None:
    plain = is_public(str(address))
    assert is_public(f"::ffff:{address}") == plain
    assert is_public(f"64:ff9b::{address}") == plain


@given(st.sampled_from(["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8"]), st.data())
def test_no_address_of_a_private_network_is_public(network: str, data: st.DataObject) -> None:
    assert not is_public(str(data.draw(st.ip_addresses(network=network))))


@pytest.fixture
def server() -> Iterator["socket.socket"]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.2)
        yield listener


def test_no_socket_connects_to_a_private_address(server: socket.socket) -> None:
    with public_addresses_only() as guard:
        with pytest.raises(PrivateAddress, match=r"127\.0\.0\.1"):
            socket.create_connection(server.getsockname())
        with socket.socket() as plain, pytest.raises(PrivateAddress):
            plain.connect_ex(server.getsockname())
        assert guard.refused == "127.0.0.1"
    with pytest.raises(TimeoutError):
        server.accept()
    socket.create_connection(server.getsockname()).close()


def test_a_name_is_judged_by_what_it_means(server: socket.socket) -> None:
    with public_addresses_only(), pytest.raises(PrivateAddress):
        socket.create_connection(("localhost", server.getsockname()[1]))


def test_other_threads_go_on(server: socket.socket) -> None:
    connected = []

    def connect() -> None:
        socket.create_connection(server.getsockname()).close()
        connected.append(True)

    with public_addresses_only():
        thread = threading.Thread(target=connect)
        thread.start()
        thread.join()
    assert connected


def test_the_persons_own_proxy_is_no_stranger(
    server: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{server.getsockname()[1]}")
    with public_addresses_only():
        socket.create_connection(server.getsockname()).close()


def test_no_program_is_started_meanwhile() -> None:
    with public_addresses_only(), pytest.raises(PermissionError, match="python"):
        subprocess.run([sys.executable, "-c", ""], check=True)
    subprocess.run([sys.executable, "-c", ""], check=True)
