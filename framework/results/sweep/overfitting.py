"""Probability of backtest overfitting: does what was best in one half of the time stay good?

Combinatorially symmetric cross-validation: the bars are cut into S stretches; every choice of half
of them is once the past, in which the best trial is picked, and the other half the future, in which
it is ranked among all trials.

Source: D. H. Bailey, J. M. Borwein, M. López de Prado and Q. J. Zhu, "The Probability of Backtest
Overfitting", Journal of Computational Finance 20 (4), 2017, 39-69.

Legend: P trials, B blocks, S stretches, C splits.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from framework.types import FloatArray, IntArray

STRETCHES = 16
"""The paper's S: 12,870 splits."""

_CHUNK = 65_536  # values of one temporary: half a megabyte, which stays in a processor's cache
_ROUNDING = 1e-12  # of n times the sum of squares: below it, a variance is rounding


@dataclass(frozen=True, slots=True, eq=False)
class Overfitting:
    """What cross-validation found; Sharpe ratios are per bar.

    Parameters
    ----------
    logits : (C,) float64
        Of the relative rank, in the second half, of the trial that was best in the first.
    chosen : (C,) int64
        That trial.
    before, after : (C,) float64
        Its Sharpe ratio in the half it was picked in, and in the other.
    """

    logits: FloatArray
    chosen: IntArray
    before: FloatArray
    after: FloatArray

    @property
    def probability(self) -> float:
        """Share of splits in which the best of one half is at or below the other's median."""
        return float((self.logits <= 0.0).mean())

    @property
    def loss(self) -> float:
        """Share of splits in which the best of one half loses in the other."""
        return float((self.after < 0.0).mean())

    @property
    def slope(self) -> float:
        """Of the least-squares line of `after` over `before`; NaN where `before` never differs."""
        spread = self.before - self.before.mean()
        square = float((spread * spread).sum())
        if not square > 0.0:
            return math.nan
        return float((spread * (self.after - self.after.mean())).sum()) / square


def cross_validate(
    blocks: FloatArray, block_bars: IntArray, stretches: int = STRETCHES
) -> Overfitting | None:
    """Return how the best trial of each half of the time did in the other half.

    A trial whose returns do not vary in a half has a Sharpe ratio of 0 there. Trials that are equal
    in the second half share their mean rank.

    Parameters
    ----------
    blocks : (P, B, 2) float64
        Sum and sum of squares of each trial's returns in B stretches of time; finite.
    block_bars : (B,) int64
        Number of returns in each.
    stretches : int
        Even number of groups that the blocks are put into, neighbours together.

    Returns
    -------
    Overfitting or None
        None with fewer than two trials, fewer blocks than stretches, or a stretch without returns.

    Examples
    --------
    The first trial gains in every stretch, the second loses:

    >>> sums = np.array([[[0.02, 0.01], [0.03, 0.01]], [[-0.02, 0.01], [-0.01, 0.01]]])
    >>> cross_validate(sums, np.array([10, 10]), stretches=2).probability
    0.0
    """
    if stretches < 2 or stretches % 2:
        raise ValueError(f"stretches must be even and at least 2, was {stretches}")
    trials, count = blocks.shape[:2]
    if trials < 2 or count < stretches:
        return None
    starts = np.linspace(0, count, stretches + 1).astype(np.int64)[:-1]
    bars = np.add.reduceat(block_bars, starts)
    if bars.min() < 1 or bars.sum() < 4:
        return None
    grouped = np.add.reduceat(blocks, starts, axis=1)
    found = [
        _judge(past, future)
        for one, other in _halves(grouped, bars.astype(np.float64), stretches)
        for past, future in ((one, other), (other, one))
    ]
    logits, chosen, before, after = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return Overfitting(logits, chosen, before, after)


def _halves(
    grouped: FloatArray, bars: FloatArray, stretches: int
) -> Iterator[tuple[FloatArray, FloatArray]]:
    """Yield the Sharpe ratios of all trials in a half and in the other, for a few splits at once.

    Of two splits that mirror each other only one is yielded. A split is a choice among the first
    S/2 stretches with one among the rest; the sums of every such choice are made once, so that a
    split costs one addition.
    """
    half = stretches // 2
    choices = np.arange(1 << half)
    member = (choices[:, None] >> np.arange(half)) & 1  # (2^half, half)
    size = member.sum(axis=1)
    sides = (slice(0, half), slice(half, stretches))
    sums, squares = (
        [_chosen_sums(member, grouped[:, side, k]) for side in sides] for k in range(2)
    )
    counts = [_chosen_sums(member, bars[None, side])[:, 0] for side in sides]
    rows = max(1, _CHUNK // grouped.shape[0])
    everything = len(choices) - 1
    for low in choices[: len(choices) // 2].tolist():
        fitting = np.flatnonzero(size == half - size[low])
        for start in range(0, len(fitting), rows):
            high = fitting[start : start + rows]
            pair = (low, high), (everything - low, everything - high)
            one, other = (
                _sharpe(
                    sums[0][a] + sums[1][b],
                    squares[0][a] + squares[1][b],
                    (counts[0][a] + counts[1][b])[:, None],
                )
                for a, b in pair
            )
            yield one, other


def _chosen_sums(member: IntArray, values: FloatArray) -> FloatArray:
    """Return, for each choice (2^half, half), the sums of `values` (P, half): (2^half, P)."""
    total = np.zeros((len(member), len(values)))
    for k in range(member.shape[1]):
        total[member[:, k] == 1] += values[:, k]
    return total


def _sharpe(sums: FloatArray, squares: FloatArray, count: FloatArray) -> FloatArray:
    """Return mean over standard deviation (divisor n); 0 where there is no deviation."""
    scaled = count * squares
    variance = scaled - sums * sums
    ratio = np.zeros_like(sums)
    scaled *= _ROUNDING
    varies = variance > scaled
    np.sqrt(variance, out=variance, where=varies)
    np.divide(sums, variance, out=ratio, where=varies)
    return ratio


def _judge(
    past: FloatArray, future: FloatArray
) -> tuple[FloatArray, IntArray, FloatArray, FloatArray]:
    """Return logit, best trial and its two Sharpe ratios for a few splits (C, P)."""
    chosen = past.argmax(axis=1)
    rows = np.arange(len(past))
    after = future[rows, chosen]
    below = (future < after[:, None]).sum(axis=1)
    level = (future == after[:, None]).sum(axis=1)
    rank = below + (level + 1.0) / 2.0
    relative = rank / (past.shape[1] + 1.0)
    return np.log(relative / (1.0 - relative)), chosen, past[rows, chosen], after
