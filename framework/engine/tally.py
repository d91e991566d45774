"""Figures of one trial from its equity and ledger, compiled: the definitions of the results' room.

Sums are taken pairwise in blocks of 128 with eight partial sums, as NumPy takes them, so that a
figure does not depend on whether a sweep or a single run computes it.

Legend: T bars, R = T - 1 returns, E events, N pairs, S sums.
"""

from __future__ import annotations

import math

import numpy as np

from framework.compiler import numba
from framework.engine.constants import constant
from framework.records import Kind
from framework.types import FloatArray, RecordArray

SUMS = ("fees_paid", "slippage_paid", "traded", "fills", "trades")
"""What `tally_events` adds to, in this order."""

FIGURES = ("final_equity", "mean_equity", "volatility", "sharpe", "max_drawdown")
"""What `tally_equity` writes, in this order."""

_FILLED = constant(Kind.FILLED)
_FLAT = 1e-9  # of the units entered: below it, what is left is rounding, not a position
_ROUNDING = 4.0 * float(np.finfo(np.float64).eps)  # of a ratio of two equities
_BLOCK = 128


@numba.njit(cache=True, error_model="numpy", nogil=True)
def tally_equity(
    equity_T: FloatArray, initial: float, per_year: float, returns_R: FloatArray, out_F: FloatArray
) -> None:
    """Write `FIGURES` to `out_F`; NaN where one is not defined.

    Parameters
    ----------
    equity_T : (T,) float64
        At each close, quote currency; T is at least 1.
    initial : float
        Cash before the first bar, quote currency: the first peak.
    per_year : float
        Bars in 365 days.
    returns_R : (T - 1,) float64
        Scratch, written to.
    out_F : (5,) float64
        The result.
    """
    bars = equity_T.size
    out_F[0] = equity_T[bars - 1]
    out_F[1] = _pairwise(equity_T, 0, bars) / bars
    out_F[2:] = np.nan
    if not math.isfinite(out_F[1]):
        return
    if bars > 2 and _all_positive(equity_T, bars - 1):
        for t in range(bars - 1):
            returns_R[t] = equity_T[t + 1] / equity_T[t] - 1.0
        mean = _pairwise(returns_R, 0, bars - 1) / (bars - 1)
        for t in range(bars - 1):
            returns_R[t] = (returns_R[t] - mean) * (returns_R[t] - mean)
        variance = _pairwise(returns_R, 0, bars - 1) / (bars - 2)
        out_F[2] = math.sqrt(variance) * math.sqrt(per_year)
        if out_F[2] > _ROUNDING * math.sqrt(per_year):
            out_F[3] = mean * per_year / out_F[2]
    if max(initial, equity_T[0]) > 0.0:
        out_F[4] = _deepest(equity_T, initial)


@numba.njit(cache=True, error_model="numpy", nogil=True)
def tally_blocks(equity_T: FloatArray, out_B2: FloatArray) -> None:
    """Write sum and sum of squares of the returns in each of B equal stretches of the bars.

    Parameters
    ----------
    equity_T : (T,) float64
        At each close, quote currency.
    out_B2 : (B, 2) float64
        The result; NaN where equity was not positive.
    """
    returns, blocks = equity_T.size - 1, out_B2.shape[0]
    for b in range(blocks):
        total, squares = 0.0, 0.0
        for t in range(b * returns // blocks, (b + 1) * returns // blocks):
            made = equity_T[t + 1] / equity_T[t] - 1.0 if equity_T[t] > 0.0 else np.nan
            total += made
            squares += made * made
        out_B2[b, 0] = total
        out_B2[b, 1] = squares


@numba.njit(cache=True, error_model="numpy", nogil=True)
def tally_events(
    events_E: RecordArray,
    scratch_3E: FloatArray,
    units_N: FloatArray,
    entered_N: FloatArray,
    sums_S: FloatArray,
) -> None:
    """Add a stretch of a ledger to `SUMS`; `open_trades` adds those still open at its end.

    Parameters
    ----------
    events_E : (E,) EVENT
        The next events in order of time; only fills are read.
    scratch_3E : (3, E or more) float64
        Written to.
    units_N, entered_N : (N,) float64
        What is held, and what was bought (or sold short) for it, in base currency; carried from
        stretch to stretch, zeros before the first.
    sums_S : (5,) float64
        Added to.
    """
    fills, closed = 0, 0
    for i in range(events_E.size):
        event = events_E[i]
        if event.kind != _FILLED:
            continue
        scratch_3E[0, fills] = event.fee
        scratch_3E[1, fills] = event.slippage
        scratch_3E[2, fills] = abs(event.quote)
        fills += 1
        if event.units > 0.0:
            closed += _trade(event.pair, event.side, event.units, units_N, entered_N)
    for k in range(3):
        sums_S[k] += _pairwise(scratch_3E[k], 0, fills)
    sums_S[3] += fills
    sums_S[4] += closed


def open_trades(units_N: FloatArray) -> int:
    """Return how many round trips `tally_events` has left open."""
    return int(np.count_nonzero(units_N))


@numba.njit(cache=True, error_model="numpy", nogil=True)
def _trade(n: int, side: int, units: float, units_N: FloatArray, entered_N: FloatArray) -> int:
    """Move the position of pair `n`; return 1 where that ends a round trip, else 0."""
    sign = 1.0 if side > 0 else -1.0
    closed = 0
    if units_N[n] * sign < 0.0:
        held = abs(units_N[n])
        left = held - units
        if left > _FLAT * entered_N[n]:
            units_N[n] = sign * -left
            return 0
        through = -left > _FLAT * entered_N[n]
        units_N[n] = 0.0
        closed = 1
        if not through:
            return closed
        units *= 1.0 - held / units
    if units_N[n] == 0.0:
        entered_N[n] = 0.0
    units_N[n] += sign * units
    entered_N[n] += units
    return closed


@numba.njit(cache=True, error_model="numpy", nogil=True)
def _all_positive(x: FloatArray, count: int) -> bool:
    """Tell whether the first `count` values are above 0."""
    positive = True
    for i in range(count):  # without a way out, many values at a time
        positive &= x[i] > 0.0
    return positive


@numba.njit(cache=True, error_model="numpy", nogil=True)
def _deepest(equity_T: FloatArray, initial: float) -> float:
    """Return the deepest fall from a peak, as a fraction of it.

    Division keeps order, so the lowest value under one peak is that peak's deepest fall. Positive
    numbers are in the order of their bits, and whole numbers are compared many at a time.
    """
    peak = initial if initial > equity_T[0] else equity_T[0]
    lowest, worst = equity_T[0], np.inf
    bits_T = equity_T.view(np.int64)
    block_2 = np.empty(2)  # lowest and highest
    block_bits_2 = block_2.view(np.int64)
    for start in range(0, equity_T.size, _BLOCK):
        bits = bits_T[start : start + _BLOCK]
        least = most = bits[0]
        for i in range(bits.size):
            least = min(least, bits[i])
            most = max(most, bits[i])
        block_bits_2[0], block_bits_2[1] = least, most
        if least > 0 and block_2[1] <= peak:
            lowest = min(lowest, block_2[0])
            continue
        for value in equity_T[start : start + _BLOCK]:
            if value > peak:
                worst = min(worst, lowest / peak)
                peak = lowest = value
            lowest = min(lowest, value)
    return float(1.0 - min(worst, lowest / peak))


@numba.njit(cache=True, error_model="numpy", nogil=True)
def _pairwise(x: FloatArray, start: int, count: int) -> float:
    """Return the sum of ``x[start : start + count]``, in the order in which NumPy takes it.

    Halves are taken from a stack: a function that calls itself cannot be loaded from the cache.
    """
    if count <= _BLOCK:
        return _block(x, start, count)
    starts, counts, sums = np.empty(128, np.int64), np.empty(128, np.int64), np.empty(128)
    starts[0], counts[0] = start, count
    waiting, done = 1, 0
    while waiting > 0:
        waiting -= 1
        start, count = starts[waiting], counts[waiting]
        if count < 0:  # both halves are done
            done -= 1
            sums[done - 1] += sums[done]
        elif count <= _BLOCK:
            sums[done] = _block(x, start, count)
            done += 1
        else:
            half = count // 2
            half -= half % 8
            counts[waiting] = -1
            starts[waiting + 1], counts[waiting + 1] = start + half, count - half
            starts[waiting + 2], counts[waiting + 2] = start, half
            waiting += 3
    return float(sums[0])


@numba.njit(cache=True, error_model="numpy", nogil=True)
def _block(x: FloatArray, start: int, count: int) -> float:
    """Return the sum of at most 128 values."""
    block = x[start : start + count]
    if count < 8:
        total = 0.0
        for value in block:
            total += value
        return float(total)
    a, b, c, d = block[0], block[1], block[2], block[3]
    e, f, g, h = block[4], block[5], block[6], block[7]
    whole = count - count % 8
    for i in range(8, whole, 8):
        a += block[i]
        b += block[i + 1]
        c += block[i + 2]
        d += block[i + 3]
        e += block[i + 4]
        f += block[i + 5]
        g += block[i + 6]
        h += block[i + 7]
    total = ((a + b) + (c + d)) + ((e + f) + (g + h))
    for value in block[whole:]:
        total += value
    return float(total)
