"""One market's order book at BTC Markets, held against the checksum of every change.

A change names no predecessor, so that a lost one is noticed by the checksum alone, which covers the
best ten levels of each side.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from enum import Enum
from functools import lru_cache
from typing import Any
from zlib import crc32

from framework.exchange.btcmarkets_values import id_of
from framework.exchange.live_book import LiveBook
from framework.exchange.wire_values import list_of
from framework.exchange.written_values import iso_time_of

_DEPTH = 10
_REMEMBERED = 64


class Form(Enum):
    """How the numbers under a checksum were written."""

    AS_SENT = "as sent"
    STRIPPED = "without trailing zeros"


class Outcome(Enum):
    """What a message did to a book."""

    VALID = "valid"
    WRONG = "wrong"
    PASSED_OVER = "passed over"


class BookKeeper:
    """Fills a book with the messages of ``orderbookUpdate``.

    Parameters
    ----------
    book : LiveBook
    """

    def __init__(self, book: LiveBook) -> None:
        self.book = book
        self.form: Form | None = None
        """Of the checksum that last passed."""
        self._floor: int | None = None
        self._newest = 0
        self._recent: deque[tuple[int, Any]] = deque(maxlen=_REMEMBERED)

    def read(self, frame: dict[str, Any]) -> Outcome:
        """Apply a snapshot or a change.

        Changes from before the snapshot are passed over, and so are repeated ones. The book is
        wrong after a checksum that fails, after none, and after a change that comes after a newer
        one: only a new snapshot makes it right.

        Raises
        ------
        ValueError
            The message cannot be read; the book must not be used any more.
        """
        number = int(id_of(frame.get("snapshotId")))
        checksum, snapshot = frame.get("checksum"), bool(frame.get("snapshot"))
        if snapshot:
            self.book.clear()
            self._recent.clear()
            self._floor = self._newest = number
        else:
            if self._floor is None or number < self._floor:
                return Outcome.PASSED_OVER
            if number < self._newest:
                if (number, checksum) in self._recent:
                    return Outcome.PASSED_OVER
                return self._wrong()
            self._newest = number
            self._recent.append((number, checksum))
        self.book.put_all(True, _levels(frame.get("bids")))
        self.book.put_all(False, _levels(frame.get("asks")))
        self.book.time = iso_time_of(frame.get("timestamp"))
        if not self._passes(checksum, snapshot):
            return self._wrong()
        self.book.valid = True
        return Outcome.VALID

    def _passes(self, checksum: Any, snapshot: bool) -> bool:
        if self.book.crossed:
            return False
        if checksum is None:
            return snapshot
        bids, asks = self.book.best(True, _DEPTH), self.book.best(False, _DEPTH)
        self.form = checksum_form(bids, asks, id_of(checksum))
        return self.form is not None

    def _wrong(self) -> Outcome:
        self.book.valid = False
        self._floor = None
        return Outcome.WRONG


def checksum_form(
    bids: Sequence[tuple[str, str]], asks: Sequence[tuple[str, str]], checksum: str
) -> Form | None:
    """Return in which form the best levels have this checksum, or None.

    Parameters
    ----------
    bids, asks : sequence of (str, str)
        Price and amount as sent, the best first, ten at most.
    checksum : str
        CRC32 of prices and amounts, bids first, without points and leading zeros; decimal.

    Examples
    --------
    >>> checksum_form([("0.10", "3.20")], [("0.2", "1")], str(crc32(b"1032021")))
    <Form.AS_SENT: 'as sent'>
    >>> checksum_form([("0.10", "3.20")], [("0.2", "1")], str(crc32(b"13221")))
    <Form.STRIPPED: 'without trailing zeros'>
    """
    levels = (*bids, *asks)
    if _sum(levels) == checksum:
        return Form.AS_SENT
    stripped = [(_stripped(price), _stripped(units)) for price, units in levels]
    return Form.STRIPPED if _sum(stripped) == checksum else None


def _sum(levels: Iterable[tuple[str, str]]) -> str:
    return str(crc32("".join(map(_digits, levels)).encode()))


@lru_cache(maxsize=1 << 14)  # from one change to the next most levels stay
def _digits(level: tuple[str, str]) -> str:
    price, units = level
    return price.replace(".", "").lstrip("0") + units.replace(".", "").lstrip("0")


def _stripped(word: str) -> str:
    return word.rstrip("0").rstrip(".") if "." in word else word


def _levels(side: Any) -> list[tuple[str, str]]:
    """Return price and amount of each level; the number of orders is left out."""
    levels = []
    for level in list_of(side):
        price, units = list_of(level)[:2]
        if type(price) is not str or type(units) is not str:
            raise ValueError(f"a level is not written as text: {level!r:.60}")
        levels.append((price, units))
    return levels
