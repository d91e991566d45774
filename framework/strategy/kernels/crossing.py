"""One series crossing another.

Legend: T bars. A comparison with NaN is false.
"""

from __future__ import annotations

import numpy as np

from framework.compiler import numba
from framework.types import BoolArray, FloatArray


@numba.njit(cache=True, nogil=True)
def crossed_above(a_T: FloatArray, b_T: FloatArray) -> BoolArray:
    """Return where a is above b now and was not one bar ago, (T,) bool."""
    count = len(a_T)
    result_T = np.zeros(count, np.bool_)
    for i in range(1, count):
        result_T[i] = (a_T[i] > b_T[i]) & (a_T[i - 1] <= b_T[i - 1])
    return result_T
