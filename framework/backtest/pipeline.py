"""The way from candles to a ledger as one call: features, rules, engine."""

from __future__ import annotations

from dataclasses import dataclass, replace

from framework.backtest.spread import closing_bars, spread
from framework.engine.rules import Rules
from framework.engine.simulate import Simulation, simulate
from framework.market.candles import Candles
from framework.market.resample import resample
from framework.strategy.plan import Evaluated, Plan
from framework.types import IntArray


@dataclass(frozen=True, slots=True)
class Traded:
    """What the strategy saw and wanted, and what the engine made of it.

    Parameters
    ----------
    decided : Candles
        (K, N), of the strategy's interval; those that the orders filled on, unless they are finer.
    closing : (K,) int64
        Index of the candle filled on that closes with each of them.
    evaluated : Evaluated
        On `decided`.
    simulation : Simulation
        On the candles filled on.
    """

    decided: Candles
    closing: IntArray
    evaluated: Evaluated
    simulation: Simulation


@dataclass(frozen=True, slots=True)
class Pipeline:
    """A compiled strategy, the rules it trades under and the cash it starts with."""

    plan: Plan
    rules: Rules
    cash: float

    def trade(self, candles: Candles, first: int) -> Traded:
        """Evaluate the strategy and simulate its orders on `candles`, from bar `first` on.

        Parameters
        ----------
        candles : Candles
            T bars, warm-up included, of the strategy's interval or finer.
        first : int
            Index of the first bar that may be traded.
        """
        decided = resample(candles, self.plan.interval)
        closing = closing_bars(candles, decided)
        evaluated = self.plan.evaluate(decided)
        signals = evaluated.signals
        if decided.interval != candles.interval:
            signals = spread(replace(signals, traded=decided.traded), closing, len(candles))
        simulation = simulate(candles, signals, self.rules, self.cash, first=first)
        return Traded(decided, closing, evaluated, simulation)
