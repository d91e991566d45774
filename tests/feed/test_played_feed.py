import asyncio

import numpy as np
import pytest

from framework.errors import UserError
from framework.exchange.connection import Channel
from framework.exchange.load import load_candles
from framework.exchange.simulated import Simulated
from framework.feed.events import CandleClosed, State
from framework.feed.feed_of import Wanted, feed_of
from framework.feed.live_feed import LiveFeed
from framework.feed.played_feed import PlayedFeed
from framework.loopback.virtual_time import run_virtual
from framework.market.candles import Standing
from framework.session.clock import LoopClock
from framework.types import SECOND_NS, Interval, parse_time

START_NS = parse_time("2025-03-01")
END_NS = parse_time("2025-03-01T02:00")
MINUTE = Interval.parse("1m")
PAIRS = ("BTC-AUD", "ADA-AUD")
RNG = np.random.default_rng(1)


def wanted(**changes):
    fields = {
        "pairs": PAIRS,
        "interval": MINUTE,
        "channels": frozenset({Channel.CANDLES}),
        "watermark": dict.fromkeys(PAIRS, START_NS),
        "end_ns": END_NS,
    }
    return Wanted(**{**fields, **changes})


def played(clock_start_ns=START_NS, **changes):
    """Return each event with the seconds of the clock at which it came."""

    async def run():
        clock = LoopClock(clock_start_ns)
        found = []
        async with feed_of(Simulated(), clock, wanted(**changes), RNG) as feed:
            async for event in feed:
                found.append(((clock.now_ns() - START_NS) / SECOND_NS, event))
        return found

    return run_virtual(run())


def test_candles_equal_those_that_a_backtest_trades_on():
    events = [event for _, event in played(paced=False)]
    loaded = load_candles(Simulated(), PAIRS, MINUTE, START_NS, END_NS, 0, None).candles
    assert events[0].state is State.LIVE
    assert events[-1].state is State.STOPPED
    closed = events[1:-1]
    assert len(closed) == 240
    for index, event in enumerate(closed):
        bar, n = divmod(index, 2)
        assert (event.candle.time, event.candle.pair) == (int(loaded.time[bar]), PAIRS[n])
        for name in ("open", "high", "low", "close", "volume"):
            assert getattr(event.candle, name) == getattr(loaded, name)[bar, n]
        assert event.standing == loaded.standing[bar, n]
    # A quarter or so of ADA's minutes are quiet.
    flat = [e for e in closed if e.standing is Standing.FLAT]
    assert flat
    assert all(e.candle.volume == 0 for e in flat)


def test_each_bar_comes_at_its_close_for_all_pairs_at_once():
    moments = [(at, e) for at, e in played() if isinstance(e, CandleClosed)]
    assert [at for at, _ in moments] == [60.0 * (1 + k // 2) for k in range(240)]


def test_what_closed_before_the_clock_comes_at_once():
    moments = [at for at, e in played(START_NS + 600 * SECOND_NS) if isinstance(e, CandleClosed)]
    assert moments[:20] == [600.0] * 20
    assert moments[20:24] == [660.0, 660.0, 720.0, 720.0]


def test_unpaced_candles_take_no_time_and_the_feed_is_at_their_close():
    async def run():
        clock = LoopClock(START_NS)
        async with feed_of(Simulated(), clock, wanted(paced=False), RNG) as feed:
            return [feed.now_ns - e.candle.time async for e in feed if hasattr(e, "candle")]

    assert run_virtual(run()) == [MINUTE.ns] * 240
    assert all(at == 0 for at, _ in played(paced=False))


def test_each_pair_begins_at_its_own_watermark():
    watermark = {"BTC-AUD": START_NS + 5 * MINUTE.ns, "ADA-AUD": START_NS}
    closed = [e.candle for _, e in played(watermark=watermark) if isinstance(e, CandleClosed)]
    assert [c.pair for c in closed[:7]] == ["ADA-AUD"] * 5 + ["BTC-AUD", "ADA-AUD"]


def test_without_a_watermark_it_begins_with_the_candle_that_closes_next():
    events = played(START_NS + 90 * SECOND_NS, watermark={})
    first = next(e for _, e in events if isinstance(e, CandleClosed))
    assert first.candle.time == START_NS + MINUTE.ns


def test_an_interval_that_cannot_be_made_is_refused():
    with pytest.raises(UserError, match="whole minutes"):
        played(interval=Interval.parse("5s"))


def test_stopping_tells_no_more():
    async def run():
        clock = LoopClock(START_NS)
        feed = PlayedFeed(Simulated(), clock, PAIRS, MINUTE, dict.fromkeys(PAIRS, START_NS), END_NS)
        async with feed:
            first = [await feed.next() for _ in range(3)]
        return first, await feed.next()

    first, after = run_virtual(run())
    assert len(first) == 3
    assert after is None


def test_a_live_exchange_is_listened_to():
    class Live(Simulated):
        is_live = True

        def connect(self, clock):
            return "a connection"

    async def run():
        await asyncio.sleep(0)
        return feed_of(Live(), LoopClock(START_NS), wanted(), RNG)

    feed = run_virtual(run())
    assert isinstance(feed, LiveFeed)


def test_a_flat_candle_has_the_close_before_it_wherever_the_feed_begins():
    loaded = load_candles(Simulated(), PAIRS, MINUTE, START_NS, END_NS, 0, None).candles
    n = PAIRS.index("ADA-AUD")
    quiet = [bar for bar in range(1, 120) if loaded.standing[bar, n] == Standing.FLAT]
    assert quiet
    for bar in quiet[:5]:
        begin = dict.fromkeys(PAIRS, int(loaded.time[bar]))
        events = played(int(loaded.time[bar]), watermark=begin)
        first = next(
            e for _, e in events if getattr(e, "candle", None) and e.candle.pair == PAIRS[n]
        )
        assert first.standing is Standing.FLAT
        assert first.candle.close == loaded.close[bar, n] == loaded.close[bar - 1, n]
