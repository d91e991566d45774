"""Kraken's connection against a server that says what a test wants."""

from __future__ import annotations

import asyncio
import json
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from aiohttp import web
from scripted_server import Answer, Play, ScriptedServer, until

from framework.errors import UserError
from framework.exchange.connection import (
    Channel,
    Heard,
    HeardBeat,
    HeardBook,
    HeardCandle,
    HeardTrade,
    Listening,
)
from framework.exchange.faults import Refused, TooOften, Unreachable
from framework.exchange.kraken_connection import KrakenConnection
from framework.exchange.rate_budget import RateBudget
from framework.market.live import Candle, Trade
from framework.session.clock import WallClock
from framework.types import SECOND_NS, Interval

MINUTE = Interval.parse("1m")
START = 1_795_212_120 * SECOND_NS  # 2026-11-20T22:02
MARKETS = {
    "error": [],
    "result": {
        "XXBTZUSD": {
            "altname": "XBTUSD",
            "wsname": "XBT/USD",
            "pair_decimals": 1,
            "lot_decimals": 8,
            "tick_size": "0.1",
            "costmin": "0.5",
            "status": "online",
        },
        "XDGEUR": {
            "altname": "XDGEUR",
            "wsname": "XDG/EUR",
            "pair_decimals": 7,
            "lot_decimals": 8,
            "status": "cancel_only",
        },
        "XBTUSD.d": {"altname": "XBTUSD.d"},
    },
}


def with_markets(answer: Answer) -> Answer:
    return lambda path, query: MARKETS if path == "/0/public/AssetPairs" else answer(path, query)


def ran(
    tmp_path: Path,
    answer: Answer,
    use: Callable[[KrakenConnection], Any],
    play: Play | None = None,
    retries: int = 0,
) -> tuple[Any, list[tuple[str, dict[str, str]]]]:
    """Return what `use` returns, and what was asked."""

    async def main() -> tuple[Any, list[tuple[str, dict[str, str]]]]:
        async with ScriptedServer(with_markets(answer), play) as server:
            connection = KrakenConnection(
                "kraken",
                WallClock(),
                RateBudget("kraken", 1e6, 1e6, tmp_path),
                np.random.default_rng(1),
                symbols=("BTC-USD",),
                url=server.url,
                socket_url=server.socket_url,
                retries=retries,
            )
            try:
                return await use(connection), server.asked
            finally:
                await connection.close()

    return asyncio.run(main())


def test_the_time_is_told_in_whole_seconds(tmp_path: Path) -> None:
    answer = {"error": [], "result": {"unixtime": 1_795_212_120, "rfc1123": "…"}}
    time, asked = ran(tmp_path, lambda *_: answer, lambda c: c.time())
    assert time == START and asked == [("/0/public/Time", {})]


def test_markets_go_by_the_names_all_the_world_uses(tmp_path: Path) -> None:
    markets, _ = ran(tmp_path, lambda *_: {}, lambda c: c.markets())
    assert list(markets) == ["BTC-USD", "DOGE-EUR"]
    assert markets["BTC-USD"].online and not markets["DOGE-EUR"].online
    rules = markets["BTC-USD"].rules
    assert (rules.lot_step, rules.tick_size, rules.min_notional) == (1e-8, 0.1, 0.5)
    assert markets["DOGE-EUR"].rules.tick_size == 1e-7


def row(minute: int, close: str = "100.5") -> list[object]:
    time = START // SECOND_NS + 60 * minute
    return [time, "100.0", "101.0", "99.0", close, "100.2", "1.50000000", 3]


def ohlc(rows: list[list[object]]) -> dict[str, object]:
    return {"error": [], "result": {"XXBTZUSD": rows, "last": 1}}


def test_candles_are_those_in_the_range_the_running_one_among_them(tmp_path: Path) -> None:
    rows, asked = ran(
        tmp_path,
        lambda *_: ohlc([row(-1), row(0), row(1, "100.7"), row(2)]),
        lambda c: c.candles("BTC-USD", MINUTE, START, START + 2 * MINUTE.ns),
    )
    assert rows.time.tolist() == [START, START + MINUTE.ns]
    assert rows.close.tolist() == [100.5, 100.7] and rows.volume.tolist() == [1.5, 1.5]
    since = str(START // SECOND_NS - 60)
    assert asked[1:] == [("/0/public/OHLC", {"pair": "XXBTZUSD", "interval": "1", "since": since})]


def told(id: int, seconds: str, price: str, units: str, side: str = "b") -> str:
    whole, decimals = seconds.split(".")
    time = f"{START // SECOND_NS + int(whole)}.{decimals}"
    return f'["{price}","{units}",{time},"{side}","l","",{id}]'


def trade_page(rows: list[str], last: int) -> str:
    return f'{{"error":[],"result":{{"XXBTZUSD":[{",".join(rows)}],"last":"{last}"}}}}'


def test_candles_older_than_the_newest_720_are_not_served(tmp_path: Path) -> None:
    rows, asked = ran(
        tmp_path,
        lambda *_: ohlc([row(minute) for minute in range(2, 722)]),
        lambda c: c.candles("BTC-USD", MINUTE, START, START + 3 * MINUTE.ns),
    )
    assert rows.time.tolist() == [START + 2 * MINUTE.ns]
    assert [path for path, _ in asked] == ["/0/public/AssetPairs", "/0/public/OHLC"]


@pytest.mark.parametrize("close", ["-1", "NaN", "1e300", "0"])
def test_values_of_candles_are_as_served(tmp_path: Path, close: str) -> None:
    rows, _ = ran(
        tmp_path,
        lambda *_: ohlc([row(0, close)]),
        lambda c: c.candles("BTC-USD", MINUTE, START, START + 1),
    )
    np.testing.assert_array_equal(rows.close, [float(close)])


def test_trades_are_read_to_the_nanosecond_each_once(tmp_path: Path) -> None:
    def answer(path: str, query: dict[str, str]) -> str:
        if int(query["since"]) < START:
            rows = [told(7, "1.123456789", "100.1", "0.5", "s"), told(8, "1.2", "100.2", "0.25")]
            return trade_page(rows, START + 1_200_000_000)
        return trade_page([told(8, "1.2", "100.2", "0.25")], START + 1_200_000_000)

    (trades, complete_from_ns), _ = ran(
        tmp_path, answer, lambda c: c.trades("BTC-USD", START, START + 60 * SECOND_NS)
    )
    assert trades == [
        Trade("BTC-USD", "7", START + 1_123_456_789, 100.1, 0.5, -1),
        Trade("BTC-USD", "8", START + 1_200_000_000, 100.2, 0.25, 1),
    ]
    assert complete_from_ns == START


def test_an_unknown_pair_is_answered_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"has no market 'BTC-USX'\. Did you mean 'BTC-USD'\?"):
        ran(tmp_path, lambda *_: {}, lambda c: c.candles("BTC-USX", MINUTE, START, START + 1))


def test_an_interval_that_is_not_there_is_answered_with_the_nearest(tmp_path: Path) -> None:
    two_hours = Interval.parse("2h")
    with pytest.raises(UserError, match=r"no candles of 2h\. Nearest: (1h|4h)"):
        ran(tmp_path, lambda *_: {}, lambda c: c.candles("BTC-USD", two_hours, START, START + 1))


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        ((429, "{}"), TooOften),
        ({"error": ["EGeneral:Too many requests"]}, TooOften),
        ({"error": ["EService:Unavailable"]}, Unreachable),
        ((503, "<html>"), Unreachable),
        ("<html>", Unreachable),
        ('{"error":[],"result":{"XXBTZUSD":[[179521', Unreachable),
        ("", Unreachable),
        ("[]", Unreachable),
        ({"error": [], "result": {"last": 1}}, Unreachable),
        (ohlc([row(0)[:5]]), Unreachable),
        (ohlc([["soon", *row(0)[1:]]]), Unreachable),
        (ohlc([[START // SECOND_NS + 1, *row(0)[1:]]]), Unreachable),
        (ohlc([row(0, "soon")]), Unreachable),
        (json.dumps(ohlc([row(0)])).replace('"100.5"', "NaN"), Unreachable),
        ({"error": ["EGeneral:Permission denied"]}, Refused),
    ],
)
def test_what_cannot_be_right_is_never_handed_on(
    tmp_path: Path, answer: object, fault: type[Exception]
) -> None:
    with pytest.raises(fault):
        ran(tmp_path, lambda *_: answer, lambda c: c.candles("BTC-USD", MINUTE, START, START + 1))


def test_a_passing_fault_is_asked_about_again(tmp_path: Path) -> None:
    answers = iter([(503, "{}"), ohlc([row(0)])])
    rows, _ = ran(
        tmp_path,
        lambda *_: next(answers),
        lambda c: c.candles("BTC-USD", MINUTE, START, START + 1),
        retries=1,
    )
    assert rows.close.tolist() == [100.5]


TRADE = (
    '{"channel":"trade","type":"update","data":[{"symbol":"BTC/USD","side":"sell","price":100.2,'
    '"qty":0.50000000,"ord_type":"market","trade_id":11,"timestamp":"2026-11-20T22:02:00.000001Z"},'
    '{"symbol":"BTC/USD","side":"buy","price":100.3,"qty":1,"ord_type":"limit","trade_id":12,'
    '"timestamp":"2026-11-20T22:02:00.5Z"}]}'
)
CANDLE = (
    '{"channel":"ohlc","type":"update","data":[{"symbol":"BTC/USD","open":100.0,"high":101.0,'
    '"low":99.0,"close":100.7,"trades":3,"volume":1.5,"vwap":100.1,'
    '"interval_begin":"2026-11-20T22:02:00.000000Z","interval":1}]}'
)


def book(kind: str, bids: list[tuple[str, str]], asks: list[tuple[str, str]], checksum: int) -> str:
    def levels(side: list[tuple[str, str]]) -> str:
        return ",".join(f'{{"price":{price},"qty":{units}}}' for price, units in side)

    return (
        f'{{"channel":"book","type":"{kind}","data":[{{"symbol":"BTC/USD","bids":[{levels(bids)}],'
        f'"asks":[{levels(asks)}],"checksum":{checksum},"timestamp":"2026-11-20T22:02:01Z"}}]}}'
    )


def confirmation(frame: dict[str, Any], symbol: str) -> dict[str, Any]:
    result = {**frame["params"], "symbol": symbol}
    return {"method": "subscribe", "req_id": frame.get("req_id"), "result": result, "success": True}


async def confirm(socket: web.WebSocketResponse, count: int) -> list[dict[str, Any]]:
    frames = await until(socket, count)
    for frame in frames:
        for symbol in frame["params"]["symbol"]:
            await socket.send_json(confirmation(frame, symbol))
    return frames


def listened(
    tmp_path: Path,
    play: Play,
    channels: frozenset[Channel],
    watch: Callable[[KrakenConnection, Heard], None] = lambda *_: None,
    answer: Answer = lambda *_: {},
) -> tuple[list[Heard], BaseException]:
    """Return what was heard until the connection ended, and how it ended."""
    heard: list[Heard] = []

    async def listen(connection: KrakenConnection) -> BaseException:
        def hear(event: Heard) -> None:
            heard.append(event)
            watch(connection, event)

        try:
            async with asyncio.timeout(20):
                await connection.listen(["BTC-USD"], MINUTE, channels, hear)
        except (Unreachable, Refused, UserError) as fault:
            return fault
        raise AssertionError("listening never returns")

    fault, _ = ran(tmp_path, answer, listen, play)
    return heard, fault


def test_trades_and_candles_are_heard_once_and_in_order(tmp_path: Path) -> None:
    asked: list[dict[str, Any]] = []

    async def play(socket: web.WebSocketResponse) -> None:
        await socket.send_str('{"channel":"status","type":"update","data":[{"system":"online"}]}')
        asked.extend(await confirm(socket, 2))
        for text in (TRADE, '{"channel":"heartbeat"}', CANDLE, TRADE):
            await socket.send_str(text)

    heard, fault = listened(tmp_path, play, frozenset({Channel.TRADES, Channel.CANDLES}))
    params = {frame["params"].pop("channel"): frame["params"] for frame in asked}
    assert params == {
        "trade": {"symbol": ["BTC/USD"], "snapshot": False},
        "ohlc": {"symbol": ["BTC/USD"], "snapshot": False, "interval": 1},
    }
    trades = [
        HeardTrade(Trade("BTC-USD", "11", START + 1_000, 100.2, 0.5, -1)),
        HeardTrade(Trade("BTC-USD", "12", START + SECOND_NS // 2, 100.3, 1.0, 1)),
    ]
    candle = HeardCandle(Candle("BTC-USD", START, 100.0, 101.0, 99.0, 100.7, 1.5), None)
    assert [event for event in heard if not isinstance(event, HeardBeat)] == [
        Listening(),
        *trades,
        candle,
        *trades,
    ]
    assert isinstance(fault, Unreachable)


# Asks first, points and leading zeros gone: 100.2 0.5, then 100.1 2.0 of which 1.0 is left.
BEFORE = zlib.crc32(b"1002500000001001200000000")
AFTER = zlib.crc32(b"1002500000001001100000000")


def test_a_wrong_checksum_has_the_book_sent_anew(tmp_path: Path) -> None:
    states: list[tuple[bool, list[float]]] = []
    again: list[dict[str, Any]] = []

    async def play(socket: web.WebSocketResponse) -> None:
        await confirm(socket, 1)
        await socket.send_str(book("snapshot", [("100.1", "2.0")], [("100.2", "0.5")], BEFORE))
        await socket.send_str(book("update", [("100.1", "1.0")], [], AFTER))
        await socket.send_str(book("update", [("100.1", "3.0")], [], AFTER))
        await socket.send_str(book("update", [("100.1", "1.0")], [], AFTER))
        again.extend(await until(socket, 2))
        await socket.send_str(book("snapshot", [("100.1", "1.0")], [("100.2", "0.5")], AFTER))

    def watch(connection: KrakenConnection, event: Heard) -> None:
        if isinstance(event, HeardBook):
            live = connection.books[event.pair]
            states.append((live.valid, live.state(1).levels[0, 0].tolist()))

    listened(tmp_path, play, frozenset({Channel.BOOKS}), watch)
    assert [valid for valid, _ in states] == [True, True, False, True]
    assert [best for valid, best in states if valid] == [[100.1, 2.0], [100.1, 1.0], [100.1, 1.0]]
    assert [frame["method"] for frame in again] == ["unsubscribe", "subscribe"]
    assert again[0]["params"] == {"channel": "book", "symbol": ["BTC/USD"], "depth": 10}


def test_books_are_not_valid_once_the_connection_ended(tmp_path: Path) -> None:
    books: list[Any] = []
    were: list[bool] = []

    async def play(socket: web.WebSocketResponse) -> None:
        await confirm(socket, 1)
        await socket.send_str(book("snapshot", [("100.1", "2.0")], [("100.2", "0.5")], BEFORE))

    def watch(connection: KrakenConnection, event: Heard) -> None:
        if isinstance(event, HeardBook):
            books.append(connection.books[event.pair])
            were.append(books[-1].valid)

    listened(tmp_path, play, frozenset({Channel.BOOKS}), watch)
    assert were == [True] and not books[0].valid


def test_a_declined_subscription_of_a_market_that_is_gone_names_the_nearest(
    tmp_path: Path,
) -> None:
    async def play(socket: web.WebSocketResponse) -> None:
        await until(socket, 1)
        gone["wsname"] = "XBT/USX"
        declined = {"error": "Currency pair not supported BTC/USD", "method": "subscribe"}
        await socket.send_json({**declined, "success": False, "symbol": "BTC/USD"})
        await socket.receive()

    result: dict[str, Any] = MARKETS["result"]  # type: ignore[assignment]
    gone = result["XXBTZUSD"]
    try:
        _, fault = listened(tmp_path, play, frozenset({Channel.TRADES}))
    finally:
        gone["wsname"] = "XBT/USD"
    assert isinstance(fault, UserError)
    assert "no market 'BTC-USD'. Did you mean 'BTC-USX'?" in str(fault)


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ("Exceeded msg rate", Unreachable),
        ("Service temporarily unavailable", Unreachable),
        ("Subscription depth not supported", Refused),
    ],
)
def test_a_subscription_declined_for_now_is_worth_another_try(
    tmp_path: Path, said: str, kind: type[Exception]
) -> None:
    async def play(socket: web.WebSocketResponse) -> None:
        await until(socket, 1)
        await socket.send_json({"error": said, "method": "subscribe", "success": False})
        await socket.receive()

    _, fault = listened(tmp_path, play, frozenset({Channel.TRADES}))
    assert type(fault) is kind and said in str(fault)


@pytest.mark.parametrize(
    "text",
    [
        "<html>",
        "[]",
        TRADE[:-20],
        TRADE.replace("100.2", "NaN"),
        TRADE.replace("100.2", "1e300"),
        TRADE.replace("100.2", '"dear"'),
        TRADE.replace("100.2", "-100.2"),
        TRADE.replace("0.50000000", "0"),
        TRADE.replace('"sell"', '"both"'),
        TRADE.replace('"sell"', "7"),
        TRADE.replace("11,", '"11",'),
        TRADE.replace("2026-11-20T22", "1026-11-20T22"),
        TRADE.replace("BTC/USD", "ETH/USD"),
        CANDLE.replace("22:02:00.000000Z", "22:02:01.000000Z"),
        CANDLE.replace("99.0", "null"),
        book("snapshot", [("100.1", "-2.0")], [], 1),
        book("snapshot", [("0", "2.0")], [], 1),
        book("other", [], [], 1),
        book("snapshot", [], [], 1).replace('"bids":[]', '"bids":{}'),
        book("snapshot", [], [], 1).replace('"checksum":1', '"checksum":"1"'),
    ],
)
def test_a_frame_that_cannot_be_right_ends_the_connection(tmp_path: Path, text: str) -> None:
    async def play(socket: web.WebSocketResponse) -> None:
        await confirm(socket, 3)
        await socket.send_str(text)
        await socket.receive()

    heard, fault = listened(tmp_path, play, frozenset(Channel))
    assert isinstance(fault, Unreachable)
    assert all(isinstance(event, HeardBeat | Listening) for event in heard)
