"""The guard that keeps tests from other machines."""

import asyncio
import socket

import network_guard
import pytest


@pytest.fixture
def refused():
    """What was refused in the test, which is meant to be and so does not fail it."""
    yield network_guard.reached
    network_guard.reached.clear()


HOSTS = ["api.btcmarkets.net", "api.binance.com", "8.8.8.8", "2606:4700::1111"]


@pytest.mark.parametrize("host", HOSTS)
def test_a_socket_to_another_machine_is_refused_and_remembered(host, refused):
    with pytest.raises(OSError, match=f"tests reach no other machine: '{host}'"):
        socket.create_connection((host, 443), timeout=1)
    assert refused == [host]


def test_a_client_of_http_is_refused_too(refused):
    from aiohttp import ClientError, ClientSession

    async def ask():
        async with ClientSession() as session, session.get("https://api.kraken.com/0/public/Time"):
            pass

    with pytest.raises(ClientError):
        asyncio.run(ask())
    assert refused == ["api.kraken.com"]


def test_this_machine_can_be_reached():
    with socket.create_server(("127.0.0.1", 0)) as server:
        for host in ("127.0.0.1", "localhost"):
            socket.create_connection((host, server.getsockname()[1])).close()
    assert network_guard.reached == []


def test_a_unix_socket_can_be_reached(tmp_path):
    with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as client:
        server.bind(str(tmp_path / "door"))
        server.listen()
        client.connect(str(tmp_path / "door"))
    assert network_guard.reached == []


def test_a_person_may_lift_it_for_a_while(refused):
    with network_guard.lifted():
        network_guard._require_here("api.kraken.com")
    assert refused == []
    with pytest.raises(network_guard.RealHostRefused):
        network_guard._require_here("api.kraken.com")
