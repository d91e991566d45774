"""What Binance and Bitvavo say that the loopback exchange never does, from a scripted server."""

import asyncio

import numpy as np
import pytest
from pydantic import ValidationError
from scripted_server import ScriptedServer, until

from framework.errors import UserError
from framework.exchange.binance import Binance
from framework.exchange.binance_connection import BinanceConnection
from framework.exchange.bitvavo import Bitvavo
from framework.exchange.bitvavo_connection import BitvavoConnection
from framework.exchange.connection import Channel, HeardBeat, HeardCandle, HeardTrade, Listening
from framework.exchange.faults import Refused, TooOften, Unreachable
from framework.exchange.rate_budget import RateBudget
from framework.market.live import Candle, Trade
from framework.session.clock import WallClock
from framework.types import Interval

MINUTE = Interval.parse("1m")
KINDS = {"binance": BinanceConnection, "bitvavo": BitvavoConnection}
MS = 1795212170291
OPEN_MS = 1795212120000


def connected(name, folder, work, answer, play=None, retries=0):
    """Run `work(connection, server)`."""

    async def run():
        async with ScriptedServer(answer, play) as server:
            connection = KINDS[name](
                name,
                WallClock(),
                RateBudget("test", 1e6, 1e6, folder),
                np.random.default_rng(1),
                symbols=("BTC-USDT", "BTC-EUR"),
                url=server.url,
                socket_url=server.socket_url,
                retries=retries,
            )
            try:
                return await work(connection, server)
            finally:
                await connection.close()

    return asyncio.run(run())


def asked_for_time(name, folder, answer):
    async def work(connection, server):
        return await connection.time()

    return connected(name, folder, work, lambda path, query: answer)


def listened(name, folder, play, channels=(Channel.TRADES, Channel.CANDLES), answer=None):
    """Return what was heard and how it ended."""
    heard = []

    async def work(connection, server):
        pair = "BTC-USDT" if name == "binance" else "BTC-EUR"
        try:
            await connection.listen((pair,), MINUTE, frozenset(channels), heard.append)
        except (Unreachable, Refused, UserError) as end:
            return end

    end = connected(name, folder, work, answer or (lambda path, query: {}), play)
    return heard, end


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize(
    ("answer", "kind", "said"),
    [
        ((451, "<html>unavailable</html>"), Refused, "does not serve the country"),
        ((451, {"code": 0, "msg": "restricted location"}), Refused, "set exchange.url"),
        ((429, "<html>slow down</html>"), TooOften, "asked too often"),
        ((418, {"code": -1003, "msg": "banned", "errorCode": 105}), TooOften, "HTTP 418"),
        ((503, "<html>down</html>"), Unreachable, "HTTP 503"),
        ((200, "<html>hello</html>"), Unreachable, "cannot be read"),
        ((200, '{"serverTime": 17952'), Unreachable, "cannot be read"),
        ((200, ""), Unreachable, "cannot be read"),
        ((200, "[]"), Unreachable, "cannot be read"),
        ((200, '{"serverTime": NaN, "time": NaN}'), Unreachable, "cannot be read"),
        ((200, {"serverTime": "x", "time": True}), Unreachable, "cannot be right"),
        ((200, {"serverTime": None, "time": 1e300}), Unreachable, "cannot be right"),
        ((400, {"code": -1100, "msg": "illegal", "errorCode": 204}), Refused, "illegal"),
        ((403, "<html>firewall</html>"), Unreachable, "HTTP 403"),
    ],
)
def test_an_answer_that_is_none_is_a_fault_in_one_line(tmp_path, name, answer, kind, said):
    if answer[0] == 400 and name == "bitvavo":
        said = "204"
    with pytest.raises(Unreachable if kind is not Refused else Refused) as fault:
        asked_for_time(name, tmp_path, answer)
    assert type(fault.value) is kind
    assert said in str(fault.value)
    assert str(fault.value).startswith(f"exchange {name}: time: ")
    assert "\n" not in str(fault.value) and "<html>" not in str(fault.value)


@pytest.mark.parametrize("name", KINDS)
def test_nobody_there_is_a_fault_that_names_the_address(tmp_path, name):
    async def run():
        connection = KINDS[name](
            name,
            WallClock(),
            RateBudget("test", 1e6, 1e6, tmp_path),
            np.random.default_rng(1),
            url="http://127.0.0.1:9",
            socket_url="ws://127.0.0.1:9",
            retries=1,
        )
        pair = "BTC-USDT" if name == "binance" else "BTC-EUR"
        try:
            with pytest.raises(Unreachable, match=r"time: cannot be reached .*127\.0\.0\.1:9"):
                await connection.time()
            with pytest.raises(Unreachable, match=r"connection: .*127\.0\.0\.1:9"):
                await connection.listen((pair,), MINUTE, frozenset(Channel), lambda heard: None)
        finally:
            await connection.close()

    asyncio.run(run())


def test_binance_says_what_it_says_in_the_documents(tmp_path):
    asked = []

    async def play(socket):
        asked.extend(await until(socket, 2))
        kline = dict(t=OPEN_MS, T=OPEN_MS + 59_999, i="1m", o="100.0", c="100.6", h="101.0")
        kline |= dict(l="99.0", v="2", n=2, x=True, q="200")
        trade = dict(a=7, p="100.4", q="0.5", f=1, l=2, T=MS, m=True, M=True)
        await socket.send_json({"e": "aggTrade", "E": MS, "s": "BTCUSDT", **trade})
        for frame in asked:
            await socket.send_json({"result": None, "id": frame["id"]})
        await socket.ping(b"1795")
        await socket.send_json({"e": "kline", "E": MS, "s": "BTCUSDT", "k": kline})
        await socket.send_json({"e": "somethingNew"})
        await socket.send_json({"e": "serverShutdown", "E": MS})
        await socket.receive()

    heard, end = listened("binance", tmp_path, play)
    assert [frame["method"] for frame in asked] == ["SUBSCRIBE"] * 2
    assert sorted(frame["params"] for frame in asked) == [
        ["btcusdt@aggTrade"],
        ["btcusdt@kline_1m"],
    ]
    assert heard == [
        HeardTrade(Trade("BTC-USDT", "7", MS * 10**6, 100.4, 0.5, -1)),
        HeardBeat(),
        Listening(),
        HeardBeat(),
        HeardBeat(),
        HeardCandle(Candle("BTC-USDT", OPEN_MS * 10**6, 100.0, 101.0, 99.0, 100.6, 2.0), True),
        HeardBeat(),
    ]
    assert isinstance(end, Unreachable)
    assert "about to close" in str(end)


def test_bitvavo_says_what_it_says_in_the_documents(tmp_path):
    asked = []

    async def play(socket):
        asked.extend(await until(socket, 2))
        await socket.send_json({"event": "subscribed", "subscriptions": {"trades": ["BTC-EUR"]}})
        candles = {"candles": {"1m": ["BTC-EUR"]}, "trades": ["BTC-EUR"]}
        await socket.send_json({"event": "subscribed", "subscriptions": candles})
        trade = dict(id="uuid", price="100", amount="1", side="buy", timestamp=OPEN_MS)
        await socket.send_json({"event": "trade", "market": "BTC-EUR", **trade})
        rows = [
            [OPEN_MS + 60_000, "100", "100", "100", "100", "1"],
            [OPEN_MS, "100", "101", "99", "100.1", "1"],
        ]
        candle = {"event": "candle", "market": "BTC-EUR", "interval": "1m", "candle": rows}
        await socket.send_json(candle)

    heard, end = listened("bitvavo", tmp_path, play)
    assert [frame["action"] for frame in asked] == ["subscribe"] * 2
    assert heard == [
        HeardBeat(),
        Listening(),
        HeardBeat(),
        HeardTrade(Trade("BTC-EUR", "uuid", OPEN_MS * 10**6, 100.0, 1.0, 1)),
        HeardCandle(Candle("BTC-EUR", OPEN_MS * 10**6, 100.0, 101.0, 99.0, 100.1, 1.0), None),
        HeardCandle(
            Candle("BTC-EUR", (OPEN_MS + 60_000) * 10**6, 100.0, 100.0, 100.0, 100.0, 1.0), None
        ),
    ]
    assert isinstance(end, Unreachable)
    assert "the exchange closed the connection" in str(end)


@pytest.mark.parametrize(
    ("name", "frame"),
    [
        *[("binance", frame) for frame in ("[]", "5", "null", '{"e":"aggTrade"}', "x", "{")],
        (
            "binance",
            '{"e":"aggTrade","s":"ETHUSDT","a":1,"p":"1","q":"1","T":1795212170291,"m":true}',
        ),
        ("binance", '{"e":"aggTrade","s":"BTCUSDT","a":1,"p":"1","q":"1","T":1795212170291,"m":1}'),
        ("binance", '{"e":"aggTrade","s":[],"a":1}'),
        ("binance", '{"e":"kline","s":"BTCUSDT","k":{"x":true,"i":"5m"}}'),
        ("binance", '{"e":"kline","s":"BTCUSDT","k":[]}'),
        *[("bitvavo", frame) for frame in ("[]", '{"event":"trade"}', '{"event":"candle"}')],
        ("bitvavo", '{"event":"trade","market":"BTC-EUR","side":"up"}'),
        ("bitvavo", '{"event":"subscribed","subscriptions":[]}'),
        ("bitvavo", '{"action":"getBook","response":[]}'),
    ],
)
def test_a_frame_that_cannot_be_right_ends_the_connection(tmp_path, name, frame):
    async def play(socket):
        await until(socket, 2)
        await socket.send_str(frame)
        await socket.receive()

    heard, end = listened(name, tmp_path, play)
    assert heard == []
    assert type(end) is Unreachable
    assert "cannot be r" in str(end) and "\n" not in str(end)


@pytest.mark.parametrize(
    ("name", "frame", "kind"),
    [
        ("binance", {"error": {"code": 2, "msg": "Invalid request"}, "id": 1}, Refused),
        ("binance", {"code": -1003, "msg": "Too many requests"}, TooOften),
        ("bitvavo", {"errorCode": 204, "error": "no such channel", "action": "subscribe"}, Refused),
        ("bitvavo", {"errorCode": 105, "error": "banned", "action": "subscribe"}, TooOften),
        ("bitvavo", {"errorCode": 109, "error": "overloaded", "action": "getBook"}, Unreachable),
    ],
)
def test_a_declined_subscription_ends_the_connection_with_the_reason(tmp_path, name, frame, kind):
    async def play(socket):
        await until(socket, 2)
        await socket.send_json(frame)
        await socket.receive()

    filters = [{"filterType": "LOT_SIZE", "stepSize": "0.1"}]
    symbol = dict(baseAsset="BTC", quoteAsset="USDT", status="TRADING", filters=filters)
    market = dict(market="BTC-EUR", status="trading", quantityDecimals=8, tickSize="1")
    markets = {
        "/api/v3/exchangeInfo": {"symbols": [symbol]},
        "/v2/markets": [market | {"minOrderInQuoteAsset": "5"}],
    }
    _, end = listened(name, tmp_path, play, answer=lambda path, query: markets[path])
    assert type(end) is kind
    assert "subscription: " in str(end) and "\n" not in str(end)


def test_bitvavo_begins_a_book_by_what_the_socket_answers_and_anew_when_numbers_restart(tmp_path):
    states = []

    async def play(socket):
        await until(socket, 1)
        await socket.send_json({"event": "subscribed", "subscriptions": {"book": ["BTC-EUR"]}})
        for first in (1_000, 1):  # the engine restarts
            (asked,) = await until(socket, 1)
            states.append(asked)
            book = {"event": "book", "market": "BTC-EUR", "timestamp": MS}
            bids, asks = [["100.00", str(first)]], [["101", "1"]]
            snapshot = {"market": "BTC-EUR", "nonce": first, "bids": bids, "asks": asks}
            await socket.send_json({"action": "getBook", "response": snapshot})
            await socket.send_json(book | {"nonce": first, "bids": [], "asks": []})
            await socket.send_json(
                book | {"nonce": first + 1, "bids": [], "asks": [["101.00", "2"]]}
            )
            await socket.send_json(book | {"nonce": 0, "bids": [], "asks": []})

    found = []

    async def work(connection, server):
        def hear(heard):
            book = connection.books["BTC-EUR"]
            if book.valid:
                found.append((book.time, book.best(True, 9), book.best(False, 9)))

        with pytest.raises(Unreachable):
            await connection.listen(("BTC-EUR",), MINUTE, frozenset({Channel.BOOKS}), hear)

    connected("bitvavo", tmp_path, work, lambda path, query: {"time": MS}, play)
    assert [(s["action"], s["market"]) for s in states] == [("getBook", "BTC-EUR")] * 2
    asked = [(("100.00", "1000"), ("101", "1")), (("100.00", "1000"), ("101.00", "2"))]
    asked += [(("100.00", "1"), ("101", "1")), (("100.00", "1"), ("101.00", "2"))]
    assert found == [(MS * 10**6, [bid], [ask]) for bid, ask in asked]


def test_the_sandbox_is_binances_alone_and_shown_to_the_client():
    exchange = Binance(sandbox=True, name="binance_testnet")
    connection = exchange.connect(WallClock())

    async def address():
        client = connection.open_client()
        told = client.urls["api"]["public"]
        await client.close()
        await connection.close()
        return told

    assert asyncio.run(address()) == "https://testnet.binance.vision/api/v3"
    assert "sandbox" not in Bitvavo.__dataclass_fields__


def test_prices_of_the_test_network_are_not_stored_with_the_markets():
    with pytest.raises(ValidationError, match="set name too, such as binance_testnet"):
        Binance(sandbox=True)


@pytest.mark.parametrize(("kind", "fees"), [(Binance, (10, 10)), (Bitvavo, (20, 25))])
def test_fees_and_pairs_as_they_come(kind, fees):
    exchange = kind()
    assert (exchange.maker_fee_bps, exchange.taker_fee_bps) == fees
    assert exchange.is_live and exchange.name in KINDS
    assert set(exchange.intervals) == set(KINDS[exchange.name].timeframes)
    assert list(exchange.intervals) == sorted(exchange.intervals)
