"""exchange=loopback: a server in the program, asked the way the real exchange is."""

import asyncio

import numpy as np
import pytest

from framework.exchange.connection import Channel, HeardBook, HeardTrade
from framework.loopback.background import script_of
from framework.loopback.exchange import Loopback
from framework.loopback.script import Kind
from framework.loopback.spoken import SPOKEN
from framework.loopback.truth import Truth
from framework.session.clock import WallClock
from framework.types import DAY_NS, SECOND_NS, Interval, parse_time

MINUTE = Interval.parse("1m")


@pytest.mark.parametrize("speaks", sorted(SPOKEN))
def test_its_history_is_the_true_market_of_its_seed(speaks):
    exchange = Loopback(speaks=speaks, seed=3, symbols=("BTC-EUR", "XRP-EUR"))
    _, end = exchange.default_span("XRP-EUR", MINUTE)
    start = end - 90 * MINUTE.ns
    rows = exchange.rows("XRP-EUR", MINUTE, start, end)
    true = Truth(3, exchange.symbols, Interval.parse("20s")).rows("XRP-EUR", MINUTE, start, end)
    traded = rows.volume > 0  # some exchanges have flat candles where nobody traded
    assert rows.time[traded].tolist() == true.time.tolist()
    for column in ("open", "high", "low", "close"):
        assert getattr(rows, column)[traded].tolist() == getattr(true, column).tolist()
    assert rows.volume[traded] == pytest.approx(true.volume, rel=1e-12)


def test_it_is_heard_live():
    async def listen():
        heard = []
        connection = Loopback(seed=3).connect(WallClock())
        try:
            async with asyncio.timeout(60):
                done = asyncio.Event()

                def hear(one):
                    heard.append(type(one))
                    if {HeardTrade, HeardBook} <= set(heard):
                        done.set()

                channels = frozenset({Channel.TRADES, Channel.BOOKS})
                pairs = Loopback().symbols
                listening = asyncio.create_task(connection.listen(pairs, MINUTE, channels, hear))
                await done.wait()
                listening.cancel()
                await asyncio.gather(listening, return_exceptions=True)
        finally:
            await connection.close()

    asyncio.run(listen())


def test_its_time_runs_as_fast_as_it_says_and_its_own_clock_shows_it():
    """The server and the clock of a session tell the same time, which goes on from run to run."""

    async def ask(exchange):
        clock = exchange.clock_of(WallClock())
        connection = exchange.connect(clock)
        try:
            return [clock.now_ns(), await connection.time(), clock.now_ns()]
        finally:
            await connection.close()

    began_ns = parse_time("2026-05-01T12:00")
    exchange = Loopback(seed=3, speed=60).begun(began_ns)
    assert exchange.since == parse_time("2026-05-01")
    assert exchange.begun(began_ns + DAY_NS) == exchange  # a session that goes on a day later
    before, said, after = asyncio.run(ask(exchange))
    assert before - SECOND_NS <= said <= after + 60 * SECOND_NS
    wall_ns = WallClock().now_ns()
    assert 0 <= exchange.since + 60 * (wall_ns - exchange.since) - before < 60 * 60 * SECOND_NS


def test_at_the_speed_of_the_wall_its_clock_is_the_wall_s():
    wall = WallClock()
    assert Loopback(seed=3).clock_of(wall) is wall


def test_trouble_is_none_harmless_or_all_there_is():
    assert script_of("none", 3) == ()
    calm, rough = script_of("calm", 3), script_of("rough", 3)
    assert len(rough) == pytest.approx(1_440, rel=0.1)  # one a minute, for a day
    assert len(calm) == pytest.approx(288, rel=0.2)
    assert {fault.kind for fault in calm} < {fault.kind for fault in rough}
    assert Kind.UNKNOWN_MARKET not in {fault.kind for fault in rough}


def test_nothing_was_traded_before_its_start():
    exchange = Loopback(seed=3, start="2026-01-01")
    first, _ = exchange.available_span("BTC-AUD", MINUTE)
    assert first == parse_time("2026-01-01")
    rows = exchange.rows("BTC-AUD", MINUTE, first - 100 * MINUTE.ns, first + 100 * MINUTE.ns)
    assert np.all(rows.time >= first)
    assert len(rows) > 50
