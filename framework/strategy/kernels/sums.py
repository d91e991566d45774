"""Rolling sums and means that do not drift: exact for prices, and fresh again after an outlier.

Legend: T bars. Every kernel is causal, gives NaN while a window is incomplete or holds a value
that is not finite, and recovers as soon as that value has left.
"""

from __future__ import annotations

import numpy as np

from framework.compiler import numba
from framework.strategy.memory import fresh_every
from framework.types import FloatArray

_SPLIT = 134217729.0  # 2**27 + 1: Veltkamp's constant, halves a double's 53 bits


def rolling_sum(x_T: FloatArray, bars: int) -> FloatArray:
    """Return the sum of each window of `bars` values, (T,)."""
    result_T = np.empty(len(x_T))  # NumPy asks for large pages, compiled code would not
    _windows(x_T, bars, fresh_every(bars), False, result_T)
    return result_T


def rolling_mean(x_T: FloatArray, bars: int) -> FloatArray:
    """Return the mean of each window of `bars` values, (T,).

    The sum is carried with its rounding error (Neumaier 1974) and divided with its remainder, so
    that equal windows have equal means and a constant window has exactly that constant.
    """
    result_T = np.empty(len(x_T))
    _windows(x_T, bars, fresh_every(bars), True, result_T)
    return result_T


@numba.njit(cache=True, nogil=True)
def _divide(total_T: FloatArray, error_T: FloatArray, bars: float, result_T: FloatArray) -> None:
    """Write (total + error) / bars, rounded once, to `result_T`."""
    for i in range(len(result_T)):
        whole = total_T[i] + error_T[i]
        rest = error_T[i] - (whole - total_T[i])
        quotient = whole / bars
        shifted = _SPLIT * quotient
        high = shifted - (shifted - quotient)
        low = quotient - high
        # bars is below 2**26, so both products are exact, and so is the remainder
        corrected = quotient + ((whole - high * bars) - low * bars + rest) / bars
        overflowed = not np.isfinite(corrected)
        result_T[i] = quotient if overflowed else corrected


@numba.njit(cache=True, nogil=True)
def _finite(value: float) -> float:
    """Return `value`, or 0 in place of NaN and infinity."""
    return value if abs(value) < np.inf else 0.0


@numba.njit(cache=True, nogil=True)
def _steps(in_S: FloatArray, out_S: FloatArray, step_S: FloatArray, error_S: FloatArray) -> None:
    """Write what each bar changes a sum by, and the rounding error of that."""
    for i in range(len(in_S)):
        value, leaving = _finite(in_S[i]), _finite(out_S[i])
        step = value - leaving
        back = step - value
        step_S[i] = step
        error_S[i] = (value - (step - back)) - (leaving + back)


@numba.njit(cache=True, nogil=True)
def _accumulate(total: float, error: float, step_S: FloatArray, error_S: FloatArray) -> None:
    """Turn steps and their errors into sums and theirs, in place.

    Taking the difference of what enters and leaves first, apart from this loop, lets each bar wait
    for one addition of the bar before it only.
    """
    for i in range(len(step_S)):
        raised = total + step_S[i]
        back = raised - total
        error += error_S[i] + ((total - (raised - back)) + (step_S[i] - back))
        total = raised
        step_S[i] = total
        error_S[i] = error


@numba.njit(cache=True, nogil=True)
def _windows(x_T: FloatArray, bars: int, period: int, mean: bool, result_T: FloatArray) -> None:
    count = len(x_T)
    result_T[: min(bars - 1, count)] = np.nan
    total_S = np.empty(min(period, count))  # S: the bars of one stretch
    error_S = np.empty(min(period, count))
    start = bars - 1
    while start < count:
        # one stretch: a fresh sum of its first window, then slid to the stretch's end
        end = min(count, start - start % period + period)
        size = end - start
        total = 0.0
        error = 0.0
        for i in range(start - bars + 1, start + 1):
            value = _finite(x_T[i])
            raised = total + value
            back = raised - total
            error += (total - (raised - back)) + (value - back)
            total = raised
        total_S[0] = total
        error_S[0] = error
        _steps(
            x_T[start + 1 : end],
            x_T[start + 1 - bars : end - bars],
            total_S[1:size],
            error_S[1:size],
        )
        _accumulate(total, error, total_S[1:size], error_S[1:size])
        _mark(x_T[start - bars + 1 : end], bars, total_S[:size])
        if mean:
            _divide(total_S[:size], error_S[:size], float(bars), result_T[start:end])
        else:
            for i in range(size):
                result_T[start + i] = total_S[i] + error_S[i]
        start = end


@numba.njit(cache=True, nogil=True)
def _mark(x_W: FloatArray, bars: int, total_S: FloatArray) -> None:
    """Write NaN for each window that holds a value that is not finite; W: S and the bars before."""
    finite = 0
    for i in range(len(x_W)):
        finite += abs(x_W[i]) < np.inf
    if finite == len(x_W):
        return
    clear = -1
    for i in range(len(x_W)):
        if not abs(x_W[i]) < np.inf:
            clear = i + bars
        if i >= bars - 1 and i < clear:
            total_S[i - bars + 1] = np.nan
