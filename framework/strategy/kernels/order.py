"""Rolling rank and quantile, by counting in a binary indexed tree (Fenwick 1994).

Legend: T bars. Values are compared with those of their own window only, so ranking them once over
all bars tells nothing of the future. O(T log T) whatever the window.
"""

from __future__ import annotations

import numpy as np

from framework.compiler import numba
from framework.types import FloatArray, IntArray


def rolling_rank(x_T: FloatArray, bars: int) -> FloatArray:
    """Return where the last value stands in its window, (T,): 0 lowest, 1 highest, ties midway."""
    place_T, values = _places(x_T)
    return _rank(place_T, len(values), bars)


def rolling_quantile(x_T: FloatArray, bars: int, level: float) -> FloatArray:
    """Return the `level` quantile of each window, (T,), between neighbours by proportion."""
    place_T, values = _places(x_T)
    return _quantile(place_T, values, bars, level)


def _places(x_T: FloatArray) -> tuple[IntArray, FloatArray]:
    """Return each value's place among the distinct ones, from 1, 0 for NaN; and those."""
    known = ~np.isnan(x_T)
    values, inverse = np.unique(x_T[known] + 0.0, return_inverse=True)  # one zero, not -0 and 0
    place_T = np.zeros(len(x_T), np.int64)
    place_T[known] = inverse + 1
    return place_T, values


@numba.njit(cache=True, nogil=True)
def _change(tree: IntArray, place: int, by: int) -> None:
    while place < len(tree):
        tree[place] += by
        place += place & -place


@numba.njit(cache=True, nogil=True)
def _below(tree: IntArray, place: int) -> int:
    """Return how many values of the window have at most this place."""
    total = 0
    while place > 0:
        total += tree[place]
        place -= place & -place
    return total


@numba.njit(cache=True, nogil=True)
def _find(tree: IntArray, nth: int, top: int) -> int:
    """Return the place of the window's nth smallest value, nth from 1."""
    place = 0
    step = top
    while step > 0:
        after = place + step
        if after < len(tree) and tree[after] < nth:
            place = after
            nth -= tree[after]
        step //= 2
    return place + 1


@numba.njit(cache=True, nogil=True)
def _rank(place_T: IntArray, distinct: int, bars: int) -> FloatArray:
    count = len(place_T)
    result_T = np.full(count, np.nan)
    tree = np.zeros(distinct + 1, np.int64)
    last_nan = -1
    for i in range(count):
        place = place_T[i]
        if place == 0:
            last_nan = i
        else:
            _change(tree, place, 1)
        if i >= bars and place_T[i - bars] > 0:
            _change(tree, place_T[i - bars], -1)
        if i >= bars - 1 and last_nan <= i - bars:
            lower = _below(tree, place - 1)
            equal = _below(tree, place) - lower
            result_T[i] = (lower + 0.5 * (equal - 1)) / (bars - 1)
    return result_T


@numba.njit(cache=True, nogil=True)
def _quantile(place_T: IntArray, values: FloatArray, bars: int, level: float) -> FloatArray:
    count = len(place_T)
    result_T = np.full(count, np.nan)
    tree = np.zeros(len(values) + 1, np.int64)
    top = 1
    while 2 * top < len(tree):
        top *= 2
    position = level * (bars - 1)
    lower = int(np.floor(position))
    part = position - lower
    last_nan = -1
    for i in range(count):
        place = place_T[i]
        if place == 0:
            last_nan = i
        else:
            _change(tree, place, 1)
        if i >= bars and place_T[i - bars] > 0:
            _change(tree, place_T[i - bars], -1)
        if i >= bars - 1 and last_nan <= i - bars:
            below = values[_find(tree, lower + 1, top) - 1]
            if part == 0.0:
                result_T[i] = below
            else:
                above = values[_find(tree, lower + 2, top) - 1]
                result_T[i] = below if above == below else below + part * (above - below)
    return result_T
