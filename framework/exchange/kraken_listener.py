"""Listening to Kraken's socket v2."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from typing import TYPE_CHECKING, Any

from framework.exchange.ccxt_listener import CcxtListener
from framework.exchange.connection import Channel, Heard, HeardBook, HeardCandle, HeardTrade
from framework.exchange.faults import Unreachable
from framework.exchange.kraken_book import KrakenBook
from framework.exchange.kraken_frames import BookChange, books_in, candles_in, trades_in
from framework.exchange.wire_values import dict_of, text_of
from framework.exchange.written_values import read_written
from framework.types import Interval

if TYPE_CHECKING:
    from framework.exchange.kraken_connection import KrakenConnection

_NAMES = {Channel.TRADES: "trade", Channel.CANDLES: "ohlc", Channel.BOOKS: "book"}
_REPAIRS = 6
"""So many in a row that did not last end the connection."""
_LASTING = 20
"""Right checksums after which a book counts as repaired."""
_FIRST_WAIT_S = 0.25


class KrakenListener(CcxtListener):
    """Reads the frames of one connection; the parameters are those of `CcxtListener`."""

    connection: KrakenConnection

    def __init__(
        self,
        connection: KrakenConnection,
        pairs: Sequence[str],
        interval: Interval,
        channels: frozenset[Channel],
        hear: Callable[[Heard], None],
    ) -> None:
        super().__init__(connection, pairs, interval, channels, hear)
        self._expected = {
            (_NAMES[channel], symbol) for channel in channels for symbol in self.pair_of
        }
        self._books = {pair: self._book(pair) for pair in connection.books}
        self._repairs = dict.fromkeys(connection.books, 0)
        self._right = dict.fromkeys(connection.books, 0)

    def watches(self) -> list[Coroutine[Any, Any, Any]]:
        """Subscribe to all of a channel at once; candles by pair, as ccxt does."""
        client, calls = self.client, []
        quietly = {"snapshot": False}
        if Channel.TRADES in self.channels:
            calls.append(client.watch_trades_for_symbols(self.symbols, params=quietly))
        if Channel.BOOKS in self.channels:
            depth = self.connection.book_levels
            calls.append(client.watch_order_book_for_symbols(self.symbols, depth))
        if Channel.CANDLES in self.channels:
            timeframe = self.connection.timeframe(self.interval)
            calls += [
                client.watch_ohlcv(symbol, timeframe, params={"params": quietly})
                for symbol in self.symbols
            ]
        return calls

    def read(self, text: str) -> Any:
        """Return a frame's content, numbers as they are written."""
        return read_written(text)

    def take(self, message: Any) -> bool:
        """Read one frame."""
        frame = dict_of(message)
        channel = frame.get("channel")
        if channel == "book":
            return any([self._change(change) for change in self.asked_for(books_in(frame))])
        if channel == "trade":
            for trade in self.asked_for(trades_in(frame)):
                self.hear(HeardTrade(trade))
            return True
        if channel == "ohlc":
            for candle in self.asked_for(candles_in(frame, self.interval)):
                self.hear(HeardCandle(candle, None))
            return True
        if "error" in frame or frame.get("success") is False:
            self.declined("", frame.get("error"))
        elif frame.get("method") == "subscribe":
            self._confirm(dict_of(frame.get("result")))
        return False

    def _book(self, pair: str) -> KrakenBook:
        market = self.connection.known_markets[pair]
        return KrakenBook(
            self.connection.books[pair],
            self.connection.book_levels,
            market.price_decimals,
            market.unit_decimals,
        )

    def _confirm(self, result: dict[str, Any]) -> None:
        """Note what was subscribed to; say when that is all."""
        self._expected.discard((text_of(result.get("channel")), text_of(result.get("symbol"))))
        if not self._expected:
            self.confirmed()

    def _change(self, change: BookChange) -> bool:
        """Change a book, and have it sent anew where it is wrong; return whether it was changed."""
        pair = change.pair
        filled = self._books[pair]
        if not change.whole and not filled.book.valid:
            return False
        time = self.connection.clock.now_ns() if change.time is None else change.time
        fill = filled.snapshot if change.whole else filled.update
        if fill(change.bids, change.asks, change.checksum, time):
            self._right[pair] += 1
            if self._right[pair] == _LASTING:
                self._repairs[pair] = 0
        else:
            self.later(self._repair(pair))
        self.hear(HeardBook(pair))
        return True

    async def _repair(self, pair: str) -> None:
        """Ask for a book anew."""
        self._right[pair] = 0
        self._repairs[pair] += 1
        if self._repairs[pair] > _REPAIRS:
            self.connection.known_markets = {}  # their decimals may have changed
            raise Unreachable(
                self.connection.name, f"book of {pair}: wrong however often it is sent"
            )
        await self.connection.clock.sleep(_FIRST_WAIT_S * 2.0 ** (self._repairs[pair] - 1))
        params = {
            "channel": "book",
            "symbol": [self.connection.market_id(pair)],
            "depth": self.connection.book_levels,
        }
        await self.send({"method": "unsubscribe", "params": params})
        await self.send({"method": "subscribe", "params": params})
