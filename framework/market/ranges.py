"""Sets of half-open ranges [start, end) of times: union and difference."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from framework.types import IntArray, Interval

Range = tuple[int, int]


def union(ranges: Iterable[Range]) -> list[Range]:
    """Return `ranges` sorted, those that touch or overlap merged, empty ones left out.

    Examples
    --------
    >>> union([(5, 7), (0, 2), (2, 3), (4, 4)])
    [(0, 3), (5, 7)]
    """
    merged: list[Range] = []
    for start, end in sorted(ranges):
        if end <= start:
            continue
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return merged


def difference(start: int, end: int, ranges: Iterable[Range]) -> list[Range]:
    """Return the parts of [start, end) that lie in none of `ranges`.

    Examples
    --------
    >>> difference(0, 10, [(2, 3), (5, 20)])
    [(0, 2), (3, 5)]
    """
    left: list[Range] = []
    for first, last in union(ranges):
        if first > start:
            left.append((start, min(first, end)))
        start = max(start, last)
        if start >= end:
            break
    left.append((start, end))
    return union(left)


def runs(time: IntArray, interval: Interval) -> list[Range]:
    """Return the ranges that candles at `time` (R,), rising, cover without a hole."""
    if not len(time):
        return []
    breaks = np.flatnonzero(np.diff(time) != interval.ns)
    starts = time[np.append(0, breaks + 1)]
    ends = time[np.append(breaks, len(time) - 1)] + interval.ns
    return list(zip(starts.tolist(), ends.tolist(), strict=True))
