"""A compiled strategy: what it needs, and how it is evaluated on candles."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from framework.market.candles import Candles
from framework.market.growing_candles import GrowingCandles
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

    def newest(
        self,
        candles: Candles | GrowingCandles,
        model_outputs: Mapping[str, FloatArray] | None = None,
    ) -> Evaluated:
        """Compute every feature and rule at the last bar alone, (1, N) each.

        What comes out is the last bar of what `evaluate` gives, bit for bit, for the work of the
        bars that it rests on; functions that say nothing of their memory are computed over all.

        Parameters
        ----------
        candles : Candles or GrowingCandles
            (T, N) of the strategy's interval, T at least 1.
        model_outputs
            As for `evaluate`; raises as that does.
        """
        self._require_interval(candles)
        extra = self._given(model_outputs or {}, (len(candles), len(candles.pairs)))
        evaluation = Evaluation(candles, extra)
        context = evaluation.context(self.interval, begin=len(candles) - 1)
        with np.errstate(all="ignore"):
            features = {name: context.series(self._nodes[name]) for name in self.features}
            rules = {name: context.series(node) for name, node in self.rules.items()}
        evaluation.drop()
        return Evaluated(features, Signals(**rules))

    def inputs(self, candles: Candles | GrowingCandles, first: int = 0) -> npt.NDArray[np.float32]:
        """Compute what a model sees, (N, T - first, F) float32, NaN where it has no value.

        Causal, as `evaluate` is.

        Parameters
        ----------
        candles : Candles or GrowingCandles
            (T, N) of the strategy's interval, with what was recorded beside them.
        first : int
            Index of the first bar wanted.
        """
        self._require_interval(candles)
        evaluation = Evaluation(candles, {})
        context = evaluation.context(self.interval, begin=first)
        bars, pairs = context.shape
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
        given = self._given(model_outputs or {}, candles.close.shape)
        extra = {name: _read_only(np.asfortranarray(array)) for name, array in given.items()}
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

    def _require_interval(self, candles: Candles | GrowingCandles) -> None:
        if candles.interval != self.interval:
            raise ValueError(f"candles must be of {self.interval}, were of {candles.interval}")

    def _given(
        self, given: Mapping[str, FloatArray], shape: tuple[int, int]
    ) -> dict[str, FloatArray]:
        """Return the promised columns, read-only; none of them is missing or misshapen."""
        columns: dict[str, FloatArray] = {}
        for name in self._outputs:
            if name not in given:
                raise ValueError(f"column {name!r} was promised to the strategy, but is not given")
            columns[name] = _read_only(np.asarray(given[name], np.float64))
            if columns[name].shape != shape:
                raise ValueError(f"{name} must be {shape}, was {columns[name].shape}")
        return columns


def _read_only(array: FloatArray) -> FloatArray:
    view = array.view()
    view.flags.writeable = False
    return view
