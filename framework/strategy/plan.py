"""A compiled strategy: what it needs, and how it is evaluated on candles."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from framework.market.candles import Candles
from framework.records import Signals
from framework.strategy.context import Evaluation, Values
from framework.strategy.node import Node
from framework.strategy.rules import RULES
from framework.types import BoolArray, FloatArray, Interval


@dataclass(frozen=True, slots=True)
class Evaluated:
    """What a plan makes of candles.

    Parameters
    ----------
    features : dict of str to (T, N) array
        float64, or bool where the feature is a condition; read-only.
    signals : Signals
        What the strategy wants at the close of every bar.
    """

    features: dict[str, FloatArray | BoolArray]
    signals: Signals


@dataclass(frozen=True, slots=True)
class Plan:
    """A strategy's checked expressions, ready to be evaluated as often as wanted.

    Parameters
    ----------
    interval : Interval
        Of the candles it takes.
    warmup : int
        Leading bars in which a feature or rule may be without a value.
    features : tuple of str
        In the order given.
    rules : mapping of str to Node
        Expressions of the strategy and of the risk rules, by the field of `Signals` that they
        become, checked.
    seen : mapping of str to Node
        Expressions of what a model sees, by name, checked.
    led : bool
        Whether a rule rests on what a model predicts.
    records : frozenset of str
        What its candles must bring that was recorded beside them: books, trades.
    """

    interval: Interval
    warmup: int
    features: tuple[str, ...]
    rules: Mapping[str, Node]
    seen: Mapping[str, Node]
    led: bool
    records: frozenset[str]
    _nodes: Mapping[str, Node]
    _order: tuple[str, ...]
    _outputs: tuple[str, ...]

    def evaluate(
        self,
        candles: Candles,
        model_outputs: Mapping[str, FloatArray] | None = None,
    ) -> Evaluated:
        """Compute every feature and rule at every bar.

        Causal: what comes out for a prefix of the candles is, bit for bit, the prefix of what
        comes out for all of them.

        Parameters
        ----------
        candles : Candles
            (T, N) of the strategy's interval, with what was recorded beside them.
        model_outputs : mapping of str to (T, N) float64, optional
            The columns promised to `compile_strategy`.

        Raises
        ------
        UserError
            `of` names a pair that the candles lack.
        ValueError
            The candles are of another interval or lack what was recorded, or a promised column is
            missing or misshapen.
        """
        evaluation = self.evaluation(candles, model_outputs)
        context = evaluation.context(self.interval)
        with np.errstate(all="ignore"):
            for name in self._order:  # features that others need come first
                context.value(self._nodes[name])
            features = {name: context.series(self._nodes[name]) for name in self.features}
            rules = {name: context.series(node) for name, node in self.rules.items()}
        evaluation.drop()
        return Evaluated(features, Signals(**rules))

    def inputs(self, candles: Candles) -> npt.NDArray[np.float32]:
        """Compute what a model sees at every bar, (N, T, F) float32, NaN where it has no value.

        Causal, as `evaluate` is.

        Parameters
        ----------
        candles : Candles
            (T, N) of the strategy's interval, with what was recorded beside them.
        """
        self._require_interval(candles)
        evaluation = Evaluation(candles, {})
        context = evaluation.context(self.interval)
        bars, pairs = candles.close.shape
        inputs_NTF = np.empty((pairs, bars, len(self.seen)), np.float32)
        with np.errstate(all="ignore"):
            for f, node in enumerate(self.seen.values()):
                inputs_NTF[:, :, f] = context.series(node).T
        evaluation.drop()
        inputs_NTF[~np.isfinite(inputs_NTF)] = np.nan
        inputs_NTF.flags.writeable = False
        return inputs_NTF

    def evaluation(
        self,
        candles: Candles,
        model_outputs: Mapping[str, FloatArray] | None = None,
        values: Callable[[], Values] = dict,
    ) -> Evaluation:
        """Return what `signals` of this plan, and of others compiled with it, share.

        Parameters
        ----------
        candles, model_outputs
            As for `evaluate`; raises as that does.
        values : callable
            Makes what keeps the values of one interval and pair.
        """
        self._require_interval(candles)
        extra = self._columns(self._outputs, model_outputs or {}, candles)
        return Evaluation(candles, extra, values)

    def signals(self, evaluation: Evaluation) -> Signals:
        """Compute the rules, and of the features what they need."""
        context = evaluation.context(self.interval)
        with np.errstate(all="ignore"):
            return Signals(**{name: context.series(node) for name, node in self.rules.items()})

    def describe(self) -> list[str]:
        """Return a line for each feature and rule: canonical expression and warm-up."""
        lines = [
            f"features.{name}: {node.text} (warm-up {node.warm_up})"
            for name, node in self._nodes.items()
        ]
        lines += [
            f"{RULES[name].path}: {node.text} (warm-up {node.warm_up})"
            for name, node in self.rules.items()
        ]
        lines += [
            f"model.inputs.{name}: {node.text} (warm-up {node.warm_up})"
            for name, node in self.seen.items()
        ]
        return [*lines, f"warm-up: {self.warmup} bars of {self.interval}"]

    def _require_interval(self, candles: Candles) -> None:
        if candles.interval != self.interval:
            raise ValueError(f"candles must be of {self.interval}, were of {candles.interval}")

    @staticmethod
    def _columns(
        promised: Sequence[str], given: Mapping[str, FloatArray], candles: Candles
    ) -> dict[str, FloatArray]:
        """Return the promised columns as read-only float64, stored pair by pair."""
        columns: dict[str, FloatArray] = {}
        for name in promised:
            if name not in given:
                raise ValueError(f"column {name!r} was promised to the strategy, but is not given")
            array = np.asfortranarray(given[name], np.float64).view()
            if array.shape != candles.close.shape:
                raise ValueError(f"{name} must be {candles.close.shape}, was {array.shape}")
            array.flags.writeable = False
            columns[name] = array
        return columns
