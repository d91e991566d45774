"""A strategy's own section of the configuration: names, interval, parameters and rules as text."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, ValidationInfo, field_validator, model_validator

from framework.config.component import component
from framework.records import OrderTerms, StrategyTerms, TimeInForce
from framework.types import Interval


def _expression(value: Any) -> Any:
    """Return a YAML number or boolean as the text of an expression."""
    return str(value) if isinstance(value, bool | int | float) else value


Expression = Annotated[str, BeforeValidator(_expression)]

_LONG = ("enter", "exit")
_SHORT = ("enter_short", "exit_short")


@component
class OrderSpec:
    """What orders a strategy's signals lead to: at which prices, for how long.

    Without a price they are market orders, with `limit` limit orders, with `stop` stop orders, with
    both stop-limit orders. Orders of stops, targets and halts are not affected.
    """

    limit: Expression | None = None
    """Worst price, in quote currency, as it is at the decision."""

    stop: Expression | None = None
    """Price that sets the order off, in quote currency, as it is at the decision."""

    time_in_force: Literal["gtc", "ioc", "fok"] = "gtc"
    """Of what the first bar with trades does not fill: gtc waits, ioc is given up; fok fills whole
    in that bar or not at all."""

    bars: Annotated[int, Field(ge=1, le=1_000_000_000)] | None = None
    """Bars after the decision in which the order may fill; null: without end."""

    post_only: bool = False
    """Give the order up rather than fill it as taker; a limit order only."""

    @field_validator("post_only")
    @classmethod
    def _can_rest(cls, post_only: bool, info: ValidationInfo) -> bool:
        """Refuse to keep an order out of the book's other side that cannot rest in the book."""
        if not post_only or not {"limit", "stop", "time_in_force"} <= info.data.keys():
            return post_only
        if info.data["limit"] is None:
            raise ValueError("needs a limit, at which the order rests")
        if info.data["stop"] is not None:
            raise ValueError("goes with a limit alone, not with a stop")
        if info.data["time_in_force"] != "gtc":
            raise ValueError(f"needs time_in_force gtc: {info.data['time_in_force']} does not rest")
        return post_only

    @property
    def terms(self) -> OrderTerms:
        """What the engine must know besides the prices."""
        return OrderTerms(
            time_in_force=TimeInForce[self.time_in_force.upper()],
            bars=self.bars or 0,
            post_only=self.post_only,
        )


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
    """Condition under which a long position is opened; goes with `exit`."""

    exit: Expression | None = None
    """Condition under which a long position is closed; goes with `enter`."""

    enter_short: Expression | None = None
    """Condition under which a short position is opened; with direction both, beside `enter`."""

    exit_short: Expression | None = None
    """Condition under which a short position is closed; with direction both, beside `exit`."""

    target: Expression | None = None
    """Wanted weight of equity per pair, instead of `enter` and `exit`, below 0 for a short; NaN
    leaves it alone."""

    confidence: Expression | None = None
    """Between 0 and 1, scales the size of an entry."""

    anomaly: Expression | None = None
    """Score that `risk.max_anomaly` bounds."""

    direction: Annotated[Literal["long", "both"], Field(validate_default=True)] = "long"
    """Whether it may sell short."""

    entry_order: OrderSpec = OrderSpec()
    """Of entries; with `target` of all that opens or enlarges a position."""

    exit_order: OrderSpec = OrderSpec()
    """Of exits by signal; with `target` of all that reduces or closes a position."""

    @property
    def terms(self) -> StrategyTerms:
        """What the engine must know besides the signals."""
        return StrategyTerms(
            interval=self.interval,
            direction=self.direction,
            entry_order=self.entry_order.terms,
            exit_order=self.exit_order.terms,
        )

    @field_validator("direction")
    @classmethod
    def _shorts_need_both(cls, direction: str, info: ValidationInfo) -> str:
        """Refuse rules of shorts where nothing may be sold short."""
        given = [name for name in _SHORT if info.data.get(name) is not None]
        if direction == "long" and given:
            raise ValueError(f"must be both with {' and '.join(given)}")
        return direction

    @model_validator(mode="after")
    def _one_kind_of_rule(self) -> Self:
        if self.target is not None:
            if self._lacking(_LONG) != list(_LONG):
                raise ValueError("give either enter and exit, or target, not both")
            if self._lacking(_SHORT) != list(_SHORT):
                raise ValueError("enter_short and exit_short go with enter and exit, not target")
        elif missing := self._lacking(_LONG):
            raise ValueError(f"give enter and exit, or target (missing: {', '.join(missing)})")
        elif self.direction == "both" and (missing := self._lacking(_SHORT)):
            raise ValueError(
                "with direction both give enter_short and exit_short beside enter and exit, "
                f"or target (missing: {', '.join(missing)})"
            )
        return self

    def _lacking(self, names: tuple[str, ...]) -> list[str]:
        return [name for name in names if getattr(self, name) is None]
