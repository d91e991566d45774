"""What a ledger's shorts were worth and cost, worked out from its fills and the closes alone.

The ledger's own charges are not read, so that they can be judged by what comes out here.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from framework.types import BoolArray, FloatArray, IntArray, RecordArray

FLAT = 1e-9
"""Of the units entered: below it, what is left is rounding, not a position."""


@dataclass(frozen=True, eq=False)
class Shorts:
    """The short positions of T bars, N pairs and F fills; all zero where nothing was sold short.

    Parameters
    ----------
    value : (T,) float64
        Of the units owed, at each bar's close, 0 or above, quote currency.
    owed : (T,) float64
        For borrowing them and not paid yet, at each bar's close.
    paid : (T,) float64
        For borrowing, up to each bar's close.
    owed_N : (N,) float64
        As `owed`, of each pair at the last close.
    fills : (F,) bool
        Whether a fill opened, enlarged or covered a short.
    covered : (T,) bool
        Whether a short was covered in the bar, in part or whole.
    """

    value: FloatArray
    owed: FloatArray
    paid: FloatArray
    owed_N: FloatArray
    fills: BoolArray
    covered: BoolArray

    @classmethod
    def none(cls, bars: int, pairs: int, fills: int) -> Self:
        """Return the shorts of a ledger that has none."""
        return cls(
            value=np.zeros(bars),
            owed=np.zeros(bars),
            paid=np.zeros(bars),
            owed_N=np.zeros(pairs),
            fills=np.zeros(fills, np.bool_),
            covered=np.zeros(bars, np.bool_),
        )

    def over(self, opening_K: IntArray) -> Self:
        """Return the same for K longer bars, each from its opening bar to before the next's."""
        closing = np.append(opening_K[1:], len(self.value)) - 1
        return replace(
            self,
            value=self.value[closing],
            owed=self.owed[closing],
            paid=self.paid[closing],
            covered=np.logical_or.reduceat(self.covered, opening_K),
        )

    @property
    def any(self) -> bool:
        """Whether anything was sold short."""
        return bool(self.fills.any())


def shorts_of(
    fills: RecordArray, close: FloatArray, time: IntArray, borrow_rate: float = 0.0
) -> Shorts:
    """Return what the short positions of a ledger were worth and cost.

    At each close a short comes to owe ``units * close * borrow_rate``. A cover pays of what is owed
    the part that it covers of the units held.

    Parameters
    ----------
    fills : (F,) EVENT
        In the ledger's order.
    close : (T, N) float64
        Quote currency; a bar without trades has the close before it.
    time : (T,) int64
        Open times of the bars, UTC ns.
    borrow_rate : float
        Of the value borrowed, per bar.

    Examples
    --------
    Ten units sold at the first bar, four of them covered at the third: two closes at 5.0 came to
    owe 1 % of 50.0 each, of which 40 % is paid, and the third close adds 1 % of 30.0:

    >>> from framework.records import EVENT
    >>> fills = np.zeros(2, EVENT)
    >>> fills["time"], fills["side"], fills["units"] = [0, 2], [-1, 1], [10.0, 4.0]
    >>> shorts = shorts_of(fills, np.full((3, 1), 5.0), np.arange(3), 0.01)
    >>> shorts.value.tolist(), shorts.owed.round(9).tolist(), shorts.paid.round(9).tolist()
    ([50.0, 50.0, 30.0], [0.5, 1.0, 0.9], [0.0, 0.0, 0.4])
    """
    bars, pairs = close.shape
    shorts = Shorts.none(bars, pairs, len(fills))
    bar = np.searchsorted(time, fills["time"], side="right") - 1
    for n in np.unique(fills["pair"]).tolist():
        mine = np.flatnonzero(fills["pair"] == n)
        bought = fills["side"][mine] * fills["units"][mine]
        held = np.cumsum(bought)
        if held.min() < -FLAT * np.abs(held).max():
            _add_pair(shorts, n, mine, bar[mine], bought, close[:, n], borrow_rate)
    np.cumsum(shorts.paid, out=shorts.paid)
    return shorts


def _add_pair(
    shorts: Shorts,
    n: int,
    fills: IntArray,
    bar: IntArray,
    bought: FloatArray,
    close: FloatArray,
    rate: float,
) -> None:
    """Add what one pair's fills come to; `paid` gets the amounts of each bar."""
    held = most = owed = 0.0
    start = 0
    for fill, at, units in zip(fills.tolist(), bar.tolist(), bought.tolist(), strict=True):
        owed = _accrue(shorts, held, owed, close, rate, start, at)
        start = at
        if held < 0.0 < units:
            payment = owed * min(units / -held, 1.0)
            owed -= payment
            shorts.paid[at] += payment
            shorts.covered[at] = True
        shorts.fills[fill] = held < 0.0 or (held == 0.0 and units < 0.0)
        before, held = held, held + units
        if abs(held) <= FLAT * most:
            held = most = owed = 0.0
        elif before * held <= 0.0:
            most = abs(held)
        else:
            most = max(most, abs(held))
    shorts.owed_N[n] = _accrue(shorts, held, owed, close, rate, start, len(close))


def _accrue(
    shorts: Shorts, held: float, owed: float, close: FloatArray, rate: float, start: int, end: int
) -> float:
    """Take a pair that holds `held` through the closes from `start` to `end`; return what it owes.

    `owed` is what it owes before.
    """
    if held >= 0.0 or start == end:
        return owed
    value = -held * close[start:end]
    owing = owed + np.cumsum(value * rate)
    shorts.value[start:end] += value
    shorts.owed[start:end] += owing
    return float(owing[-1])
