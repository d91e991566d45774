"""Recorded trades: who took how much at what price, and over which spans they were recorded."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from framework.market.ranges import Range, difference
from framework.types import BoolArray, FloatArray, IntArray


@dataclass(frozen=True, eq=False)
class Trades:
    """Immutable public trades of N pairs, R in all.

    Parameters
    ----------
    pairs : tuple of str
        ``BASE-QUOTE`` each.
    first : (N + 1,) int64
        Trades ``first[n]`` to ``first[n + 1]``, exclusive, are those of pair n.
    time : (R,) int64
        UTC ns, ascending within a pair.
    price, units : (R,) float64
        Quote currency a unit; base currency.
    side : (R,) int64
        1: a buyer took, -1: a seller took, 0: not told.
    spans : tuple of N tuples of (int, int)
        Ranges [start, end) in which all trades of a pair were recorded, sorted and apart.
    """

    pairs: tuple[str, ...]
    first: IntArray
    time: IntArray
    price: FloatArray
    units: FloatArray
    side: IntArray
    spans: tuple[tuple[Range, ...], ...]

    def __post_init__(self) -> None:
        for name in ("first", "time", "price", "units", "side"):
            array = np.ascontiguousarray(getattr(self, name)).view()
            array.flags.writeable = False
            object.__setattr__(self, name, array)

    def __len__(self) -> int:
        return len(self.time)

    def of(self, n: int) -> slice:
        """Return which trades are those of pair n."""
        return slice(int(self.first[n]), int(self.first[n + 1]))

    def before(self, time_ns: int) -> Trades:
        """Return only the trades before a moment, and the spans up to it."""
        spans = tuple(
            tuple((start, min(end, time_ns)) for start, end in spans if start < time_ns)
            for spans in self.spans
        )
        return replace(self.take(self.time < time_ns), spans=spans)

    def take(self, kept: BoolArray) -> Trades:
        """Return the trades that are `kept` (R,), over the same spans."""
        counts = [np.count_nonzero(kept[self.of(n)]) for n in range(len(self.pairs))]
        return replace(
            self,
            first=np.cumsum([0, *counts]),
            time=self.time[kept],
            price=self.price[kept],
            units=self.units[kept],
            side=self.side[kept],
        )

    def select(self, pairs: Sequence[str]) -> Trades:
        """Return the trades of `pairs`, in that order; raise ValueError for an unknown one."""
        return trades_side_by_side([self._alone(self.pairs.index(pair)) for pair in pairs])

    def _alone(self, n: int) -> Trades:
        own = self.of(n)
        return Trades(
            (self.pairs[n],),
            np.array([0, own.stop - own.start]),
            self.time[own],
            self.price[own],
            self.units[own],
            self.side[own],
            (self.spans[n],),
        )

    def recorded(self, n: int, start_T: IntArray, length_ns: int) -> BoolArray:
        """Tell whether all of [start, start + length) was recorded of pair n, for each start."""
        spans = np.array(self.spans[n], np.int64).reshape(-1, 2)
        if not len(spans):
            return np.zeros(len(start_T), np.bool_)
        place = np.searchsorted(spans[:, 0], start_T, side="right") - 1
        inside: BoolArray = (place >= 0) & (start_T + length_ns <= spans[place, 1])
        return inside

    @cached_property
    def digest(self) -> str:
        """SHA-256 over pairs, spans and every value, as a hexadecimal string."""
        hasher = hashlib.sha256(f"{','.join(self.pairs)} {self.spans}".encode())
        for array in (self.first, self.time, self.price, self.units, self.side):
            hasher.update(array.data)
        return hasher.hexdigest()


def trades_side_by_side(trades: Sequence[Trades]) -> Trades:
    """Return the trades of different pairs as one, in their order."""
    return Trades(
        tuple(pair for part in trades for pair in part.pairs),
        np.cumsum([0, *(count for part in trades for count in np.diff(part.first).tolist())]),
        np.concatenate([part.time for part in trades]),
        np.concatenate([part.price for part in trades]),
        np.concatenate([part.units for part in trades]),
        np.concatenate([part.side for part in trades]),
        tuple(spans for part in trades for spans in part.spans),
    )


def spans_within(spans: Sequence[Range], start_ns: int, end_ns: int) -> list[Range]:
    """Return what of `spans` lies in [start, end)."""
    return difference(start_ns, end_ns, difference(start_ns, end_ns, spans))
