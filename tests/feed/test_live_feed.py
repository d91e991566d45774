import asyncio
import math
from dataclasses import replace

import numpy as np
import pytest
from fake_connection import OFFERS, START_NS, FakeConnection, Spell, made_candles, made_trades
from judging import check_candles, check_trades, sort

from framework.errors import UserError
from framework.exchange.connection import Channel
from framework.exchange.faults import Refused
from framework.feed.events import State
from framework.feed.live_feed import LiveFeed
from framework.loopback.virtual_time import run_virtual
from framework.market.candles import Standing
from framework.market.live import Trade
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


@pytest.mark.parametrize("seed", range(40))
def test_random_spells_end_in_the_truth(seed):
    """Where the socket loses a trade and requests lack the same one, the candle is revised."""
    rng = np.random.default_rng([seed, 7])
    kinds = ["drop", "refuse", "silence", "twice", "swap", "lose", "late_rows", "old_rows", "down"]
    kinds += ["huge_rows", "huge_trades", "lose_closed"]
    spells = []
    for _ in range(int(rng.integers(1, 7))):
        start_s = float(rng.uniform(5, 60))
        length_s = float(rng.exponential(8)) + 0.2
        value = float(rng.uniform(0.2, 5))
        spells.append(Spell(str(rng.choice(kinds)), start_s, min(start_s + length_s, 80), value))
    offers = replace(
        OFFERS, candle_stream=bool(seed % 2), says_closed=bool(seed % 2), trade_history=seed % 3 > 0
    )
    connection, told, _ = play(seed, spells, offers, 140)
    check(connection, told, 100, revisable=True, gone=seed % 3 == 0)


def test_candles_of_a_past_watermark_come_first_and_in_order():
    first_ns = START_NS - 300 * FIVE.ns
    rng = np.random.default_rng(5)
    market = {pair: made_trades(rng, pair, 60, 0.4, before_s=3_000) for pair in PAIRS}
    clock = LoopClock(START_NS)
    connection = FakeConnection(clock, market)
    watermark = dict.fromkeys(PAIRS, first_ns)

    async def run():
        feed = LiveFeed(connection, clock, PAIRS, FIVE, watermark, ALL, rng)
        return await _collect(feed, clock, 60)

    told, _ = sort(run_virtual(run()))
    check(connection, told, 40, first_ns)
    assert len(told["BTC-AUD"].closed) == 308  # 300 before the start, 8 in 40 s


def test_what_an_exchange_has_no_more_is_missing():
    offers = replace(OFFERS, oldest_candles=20)
    watermark = dict.fromkeys(PAIRS, START_NS - 200 * FIVE.ns)
    clock = LoopClock(START_NS)
    rng = np.random.default_rng(5)
    market = {pair: made_trades(rng, pair, 60, 2.0, before_s=1_000) for pair in PAIRS}

    class Short(FakeConnection):
        async def candles(self, pair, interval, start_ns, end_ns):
            rows = await super().candles(pair, interval, start_ns, end_ns)
            newest = interval.floor(self.now_ns) - 19 * interval.ns
            return rows.take(np.flatnonzero(rows.time >= newest))

    async def run():
        connection = Short(clock, market, offers)
        channels = frozenset({Channel.CANDLES})
        feed = LiveFeed(connection, clock, PAIRS, FIVE, watermark, channels, rng)
        return await _collect(feed, clock, 60)

    told, _ = sort(run_virtual(run()))
    standings = [e.standing for e in told["BTC-AUD"].closed]
    # Of the last ten minutes trades tell what rows do not; of what is older nothing is known.
    assert standings[:79] == [Standing.MISSING] * 79
    assert standings[81:180] == [Standing.PROVISIONAL] * 99
    assert set(standings[182:]) <= {Standing.CONFIRMED, Standing.FLAT}


def test_a_running_outage_tells_nothing_and_then_all_in_order():
    """Five minutes without anything: 60 candles are missed, and told when there is an answer."""
    spells = [Spell("drop", 30, 30.1), Spell("refuse", 30, 330), Spell("down", 30, 330)]
    connection, told, states = play(2, spells, seconds=420.0)
    check(connection, told, 390)
    assert [s.state for s in states] == [
        State.CONNECTING,
        State.LIVE,
        State.LOST,
        State.LIVE,
        State.STOPPED,
    ]


class JumpingClock(LoopClock):
    """A local clock that is set by `jumps`: seconds of the loop, and by how much."""

    jumps = ()

    def now_ns(self):
        passed_ns = super().now_ns() - START_NS
        set_s = sum(by_s for at_s, by_s in self.jumps if passed_ns >= at_s * SECOND_NS)
        return START_NS + passed_ns + round(set_s * SECOND_NS)


@pytest.mark.parametrize("by_s", [-3_600, -7, 7, 3_600])
def test_a_local_clock_that_is_set_changes_nothing(by_s):
    rng = np.random.default_rng(1)
    market = {pair: made_trades(rng, pair, 120, 1.0) for pair in PAIRS}
    exchange_clock, local_clock = LoopClock(START_NS), JumpingClock(START_NS)
    local_clock.jumps = ((33.33, by_s),)
    connection = FakeConnection(exchange_clock, market)

    async def run():
        feed = LiveFeed(connection, local_clock, PAIRS, FIVE, {}, ALL, rng)
        return await _collect(feed, exchange_clock, 100)

    told, states = sort(run_virtual(run()))
    check(connection, told, 80)
    standings = {e.standing for pair in PAIRS for e in told[pair].closed}
    assert Standing.PROVISIONAL not in standings
    assert [s.state for s in states] == [State.CONNECTING, State.LIVE, State.STOPPED]


@pytest.mark.parametrize("skew_s", [-10, 10])
def test_an_exchange_whose_clock_differs_decides_by_its_own(skew_s):
    rng = np.random.default_rng(1)
    market = {pair: made_trades(rng, pair, 120, 1.0) for pair in PAIRS}
    exchange_clock = LoopClock(START_NS)
    local_clock = LoopClock(START_NS - skew_s * SECOND_NS)
    connection = FakeConnection(exchange_clock, market)

    async def run():
        feed = LiveFeed(connection, local_clock, PAIRS, FIVE, {}, ALL, rng)
        return await _collect(feed, exchange_clock, 100)

    told, _ = sort(run_virtual(run()))
    check(connection, told, 80)
    assert {e.standing for e in told["BTC-AUD"].closed} == {Standing.CONFIRMED}


@pytest.mark.parametrize(
    "fault", [Refused("fake", "not allowed"), UserError("pairs: 'X' is none.")]
)
def test_a_declined_subscription_ends_the_feed_with_its_line(fault):
    class Declining(FakeConnection):
        async def listen(self, *_):
            raise fault

    clock = LoopClock(START_NS)
    connection = Declining(clock, {pair: [] for pair in PAIRS})
    events = []

    async def run():
        feed = LiveFeed(connection, clock, PAIRS, FIVE, {}, ALL, np.random.default_rng(1))
        async with feed:
            async for event in feed:
                events.append(event)

    with pytest.raises(type(fault), match=str(fault)):
        run_virtual(run())
    assert [(e.state, e.reason) for e in events] == [
        (State.CONNECTING, ""),
        (State.STOPPED, str(fault)),
    ]
    assert connection.closed


def test_stopping_leaves_no_task_behind():
    async def run():
        clock = LoopClock(START_NS)
        connection = FakeConnection(clock, {pair: [] for pair in PAIRS})
        before = asyncio.all_tasks()
        feed = LiveFeed(connection, clock, PAIRS, FIVE, {}, ALL, np.random.default_rng(1))
        async with feed:
            await clock.sleep(12.345)
        return asyncio.all_tasks() - before, connection

    left, connection = run_virtual(run())
    assert not left
    assert connection.closed


def test_a_consumer_that_sleeps_loses_nothing_and_memory_is_bounded(monkeypatch):
    """With room for 300 events the socket is given up meanwhile, and what was missed asked for."""
    monkeypatch.setattr("framework.feed.outbox._CROWDED", 300)
    monkeypatch.setattr("framework.feed.outbox._ROOMY", 50)
    rng = np.random.default_rng(1)
    market = {pair: made_trades(rng, pair, 400, 3.0) for pair in PAIRS}
    clock = LoopClock(START_NS)
    connection = FakeConnection(clock, market)
    events, most = [], 0

    async def run():
        nonlocal most
        feed = LiveFeed(connection, clock, PAIRS, FIVE, {}, ALL, rng)

        async def read():
            async for event in feed:
                events.append(event)

        async with feed:
            await clock.sleep(200)
            most = len(feed._outbox._events)
            reader = asyncio.create_task(read())
            await clock.sleep(200)
        await reader

    run_virtual(run())
    told, states = sort(events)
    assert 300 <= most < 1_000  # of about 1,900 in 200 s
    assert "events are taken too slowly" in [s.reason for s in states]
    check(connection, told, 380)


def test_only_the_newest_book_waits():
    told, _ = play(1, (), seconds=30)[1:]
    assert 20 <= len(told["BTC-AUD"].books) <= 30  # read at once: one a second

    async def run():
        clock = LoopClock(START_NS)
        market = {p: made_trades(np.random.default_rng(1), p, 60, 3.0) for p in PAIRS}
        feed = LiveFeed(
            FakeConnection(clock, market),
            clock,
            PAIRS,
            FIVE,
            {},
            frozenset({Channel.BOOKS}),
            np.random.default_rng(1),
        )
        async with feed:
            await clock.sleep(30)
        return [event async for event in feed]

    told, _ = sort(run_virtual(run()))
    assert [len(told[pair].books) for pair in PAIRS] == [1, 1, 1]


def valid_at(told, pair):
    """Return the seconds after the start at which the books of a pair were found valid."""
    moments = [event.state.time + event.age_ns - START_NS for event in told[pair].books]
    return np.array(moments) / SECOND_NS


def test_an_unchanged_book_is_told_again_with_its_age():
    _, told, _ = play(1, (), seconds=60, book_every_s=2.0)
    moments = valid_at(told, "ADA-AUD")  # a change in 20 s or so
    assert np.diff(moments) == pytest.approx(2.0, abs=0.25)
    assert moments[-1] > 57
    assert len({event.state.time for event in told["ADA-AUD"].books}) < len(moments) / 3


def test_no_book_is_told_of_a_socket_that_is_silent():
    _, told, _ = play(1, [Spell("silence", 20, 21)], seconds=60)  # found out after 3 s
    moments = valid_at(told, "BTC-AUD")
    silent = np.flatnonzero(np.diff(moments) > 2.0)
    assert len(silent) == 1
    assert 19 <= moments[silent[0]] <= 21
    assert moments[silent[0] + 1] >= 23


def test_nothing_but_what_is_wanted_is_told_and_listened_to():
    offers = replace(OFFERS, candle_stream=True, says_closed=True)
    connection, told, _ = play(1, (), offers, 60.0, channels=frozenset({Channel.CANDLES}))
    assert connection.listened == {Channel.CANDLES}
    assert len(told["BTC-AUD"].closed) >= 10
    assert not told["BTC-AUD"].traded
    # Once it is sure of the first candles, a closed one needs no request.
    late = [
        ask for ask in connection.asked if ask[1] == "BTC-AUD" and ask[3] > START_NS + 30 * 10**9
    ]
    assert not late


def test_a_wrong_trade_is_not_believed_before_any_price_is_known():
    """Nobody traded before; the first trade is wrong on the socket, and right where asked for."""
    market = {pair: [Trade(pair, "1", START_NS + 12 * SECOND_NS, 100.0, 2.0, 1)] for pair in PAIRS}
    clock = LoopClock(START_NS)
    connection = FakeConnection(clock, market, spells=[Spell("huge_trades", 0, 60)])

    async def run():
        rng = np.random.default_rng(1)
        feed = LiveFeed(connection, clock, PAIRS, FIVE, {}, ALL, rng)
        return await _collect(feed, clock, 60)

    told, _ = sort(run_virtual(run()))
    standings = [e.standing for e in told["BTC-AUD"].closed[:4]]
    assert standings == [Standing.MISSING, Standing.MISSING, Standing.CONFIRMED, Standing.FLAT]
    assert [e.trade.price for e in told["BTC-AUD"].traded] == [100.0]


def test_an_outage_at_the_start_is_waited_for():
    connection, told, states = play(4, [Spell("down", 0, 22)])
    check(connection, told, 100, first_ns=told["BTC-AUD"].closed[0].candle.time)
    assert [s.state for s in states] == [
        State.CONNECTING,
        State.LOST,
        State.LIVE,
        State.STOPPED,
    ]
