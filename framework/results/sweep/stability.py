"""Whether a best trial stands on firm ground: what its neighbours do, and what came later.

Legend: P trials, B blocks, A axes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from framework.results.sweep.axes import Axis
from framework.types import BoolArray, FloatArray, IntArray

EARLY = 0.7
"""Share of the blocks that counts as the past."""

_GRID = 0.5  # share of all combinations that must have been tried for a design to be a grid
_DECILE = 0.9
_GROUPS = 10


@dataclass(frozen=True, slots=True)
class Neighbourhood:
    """What the trials next to the best one are worth.

    Parameters
    ----------
    trials : int
        Neighbours with an objective.
    median : float
        Their median objective.
    ratio : float or None
        That over the objective of the best; None unless the best is above 0.
    grid : bool
        Whether they are the adjacent values, or else the nearest trials of a random design.
    """

    trials: int
    median: float
    ratio: float | None
    grid: bool


@dataclass(frozen=True, slots=True)
class Decay:
    """What was left later of what was best early; Sharpe ratios per bar.

    Parameters
    ----------
    chosen : int
        Trial with the highest Sharpe ratio of the early blocks.
    early, late : float
        Its Sharpe ratio in the early and in the late blocks.
    decile_early, decile_late : float
        Medians over the tenth of the trials that was best early.
    best_early, best_late : float
        Of the best trial of the sweep, which was picked with knowledge of both.
    """

    chosen: int
    early: float
    late: float
    decile_early: float
    decile_late: float
    best_early: float
    best_late: float

    @property
    def lost(self) -> float | None:
        """Share of the early Sharpe ratio that was gone later; None unless that was above 0."""
        return 1.0 - self.late / self.early if self.early > 0.0 else None

    @property
    def decile_lost(self) -> float | None:
        """The same for the best tenth."""
        return 1.0 - self.decile_late / self.decile_early if self.decile_early > 0.0 else None


def judge_neighbourhood(
    axes: Sequence[Axis], objective: FloatArray, best: int
) -> Neighbourhood | None:
    """Return what the neighbours of the best trial are worth.

    On a grid they are the trials at most one value away on every numeric axis and equal on all
    others. Where fewer than half of all combinations were tried they are the nearest trials, two
    for each axis and at least five, by the distance of the values' ranks; another value of an axis
    without numbers is as far as that axis' ends.

    Parameters
    ----------
    axes : sequence of Axis
        A axes.
    objective : (P,) float64
        NaN for trials that do not count.
    best : int
        Index of the best trial.

    Returns
    -------
    Neighbourhood or None
        None when no neighbour has an objective.
    """
    if not axes:
        return None
    combinations = math.prod(len(axis.values) for axis in axes)
    tried = len(np.unique(np.stack([axis.level for axis in axes]), axis=1).T)
    grid = tried >= _GRID * combinations
    others = np.arange(len(objective)) != best
    near = _adjacent(axes, best) if grid else _nearest(axes, best, others & ~np.isnan(objective))
    found = objective[near & others]
    found = found[~np.isnan(found)]
    if not len(found):
        return None
    median = float(np.median(found))
    top = float(objective[best])
    return Neighbourhood(len(found), median, median / top if top > 0.0 else None, grid)


def judge_decay(
    blocks: FloatArray, block_bars: IntArray, best: int, early: float = EARLY
) -> Decay | None:
    """Return how the trials that led in the first blocks did in the last.

    Parameters
    ----------
    blocks : (P, B, 2) float64
        Sum and sum of squares of each trial's returns in B stretches of time; finite.
    block_bars : (B,) int64
        Number of returns in each.
    best : int
        Index of the best trial.
    early : float
        Share of the blocks that counts as the past.

    Returns
    -------
    Decay or None
        None when either part has fewer than two returns, or there is no trial.
    """
    cut = round(len(block_bars) * early)
    parts = (slice(0, cut), slice(cut, len(block_bars)))
    bars = [int(block_bars[part].sum()) for part in parts]
    if not len(blocks) or min(bars) < 2:
        return None
    first = sharpe_of(blocks[:, parts[0]].sum(axis=1), bars[0])
    last = sharpe_of(blocks[:, parts[1]].sum(axis=1), bars[1])
    chosen = int(first.argmax())
    top = first >= np.quantile(first, _DECILE)
    return Decay(
        chosen,
        float(first[chosen]),
        float(last[chosen]),
        float(np.median(first[top])),
        float(np.median(last[top])),
        float(first[best]),
        float(last[best]),
    )


def sharpe_of(sums: FloatArray, bars: int) -> FloatArray:
    """Return Sharpe ratios per bar (P,) from sums and sums of squares (P, 2), divisor n - 1.

    0 for a trial whose returns do not vary.
    """
    mean = sums[:, 0] / bars
    variance = (sums[:, 1] - sums[:, 0] * mean) / (bars - 1)
    varies = variance > 1e-12 * sums[:, 1] / bars
    ratio: FloatArray = np.zeros(len(sums))
    np.divide(
        mean, np.sqrt(variance, where=varies, out=np.ones(len(sums))), out=ratio, where=varies
    )
    return ratio


def importance(axis: Axis, objective: FloatArray) -> float | None:
    """Return the share of the objective's variance that one axis alone explains, 0 to 1.

    The variance of the means of the axis' values over the total variance (the correlation ratio;
    the first-order index of Sobol on a full grid), less what as many groups of pure noise would
    explain. More than ten values are put into ten groups of about equal size. What an axis does
    only together with another is not seen.

    Source: K. Pearson 1905, T. L. Kelley, "An Unbiased Correlation Ratio Measure", PNAS 21, 1935.

    Returns
    -------
    float or None
        None when the objective does not vary, or there are no more trials than groups.
    """
    counts = np.isfinite(objective)
    value = objective[counts]
    group, labels = axis.binned(_GROUPS)
    group = group[counts]
    size = np.bincount(group, minlength=len(labels))
    groups = int(np.count_nonzero(size))
    if groups < 2 or len(value) <= groups:
        return None
    centred = value - value.mean()
    total = float((centred * centred).sum())
    if not total > 1e-24 * float((value * value).sum()):
        return None
    sums = np.bincount(group, weights=centred, minlength=len(labels))
    between = float((sums[size > 0] ** 2 / size[size > 0]).sum()) / total
    adjusted = 1.0 - (1.0 - between) * (len(value) - 1) / (len(value) - groups)
    return min(max(adjusted, 0.0), 1.0)


def _adjacent(axes: Sequence[Axis], best: int) -> BoolArray:
    """Return which trials are at most one value away on every axis of numbers (P,)."""
    near = np.ones(len(axes[0].level), np.bool_)
    for axis in axes:
        near &= np.abs(axis.level - axis.level[best]) <= int(axis.numeric)
    return near


def _nearest(axes: Sequence[Axis], best: int, allowed: BoolArray) -> BoolArray:
    """Return which of the allowed trials are nearest (P,)."""
    square = np.zeros(len(allowed))
    for axis in axes:
        if axis.numeric:
            square += (axis.scaled - axis.scaled[best]) ** 2
        else:
            square += axis.level != axis.level[best]
    square[~allowed] = np.inf
    count = min(max(2 * len(axes), 5), int(np.count_nonzero(allowed)))
    near = np.zeros(len(allowed), np.bool_)
    near[np.argsort(square, kind="stable")[:count]] = True
    return near
