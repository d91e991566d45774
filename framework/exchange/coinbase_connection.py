"""Coinbase's spot markets: Advanced Trade's public requests and socket."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, TypeVar

from framework.exchange.ccxt_connection import CandlePage, CcxtConnection
from framework.exchange.ccxt_listener import CcxtListener
from framework.exchange.coinbase_listener import CoinbaseListener
from framework.exchange.coinbase_rows import (
    GRANULARITIES,
    candles_in,
    markets_in,
    time_in,
    trades_in,
)
from framework.exchange.connection import Channel, Heard, MarketInfo, Offers
from framework.exchange.faults import Refused
from framework.market.live import Trade, in_order
from framework.types import SECOND_NS, Interval

T = TypeVar("T")

_TRADE_PAGE = 1_000


class CoinbaseConnection(CcxtConnection):
    """Coinbase through ccxt, without keys; the parameters are those of `CcxtConnection`."""

    ccxt_name = "coinbase"
    timeframes: ClassVar[Mapping[Interval, str]] = {
        Interval.parse(text): granularity for text, granularity in GRANULARITIES.items()
    }
    offers = Offers(
        candle_stream=False,  # there is one, of 5 minutes only
        says_closed=False,
        quiet_candles=False,
        trade_history=True,
        candle_page=299,  # of 300: the last one is asked for again, as it may not be among them
        oldest_candles=None,
        silence_s=10.0,
    )

    async def time(self) -> int:
        """Return the exchange's time, UTC ns, as one answer says it."""
        return await self.ask("time", lambda client: client.v3PublicGetBrokerageTime(), time_in)

    async def markets(self) -> dict[str, MarketInfo]:
        """Return all spot markets by pair."""
        query = {"product_type": "SPOT"}
        found = await self.ask(
            "markets", lambda client: client.v3PublicGetBrokerageMarketProducts(query), markets_in
        )
        return dict(sorted(found.items()))

    def market_id(self, pair: str) -> str:
        """Return what the exchange calls a pair: the same."""
        return pair

    async def candle_page(
        self, pair: str, interval: Interval, start_ns: int, end_ns: int
    ) -> CandlePage:
        """Return the candles of at most a page, [start_ns, end_ns) and perhaps the next one."""
        query = {
            "product_id": pair,
            "granularity": self.timeframe(interval),
            "start": str(start_ns // SECOND_NS),
            "end": str(end_ns // SECOND_NS),
        }
        return await self._asked(
            f"candles of {pair}",
            lambda client: client.v3PublicGetBrokerageMarketProductsProductIdCandles(query),
            lambda answer: candles_in(interval, answer),
            pair,
        )

    async def trades(self, pair: str, start_ns: int, end_ns: int) -> tuple[list[Trade], int]:
        """Return the trades with times in [start_ns, end_ns), newest page first."""
        found: dict[str, Trade] = {}
        complete_from_ns = start_ns
        end_s = -(-end_ns // SECOND_NS)
        while True:
            page = {trade.id: trade for trade in await self._trade_page(pair, start_ns, end_s)}
            if not page.keys() - found.keys():
                break
            found |= page
            oldest = min(trade.time for trade in page.values())
            if max(trade.time for trade in page.values()) >= (end_s + 2) * SECOND_NS:
                complete_from_ns = max(start_ns, oldest + 1)  # the newest, whatever was asked for
                break
            if oldest < start_ns:
                break
            # The oldest second may not be whole: it is asked for again.
            if len(page) >= _TRADE_PAGE and oldest // SECOND_NS + 1 >= end_s:
                complete_from_ns = max(complete_from_ns, end_s * SECOND_NS)
                end_s -= 1
            else:
                end_s = oldest // SECOND_NS + 1
        within = [trade for trade in found.values() if start_ns <= trade.time < end_ns]
        return sorted(within, key=in_order), complete_from_ns

    def listener(
        self,
        pairs: Sequence[str],
        interval: Interval,
        channels: frozenset[Channel],
        hear: Callable[[Heard], None],
    ) -> CcxtListener:
        """Return what listens to one connection."""
        return CoinbaseListener(self, pairs, interval, channels, hear)

    async def _trade_page(self, pair: str, start_ns: int, end_s: int) -> list[Trade]:
        query = {
            "product_id": pair,
            "limit": _TRADE_PAGE,
            "start": str(start_ns // SECOND_NS),
            "end": str(end_s),
        }
        return await self._asked(
            f"trades of {pair}",
            lambda client: client.v3PublicGetBrokerageMarketProductsProductIdTicker(query),
            trades_in,
            pair,
        )

    async def _asked(
        self, what: str, call: Callable[[Any], Any], read: Callable[[Any], T], pair: str
    ) -> T:
        """Return the answer to a request about a pair, which the exchange may not know."""
        try:
            return await self.ask(what, call, read, pair=pair)
        except Refused:
            if pair in await self.markets():
                raise
        raise await self.unknown_markets([pair])
