"""All candles of a session since its anchor, one bar longer at each close."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from framework.market.candles import COLUMNS, Candles
from framework.session.bar_records import BarRecord
from framework.session.record_history import RecordHistory
from framework.types import ByteArray, FloatArray

_COLUMNS = (*COLUMNS, "standing")


class History:
    """Candles that grow.

    What was before the first live bar is the warm-up; the first of it is the anchor, which never
    moves: a feature that remembers, such as an exponential average, depends on where it began.

    Parameters
    ----------
    candles : Candles
        (T, N) of the warm-up, and of live bars where there are some already.
    first : int, optional
        Index of the first live bar; None: all are warm-up.
    """

    def __init__(self, candles: Candles, first: int | None = None) -> None:
        self.pairs, self.interval = candles.pairs, candles.interval
        self.first = len(candles) if first is None else first
        """Index of the first live bar."""
        self._bars = len(candles)
        room = max(2 * self._bars, 1_024)
        self._time = np.empty(room, np.int64)
        self._columns: dict[str, Any] = {
            name: np.empty((len(self.pairs), room), getattr(candles, name).dtype)
            for name in _COLUMNS
        }
        self._put(0, candles)
        recorded = candles.recorded
        self._records = None if recorded is None else RecordHistory(recorded, self.interval)

    def __len__(self) -> int:
        return self._bars

    def add(self, bars: Candles, records: Mapping[str, BarRecord] | None = None) -> None:
        """Append bars of the same pairs; the first opens where the last one closed.

        Parameters
        ----------
        bars : Candles
            (K, N).
        records : mapping of str to BarRecord, optional
            What was recorded of each pair in the one bar that is added.
        """
        begin = self._bars
        if begin and int(bars.time[0]) != int(self._time[begin - 1]) + self.interval.ns:
            raise ValueError("a bar must follow the one before it")
        if begin + len(bars) > len(self._time):
            room = 2 * (begin + len(bars))
            self._time = np.resize(self._time, room)
            for name, array in self._columns.items():
                grown = np.empty((len(self.pairs), room), array.dtype)
                grown[:, :begin] = array[:, :begin]
                self._columns[name] = grown
        self._bars += len(bars)
        self._put(begin, bars)
        if self._records is not None and records:
            self._records.add(int(bars.time[0]), records)

    @property
    def first_ns(self) -> int:
        """Open time of the first live bar, UTC ns, whether it has come or not."""
        return int(self._time[0]) + self.first * self.interval.ns

    @property
    def end_ns(self) -> int:
        """Open time of the bar that comes next, UTC ns."""
        return int(self._time[self._bars - 1]) + self.interval.ns

    @property
    def closes(self) -> FloatArray:
        """Last close of each pair, (N,), NaN where there was none."""
        closes: FloatArray = self._columns["close"][:, self._bars - 1]
        return closes

    @property
    def standing(self) -> ByteArray:
        """Standing of each pair's last candle, (N,)."""
        standing: ByteArray = self._columns["standing"][:, self._bars - 1]
        return standing

    @property
    def candles(self) -> Candles:
        """All of them, (T, N), as they are now."""
        bars = self._bars
        columns = {name: array[:, :bars].copy().T for name, array in self._columns.items()}
        recorded = None if self._records is None else self._records.recorded
        time = self._time[:bars].copy()
        return Candles(self.pairs, self.interval, time, recorded=recorded, **columns)

    def _put(self, begin: int, bars: Candles) -> None:
        end = begin + len(bars)
        self._time[begin:end] = bars.time
        for name, array in self._columns.items():
            array[:, begin:end] = getattr(bars, name).T
