"""Listening to Coinbase's Advanced Trade socket."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from typing import TYPE_CHECKING, Any

from framework.errors import UserError
from framework.exchange.ccxt_listener import CcxtListener
from framework.exchange.coinbase_book import CoinbaseBook, FrameSequence
from framework.exchange.coinbase_frames import BookChange, books_in, trades_in
from framework.exchange.connection import Channel, Heard, HeardBook, HeardTrade
from framework.exchange.faults import Unreachable
from framework.exchange.wire_values import counter_of, dict_of, list_of
from framework.market.live import in_order
from framework.types import Interval

if TYPE_CHECKING:
    from framework.exchange.coinbase_connection import CoinbaseConnection

_NAMES = {Channel.TRADES: "market_trades", Channel.BOOKS: "level2"}
_OWN_USDC = ("USDT-USDC", "EURC-USDC")


class CoinbaseListener(CcxtListener):
    """Reads the frames of one connection; the parameters are those of `CcxtListener`.

    A hole in the sequence of frames ends the connection: what was in it, nobody can tell.
    """

    connection: CoinbaseConnection

    def __init__(
        self,
        connection: CoinbaseConnection,
        pairs: Sequence[str],
        interval: Interval,
        channels: frozenset[Channel],
        hear: Callable[[Heard], None],
    ) -> None:
        super().__init__(connection, pairs, interval, channels, hear)
        for pair in pairs:
            if pair.endswith("-USDC") and pair not in _OWN_USDC:
                raise UserError(
                    f"pairs: exchange '{connection.name}' tells {pair} live only as "
                    f"{pair.removesuffix('C')}, whose book it shares."
                )
        self._expected = {(_NAMES[channel], pair) for channel in channels for pair in self.pairs}
        self._books = {pair: CoinbaseBook(book) for pair, book in connection.books.items()}
        self._sequence = FrameSequence()

    def watches(self) -> list[Coroutine[Any, Any, Any]]:
        """Subscribe to all pairs of a channel at once, and to what keeps the socket open."""
        calls = [self.client.subscribe("heartbeats", False)]
        if Channel.TRADES in self.channels:
            calls.append(self.client.watch_trades_for_symbols(self.symbols))
        if Channel.BOOKS in self.channels:
            calls.append(self.client.watch_order_book_for_symbols(self.symbols))
        return calls

    def take(self, message: Any) -> bool:
        """Read one frame."""
        frame = dict_of(message)
        if frame.get("type") == "error":
            self.declined("", frame.get("message"))
            return False
        missing = self._sequence.hear(counter_of(frame.get("sequence_num")))
        if missing > 0:
            raise Unreachable(self.connection.name, f"connection: frames lost: {missing}")
        if missing < 0:
            return False
        channel = frame.get("channel")
        if channel == "l2_data":
            return any([self._change(change) for change in self.asked_for(books_in(frame))])
        if channel == "market_trades":
            for trade in sorted(self.asked_for(trades_in(frame)), key=in_order):
                self.hear(HeardTrade(trade))
            return True
        if channel == "subscriptions":
            self._confirm(frame)
        return False

    def _confirm(self, frame: dict[str, Any]) -> None:
        """Note what is subscribed to; say when that is all."""
        for event in map(dict_of, list_of(frame.get("events"))):
            for name, pairs in dict_of(event.get("subscriptions")).items():
                self._expected -= {(name, pair) for pair in list_of(pairs)}
        if not self._expected:
            self.confirmed()

    def _change(self, change: BookChange) -> bool:
        """Change a book; return whether it was."""
        filled = self._books[change.pair]
        if change.whole:
            filled.snapshot(change.levels, change.time)
        elif not filled.update(change.levels, change.time):
            return False
        self.hear(HeardBook(change.pair))
        return True
