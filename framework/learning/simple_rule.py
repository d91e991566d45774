"""The simplest rule on a prediction, and what it would have brought: no engine, no sizes, no risk.

Legend: T bars, N pairs.
"""

from __future__ import annotations

import numpy as np

from framework.learning.labels import Label
from framework.learning.training_data import Float32Array
from framework.types import BoolArray, FloatArray

RULES = {
    "direction": "long while p_up > 0.5",
    "return": "long while forecast > 0",
    "triple_barrier": "long while p_up > p_down",
    "volatility": "long while forecast < the median label before the first prediction",
}


def long_when(
    label: Label, predicted: dict[str, FloatArray], labels_TN: Float32Array, first: int
) -> BoolArray:
    """Return whether the rule on a prediction is long at each close, (T, N).

    Parameters
    ----------
    label : Label
        What was learned.
    predicted : dict of str to (T, N) float64
        By output; without a prediction it is not long.
    labels_TN : (T, N) float32
        Of all bars, NaN where unknown.
    first : int
        Bar of the first prediction. Only labels known before it are looked at.
    """
    if label.kind == "direction":
        return predicted["p_up"] > 0.5
    if label.kind == "triple_barrier":
        return predicted["p_up"] > predicted["p_down"]
    if label.kind == "return":
        return predicted["forecast"] > 0.0
    known = labels_TN[: max(first - label.horizon, 0)]
    known = known[np.isfinite(known)]
    return predicted["forecast"] < (np.median(known) if len(known) else np.nan)


def equity_of(long_TN: BoolArray, close_TN: FloatArray, fee: float) -> FloatArray:
    """Return the equity of 1, an equal share of it in each pair, at each close.

    A share is wholly in its pair from a close at which the rule is long to the first one at which
    it is not, and never moved between pairs. A close not known yet moves nothing.

    Parameters
    ----------
    long_TN : (T, N) bool
        At each close.
    close_TN : (T, N) float64
        Quote currency.
    fee : float
        Of each purchase and each sale, as a fraction of its value.

    Returns
    -------
    (T,) float64

    Examples
    --------
    >>> long = np.array([[True], [True], [False], [False]])
    >>> equity_of(long, np.array([[10.0], [11.0], [12.0], [24.0]]), 0.0).round(2).tolist()
    [1.0, 1.1, 1.2, 1.2]
    """
    bars, pairs = close_TN.shape
    if not bars or not pairs:
        return np.ones(bars)
    grown_TN = np.ones((bars, pairs))
    grown_TN[1:] = np.where(long_TN[:-1], close_TN[1:] / close_TN[:-1], 1.0)
    grown_TN[~np.isfinite(grown_TN)] = 1.0
    changed_TN = np.diff(long_TN, axis=0, prepend=np.zeros((1, pairs), np.bool_))
    grown_TN *= np.where(changed_TN, 1.0 - fee, 1.0)
    equity: FloatArray = np.cumprod(grown_TN, axis=0).mean(axis=1)
    return equity
