"""Candles that grow at their end, read without copying them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from framework.market.candles import COLUMNS, Candles
from framework.market.recorded import Recorded
from framework.market.resample import resample
from framework.types import ByteArray, FloatArray, IntArray, Interval

_ROOM = 1_024


class GrowingColumns:
    """A (T, N) array, stored pair by pair, that grows at its end; what is there never changes."""

    def __init__(self, values: npt.NDArray[Any]) -> None:
        self._bars = len(values)
        room = max(2 * self._bars, _ROOM)
        self._array = np.empty((values.shape[1], room), values.dtype)
        self._array[:, : self._bars] = values.T

    def __len__(self) -> int:
        return self._bars

    def add(self, values: npt.NDArray[Any]) -> None:
        """Append (K, N)."""
        begin, end = self._bars, self._bars + len(values)
        if end > self._array.shape[1]:
            grown = np.empty((len(self._array), 2 * end), self._array.dtype)
            grown[:, :begin] = self._array[:, :begin]
            self._array = grown
        self._array[:, begin:end] = values.T
        self._bars = end

    @property
    def values(self) -> npt.NDArray[Any]:
        """All of it as it is now, (T, N), read-only; the bars of each pair lie side by side."""
        view = self._array[:, : self._bars].T
        view.flags.writeable = False
        return view


class GrowingCandles:
    """Candles of N pairs, some more at a time.

    Its arrays are read-only views, (T, N) as those of `Candles`, but not of one piece.

    Parameters
    ----------
    candles : Candles
        (T, N) to begin with.
    recorded : callable
        Returns what was recorded beside those that open then, UTC ns, and later.
    """

    def __init__(self, candles: Candles, recorded: Callable[[int], Recorded | None]) -> None:
        self.pairs, self.interval = candles.pairs, candles.interval
        self.recorded = recorded
        self._time = GrowingColumns(candles.time[:, None])
        self._columns = {name: GrowingColumns(getattr(candles, name)) for name in _NAMES}
        self._coarser: dict[int, tuple[GrowingCandles, int]] = {}

    def __len__(self) -> int:
        return len(self._time)

    def add(self, candles: Candles) -> None:
        """Append candles of the same pairs, the first of which opens where the last one closed."""
        if len(self) and int(candles.time[0]) != int(self.time[-1]) + self.interval.ns:
            raise ValueError("a bar must follow the one before it")
        self._time.add(candles.time[:, None])
        for name, column in self._columns.items():
            column.add(getattr(candles, name))

    @property
    def time(self) -> IntArray:
        """Open times, UTC ns, (T,)."""
        return self._time.values[:, 0]

    @property
    def open(self) -> FloatArray:
        """First price of each, (T, N)."""
        return self._columns["open"].values

    @property
    def high(self) -> FloatArray:
        """Highest price of each, (T, N)."""
        return self._columns["high"].values

    @property
    def low(self) -> FloatArray:
        """Lowest price of each, (T, N)."""
        return self._columns["low"].values

    @property
    def close(self) -> FloatArray:
        """Last price of each, (T, N)."""
        return self._columns["close"].values

    @property
    def volume(self) -> FloatArray:
        """Units traded in each, (T, N)."""
        return self._columns["volume"].values

    @property
    def standing(self) -> ByteArray:
        """`Standing` of each, (T, N)."""
        return self._columns["standing"].values

    def since(self, first: int) -> Candles:
        """Return a copy of the candles from index `first` on, without what was recorded."""
        columns: dict[str, Any] = {
            name: column.values[first:].copy("F") for name, column in self._columns.items()
        }
        return Candles(self.pairs, self.interval, self.time[first:].copy(), **columns)

    def coarser(self, interval: Interval) -> GrowingCandles:
        """Return the candles of a longer interval that have closed, as `resample` makes them.

        Raises
        ------
        UserError
            Candles of this interval do not make up whole candles of that one.
        """
        if interval == self.interval:
            return self
        found, taken = self._coarser.get(interval.ns, (None, 0))
        made = resample(self.since(taken), interval)
        if found is None:
            found = GrowingCandles(made, self.recorded)
        elif len(made):
            found.add(made)
        if len(made):
            end_ns = int(made.time[-1]) + interval.ns
            taken = (end_ns - int(self.time[0])) // self.interval.ns
        self._coarser[interval.ns] = found, taken
        return found


_NAMES = (*COLUMNS, "standing")
