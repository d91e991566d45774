"""BTC Markets as a connection: its requests and its socket."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from framework.exchange.btcmarkets_requests import PublicRequests
from framework.exchange.btcmarkets_socket import MarketSocket
from framework.exchange.connection import Channel, Connection, Heard, MarketInfo, Offers
from framework.exchange.faults import Refused
from framework.exchange.http import JsonClient
from framework.exchange.live_book import LiveBook
from framework.market.live import Trade
from framework.market.rows import CandleRows
from framework.types import Interval


class BtcMarketsConnection(Connection):
    """Asks and listens.

    Parameters
    ----------
    client : JsonClient
    socket : MarketSocket
    """

    offers = Offers(
        candle_stream=False,
        says_closed=False,
        quiet_candles=False,
        trade_history=True,
        candle_page=998,
        oldest_candles=None,
        silence_s=15.0,
        lifetime_s=86_400.0,
    )

    def __init__(self, client: JsonClient, socket: MarketSocket) -> None:
        self.books: dict[str, LiveBook] = {}
        self.requests = PublicRequests(client)
        self._client = client
        self._socket = socket

    async def time(self) -> int:
        """Return the exchange's time, UTC ns, as one answer says it."""
        return await self.requests.time()

    async def markets(self) -> dict[str, MarketInfo]:
        """Return all markets by pair; one that takes resting orders only is not online."""
        return await self.requests.markets()

    async def candles(
        self, pair: str, interval: Interval, start_ns: int, end_ns: int
    ) -> CandleRows:
        """Return the candles with open times in [start_ns, end_ns) that the exchange serves now."""
        return await self.requests.candles(pair, interval, start_ns, end_ns)

    async def trades(self, pair: str, start_ns: int, end_ns: int) -> tuple[list[Trade], int]:
        """Return the trades with times in [start_ns, end_ns), ascending by time and id."""
        return await self.requests.trades(pair, start_ns, end_ns)

    async def listen(
        self,
        pairs: Sequence[str],
        interval: Interval,
        channels: frozenset[Channel],
        hear: Callable[[Heard], None],
    ) -> None:
        """Connect, subscribe and hand on what is heard, until the connection ends."""
        books = {pair: LiveBook(pair) for pair in pairs}
        self.books = books
        try:
            await self._socket.listen(self._client.session, channels, books, hear)
        except Refused:
            await self.requests.require(pairs)
            raise

    async def close(self) -> None:
        """Give back what is held."""
        await self._client.close()
