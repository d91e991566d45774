"""Functions across the pairs of one bar."""

from __future__ import annotations

import numpy as np

from framework.strategy.function import function
from framework.types import FloatArray


@function(
    scope="cross_section",
    memory=0,
    group="Intervals and pairs",
    source="Jegadeesh and Titman, Returns to Buying Winners and Selling Losers, 1993",
)
def xrank(x: FloatArray) -> FloatArray:
    """Where a pair stands among all pairs of the run at the same bar: 0 the lowest, 1 the highest,
    ties midway, 0.5 if it stands alone. Pairs without a value are left out and get NaN.
    """
    known = ~np.isnan(x)
    lower = np.zeros(x.shape, order="F")
    equal = np.zeros(x.shape, order="F")
    for other in range(x.shape[1]):
        column = x[:, other : other + 1]
        lower += column < x
        equal += column == x
    others = known.sum(axis=1, keepdims=True) - 1
    place = (lower + 0.5 * (equal - 1.0)) / np.maximum(others, 1)
    ranked: FloatArray = np.where(known, np.where(others == 0, 0.5, place), np.nan)
    return ranked
