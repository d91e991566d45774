"""From scores to probabilities, value by value, so that no bit depends on what is asked beside.

Legend: C classes, N pairs, T bars.
"""

from __future__ import annotations

import math

import numpy as np

from framework.compiler import numba
from framework.types import FloatArray


@numba.njit(cache=True, nogil=True)
def sigmoid(score_CNT: FloatArray) -> FloatArray:
    """Return 1 / (1 + exp(-score))."""
    linked_CNT = np.empty_like(score_CNT)
    for c, n, t in np.ndindex(score_CNT.shape):
        linked_CNT[c, n, t] = 1.0 / (1.0 + math.exp(-score_CNT[c, n, t]))
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
