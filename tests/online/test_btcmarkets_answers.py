"""What BTC Markets' reference leaves open: found out, and told."""

import pytest

from framework.types import Interval

pytestmark = pytest.mark.online

EXCHANGES = ["btcmarkets"]
MINUTE, HOUR = Interval.parse("1m"), Interval.parse("1h")


def requests_of(connection, exchange):
    if not hasattr(connection, "requests"):
        pytest.skip(f"{exchange.name} does not speak as BTC Markets does")
    return connection.requests


def test_candles_are_the_same_by_range_and_by_page(ask, exchange, report):
    async def work(connection):
        requests = requests_of(connection, exchange)
        pair = exchange.offered_pairs()[0]
        end = MINUTE.floor(await connection.time()) - 5 * MINUTE.ns
        start = end - 500 * MINUTE.ns
        by_range = await requests.candles(pair, MINUTE, start, end)
        by_page, reached = await requests.candles_by_page(pair, MINUTE, start, end)
        return by_range, by_page, reached, requests.candle_history.pager.way

    by_range, by_page, reached, way = ask(work)
    report(f"older candles: {way}")
    assert reached
    for name in ("time", "open", "high", "low", "close", "volume"):
        assert getattr(by_page, name).tolist() == getattr(by_range, name).tolist()


def test_which_cursor_leads_to_older_trades(ask, exchange, report):
    async def work(connection):
        requests = requests_of(connection, exchange)
        now = await connection.time()
        trades, complete_from = await requests.trades(
            exchange.offered_pairs()[0], now - 6 * HOUR.ns, now
        )
        return len(trades), (now - complete_from) / HOUR.ns, requests.trade_history.pager.way

    count, hours, way = ask(work)
    report(f"older trades: {way}; {count} in {hours:.1f} hours")
    assert way or count < 200
    assert hours == pytest.approx(6.0)


def test_which_lengths_of_candles_are_served_as_they_should_be(ask, exchange, intervals, report):
    async def work(connection):
        requests = requests_of(connection, exchange)
        now = await connection.time()
        for interval in intervals:
            end = interval.floor(now)
            pair = exchange.offered_pairs()[0]
            await requests.candles(pair, interval, end - 30 * interval.ns, end)
        return requests.candle_history.served

    served = ask(work)
    told = ", ".join(f"{interval} {'yes' if yes else 'NO'}" for interval, yes in served.items())
    report(f"lengths beside 1m, 1h, 1d: {told or 'not found out'}")


def test_whole_and_short_order_books_agree_on_the_best_prices(ask, exchange, report):
    async def work(connection):
        requests = requests_of(connection, exchange)
        pair = exchange.offered_pairs()[0]
        return await requests.order_book(pair), await requests.order_book(pair, whole=True)

    short, whole = ask(work)
    report(f"levels: {short.levels.shape[1]} of the best 50 orders, {whole.levels.shape[1]} of all")
    for book in (short, whole):
        assert book.levels[0, 0, 0] < book.levels[1, 0, 0]
    assert whole.levels[0, 0, 0] == pytest.approx(short.levels[0, 0, 0], rel=0.02)
