"""The way from candles to a ledger as one call: features, predictions, rules, engine."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from framework.backtest.muting import muted
from framework.backtest.spread import closing_bars, spread
from framework.engine.rules import Rules
from framework.engine.simulate import Simulation, simulate
from framework.market.books import Books
from framework.market.candles import Candles
from framework.market.growing_candles import GrowingCandles
from framework.market.resample import resample
from framework.strategy.plan import Evaluated, Plan
from framework.types import BoolArray, FloatArray, IntArray

if TYPE_CHECKING:
    from framework.learning.schedule import Schedule


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
    predicted : dict of str to (K, N) float64
        What the model gave, by the name of its output.
    """

    decided: Candles
    closing: IntArray
    evaluated: Evaluated
    simulation: Simulation
    predicted: dict[str, FloatArray] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Pipeline:
    """A compiled strategy, the models that predict for it, its rules and its cash at the start."""

    plan: Plan
    rules: Rules
    cash: float
    schedule: Schedule | None = None

    def trade(
        self,
        candles: Candles,
        first: int,
        books: Books | None = None,
        quiet: BoolArray | None = None,
        predicted: dict[str, FloatArray] | None = None,
    ) -> Traded:
        """Evaluate the strategy and simulate its orders on `candles`, from bar `first` on.

        Parameters
        ----------
        candles : Candles
            T bars, warm-up included, of the strategy's interval or finer.
        first : int
            Index of the first bar that may be traded.
        books : Books, optional
            Recorded order books of the same pairs.
        quiet : (T,) bool, optional
            Candles at whose close nothing is opened.
        predicted : dict of str to (K, N) float64, optional
            What the models gave, where that is known already.
        """
        decided = resample(candles, self.plan.interval)
        closing = closing_bars(candles, decided)
        if predicted is None:
            predicted = self.predict(decided)
        evaluated = self.plan.evaluate(decided, predicted)
        signals = evaluated.signals
        if decided.interval != candles.interval:
            signals = spread(replace(signals, traded=decided.traded), closing, len(candles))
        if quiet is not None:
            signals = muted(signals, quiet)
        simulation = simulate(candles, signals, self.rules, self.cash, first=first, books=books)
        return Traded(decided, closing, evaluated, simulation, predicted)

    def predict(self, decided: Candles | GrowingCandles, first: int = 0) -> dict[str, FloatArray]:
        """Return what the models make of the candles from bar `first` on, if there are any.

        Parameters
        ----------
        decided : Candles or GrowingCandles
            (K, N), of the strategy's interval.
        first : int
            Index of the first bar predicted at.

        Returns
        -------
        dict of str to (K - first, N) float64
            By name of the output.
        """
        if self.schedule is None:
            return {}
        begin = self.schedule.begin(first)
        inputs_NTF = self.plan.inputs(decided, begin)
        made = self.schedule.predict(inputs_NTF, decided.time[begin:], first - begin)
        return {name: values[first - begin :] for name, values in made.items()}
