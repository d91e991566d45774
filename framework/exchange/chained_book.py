"""A book whose changes are numbered without a gap, begun by a snapshot with a number of its own.

So are Binance's, where a change carries its first and its last number, and Bitvavo's, where it
carries one. Every change is taken in as it comes; what must not be missed is kept until a snapshot
is there. Nothing is asked for here.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from enum import Enum
from typing import NamedTuple

from framework.exchange.live_book import LiveBook

_KEPT = 4_096
_MOST_OLD = 1_000
_FEWEST_KNOWN = 50
_NONE = -1
_UNBOUNDED = float("inf")

Levels = Sequence[tuple[str, str]]


class Change(NamedTuple):
    """Levels set at one moment; `first` to `last` are its numbers, `time` is in UTC ns."""

    first: int
    last: int
    time: int
    bids: Levels
    asks: Levels


class Taken(Enum):
    """What became of a change."""

    APPLIED = "applied"
    KEPT = "kept"
    """Until a snapshot is there."""
    OLD = "old"
    """In the book already."""
    BROKEN = "broken"
    """The book was wrong, or too little of it is known: a snapshot is needed."""


class ChainedBook:
    """Keeps one pair's book valid, or says that it is not.

    A book becomes valid with the change that ties it to the snapshot, since that has a time.

    Levels that a snapshot does not reach are not known unless they change, so they are left out;
    where few of the known are left, another snapshot is needed.

    Parameters
    ----------
    book : LiveBook
        To be filled.
    full : int
        Levels a side of a snapshot that may lack some; fewer are all there are.
    """

    def __init__(self, book: LiveBook, full: int) -> None:
        self.book = book
        self._full = full
        self._last = _NONE
        self._kept: deque[Change] = deque(maxlen=_KEPT)
        self._joined = False
        self._old = 0
        self._worst_bid = _UNBOUNDED  # negative, as `LiveBook` sorts bids
        self._worst_ask = _UNBOUNDED

    @property
    def begun(self) -> bool:
        """Whether it had a snapshot and was not found to be wrong since."""
        return self._last != _NONE

    def take(self, change: Change) -> Taken:
        """Take in the next change heard."""
        if self._last == _NONE:
            self._kept.append(change)
            return Taken.KEPT
        taken = self._step(change)
        self._old = self._old + 1 if taken is Taken.OLD else 0
        if taken is Taken.BROKEN or self._old > _MOST_OLD:
            self._break()
            self._kept.append(change)
            return Taken.BROKEN
        return taken

    def begin(self, last: int, bids: Levels, asks: Levels) -> bool:
        """Begin with a snapshot; return whether it could be joined to what was heard since.

        Parameters
        ----------
        last : int
            Number of the last change in it.
        bids, asks : sequence of (price, units)
            As written.
        """
        self.book.clear()
        self.book.put_all(True, bids)
        self.book.put_all(False, asks)
        self._worst_bid = self._worst_ask = _UNBOUNDED
        if len(bids) >= self._full:
            self._worst_bid = max(-float(price) for price, _ in bids)
        if len(asks) >= self._full:
            self._worst_ask = max(float(price) for price, _ in asks)
        self._last, self._joined, self._old = last, False, 0
        kept = list(self._kept)
        if self.book.crossed or any(self._step(change) is Taken.BROKEN for change in kept):
            self._break()
            self._kept.extend(kept)
            return False
        self._kept.clear()
        return True

    def _step(self, change: Change) -> Taken:
        """Apply one change to a book that has begun."""
        if change.last <= self._last:
            return self._past(change)
        # The first one may begin before the snapshot's end; the others follow number by number.
        if change.first != self._last + 1 and (self._joined or change.first > self._last):
            return Taken.BROKEN
        book = self.book
        for price, units in change.bids:
            if -float(price) <= self._worst_bid:
                book.put(True, price, units)
        for price, units in change.asks:
            if float(price) <= self._worst_ask:
                book.put(False, price, units)
        book.time = change.time
        self._last, self._joined = change.last, True
        if book.crossed or self._few_known():
            return Taken.BROKEN
        book.valid = True
        return Taken.APPLIED

    def _past(self, change: Change) -> Taken:
        """Judge a change whose number was there already.

        After the first change that followed the snapshot, only the last one may come again: lower
        numbers are those of an exchange that counts anew.
        """
        if change.last < self._last:
            return Taken.BROKEN if self._joined else Taken.OLD
        known = self.book.valid
        self.book.time, self.book.valid = change.time, True
        return Taken.OLD if known else Taken.APPLIED

    def _few_known(self) -> bool:
        bids, asks = self.book.depths
        return (self._worst_bid != _UNBOUNDED and bids < _FEWEST_KNOWN) or (
            self._worst_ask != _UNBOUNDED and asks < _FEWEST_KNOWN
        )

    def _break(self) -> None:
        self.book.clear()
        self._last = _NONE
        self._kept.clear()
