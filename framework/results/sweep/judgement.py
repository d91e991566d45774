"""What a sweep's best trial is worth once all trials are counted: every statistic, and its figure.

Knows nothing of how trials were made; it takes plain columns.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from framework.results.sweep.axes import Axis, read_axes
from framework.results.sweep.front import pareto_front
from framework.results.sweep.luck import Luck, effective_trials, judge_luck, mean_correlation
from framework.results.sweep.overfitting import Overfitting, cross_validate
from framework.results.sweep.stability import (
    Decay,
    Neighbourhood,
    importance,
    judge_decay,
    judge_neighbourhood,
)
from framework.types import BoolArray, FloatArray, IntArray

Figure = float | int | None


@dataclass(frozen=True, eq=False)
class Tried:
    """The columns of P trials.

    Parameters
    ----------
    params : mapping of str to sequence
        The value of each trial under each swept key.
    metrics : mapping of str to (P,) float64
        By the names of ``metrics.json``, NaN where one is not defined; none where
        every trial failed.
    objective : (P,) float64
        More is better; NaN for a trial that failed or does not count.
    blocks : (P, B, 2) float64
        Sum and sum of squares of each trial's returns in B stretches of time; NaN for a trial that
        failed.
    block_bars : (B,) int64
        Number of returns in each stretch.
    per_year : float
        Bars in 365 days.
    skew, kurtosis : float
        Third and fourth standardised moments of the best trial's returns (3 is the kurtosis of a
        normal distribution); NaN where it has none.
    index : (P,) int64, optional
        Numbers of the trials; left out, they are numbered from 0.
    past_sharpes : (Q,) float64
        Annualised, of every trial on the same data before this sweep; NaN where one had none.
    objectives : mapping of str to (P,) float64
        Where several are weighed against each other, each of them, as `objective`, the first.
    """

    params: Mapping[str, Sequence[Any]]
    metrics: Mapping[str, FloatArray]
    objective: FloatArray
    blocks: FloatArray
    block_bars: IntArray
    per_year: float
    skew: float = math.nan
    kurtosis: float = math.nan
    index: IntArray | None = None
    past_sharpes: FloatArray = field(default_factory=lambda: np.zeros(0))
    objectives: Mapping[str, FloatArray] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.objective)

    def number(self, row: int) -> int:
        """Return the number of the trial in a row of the columns."""
        return row if self.index is None else int(self.index[row])


@dataclass(frozen=True, eq=False)
class Judgement:
    """What was found; None where there is too little to say.

    Parameters
    ----------
    trials, counted : int
        All trials, and those with an objective.
    best, best_number : int or None
        Row and number of the best trial; None when none counts.
    best_objective, best_sharpe : float or None
        Its objective, and its Sharpe ratio, annualised.
    axes : tuple of Axis
        Of more than one value.
    importance : tuple of float or None
        For each axis.
    correlation : float
        Mean correlation of the trials' returns.
    front : tuple of int
        Rows of the trials that no other dominates, where there are several objectives; from the
        highest of the first one down, the first of those with the same parameters.
    """

    trials: int
    counted: int
    best: int | None
    best_number: int | None
    best_objective: float | None
    best_sharpe: float | None
    axes: tuple[Axis, ...]
    importance: tuple[float | None, ...]
    correlation: float
    luck: Luck
    overfitting: Overfitting | None
    decay: Decay | None
    neighbourhood: Neighbourhood | None
    per_year: float
    front: tuple[int, ...] = ()

    def figures(self) -> dict[str, Figure]:
        """Return the flat figures of ``sweep.json``; Sharpe ratios are annualised."""
        yearly = math.sqrt(self.per_year)
        values: dict[str, Figure] = {
            "trials": self.trials,
            "trials_counted": self.counted,
            "best_trial": self.best_number,
            "best_objective": self.best_objective,
            "best_sharpe": self.best_sharpe,
            "expected_maximum_sharpe": self.luck.expected,
            "deflated_sharpe": self.luck.deflated,
            "trials_on_data": self.luck.trials,
            "effective_trials": self.luck.effective,
            "deflated_sharpe_effective": self.luck.deflated_effective,
            "mean_correlation": self.correlation,
            **dict.fromkeys(("pbo", "pbo_loss", "pbo_slope", "decay", "decay_early_sharpe")),
            **dict.fromkeys(("decay_late_sharpe", "decay_top_decile", "best_early_sharpe")),
            **dict.fromkeys(("best_late_sharpe", "neighbourhood")),
            "neighbours": 0,
        }
        if (found := self.overfitting) is not None:
            values["pbo"] = found.probability
            values["pbo_loss"] = found.loss
            values["pbo_slope"] = found.slope
        if (decay := self.decay) is not None:
            values["decay"] = decay.lost
            values["decay_early_sharpe"] = decay.early * yearly
            values["decay_late_sharpe"] = decay.late * yearly
            values["decay_top_decile"] = decay.decile_lost
            values["best_early_sharpe"] = decay.best_early * yearly
            values["best_late_sharpe"] = decay.best_late * yearly
        if (near := self.neighbourhood) is not None:
            values["neighbourhood"] = near.ratio
            values["neighbours"] = near.trials
        return {
            name: value if value is not None and math.isfinite(value) else None
            for name, value in values.items()
        }


def judge(tried: Tried) -> Judgement:
    """Return what the best of `tried` is worth.

    The best trial is the one with the highest objective, the first of equals. Cross-validation and
    decay rank by the Sharpe ratio whatever the objective is, as it is the one figure that sums over
    stretches of time give.
    """
    count = len(tried)
    sharpe = tried.metrics.get("sharpe", np.full(count, np.nan))
    known = np.isfinite(tried.objective)
    best = int(np.nanargmax(np.where(known, tried.objective, -np.inf))) if known.any() else None
    complete: BoolArray = np.logical_and.reduce(np.isfinite(tried.blocks), axis=(1, 2))
    blocks = tried.blocks if complete.all() else tried.blocks[complete]
    correlation = mean_correlation(blocks[:, :, 0]) if len(blocks) else 0.0
    effective = effective_trials(count, correlation) if count else 0.0
    axes = read_axes(tried.params)
    decay = None
    if best is not None and complete[best]:
        decay = judge_decay(blocks, tried.block_bars, int(np.count_nonzero(complete[:best])))
    return Judgement(
        trials=count,
        counted=int(np.count_nonzero(known)),
        best=best,
        best_number=None if best is None else tried.number(best),
        best_objective=None if best is None else float(tried.objective[best]),
        best_sharpe=None if best is None else float(sharpe[best]),
        axes=axes,
        importance=tuple(importance(axis, tried.objective) for axis in axes),
        correlation=correlation,
        luck=judge_luck(
            math.nan if best is None else float(sharpe[best]),
            sharpe,
            tried.past_sharpes,
            effective,
            observations=int(tried.block_bars.sum()),
            skew=tried.skew,
            kurtosis=tried.kurtosis,
            per_year=tried.per_year,
        ),
        overfitting=cross_validate(blocks, tried.block_bars),
        decay=decay,
        neighbourhood=None if best is None else judge_neighbourhood(axes, tried.objective, best),
        per_year=tried.per_year,
        front=_front(tried),
    )


def _front(tried: Tried) -> tuple[int, ...]:
    """Return the trials that no other dominates, of several objectives."""
    if len(tried.objectives) < 2:
        return ()
    rows = pareto_front(np.stack(list(tried.objectives.values()), axis=1)).tolist()
    first_with: dict[tuple[Any, ...], int] = {}
    for row in rows:
        first_with.setdefault(tuple(values[row] for values in tried.params.values()), row)
    return tuple(first_with.values())


def ranked(objective: FloatArray) -> IntArray:
    """Return the rows that count, best first, equals in their order."""
    counts = np.flatnonzero(~np.isnan(objective))
    order: IntArray = counts[np.argsort(-objective[counts], kind="stable")]
    return order
