"""Series for a chart: few enough points for a screen, no extreme hidden, ready for JSON."""

from __future__ import annotations

import math

import numpy as np

from framework.types import FloatArray, IntArray

POINTS = 2_000
"""Most points of one line: two for every pixel of a wide chart."""

_MS = 1_000_000
_DIGITS = 7


def reduce_extremes(values: FloatArray, points: int = POINTS) -> IntArray:
    """Return the positions to draw so that no high or low of a line is lost.

    The line is cut into equal buckets; each keeps its lowest and its highest value at their own
    places. First and last are kept too.

    Parameters
    ----------
    values : (T,) float64
        NaN where there is nothing to draw.
    points : int
        Most positions to return, at least 4.

    Returns
    -------
    (R,) int64
        Increasing positions, R ≤ `points`; all of them when T ≤ `points`.

    Examples
    --------
    >>> reduce_extremes(np.array([0.0, 9.0, 1.0, 1.0, -5.0, 1.0, 2.0, 2.0]), 4).tolist()
    [0, 1, 4, 7]
    """
    count = len(values)
    if count <= points:
        return np.arange(count)
    inner = values[1:-1]  # the ends are kept anyway
    width = -(-len(inner) // max((points - 2) // 2, 1))
    whole = len(inner) // width * width
    blocks = inner[:whole].reshape(-1, width)
    starts = np.arange(len(blocks)) * width
    low, high = (starts + _place(blocks, worst) for worst in (math.inf, -math.inf))
    kept = [low, high, np.array([-1, len(inner)])]
    if whole < len(inner):
        rest = inner[whole:][None, :]
        kept += [whole + _place(rest, worst) for worst in (math.inf, -math.inf)]
    places: IntArray = np.unique(np.concatenate(kept)) + 1
    return places


def numbers(values: FloatArray) -> list[float | None]:
    """Return `values` for JSON: seven significant digits, None for what is not finite."""
    return [
        float(f"{value:.{_DIGITS}g}") if math.isfinite(value) else None
        for value in np.asarray(values, np.float64).tolist()
    ]


def moments(time_ns: IntArray) -> list[int]:
    """Return times as whole milliseconds since the epoch, which Plotly reads as UTC."""
    stamps: list[int] = (time_ns // _MS).tolist()
    return stamps


def _place(blocks: FloatArray, worst: float) -> IntArray:
    """Return where each row is lowest (`worst` = +inf) or highest (-inf), blind to NaN."""
    seen = blocks if not np.isnan(blocks).any() else np.where(np.isnan(blocks), worst, blocks)
    place: IntArray = seen.argmin(axis=1) if worst > 0 else seen.argmax(axis=1)
    return place


def drawdown(equity: FloatArray, initial_cash: float) -> FloatArray:
    """Return the fall from the highest equity so far, as a fraction (T,), 0 or below."""
    peak = np.maximum(np.maximum.accumulate(equity), initial_cash) if len(equity) else equity
    fall: FloatArray = equity / peak - 1
    return fall
