"""An encoder of self-attention (Vaswani et al., 2017) over the window of inputs."""

from __future__ import annotations

from typing import Any, Self

from pydantic import PositiveInt, model_validator

from framework.config.component import component
from framework.learning.network import Tensor
from framework.models.network import LabelledNetwork


@component
class Transformer(LabelledNetwork):
    """Each bar of the window looks at all of them; the mean over bars is what the head sees."""

    name: str = "transformer"
    """Of this choice."""

    width: PositiveInt = 64
    """Values that stand for a bar."""

    layers: PositiveInt = 2
    """One upon the other."""

    heads: PositiveInt = 4
    """Of each layer; they share its width."""

    @model_validator(mode="after")
    def _shares_its_width(self) -> Self:
        if self.width % self.heads:
            raise ValueError(f"heads must divide width {self.width} (was {self.heads})")
        return self

    def body(self, keras: Any, policy: str, seen: Tensor) -> Tensor:
        """Return the mean over the window's bars, (B, width)."""
        from framework.learning.layers import own_layers

        layers, own = keras.layers, own_layers(keras)

        def normal(name: str, values: Tensor) -> Tensor:
            return layers.LayerNormalization(name=name, dtype=policy)(values)

        def dense(width: int, name: str, values: Tensor, activation: str | None = None) -> Tensor:
            layer = layers.Dense(
                width, activation, kernel_initializer="zeros", name=name, dtype=policy
            )
            return layer(values)

        values = own["positions"](name="positions", dtype=policy)(dense(self.width, "into", seen))
        for n in range(1, self.layers + 1):
            attention = own["attention"](
                self.heads, self.dropout, name=f"attention_{n}", dtype=policy
            )
            values = values + attention(normal(f"norm_{n}a", values))
            wide = dense(4 * self.width, f"wide_{n}", normal(f"norm_{n}b", values), "gelu")
            wide = own["dropout"](self.dropout, name=f"dropout_{n}", dtype=policy)(wide)
            values = values + dense(self.width, f"narrow_{n}", wide)
        return layers.GlobalAveragePooling1D(name="mean", dtype=policy)(normal("norm", values))
