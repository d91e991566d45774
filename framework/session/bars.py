"""One interval of all pairs: gathered from single candles, waited for within a bound."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import isnan
from typing import Any

import numpy as np

from framework.market.candles import COLUMNS, Candles, Standing
from framework.market.live import BookState, Candle
from framework.session.bar_records import BarRecord
from framework.types import FloatArray, Interval


@dataclass(frozen=True, slots=True, eq=False)
class Bar:
    """What a session knows of one interval when it acts on it.

    Parameters
    ----------
    candles : Candles
        (1, N).
    books : mapping of str to BookState
        Of each pair the newest book at its open, where books are traded on.
    records : mapping of str to BarRecord
        Of each pair what was recorded in it, where expressions name that.
    """

    candles: Candles
    books: Mapping[str, BookState] = field(default_factory=dict)
    records: Mapping[str, BarRecord] = field(default_factory=dict)

    @property
    def time(self) -> int:
        """Of its open, UTC ns."""
        return int(self.candles.time[0])

    def values(self) -> dict[str, Any]:
        """Return it as plain values for the journal."""
        columns = [getattr(self.candles, name)[0].tolist() for name in COLUMNS]
        values: dict[str, Any] = {
            "time": self.time,
            "candles": [list(row) for row in zip(*columns, strict=True)],
            "standing": self.candles.standing[0].tolist(),
        }
        if self.books:
            values["books"] = {
                pair: [state.time, state.levels.tolist()] for pair, state in self.books.items()
            }
        if self.records:
            values["records"] = {pair: own.values() for pair, own in self.records.items()}
        return values

    @classmethod
    def of(cls, values: Mapping[str, Any], pairs: Sequence[str], interval: Interval) -> Bar:
        """Return the bar that gave `values`."""
        columns = np.array(values["candles"], np.float64).reshape(len(pairs), len(COLUMNS))
        candles = _one_bar(pairs, interval, values["time"], columns, values["standing"])
        books = {
            pair: BookState(pair, time, np.array(levels, np.float64))
            for pair, (time, levels) in values.get("books", {}).items()
        }
        records = {pair: BarRecord.of(pair, own) for pair, own in values.get("records", {}).items()}
        return cls(candles, books, records)


class Gathering:
    """Joins the candles of single pairs to bars.

    Parameters
    ----------
    pairs : sequence of str
        ``BASE-QUOTE`` each.
    interval : Interval
        Of the candles.
    start_ns : int
        Open time of the first bar.
    closes : sequence of float
        Of each pair before that, NaN where there was none; what a missing candle is made of.
    """

    def __init__(
        self, pairs: Sequence[str], interval: Interval, start_ns: int, closes: Sequence[float]
    ) -> None:
        self.next_ns = start_ns
        """Open time of the bar that comes next."""
        self._pairs = tuple(pairs)
        self._interval = interval
        self._closes = list(closes)
        self._waiting: dict[int, dict[str, tuple[Candle, Standing]]] = {}

    def add(self, candle: Candle, standing: Standing) -> bool:
        """Take a candle; return whether it is of use: one of a bar that has passed is not."""
        if candle.time < self.next_ns:
            return False
        self._waiting.setdefault(candle.time, {})[candle.pair] = candle, standing
        return True

    @property
    def complete(self) -> bool:
        """Whether every pair's candle of the next bar is there."""
        return len(self._waiting.get(self.next_ns, ())) == len(self._pairs)

    @property
    def begun(self) -> bool:
        """Whether some pair's candle of the next bar, or of a later one, is there."""
        return bool(self._waiting)

    @property
    def missing(self) -> tuple[str, ...]:
        """The pairs without a candle of the next bar."""
        there = self._waiting.get(self.next_ns, {})
        return tuple(pair for pair in self._pairs if pair not in there)

    def take(self, acting: bool = True) -> Candles:
        """Return the next bar (1, N), pairs that did not come marked as missing.

        Parameters
        ----------
        acting : bool
            False: the bar has passed long ago; its prices are seen, but nothing may fill in it.
        """
        there = self._waiting.pop(self.next_ns, {})
        rows = []
        standings: list[int] = []
        for n, pair in enumerate(self._pairs):
            candle, standing = there.get(pair, (None, Standing.MISSING))
            if candle is not None and not isnan(candle.close):
                rows.append([getattr(candle, name) for name in COLUMNS])
                self._closes[n] = candle.close
            else:
                rows.append([self._closes[n]] * 4 + [0.0])
            standings.append(standing if acting else Standing.MISSING)
        time = self.next_ns
        self.next_ns += self._interval.ns
        return _one_bar(self._pairs, self._interval, time, np.array(rows, np.float64), standings)


def _one_bar(
    pairs: Sequence[str], interval: Interval, time: int, columns: FloatArray, standing: list[int]
) -> Candles:
    """Return candles (1, N) of rows (N, 5)."""
    values: dict[str, Any] = {
        name: column[None, :] for name, column in zip(COLUMNS, columns.T, strict=True)
    }
    return Candles(
        tuple(pairs),
        interval,
        np.array([time], np.int64),
        standing=np.array([standing], np.uint8),
        **values,
    )
