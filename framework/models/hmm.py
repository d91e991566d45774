"""Market regimes as states of a hidden Markov model, told from the past alone.

The filter gives the probability of each state given the bars so far. Smoothing and Viterbi's path
weigh later bars too; neither has a place here.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, Self

import numpy as np
from pydantic import Field, PositiveFloat, PositiveInt, model_validator

from framework.config.component import component
from framework.learning.model import Model, Trainer
from framework.learning.scaler import FittedScaler, Scaler
from framework.learning.training_data import Float32Array
from framework.learning.windows import complete
from framework.learning.workshop import Workshop
from framework.models.saved import load_model, save_model
from framework.models.seen import scaled
from framework.types import FloatArray


@component
class HMM(Model):
    """Regimes by a Gaussian hidden Markov model, all pairs alike, each pair filtered by itself.

    States are ordered by the variance of the first input in them, the calmest 0.
    """

    name: str = "hmm"
    """Of this choice."""

    states: Annotated[int, Field(ge=2, le=20)] = 3
    """Regimes."""

    covariance: Literal["full", "diag"] = "full"
    """Whether inputs vary together within a state, or each by itself."""

    starts: PositiveInt = 5
    """Fits from different beginnings, of which the likeliest counts."""

    iterations: PositiveInt = 100
    """Of expectation maximisation in each, at most."""

    tolerance: PositiveFloat = 0.01
    """Gain in log-likelihood below which a fit ends."""

    scaler: Scaler = Field(default_factory=lambda: Scaler(kind="standard"))
    """How inputs are brought to one scale."""

    validation: float = Field(default=0.0, ge=0, lt=1)
    """Share of each train part, its end, that is not learned from."""

    @model_validator(mode="after")
    def _sees_bar_by_bar(self) -> Self:
        if self.label is not None:
            raise ValueError("hmm learns no label: set label to null")
        if self.window != 1:
            raise ValueError(
                f"hmm sees one bar after the other: window must be 1 (was {self.window})"
            )
        return self

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of the columns it predicts."""
        return ("regime", *(f"p_regime_{state}" for state in range(self.states)))

    @property
    def sees(self) -> None:
        """All bars: the filter begins at the first of them."""
        return None

    def trainer(self, workshop: Workshop) -> Trainer:
        """Return what fits this model."""
        from framework.models.hmm_trainer import HMMTrainer

        return HMMTrainer(self, workshop)

    def load(self, directory: Path) -> TrainedHMM:
        """Return a model that was saved."""
        arrays = load_model(directory, self)
        states = States(*(arrays[name] for name in States.__dataclass_fields__))
        return TrainedHMM(self, FittedScaler.of(arrays), states)


@dataclass(frozen=True, slots=True, eq=False)
class States:
    """S states over F scaled inputs.

    Parameters
    ----------
    start : (S,) float64
        Probability of each at the first bar.
    transition : (S, S) float64
        Probability of each, by column, a bar after each, by row.
    mean : (S, F) float64
    whitening : (S, F, F) float64
        Lower triangles that make the distance from the mean uncorrelated and of variance 1.
    log_norm : (S,) float64
        Logarithm of the density at the mean.
    """

    start: FloatArray
    transition: FloatArray
    mean: FloatArray
    whitening: FloatArray
    log_norm: FloatArray

    @classmethod
    def of(
        cls, start: FloatArray, transition: FloatArray, mean: FloatArray, covariance: FloatArray
    ) -> Self:
        """Return the states in the order of the variance of the first input."""
        order = np.argsort(covariance[:, 0, 0], kind="stable")
        lower = np.linalg.cholesky(covariance[order])
        log_norm = -np.log(np.diagonal(lower, axis1=1, axis2=2)).sum(axis=1)
        log_norm -= 0.5 * mean.shape[1] * np.log(2 * np.pi)
        between = transition[np.ix_(order, order)]
        return cls(start[order], between, mean[order], np.linalg.inv(lower), log_norm)


@dataclass(frozen=True, slots=True, eq=False)
class TrainedHMM:
    """States and how they follow each other."""

    model: HMM
    scaler: FittedScaler
    states: States

    def predict(self, inputs_NTF: Float32Array, first: int) -> dict[str, FloatArray]:
        """Predict at the bars from `first` on; the filter begins at the first bar of all."""
        from framework.models.hmm_kernels import filtered

        states = self.states
        scaled_NTF = scaled(inputs_NTF, self.scaler, self.model.missing)
        complete_NT = complete(inputs_NTF, 1, self.model.missing)
        parts = (states.start, states.transition, states.mean, states.whitening, states.log_norm)
        each_pair = zip(scaled_NTF, complete_NT, strict=True)
        p_NTS = np.stack([filtered(*own, *parts)[first:] for own in each_pair])
        known_NT = np.isfinite(p_NTS[:, :, 0])
        regime_NT: FloatArray = np.where(known_NT, np.argmax(p_NTS, axis=2), np.nan)
        each = {f"p_regime_{k}": p_NTS[:, :, k].T for k in range(self.model.states)}
        return {"regime": regime_NT.T, **each}

    def save(self, directory: Path) -> None:
        """Write everything into an existing, empty directory."""
        own = {name: getattr(self.states, name) for name in States.__dataclass_fields__}
        save_model(directory, self.model, self.scaler.arrays() | own)

    def importance(self) -> dict[str, float]:
        """Return nothing: no input counts by itself."""
        return {}
