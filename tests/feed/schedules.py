"""A feed over real sockets, for some minutes of made time, while things go wrong."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from judging import Told, check_candles, check_trades, sort

from framework.exchange.connection import Channel
from framework.feed.events import FeedEvent, StateChanged
from framework.feed.live_feed import LiveFeed
from framework.loopback.order_book import BookView, TrueBook
from framework.loopback.script import DRAWN, Fault, Script, draw, lulls_of
from framework.loopback.server import LoopbackServer
from framework.loopback.spoken import component_of, wire_of
from framework.loopback.true_rows import TrueMarket
from framework.loopback.truth import Truth
from framework.loopback.virtual_time import run_virtual
from framework.market.live import Candle, Trade
from framework.session.clock import LoopClock
from framework.types import SECOND_NS, FloatArray, Interval, parse_time

START_NS = parse_time("2026-03-02T10:00:20")
MINUTE = Interval.parse("1m")
BUCKET = Interval.parse("10s")
PAIRS = ("BTC-AUD", "ETH-AUD", "ADA-AUD")
QUOTES = {"binance": "USDT", "bitvavo": "EUR", "kraken": "EUR", "coinbase": "USD"}
BOOKS_PER_SECOND = 2.0
_STAMP_NS = 5 * SECOND_NS  # some exchanges do not stamp their books


@dataclass
class Played:
    """What a feed told, and what it should have."""

    told: dict[str, Told]
    states: list[StateChanged]
    truth: Truth
    script: Script
    start_ns: int
    """In the exchange's time, as are all below."""
    end_ns: int
    book_start_ns: int
    pairs: tuple[str, ...]


def pairs_of(name: str) -> tuple[str, ...]:
    """Return the pairs traded at an exchange in tests."""
    quote = QUOTES.get(name, "AUD")
    return tuple(pair.replace("AUD", quote) for pair in PAIRS)


def drawn(name: str, seed: int, minutes: float, per_minute: float = 2.0) -> Script:
    """Return the script of a seed."""
    rng = np.random.default_rng([seed, len(name)])
    return draw(rng, 60 * minutes, pairs_of(name), DRAWN, per_minute)


def play(name: str, seed: int, script: Sequence[Fault], minutes: float) -> Played:
    """Run an exchange and a feed of it through `script`."""
    return run_virtual(_play(name, seed, tuple(script), minutes))


async def _play(name: str, seed: int, script: Script, minutes: float) -> Played:
    clock = LoopClock(START_NS)
    pairs = pairs_of(name)
    skew_s = sum(fault.value for fault in script if fault.kind.value == "skew")
    lulls = lulls_of(script, START_NS + round(skew_s * SECOND_NS))
    truth = Truth(seed, pairs, BUCKET, 0.3, parse_time("2026-03-01"), lulls)
    wire = wire_of(name)
    events: list[FeedEvent] = []
    server = LoopbackServer(wire, truth, clock, script, seed, BOOKS_PER_SECOND)
    async with server:
        exchange = component_of(name)(
            url=server.url, socket_url=server.socket_url + wire.socket_home, symbols=pairs
        )
        feed = LiveFeed(
            exchange.connect(clock),
            clock,
            pairs,
            MINUTE,
            {},
            frozenset(Channel),
            np.random.default_rng(seed),
        )

        async def read() -> None:
            async for event in feed:
                events.append(event)

        async with feed:
            reader = asyncio.create_task(read())
            await clock.sleep(60 * minutes)
        await reader
        start_ns, end_ns = server.venue.start_ns, server.venue.now_ns()
        book_start_ns = server.venue.book_start_ns
    told, states = sort(events)
    return Played(told, states, truth, script, start_ns, end_ns, book_start_ns, pairs)


def check(played: Played, revisable: bool = True) -> None:
    """Assert that what was told is the truth; the last two minutes may still be in the making."""
    until_ns = MINUTE.floor(played.end_ns - 90 * SECOND_NS)
    first_ns = MINUTE.floor(played.start_ns)
    for pair in played.pairs:
        told = played.told[pair]
        assert told.closed[0].candle.time in (first_ns, first_ns + MINUTE.ns), "the first candle"
        began_ns = told.closed[0].candle.time
        trades = true_trades(played.truth, pair, MINUTE.floor(began_ns) - 100 * MINUTE.ns, until_ns)
        truth = true_candles(played.truth, pair, began_ns, until_ns)
        before = [trade.price for trade in trades if trade.time < began_ns]
        assert told.closed[-1].candle.time >= until_ns - MINUTE.ns, "the last candle"
        told.closed = [e for e in told.closed if e.candle.time < until_ns]
        told.revised = [e for e in told.revised if e.candle.time < until_ns]
        close = before[-1] if before else math.nan
        check_candles(told, truth, MINUTE, began_ns, close, revisable)
        check_trades(told, trades, began_ns, until_ns)
        check_books(played, pair)


def check_books(played: Played, pair: str) -> None:
    """Assert that the last book told is a true one, of about its stamp, and not old."""
    seen = played.told[pair].books
    assert seen, "no book was told"
    state = seen[-1].state
    assert state.time >= played.end_ns - 15 * SECOND_NS, "the last book is old"
    book = TrueBook(played.truth, pair, played.book_start_ns, BOOKS_PER_SECOND)
    book.move(state.time - _STAMP_NS)
    while book.next_ns <= min(played.end_ns, state.time + _STAMP_NS):
        book.move(book.next_ns)
        if _is(book.view(state.levels.shape[1]), state.levels, played.truth.markets[pair]):
            return
    raise AssertionError(f"the last book of {pair} never was")


def _is(view: BookView, levels: FloatArray, market: TrueMarket) -> bool:
    """Tell whether the best levels told are those of `view`."""
    for found, true in zip(levels, (view.bids, view.asks), strict=True):
        expected = np.full_like(found, np.nan)
        expected[: len(true)] = true
        expected /= 10.0 ** np.array([market.price_decimals, market.unit_decimals])
        if not np.allclose(found, expected, rtol=1e-12, atol=0, equal_nan=True):
            return False
    return True


def true_trades(truth: Truth, pair: str, start_ns: int, end_ns: int) -> list[Trade]:
    """Return the trades that were made."""
    market = truth.markets[pair]
    return [
        Trade(
            pair,
            str(trade.id),
            trade.time,
            trade.price / 10.0**market.price_decimals,
            trade.units / 10.0**market.unit_decimals,
            trade.side,
        )
        for trade in truth.trades(pair, start_ns, end_ns)
    ]


def true_candles(truth: Truth, pair: str, start_ns: int, end_ns: int) -> dict[int, Candle]:
    """Return the candles that were."""
    rows = truth.rows(pair, MINUTE, start_ns, end_ns)
    columns = (rows.open, rows.high, rows.low, rows.close, rows.volume)
    table = np.stack(columns, axis=1).tolist()
    return {
        time: Candle(pair, time, *row) for time, row in zip(rows.time.tolist(), table, strict=True)
    }
