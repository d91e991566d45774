"""How strange a window is, by how badly a small network restores it from a few values."""

from __future__ import annotations

from typing import Any, Self

from pydantic import Field, PositiveInt, model_validator

from framework.config.component import component
from framework.learning.network import Goal, Tensor
from framework.learning.scaler import Scaler
from framework.models.network import NetworkModel


@component
class Autoencoder(NetworkModel):
    """A score of 0 to 1: the share of the windows learned from that were restored better."""

    name: str = "autoencoder"
    """Of this choice."""

    window: PositiveInt = 16
    """Bars whose inputs count, the newest included."""

    units: PositiveInt = 64
    """Of the layers on either side of the narrow one."""

    narrow: PositiveInt = 8
    """Values that a window has to pass through."""

    scaler: Scaler = Field(default_factory=lambda: Scaler(clip=20.0))
    """How inputs are brought to one scale; a low bound would hide the strangest."""

    @model_validator(mode="after")
    def _learns_no_label(self) -> Self:
        if self.label is not None:
            raise ValueError("autoencoder learns no label: set label to null")
        return self

    @property
    def goal(self) -> Goal:
        """What it learns."""
        return "inputs"

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of the columns it predicts."""
        return ("anomaly",)

    def body(self, keras: Any, policy: str, seen: Tensor) -> Tensor:
        """Return the window as it was restored, (B, W F)."""
        layers = keras.layers
        flat = layers.Flatten(name="flat")(seen)
        values = layers.Dense(self.units, activation="tanh", name="into", dtype=policy)(flat)
        values = layers.Dense(self.narrow, activation="tanh", name="narrow", dtype=policy)(values)
        values = layers.Dense(self.units, activation="tanh", name="out", dtype=policy)(values)
        return layers.Dense(flat.shape[-1], name="restored", dtype="float32")(values)
