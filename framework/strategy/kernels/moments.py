"""Rolling standard deviation and correlation, taken about a nearby point so as not to cancel.

Legend: T bars. Every kernel is causal, gives NaN while a window is incomplete or holds a value
that is not finite, and recovers as soon as that value has left. Sums are taken anew at every bar
whose index is a multiple of `period`.
"""

from __future__ import annotations

import numpy as np

from framework.compiler import numba
from framework.types import FloatArray

_FAR = 1e3  # squared distance of the point from the mean, in variances, before it is moved


@numba.njit(cache=True, inline="always")
def _add(total: float, error: float, value: float) -> tuple[float, float]:
    """Return a sum and its rounding error with `value` added (Neumaier 1974)."""
    raised = total + value
    back = raised - total
    return raised, error + ((total - (raised - back)) + (value - back))


@numba.njit(cache=True, nogil=True)
def _centre(x_T: FloatArray, first: int, last: int) -> float:
    """Return the mean of x[first:last + 1], to the last bit where all are equal."""
    same = True
    mean = 0.0
    count = 0.0
    for j in range(first, last + 1):
        same = same and x_T[j] == x_T[first]
        count += 1.0
        mean += (x_T[j] - mean) / count
    return x_T[first] if same else mean


@numba.njit(cache=True, nogil=True)
def rolling_std(x_T: FloatArray, bars: int, period: int) -> FloatArray:
    """Return the sample standard deviation (divisor bars - 1) of each window, (T,).

    Sums of the distances from a point and of their squares are carried with their rounding
    errors. The point moves to the window's mean when it has come to lie far from it, so the
    result keeps about twelve digits whatever the level, and a constant window gives exactly 0.
    """
    count = len(x_T)
    result_T = np.full(count, np.nan)
    last_bad = -1
    fresh = True
    point = first = first_error = second = second_error = 0.0
    for i in range(count):
        if not np.isfinite(x_T[i]):
            last_bad = i
        if last_bad > i - bars or i < bars - 1:
            fresh = True
            continue
        if not fresh and i % period:
            value = x_T[i] - point
            first, first_error = _add(first, first_error, value)
            second, second_error = _add(second, second_error, value * value)
            value = x_T[i - bars] - point
            first, first_error = _add(first, first_error, -value)
            second, second_error = _add(second, second_error, -value * value)
            total = first + first_error
            moved = total * total / bars
            spread = (second + second_error) - moved
            fresh = not (moved <= _FAR * spread)
        else:
            fresh = True
        if fresh:
            point = _centre(x_T, i - bars + 1, i)
            first = first_error = second = second_error = 0.0
            for j in range(i - bars + 1, i + 1):
                value = x_T[j] - point
                first, first_error = _add(first, first_error, value)
                second, second_error = _add(second, second_error, value * value)
            fresh = False
        total = first + first_error
        spread = (second + second_error) - total * total / bars
        result_T[i] = np.sqrt(max(spread, 0.0) / (bars - 1))
    return result_T


@numba.njit(cache=True, nogil=True)
def rolling_corr(x_T: FloatArray, y_T: FloatArray, bars: int, period: int) -> FloatArray:
    """Return Pearson's correlation of each window of x and y, (T,); NaN where one is constant."""
    count = len(x_T)
    result_T = np.full(count, np.nan)
    last_bad = -1
    fresh = True
    at_x = at_y = 0.0
    sums = np.zeros(5)  # of x, y, xx, yy, xy about the points
    errors = np.zeros(5)
    for i in range(count):
        if not (np.isfinite(x_T[i]) and np.isfinite(y_T[i])):
            last_bad = i
        if last_bad > i - bars or i < bars - 1:
            fresh = True
            continue
        if not fresh and i % period:
            _add_products(sums, errors, x_T[i] - at_x, y_T[i] - at_y, 1.0)
            _add_products(sums, errors, x_T[i - bars] - at_x, y_T[i - bars] - at_y, -1.0)
            moved_x, moved_y = sums[0] + errors[0], sums[1] + errors[1]
            moved_x, moved_y = moved_x * moved_x / bars, moved_y * moved_y / bars
            far_x = not (moved_x <= _FAR * (sums[2] + errors[2] - moved_x))
            far_y = not (moved_y <= _FAR * (sums[3] + errors[3] - moved_y))
            fresh = far_x or far_y
        else:
            fresh = True
        if fresh:
            at_x = _centre(x_T, i - bars + 1, i)
            at_y = _centre(y_T, i - bars + 1, i)
            sums[:] = 0.0
            errors[:] = 0.0
            for j in range(i - bars + 1, i + 1):
                _add_products(sums, errors, x_T[j] - at_x, y_T[j] - at_y, 1.0)
            fresh = False
        total_x, total_y = sums[0] + errors[0], sums[1] + errors[1]
        spread_x = sums[2] + errors[2] - total_x * total_x / bars
        spread_y = sums[3] + errors[3] - total_y * total_y / bars
        both = sums[4] + errors[4] - total_x * total_y / bars
        if spread_x > 0.0 and spread_y > 0.0:
            result = both / (np.sqrt(spread_x) * np.sqrt(spread_y))
            result_T[i] = min(1.0, max(-1.0, result))
    return result_T


@numba.njit(cache=True, nogil=True)
def _add_products(sums: FloatArray, errors: FloatArray, x: float, y: float, sign: float) -> None:
    sums[0], errors[0] = _add(sums[0], errors[0], sign * x)
    sums[1], errors[1] = _add(sums[1], errors[1], sign * y)
    sums[2], errors[2] = _add(sums[2], errors[2], sign * x * x)
    sums[3], errors[3] = _add(sums[3], errors[3], sign * y * y)
    sums[4], errors[4] = _add(sums[4], errors[4], sign * x * y)
