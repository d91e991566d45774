"""Recorded order books: what was bid and asked, level by level, at the moments recorded."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from framework.errors import UserError
from framework.types import BoolArray, FloatArray, IndexArray, IntArray, format_time

BIDS, ASKS = 0, 1
"""Index of a side among a snapshot's levels."""

PRICE, UNITS = 0, 1
"""Index of a number among those of a level."""

_SIDES = ("bid", "ask")


@dataclass(frozen=True, slots=True, eq=False)
class BookRows:
    """Levels of one pair's snapshots as a source hands them over: unchecked, in its own order.

    Parameters
    ----------
    pair : str
        ``BASE-QUOTE``.
    time : (R,) int64
        Of the snapshot, UTC ns.
    side : (R,) int64
        `BIDS` or `ASKS`.
    level : (R,) int64
        From 0, the best.
    price, units : (R,) float64
        Quote currency a unit; base currency.
    """

    pair: str
    time: IntArray
    side: IntArray
    level: IntArray
    price: FloatArray
    units: FloatArray

    def take(
        self, index: npt.NDArray[np.intp] | BoolArray | slice, pair: str | None = None
    ) -> BookRows:
        """Return the rows at `index`, in that order, as those of `pair`."""
        return BookRows(
            pair or self.pair,
            self.time[index],
            self.side[index],
            self.level[index],
            self.price[index],
            self.units[index],
        )


@dataclass(frozen=True, eq=False)
class Books:
    """Immutable snapshots of the books of N pairs, S in all, with up to L levels a side.

    Parameters
    ----------
    pairs : tuple of str
        ``BASE-QUOTE`` each.
    first : (N + 1,) int64
        Snapshots ``first[n]`` to ``first[n + 1]``, exclusive, are those of pair n.
    time : (S,) int64
        Moment at which each was valid, UTC ns, ascending within a pair.
    levels : (S, 2, L, 2) float64
        Bids and asks, the best first; price in quote currency and units. NaN: no such level.
    """

    pairs: tuple[str, ...]
    first: IntArray
    time: IntArray
    levels: FloatArray

    def __post_init__(self) -> None:
        for name in ("first", "time", "levels"):
            array = np.ascontiguousarray(getattr(self, name)).view()
            array.flags.writeable = False
            object.__setattr__(self, name, array)

    def __len__(self) -> int:
        return len(self.time)

    def of(self, n: int) -> slice:
        """Return which snapshots are those of pair n."""
        return slice(int(self.first[n]), int(self.first[n + 1]))

    def newest(self, time: IntArray, max_age_ns: int) -> IndexArray:
        """Return which snapshot of each pair is the newest at each of `time`; never a later one.

        Parameters
        ----------
        time : (T,) int64
            UTC ns, ascending.
        max_age_ns : int
            One that is older than this is not used.

        Returns
        -------
        (N, T) int32
            Index of a snapshot; -1: none.
        """
        found = np.full((len(self.pairs), len(time)), -1, np.int32)
        for n in range(len(self.pairs)):
            begin, end = int(self.first[n]), int(self.first[n + 1])
            last = begin + np.searchsorted(self.time[begin:end], time, side="right") - 1
            there = np.flatnonzero(last >= begin)
            fresh = there[time[there] - self.time[last[there]] <= max_age_ns]
            found[n, fresh] = last[fresh]
        return found

    def used_at(self, time: IntArray, max_age_ns: int) -> Books:
        """Return only the snapshots that are `newest` at one of `time`."""
        newest = self.newest(time, max_age_ns)
        kept = [np.unique(row[row >= 0]) for row in newest]
        return replace(
            self,
            first=np.cumsum([0, *map(len, kept)]),
            time=self.time[np.concatenate(kept)],
            levels=self.levels[np.concatenate(kept)],
        )

    def until(self, time_ns: int) -> Books:
        """Return only the snapshots up to a moment, itself included."""
        return self.take(self.time <= time_ns)

    def take(self, kept: BoolArray) -> Books:
        """Return the snapshots that are `kept` (S,)."""
        counts = [np.count_nonzero(kept[self.of(n)]) for n in range(len(self.pairs))]
        return replace(
            self,
            first=np.cumsum([0, *counts]),
            time=self.time[kept],
            levels=self.levels[kept],
        )

    def select(self, pairs: Sequence[str]) -> Books:
        """Return the snapshots of `pairs`, in that order; raise ValueError for an unknown one."""
        own = [self.of(self.pairs.index(pair)) for pair in pairs]
        return Books(
            tuple(pairs),
            np.cumsum([0, *(part.stop - part.start for part in own)]),
            np.concatenate([self.time[part] for part in own]),
            np.concatenate([self.levels[part] for part in own]),
        )

    @cached_property
    def digest(self) -> str:
        """SHA-256 over pairs, times and every level, as a hexadecimal string."""
        hasher = hashlib.sha256(f"{','.join(self.pairs)} {self.levels.shape[2]}".encode())
        for array in (self.first, self.time, self.levels):
            hasher.update(array.data)
        return hasher.hexdigest()


def books_of(rows: BookRows, source: str) -> Books:
    """Return the snapshots of one pair, checked.

    Parameters
    ----------
    rows : BookRows
        Rows of one time are one snapshot.
    source : str
        What the message of a fault begins with, such as the key and the file.

    Raises
    ------
    UserError
        A level is missing or there twice, a price or a number of units is not above 0, prices do
        not get worse from level to level, or the best bid is not below the best ask.
    """
    rows = rows.take(np.lexsort((rows.level, rows.side, rows.time)))
    _check_levels(rows, source)
    time, snapshot = np.unique(rows.time, return_inverse=True)
    deepest = int(rows.level.max(initial=-1)) + 1
    levels = np.full((len(time), 2, deepest, 2), np.nan)
    levels[snapshot, rows.side, rows.level, PRICE] = rows.price
    levels[snapshot, rows.side, rows.level, UNITS] = rows.units
    if deepest:
        bids, asks = levels[:, BIDS, 0, PRICE], levels[:, ASKS, 0, PRICE]
        for s in np.flatnonzero(bids >= asks)[:1]:
            raise UserError(
                f"{source}: {rows.pair} at {format_time(int(time[s]))}: the best bid must be below "
                f"the best ask (bid {bids[s]:.10g}, ask {asks[s]:.10g})."
            )
    return Books((rows.pair,), np.array([0, len(time)]), time, levels)


def _check_levels(rows: BookRows, source: str) -> None:
    """Refuse the first level, of rows sorted by time, side and level, that cannot be."""
    same = np.zeros(len(rows.time), np.bool_)  # side and snapshot as the row before
    same[1:] = (np.diff(rows.time) == 0) & (np.diff(rows.side) == 0)
    before = np.roll(rows.level, 1)
    expected = np.where(same, before + 1, 0)
    worse = np.where(rows.side == BIDS, -1.0, 1.0) * (rows.price - np.roll(rows.price, 1))
    rules: list[tuple[BoolArray, str, npt.NDArray[np.generic]]] = [
        (same & (rows.level == before), "level is there twice", rows.level),
        (rows.level != expected, "levels must count up from 0 without a gap", rows.level),
        (~_positive(rows.price), "price must be finite and greater than 0", rows.price),
        (~_positive(rows.units), "units must be finite and greater than 0", rows.units),
        (same & ~(worse > 0), "prices must get worse from level to level", rows.price),
    ]
    for wrong, rule, values in rules:
        for r in np.flatnonzero(wrong)[:1]:
            raise UserError(
                f"{source}: {rows.pair} at {format_time(int(rows.time[r]))}: "
                f"{_SIDES[rows.side[r]]} level {rows.level[r]}: {rule} (was {values[r]:.10g})."
            )


def _positive(values: FloatArray) -> BoolArray:
    positive: BoolArray = np.isfinite(values) & (values > 0.0)
    return positive


def side_by_side(books: Sequence[Books]) -> Books:
    """Return the books of different pairs as one, in their order."""
    deepest = max(part.levels.shape[2] for part in books)
    padded = []
    for part in books:
        levels = np.full((len(part), 2, deepest, 2), np.nan)
        levels[:, :, : part.levels.shape[2]] = part.levels
        padded.append(levels)
    return Books(
        tuple(pair for part in books for pair in part.pairs),
        np.cumsum([0, *(count for part in books for count in np.diff(part.first).tolist())]),
        np.concatenate([part.time for part in books]),
        np.concatenate(padded),
    )
