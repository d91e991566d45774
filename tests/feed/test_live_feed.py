import asyncio
import math
from dataclasses import replace

import numpy as np
import pytest
from fake_connection import OFFERS, START_NS, FakeConnection, Spell, made_candles, made_trades
from judging import check_candles, check_trades, sort

from framework.exchange.connection import Channel
from framework.feed.events import State
from framework.feed.live_feed import LiveFeed
from framework.loopback.virtual_time import run_virtual
from framework.session.clock import LoopClock
from framework.types import SECOND_NS, Interval

FIVE = Interval.parse("5s")
ALL = frozenset(Channel)
PAIRS = ("BTC-AUD", "ETH-AUD", "ADA-AUD")
RATES = (3.0, 0.5, 0.05)


async def _collect(feed, clock, seconds):
    events = []

    async def read():
        async for event in feed:
            events.append(event)

    async with feed:
        reader = asyncio.create_task(read())
        await clock.sleep(seconds)
    await reader
    return events


def play(seed, spells, offers=OFFERS, seconds=120.0, watermark=None, channels=ALL, **options):
    rng = np.random.default_rng(seed)
    market = {
        pair: made_trades(rng, pair, seconds, rate) for pair, rate in zip(PAIRS, RATES, strict=True)
    }
    clock = LoopClock(START_NS)
    connection = FakeConnection(clock, market, offers, spells, rng)

    async def run():
        feed = LiveFeed(connection, clock, PAIRS, FIVE, watermark or {}, channels, rng, **options)
        return await _collect(feed, clock, seconds)

    events = run_virtual(run())
    assert connection.closed
    assert connection.sockets == 0
    return connection, *sort(events)


def check(connection, told, until_s, first_ns=START_NS, revisable=False, gone=False):
    until_ns = START_NS + round(until_s * SECOND_NS)
    for pair in PAIRS:
        trades = connection.market[pair]
        truth = made_candles(pair, trades, FIVE, first_ns, until_ns + 10**12)
        before = [t.price for t in trades if t.time < first_ns]
        close = before[-1] if before else math.nan
        assert told[pair].closed[-1].candle.time >= until_ns - 2 * FIVE.ns
        told[pair].closed = [e for e in told[pair].closed if e.candle.time < until_ns]
        told[pair].revised = [e for e in told[pair].revised if e.candle.time < until_ns]
        check_candles(told[pair], truth, FIVE, first_ns, close, revisable)
        check_trades(told[pair], trades, first_ns, until_ns, gone)


def test_a_calm_hour_tells_every_candle_and_trade():
    connection, told, states = play(1, ())
    check(connection, told, 110)
    assert [s.state for s in states] == [State.CONNECTING, State.LIVE, State.STOPPED]
    assert not any(e.late for e in told["BTC-AUD"].traded if e.trade.time > START_NS + 2 * 10**9)


SPELLS = {
    "drop": Spell("drop", 22.3, 22.4),
    "drop at the boundary": Spell("drop", 24.97, 25.04),
    "refuse": [Spell("drop", 22.3, 22.4), Spell("refuse", 22, 40)],
    "silence": Spell("silence", 22, 24),
    "twice": Spell("twice", 20, 60),
    "swap": Spell("swap", 20, 60, 2.0),
    "lose": Spell("lose", 20, 60),
    "late rows": Spell("late_rows", 20, 60, 4.0),
    "old rows": Spell("old_rows", 20, 60, 4.0),
    "down": Spell("down", 20, 60),
    "huge rows": Spell("huge_rows", 20, 60),
    "huge trades": Spell("huge_trades", 20, 60),
    "all down": [Spell("drop", 20, 60), Spell("down", 20, 60)],
}


@pytest.mark.parametrize("name", SPELLS)
@pytest.mark.parametrize("kind", ["trades only", "newest trades", "says closed", "stream"])
def test_candles_and_trades_are_true_whatever_happens(name, kind):
    offers = {
        "trades only": OFFERS,
        "newest trades": replace(OFFERS, trade_history=False),
        "says closed": replace(OFFERS, candle_stream=True, says_closed=True),
        "stream": replace(OFFERS, candle_stream=True),
    }[kind]
    spells = SPELLS[name]
    connection, told, _ = play(3, spells if isinstance(spells, list) else [spells], offers)
    check(connection, told, 100, gone=kind == "newest trades")


@pytest.mark.parametrize("seed", range(60))
def test_random_spells(seed):
    rng = np.random.default_rng([seed, 7])
    kinds = ["drop", "refuse", "silence", "twice", "swap", "lose", "late_rows", "old_rows", "down"]
    kinds += ["huge_rows", "huge_trades", "lose_closed"]
    spells = []
    for _ in range(int(rng.integers(1, 7))):
        start_s = float(rng.uniform(0, 60))
        length_s = float(rng.exponential(8)) + 0.2
        value = float(rng.uniform(0.2, 5))
        spells.append(Spell(str(rng.choice(kinds)), start_s, min(start_s + length_s, 80), value))
    offers = replace(
        OFFERS, candle_stream=bool(seed % 2), says_closed=bool(seed % 2), trade_history=seed % 3 > 0
    )
    connection, told, _ = play(seed, spells, offers, 140)
    check(connection, told, 100, gone=seed % 3 == 0)
