"""Kraken's spot markets: requests and socket v2."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, TypeVar

from framework.exchange.ccxt_connection import CandlePage, CcxtConnection
from framework.exchange.ccxt_listener import CcxtListener
from framework.exchange.connection import Channel, Heard, MarketInfo, Offers
from framework.exchange.kraken_frames import symbol_of
from framework.exchange.kraken_listener import KrakenListener
from framework.exchange.kraken_rows import KrakenMarket, candles_in, markets_in, time_in, trades_in
from framework.exchange.wire_values import dict_of
from framework.exchange.written_values import read_written
from framework.market.live import Trade, in_order
from framework.market.rows import CandleRows
from framework.types import SECOND_NS, Interval

T = TypeVar("T")

_NEWEST = 720
_TRADE_PAGE = 1_000


class KrakenConnection(CcxtConnection):
    """Kraken through ccxt; the parameters are those of `CcxtConnection`."""

    ccxt_name = "kraken"
    timeframes: ClassVar[Mapping[Interval, str]] = {
        Interval.parse(text): text for text in ("1m", "5m", "15m", "30m", "1h", "4h", "1d")
    }
    offers = Offers(
        candle_stream=True,
        says_closed=False,
        quiet_candles=False,
        trade_history=True,
        candle_page=_NEWEST,
        oldest_candles=_NEWEST,
        silence_s=10.0,
    )

    book_levels: int = 10
    """Levels of each side of the books listened to: 10, 25, 100, 500 or 1000."""

    known_markets: Mapping[str, KrakenMarket] = {}
    """Those last told, by pair; none before they are asked about."""

    async def time(self) -> int:
        """Return the exchange's time, which it says in whole seconds: up to 1 s too early."""
        return await self._asked("time", lambda client: client.publicGetTime(), time_in)

    async def markets(self) -> dict[str, MarketInfo]:
        """Return all spot markets by pair."""
        self.known_markets = await self._asked(
            "markets", lambda client: client.publicGetAssetPairs(), markets_in
        )
        return {pair: market.info for pair, market in sorted(self.known_markets.items())}

    async def market(self, pair: str) -> KrakenMarket:
        """Return how the exchange writes a market; raise UserError where there is none."""
        if pair not in self.known_markets:
            await self.markets()
        if pair not in self.known_markets:
            raise await self.unknown_markets([pair])
        return self.known_markets[pair]

    def market_id(self, pair: str) -> str:
        """Return what the socket calls a pair."""
        return symbol_of(pair)

    async def candles(
        self, pair: str, interval: Interval, start_ns: int, end_ns: int
    ) -> CandleRows:
        """Return the candles with open times in [start_ns, end_ns) among the newest 720.

        One page is all there is, so that nothing is asked for a second time.
        """
        newest = await self.candle_page(pair, interval, start_ns, end_ns)
        within = {time: row for time, row in newest.items() if start_ns <= time < end_ns}
        return CandleRows.of(pair, within)

    async def candle_page(
        self, pair: str, interval: Interval, start_ns: int, end_ns: int
    ) -> CandlePage:
        """Return the newest candles from `start_ns` on, 720 at most."""
        self.timeframe(interval)
        market = await self.market(pair)
        query = {
            "pair": market.id,
            "interval": interval.ns // (60 * SECOND_NS),
            # One interval earlier, as it may mean later than that.
            "since": (interval.floor(start_ns) - interval.ns) // SECOND_NS,
        }
        return await self._asked(
            f"candles of {pair}",
            lambda client: client.publicGetOHLC(query),
            lambda result: candles_in(interval, result),
            pair,
        )

    async def trades(self, pair: str, start_ns: int, end_ns: int) -> tuple[list[Trade], int]:
        """Return the trades with times in [start_ns, end_ns): there are all, back to the first."""
        market = await self.market(pair)
        found: dict[str, Trade] = {}
        since = str(start_ns - 1)
        while True:
            page, cursor = await self._trade_page(pair, market.id, since)
            found |= {trade.id: trade for trade in page if start_ns <= trade.time < end_ns}
            newest = max((trade.time for trade in page), default=end_ns)
            if newest >= end_ns or int(cursor) <= int(since):
                break
            since = cursor
        return sorted(found.values(), key=in_order), start_ns

    async def listen(
        self,
        pairs: Sequence[str],
        interval: Interval,
        channels: frozenset[Channel],
        hear: Callable[[Heard], None],
    ) -> None:
        """Connect, subscribe and hand on what is heard, until the connection ends."""
        for pair in pairs:
            await self.market(pair)
        await super().listen(pairs, interval, channels, hear)

    def listener(
        self,
        pairs: Sequence[str],
        interval: Interval,
        channels: frozenset[Channel],
        hear: Callable[[Heard], None],
    ) -> CcxtListener:
        """Return what listens to one connection."""
        return KrakenListener(self, pairs, interval, channels, hear)

    def open_client(self, **taps: Any) -> Any:
        """Return a client of ccxt's that leaves numbers as they are written."""
        client = super().open_client(**taps)
        client.on_json_response = read_written
        return client

    async def _trade_page(self, pair: str, market_id: str, since: str) -> tuple[list[Trade], str]:
        query = {"pair": market_id, "since": since, "count": _TRADE_PAGE}
        return await self._asked(
            f"trades of {pair}",
            lambda client: client.publicGetTrades(query),
            lambda result: trades_in(pair, result),
            pair,
        )

    async def _asked(
        self,
        what: str,
        call: Callable[[Any], Any],
        read: Callable[[dict[str, Any]], T],
        pair: str | None = None,
    ) -> T:
        return await self.ask(
            what, call, lambda answer: read(dict_of(dict_of(answer).get("result"))), pair=pair
        )
