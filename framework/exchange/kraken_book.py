"""Kraken's order book: the levels its socket tells, held against the checksum of each message.

https://docs.kraken.com/exchange/guides/websockets/book-checksum-v2
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence

from framework.exchange.live_book import LiveBook

CHECKED_LEVELS = 10
"""Levels of each side that the checksum covers, whatever depth is subscribed to."""

Level = tuple[str, str]
"""Price and units as written."""

_REMEMBERED = 10_000  # levels whose digits are kept: most of the best ten are those of last time


class KrakenBook:
    """Fills the book of one pair and tells when it has to be asked for anew.

    Parameters
    ----------
    book : LiveBook
        What is filled.
    depth : int
        Levels of each side that are subscribed to; what lies beyond is not told any more.
    price_decimals, unit_decimals : int
        Decimals with which the exchange writes the market's numbers before it takes the checksum;
        the frames may leave trailing zeros out.
    """

    def __init__(self, book: LiveBook, depth: int, price_decimals: int, unit_decimals: int) -> None:
        self.book = book
        self._depth = depth
        self._decimals = (price_decimals, unit_decimals)
        self._digits: dict[Level, str] = {}

    def snapshot(
        self, bids: Sequence[Level], asks: Sequence[Level], checksum: int, time: int
    ) -> bool:
        """Begin anew with all levels; return whether the checksum is right."""
        self.book.clear()
        self._digits.clear()
        return self._filled(bids, asks, checksum, time)

    def update(
        self, bids: Sequence[Level], asks: Sequence[Level], checksum: int, time: int
    ) -> bool:
        """Set the levels that changed; return whether the checksum is right.

        What comes before a snapshot, or after a wrong checksum, is passed over.
        """
        if not self.book.valid:
            return True
        return self._filled(bids, asks, checksum, time)

    def _filled(
        self, bids: Sequence[Level], asks: Sequence[Level], checksum: int, time: int
    ) -> bool:
        self.book.put_all(True, bids)
        self.book.put_all(False, asks)
        self.book.trim(self._depth)
        self.book.time = time
        self.book.valid = self._checksum() == checksum
        if not self.book.valid:
            self.book.clear()
            return False
        return True

    def _checksum(self) -> int:
        """CRC32 of the digits of the best levels, asks first."""
        known = self._digits
        price_decimals, unit_decimals = self._decimals
        text = ""
        for level in (
            *self.book.best(False, CHECKED_LEVELS),
            *self.book.best(True, CHECKED_LEVELS),
        ):
            digits = known.get(level)
            if digits is None:
                if len(known) == _REMEMBERED:
                    known.clear()
                price, units = level
                digits = digits_of(price, price_decimals) + digits_of(units, unit_decimals)
                known[level] = digits
            text += digits
        return zlib.crc32(text.encode())


def digits_of(number: str, decimals: int) -> str:
    """Return the digits that the checksum sees of a number.

    Examples
    --------
    >>> digits_of("45285.2", 1), digits_of("0.00100000", 8), digits_of("0.001", 8)
    ('452852', '100000', '100000')
    """
    whole, _, fraction = number.partition(".")
    return (whole + fraction.ljust(decimals, "0")).lstrip("0")
