"""What BTC Markets answers to anybody: time, markets, tickers, order books, candles, trades."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from framework.exchange.btcmarkets_candles import CandleHistory
from framework.exchange.btcmarkets_trades import TradeHistory
from framework.exchange.connection import MarketInfo
from framework.exchange.faults import Refused
from framework.exchange.http import Answer, JsonClient
from framework.exchange.live_book import LiveBook
from framework.exchange.not_offered import unknown_pairs
from framework.exchange.wire_values import (
    dict_of,
    list_of,
    price_of,
    served_number_of,
    text_of,
    traded_units_of,
)
from framework.exchange.written_values import iso_time_of
from framework.market.live import BookState, Trade
from framework.market.rows import CandleRows
from framework.market.rules import MarketRules
from framework.types import Interval

T = TypeVar("T")

_TIME_COST = 1.5  # 100 in ten seconds, others 150
_MOST_DECIMALS = 18


@dataclass(frozen=True, slots=True)
class Ticker:
    """The best prices of one market, and the last day.

    Parameters
    ----------
    pair : str
        ``BASE-QUOTE``.
    time : int
        Of the last change of the book, UTC ns: months ago in a quiet market.
    bid, ask, last : float
        Quote currency; NaN: there is none.
    volume : float
        Of 24 hours, base currency.
    """

    pair: str
    time: int
    bid: float
    ask: float
    last: float
    volume: float


class PublicRequests:
    """Asks BTC Markets.

    Parameters
    ----------
    client : JsonClient
    """

    def __init__(self, client: JsonClient) -> None:
        self._client = client
        self.candle_history = CandleHistory(client)
        self.trade_history = TradeHistory(client)

    async def time(self) -> int:
        """Return the exchange's time, UTC ns."""

        def read(answer: Answer) -> int:
            return iso_time_of(dict_of(answer.body).get("timestamp"))

        return await self._client.get("/v3/time", read, cost=_TIME_COST)

    async def markets(self) -> dict[str, MarketInfo]:
        """Return all markets by pair."""

        def read(answer: Answer) -> dict[str, MarketInfo]:
            found = [_market(dict_of(entry)) for entry in list_of(answer.body)]
            return {market.pair: market for market in found}

        return await self._client.get("/v3/markets", read)

    async def tickers(self, pairs: Sequence[str]) -> dict[str, Ticker]:
        """Return the tickers of `pairs`."""

        def read(answer: Answer) -> dict[str, Ticker]:
            found = [_ticker(dict_of(entry)) for entry in list_of(answer.body)]
            return {ticker.pair: ticker for ticker in found}

        query = [("marketId", pair) for pair in pairs]
        asked = self._client.get("/v3/markets/tickers", read, query)
        return await self._known(pairs, asked)

    async def order_book(self, pair: str, whole: bool = False) -> BookState:
        """Return the best 50 orders of each side, or all, added up by price.

        The whole book may be some seconds old.
        """

        def read(answer: Answer) -> BookState:
            return _book(pair, dict_of(answer.body))

        path = f"/v3/markets/{pair}/orderbook"
        asked = self._client.get(path, read, [("level", "2" if whole else "1")])
        return await self._known([pair], asked)

    async def candles(
        self, pair: str, interval: Interval, start_ns: int, end_ns: int
    ) -> CandleRows:
        """Return the candles with open times in [start_ns, end_ns), ascending, each once."""
        asked = self.candle_history.between(pair, interval, start_ns, end_ns)
        return await self._known([pair], asked)

    async def candles_by_page(
        self, pair: str, interval: Interval, start_ns: int, end_ns: int
    ) -> tuple[CandleRows, bool]:
        """Return the same by the other way of asking, and whether it reached `start_ns`."""
        asked = self.candle_history.by_page(pair, interval, start_ns, end_ns)
        return await self._known([pair], asked)

    async def trades(self, pair: str, start_ns: int, end_ns: int) -> tuple[list[Trade], int]:
        """Return the trades with times in [start_ns, end_ns), and from when on all are there."""
        return await self._known([pair], self.trade_history.between(pair, start_ns, end_ns))

    async def require(self, pairs: Sequence[str]) -> None:
        """Raise UserError unless all of `pairs` are markets."""
        known = await self.markets()
        unknown = [pair for pair in pairs if pair not in known]
        if unknown:
            raise unknown_pairs(self._client.exchange, unknown, known)

    async def _known(self, pairs: Sequence[str], asked: Awaitable[T]) -> T:
        """Return what was asked for; where that is declined, find out whether a pair is wrong."""
        try:
            return await asked
        except Refused:
            await self.require(pairs)
            raise


def _market(entry: dict[str, Any]) -> MarketInfo:
    status = text_of(entry.get("status"))
    rules = MarketRules(
        lot_step=_step(entry.get("amountDecimals")), tick_size=_step(entry.get("priceDecimals"))
    )
    return MarketInfo(text_of(entry.get("marketId")), status == "Online", rules)


def _step(decimals: Any) -> float:
    """Return the smallest difference that so many decimals can tell; 0 where none are named."""
    if decimals is None:
        return 0.0
    count = served_number_of(decimals)
    if not (0 <= count <= _MOST_DECIMALS and count == int(count)):
        raise ValueError(f"{decimals!r:.40} is no number of decimals")
    return float(f"1e-{int(count)}")


def _ticker(entry: dict[str, Any]) -> Ticker:
    bid, ask, last, volume = (
        served_number_of(entry.get(key, "nan"))
        for key in ("bestBid", "bestAsk", "lastPrice", "volume24h")
    )
    time_ns = iso_time_of(entry.get("timestamp"))
    return Ticker(text_of(entry.get("marketId")), time_ns, bid, ask, last, volume)


def _book(pair: str, body: dict[str, Any]) -> BookState:
    if body.get("marketId") != pair:
        raise ValueError(f"the order book is of {body.get('marketId')!r:.40}")
    book = LiveBook(pair)
    book.time = _snapshot_ns(body.get("snapshotId"))
    depth = 0
    for bid, key in ((True, "bids"), (False, "asks")):
        totals: dict[float, float] = {}
        for order in list_of(body.get(key)):
            price, units = list_of(order)[:2]
            price, units = price_of(price), traded_units_of(units)
            totals[price] = totals.get(price, 0.0) + units
        book.put_all(bid, ((repr(price), repr(units)) for price, units in totals.items()))
        depth = max(depth, len(totals))
    return book.state(depth)


def _snapshot_ns(number: Any) -> int:
    """Return the time that a snapshot's number tells: microseconds, as far as was seen."""
    value = served_number_of(number)
    return int(value) * 1_000 if 0 <= value < 9e15 else 0
