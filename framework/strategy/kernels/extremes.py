"""Rolling smallest and largest values, in one pass (Lemire 2006).

Legend: T bars. A window that is incomplete or holds NaN gives NaN.
"""

from __future__ import annotations

import numpy as np

from framework.compiler import numba
from framework.types import FloatArray


@numba.njit(cache=True, nogil=True)
def rolling_max(x_T: FloatArray, bars: int) -> FloatArray:
    """Return the largest value of each window of `bars` values, (T,)."""
    return _extremes(x_T, bars, 1.0)


@numba.njit(cache=True, nogil=True)
def rolling_min(x_T: FloatArray, bars: int) -> FloatArray:
    """Return the smallest value of each window of `bars` values, (T,)."""
    return _extremes(x_T, bars, -1.0)


@numba.njit(cache=True, nogil=True)
def _extremes(x_T: FloatArray, bars: int, sign: float) -> FloatArray:
    count = len(x_T)
    result_T = np.full(count, np.nan)
    size = 1  # of a ring that holds the window's candidates, best first
    while size < min(bars, count) + 1:
        size *= 2
    ring = np.empty(size, np.int64)
    mask = size - 1
    head = tail = 0
    last_nan = -1
    for i in range(count):
        value = sign * x_T[i]
        if np.isnan(value):
            last_nan = i
        else:
            while tail > head and sign * x_T[ring[(tail - 1) & mask]] <= value:
                tail -= 1
            ring[tail & mask] = i
            tail += 1
        while tail > head and ring[head & mask] <= i - bars:
            head += 1
        if i >= bars - 1 and last_nan <= i - bars:
            result_T[i] = x_T[ring[head & mask]]
    return result_T
