"""From windows to scores and on to shares of 1, value by value.

Nothing is summed or vectorised across bars, so no bit of one depends on what is asked beside it.

Legend: C classes, N pairs, T bars, W bars of a window, F inputs.
"""

from __future__ import annotations

import math

import numpy as np

from framework.compiler import numba
from framework.learning.training_data import Float32Array
from framework.types import BoolArray, FloatArray


@numba.njit(cache=True, nogil=True)
def sigmoid(score_CNT: FloatArray) -> FloatArray:
    """Return 1 / (1 + exp(-score))."""
    linked_CNT = np.empty_like(score_CNT)
    for c, n, t in np.ndindex(score_CNT.shape):
        linked_CNT[c, n, t] = 1.0 / (1.0 + math.exp(-score_CNT[c, n, t]))
    return linked_CNT


@numba.njit(cache=True, nogil=True)
def halved(times_CNT: FloatArray) -> FloatArray:
    """Return 1 halved some times."""
    linked_CNT = np.empty_like(times_CNT)
    for c, n, t in np.ndindex(times_CNT.shape):
        linked_CNT[c, n, t] = math.pow(2.0, -times_CNT[c, n, t])
    return linked_CNT


@numba.njit(cache=True, nogil=True)
def softmax(score_CNT: FloatArray) -> FloatArray:
    """Return exp(score) as a share of the classes' sum."""
    linked_CNT = np.empty_like(score_CNT)
    classes, pairs, bars = score_CNT.shape
    for n, t in np.ndindex((pairs, bars)):
        most = score_CNT[0, n, t]
        for c in range(1, classes):
            most = max(most, score_CNT[c, n, t])
        total = 0.0
        for c in range(classes):
            linked_CNT[c, n, t] = math.exp(score_CNT[c, n, t] - most)
            total += linked_CNT[c, n, t]
        for c in range(classes):
            linked_CNT[c, n, t] /= total
    return linked_CNT


@numba.njit(cache=True, nogil=True)
def linear(
    scaled_NTF: Float32Array,
    complete_NT: BoolArray,
    first: int,
    intercept_C: FloatArray,
    coefficient_CWF: FloatArray,
) -> FloatArray:
    """Return intercept and weighted sum of each window, from bar `first` on, (C, N, T - first).

    Added from the oldest bar's first input on; NaN where the window is not complete.
    """
    pairs, bars, count = scaled_NTF.shape
    classes, window, inputs = coefficient_CWF.shape
    if inputs != count:
        raise ValueError("there are not as many inputs as coefficients")
    score_CNT = np.full((classes, pairs, bars - first), np.nan)
    for c, n, later in np.ndindex(score_CNT.shape):
        t = first + later
        if complete_NT[n, t]:
            total = intercept_C[c]
            for w in range(window):
                for f in range(count):
                    total += coefficient_CWF[c, w, f] * scaled_NTF[n, t - window + 1 + w, f]
            score_CNT[c, n, later] = total
    return score_CNT
