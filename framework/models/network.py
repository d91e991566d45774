"""What all networks share: settings of training and data, their head, saving and loading."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import fields
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, NonNegativeInt, PositiveInt, model_validator

from framework.config.component import component
from framework.learning.keras_backend import Backend, Device
from framework.learning.model import Model, TrainedModel, Trainer
from framework.learning.network import Blueprint, Goal, Tensor, as_json
from framework.learning.scaler import Scaler
from framework.learning.training import Training
from framework.learning.workshop import Workshop
from framework.models.labelled import label_of, output_names
from framework.models.saved import load_model


@component
class NetworkModel(Model):
    """A neural network over the window of inputs, in Keras."""

    window: PositiveInt = 60
    """Bars that one prediction sees, the newest included."""

    backend: Backend = "jax"
    """What runs it; the others must be installed."""

    device: Device = "cpu"
    """Where it runs."""

    scaler: Scaler = Field(default_factory=Scaler)
    """How inputs are brought to one scale."""

    resumable: ClassVar[bool] = True
    continues: ClassVar[bool] = True

    @property
    @abstractmethod
    def goal(self) -> Goal:
        """What it learns."""

    @abstractmethod
    def body(self, keras: Any, policy: str, seen: Tensor) -> Tensor:
        """Return what the head sees, of shape (B, D).

        Parameters
        ----------
        keras : module
        policy : str
            Precision of the layers, as Keras names it.
        seen : tensor, (B, W, F)
            The scaled inputs, and what stands for the pair.
        """

    def blueprint(self, pairs: int, inputs: int, training: Training | None = None) -> Blueprint:
        """Return all that the network is made from.

        Parameters
        ----------
        pairs, inputs : int
            How many.
        training : Training, optional
            None: it only predicts.
        """
        return Blueprint(
            settings=as_json(
                {field.name: str(getattr(self, field.name)) for field in fields(self)}
            ),
            body=self.body,
            goal=self.goal,
            pairs=pairs,
            window=self.window,
            inputs=inputs,
            classes=self.label.classes if self.label else 0,
            quantiles=getattr(self, "quantiles", ()),
            embedding=getattr(self, "pair_embedding", 0),
            precision=training.precision if training else "float32",
            clip_norm=training.clip_norm if training else None,
            backend=self.backend,
            device=self.device,
            threads=(training.threads or 1) if training else None,
        )

    def trainer(self, workshop: Workshop) -> Trainer:
        """Return what fits this model."""
        from framework.models.network_trainer import NetworkTrainer

        return NetworkTrainer(self, workshop)

    def load(self, directory: Path) -> TrainedModel:
        """Return a model that was saved."""
        from framework.models.trained_network import Fitted, TrainedNetwork

        arrays = load_model(directory, self)
        return TrainedNetwork(self, int(arrays["pairs"]), Fitted.of(arrays))


@component
class LabelledNetwork(NetworkModel):
    """A network that learns a label."""

    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.2
    """Share of the values between layers that each step of training leaves out."""

    quantiles: tuple[Annotated[float, Field(gt=0, lt=1)], ...] = ()
    """Of return and volatility: levels predicted, an odd number of them in whole hundredths,
    ascending; the middle one is the forecast. None: the mean is."""

    pair_embedding: NonNegativeInt = 0
    """Values, learned, that stand for the pair beside the inputs of each bar; 0: none, and all
    pairs are alike."""

    per_pair: bool = False
    """Whether each pair has a network of its own."""

    @model_validator(mode="after")
    def _fits_its_label(self) -> Self:
        label = label_of(self.label, self.name)
        if self.per_pair and self.pair_embedding:
            raise ValueError("per_pair leaves nothing for pair_embedding to tell; set it to 0")
        if not self.quantiles:
            return self
        if label.classes:
            raise ValueError(f"quantiles are of return and volatility (label was {label.kind})")
        whole = all(abs(100 * level - round(100 * level)) < 1e-9 for level in self.quantiles)
        ascending = all(low < high for low, high in pairwise(self.quantiles))
        if not (whole and ascending and len(self.quantiles) % 2):
            raise ValueError(
                "quantiles must be an odd number of ascending levels in whole hundredths "
                f"(was {', '.join(map(str, self.quantiles))})"
            )
        return self

    def trainer(self, workshop: Workshop) -> Trainer:
        """Return what fits this model."""
        if self.per_pair:
            from framework.models.per_pair import PairsTrainer

            return PairsTrainer(self, workshop)
        return super().trainer(workshop)

    def load(self, directory: Path) -> TrainedModel:
        """Return a model that was saved."""
        if self.per_pair:
            from framework.models.per_pair import load_pairs

            return load_pairs(self, directory)
        return super().load(directory)

    @property
    def goal(self) -> Goal:
        """What it learns."""
        classes = label_of(self.label, self.name).classes
        if classes:
            return "binary" if classes == 2 else "classes"
        return "quantiles" if self.quantiles else "value"

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of the columns it predicts."""
        return output_names(label_of(self.label, self.name), self.quantiles)


@component
class RecurrentNetwork(LabelledNetwork):
    """Layers of recurrent units, of which the last hands on what it holds at the newest bar."""

    units: PositiveInt = 64
    """Of each layer."""

    layers: PositiveInt = 2
    """One upon the other."""

    kind: ClassVar[Literal["gru", "lstm"]]

    def body(self, keras: Any, policy: str, seen: Tensor) -> Tensor:
        """Return the units of the last layer at the newest bar, (B, units)."""
        from framework.learning.layers import own_layers
        from framework.learning.recurrent import recurrent_layers

        layer, dropout = recurrent_layers(keras)[self.kind], own_layers(keras)["dropout"]
        values = keras.ops.transpose(seen, (1, 0, 2))  # bars first, as the layers go through them
        for number in range(1, self.layers + 1):
            values = layer(self.units, name=f"{self.kind}_{number}", dtype=policy)(values)
            if number == self.layers:
                values = values[-1]
            values = dropout(self.dropout, name=f"dropout_{number}", dtype=policy)(values)
        return values
