"""Requests to Binance, spot.

https://developers.binance.com/docs/binance-spot-api-docs/rest-api
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from framework.exchange.binance_socket import BinanceListener, trade_of
from framework.exchange.ccxt_connection import CandlePage, CcxtConnection
from framework.exchange.connection import Channel, Heard, MarketInfo, Offers
from framework.exchange.wire_values import (
    Unreadable,
    counter_of,
    dict_of,
    list_of,
    moment_of,
    number_of,
    open_time_of,
    served_ohlcv_of,
    text_of,
)
from framework.market.live import Trade, in_order
from framework.market.rules import MarketRules
from framework.types import MS_NS, SECOND_NS, Interval

_HOUR_NS = 3_600 * SECOND_NS
_PAGE = 1_000
_NEVER = 1 << 62
_TIMEFRAMES = "1s 1m 3m 5m 15m 30m 1h 2h 4h 6h 8h 12h 1d 1w".split()


class BinanceConnection(CcxtConnection):
    """Binance's spot market; trades are aggregates, which alone can be asked for by time.

    The budget counts request weight, of which Binance allows 6,000 a minute.
    """

    ccxt_name = "binance"
    timeframes: ClassVar = {Interval.parse(text): text for text in _TIMEFRAMES}
    offers = Offers(
        candle_stream=True,
        says_closed=True,
        quiet_candles=True,
        trade_history=True,
        candle_page=_PAGE,
        oldest_candles=None,
        silence_s=60.0,  # the exchange pings every 20 s
        lifetime_s=23.5 * 3_600,  # the exchange closes sockets after a day
    )
    config: ClassVar = {
        "options": {
            "defaultType": "spot",
            "fetchMarkets": {"types": ["spot"]},
            # One socket for all, so that what happens in order is heard in order.
            "streamLimits": {"spot": 1},
            "subscriptionLimitByStream": {"spot": 1_024},
        }
    }

    def market_id(self, pair: str) -> str:
        """Return the symbol, such as BTCUSDT."""
        return pair.replace("-", "")

    def listener(
        self,
        pairs: Sequence[str],
        interval: Interval,
        channels: frozenset[Channel],
        hear: Callable[[Heard], None],
    ) -> BinanceListener:
        """Return what listens to one connection."""
        return BinanceListener(self, pairs, interval, channels, hear)

    async def time(self) -> int:
        """Return the exchange's time, UTC ns, as one answer says it."""
        return await self.ask(
            "time",
            lambda client: client.publicGetTime(),
            lambda answer: moment_of(answer["serverTime"]),
        )

    async def markets(self) -> dict[str, MarketInfo]:
        """Return all spot markets by pair."""
        asked = {"permissions": "SPOT", "showPermissionSets": "false"}
        return await self.ask(
            "markets",
            lambda client: client.publicGetExchangeInfo(asked),
            lambda answer: {info.pair: info for info in map(_market, list_of(answer["symbols"]))},
            cost=20.0,
        )

    async def candle_page(
        self, pair: str, interval: Interval, start_ns: int, end_ns: int
    ) -> CandlePage:
        """Return the candles of at most a page, [start_ns, end_ns)."""
        return await self._klines(pair, interval, {"endTime": end_ns // MS_NS - 1}, start_ns, _PAGE)

    async def first_candle(self, pair: str, interval: Interval, from_ns: int) -> int:
        """Return the open time of the first candle since `from_ns`; the end of time: none."""
        return min(await self._klines(pair, interval, {}, from_ns, 1), default=_NEVER)

    async def _klines(
        self, pair: str, interval: Interval, more: dict[str, Any], start_ns: int, limit: int
    ) -> CandlePage:
        asked = {
            "symbol": self.market_id(pair),
            "interval": self.timeframe(interval),
            "startTime": start_ns // MS_NS,
            "limit": limit,
            **more,
        }
        return await self.ask(
            f"candles of {pair}",
            lambda client: client.publicGetKlines(asked),
            lambda answer: {
                open_time_of(row[0], interval): served_ohlcv_of(list_of(row)[1:6])
                for row in list_of(answer)
            },
            cost=2.0,
            pair=pair,
        )

    async def trades(self, pair: str, start_ns: int, end_ns: int) -> tuple[list[Trade], int]:
        """Return the trades with times in [start_ns, end_ns), all of them."""
        found: dict[int, Trade] = {}
        page: dict[int, Trade] = {}
        until_ns = start_ns
        while until_ns < end_ns and not page:  # by the hour to the first one, then by their ids
            at_ns, until_ns = until_ns, min(until_ns + _HOUR_NS, end_ns)
            asked = {"startTime": -(-at_ns // MS_NS), "endTime": -(-until_ns // MS_NS) - 1}
            page = await self._aggregates(pair, asked)
        more = until_ns < end_ns
        while page:
            found |= page
            newest = max(page)
            if found[newest].time >= end_ns or not (more or len(page) == _PAGE):
                break
            page, more = await self._aggregates(pair, {"fromId": newest + 1}), False
        within = [trade for trade in found.values() if start_ns <= trade.time < end_ns]
        return sorted(within, key=in_order), start_ns

    async def _aggregates(self, pair: str, which: dict[str, int]) -> dict[int, Trade]:
        """Return a page of trades by id."""
        asked = {"symbol": self.market_id(pair), "limit": _PAGE, **which}

        def read(answer: Any) -> dict[int, Trade]:
            page = {counter_of(row["a"]): trade_of(pair, row) for row in list_of(answer)}
            if page and min(page) < which.get("fromId", 0):
                raise Unreadable(f"trade {min(page)} is older than asked for")
            return page

        return await self.ask(
            f"trades of {pair}",
            lambda client: client.publicGetAggTrades(asked),
            read,
            cost=4.0,
            pair=pair,
        )


def _market(row: Any) -> MarketInfo:
    """Return what ``exchangeInfo`` says of one symbol."""
    filters = {text_of(f["filterType"]): dict_of(f) for f in list_of(row["filters"])}
    notional = filters.get("NOTIONAL", filters.get("MIN_NOTIONAL", {}))

    def rule(values: dict[str, Any], name: str) -> float:
        return number_of(values.get(name, "0"), 1e18, name)

    return MarketInfo(
        f"{text_of(row['baseAsset'])}-{text_of(row['quoteAsset'])}",
        row["status"] == "TRADING",
        MarketRules(
            lot_step=rule(filters.get("LOT_SIZE", {}), "stepSize"),
            tick_size=rule(filters.get("PRICE_FILTER", {}), "tickSize"),
            min_notional=rule(notional, "minNotional"),
        ),
    )
