"""What every model is: a component that is trained, saved and loaded, and predicts columns."""

from __future__ import annotations

from abc import abstractmethod
from pathlib import Path
from typing import ClassVar, Protocol

from pydantic import Field, PositiveInt

from framework.config.component import component
from framework.errors import UserError
from framework.learning.labels import Label
from framework.learning.training_data import Float32Array, TrainingData
from framework.learning.windows import Missing
from framework.learning.workshop import Workshop
from framework.types import FloatArray


class TrainedModel(Protocol):
    """A model as it came out of training; it never changes."""

    def predict(self, inputs_NTF: Float32Array, first: int) -> dict[str, FloatArray]:
        """Predict at the bars from `first` on.

        Causal, and exact: what is predicted at a bar depends on nothing after it, and is the same
        bit for bit however many bars follow or are asked for at once.

        Parameters
        ----------
        inputs_NTF : (N, T, F) float32
            Not scaled; NaN where an input has no value.
        first : int
            Index of the first bar to predict at.

        Returns
        -------
        dict of str to (T - first, N) float64
            By name of the output; NaN where the window holds a value that is missing.
        """

    def save(self, directory: Path) -> None:
        """Write all that `Model.load` needs into an existing, empty directory."""

    def importance(self) -> dict[str, float]:
        """Return how much each input counts in the model's own terms; empty: it has none."""


class Trainer(Protocol):
    """Makes a trained model out of data."""

    def train(self, data: TrainingData) -> TrainedModel:
        """Fit on `data`, going on from the newest checkpoint of the same training if there is one.

        Raises
        ------
        Paused
            The time given is over; a checkpoint was kept.
        UserError
            The data is cut for another window, or what training begins with does not fit.
        OutsideFault
            State cannot be kept, or there is not enough memory; earlier checkpoints stay.
        CheckFailed
            The loss is no number any more.
        """


@component
class Model:
    """What all models share."""

    name: str
    """Of this choice."""

    from_run: int | str | None = Field(default=None, alias="from")
    """Run whose trained models predict, by directory or id, or ``latest``; null: they are fitted
    in each fold."""

    inputs: dict[str, str] = Field(default_factory=dict)
    """Name to expression of what the model sees; features and parameters may be named."""

    label: Label | None = None
    """What it learns to predict; null: it needs none."""

    window: PositiveInt = 1
    """Bars that one prediction sees, the newest included."""

    missing: Missing = "drop"
    """Whether bars at which an input is missing are left out, with all windows that hold them, or
    the input counts as 0 there once scaled; a bar without any input is left out always."""

    validation: float = Field(default=0.15, ge=0, lt=1)
    """Share of each train part, its end, that training is stopped early by."""

    resumable: ClassVar[bool] = False
    """Whether training keeps checkpoints within a fit."""

    continues: ClassVar[bool] = False
    """Whether training can begin with an earlier model."""

    @property
    @abstractmethod
    def outputs(self) -> tuple[str, ...]:
        """Names of the columns it predicts."""

    @property
    def sees(self) -> int | None:
        """Bars that one prediction rests on, the newest included; None: all before it."""
        return self.window

    def require_fit(self, data: TrainingData, workshop: Workshop) -> None:
        """Refuse what its trainers cannot work with.

        Raises
        ------
        UserError
            The data is cut for another window, or training cannot begin with an earlier model.
        """
        if data.window != self.window:
            raise UserError(
                f"model.window: {self.name} sees {self.window} bars, the data is cut for windows "
                f"of {data.window}."
            )
        if workshop.begins_with is not None and not self.continues:
            raise UserError(f"training.warm_start: {self.name} cannot begin with an earlier model.")

    @abstractmethod
    def trainer(self, workshop: Workshop) -> Trainer:
        """Return what fits this model."""

    @abstractmethod
    def load(self, directory: Path) -> TrainedModel:
        """Return a model that `TrainedModel.save` wrote; nothing is unpickled.

        Raises
        ------
        UserError
            It was written by another model, or with other settings.
        OutsideFault
            A file is missing or cannot be read.
        """
