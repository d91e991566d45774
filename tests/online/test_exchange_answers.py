"""What every exchange must do for the feed to be right, asked of the exchanges themselves."""

import asyncio
import math
import time
from collections import Counter, defaultdict
from itertools import pairwise

import numpy as np
import pytest

from framework.errors import UserError
from framework.exchange.connection import Channel, HeardBook, HeardTrade, Listening
from framework.exchange.faults import ExchangeFault
from framework.types import SECOND_NS, Interval, format_time

pytestmark = pytest.mark.online

MINUTE = Interval.parse("1m")
VALUES = ("time", "open", "high", "low", "close", "volume")
SETTLED_NS = 5 * MINUTE.ns
LISTEN_S = 60.0
MOST_SKEW_S = 5.0


def same(left, right):
    return all(np.array_equal(getattr(left, name), getattr(right, name)) for name in VALUES)


async def settled_end(connection):
    """Return the end of the newest minute that should not change any more."""
    return MINUTE.floor(await connection.time() - SETTLED_NS)


def test_the_exchanges_clock_is_near_this_machines(ask, report):
    async def work(connection):
        samples = []
        for _ in range(5):
            before = time.time_ns()
            theirs = await connection.time()
            after = time.time_ns()
            samples.append((after - before, (theirs - (before + after) // 2) / SECOND_NS))
        return min(samples)

    latency_ns, skew_s = ask(work)
    report(f"clock ahead by {skew_s:+.3f} s, known to {latency_ns / 2e9:.3f} s")
    assert abs(skew_s) < MOST_SKEW_S


def test_its_pairs_are_markets_with_rules(ask, exchange, report):
    markets = ask(lambda connection: connection.markets())
    report(f"{len(markets)} markets, {sum(market.online for market in markets.values())} online")
    assert set(exchange.offered_pairs()) <= set(markets)
    for pair in exchange.offered_pairs():
        rules = markets[pair].rules
        report(f"{pair}: lot {rules.lot_step:g}, tick {rules.tick_size:g}")
        assert markets[pair].online
        assert rules.lot_step > 0
        assert rules.tick_size > 0


def test_an_unknown_market_is_told_with_the_nearest(ask, exchange):
    pair = exchange.offered_pairs()[0]
    wrong = f"{pair}X"

    async def work(connection):
        end = await settled_end(connection)
        await connection.candles(wrong, MINUTE, end - 10 * MINUTE.ns, end)

    with pytest.raises(UserError, match=f"'{wrong}'.*Did you mean '{pair}'"):
        ask(work)


def test_candles_are_ascending_whole_and_the_same_however_they_are_asked_for(ask, exchange, report):
    async def work(connection):
        found = {}
        for pair in exchange.offered_pairs():
            end = await settled_end(connection)
            start = end - 600 * MINUTE.ns
            whole = await connection.candles(pair, MINUTE, start, end)
            cuts = [start, start + 7 * MINUTE.ns, start + 311 * MINUTE.ns, end]
            parts = [
                await connection.candles(pair, MINUTE, first, last)
                for first, last in pairwise(cuts)
            ]
            found[pair] = (start, end, whole, parts)
        return found, connection.offers

    found, offers = ask(work)
    for pair, (start, end, whole, parts) in found.items():
        assert len(whole), pair
        assert start <= whole.time[0] and whole.time[-1] < end
        assert np.all(np.diff(whole.time) > 0)
        assert not np.any(whole.time % MINUTE.ns)
        assert np.all(whole.low <= np.minimum(whole.open, whole.close))
        assert np.all(whole.high >= np.maximum(whole.open, whole.close))
        assert np.all(whole.low > 0)
        assert np.all(whole.volume >= 0)
        joined = {name: np.concatenate([getattr(part, name) for part in parts]) for name in VALUES}
        for name in VALUES:
            np.testing.assert_array_equal(joined[name], getattr(whole, name), err_msg=pair)
        quiet = int(np.sum(whole.volume == 0))
        report(f"{pair}: {600 - len(whole)} of 600 minutes absent, {quiet} without volume")
        if offers.quiet_candles:
            assert len(whole) == 600, pair


def test_candles_of_every_length_that_is_offered_are_served_on_its_grid(
    ask, exchange, intervals, report
):
    pair = exchange.offered_pairs()[0]

    async def work(connection):
        now = await connection.time()
        told = {}
        for interval in intervals:
            end = interval.floor(now)
            rows = await connection.candles(pair, interval, end - 20 * interval.ns, end)
            told[interval] = rows.time
        return told

    for interval, times in ask(work).items():
        report(f"candles of {interval}: {len(times)} of 20")
        assert len(times)
        assert not np.any((times - interval.offset_ns) % interval.ns)


def test_trades_are_ascending_each_once_and_make_up_their_candles(ask, exchange, report):
    async def work(connection):
        found = {}
        for pair in exchange.offered_pairs():
            end = await settled_end(connection)
            start = end - 20 * MINUTE.ns
            trades, complete_from = await connection.trades(pair, start, end)
            candles = await connection.candles(pair, MINUTE, start, end)
            found[pair] = (start, end, trades, complete_from, candles)
        return found

    for pair, (start, end, trades, complete_from, candles) in ask(work).items():
        times = [trade.time for trade in trades]
        assert times == sorted(times)
        assert all(start <= moment < end for moment in times)
        assert max(Counter(trade.id for trade in trades).values(), default=1) == 1
        assert start <= complete_from <= end
        by_minute = defaultdict(list)
        for trade in trades:
            by_minute[MINUTE.floor(trade.time)].append(trade)
        unequal = []
        for index, open_ns in enumerate(candles.time.tolist()):
            if open_ns < complete_from:
                continue
            inside = by_minute.pop(open_ns, [])
            volume = math.fsum(trade.units for trade in inside)
            if not math.isclose(volume, candles.volume[index], rel_tol=1e-6, abs_tol=1e-9):
                unequal.append(f"{format_time(open_ns)} {candles.volume[index]:g} not {volume:g}")
            for trade in inside:
                assert candles.low[index] <= trade.price <= candles.high[index]
        missing = [open_ns for open_ns in by_minute if open_ns >= complete_from]
        assert not missing, "minutes with trades and no candle"
        report(f"{pair}: {len(trades)} trades; candles of another volume: {unequal or 'none'}")


def test_a_minute_of_the_socket_tells_each_trade_once_and_keeps_valid_books(ask, exchange, report):
    pairs = exchange.offered_pairs()

    async def work(connection):
        loop = asyncio.get_running_loop()
        moments, trades, first_valid, wrong, confirmed = [], [], {}, Counter(), []

        def hear(heard):
            moments.append(loop.time())
            if isinstance(heard, Listening):
                confirmed.append(heard)
            elif isinstance(heard, HeardTrade):
                trades.append(heard.trade)
            elif isinstance(heard, HeardBook):
                book = connection.books[heard.pair]
                if book.valid:
                    first_valid.setdefault(heard.pair, loop.time() - began)
                    assert not book.crossed
                else:
                    wrong[heard.pair] += 1

        began = loop.time()
        task = asyncio.create_task(connection.listen(pairs, MINUTE, frozenset(Channel), hear))
        await asyncio.sleep(LISTEN_S)
        valid = {pair: connection.books[pair].valid for pair in pairs}
        task.cancel()
        try:
            await task
        except asyncio.CancelledError:
            ended = None
        except ExchangeFault as fault:
            ended = fault
        asked = {}
        for pair in {trade.pair for trade in trades}:
            mine = [trade.time for trade in trades if trade.pair == pair]
            asked[pair] = await connection.trades(pair, min(mine), max(mine) + 1)
        gaps = np.diff([began, *moments, began + LISTEN_S])
        return (
            trades,
            asked,
            first_valid,
            wrong,
            valid,
            confirmed,
            ended,
            gaps.max(),
            connection.offers,
        )

    trades, asked, first_valid, wrong, valid, confirmed, ended, gap, offers = ask(work)
    assert ended is None
    assert len(confirmed) == 1
    assert gap < offers.silence_s, "an open socket was silent for longer than it may be"
    assert all(valid.values()), valid
    counts = Counter((trade.pair, trade.id) for trade in trades)
    assert max(counts.values(), default=1) == 1
    for pair, (told, complete_from) in asked.items():
        mine = {t.id: t for t in trades if t.pair == pair and t.time >= complete_from}
        if not mine:
            continue
        edge = {min(t.time for t in mine.values()), max(t.time for t in mine.values())}
        theirs = {t.id: t for t in told if t.time >= complete_from and t.time not in edge}
        assert not set(theirs) - set(mine), f"{pair}: trades that the socket did not tell"
        for number in set(theirs) & set(mine):
            assert (theirs[number].price, theirs[number].units) == (
                mine[number].price,
                mine[number].units,
            )
    report(
        f"{len(trades)} trades in {LISTEN_S:.0f} s, longest silence {gap:.1f} s, books valid after "
        f"{max(first_valid.values(), default=math.nan):.1f} s, wrong {sum(wrong.values())} times"
    )
