"""What Bitvavo says by its socket.

https://docs.bitvavo.com/docs/websocket-api
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from framework.exchange.chained_book import Change
from framework.exchange.chained_listener import BOOK_DEPTH, ChainedListener
from framework.exchange.connection import Channel, Heard, HeardBook, HeardCandle, HeardTrade
from framework.exchange.faults import Unreachable
from framework.exchange.wire_values import (
    Unreadable,
    counter_of,
    dict_of,
    levels_of,
    list_of,
    moment_of,
    ohlcv_of,
    open_time_of,
    price_of,
    text_of,
    traded_units_of,
)
from framework.market.live import Candle, Trade
from framework.types import MS_NS, Interval

if TYPE_CHECKING:
    from framework.exchange.bitvavo_connection import BitvavoConnection

_SIDES = {"buy": 1, "sell": -1}
_CHANNELS = {Channel.TRADES: "trades", Channel.CANDLES: "candles", Channel.BOOKS: "book"}


class BitvavoListener(ChainedListener):
    """Reads trades, candles and changes of books, all on one socket."""

    market_key = "market"

    def __init__(
        self,
        connection: BitvavoConnection,
        pairs: Sequence[str],
        interval: Interval,
        channels: frozenset[Channel],
        hear: Callable[[Heard], None],
    ) -> None:
        super().__init__(connection, pairs, interval, channels, hear)
        self._unconfirmed = {_CHANNELS[channel] for channel in channels}
        self._offset_ns = 0
        self._answer: asyncio.Future[bool] | None = None
        self._kinds: dict[str, Callable[[dict[str, Any]], bool]] = {
            "trade": self._trade,
            "candle": self._candle,
            "book": self._change,
            "subscribed": self._subscribed,
        }

    def take(self, message: Any) -> bool:
        """Read one frame."""
        kind = dict_of(message).get("event")
        read = self._kinds.get(kind) if type(kind) is str else None
        if read is not None:
            return read(message)
        if "error" in message or "errorCode" in message:
            self.declined(message.get("errorCode"), message.get("error"))
        elif message.get("action") == "getBook":
            return self._snapshot(dict_of(message["response"]))
        return False

    def _subscribed(self, message: dict[str, Any]) -> bool:
        """Note what is confirmed: every confirmation names all there is so far."""
        confirmed = set(dict_of(message["subscriptions"]))
        if "book" in confirmed & self._unconfirmed:
            self.want_books()
        self._unconfirmed -= confirmed
        if not self._unconfirmed:
            self.confirmed()
        return False

    def _trade(self, message: dict[str, Any]) -> bool:
        self.hear(HeardTrade(trade_of(self.pair_in(message), message)))
        return True

    def _candle(self, message: dict[str, Any]) -> bool:
        pair = self.pair_in(message)
        if message["interval"] != self.timeframe:
            raise Unreadable(f"candle of {str(message['interval'])[:40]}")
        found = [
            Candle(pair, open_time_of(list_of(row)[0], self.interval), *ohlcv_of(row[1:]))
            for row in list_of(message["candle"])
        ]
        for candle in sorted(found, key=lambda candle: candle.time):
            self.hear(HeardCandle(candle, None))
        return True

    def _change(self, message: dict[str, Any]) -> bool:
        pair = self.pair_in(message)
        nonce = counter_of(message["nonce"])
        bids, asks = levels_of(message["bids"]), levels_of(message["asks"])
        return self.change(pair, Change(nonce, nonce, self._time(message), bids, asks))

    def _time(self, message: dict[str, Any]) -> int:
        """Return when a book changed: as it says itself, or else about now."""
        if "timestamp" not in message:
            return self.connection.clock.now_ns() + self._offset_ns
        told = message["timestamp"]
        return moment_of(told, 1 if type(told) is int and told > 1e17 else MS_NS)

    async def ask_for_books(self) -> None:
        """Begin books as wanted; before that, learn how the exchange's time differs from ours."""
        told_ns = await self.connection.time()
        self._offset_ns = told_ns - self.connection.clock.now_ns()
        await super().ask_for_books()

    async def begin(self, pair: str) -> bool:
        """Ask for a snapshot on the socket, and wait until a book was begun with it."""
        await self.connection.turn()
        self._answer = asyncio.get_running_loop().create_future()
        market = self.connection.market_id(pair)
        await self.send({"action": "getBook", "market": market, "depth": BOOK_DEPTH})
        try:
            async with self.connection.clock.timeout(self.connection.timeout_s):
                return await self._answer
        except TimeoutError:
            name = self.connection.name
            raise Unreachable(name, f"book of {pair}: no answer in time") from None

    def _snapshot(self, answer: dict[str, Any]) -> bool:
        """Begin a book at once, before what follows is read."""
        pair = self.pair_in(answer)
        bids, asks = levels_of(answer["bids"]), levels_of(answer["asks"])
        begun = self.chains[pair].begin(counter_of(answer["nonce"]), bids, asks)
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(begun)
        if not self.connection.books[pair].valid:
            return False
        self.hear(HeardBook(pair))
        return True


def trade_of(pair: str, row: dict[str, Any]) -> Trade:
    """Return a trade as sent and as served; `side` is the taker's."""
    side = row["side"]
    if type(side) is not str or side not in _SIDES:
        raise Unreadable(f"side {str(side)[:40]}")
    return Trade(
        pair,
        text_of(row["id"]),
        moment_of(row["timestamp"]),
        price_of(row["price"]),
        traded_units_of(row["amount"]),
        _SIDES[side],
    )
