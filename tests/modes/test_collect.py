"""Recording a live exchange: what the store holds equals what was traded, whatever happens."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from framework.errors import OutsideFault
from framework.exchange.btcmarkets import BtcMarkets
from framework.exchange.connection import Channel
from framework.feed.live_feed import LiveFeed
from framework.feed.recorder import Recorder
from framework.loopback.server import LoopbackServer
from framework.loopback.truth import Truth
from framework.loopback.virtual_time import run_virtual
from framework.loopback.wires.btcmarkets import BTCMarketsWire
from framework.market.book_store import BookStore
from framework.market.ranges import difference
from framework.market.store import CandleStore
from framework.market.trade_store import TradeStore
from framework.modes.recording import Recording
from framework.session.clock import LoopClock
from framework.types import DAY_NS, Interval, parse_time

PAIRS = ("BTC-AUD", "ETH-AUD")
MINUTE = Interval.parse("1m")
START = parse_time("2025-01-01T00:00:30")
NAME = "btcmarkets"
TRUTH = Truth(3, PAIRS, Interval.parse("5s"))


class Said(list):
    """A logger that remembers lines."""

    def info(self, line):
        self.append(line)

    warning = error = info


@pytest.fixture(autouse=True)
def own_budget(tmp_path, monkeypatch):
    """No rate budget of another process of this machine."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))


def record(folder, seconds, start_ns=START, said=None, buffer=10_000, act=None):
    """Record for so long of the market's time; return the recorder."""

    async def work():
        clock = LoopClock(start_ns)
        async with LoopbackServer(BTCMarketsWire(), TRUTH, clock) as server:
            exchange = BtcMarkets(
                url=server.url, socket_url=f"{server.socket_url}/v2", symbols=PAIRS
            )
            what = frozenset(("candles", "trades", "books"))
            recorder = Recorder(str(folder), {}, NAME, PAIRS, MINUTE, what)
            feed = LiveFeed(
                exchange.connect(clock),
                clock,
                PAIRS,
                MINUTE,
                recorder.first_wanted(clock.now_ns(), DAY_NS),
                frozenset(Channel),
                np.random.default_rng(1),
                book_every_s=10.0,
                book_depth=5,
            )
            logger = Said() if said is None else said
            recording = Recording(
                logger, clock, feed, recorder, flush_s=15, buffer=buffer, aside=False
            )
            acting = asyncio.create_task(act(clock, recording)) if act else None
            try:
                await recording.run(seconds)
            finally:
                if acting is not None:
                    acting.cancel()
                    await asyncio.gather(acting, return_exceptions=True)
            return recorder

    return run_virtual(work())


def judge(folder):
    """Compare what counts as recorded with the truth; return the ranges of each pair."""
    trades, candles = TradeStore(str(folder)), CandleStore(str(folder))
    ranges = {}
    for pair in PAIRS:
        market = TRUTH.markets[pair]
        known = trades.covered(NAME, pair)
        for start, end in known:
            found, truth = trades.read(NAME, [pair], start, end), TRUTH.trades(pair, start, end)
            assert found.time.tolist() == truth.time.tolist()
            assert found.side.tolist() == truth.side.tolist()
            assert found.price.tolist() == (truth.price / 10**market.price_decimals).tolist()
            assert found.units.tolist() == (truth.units / 10**market.unit_decimals).tolist()
        ids = trades.ids(NAME, pair)
        assert len(ids) == len(set(ids))
        covered = candles.covered(NAME, pair, MINUTE)
        for start, end in covered:
            rows, truth = (
                source(pair, MINUTE, start, end)
                for source in (lambda *at: candles.read(NAME, *at), TRUTH.rows)
            )
            for name in ("time", "open", "high", "low", "close", "volume"):
                assert getattr(rows, name).tolist() == getattr(truth, name).tolist(), name
        ranges[pair] = (known, covered)
    return ranges


def test_what_is_recorded_equals_the_market_and_goes_on_without_a_hole(tmp_path):
    first = MINUTE.floor(START)
    record(tmp_path, 170)
    until = first + 3 * MINUTE.ns
    assert judge(tmp_path) == dict.fromkeys(PAIRS, ([(first, until)], [(first, until)]))
    books = BookStore(str(tmp_path)).read(NAME, PAIRS, 0, 2**62)
    assert min(np.diff(books.first)) >= 10
    assert np.all(books.levels[:, 0, 0, 0] < books.levels[:, 1, 0, 0])
    # eleven minutes later: what was missed is asked for, from where the store ends
    later = START + 840 * 1_000_000_000
    recorder = record(tmp_path, 120, start_ns=later)
    until = MINUTE.floor(later + 120 * 1_000_000_000)
    assert judge(tmp_path) == dict.fromkeys(PAIRS, ([(first, until)], [(first, until)]))
    assert recorder.stored["BTC-AUD"].until_ns == until
    holes = BookStore(str(tmp_path)).covered(NAME, "BTC-AUD", 30 * 1_000_000_000)
    assert len(holes) == 2  # books cannot be asked for again


def test_a_store_that_cannot_be_written_for_a_while_loses_nothing(tmp_path, monkeypatch):
    said = Said()

    async def break_for_a_minute(clock, recording):
        await clock.sleep(20)
        with monkeypatch.context() as broken:
            broken.setattr(TradeStore, "add", _full)
            await clock.sleep(60)

    record(tmp_path, 170, said=said, act=break_for_a_minute)
    first = MINUTE.floor(START)
    until = first + 3 * MINUTE.ns
    assert judge(tmp_path) == dict.fromkeys(PAIRS, ([(first, until)], [(first, until)]))
    troubles = [line for line in said if "No space left" in line]
    assert len(troubles) == 1
    assert "candles, trades and books wait, trying again every 15 s" in troubles[0]
    assert said[said.index(troubles[0]) + 1] == "the store can be written again"


def test_a_store_that_stays_full_ends_the_recording_in_one_line(tmp_path, monkeypatch):
    async def break_for_good(clock, recording):
        await clock.sleep(20)
        monkeypatch.setattr(TradeStore, "add", _full)

    with pytest.raises(OutsideFault) as caught:
        record(tmp_path, 900, buffer=60, act=break_for_good)
    line = str(caught.value)
    assert line.startswith("store market: No space left; ")
    assert "wait, more than mode.buffer: what the store holds is where the next" in line
    monkeypatch.undo()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    record(tmp_path, 100, start_ns=START + 900 * 1_000_000_000)
    for known, covered in judge(tmp_path).values():
        first, until = MINUTE.floor(START), covered[-1][1]
        assert until >= START + 930 * 1_000_000_000
        assert difference(first, until, covered) == difference(first, until, known) == []


def test_a_full_buffer_lets_the_feed_wait_and_nothing_is_lost(tmp_path):
    record(tmp_path, 170, buffer=30)  # is flushed whenever half of it is full
    first = MINUTE.floor(START)
    until = first + 3 * MINUTE.ns
    assert judge(tmp_path) == dict.fromkeys(PAIRS, ([(first, until)], [(first, until)]))


def test_told_to_stop_it_stores_what_was_heard(tmp_path):
    async def stop(clock, recording):
        await clock.sleep(100.2)
        recording.stop()

    recorder = record(tmp_path, None, act=stop)
    assert recorder.waiting == 0
    first = MINUTE.floor(START)
    assert judge(tmp_path)["BTC-AUD"][0] == [(first, first + 2 * MINUTE.ns)]
    last = BookStore(str(tmp_path)).read(NAME, ["BTC-AUD"], 0, 2**62).time[-1]
    assert last > START + 85 * 1_000_000_000


def _full(*_):
    raise OutsideFault("store market: No space left.")


def test_an_exchange_that_is_not_live_is_refused(program):
    ended = program("mode=collect", "exchange=simulated")
    assert ended.code == 2
    assert ended.err.splitlines() == [
        "exchange: mode=collect listens to a live exchange, and 'simulated' is none; "
        "exchange=loopback is one to try things out with."
    ]
