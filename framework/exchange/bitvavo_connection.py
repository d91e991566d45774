"""Requests to Bitvavo.

https://docs.bitvavo.com/docs/rest-api
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from framework.exchange.bitvavo_socket import BitvavoListener, trade_of
from framework.exchange.ccxt_connection import CandlePage, CcxtConnection
from framework.exchange.connection import Channel, Heard, MarketInfo, Offers
from framework.exchange.wire_values import (
    list_of,
    moment_of,
    number_of,
    open_time_of,
    served_ohlcv_of,
    text_of,
)
from framework.market.live import Trade, in_order
from framework.market.rules import MarketRules
from framework.types import DAY_NS, MS_NS, Interval

_CANDLES = 1_440
_TRADES = 1_000
_TIMEFRAMES = "1m 5m 15m 30m 1h 2h 4h 6h 8h 12h 1d".split()


class BitvavoConnection(CcxtConnection):
    """Bitvavo; answers come the newest first.

    The budget counts points, of which Bitvavo allows 1,000 a minute.
    """

    ccxt_name = "bitvavo"
    timeframes: ClassVar = {Interval.parse(text): text for text in _TIMEFRAMES}
    offers = Offers(
        candle_stream=True,
        says_closed=False,
        quiet_candles=False,
        trade_history=True,
        candle_page=_CANDLES,
        oldest_candles=None,
        silence_s=110.0,  # the exchange pings every 50 s
    )

    def market_id(self, pair: str) -> str:
        """Return the pair: Bitvavo writes it as we do."""
        return pair

    def listener(
        self,
        pairs: Sequence[str],
        interval: Interval,
        channels: frozenset[Channel],
        hear: Callable[[Heard], None],
    ) -> BitvavoListener:
        """Return what listens to one connection."""
        return BitvavoListener(self, pairs, interval, channels, hear)

    async def time(self) -> int:
        """Return the exchange's time, UTC ns, as one answer says it."""
        return await self.ask(
            "time",
            lambda client: client.publicGetTime(),
            lambda answer: moment_of(answer["time"]),
        )

    async def markets(self) -> dict[str, MarketInfo]:
        """Return all spot markets by pair."""
        return await self.ask(
            "markets",
            lambda client: client.publicGetMarkets(),
            lambda answer: {info.pair: info for info in map(_market, list_of(answer))},
        )

    async def candle_page(
        self, pair: str, interval: Interval, start_ns: int, end_ns: int
    ) -> CandlePage:
        """Return the candles of at most a page, [start_ns, end_ns)."""
        asked = {
            "market": self.market_id(pair),
            "interval": self.timeframe(interval),
            "start": start_ns // MS_NS,
            "end": end_ns // MS_NS - 1,
            "limit": _CANDLES,
        }
        return await self.ask(
            f"candles of {pair}",
            lambda client: client.publicGetMarketCandles(asked),
            lambda answer: {
                open_time_of(list_of(row)[0], interval): served_ohlcv_of(row[1:])
                for row in list_of(answer)
            },
            pair=pair,
        )

    async def trades(self, pair: str, start_ns: int, end_ns: int) -> tuple[list[Trade], int]:
        """Return the trades with times in [start_ns, end_ns), all of them."""
        found: dict[str, Trade] = {}
        for day_ns in range(start_ns, end_ns, DAY_NS):  # no more at once
            start_ms = -(-day_ns // MS_NS)
            last_ms = -(-min(day_ns + DAY_NS, end_ns) // MS_NS) - 1
            while start_ms <= last_ms:
                page = await self._trade_page(pair, start_ms, last_ms)
                found |= {trade.id: trade for trade in page}
                if len(page) < _TRADES:
                    break
                # Back in time; those of the last moment may go on, and are asked for again.
                oldest_ms = min(trade.time for trade in page) // MS_NS
                last_ms = min(oldest_ms, last_ms - 1)
        within = [trade for trade in found.values() if start_ns <= trade.time < end_ns]
        return sorted(within, key=in_order), start_ns

    async def _trade_page(self, pair: str, start_ms: int, last_ms: int) -> list[Trade]:
        asked = {
            "market": self.market_id(pair),
            "start": start_ms,
            "end": last_ms,
            "limit": _TRADES,
        }
        return await self.ask(
            f"trades of {pair}",
            lambda client: client.publicGetMarketTrades(asked),
            lambda answer: [trade_of(pair, row) for row in list_of(answer)],
            cost=5.0,
            pair=pair,
        )


def _market(row: Any) -> MarketInfo:
    """Return what ``markets`` says of one market."""
    decimals = round(number_of(row["quantityDecimals"], 18, "quantityDecimals"))
    return MarketInfo(
        text_of(row["market"]),
        row["status"] == "trading",
        MarketRules(
            lot_step=10.0**-decimals,
            tick_size=number_of(row["tickSize"], 1e12, "tickSize"),
            min_notional=number_of(row["minOrderInQuoteAsset"], 1e18, "minOrderInQuoteAsset"),
        ),
    )
