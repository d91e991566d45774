"""Coinbase's order book, and the sequence that all frames of one connection share.

https://docs.cdp.coinbase.com/coinbase-app/advanced-trade-apis/websocket/websocket-overview
"""

from __future__ import annotations

from collections.abc import Iterable

from framework.exchange.live_book import LiveBook

Level = tuple[bool, str, str]
"""Whether it is a bid, price and units as written; units of 0 delete it."""


class FrameSequence:
    """Counts the frames of one connection: each is one above the one before."""

    def __init__(self) -> None:
        self._last: int | None = None

    def hear(self, number: int) -> int:
        """Return how many frames are missing before this one; -1: it was heard before."""
        if self._last is not None and number <= self._last:
            return -1
        missing = 0 if self._last is None else number - self._last - 1
        self._last = number
        return missing


class CoinbaseBook:
    """Fills the book of one pair; that nothing is missing, the sequence of all frames says.

    Parameters
    ----------
    book : LiveBook
        What is filled.
    """

    def __init__(self, book: LiveBook) -> None:
        self.book = book
        self._begun = False

    def snapshot(self, levels: Iterable[Level], time: int) -> None:
        """Begin anew with all levels."""
        self.book.clear()
        self._begun = True
        self._put(levels, time)

    def update(self, levels: Iterable[Level], time: int) -> bool:
        """Set the levels that changed, unless no snapshot came before; return whether."""
        if self._begun:
            self._put(levels, time)
        return self._begun

    def _put(self, levels: Iterable[Level], time: int) -> None:
        for bid, price, units in levels:
            self.book.put(bid, price, units)
        self.book.time = time
        self.book.valid = not self.book.crossed
