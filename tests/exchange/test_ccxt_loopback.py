"""The exchanges behind ccxt against the loopback exchange, in time that jumps: whatever goes wrong
there, what is handed on is the truth."""

import asyncio
import uuid
from collections import Counter
from importlib import import_module

import numpy as np
import pytest

from framework.errors import UserError
from framework.exchange.connection import (
    Channel,
    HeardBook,
    HeardCandle,
    HeardTrade,
    Listening,
)
from framework.exchange.faults import TooOften, Unreachable
from framework.exchange.rate_budget import RateBudget
from framework.loopback.order_book import TrueBook
from framework.loopback.script import Fault, Kind
from framework.loopback.server import LoopbackServer
from framework.loopback.truth import Truth
from framework.loopback.virtual_time import run_virtual
from framework.loopback.wires.binance_rows import AGGREGATE_SHIFT
from framework.session.clock import LoopClock
from framework.types import SECOND_NS, Interval, parse_time

NAMES = {"binance": "Binance", "bitvavo": "Bitvavo", "kraken": "Kraken", "coinbase": "Coinbase"}
QUOTES = {"binance": "USDT", "bitvavo": "EUR", "kraken": "EUR", "coinbase": "USD"}
START_NS = parse_time("2026-11-20T22:00:30")
MINUTE = Interval.parse("1m")
ALL = frozenset(Channel)
VALUES = (Kind.WRONG_TYPES, Kind.HUGE_NUMBERS, Kind.NOT_A_NUMBER)


class Place:
    """A server, its truth and a connection to it."""

    def __init__(self, name, truth, server, connection, clock):
        self.name, self.truth, self.server = name, truth, server
        self.connection, self.clock = connection, clock
        self.pairs = tuple(truth.markets)
        self.heard = []
        self.ends = []

    async def listen_for(self, seconds, channels=ALL, hear=None):
        """Listen, again and again, for so long."""

        async def listen():
            while True:
                try:
                    await self.connection.listen(
                        self.pairs, MINUTE, channels, hear or self.heard.append
                    )
                except Unreachable as fault:
                    self.ends.append(fault)
                    await self.clock.sleep(1.0)

        task = asyncio.create_task(listen())
        done, _ = await asyncio.wait([task], timeout=seconds)
        task.cancel()
        (ended,) = await asyncio.gather(task, return_exceptions=True)
        if done:
            raise ended

    def name_of(self, trade):
        """Return how the wire names a trade."""
        if self.name == "binance":
            return str(trade.id + AGGREGATE_SHIFT)
        if self.name != "bitvavo":
            return str(trade.id)
        return str(uuid.uuid5(uuid.NAMESPACE_OID, f"{trade.pair} {trade.id}"))

    def true_trades(self, pair, start_ns, end_ns):
        """Return time, price, units and side by id, as the wire names it."""
        market = self.truth.markets[pair]
        return {
            self.name_of(trade): (
                trade.time,
                trade.price / 10**market.price_decimals,
                trade.units / 10**market.unit_decimals,
                trade.side,
            )
            for trade in self.truth.trades(pair, start_ns, end_ns)
        }


def at(name, work, script=(), bucket="1m", retries=4, pairs=2, **more):
    """Run `work(place)` beside a server of `script`."""

    async def run():
        wire = getattr(import_module(f"framework.loopback.wires.{name}"), f"{NAMES[name]}Wire")()
        module = import_module(f"framework.exchange.{name}_connection")
        kind = getattr(module, f"{NAMES[name]}Connection")
        clock = LoopClock(START_NS)
        truth = Truth(3, wire.pairs[:pairs], bucket=Interval.parse(bucket))
        async with LoopbackServer(wire, truth, clock, tuple(script), **more) as server:
            connection = kind(
                name,
                clock,
                RateBudget(f"test {name}", 1e3, 1e4),
                np.random.default_rng(1),
                symbols=wire.pairs,
                url=server.url,
                socket_url=server.socket_url,
                retries=retries,
            )
            try:
                return await work(Place(name, truth, server, connection, clock))
            finally:
                await connection.close()

    return run_virtual(run())


def told(trades):
    return {t.id: (t.time, t.price, t.units, t.side) for t in trades}


def same_rows(rows, true):
    """Tell whether all candles of the truth are there, and besides them only flat ones."""
    traded = rows.take(np.flatnonzero(rows.volume > 0))
    flat = rows.take(np.flatnonzero(rows.volume == 0))
    return (flat.high == flat.low).all() and all(
        np.array_equal(getattr(traded, column), getattr(true, column))
        for column in ("time", "open", "high", "low", "close", "volume")
    )


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("order", [(), (Fault(Kind.PAGE_ORDER, 0, 1e6),)], ids=["usual", "other"])
def test_candles_over_several_pages_are_the_truth_in_either_order(name, order):
    bars = 700 if name == "kraken" else 4_000  # Kraken serves one page and no more

    async def work(place):
        start, end = START_NS - bars * MINUTE.ns, MINUTE.floor(START_NS) - 7 * SECOND_NS
        rows = await place.connection.candles(place.pairs[0], MINUTE, start, end)
        assert (np.diff(rows.time) > 0).all()
        assert same_rows(rows, place.truth.rows(place.pairs[0], MINUTE, start, end))
        return len(rows)

    assert bars * 3 / 4 < at(name, work, order) <= bars


def test_years_without_candles_are_passed_over_in_one_step():
    async def work(place):
        start = place.truth.first_ns - 500 * 86_400 * SECOND_NS
        end = place.truth.first_ns + 3 * MINUTE.ns
        rows = await place.connection.candles(place.pairs[0], MINUTE, start, end)
        return rows.time[0], place.server.requests["/api/v3/klines"]

    first, requests = at("binance", work)
    assert first - Truth(3, ("BTC-USDT",)).first_ns <= 3 * MINUTE.ns
    assert requests == 3  # the first page, where candles begin, the page there


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("order", [(), (Fault(Kind.PAGE_ORDER, 0, 1e6),)], ids=["usual", "other"])
def test_trades_over_several_pages_are_the_truth_each_once(name, order):
    async def work(place):
        pair = place.pairs[1]
        start, end = START_NS - 5_000 * SECOND_NS + 123, START_NS - 1_000 * SECOND_NS - 456
        trades, complete_from = await place.connection.trades(pair, start, end)
        assert complete_from == start
        assert told(trades) == place.true_trades(pair, start, end)
        assert [t.time for t in trades] == sorted(t.time for t in trades)
        return len(trades)

    assert at(name, work, order, bucket="1s") > 3_000


@pytest.mark.parametrize("name", NAMES)
def test_trades_of_a_time_without_any_are_none(name):
    async def work(place):
        start = place.truth.first_ns - 3 * 3_600 * SECOND_NS
        return await place.connection.trades(place.pairs[0], start, start + SECOND_NS * 9_000)

    assert at(name, work)[0] == []


@pytest.mark.parametrize("name", NAMES)
def test_time_and_markets(name):
    async def work(place):
        return await place.connection.time() - place.clock.now_ns(), (
            await place.connection.markets()
        )

    passed_ns, markets = at(name, work, [Fault(Kind.SKEW, 0, 1e6, value=-7.5)])
    behind_ns = -7.5 * SECOND_NS - passed_ns
    assert 0 <= behind_ns <= (SECOND_NS if name == "kraken" else 1_000_000)  # what it rounds to
    info = markets[f"BTC-{QUOTES[name]}"]
    assert info.online
    assert info.rules.lot_step == 1e-8
    smallest = {"kraken": 0.5, "coinbase": 1.0}.get(name, 5.0)
    assert (info.rules.tick_size, info.rules.min_notional) == (0.01, smallest)


@pytest.mark.parametrize("name", NAMES)
def test_an_unknown_market_is_named_with_the_nearest(name):
    quote = QUOTES[name]

    async def work(place):
        with pytest.raises(
            UserError, match=rf"no market 'BTX-{quote}'\. Did you mean 'BTC-{quote}'"
        ):
            await place.connection.candles(f"BTX-{quote}", MINUTE, START_NS - 10**12, START_NS)
        with pytest.raises(UserError, match=r"no candles of 7m\. Nearest: "):
            await place.connection.candles(place.pairs[0], Interval.parse("7m"), 0, 1)

    at(name, work)


@pytest.mark.parametrize("name", ["bitvavo", "kraken", "coinbase"])
def test_a_subscription_to_an_unknown_market_is_the_users_mistake(name):
    unknown, known = f"BTX-{QUOTES[name]}", f"ETH-{QUOTES[name]}"

    async def work(place):
        with pytest.raises(UserError, match=rf"no market '{unknown}'\. Did you mean 'BTC-"):
            await place.connection.listen((unknown, known), MINUTE, ALL, lambda heard: None)

    at(name, work)


@pytest.mark.parametrize("name", NAMES)
def test_everything_is_heard_once_and_in_order_and_the_book_is_the_true_one(name):
    async def work(place):
        await place.listen_for(150)
        return place

    place = at(name, work, bucket="5s", book_per_second=5.0)
    kinds = Counter(type(heard) for heard in place.heard)
    assert kinds[Listening] == 1 and not place.ends
    for pair in place.pairs:
        trades = [h.trade for h in place.heard if isinstance(h, HeardTrade) if h.trade.pair == pair]
        assert len(trades) > 20
        end_ns = START_NS + 150 * SECOND_NS
        true = place.true_trades(pair, START_NS - 3_600 * SECOND_NS, end_ns)
        first = list(true).index(trades[0].id)
        assert trades[0].time < START_NS + 10 * SECOND_NS  # the second in a bucket of 5 s, at worst
        assert [t.id for t in trades] == list(true)[first : first + len(trades)]
        assert told(trades).items() <= true.items()
        candles = [h for h in place.heard if isinstance(h, HeardCandle) if h.candle.pair == pair]
        if name == "coinbase":
            assert not candles
            continue
        last = {h.candle.time: h for h in candles}
        (row,) = [h for t, h in last.items() if t == MINUTE.ceil(START_NS)]
        rows = place.truth.rows(pair, MINUTE, row.candle.time, row.candle.time + 1)
        values = (row.candle.open, row.candle.high, row.candle.low, row.candle.close)
        assert values == (rows.open[0], rows.high[0], rows.low[0], rows.close[0])
        assert row.candle.volume == rows.volume[0]
        assert row.closed is (True if name == "binance" else None)


class Judge:
    """Compares every valid book heard of with a book that goes through the true states."""

    def __init__(self, place, per_second):
        self.place = place
        start = place.server.venue.book_start_ns
        self.books = {pair: TrueBook(place.truth, pair, start, per_second) for pair in place.pairs}
        self.judged = 0
        self.wrong = []

    def hear(self, heard):
        self.place.heard.append(heard)
        if not isinstance(heard, HeardBook):
            return
        book = self.place.connection.books[heard.pair]
        if not book.valid:
            return
        twin = self.books[heard.pair]
        market = self.place.truth.markets[heard.pair]
        if self.place.name == "binance":  # Bitvavo's books are as old as the computer believes
            twin.move(book.time)
        else:
            twin.move(self.place.server.venue.now_ns())
        depth = 10 if self.place.name == "kraken" else 20
        view = twin.view(depth)
        for bid, levels in ((True, view.bids), (False, view.asks)):
            seen = [(float(price), float(units)) for price, units in book.best(bid, depth)]
            true = [
                (price / 10**market.price_decimals, units / 10**market.unit_decimals)
                for price, units in levels
            ]
            if seen != true:
                self.wrong.append((heard.pair, book.time, seen, true))
        self.judged += 1


STREAM_FAULTS = [
    *(Kind.CLOSE, Kind.CLOSE_AT_BOUNDARY, Kind.REFUSE_CONNECTIONS, Kind.DUPLICATE_TRADES),
    *(Kind.SWAP_TRADES, Kind.LOSE_TRADES, Kind.LOSE_DELTAS, Kind.EARLY_DELTAS, Kind.BAD_CHECKSUM),
    *(Kind.TRUNCATED, Kind.HTML, Kind.SERVER_ERROR, Kind.TOO_OFTEN, Kind.SLOW_BODY, Kind.SKEW),
    *VALUES,
]


@pytest.mark.parametrize("kind", STREAM_FAULTS, ids=lambda kind: kind.value)
@pytest.mark.parametrize("name", NAMES)
def test_only_the_truth_is_handed_on_whatever_goes_wrong_on_the_socket(name, kind):
    script = [Fault(kind, at_s, 6.0) for at_s in (4.0, 31.0)]

    async def work(place):
        judge = Judge(place, 4.0)
        await place.listen_for(62, hear=judge.hear)
        assert not judge.wrong
        return place, judge.judged

    place, judged = at(name, work, script, bucket="2s", book_per_second=4.0)
    assert judged > 100
    for pair in place.pairs:
        true = place.true_trades(pair, START_NS - 60 * SECOND_NS, START_NS + 120 * SECOND_NS)
        trades = [h.trade for h in place.heard if isinstance(h, HeardTrade) if h.trade.pair == pair]
        assert len(trades) > 15
        assert told(trades).items() <= true.items()
        for heard in place.heard:
            if isinstance(heard, HeardCandle) and heard.candle.pair == pair:
                candle = heard.candle
                (rows,) = (place.truth.rows(pair, MINUTE, candle.time, candle.time + 1),)
                assert rows.low[0] <= candle.low <= candle.high <= rows.high[0]
                assert candle.volume <= rows.volume[0]
                assert candle.open == rows.open[0]
    if kind in (Kind.CLOSE, *VALUES, Kind.TRUNCATED):
        assert place.ends
    for fault in place.ends:
        assert str(fault).startswith(f"exchange {name}: ") and "\n" not in str(fault)


REQUEST_FAULTS = [
    *(Kind.REFUSE_CONNECTIONS, Kind.HTML, Kind.TRUNCATED, Kind.SERVER_ERROR, Kind.TOO_OFTEN),
    *(Kind.SLOW_BODY, *VALUES),
]
AS_SERVED = (Kind.HUGE_NUMBERS, Kind.NOT_A_NUMBER)  # in candles, which their readers weigh


@pytest.mark.parametrize("kind", REQUEST_FAULTS, ids=lambda kind: kind.value)
@pytest.mark.parametrize("name", NAMES)
def test_requests_are_repeated_until_the_truth_comes(name, kind):
    async def work(place):
        pair = place.pairs[0]
        start = START_NS - 600 * MINUTE.ns
        if kind not in AS_SERVED:
            rows = await place.connection.candles(pair, MINUTE, start, START_NS - MINUTE.ns)
            assert same_rows(rows, place.truth.rows(pair, MINUTE, start, START_NS - MINUTE.ns))
        trades, _ = await place.connection.trades(pair, start, START_NS)
        assert told(trades) == place.true_trades(pair, start, START_NS)
        return asyncio.get_running_loop().time()

    passed = at(name, work, [Fault(kind, 0.0, 3.0)], retries=6)
    assert passed < 60.0
    assert passed > 3.0 or kind is Kind.SLOW_BODY


@pytest.mark.parametrize("name", NAMES)
def test_requests_give_up_after_so_many_in_one_line(name):
    async def work(place):
        told = f"^exchange {name}: time: HTTP 50.*; asked 3 times"
        with pytest.raises(Unreachable, match=told) as fault:
            await place.connection.time()
        assert "\n" not in str(fault.value)
        assert type(fault.value) is not TooOften
        return sum(place.server.requests.values())

    assert at(name, work, [Fault(Kind.SERVER_ERROR, 0.0, 1e6)], retries=2) == 3


@pytest.mark.parametrize("name", NAMES)
def test_a_refusal_for_asking_too_often_pauses_everyone(name):
    async def work(place):
        async def asked():
            await place.connection.time()
            return asyncio.get_running_loop().time()

        return await asyncio.gather(asked(), asked())

    fault = Fault(Kind.TOO_OFTEN, 0.0, 0.5, value=3.0)
    says_how_long = name in ("binance", "bitvavo")
    assert min(at(name, work, [fault])) >= (3.0 if says_how_long else 0.5)


@pytest.mark.parametrize("name", NAMES)
def test_cancelling_gives_back_everything_at_any_moment(name):
    async def work(place):
        for tenths in range(12):
            await place.listen_for(tenths / 10)
            assert not any(book.valid for book in place.connection.books.values())
        await place.clock.sleep(2.0)
        ours = ("/framework/exchange/", "/site-packages/ccxt/")
        left = [task for task in asyncio.all_tasks() if any(part in repr(task) for part in ours)]
        return len(place.server.lines), left

    assert at(name, work) == (0, [])


@pytest.mark.parametrize("name", NAMES)
def test_what_goes_wrong_in_hearing_is_no_fault_of_the_exchange(name):
    def hear(heard):
        raise KeyError("of whoever listens")

    async def work(place):
        with pytest.raises(KeyError, match="of whoever listens"):
            await place.connection.listen(place.pairs, MINUTE, ALL, hear)

    at(name, work)


@pytest.mark.parametrize("name", NAMES)
def test_silence_is_left_to_the_feed_and_can_be_left(name):
    async def work(place):
        await place.listen_for(300, frozenset({Channel.TRADES}))
        before = asyncio.get_running_loop().time()
        return before, place.ends

    passed, ends = at(name, work, [Fault(Kind.SILENCE, 10.0, 1e6)])
    assert passed < 303.0
    assert not ends
