"""The forward filter of a hidden Markov model, compiled.

Legend: T bars, F inputs, S states.
"""

from __future__ import annotations

import numpy as np

from framework.compiler import numba
from framework.learning.training_data import Float32Array
from framework.types import BoolArray, FloatArray


@numba.njit(cache=True, nogil=True)
def filtered(
    scaled_TF: Float32Array,
    complete_T: BoolArray,
    start_S: FloatArray,
    transition_SS: FloatArray,
    mean_SF: FloatArray,
    whitening_SFF: FloatArray,
    log_norm_S: FloatArray,
) -> FloatArray:
    """Return the probability of each state given the bars up to each, (T, S).

    Rabiner 1989, section III: the forward variable, scaled at every bar. Where a bar is
    not complete, states follow each other and nothing is learned; before the first that is, NaN.
    """
    bars, inputs = scaled_TF.shape
    if inputs != mean_SF.shape[1]:
        raise ValueError("there are not as many inputs as means")
    states = len(start_S)
    p_TS = np.full((bars, states), np.nan)
    ahead_S = start_S.copy()
    log_S = np.empty(states)
    begun = False
    for t in range(bars):
        if begun:
            for s in range(states):
                ahead_S[s] = 0.0
                for before in range(states):
                    ahead_S[s] += p_TS[t - 1, before] * transition_SS[before, s]
        if not complete_T[t]:
            if begun:
                p_TS[t] = ahead_S
            continue
        begun = True
        for s in range(states):
            squares = 0.0
            for row in range(inputs):
                whitened = 0.0
                for f in range(row + 1):
                    whitened += whitening_SFF[s, row, f] * (scaled_TF[t, f] - mean_SF[s, f])
                squares += whitened * whitened
            log_S[s] = np.log(ahead_S[s]) + log_norm_S[s] - 0.5 * squares
        most = np.max(log_S)
        total = 0.0
        for s in range(states):
            p_TS[t, s] = np.exp(log_S[s] - most)
            total += p_TS[t, s]
        for s in range(states):
            p_TS[t, s] /= total
    return p_TS
