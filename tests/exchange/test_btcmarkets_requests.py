"""BTC Markets' answers: pages in any order, cursors that count either way, quiet intervals."""

import asyncio

import numpy as np
import pytest
from aiohttp import web
from btcmarkets_standin import connected

from framework.errors import UserError
from framework.exchange.btcmarkets_candles import merged
from framework.exchange.faults import Refused, Unreachable
from framework.market.rows import CandleRows
from framework.types import SECOND_NS, Interval, parse_time

MINUTE = Interval.parse("1m")
T0 = parse_time("2026-03-01")
BIG = 2**53


def iso(time_ns, digits=6):
    text = np.datetime_as_string(
        np.datetime64(int(time_ns), "ns"), unit="us" if digits == 6 else "ms"
    )
    return f"{text}Z"


def asking(work, **answers):
    """Return what `work` makes of a connection to a server that answers so."""

    async def run():
        async with connected(retries=0) as (server, connection):
            for name, answer in answers.items():
                server.answers[PATHS[name]] = answer
            return await work(connection), server

    return asyncio.run(run())


PATHS = {
    "time": "/v3/time",
    "markets": "/v3/markets",
    "tickers": "/v3/markets/tickers",
    "book": "/v3/markets/BTC-AUD/orderbook",
    "candles": "/v3/markets/BTC-AUD/candles",
    "trades": "/v3/markets/BTC-AUD/trades",
    "other": "/v3/markets/BTC-AUB/candles",
}


class Trades:
    """900 trades, one a second, with ids beyond what a float holds; cursors count either way."""

    def __init__(self, before_is_older, newest_first, digits=6, count=900):
        self.before_is_older, self.newest_first = before_is_older, newest_first
        self.rows = [
            {
                "id": str(BIG + 3 * number),
                "price": f"{100 + number}.5",
                "amount": "0.25",
                "timestamp": iso(T0 + number * SECOND_NS, digits),
                "side": "Bid" if number % 2 else "Ask",
            }
            for number in range(count)
        ]

    def __call__(self, request):
        query, limit = request.query, int(request.query["limit"])
        rows = self.rows
        for name in ("before", "after"):
            if name in query:
                limit_id = int(query[name])
                if (name == "before") == self.before_is_older:
                    rows = [row for row in rows if int(row["id"]) < limit_id]
                else:
                    return self.ordered([r for r in rows if int(r["id"]) > limit_id][:limit])
        return self.ordered(rows[-limit:])

    def ordered(self, rows):
        return rows[::-1] if self.newest_first else rows


@pytest.mark.parametrize("before_is_older", [True, False])
@pytest.mark.parametrize("newest_first", [True, False])
@pytest.mark.parametrize("digits", [3, 6])
def test_trades_are_walked_back_to_the_start_whichever_way_cursors_and_pages_go(
    before_is_older, newest_first, digits
):
    start, end = T0 + 250 * SECOND_NS, T0 + 860 * SECOND_NS
    (found, complete), server = asking(
        lambda it: it.trades("BTC-AUD", start, end),
        trades=Trades(before_is_older, newest_first, digits),
    )
    assert [int(trade.id) for trade in found] == [BIG + 3 * number for number in range(250, 860)]
    assert [trade.time for trade in found] == [T0 + n * SECOND_NS for n in range(250, 860)]
    assert (found[0].price, found[0].units, found[0].side, found[1].side) == (350.5, 0.25, -1, 1)
    assert complete == start
    # 900 to 250 are four pages of 200, and one in vain where the first guess was wrong.
    assert len(server.asked) == (5 if before_is_older else 4)


@pytest.mark.parametrize("before_is_older", [True, False])
def test_trades_are_complete_where_history_begins_after_the_start(before_is_older):
    (found, complete), _ = asking(
        lambda it: it.trades("BTC-AUD", 0, T0 + 900 * SECOND_NS),
        trades=Trades(before_is_older, True, count=450),
    )
    assert (len(found), complete) == (450, 0)


def test_of_a_market_without_trades_there_are_none():
    (found, complete), _ = asking(lambda it: it.trades("BTC-AUD", T0, T0 + 1), trades=lambda _: [])
    assert (found, complete) == ([], T0)


def test_trades_that_cannot_be_walked_back_are_complete_from_the_oldest_seen():
    every = Trades(True, True)
    (found, complete), _ = asking(
        lambda it: it.trades("BTC-AUD", T0, T0 + 900 * SECOND_NS),
        trades=lambda request: every.rows[-200:],  # whatever the cursor
    )
    assert len(found) == 200
    assert complete == T0 + 701 * SECOND_NS  # the oldest seen is 700's; times may be off by one


@pytest.mark.parametrize(
    "wrong",
    [
        {"price": "NaN"},
        {"price": "-1"},
        {"price": "0"},
        {"price": 100.5},
        {"price": "9" * 30},
        {"price": "1e3"},
        {"price": "1_0"},
        {"amount": None},
        {"amount": "0"},
        {"id": "abc"},
        {"id": 1.5},
        {"id": True},
        {"timestamp": 1_700_000_000},
        {"timestamp": "soon"},
        {"timestamp": "1970-01-01T00:00:00Z"},
        {"side": "Sideways"},
        {"side": []},
    ],
)
def test_no_trade_is_made_of_a_wrong_value(wrong):
    rows = [Trades(True, True).rows[0] | wrong]
    with pytest.raises(Unreachable, match="cannot be read"):
        asking(lambda it: it.trades("BTC-AUD", T0, T0 + 1), trades=lambda _: rows)


class Candles:
    """Candles of a market that is quiet now and then; pages as the sample or the other way."""

    def __init__(self, count=2_500, quiet=7, newest_first=False, cap=1_000, ends=(True, True)):
        self.times = [T0 + n * MINUTE.ns for n in range(count) if n % quiet]
        self.newest_first, self.cap, self.ends = newest_first, cap, ends
        self.served = MINUTE

    def row(self, time):
        n = (time - T0) // MINUTE.ns
        return [iso(time), f"{n + 1}", f"{n + 3}", f"{n + 0.5}", f"{n + 2}", f"{n + 10}"]

    def __call__(self, request):
        query = request.query
        assert not ("limit" in query and "from" in query)
        if query["timeWindow"] != "1m":
            raise web.HTTPBadRequest(text='{"code":"InvalidTimeWindow","message":"no"}')
        if "from" in query:
            start, end = parse_time(query["from"]), parse_time(query["to"])
            first, last = self.ends
            times = [
                time
                for time in self.times
                if (start <= time if first else start < time)
                and (time <= end if last else time < end)
            ]
            times = times[: self.cap]
        else:
            times, limit = self.times, int(query["limit"])
            if "before" in query:
                times = [time for time in times if time < parse_time(query["before"])]
            elif "after" in query:
                times = [time for time in times if time > parse_time(query["after"])][:limit]
            times = times[-limit:]
        return [self.row(time) for time in (times[::-1] if self.newest_first else times)]


@pytest.mark.parametrize("newest_first", [True, False])
@pytest.mark.parametrize("ends", [(True, True), (True, False), (False, True), (False, False)])
@pytest.mark.parametrize("cap", [1_000, 200])
def test_candles_of_a_range_are_all_there_whatever_its_ends_and_caps_mean(newest_first, ends, cap):
    server = Candles(newest_first=newest_first, ends=ends, cap=cap)
    start, end = T0 + 3 * MINUTE.ns, T0 + 2_400 * MINUTE.ns
    rows, _ = asking(lambda it: it.candles("BTC-AUD", MINUTE, start, end), candles=server)
    assert rows.time.tolist() == [time for time in server.times if start <= time < end]
    assert (rows.open[0], rows.high[0], rows.low[0], rows.close[0], rows.volume[0]) == (
        4.0,
        6.0,
        3.5,
        5.0,
        13.0,
    )


def test_candles_are_the_same_by_pages_as_by_range():
    start, end = T0 + 3 * MINUTE.ns, T0 + 2_400 * MINUTE.ns

    async def both(connection):
        by_range = await connection.candles("BTC-AUD", MINUTE, start, end)
        by_page = await connection.requests.candles_by_page("BTC-AUD", MINUTE, start, end)
        return by_range, by_page

    (by_range, (by_page, reached)), _ = asking(both, candles=Candles(newest_first=True))
    assert reached
    assert by_page.time.tolist() == by_range.time.tolist()
    assert by_page.volume.tolist() == by_range.volume.tolist()


def test_a_window_that_is_refused_is_made_of_minutes():
    five = Interval.parse("5m")
    rows, _ = asking(
        lambda it: it.candles("BTC-AUD", five, T0, T0 + 20 * MINUTE.ns), candles=Candles()
    )
    # Minutes 0, 7 and 14 are quiet: opens are minutes 1, 5, 10, 15; closes 4, 9, 13, 19.
    assert ((rows.time - T0) // MINUTE.ns).tolist() == [0, 5, 10, 15]
    assert rows.open.tolist() == [2, 6, 11, 16]
    assert rows.high.tolist() == [7, 12, 16, 22]
    assert rows.low.tolist() == [1.5, 5.5, 10.5, 15.5]
    assert rows.close.tolist() == [6, 11, 15, 21]
    assert rows.volume.tolist() == [50, 68, 86, 135]


def test_a_window_that_is_served_as_another_one_is_made_of_minutes():
    minutes = Candles()

    def as_if_days(request):
        if request.query["timeWindow"] == "5m":  # not known, so that the usual window is served
            return [[iso(T0), "1", "99", "1", "50", "1000"]]
        return minutes(request)

    five = Interval.parse("5m")
    rows, _ = asking(
        lambda it: it.candles("BTC-AUD", five, T0, T0 + 20 * MINUTE.ns), candles=as_if_days
    )
    assert rows.volume.tolist() == [50, 68, 86, 135]


def test_a_window_that_holds_what_its_minutes_do_is_asked_for_as_such_from_then_on():
    minutes, asked = Candles(), []

    def answer(request):
        window = request.query["timeWindow"]
        asked.append(window)
        rows = [
            [iso(T0 + five * 5 * MINUTE.ns), *values]
            for five, values in enumerate(
                [
                    ["2", "7", "1.5", "6", "50"],
                    ["6", "12", "5.5", "11", "68"],
                    ["11", "16", "10.5", "15", "86"],
                    ["16", "22", "15.5", "21", "135"],
                ]
            )
        ]
        return rows if window == "5m" else minutes(request)

    five = Interval.parse("5m")

    async def twice(connection):
        for _ in range(2):
            rows = await connection.candles("BTC-AUD", five, T0, T0 + 20 * MINUTE.ns)
        return rows

    rows, _ = asking(twice, candles=answer)
    assert rows.volume.tolist() == [50, 68, 86, 135]
    assert asked == ["5m", "1m", "5m", "5m"]


def test_values_of_candles_are_as_served_and_the_greater_volume_stands():
    rows = [
        [iso(T0), "1", "NaN", "1", "-5", "2"],
        [iso(T0 + MINUTE.ns), "1", "1", "1", "1", "2"],
        [iso(T0 + MINUTE.ns), "1", "1", "1", "7", "3"],
        [iso(T0 + MINUTE.ns), "1", "1", "1", "1", "2"],
    ]
    found, _ = asking(
        lambda it: it.candles("BTC-AUD", MINUTE, T0, T0 + 5 * MINUTE.ns), candles=lambda _: rows
    )
    assert np.isnan(found.high[0])
    assert found.close.tolist() == [-5, 7]


@pytest.mark.parametrize(
    "row",
    [
        {},
        "row",
        [],
        [iso(T0), "1", "1", "1", "1"],
        [iso(T0), "1", "1", "1", None, "1"],
        [iso(T0), "1", "1", "abc", "1", "1"],
        [12345, "1", "1", "1", "1", "1"],
    ],
)
def test_a_candle_of_other_types_cannot_be_read(row):
    with pytest.raises(Unreachable, match="cannot be read"):
        asking(
            lambda it: it.candles("BTC-AUD", MINUTE, T0, T0 + MINUTE.ns), candles=lambda _: [row]
        )


def test_no_rows_merge_to_none_and_weeks_open_on_mondays():
    none = np.empty(0)
    empty = CandleRows("BTC-AUD", none.astype(np.int64), none, none, none, none, none)
    week = Interval.parse("1w")
    assert len(merged(empty, week)) == 0
    days = parse_time("2026-03-01") + np.arange(3) * Interval.parse("1d").ns  # Sunday to Tuesday
    one = np.arange(3.0)
    rows = merged(CandleRows("BTC-AUD", days, one, one, one, one, one), week)
    assert rows.time.tolist() == [parse_time("2026-02-23"), parse_time("2026-03-02")]
    assert rows.volume.tolist() == [0.0, 3.0]


def test_time_and_markets_are_read():
    async def both(connection):
        return await connection.time(), await connection.markets()

    (now, markets), _ = asking(both, time=lambda _: {"timestamp": "2026-09-23T04:45:22.416000Z"})
    assert now == parse_time("2026-09-23T04:45:22.416")
    assert (markets["BTC-AUD"].rules.lot_step, markets["BTC-AUD"].rules.tick_size) == (1e-8, 0.01)
    assert (markets["BTC-AUD"].online, markets["XRP-AUD"].online) == (True, False)


def test_tickers_say_what_is_missing():
    raw = {"marketId": "BTC-AUD", "bestBid": "1.5", "timestamp": "2020-08-09T18:28:23.280000Z"}
    found, _ = asking(lambda it: it.requests.tickers(["BTC-AUD"]), tickers=lambda _: [raw])
    assert found["BTC-AUD"].bid == 1.5
    assert np.isnan(found["BTC-AUD"].last)


def test_orders_of_one_price_are_one_level():
    raw = {
        "marketId": "BTC-AUD",
        "snapshotId": 1573067029187000,
        "asks": [["10.5", "2"], ["10.50", "1"], ["11", "4"]],
        "bids": [["9", "1"]],
    }
    book, _ = asking(lambda it: it.requests.order_book("BTC-AUD"), book=lambda _: raw)
    assert book.levels[1].tolist() == [[10.5, 3.0], [11.0, 4.0]]
    assert book.levels[0][0].tolist() == [9.0, 1.0]
    assert np.isnan(book.levels[0][1]).all()
    assert book.time == 1573067029187000 * 1_000


def test_an_unknown_market_is_named_with_the_nearest():
    def no(request):
        raise web.HTTPNotFound(text='{"code":"MarketNotFound","message":"market not found"}')

    with pytest.raises(UserError, match=r"no market 'BTC-AUB'\. Did you mean 'BTC-AUD'\?"):
        asking(lambda it: it.candles("BTC-AUB", MINUTE, T0, T0 + MINUTE.ns), other=no)
    with pytest.raises(Refused, match="MarketNotFound"):  # which the list of markets contradicts
        asking(lambda it: it.candles("BTC-AUD", MINUTE, T0, T0 + MINUTE.ns), candles=no)
