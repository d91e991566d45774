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


def fill(book: LiveBook, whole: bool, levels: Iterable[Level], time: int) -> None:
    """Set all levels of a book, or those that changed.

    The sequence of frames vouches for what is in between; changes before the first snapshot are
    passed over.
    """
    if whole:
        book.clear()
    elif not book.valid:
        return
    for bid, price, units in levels:
        book.put(bid, price, units)
    book.time = time
    book.valid = not book.crossed
