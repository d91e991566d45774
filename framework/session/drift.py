"""How far inputs have moved away from those that a model learned from.

The population stability index (N. Siddiqi, "Credit Risk Scorecards", 2006): values are counted by
the tenths of an earlier sample; with shares p then and q now, it is the sum of (q - p) ln(q / p),
0 where nothing moved. Customary reading: below 0.1 stable, above 0.25 shifted.

Legend: N pairs, T bars, F inputs, B bins.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from framework.learning.training_data import Float32Array
from framework.types import FloatArray, IntArray

_BINS = 10


@dataclass(frozen=True, slots=True, eq=False)
class Reference:
    """How the inputs of each pair were spread.

    Parameters
    ----------
    edges_NFB : (N, F, B - 1) float64
        Between the bins, NaN where an input had no value.
    counts_NFB : (N, F, B) int64
        Values in each bin.
    """

    edges_NFB: FloatArray
    counts_NFB: IntArray

    @classmethod
    def of(cls, inputs_NTF: Float32Array) -> Reference:
        """Return the spread of inputs; those without a value do not count."""
        pairs, _, inputs = inputs_NTF.shape
        edges_NFB = np.full((pairs, inputs, _BINS - 1), np.nan)
        for n in range(pairs):
            for f in range(inputs):
                values = inputs_NTF[n, :, f]
                values = values[np.isfinite(values)]
                if len(values):
                    edges_NFB[n, f] = np.quantile(values, np.arange(1, _BINS) / _BINS)
        return cls(edges_NFB, _counts(edges_NFB, inputs_NTF))


def drift(reference: Reference, inputs_NTF: Float32Array) -> float:
    """Return the population stability index of inputs, the mean over all of all pairs.

    Each counts half a value in a bin that only the other has values in. NaN where there is nothing
    to compare.

    Examples
    --------
    >>> then = np.arange(100, dtype=np.float32).reshape(1, 100, 1)
    >>> drift(Reference.of(then), then)
    0.0
    >>> round(drift(Reference.of(then), np.full((1, 20, 1), 99, np.float32)), 2)
    3.01
    """
    then_NFB = reference.counts_NFB
    now_NFB = _counts(reference.edges_NFB, inputs_NTF)
    then_NF, now_NF = then_NFB.sum(axis=2), now_NFB.sum(axis=2)
    known_NF = (then_NF > 0) & (now_NF > 0)
    if not known_NF.any():
        return float("nan")
    then_KB, now_KB = then_NFB[known_NF], now_NFB[known_NF]
    p_KB = np.maximum(then_KB, 0.5) / then_NF[known_NF][:, None]
    q_KB = np.maximum(now_KB, 0.5) / now_NF[known_NF][:, None]
    terms_KB = np.where((then_KB > 0) | (now_KB > 0), (q_KB - p_KB) * np.log(q_KB / p_KB), 0.0)
    return float(terms_KB.sum(axis=1).mean())


def _counts(edges_NFB: FloatArray, inputs_NTF: Float32Array) -> IntArray:
    pairs, _, inputs = inputs_NTF.shape
    counts_NFB = np.zeros((pairs, inputs, _BINS), np.int64)
    for n in range(pairs):
        for f in range(inputs):
            values = inputs_NTF[n, :, f]
            values = values[np.isfinite(values)]
            if not np.isnan(edges_NFB[n, f, 0]):
                bins = np.searchsorted(edges_NFB[n, f], values, side="right")
                counts_NFB[n, f] = np.bincount(bins, minlength=_BINS)
    return counts_NFB
