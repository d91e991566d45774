"""What a model learns to predict: the one place that looks ahead."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt, model_validator

from framework.config.component import component


@component
class Label:
    """What happens over the next bars, as a class or a value."""

    kind: Literal["direction", "return", "volatility", "triple_barrier"] = "direction"
    """Whether the close rises (1) or falls (0); its log-return; the standard deviation of the
    log-returns; or which barrier is reached first: lower (0), none (1) or upper (2)."""

    horizon: PositiveInt = 4
    """Bars ahead."""

    neutral: NonNegativeFloat = 0.0
    """Of direction: log-returns of at most this size either way are not learned from."""

    upper: PositiveFloat = 2.0
    """Of triple_barrier: distance of the upper barrier, in standard deviations over the horizon."""

    lower: PositiveFloat = 2.0
    """Of triple_barrier: distance of the lower barrier, in standard deviations over the horizon."""

    volatility_bars: PositiveInt = Field(default=96, ge=2)
    """Of triple_barrier: past bars whose log-returns give the standard deviation."""

    weights: Literal["equal", "uniqueness"] = "uniqueness"
    """Whether samples whose labels rest on the same bars share their weight."""

    balanced: bool = False
    """Whether all classes weigh the same in all."""

    @model_validator(mode="after")
    def _deviates(self) -> Self:
        if self.kind == "volatility" and self.horizon < 2:
            raise ValueError(f"volatility needs a horizon of at least 2 bars (was {self.horizon})")
        return self

    @property
    def classes(self) -> int:
        """Number of classes; 0 where labels are values."""
        return {"direction": 2, "triple_barrier": 3}.get(self.kind, 0)
