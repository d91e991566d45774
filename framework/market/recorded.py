"""What was recorded beside the candles, joined to bars as it was known when each of them closed.

A book counts from its own moment on, a trade to the bar in which it happened; nothing is seen
before. The join is by time alone: a session joins what it recorded up to now as a backtest does.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from framework.market.books import PRICE, UNITS, Books
from framework.market.trades import Trades
from framework.types import BoolArray, FloatArray, IndexArray, IntArray, Interval

BOOKS, TRADES = "books", "trades"


@dataclass(frozen=True, eq=False)
class Recorded:
    """Order books and trades of some pairs.

    Parameters
    ----------
    books : Books or None
        None: not asked for.
    trades : Trades or None
        Likewise.
    max_age_ns : int
        A book that is older at a bar's close is not used, nor is a change over a longer time.
    """

    books: Books | None
    trades: Trades | None
    max_age_ns: int

    @cached_property
    def digest(self) -> str:
        """SHA-256 over both, as a hexadecimal string."""
        parts = (part for part in (self.books, self.trades) if part is not None)
        return hashlib.sha256(" ".join(part.digest for part in parts).encode()).hexdigest()

    def until(self, time_ns: int) -> Recorded:
        """Return what was known at a moment: its books, and the trades before it."""
        return Recorded(
            None if self.books is None else self.books.until(time_ns),
            None if self.trades is None else self.trades.before(time_ns),
            self.max_age_ns,
        )

    def select(self, pairs: Sequence[str]) -> Recorded:
        """Return what was recorded of `pairs`, in that order."""
        return Recorded(
            None if self.books is None else self.books.select(pairs),
            None if self.trades is None else self.trades.select(pairs),
            self.max_age_ns,
        )

    def bar_books(self, n: int, time_T: IntArray, interval: Interval) -> BarBooks:
        """Return the books of pair n, joined to bars that open at `time_T`, one after another."""
        assert self.books is not None  # noqa: S101 - the compiler asked for them
        own = self.books.of(n)
        time = self.books.time[own]
        newest = np.searchsorted(time, time_T + interval.ns, side="right") - 1
        there = np.flatnonzero(newest >= 0)
        stale = time_T[there] + interval.ns - time[newest[there]] > self.max_age_ns
        newest[there[stale]] = -1
        joins = np.zeros(len(time), np.bool_)
        joins[1:] = np.diff(time) <= self.max_age_ns
        return BarBooks(
            self.books.levels[own],
            newest.astype(np.int32),
            _bars(time - 1, time_T, interval),  # a book at a close is the last of its bar
            joins,
        )

    def bar_trades(self, n: int, time_T: IntArray, interval: Interval) -> BarTrades:
        """Return the trades of pair n, joined to bars that open at `time_T`, one after another."""
        assert self.trades is not None  # noqa: S101 - the compiler asked for them
        own = self.trades.of(n)
        bar = _bars(self.trades.time[own], time_T, interval)
        inside = np.flatnonzero(bar >= 0)
        return BarTrades(
            bar[inside],
            self.trades.units[own][inside],
            self.trades.side[own][inside],
            self.trades.recorded(n, time_T, interval.ns),
        )


@dataclass(frozen=True, slots=True, eq=False)
class BarBooks:
    """One pair's S snapshots and how T bars see them.

    Parameters
    ----------
    levels : (S, 2, L, 2) float64
        As in `Books`.
    newest : (T,) int32
        The last snapshot at or before each bar's close; -1: none, or too old.
    bar : (S,) int64
        After whose open and not after whose close each snapshot is; -1: no bar's.
    joins : (S,) bool
        Whether the snapshot before is near enough to compare it with.
    """

    levels: FloatArray
    newest: IndexArray
    bar: IntArray
    joins: BoolArray

    @property
    def depth(self) -> int:
        """Levels that were recorded."""
        return int(self.levels.shape[2])

    def price(self, side: int, level: int = 0) -> FloatArray:
        """Return the price of a level at each bar's close, (T,); NaN where there is none."""
        return self._at_close(side, level, PRICE)

    def units(self, side: int, level: int = 0) -> FloatArray:
        """Return the units at a level at each bar's close, (T,); NaN where there is none."""
        return self._at_close(side, level, UNITS)

    def _at_close(self, side: int, level: int, number: int) -> FloatArray:
        made = np.full(len(self.newest), np.nan)
        if level < self.depth:
            there = self.newest >= 0
            made[there] = self.levels[self.newest[there], side, level, number]
        return made


@dataclass(frozen=True, slots=True, eq=False)
class BarTrades:
    """One pair's R trades within T bars.

    Parameters
    ----------
    bar : (R,) int64
        In which bar each was.
    units : (R,) float64
        Base currency.
    side : (R,) int64
        1: a buyer took, -1: a seller took, 0: not told.
    recorded : (T,) bool
        Whether all trades of the bar were recorded.
    """

    bar: IntArray
    units: FloatArray
    side: IntArray
    recorded: BoolArray

    def total(self, amounts: FloatArray) -> FloatArray:
        """Return the sum of `amounts` (R,) within each bar, (T,); NaN where not recorded."""
        made: FloatArray = np.bincount(self.bar, amounts, len(self.recorded)).astype(np.float64)
        made[~self.recorded] = np.nan
        return made


def _bars(time: IntArray, time_T: IntArray, interval: Interval) -> IntArray:
    """Return the bar in whose [open, close) each of `time` lies; -1: in none."""
    if not len(time_T):
        return np.full(len(time), -1, np.int64)
    bar: IntArray = (time - time_T[0]) // interval.ns
    bar[(bar < 0) | (bar >= len(time_T))] = -1
    return bar
