"""Listening where books are told as numbered changes, after a snapshot that is asked for."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Coroutine, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from framework.exchange.book_asker import BookAsker
from framework.exchange.ccxt_listener import CcxtListener
from framework.exchange.chained_book import ChainedBook, Change, Taken
from framework.exchange.connection import Channel, Heard, HeardBook
from framework.exchange.wire_values import Unreadable
from framework.types import Interval

if TYPE_CHECKING:
    from framework.exchange.ccxt_connection import CcxtConnection

BOOK_DEPTH = 1_000
"""Levels of a snapshot, of each side."""


class ChainedListener(CcxtListener):
    """Keeps a book of each pair; a subclass reads the frames.

    Parameters
    ----------
    connection, pairs, interval, channels, hear
        See `CcxtListener`.
    """

    market_key: ClassVar[str]
    """Of a frame: what names the market."""
    trades_of: ClassVar[dict[str, str]] = {}
    """What ccxt wants to subscribe to trades, besides the markets."""

    def __init__(
        self,
        connection: CcxtConnection,
        pairs: Sequence[str],
        interval: Interval,
        channels: frozenset[Channel],
        hear: Callable[[Heard], None],
    ) -> None:
        super().__init__(connection, pairs, interval, channels, hear)
        self.timeframe = connection.timeframes.get(interval)
        """What the exchange calls the interval."""
        self.chains = {
            pair: ChainedBook(book, BOOK_DEPTH) for pair, book in connection.books.items()
        }
        """The books."""
        self.asker = BookAsker(self.begin, connection.clock, connection.rng)
        """Has them begun."""

    @abstractmethod
    async def begin(self, pair: str) -> bool:
        """Ask for a snapshot, begin the book of `pair` with it, and return whether it has begun."""

    def watches(self) -> list[Coroutine[Any, Any, Any]]:
        """Return ccxt's calls for the channels; all share one socket."""
        client, symbols = self.client, self.symbols
        calls = []
        if Channel.TRADES in self.channels:
            calls.append(client.watch_trades_for_symbols(symbols, params=dict(self.trades_of)))
        if Channel.CANDLES in self.channels:
            kinds = [[symbol, self.timeframe] for symbol in symbols]
            calls.append(client.watch_ohlcv_for_symbols(kinds))
        if Channel.BOOKS in self.channels:
            calls.append(client.watch_order_book_for_symbols(symbols))
            self.later(self.ask_for_books())
        return calls

    async def ask_for_books(self) -> None:
        """Begin books as wanted; never returns."""
        await self.asker.run()

    def want_books(self) -> None:
        """Have every book begun."""
        for pair in self.chains:
            self.asker.want(pair)

    def pair_in(self, message: dict[str, Any]) -> str:
        """Return the pair that a frame is about.

        Raises
        ------
        Unreadable
            It names none of those listened to.
        """
        told = message.get(self.market_key)
        try:
            return self.pair_of[told]  # type: ignore[index] # None is none of them
        except (KeyError, TypeError):
            raise Unreadable(f"market {str(told)[:40]}") from None

    def change(self, pair: str, change: Change) -> bool:
        """Take a change of a book; return whether the book is another now."""
        taken = self.chains[pair].take(change)
        if taken is Taken.BROKEN:
            self.asker.want(pair)
        if taken is Taken.KEPT or taken is Taken.OLD:
            return False
        self.hear(HeardBook(pair))
        return True
