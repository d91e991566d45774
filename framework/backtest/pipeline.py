"""The way from candles to a ledger as one call: features, rules, engine."""

from __future__ import annotations

from dataclasses import dataclass

from framework.engine.rules import Rules
from framework.engine.simulate import Simulation, simulate
from framework.market.candles import Candles
from framework.strategy.plan import Evaluated, Plan


@dataclass(frozen=True, slots=True)
class Traded:
    """What the strategy saw and wanted, and what the engine made of it."""

    evaluated: Evaluated
    simulation: Simulation


@dataclass(frozen=True, slots=True)
class Pipeline:
    """A compiled strategy, the rules it trades under and the cash it starts with."""

    plan: Plan
    rules: Rules
    cash: float

    def trade(self, candles: Candles, first: int) -> Traded:
        """Evaluate the strategy on `candles` and simulate from bar `first` on.

        Parameters
        ----------
        candles : Candles
            T bars, warm-up included.
        first : int
            Index of the first bar that may be traded.
        """
        evaluated = self.plan.evaluate(candles)
        simulation = simulate(candles, evaluated.signals, self.rules, self.cash, first=first)
        return Traded(evaluated, simulation)
