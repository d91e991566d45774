"""What a sampler is told of a trial: its objectives, and by how much it breaks what must hold."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from framework.results.sweep.constraint import Constraint
from framework.results.sweep.objective import Objective
from framework.sweep.trial import METRICS, TrialResult

_WORST = 1e12
"""Below any objective that a trial can have, less the violations."""


class Judgement:
    """How the trials of a sweep are judged.

    Parameters
    ----------
    objectives : sequence of Objective
        More is better.
    constraints : sequence of Constraint
        What must hold.
    min_trades : int
        That a trial must have.
    blind : bool
        The sampler knows no constraints: a trial that breaks one is told as worse than all others.
    """

    def __init__(
        self,
        objectives: Sequence[Objective],
        constraints: Sequence[Constraint],
        min_trades: int,
        blind: bool,
    ) -> None:
        self._objectives, self._constraints = objectives, constraints
        self._min_trades, self._blind = min_trades, blind

    def of(self, result: TrialResult) -> tuple[list[float], dict[str, float]]:
        """Return the objectives of a trial, and what it breaks with by how much."""
        columns = {name: np.array([result.metrics.get(name, np.nan)]) for name in METRICS}
        values = [float(each.of(columns)[0]) for each in self._objectives]
        violations = {each.text: float(each.violation(columns)[0]) for each in self._constraints}
        if self._min_trades:
            trades = float(np.nan_to_num(columns["trades"][0]))
            violations["sweep.min_trades"] = 1.0 - trades / self._min_trades
        undefined = bool(np.isnan(values).any())
        violations["sweep.objective"] = float(undefined)
        broken = {name: each for name, each in violations.items() if each > 0}
        if undefined or (self._blind and broken):
            values = [-_WORST * (1.0 + sum(broken.values()))] * len(values)
        return values, broken
