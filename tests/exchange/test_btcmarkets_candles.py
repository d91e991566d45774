"""BTC Markets' candles: ranges, pages, quiet intervals, and lengths that are not certain."""

import numpy as np
import pytest
from aiohttp import web
from btcmarkets_standin import asking, iso

from framework.exchange.btcmarkets_candles import merged
from framework.exchange.faults import Unreachable
from framework.market.rows import CandleRows
from framework.types import Interval, parse_time

MINUTE = Interval.parse("1m")
T0 = parse_time("2026-03-01")


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
