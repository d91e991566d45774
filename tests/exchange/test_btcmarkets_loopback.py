"""BTC Markets' client against the loopback exchange, minutes in accelerated time."""

import asyncio
from contextlib import asynccontextmanager

import numpy as np
import pytest
from pydantic import SecretStr

from framework.errors import UserError
from framework.exchange.btcmarkets import BtcMarkets
from framework.exchange.connection import Channel, HeardBook, HeardTrade, Listening
from framework.exchange.faults import ExchangeFault, Unreachable
from framework.loopback.script import Fault, Kind
from framework.loopback.server import LoopbackServer
from framework.loopback.truth import Truth
from framework.loopback.virtual_time import run_virtual
from framework.loopback.wires.btcmarkets import BTCMarketsWire
from framework.loopback.wires.btcmarkets_account import KEY, SECRET
from framework.session.clock import LoopClock
from framework.types import SECOND_NS, Interval, parse_time

START = parse_time("2026-03-01T12:00:17")
PAIRS = ("BTC-AUD", "XRP-AUD")
MINUTE = Interval.parse("1m")
COLUMNS = ("time", "open", "high", "low", "close", "volume")
TRADES, BOOKS = frozenset({Channel.TRADES}), frozenset({Channel.BOOKS})


@asynccontextmanager
async def served(*faults, before_is_newer=True, bucket="5s", per_second=2.0, **fields):
    """Serve, and connect."""
    truth = Truth(3, PAIRS, Interval.parse(bucket))
    clock, wire = LoopClock(START), BTCMarketsWire(before_is_newer)
    async with LoopbackServer(wire, truth, clock, faults, 1, per_second) as server:
        exchange = BtcMarkets(
            url=server.url, socket_url=f"{server.socket_url}{wire.socket_home}", **fields
        )
        connection = exchange.connect(clock)
        try:
            yield server, connection, exchange
        finally:
            await connection.close()


async def heard_for(connection, seconds, channels, pairs=PAIRS, hear=None):
    """Return what is heard in so many seconds, over as many sockets as it takes."""
    heard = []

    def note(what):
        heard.append(what)
        if hear:
            hear(what)

    async def listen():
        while True:
            try:
                await connection.listen(pairs, MINUTE, channels, note)
            except ExchangeFault:
                await asyncio.sleep(0.5)

    task = asyncio.create_task(listen())
    await asyncio.sleep(seconds)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    return heard


def assert_same(rows, truth):
    for name in COLUMNS:
        np.testing.assert_allclose(getattr(rows, name), getattr(truth, name), rtol=1e-12)


@pytest.mark.parametrize("before_is_newer", [True, False])
@pytest.mark.parametrize("faults", [(), (Fault(Kind.PAGE_ORDER, 0, 600),)])
def test_candles_and_trades_are_the_truth_whichever_way_pages_go(before_is_newer, faults):
    async def work():
        async with served(*faults, before_is_newer=before_is_newer) as (server, connection, _):
            end = MINUTE.floor(START)
            start = end - 1_500 * MINUTE.ns
            truth = server.truth.rows("BTC-AUD", MINUTE, start, end)
            assert_same(await connection.candles("BTC-AUD", MINUTE, start, end), truth)
            by_page, reached = await connection.requests.candles_by_page(
                "BTC-AUD", MINUTE, start, end
            )
            assert reached
            assert_same(by_page, truth)
            since = end - 40 * MINUTE.ns
            trades, complete_from = await connection.trades("XRP-AUD", since, end)
            told = server.truth.trades("XRP-AUD", since, end)
            assert complete_from == since
            assert [int(trade.id) for trade in trades] == told.id.tolist()
            assert [trade.time for trade in trades] == told.time.tolist()
            return len(trades)

    assert run_virtual(work()) > 400  # several pages


def test_candles_of_every_length_are_the_truth():
    async def work():
        async with served(bucket="1m") as (server, connection, exchange):
            for interval in exchange.intervals:
                end = interval.floor(START)
                start = end - 45 * interval.ns
                rows = await connection.candles("BTC-AUD", interval, start, end)
                assert_same(rows, server.truth.rows("BTC-AUD", interval, start, end))

    run_virtual(work())


def test_the_running_candle_is_served_too():
    async def work():
        async with served() as (_, connection, _):
            now = MINUTE.floor(START)
            return await connection.candles("BTC-AUD", MINUTE, now, now + MINUTE.ns)

    assert len(run_virtual(work())) == 1  # 17 seconds old


def test_each_trade_is_heard_once_in_order_and_books_are_the_truth():
    async def work():
        async with served() as (server, connection, _):
            books = []

            def look(what):
                if isinstance(what, HeardBook) and connection.books[what.pair].valid:
                    view = server.venue.book(what.pair).view(10)
                    market = server.truth.markets[what.pair]
                    mine = connection.books[what.pair]
                    if mine.time == view.time:  # no younger change is on its way
                        for bid, levels in ((True, view.bids), (False, view.asks)):
                            assert mine.best(bid, 10) == [
                                (market.price_text(p, False), market.units_text(u, False))
                                for p, u in levels
                            ]
                        books.append(what.pair)

            heard = await heard_for(connection, 120, TRADES | BOOKS, hear=look)
            assert heard.count(Listening()) == 1
            for pair in PAIRS:
                told = server.truth.trades(pair, START + SECOND_NS, START + 119 * SECOND_NS)
                ours = [it.trade for it in heard if type(it) is HeardTrade]
                ours = [trade for trade in ours if trade.pair == pair]
                wanted = [t for t in ours if START + SECOND_NS <= t.time < START + 119 * SECOND_NS]
                assert len(told) > 20
                assert [int(trade.id) for trade in wanted] == told.id.tolist()
            return books

    books = run_virtual(work())
    assert min(books.count(pair) for pair in PAIRS) > 150  # two changes a second


@pytest.mark.parametrize(
    "kind",
    [
        Kind.LOSE_DELTAS,
        Kind.EARLY_DELTAS,
        Kind.BAD_CHECKSUM,
        Kind.CLOSE,
        Kind.REFUSE_CONNECTIONS,
        Kind.TRUNCATED,
        Kind.HTML,
        Kind.WRONG_TYPES,
        Kind.HUGE_NUMBERS,
        Kind.NOT_A_NUMBER,
    ],
)
def test_no_book_is_valid_and_wrong_and_all_are_right_in_the_end(kind):
    async def work():
        async with served(Fault(kind, 10, 30), per_second=8.0) as (server, connection, _):
            checked = [0]

            def look(what):
                if not isinstance(what, HeardBook) or not connection.books[what.pair].valid:
                    return
                mine, view = connection.books[what.pair], server.venue.book(what.pair).view(10)
                if mine.time == view.time:
                    assert differing(server, mine, view) == []
                    checked[0] += 1

            await heard_for(connection, 100, BOOKS, hear=look)
            assert checked[0] > 200
            task = asyncio.create_task(heard_for(connection, 20, BOOKS))
            await asyncio.sleep(19.9)
            for pair in PAIRS:
                assert connection.books[pair].valid
                assert (
                    differing(server, connection.books[pair], server.venue.book(pair).view(10))
                    == []
                )
            await task

    run_virtual(work())


def differing(server, mine, view):
    """Return the levels in which a book differs from the truth."""
    market = server.truth.markets[mine.pair]
    found = set()
    for bid, levels in ((True, view.bids), (False, view.asks)):
        truth = [(market.price_text(p, False), market.units_text(u, False)) for p, u in levels]
        found |= set(mine.best(bid, 10)) ^ set(truth)
    return sorted(found)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (Kind.TOO_OFTEN, 2.0),
        (Kind.TOO_OFTEN, 0.0),
        (Kind.SERVER_ERROR, 0.0),
        (Kind.HTML, 0.0),
        (Kind.TRUNCATED, 0.0),
        (Kind.WRONG_TYPES, 0.0),
        (Kind.REFUSE_CONNECTIONS, 0.0),
        (Kind.SLOW_BODY, 3.0),
    ],
)
def test_a_fault_that_passes_is_outlasted(kind, value):
    async def work():
        fault = Fault(kind, 0, 4, value=value)
        async with served(fault, retries=8) as (server, connection, _):
            end = MINUTE.floor(START)
            rows = await connection.candles("BTC-AUD", MINUTE, end - 10 * MINUTE.ns, end)
            assert_same(rows, server.truth.rows("BTC-AUD", MINUTE, end - 10 * MINUTE.ns, end))

    run_virtual(work())


def test_a_fault_that_stays_is_told_after_as_many_attempts_as_allowed():
    async def work():
        async with served(Fault(Kind.SERVER_ERROR, 0, 900), retries=2) as (server, connection, _):
            with pytest.raises(Unreachable, match="asked 3 times"):
                await connection.time()
            return server.requests["/v3/time"]

    assert run_virtual(work()) == 3


def test_unknown_markets_are_named_with_the_nearest():
    async def work():
        async with served() as (_, connection, _):
            with pytest.raises(UserError, match=r"no market 'BTC-AUF'. Did you mean 'BTC-AUD'\?"):
                await connection.trades("BTC-AUF", START, START + 1)
            with pytest.raises(UserError, match=r"no market 'XPR-AUD'. Did you mean 'XRP-AUD'\?"):
                await connection.listen(["XPR-AUD"], MINUTE, TRADES, lambda _: None)

    run_virtual(work())


def test_new_sockets_wait_their_turn():
    async def work():
        async with served() as (server, connection, _):
            loop = asyncio.get_running_loop()
            opened = []
            for _ in range(7):
                task = asyncio.create_task(connection.listen(PAIRS, MINUTE, TRADES, lambda _: None))
                before = server.opened
                while server.opened == before:
                    await asyncio.sleep(0.1)
                opened.append(loop.time())
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
            return opened

    opened = run_virtual(work())
    for first, fourth in zip(opened, opened[3:], strict=False):
        assert fourth - first >= 9.9, "more than three in ten seconds"


@pytest.mark.parametrize("off_s", [-10.0, 10.0])
def test_the_account_is_looked_at_by_the_exchanges_clock(off_s):
    async def work():
        fault = Fault(Kind.SKEW, 0, 0, value=off_s)
        keys = {"api_key": SecretStr(KEY), "api_secret": SecretStr(SECRET)}
        async with served(fault, **keys) as (_, _, exchange):
            account = exchange.account(LoopClock(START))
            try:
                balances, fees = await account.balances(), await account.fees()
                orders = await account.open_orders()
            finally:
                await account.close()
            assert (balances["AUD"].available, balances["BTC"].locked) == (1000.0, 0.25)
            assert fees["BTC-AUD"].taker_bps == 85.0
            assert [order.pair for order in orders] == list(PAIRS)

    run_virtual(work())
