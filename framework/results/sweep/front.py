"""Which trials no other dominates, where several objectives are weighed against each other."""

from __future__ import annotations

import numpy as np

from framework.types import FloatArray, IntArray


def pareto_front(points: FloatArray) -> IntArray:
    """Return the rows that no other row dominates, from the highest of the first column down.

    One row dominates another if it is at least as high in every column and higher in one; equal
    rows do not dominate each other.

    Parameters
    ----------
    points : (P, K) float64
        K objectives of P trials, more is better; a row with a NaN is none of them.

    Returns
    -------
    (F,) int64

    Examples
    --------
    >>> pareto_front(np.array([[1.0, 3.0], [2.0, 2.0], [1.0, 2.0], [3.0, np.nan]])).tolist()
    [1, 0]
    """
    rows = np.flatnonzero(~np.isnan(points).any(axis=1))
    # What dominates a row comes before it in this order, so the first one left is never dominated.
    left = rows[np.lexsort(-points[rows].T[::-1])]
    front: list[int] = []
    while len(left):
        first = points[left[0]]
        equal = (points[left] == first).all(axis=1)
        front += left[equal].tolist()
        left = left[~(points[left] <= first).all(axis=1)]
    return np.array(front, np.int64)
