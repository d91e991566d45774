"""ccxt's clients as they are opened: where they reach, and what time they keep."""

import asyncio
from collections.abc import Mapping
from urllib.parse import urlsplit

import aiohttp
import ccxt
import pytest
from aiohttp.abc import AbstractResolver

from framework.exchange.ccxt_client import open_client, redirected
from framework.exchange.ccxt_faults import HttpFault, SocketEnded, fault_of
from framework.exchange.faults import Refused, TooOften, Unreachable
from framework.exchange.wire_values import Unreadable
from framework.session.clock import LoopClock

NAMES = ("binance", "bitvavo", "kraken", "coinbase")


class Nowhere(AbstractResolver):
    """Finds no host, and keeps what was looked for."""

    def __init__(self):
        self.names = []

    async def resolve(self, host, port=0, family=0):
        self.names.append(host)
        raise OSError(f"no host {host}")

    async def close(self):
        pass


def addresses(urls):
    for value in urls.values():
        if isinstance(value, Mapping):
            yield from addresses(value)
        else:
            yield value


async def with_client(name, work, **options):
    resolver = Nowhere()
    connector = aiohttp.TCPConnector(resolver=resolver)
    async with aiohttp.ClientSession(connector=connector) as session:
        client = open_client(name, LoopClock(1_795_212_000_000_000_000), session, **options)
        try:
            return await work(client), resolver.names
        finally:
            await client.close()


@pytest.mark.parametrize("name", NAMES)
def test_every_address_is_replaced_and_paths_stay(name):
    async def work(client):
        return list(addresses(client.urls["api"]))

    here = {"url": "http://127.0.0.1:81", "socket_url": "http://127.0.0.1:82"}
    (replaced, _), (before, _) = (
        asyncio.run(with_client(name, work, **options)) for options in (here, {})
    )
    assert len(before) >= 2
    for old, new in zip(map(urlsplit, before), map(urlsplit, replaced), strict=True):
        socket = old.scheme == "wss"
        assert (new.scheme, new.netloc) == (
            ("ws", "127.0.0.1:82") if socket else ("http", "127.0.0.1:81")
        )
        assert (new.path, new.query) == (old.path, old.query)


def test_a_path_of_the_new_address_comes_first():
    urls = {"a": "https://x.com/v2", "b": {"c": "wss://y.com:9443/ws"}, "d": None}
    assert redirected(urls, "http://h:1/binance/", "https://h:2/b") == {
        "a": "http://h:1/binance/v2",
        "b": {"c": "wss://h:2/b/ws"},
        "d": None,
    }


@pytest.mark.parametrize("name", NAMES)
def test_a_client_tells_the_time_by_the_clock(name):
    async def work(client):
        return client.milliseconds(), client.microseconds(), client.seconds()

    (times, _) = asyncio.run(with_client(name, work))
    assert times[0] // 1_000 == times[1] // 1_000_000 == times[2]
    assert 0 <= times[2] - 1_795_212_000 < 10**6  # a loop's time is that of the computer's start


def test_the_sandbox_is_the_spot_test_network():
    async def work(client):
        return client.urls["api"]["public"], client.urls["api"]["ws"]["spot"]

    told, _ = asyncio.run(with_client("binance", work, sandbox=True))
    assert told == (
        "https://testnet.binance.vision/api/v3",
        "wss://stream.testnet.binance.vision/ws",
    )


def test_without_other_addresses_the_exchange_itself_is_looked_for_and_nothing_else():
    async def work(client):
        with pytest.raises(ccxt.NetworkError):
            await client.publicGetTime()
        ended = asyncio.get_running_loop().create_future()
        client.ended = lambda reason: ended.done() or ended.set_result(reason)
        with pytest.raises(ccxt.NetworkError):
            await client.watch("wss://ws.bitvavo.com/v2", "hash")
        return fault_of("bitvavo", "connection", await ended)

    fault, names = asyncio.run(with_client("bitvavo", work))
    assert names == ["api.bitvavo.com", "ws.bitvavo.com"]
    assert isinstance(fault, Unreachable)
    assert "ws.bitvavo.com" in str(fault)


def with_cause(error, cause):
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "kind", "said"),
    [
        (HttpFault(429, "slow down", True, 7.0), TooOften, "asked too often (HTTP 429)"),
        (HttpFault(418, "", False), TooOften, "asked too often (HTTP 418)"),
        (HttpFault(451, "", True), Refused, "does not serve the country"),
        (HttpFault(503, "", False), Unreachable, "HTTP 503"),
        (HttpFault(403, "", False), Unreachable, "HTTP 403"),
        (HttpFault(403, "no", True), Refused, "HTTP 403 (no)"),
        (ccxt.DDoSProtection("x"), TooOften, "asked too often (x)"),
        (ccxt.RateLimitExceeded("x"), TooOften, "asked too often (x)"),
        (ccxt.ExchangeNotAvailable("x"), Unreachable, "x"),
        (ccxt.OnMaintenance("x"), Unreachable, "x"),
        (ccxt.InvalidNonce("x"), Unreachable, "x"),
        (ccxt.RequestTimeout("x"), Unreachable, "no answer in time"),
        (TimeoutError(), Unreachable, "no answer in time"),
        (ccxt.AuthenticationError("bad key"), Refused, "bad key"),
        (ccxt.BadRequest("x"), Refused, "x"),
        (
            ccxt.ExchangeError("what\nis https://a/b?signature=1 it"),
            Refused,
            "what is https://a/b it",
        ),
        (
            with_cause(ccxt.ExchangeError("binance GET"), aiohttp.ClientPayloadError("cut off")),
            Unreachable,
            "cannot be reached (cut off)",
        ),
        (ccxt.NetworkError(ConnectionRefusedError("refused")), Unreachable, "(refused)"),
        (SocketEnded("closed, code 1001"), Unreachable, "closed, code 1001"),
        (Unreadable("price NaN"), Unreachable, "cannot be right: price NaN"),
        (KeyError("bids"), Unreachable, "cannot be read ('bids')"),
    ],
)
def test_every_error_becomes_a_fault_in_one_line(error, kind, said):
    fault = fault_of("kraken", "time", error)
    assert type(fault) is kind
    assert str(fault).startswith("exchange kraken: time: ")
    assert said in str(fault)
    assert "\n" not in str(fault)
    assert getattr(fault, "retry_after_s", None) == getattr(error, "retry_after_s", None)


def test_a_fault_stays_what_it_is():
    fault = Refused("kraken", "no")
    assert fault_of("kraken", "time", fault) is fault
