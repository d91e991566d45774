"""BTC Markets' REST v3: paths, parameters, pages and errors."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING

from framework.loopback.true_rows import TrueMarket, TrueTrade, decimal_text
from framework.loopback.venue import Venue
from framework.loopback.wire import Answer, Handler
from framework.loopback.wires import btcmarkets_account as account
from framework.types import DAY_NS, Interval, format_time, parse_time

if TYPE_CHECKING:
    from aiohttp.web import Request

WINDOWS = ("1m", "3m", "5m", "15m", "30m", "1h", "2h", "3h", "4h", "6h", "1d")

_USUAL_ROWS, _MOST_ROWS, _MOST_RANGE = 10, 200, 1_000
_MINUTE = Interval.parse("1m")


class BTCMarketsRequests:
    """Answers requests from what the venue serves.

    Parameters
    ----------
    venue : callable
        Returns the venue of now.
    before_is_newer : bool
        Whether the cursor ``before`` leads to newer rows, as the maker's samples suggest, or to
        older ones: which of both is right is not known.
    """

    def __init__(self, venue: Callable[[], Venue], before_is_newer: bool) -> None:
        self._venue = venue
        self._before_is_newer = before_is_newer

    def routes(self) -> Sequence[tuple[str, str, Handler]]:
        """Return all of them."""
        return [
            ("GET", "/v3/time", self._time),
            ("GET", "/v3/markets", self._markets),
            ("GET", "/v3/markets/tickers", self._tickers),
            ("GET", "/v3/markets/{id}/ticker", self._of_market(self._ticker)),
            ("GET", "/v3/markets/{id}/orderbook", self._of_market(self._book)),
            ("GET", "/v3/markets/{id}/trades", self._of_market(self._trades)),
            ("GET", "/v3/markets/{id}/candles", self._of_market(self._candles)),
            ("GET", "/v3/accounts/me/balances", self._signed(account.balances)),
            ("GET", "/v3/accounts/me/trading-fees", self._signed(account.trading_fees)),
            ("GET", "/v3/orders", self._signed(account.orders)),
        ]

    async def _time(self, request: Request) -> Answer:
        return Answer({"timestamp": micros(self._venue().now_ns())})

    async def _markets(self, request: Request) -> Answer:
        return Answer(
            [
                {
                    "marketId": market.pair,
                    "baseAssetName": market.base,
                    "quoteAssetName": market.quote,
                    "minOrderAmount": "0.0001",
                    "maxOrderAmount": "1000000",
                    "amountDecimals": str(market.unit_decimals),
                    "priceDecimals": str(market.price_decimals),
                    "status": "Online",
                }
                for market in self._venue().markets()
            ]
        )

    async def _tickers(self, request: Request) -> Answer:
        tickers = []
        for name in request.query.getall("marketId", []):
            market = self._venue().market(name)
            if market is None:
                return no("InvalidMarketId", "invalid market id")
            tickers.append(ticker(self._venue(), market))
        return Answer(tickers)

    async def _ticker(self, request: Request, market: TrueMarket) -> Answer:
        return Answer(ticker(self._venue(), market))

    async def _book(self, request: Request, market: TrueMarket) -> Answer:
        """Return single orders: a price repeats where several rest at it."""
        level = request.query.get("level", "1")
        if level not in ("1", "2"):
            return no("InvalidOrderbookLevel", "invalid order book level")
        view = self._venue().book(market.pair).view()
        sides = {"asks": view.asks, "bids": view.bids}
        orders = {
            side: [
                [market.price_text(price, padded=False), market.units_text(units, padded=False)]
                for price, whole in levels
                for units in ((whole // 3, whole - whole // 3) if whole > 2 else (whole,))
            ][: 50 if level == "1" else None]
            for side, levels in sides.items()
        }
        return Answer({"marketId": market.pair, "snapshotId": view.time // 1_000, **orders})

    async def _trades(self, request: Request, market: TrueMarket) -> Answer:
        limit = _limit(request)
        if limit is None:
            return no("InvalidPaginationParameter", "invalid limit")
        venue, pair = self._venue(), market.pair
        cursor, newer = self._cursor(request)
        if cursor is None:
            rows = list(venue.newest_trades(pair, limit))
        elif not cursor.isdigit():
            return no("InvalidPaginationParameter", "invalid before or after")
        else:
            # An identifier tells the span of its trade.
            span_ns = int(cursor) // 10 * venue.truth.bucket.ns
            if newer:
                later = venue.trades(pair, span_ns, venue.now_ns())
                rows = list(later.where(later.id > int(cursor)).where(slice(limit)))
            else:
                end_ns = span_ns + venue.truth.bucket.ns
                earlier = venue.newest_trades(pair, limit + 5, end_ns)
                rows = list(earlier.where(earlier.id < int(cursor)))[-limit:]
        told = venue.paged([_trade(market, row) for row in rows], newest_first=True)
        headers = {}
        if told:
            headers = {"BM-BEFORE": str(told[0]["id"]), "BM-AFTER": str(told[-1]["id"])}
        return Answer(told, headers=headers)

    async def _candles(self, request: Request, market: TrueMarket) -> Answer:
        window, query = request.query.get("timeWindow", "1d"), request.query
        if window not in WINDOWS:
            return no("InvalidTimeWindow", "invalid time window")
        ranged = "from" in query or "to" in query
        limit = _limit(request)
        if limit is None or (ranged and {"before", "after", "limit"} & set(query)):
            return no("InvalidPaginationParameter", "invalid pagination parameter")
        venue, interval = self._venue(), Interval.parse(window)
        cursor, newer = self._cursor(request)
        try:
            if ranged:
                end_ns = parse_time(query["to"]) if "to" in query else venue.now_ns()
                usual = end_ns - _MOST_RANGE * interval.ns
                start_ns = parse_time(query["from"]) if "from" in query else usual
                found = venue.candles(market.pair, interval, start_ns, end_ns + 1)[:_MOST_RANGE]
            elif cursor is None:
                found = venue.newest_candles(market.pair, interval, limit)
            elif newer:
                later_ns = parse_time(cursor) + 1
                found = venue.candles(market.pair, interval, later_ns, venue.now_ns())[:limit]
            else:
                found = venue.newest_candles(market.pair, interval, limit, parse_time(cursor))
        except ValueError:
            return no("InvalidPaginationParameter", "invalid time")
        rows = [
            [
                micros(candle.time),
                *(market.price_text(price, padded=False) for price in candle[1:5]),
                market.units_text(candle.volume, padded=False),
            ]
            for candle in found
        ]
        return Answer(venue.paged(rows, newest_first=not ranged))

    def _cursor(self, request: Request) -> tuple[str | None, bool]:
        """Return the cursor of a page, and whether it leads to newer rows."""
        for name, newer in (
            ("before", self._before_is_newer),
            ("after", not self._before_is_newer),
        ):
            if name in request.query:
                return request.query[name], newer
        return None, False

    def _of_market(self, handle: Callable[[Request, TrueMarket], Awaitable[Answer]]) -> Handler:
        async def answer(request: Request) -> Answer:
            market = self._venue().market(request.match_info["id"])
            if market is None:
                return no("MarketNotFound", "market not found", 404)
            return await handle(request, market)

        return answer

    def _signed(self, told: Callable[[Venue], object]) -> Handler:
        async def answer(request: Request) -> Answer:
            refusal = account.trespass(request, self._venue())
            return refusal if refusal is not None else Answer(told(self._venue()))

        return answer


def ticker(venue: Venue, market: TrueMarket) -> dict[str, str]:
    """Return what sums up a market's last day."""
    now_ns, view = venue.now_ns(), venue.book(market.pair).view(1)
    trades = venue.trades(market.pair, now_ns - DAY_NS, now_ns)
    minutes = trades.candles(_MINUTE)
    volume = sum(candle.volume for candle in minutes)
    value = sum(candle.volume * candle.close for candle in minutes)
    told = {
        "marketId": market.pair,
        "volume24h": market.units_text(volume, padded=False),
        "volumeQte24h": decimal_text(value, market.unit_decimals + market.price_decimals),
        "timestamp": micros(view.time),
    }
    if view.bids and view.asks:
        told["bestBid"] = market.price_text(view.bids[0][0], padded=False)
        told["bestAsk"] = market.price_text(view.asks[0][0], padded=False)
    if minutes:
        told["lastPrice"] = market.price_text(minutes[-1].close, padded=False)
        told["low24h"] = market.price_text(min(c.low for c in minutes), padded=False)
        told["high24h"] = market.price_text(max(c.high for c in minutes), padded=False)
    return told


def no(code: str, message: str, status: int = 400) -> Answer:
    """Return an error as BTC Markets words them."""
    return Answer({"code": code, "message": message}, status)


def micros(time_ns: int) -> str:
    """Return ISO 8601 with six digits of a second.

    Examples
    --------
    >>> micros(1_500_000_000)
    '1970-01-01T00:00:01.500000Z'
    """
    whole = format_time(time_ns // 1_000_000_000 * 1_000_000_000)
    return f"{whole[:-1]}.{time_ns // 1_000 % 1_000_000:06d}Z"


def _trade(market: TrueMarket, trade: TrueTrade) -> dict[str, str]:
    return {
        "id": str(trade.id),
        "price": market.price_text(trade.price, padded=False),
        "amount": market.units_text(trade.units, padded=False),
        "timestamp": micros(trade.time),
        "side": "Bid" if trade.side > 0 else "Ask",
    }


def _limit(request: Request) -> int | None:
    """Return the rows asked for; None where that is no number of 1 to 200."""
    text = request.query.get("limit", str(_USUAL_ROWS))
    return int(text) if text.isdigit() and 1 <= int(text) <= _MOST_ROWS else None
