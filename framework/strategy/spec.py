"""A strategy's own section of the configuration: names, interval, parameters and rules as text."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from framework.config.component import component
from framework.records import StrategyTerms
from framework.types import Interval


def _expression(value: Any) -> Any:
    """Return a YAML number or boolean as the text of an expression."""
    return str(value) if isinstance(value, bool | int | float) else value


Expression = Annotated[str, BeforeValidator(_expression)]


@component
class StrategySpec:
    """What a strategy file says under ``strategy:``; its rules are read by `compile_strategy`."""

    name: Annotated[str, Field(pattern=r"^\w[\w-]*$", max_length=80)]
    """Of the strategy, as in the name of its file."""

    interval: Interval
    """A decision is made at every close of a candle of this length."""

    params: dict[str, bool | int | float | str] = Field(default_factory=dict)
    """Constants that expressions name and a search may change."""

    enter: Expression | None = None
    """Condition under which a position is opened; goes with `exit`."""

    exit: Expression | None = None
    """Condition under which a position is closed; goes with `enter`."""

    target: Expression | None = None
    """Wanted weight of equity per pair, instead of `enter` and `exit`; NaN leaves it alone."""

    confidence: Expression | None = None
    """Between 0 and 1, scales the size of an entry."""

    direction: Literal["long", "both"] = "long"
    """Whether a target below 0 may sell short."""

    @property
    def terms(self) -> StrategyTerms:
        """What the engine must know besides the signals."""
        return StrategyTerms(interval=self.interval, direction=self.direction)

    @model_validator(mode="after")
    def _one_kind_of_rule(self) -> Self:
        if self.target is not None and (self.enter is not None or self.exit is not None):
            raise ValueError("give either enter and exit, or target, not both")
        if self.target is None and (self.enter is None or self.exit is None):
            missing = [name for name in ("enter", "exit") if getattr(self, name) is None]
            raise ValueError(f"give enter and exit, or target (missing: {', '.join(missing)})")
        return self
