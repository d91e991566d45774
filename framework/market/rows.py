"""Candles of one pair as a source hands them over: unchecked, in its own order, with its faults."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from framework.market.candles import COLUMNS
from framework.types import FloatArray, IntArray


@dataclass(frozen=True, slots=True, eq=False)
class CandleRows:
    """Raw rows of one pair; nothing is promised of them but equal lengths.

    Parameters
    ----------
    pair : str
        ``BASE-QUOTE``.
    time : (R,) int64
        Open times, UTC ns.
    open, high, low, close, volume : (R,) float64
        Quote currency; volume in base currency.
    """

    pair: str
    time: IntArray
    open: FloatArray
    high: FloatArray
    low: FloatArray
    close: FloatArray
    volume: FloatArray

    def __len__(self) -> int:
        return len(self.time)

    @classmethod
    def joined(cls, pair: str, parts: Sequence[CandleRows]) -> CandleRows:
        """Return the rows of several parts, one after the other; none where there is no part."""
        time = np.concatenate([np.empty(0, np.int64), *(part.time for part in parts)])
        values = (
            np.concatenate([np.empty(0), *(getattr(part, name) for part in parts)])
            for name in COLUMNS
        )
        return cls(pair, time, *values)

    @classmethod
    def of(cls, pair: str, values: Mapping[int, Sequence[float]]) -> CandleRows:
        """Return rows in order of time; of each open time open, high, low, close and volume."""
        times = sorted(values)
        table = np.array([values[time] for time in times], np.float64).reshape(-1, 5)
        return cls(pair, np.array(times, np.int64), *np.ascontiguousarray(table.T))

    def take(self, index: IntArray | np.ndarray) -> CandleRows:
        """Return the rows at `index`, in that order."""
        return CandleRows(
            self.pair,
            self.time[index],
            self.open[index],
            self.high[index],
            self.low[index],
            self.close[index],
            self.volume[index],
        )
