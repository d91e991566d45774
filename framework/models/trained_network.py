"""A network as it came out of training: weights, scales, and the columns it predicts.

Legend: N pairs, T bars, F inputs, K samples, O values predicted of each, Q knots.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from framework.learning.network import Arrays
from framework.learning.predictor import Predictor
from framework.learning.rows import Rows
from framework.learning.scaler import FittedScaler
from framework.learning.steps import part_of, steps_of, within_memory
from framework.learning.training_data import Float32Array
from framework.models.saved import save_model
from framework.models.seen import Seen
from framework.types import FloatArray

if TYPE_CHECKING:
    from framework.models.network import NetworkModel


@dataclass(frozen=True, eq=False, kw_only=True)
class Fitted:
    """What was fitted besides the settings.

    Parameters
    ----------
    weights : dict of str to array
        By path of the variable.
    scaler : FittedScaler
        Of the inputs.
    target : (2,) float64
        Centre and scale of the values learned; 0 and 1 where they are classes.
    errors : (Q,) float64
        Quantiles of the train part's errors, ascending; empty: the outputs are no scores of them.
    """

    weights: Arrays
    scaler: FittedScaler
    target: FloatArray
    errors: FloatArray

    def arrays(self) -> dict[str, Any]:
        """Return all that `of` needs, by name."""
        return {
            **{f"weights/{name}": own for name, own in self.weights.items()},
            **{f"scaler/{name}": own for name, own in self.scaler.arrays().items()},
            "target": self.target,
            "errors": self.errors,
        }

    @classmethod
    def of(cls, arrays: Mapping[str, Any]) -> Self:
        """Return what gave `arrays`."""
        return cls(
            weights=part_of(arrays, "weights"),
            scaler=FittedScaler.of(part_of(arrays, "scaler")),
            target=arrays["target"],
            errors=arrays["errors"],
        )


@dataclass(frozen=True, eq=False)
class TrainedNetwork:
    """Predicts by a network of fixed weights.

    Parameters
    ----------
    model : NetworkModel
        Its settings.
    pairs : int
        That it was trained on.
    fitted : Fitted
        What came of it.
    """

    model: NetworkModel
    pairs: int
    fitted: Fitted

    @cached_property
    def _runner(self) -> tuple[Predictor, tuple[Any, ...]]:
        with within_memory("the network"):
            steps = steps_of(self.model.blueprint(self.pairs, self._inputs))
            return Predictor(steps), steps.weights(self.fitted.weights)

    @property
    def _inputs(self) -> int:
        return int(self.fitted.scaler.centre.shape[1])

    def predict(self, inputs_NTF: Float32Array, first: int) -> dict[str, FloatArray]:
        """Predict at the bars from `first` on; see `TrainedModel.predict`."""
        pairs, bars = inputs_NTF.shape[:2]
        predictor, weights = self._runner
        with within_memory("predictions"):
            seen = Seen.by(self.model, self.fitted.scaler, inputs_NTF, first)
            seen.complete_NT[:, : seen.first] = False
            rows = Rows.where(seen.complete_NT)
            made_KO = predictor.predict(weights, seen.inputs_NTF, rows)
        columns = self._columns(made_KO.astype(np.float64))
        predicted = {}
        for name, values in zip(self.model.outputs, columns, strict=True):
            column = np.full((bars - first, pairs), np.nan)
            column[rows.bar - seen.first, rows.pair] = values
            predicted[name] = column
        return predicted

    def _columns(self, made_KO: FloatArray) -> list[FloatArray]:
        """Return the values of each output, in their order."""
        if self.model.goal == "inputs":
            known = self.fitted.errors
            return [np.searchsorted(known, made_KO[:, 0], side="right") / len(known)]
        if self.model.goal in ("binary", "classes"):
            return list(made_KO.T)
        centre, scale = self.fitted.target
        # Quantiles learned one by one may cross; in order they are never further off
        # (Chernozhukov, Fernández-Val and Galichon, 2010).
        values = np.sort(made_KO, axis=1) * scale + centre
        middle = values[:, values.shape[1] // 2]
        return [middle] if self.model.goal == "value" else [*values.T, middle]

    def save(self, directory: Path) -> None:
        """Write all that `NetworkModel.load` needs into an existing, empty directory."""
        save_model(directory, self.model, {"pairs": self.pairs, **self.fitted.arrays()})

    def importance(self) -> dict[str, float]:
        """Return nothing: what a network weighs is spread over its layers."""
        return {}
