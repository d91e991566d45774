"""Candles of one pair as a source hands them over: unchecked, in its own order, with its faults."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

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
