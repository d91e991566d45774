"""All order books and trades of a session since its anchor, one bar longer at each close."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from framework.market.books import Books, side_by_side
from framework.market.ranges import Range, union
from framework.market.recorded import BOOKS, TRADES, Recorded
from framework.market.trades import Trades, trades_side_by_side
from framework.session.bar_records import BarRecord
from framework.types import FloatArray, Interval

_NO_BOOKS = (np.empty(0, np.int64), np.empty((0, 2, 0, 2)))


class RecordHistory:
    """Recorded books and trades that grow as bars do.

    Of a trade only units and side are kept: no column needs more, and a journal is the shorter.

    Parameters
    ----------
    recorded : Recorded
        Of the warm-up, and of live bars where there are some already.
    interval : Interval
        Of the bars.
    """

    def __init__(self, recorded: Recorded, interval: Interval) -> None:
        self._interval = interval
        self._max_age_ns = recorded.max_age_ns
        self._books: dict[str, _Rows] | None = None
        self._trades: dict[str, _Rows] | None = None
        self._spans: dict[str, list[Range]] = {}
        if recorded.books is not None:
            books = recorded.books
            self._books = {
                pair: _Rows(books.time[books.of(n)], books.levels[books.of(n)])
                for n, pair in enumerate(books.pairs)
            }
        if recorded.trades is not None:
            trades = recorded.trades
            self._trades = {
                pair: _Rows(*(array[trades.of(n)] for array in _columns(trades)))
                for n, pair in enumerate(trades.pairs)
            }
            self._spans = {p: list(s) for p, s in zip(trades.pairs, trades.spans, strict=True)}

    def add(self, opens_ns: int, records: Mapping[str, BarRecord]) -> None:
        """Append what was recorded of the bar that opens then."""
        for pair, record in records.items():
            if self._books is not None and record.books:
                time = np.array([state.time for state in record.books], np.int64)
                self._books[pair].add(time, _levels(record))
            if self._trades is not None:
                time = np.full(len(record.units), opens_ns, np.int64)
                price = np.full(len(record.units), np.nan)
                self._trades[pair].add(time, price, record.units, record.side)
                if record.complete:
                    self._know(pair, opens_ns, opens_ns + self._interval.ns)

    def recorded(self, since_ns: int) -> Recorded:
        """Return what counts at bars that open then, UTC ns, and later; copied.

        A book that is too old there does not, nor does a change since such a book.
        """
        books = trades = None
        if self._books is not None:
            books = self._own_books(self._books, since_ns - self._max_age_ns)
        if self._trades is not None:
            trades = self._own_trades(self._trades, since_ns)
        return Recorded(books, trades, self._max_age_ns)

    def _know(self, pair: str, start_ns: int, end_ns: int) -> None:
        spans = self._spans[pair]
        if spans and spans[-1][1] == start_ns:
            spans[-1] = spans[-1][0], end_ns
        else:
            self._spans[pair] = union([*spans, (start_ns, end_ns)])

    def _own_books(self, rows: Mapping[str, _Rows], since_ns: int) -> Books:
        parts = []
        for pair, own in rows.items():
            time, levels = own.since(since_ns)
            parts.append(Books((pair,), np.array([0, len(time)]), time, levels))
        return side_by_side(parts)

    def _own_trades(self, rows: Mapping[str, _Rows], since_ns: int) -> Trades:
        parts = []
        for pair, own in rows.items():
            time, price, units, side = own.since(since_ns)
            first, spans = np.array([0, len(time)]), tuple(self._spans[pair])
            parts.append(Trades((pair,), first, time, price, units, side, (spans,)))
        return trades_side_by_side(parts)


class _Rows:
    """Columns of one length, the first of them times that rise, that grow at their end."""

    def __init__(self, *columns: np.ndarray) -> None:
        self._count = len(columns[0])
        self._columns: Sequence[Any] = columns

    def since(self, time_ns: int) -> list[Any]:
        """Return the columns from a time on; rows that are there do not change any more."""
        first = int(np.searchsorted(self._columns[0][: self._count], time_ns))
        return [column[first : self._count] for column in self._columns]

    def add(self, *rows: np.ndarray) -> None:
        """Append rows; what is narrower than before is filled up with NaN."""
        end = self._count + len(rows[0])
        self._columns = [
            self._room(column, end, new) for column, new in zip(self._columns, rows, strict=True)
        ]
        for column, new in zip(self._columns, rows, strict=True):
            inside = tuple(slice(length) for length in new.shape[1:])
            column[(slice(self._count, end), *inside)] = new
        self._count = end

    def _room(self, column: np.ndarray, end: int, new: np.ndarray) -> np.ndarray:
        """Return `column` with room for so many rows as wide as `new`."""
        wide = tuple(np.maximum(column.shape[1:], new.shape[1:]).tolist())
        if end <= len(column) and wide == column.shape[1:] and column.flags.writeable:
            return column
        empty = np.nan if column.dtype == np.float64 else 0
        grown = np.full((2 * end, *wide), empty, column.dtype)
        grown[tuple(slice(length) for length in (self._count, *column.shape[1:]))] = column[
            : self._count
        ]
        return grown


def nothing_recorded(pairs: Sequence[str], kinds: frozenset[str], max_age_ns: int) -> Recorded:
    """Return that nothing of `kinds`, of books and trades, was recorded yet."""
    first = np.zeros(len(pairs) + 1, np.int64)
    none, sides = np.empty(0), np.empty(0, np.int64)
    return Recorded(
        Books(tuple(pairs), first, *_NO_BOOKS) if BOOKS in kinds else None,
        Trades(tuple(pairs), first, sides, none, none, sides, ((),) * len(pairs))
        if TRADES in kinds
        else None,
        max_age_ns,
    )


def _columns(trades: Trades) -> tuple[Any, ...]:
    return trades.time, trades.price, trades.units, trades.side


def _levels(record: BarRecord) -> FloatArray:
    deepest = max(state.levels.shape[1] for state in record.books)
    levels = np.full((len(record.books), 2, deepest, 2), np.nan)
    for index, state in enumerate(record.books):
        levels[index, :, : state.levels.shape[1]] = state.levels
    return levels
