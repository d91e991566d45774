"""BTC Markets' other answers: time, markets, tickers, order books, and markets there are not."""

import numpy as np
import pytest
from aiohttp import web
from btcmarkets_standin import asking

from framework.errors import UserError
from framework.exchange.faults import Refused
from framework.types import Interval, parse_time

MINUTE = Interval.parse("1m")
T0 = parse_time("2026-03-01")


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
