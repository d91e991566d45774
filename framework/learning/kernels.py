"""Loops over bars, compiled: complete windows, gathering, scaling, barriers and uniqueness.

Legend: N pairs, T bars, F inputs, W bars of a window, K samples, Q knots.
"""

from __future__ import annotations

import numpy as np

from framework.compiler import numba
from framework.learning.rows import Int32Array
from framework.learning.training_data import Float32Array
from framework.types import BoolArray, FloatArray


@numba.njit(cache=True, nogil=True)
def complete_windows(inputs_TF: Float32Array, window: int, every: bool) -> BoolArray:
    """Return whether each of the last `window` bars has all its inputs, or any of them, (T,)."""
    bars, count = inputs_TF.shape
    complete_T = np.zeros(bars, np.bool_)
    run = 0
    for t in range(bars):
        known = 0
        for f in range(count):
            known += np.isfinite(inputs_TF[t, f])
        present = known == count if every else known > 0
        run = run + 1 if present else 0
        complete_T[t] = run >= window
    return complete_T


@numba.njit(cache=True, nogil=True)
def gather_windows(
    scaled_NTF: Float32Array, pair_K: Int32Array, bar_K: Int32Array, out_KWF: Float32Array
) -> None:
    """Copy the window that ends at each sample's bar."""
    samples, window, count = out_KWF.shape
    for k in range(samples):
        n = pair_K[k]
        first = bar_K[k] - window + 1
        for w in range(window):
            for f in range(count):
                out_KWF[k, w, f] = scaled_NTF[n, first + w, f]


@numba.njit(cache=True, nogil=True, error_model="numpy")
def scale_evenly(
    inputs_TF: Float32Array,
    centre_F: FloatArray,
    scale_F: FloatArray,
    clip: float,
    missing: float,
    out_TF: Float32Array,
) -> None:
    """Write the distance of each input from its centre, in scales and within `clip`."""
    bars, count = inputs_TF.shape
    for t in range(bars):
        for f in range(count):
            value = (np.float64(inputs_TF[t, f]) - centre_F[f]) / scale_F[f]
            value = -clip if value < -clip else value
            value = clip if value > clip else value
            out_TF[t, f] = value if np.isfinite(inputs_TF[t, f]) else missing


@numba.njit(cache=True, nogil=True, error_model="numpy")
def scale_by_rank(
    inputs_TF: Float32Array,
    knots_FQ: FloatArray,
    normal_Q: FloatArray,
    clip: float,
    missing: float,
    out_TF: Float32Array,
) -> None:
    """Write the normal quantile of each input's rank among the knots.

    Between two knots it is interpolated, beyond them it is that of the last; a value that several
    knots share gets the middle of theirs.
    """
    bars, count = inputs_TF.shape
    knots = len(normal_Q)
    for t in range(bars):
        for f in range(count):
            x = np.float64(inputs_TF[t, f])
            if not np.isfinite(x):
                out_TF[t, f] = missing
                continue
            left = np.searchsorted(knots_FQ[f], x)
            if left == knots:
                value = normal_Q[knots - 1]
            elif knots_FQ[f, left] == x:
                right = left
                while right + 1 < knots and knots_FQ[f, right + 1] == x:
                    right += 1
                value = (normal_Q[left] + normal_Q[right]) / 2
            elif left == 0:
                value = normal_Q[0]
            else:
                below, above = knots_FQ[f, left - 1], knots_FQ[f, left]
                share = (x - below) / (above - below)
                value = normal_Q[left - 1] + share * (normal_Q[left] - normal_Q[left - 1])
            out_TF[t, f] = min(max(value, -clip), clip)


@numba.njit(cache=True, nogil=True)
def first_barrier(
    log_close_T: FloatArray, upper_T: FloatArray, lower_T: FloatArray, horizon: int
) -> tuple[Float32Array, Int32Array]:
    """Return which barrier the closes after each bar reach first, and at which bar, (T,) each.

    `upper_T` and `lower_T` are the barriers' distances above and below the log-close. Lower is 0,
    none within `horizon` bars 1, upper 2; NaN where a close or a distance is not known.
    """
    bars = len(log_close_T)
    reached_T = np.full(bars, np.nan, np.float32)
    last_T = np.zeros(bars, np.int32)
    for t in range(bars - horizon):
        if not (upper_T[t] > 0 and lower_T[t] > 0):
            continue
        reached, last = np.float32(1), t + horizon
        for later in range(t + 1, t + horizon + 1):
            moved = log_close_T[later] - log_close_T[t]
            if not np.isfinite(moved):
                reached = np.float32(np.nan)
                break
            if last == t + horizon and reached == 1:
                if moved >= upper_T[t]:
                    reached, last = np.float32(2), later
                elif moved <= -lower_T[t]:
                    reached, last = np.float32(0), later
        reached_T[t], last_T[t] = reached, last
    return reached_T, last_T


@numba.njit(cache=True, nogil=True)
def average_uniqueness(counted_T: BoolArray, last_T: Int32Array) -> FloatArray:
    """Return the mean of 1 / concurrency over the span of each counted label, (T,); else 0.

    The label of bar t rests on the returns of bars t + 1 to `last_T[t]`; the concurrency of a bar
    is the number of labels that rest on its return.
    """
    bars = len(counted_T)
    concurrency_T = np.zeros(bars + 1, np.int64)
    for t in range(bars):
        if counted_T[t]:
            concurrency_T[t + 1] += 1
            concurrency_T[last_T[t] + 1] -= 1
    concurrency_T = np.cumsum(concurrency_T)
    unique_T = np.zeros(bars)
    for t in range(bars):
        if counted_T[t]:
            total = 0.0
            for spanned in range(t + 1, last_T[t] + 1):
                total += 1.0 / concurrency_T[spanned]
            unique_T[t] = total / (last_T[t] - t)
    return unique_T
