"""Loops over trees, compiled.

Legend: T bars, F inputs, M trees, V nodes, G groups of trees.
"""

from __future__ import annotations

import numpy as np

from framework.compiler import numba
from framework.learning.rows import Int32Array
from framework.learning.training_data import Float32Array
from framework.types import BoolArray, FloatArray

_BLOCK = 64  # bars whose windows stay in the cache while all trees are gone through


@numba.njit(cache=True, nogil=True)
def leaf_sums(
    inputs_TF: Float32Array,
    complete_T: BoolArray,
    first: int,
    window: int,
    root_M: Int32Array,
    column_V: Int32Array,
    left_V: Int32Array,
    right_V: Int32Array,
    threshold_V: FloatArray,
    value_V: FloatArray,
    sums_GT: FloatArray,
) -> None:
    """Write the sums of the leaves of each bar with a complete window, from `first` on."""
    bars, count = inputs_TF.shape
    groups = len(sums_GT)
    for begin in range(first, bars, _BLOCK):
        end = min(begin + _BLOCK, bars)
        for t in range(begin, end):
            if complete_T[t]:
                for group in range(groups):
                    sums_GT[group, t - first] = 0.0
        for tree in range(len(root_M)):
            for t in range(begin, end):
                if not complete_T[t]:
                    continue
                node = root_M[tree]
                while column_V[node] >= 0:
                    bar, f = divmod(column_V[node], count)
                    value = np.float64(inputs_TF[t - window + 1 + bar, f])
                    node = left_V[node] if value <= threshold_V[node] else right_V[node]
                sums_GT[tree % groups, t - first] += value_V[node]
