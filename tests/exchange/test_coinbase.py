"""Coinbase's connection against a server that says what a test wants."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from aiohttp import web
from scripted_server import Answer, Play, ScriptedServer, until

from framework.errors import UserError
from framework.exchange.coinbase_connection import CoinbaseConnection
from framework.exchange.connection import (
    Channel,
    Heard,
    HeardBeat,
    HeardBook,
    HeardTrade,
    Listening,
)
from framework.exchange.faults import Refused, TooOften, Unreachable
from framework.exchange.rate_budget import RateBudget
from framework.market.live import Trade
from framework.session.clock import WallClock
from framework.types import SECOND_NS, Interval

MINUTE = Interval.parse("1m")
START_S = 1_795_212_120  # 2026-11-20T22:02
START = START_S * SECOND_NS
PRODUCTS = {
    "products": [
        {
            "product_id": "BTC-USD",
            "product_type": "SPOT",
            "base_increment": "0.00000001",
            "quote_increment": "0.01",
            "price_increment": "0.01",
            "quote_min_size": "1",
            "status": "online",
            "trading_disabled": False,
        },
        {
            "product_id": "OLD-USD",
            "product_type": "SPOT",
            "base_increment": "",
            "quote_increment": "0.001",
            "status": "delisted",
        },
        {"product_id": "BIT-FUT", "product_type": "FUTURE"},
    ]
}
BASE = "/api/v3/brokerage"
CANDLES = f"{BASE}/market/products/BTC-USD/candles"
TRADES = f"{BASE}/market/products/BTC-USD/ticker"


def ran(
    tmp_path: Path,
    answer: Answer,
    use: Callable[[CoinbaseConnection], Any],
    play: Play | None = None,
) -> tuple[Any, list[tuple[str, dict[str, str]]]]:
    """Return what `use` returns, and what was asked."""

    def answered(path: str, query: dict[str, str]) -> object:
        return PRODUCTS if path == f"{BASE}/market/products" else answer(path, query)

    async def main() -> tuple[Any, list[tuple[str, dict[str, str]]]]:
        async with ScriptedServer(answered, play) as server:
            connection = CoinbaseConnection(
                "coinbase",
                WallClock(),
                RateBudget("coinbase", 1e6, 1e6, tmp_path),
                np.random.default_rng(1),
                symbols=("BTC-USD",),
                url=server.url,
                socket_url=server.socket_url,
                retries=0,
            )
            try:
                return await use(connection), server.asked
            finally:
                await connection.close()

    return asyncio.run(main())


def test_the_time_is_told_in_milliseconds(tmp_path: Path) -> None:
    answer = {"iso": "2026-11-20T22:02:00Z", "epochSeconds": "1795212120"}
    answer["epochMillis"] = "1795212120333"
    time, asked = ran(tmp_path, lambda *_: answer, lambda c: c.time())
    assert time == START + 333_000_000 and asked == [(f"{BASE}/time", {})]


def test_only_spot_markets_are_markets(tmp_path: Path) -> None:
    markets, _ = ran(tmp_path, lambda *_: {}, lambda c: c.markets())
    assert list(markets) == ["BTC-USD", "OLD-USD"]
    assert markets["BTC-USD"].online and not markets["OLD-USD"].online
    rules = markets["BTC-USD"].rules
    assert (rules.lot_step, rules.tick_size, rules.min_notional) == (1e-8, 0.01, 1.0)
    assert (markets["OLD-USD"].rules.lot_step, markets["OLD-USD"].rules.tick_size) == (0, 0.001)


def row(minute: int) -> dict[str, str]:
    start = str(START_S + 60 * minute)
    prices = {"low": "66055.14", "high": "66331.99", "open": "66312.4", "close": "66181.6"}
    return {"start": start, **prices, "volume": f"{minute}.5"}


@pytest.mark.parametrize("inclusive", [True, False])
def test_pages_of_candles_leave_no_hole_whatever_their_end_means(
    tmp_path: Path, inclusive: bool
) -> None:
    def answer(path: str, query: dict[str, str]) -> object:
        assert path == CANDLES and query["granularity"] == "ONE_MINUTE"
        first = (int(query["start"]) - START_S) // 60
        last = (int(query["end"]) - START_S) // 60
        rows = [row(minute) for minute in range(first, last + inclusive) if minute != 7]
        assert len(rows) <= 300
        return {"candles": rows[::-1]}

    rows, asked = ran(
        tmp_path, answer, lambda c: c.candles("BTC-USD", MINUTE, START, START + 700 * MINUTE.ns)
    )
    minutes = [minute for minute in range(700) if minute != 7]
    assert rows.time.tolist() == [START + minute * MINUTE.ns for minute in minutes]
    assert rows.volume.tolist() == [minute + 0.5 for minute in minutes]
    assert (rows.open[0], rows.high[0], rows.low[0], rows.close[0]) == (
        66312.4,
        66331.99,
        66055.14,
        66181.6,
    )
    assert len(asked) == 3


def told(id: int, millis: int, side: str = "BUY", price: str = "100") -> dict[str, str]:
    time = np.datetime_as_string(np.datetime64(START_S * 1_000 + millis, "ms"))
    trade = {"trade_id": str(id), "product_id": "BTC-USD", "price": price, "size": "0.1"}
    return {**trade, "time": f"{time}Z", "side": side, "bid": "", "ask": ""}


def serving(trades: list[dict[str, str]], most: int, inclusive: bool) -> Answer:
    """Serve the newest `most` of a range, newest first, as the exchange does."""

    def answer(path: str, query: dict[str, str]) -> object:
        assert path == TRADES
        end = int(query["end"]) * 1_000 + inclusive
        within = [
            trade for trade in trades if int(query["start"]) * 1_000 <= millis_of(trade) < end
        ]
        newest = sorted(within, key=lambda t: int(t["trade_id"]), reverse=True)
        return {"trades": newest[: min(most, int(query["limit"]))]}

    return answer


def millis_of(trade: dict[str, str]) -> int:
    return int(np.datetime64(trade["time"][:-1], "ms").astype(np.int64))


@pytest.mark.parametrize("inclusive", [True, False])
@pytest.mark.parametrize("most", [4, 1_000])
def test_pages_of_trades_go_back_until_nothing_is_new(
    tmp_path: Path, most: int, inclusive: bool
) -> None:
    trades = [told(100 + i, 700 * i) for i in range(-2, 40)]
    (found, complete_from_ns), _ = ran(
        tmp_path,
        serving(trades, most, inclusive),
        lambda c: c.trades("BTC-USD", START + 1, START + 21 * SECOND_NS),
    )
    # 700 ms apart: those from 700 ms on and before 21 s are 101 to 129.
    assert [trade.id for trade in found] == [str(id) for id in range(101, 130)]
    assert complete_from_ns == START + 1


def test_more_trades_in_a_second_than_a_page_holds_are_said_to_be_missing(tmp_path: Path) -> None:
    crowd = [told(1_000 + i, 5_000) for i in range(1_200)]
    trades = [told(1, 1_000), *crowd, told(9_000, 7_000)]
    (found, complete_from_ns), _ = ran(
        tmp_path,
        serving(trades, 1_000, False),
        lambda c: c.trades("BTC-USD", START, START + 60 * SECOND_NS),
    )
    assert complete_from_ns == START + 6 * SECOND_NS
    assert found[0].id == "1" and found[-1].id == "9000"


def test_newest_trades_in_place_of_a_range_are_not_taken_for_it(tmp_path: Path) -> None:
    newest = {"trades": [told(2, 500_000), told(1, 400_000)]}
    (found, complete_from_ns), _ = ran(
        tmp_path,
        lambda *_: newest,
        lambda c: c.trades("BTC-USD", START, START + 60 * SECOND_NS),
    )
    assert found == [] and complete_from_ns == START + 400 * SECOND_NS + 1


def test_the_side_told_is_that_of_who_rested_in_the_book(tmp_path: Path) -> None:
    trades = [told(1, 1_000, "BUY"), told(2, 2_000, "SELL")]
    (found, _), _ = ran(
        tmp_path,
        serving(trades, 1_000, True),
        lambda c: c.trades("BTC-USD", START, START + 60 * SECOND_NS),
    )
    assert found == [
        Trade("BTC-USD", "1", START + SECOND_NS, 100.0, 0.1, -1),
        Trade("BTC-USD", "2", START + 2 * SECOND_NS, 100.0, 0.1, 1),
    ]


def test_an_unknown_pair_is_answered_with_the_nearest(tmp_path: Path) -> None:
    declined = (404, {"error": "NOT_FOUND", "message": "valid product_id is required"})
    with pytest.raises(UserError, match=r"has no market 'BTC-USX'\. Did you mean 'BTC-USD'\?"):
        ran(tmp_path, lambda *_: declined, lambda c: c.candles("BTC-USX", MINUTE, START, START + 1))


def candles(**changes: object) -> dict[str, object]:
    return {"candles": [{**row(0), **changes}]}


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        ((429, {"error": "rate_limit_exceeded"}), TooOften),
        ((503, "<html>"), Unreachable),
        ((404, "<html>"), Unreachable),
        ("<html>", Unreachable),
        ('{"candles":[{"start":"179', Unreachable),
        ("", Unreachable),
        ("[]", Unreachable),
        ({"candles": {}}, Unreachable),
        (candles(start="soon"), Unreachable),
        (candles(start=START_S), Unreachable),
        (candles(start=str(START_S + 1)), Unreachable),
        (candles(close="soon"), Unreachable),
        (candles(close=None), Unreachable),
        (candles(volume=[]), Unreachable),
        (json.dumps(candles(volume="?")).replace('"?"', "Infinity"), Unreachable),
        ((403, {"error": "PERMISSION_DENIED", "message": "no"}), Refused),
    ],
)
def test_what_cannot_be_right_is_never_handed_on(
    tmp_path: Path, answer: object, fault: type[Exception]
) -> None:
    with pytest.raises(fault):
        ran(tmp_path, lambda *_: answer, lambda c: c.candles("BTC-USD", MINUTE, START, START + 1))


@pytest.mark.parametrize("close", ["-1", "NaN", "1e300", "0"])
def test_values_of_candles_are_as_served(tmp_path: Path, close: str) -> None:
    rows, _ = ran(
        tmp_path,
        lambda *_: candles(close=close),
        lambda c: c.candles("BTC-USD", MINUTE, START, START + 1),
    )
    np.testing.assert_array_equal(rows.close, [float(close)])


def frame(channel: str, number: int, *events: dict[str, Any]) -> dict[str, Any]:
    head = {"channel": channel, "client_id": "", "timestamp": "2026-11-20T22:02:01.5Z"}
    return {**head, "sequence_num": number, "events": list(events)}


def levels(kind: str, *updates: tuple[str, str, str]) -> dict[str, Any]:
    names = ("side", "price_level", "new_quantity")
    time = "1970-01-01T00:00:00Z" if kind == "snapshot" else "2026-11-20T22:02:01.25Z"
    rows = [{**dict(zip(names, update, strict=True)), "event_time": time} for update in updates]
    return {"type": kind, "product_id": "BTC-USD", "updates": rows}


async def confirm(socket: web.WebSocketResponse, count: int) -> tuple[list[dict[str, Any]], int]:
    """Confirm each subscription as it comes; return what was asked, and the next number."""
    frames = await until(socket, count)
    subscribed: dict[str, list[str]] = {}
    for number, asked in enumerate(frames):
        subscribed[asked["channel"]] = asked["product_ids"] or ["heartbeats"]
        await socket.send_json(frame("subscriptions", number, {"subscriptions": subscribed}))
    return frames, count


def listened(
    tmp_path: Path,
    play: Play,
    channels: frozenset[Channel],
    watch: Callable[[CoinbaseConnection, Heard], None] = lambda *_: None,
    pairs: tuple[str, ...] = ("BTC-USD",),
) -> tuple[list[Heard], BaseException]:
    """Return what was heard until the connection ended, and how it ended."""
    heard: list[Heard] = []

    async def listen(connection: CoinbaseConnection) -> BaseException:
        def hear(event: Heard) -> None:
            heard.append(event)
            watch(connection, event)

        try:
            async with asyncio.timeout(20):
                await connection.listen(pairs, MINUTE, channels, hear)
        except (Unreachable, Refused, UserError) as fault:
            return fault
        raise AssertionError("listening never returns")

    fault, _ = ran(tmp_path, lambda *_: {}, listen, play)
    return heard, fault


def test_trades_are_heard_in_order_and_a_repeated_frame_is_not(tmp_path: Path) -> None:
    asked: list[dict[str, Any]] = []

    async def play(socket: web.WebSocketResponse) -> None:
        frames, number = await confirm(socket, 2)
        asked.extend(frames)
        newest_first = {"type": "snapshot", "trades": [told(2, 2_000), told(1, 1_000)]}
        await socket.send_json(frame("market_trades", number, newest_first))
        await socket.send_json(frame("heartbeats", number + 1, {"heartbeat_counter": 7}))
        for _ in range(2):
            update = {"type": "update", "trades": [told(3, 3_000)]}
            await socket.send_json(frame("market_trades", number + 2, update))

    heard, fault = listened(tmp_path, play, frozenset({Channel.TRADES, Channel.CANDLES}))
    assert {one["channel"]: one["product_ids"] for one in asked} == {
        "heartbeats": [],
        "market_trades": ["BTC-USD"],
    }
    assert not any("signature" in one or "jwt" in one for one in asked)
    assert [event for event in heard if not isinstance(event, HeardBeat)] == [
        Listening(),
        *(
            HeardTrade(Trade("BTC-USD", str(id), START + id * SECOND_NS, 100.0, 0.1, -1))
            for id in (1, 2, 3)
        ),
    ]
    assert isinstance(fault, Unreachable)


def test_a_hole_in_the_sequence_ends_the_connection_and_its_books(tmp_path: Path) -> None:
    states: list[tuple[bool, int, list[list[float]]]] = []
    books: list[Any] = []

    async def play(socket: web.WebSocketResponse) -> None:
        _, number = await confirm(socket, 2)
        before = levels("update", ("bid", "99.5", "1"))
        whole = levels("snapshot", ("bid", "99", "1"), ("offer", "101", "2.5"))
        later = levels("update", ("bid", "99", "0"), ("bid", "98.5", "4"))
        for step, event in enumerate((before, whole, later)):
            await socket.send_json(frame("l2_data", number + step, event))
        await socket.send_json(frame("heartbeats", number + 4))
        await socket.receive()

    def watch(connection: CoinbaseConnection, event: Heard) -> None:
        if isinstance(event, HeardBook):
            live = connection.books[event.pair]
            books.append(live)
            states.append((live.valid, live.time, live.state(1).levels[:, 0].tolist()))

    _, fault = listened(tmp_path, play, frozenset({Channel.BOOKS}), watch)
    assert states == [  # of the frame, then of the change itself
        (True, START + 1_500_000_000, [[99.0, 1.0], [101.0, 2.5]]),
        (True, START + 1_250_000_000, [[98.5, 4.0], [101.0, 2.5]]),
    ]
    assert isinstance(fault, Unreachable) and "frames lost: 1" in str(fault)
    assert not books[0].valid


def test_a_pair_against_usdc_is_told_only_as_dollars(tmp_path: Path) -> None:
    async def play(_: web.WebSocketResponse) -> None:
        raise AssertionError("nothing is to be connected to")

    _, fault = listened(tmp_path, play, frozenset({Channel.TRADES}), pairs=("BTC-USDC",))
    assert isinstance(fault, UserError)
    assert "pairs: exchange 'coinbase' tells BTC-USDC live only as BTC-USD" in str(fault)


@pytest.mark.parametrize(
    ("pair", "kind"), [("BTC-USX", UserError), ("BTC-USD", (Refused, Unreachable))]
)
def test_a_declined_subscription_ends_the_connection(
    tmp_path: Path, pair: str, kind: type[Exception]
) -> None:
    async def play(socket: web.WebSocketResponse) -> None:
        await until(socket, 2)
        await socket.send_json({"type": "error", "message": "failed to subscribe"})
        await socket.receive()

    _, fault = listened(tmp_path, play, frozenset({Channel.TRADES}), pairs=(pair,))
    assert isinstance(fault, kind)


def trade_frame(**changes: object) -> dict[str, Any]:
    return frame(
        "market_trades", 3, {"type": "update", "trades": [told(1, 0), {**told(2, 0), **changes}]}
    )


@pytest.mark.parametrize(
    "text",
    [
        "<html>",
        "[]",
        "{}",
        json.dumps(trade_frame())[:-20],
        json.dumps(trade_frame(price="?")).replace('"?"', "NaN"),
        *(
            json.dumps(trade_frame(**{name: value}))
            for name, value in (
                ("price", "nan"),
                ("price", "1e300"),
                ("price", "-5"),
                ("price", {}),
                ("size", "0"),
                ("side", "BOTH"),
                ("side", 1),
                ("trade_id", None),
                ("time", "soon"),
                ("product_id", "ETH-USD"),
            )
        ),
        json.dumps({**trade_frame(), "sequence_num": "3"}),
        json.dumps(frame("l2_data", 3, levels("snapshot", ("bid", "99", "-1")))),
        json.dumps(frame("l2_data", 3, levels("snapshot", ("bid", "0", "1")))),
        json.dumps(frame("l2_data", 3, levels("snapshot", ("ask", "99", "1")))),
        json.dumps(frame("l2_data", 3, levels("other", ("bid", "99", "1")))),
        json.dumps({**frame("l2_data", 3), "timestamp": 7}),
    ],
)
def test_a_frame_that_cannot_be_right_ends_the_connection(tmp_path: Path, text: str) -> None:
    async def play(socket: web.WebSocketResponse) -> None:
        await confirm(socket, 3)
        await socket.send_str(text)
        await socket.receive()

    heard, fault = listened(tmp_path, play, frozenset({Channel.TRADES, Channel.BOOKS}))
    assert isinstance(fault, Unreachable)
    assert all(isinstance(event, HeardBeat | Listening) for event in heard)
