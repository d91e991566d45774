"""Order books and trades of a session's bars: what was there when each of them was acted on.

A trade or a book of a bar that comes after the bar was acted on is not counted: what was decided
then did not know it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from framework.feed.events import BookSeen, CandleClosed, CandleRevised, FeedEvent, Traded
from framework.feed.trade_check import TradeCheck
from framework.market.live import BookState, Trade
from framework.market.recorded import BOOKS, TRADES
from framework.market.trade_store import place_of
from framework.types import FloatArray, IntArray, Interval


@dataclass(frozen=True, slots=True, eq=False)
class BarRecord:
    """What was recorded of one pair in one bar.

    Parameters
    ----------
    books : tuple of BookState
        Valid at their times, ascending, none after the bar's close.
    units : (R,) float64
        Of each trade in the bar, base currency.
    side : (R,) int64
        1: a buyer took, -1: a seller took, 0: not told.
    complete : bool
        Whether these are all its trades: their units add up to the candle's volume.
    """

    books: Sequence[BookState]
    units: FloatArray
    side: IntArray
    complete: bool

    def values(self) -> dict[str, Any]:
        """Return it as plain values for the journal."""
        return {
            "books": [[state.time, state.levels.tolist()] for state in self.books],
            "units": self.units.tolist(),
            "side": self.side.tolist(),
            "complete": self.complete,
        }

    @classmethod
    def of(cls, pair: str, values: Mapping[str, Any]) -> BarRecord:
        """Return the record that gave `values`."""
        return cls(
            tuple(BookState(pair, time, np.array(levels)) for time, levels in values["books"]),
            np.array(values["units"], np.float64),
            np.array(values["side"], np.int64),
            values["complete"],
        )


class GatheredRecords:
    """Sorts what a feed tells into bars.

    Parameters
    ----------
    pairs : sequence of str
        ``BASE-QUOTE`` each.
    interval : Interval
        Of the bars.
    kinds : collection of str
        Of books and trades, those that are kept.
    start_ns : int
        Open time of the first bar.
    """

    def __init__(
        self, pairs: Sequence[str], interval: Interval, kinds: Collection[str], start_ns: int
    ) -> None:
        self._interval = interval
        self._kinds = kinds
        self._start_ns = start_ns
        self._books: dict[str, list[BookState]] = {pair: [] for pair in pairs}
        self._trades: dict[str, dict[int, list[Trade]]] = {pair: {} for pair in pairs}
        self._checks = {pair: TradeCheck(interval) for pair in pairs}
        self._complete: dict[str, set[int]] = {pair: set() for pair in pairs}

    def hear(self, event: FeedEvent) -> None:
        """Take in what a feed tells."""
        match event:
            case BookSeen(state, age_ns) if BOOKS in self._kinds:
                valid = replace(state, time=state.time + age_ns)
                if valid.time > self._start_ns:
                    self._books[state.pair].append(valid)
            case Traded(trade, _) if TRADES in self._kinds:
                opens = self._interval.floor(trade.time)
                if opens >= self._start_ns:
                    self._trades[trade.pair].setdefault(opens, []).append(trade)
                    self._know(trade.pair, self._checks[trade.pair].trade(trade))
            case CandleClosed(candle, _) | CandleRevised(candle, _) if TRADES in self._kinds:
                self._know(candle.pair, self._checks[candle.pair].candle(candle))

    def take(self) -> dict[str, BarRecord]:
        """Return what there is of the next bar, by pair; more of it does not count any more."""
        opens, close = self._start_ns, self._start_ns + self._interval.ns
        self._start_ns = close
        records = {}
        for pair, states in self._books.items():
            books = {state.time: state for state in states if state.time <= close}
            self._books[pair] = [state for state in states if state.time > close]
            trades = self._trades[pair].pop(opens, [])
            trades.sort(key=lambda trade: (trade.time, place_of(trade.id)))
            records[pair] = BarRecord(
                tuple(books[time] for time in sorted(books)),
                np.array([trade.units for trade in trades], np.float64),
                np.array([trade.side for trade in trades], np.int64),
                opens in self._complete[pair],
            )
            self._complete[pair] = {known for known in self._complete[pair] if known > opens}
        return records

    def _know(self, pair: str, spans: Sequence[tuple[int, int]]) -> None:
        self._complete[pair].update(start for start, _ in spans if start >= self._start_ns)
