"""Logistic regression on the scaled window of inputs: the plain model that others must beat."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from pydantic import Field, PositiveFloat, PositiveInt, model_validator

from framework.config.component import component
from framework.errors import CheckFailed
from framework.learning.model import Model, Trainer
from framework.learning.scaler import FittedScaler, Scaler
from framework.learning.training_data import Float32Array, TrainingData
from framework.learning.windows import gather
from framework.learning.workshop import Workshop
from framework.models.labelled import (
    label_of,
    output_names,
    probabilities,
    refuse_single_class,
)
from framework.models.saved import load_model, save_model
from framework.models.seen import Seen, scaled
from framework.models.threads import limited
from framework.types import FloatArray


@component
class Logistic(Model):
    """Classes by logistic regression with an L2 penalty; of three, multinomial."""

    name: str = "logistic"
    """Of this choice."""

    l2: PositiveFloat = 1.0
    """Penalty: half of it, times the squared size of all coefficients, is added to the sum of the
    samples' log losses."""

    iterations: PositiveInt = 1000
    """Of L-BFGS, at most."""

    tolerance: PositiveFloat = 1e-4
    """Size of the gradient at which it ends."""

    scaler: Scaler = Field(default_factory=Scaler)
    """How inputs are brought to one scale."""

    validation: float = Field(default=0.0, ge=0, lt=1)
    """Share of each train part, its end, that is not learned from."""

    @model_validator(mode="after")
    def _learns_classes(self) -> Self:
        label = label_of(self.label, "logistic")
        if not label.classes:
            raise ValueError(
                f"logistic learns direction or triple_barrier (label was {label.kind})"
            )
        return self

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of the columns it predicts."""
        return output_names(label_of(self.label, "logistic"))

    def trainer(self, workshop: Workshop) -> Trainer:
        """Return what fits this model."""
        return _LogisticTrainer(self, workshop)

    def load(self, directory: Path) -> TrainedLogistic:
        """Return a model that was saved."""
        arrays = load_model(directory, self)
        scaler = FittedScaler.of(arrays)
        return TrainedLogistic(self, scaler, arrays["intercept"], arrays["coefficients"])


@dataclass(frozen=True, slots=True, eq=False)
class TrainedLogistic:
    """Coefficients of each window's inputs.

    Parameters
    ----------
    intercept : (C,) float64
    coefficients : (C, W, F) float64
        C is 1 of two classes.
    """

    model: Logistic
    scaler: FittedScaler
    intercept: FloatArray
    coefficients: FloatArray

    def predict(self, inputs_NTF: Float32Array, first: int) -> dict[str, FloatArray]:
        """Predict at the bars from `first` on."""
        from framework.models.link_kernels import linear

        seen = Seen.by(self.model, self.scaler, inputs_NTF, first)
        fitted = (self.intercept, self.coefficients)
        scores = linear(seen.inputs_NTF, seen.complete_NT, seen.first, *fitted)
        return probabilities(scores, self.model.outputs)

    def save(self, directory: Path) -> None:
        """Write everything into an existing, empty directory."""
        own = {"intercept": self.intercept, "coefficients": self.coefficients}
        save_model(directory, self.model, self.scaler.arrays() | own)

    def importance(self) -> dict[str, float]:
        """Return the size of each input's coefficients: the root of the sum of their squares."""
        sizes = np.sqrt(np.square(self.coefficients).sum(axis=(0, 1)))
        return dict(zip(self.model.inputs, sizes.tolist(), strict=True))


@dataclass(frozen=True, slots=True)
class _LogisticTrainer:
    """Fits one `Logistic`."""

    model: Logistic
    workshop: Workshop

    def train(self, data: TrainingData) -> TrainedLogistic:
        """Fit on `data`; see `Trainer`."""
        from sklearn.linear_model import LogisticRegression

        model = self.model
        model.require_fit(data, self.workshop)
        refuse_single_class(data)
        scaler = model.scaler.fit(data.inputs_NTF, data.train)
        scaled_NTF = scaled(data.inputs_NTF, scaler, model.missing)
        columns = gather(scaled_NTF, data.train, data.window).reshape(len(data.train), -1)
        fitted = LogisticRegression(C=1 / model.l2, max_iter=model.iterations, tol=model.tolerance)
        labels, weights = data.labels(data.train), data.weights(data.train)
        with limited(self.workshop.training.threads):
            fitted.fit(columns.astype(np.float64), labels, weights)
        if not np.isfinite(fitted.coef_).all():
            raise CheckFailed("logistic: the coefficients are no finite numbers.")
        if fitted.n_iter_.max() >= model.iterations:
            self.workshop.say(f"logistic: {model.iterations} iterations did not reach the optimum.")
        shape = (len(fitted.coef_), data.window, len(data.inputs))
        return TrainedLogistic(model, scaler, fitted.intercept_, fitted.coef_.reshape(shape))
