"""Candles on a regular grid: the one form in which market data reaches features and engine."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from functools import cached_property
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from framework.market.recorded import Recorded
from framework.types import BoolArray, ByteArray, FloatArray, IntArray, Interval

COLUMNS = ("open", "high", "low", "close", "volume")


class Standing(IntEnum):
    """How a candle came to be."""

    CONFIRMED = 0  # traded, and closed
    FLAT = 1  # no trades: previous close, zero volume
    MISSING = 2  # the source has nothing here; previous close, or NaN before the first candle
    PROVISIONAL = 3  # published before its source confirmed it


@dataclass(frozen=True, eq=False)
class Candles:
    """Immutable candles of N pairs over T intervals.

    Arrays are read-only. Those of shape (T, N) are stored pair by pair, so that each pair's
    column ``close[:, n]`` is contiguous and ``close.T`` is C-ordered (N, T).

    Parameters
    ----------
    pairs : tuple of str
        ``BASE-QUOTE`` each.
    interval : Interval
        Length of every candle.
    time : (T,) int64
        Open times, UTC ns, each one interval after the last.
    open, high, low, close : (T, N) float64
        Prices in quote currency; NaN only before a pair's first candle.
    volume : (T, N) float64
        Base currency.
    standing : (T, N) uint8
        `Standing` of each candle.
    recorded : Recorded, optional
        Order books and trades of the same pairs, for expressions that name them; joined by their
        own times, so that cutting candles leaves them as they are.
    """

    pairs: tuple[str, ...]
    interval: Interval
    time: IntArray
    open: FloatArray
    high: FloatArray
    low: FloatArray
    close: FloatArray
    volume: FloatArray
    standing: ByteArray
    recorded: Recorded | None = None

    def __post_init__(self) -> None:
        bars = len(self.time)
        if bars > 1 and np.any(np.diff(self.time) != self.interval.ns):
            raise ValueError("candle times must lie one interval apart")
        object.__setattr__(self, "time", _frozen(self.time))
        for name in (*COLUMNS, "standing"):
            array = getattr(self, name)
            if array.shape != (bars, len(self.pairs)):
                raise ValueError(f"{name} must be ({bars}, {len(self.pairs)}), was {array.shape}")
            object.__setattr__(self, name, _frozen(array))

    def __len__(self) -> int:
        return len(self.time)

    def __getitem__(self, bars: slice) -> Self:
        """Return the candles of a contiguous range of bars."""
        if bars.step not in (None, 1):
            raise TypeError("candles are cut by a slice with step 1")
        columns: dict[str, Any] = {
            name: getattr(self, name)[bars] for name in (*COLUMNS, "standing")
        }
        return replace(self, time=self.time[bars], **columns)

    def between(self, start_ns: int, end_ns: int) -> Self:
        """Return the candles whose open time lies in [start_ns, end_ns)."""
        first, last = np.searchsorted(self.time, [start_ns, end_ns])
        return self[int(first) : int(last)]

    def select(self, pairs: Sequence[str]) -> Self:
        """Return the candles of `pairs`, in that order; raise ValueError for an unknown one."""
        index = [self.pairs.index(pair) for pair in pairs]
        columns: dict[str, Any] = {
            name: getattr(self, name)[:, index] for name in (*COLUMNS, "standing")
        }
        recorded = None if self.recorded is None else self.recorded.select(pairs)
        return replace(self, pairs=tuple(pairs), recorded=recorded, **columns)

    @property
    def traded(self) -> BoolArray:
        """Whether somebody traded in each candle, (T, N)."""
        return is_traded(self.standing)

    @cached_property
    def digest(self) -> str:
        """SHA-256 over pairs, interval and every value, as a hexadecimal string."""
        hasher = hashlib.sha256(f"{','.join(self.pairs)} {self.interval}".encode())
        hasher.update(self.time.data)
        for name in (*COLUMNS, "standing"):
            hasher.update(np.ascontiguousarray(getattr(self, name).T).data)
        return hasher.hexdigest()


def is_traded(standing: ByteArray) -> BoolArray:
    """Return which of some candles somebody traded in, by their standings."""
    traded: BoolArray = (standing == Standing.CONFIRMED) | (standing == Standing.PROVISIONAL)
    return traded


def _frozen(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return `array` stored pair by pair and read-only, copied only where it must be."""
    kept = array if array.T.flags.c_contiguous else np.asfortranarray(array)
    if kept.flags.writeable:
        kept = kept.view()
        kept.flags.writeable = False
    return kept
