"""How much an entry risks, when it is taken out again, and what may not be exceeded."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, NonNegativeInt, PositiveFloat, PositiveInt, model_validator

from framework.config.component import component
from framework.engine.account import MOST_VOLATILITY_BARS

Share = Annotated[float, Field(gt=0, le=1)]
"""A fraction of equity, above 0 up to 1."""

Distance = Annotated[float, Field(gt=0, lt=1)]
"""A distance as a fraction of a price, or a loss as a fraction of equity."""

Bars = Annotated[int, Field(ge=1, le=1_000_000_000)]
"""A number of bars."""


@component
class Risk:
    """Sizing, exits and limits; null switches a rule off.

    Exposures are those that the decisions lead to: positions at the close, without what is already
    being closed, and with what is already being bought.
    """

    fraction: Share | None = None
    """Share of equity put into one entry; null: all equity, split equally over the pairs that are
    in a position or enter. A strategy with `target` weights sizes itself."""

    quote_amount: PositiveFloat | None = None
    """Quote currency put into one entry, fees included; instead of `fraction`."""

    risk_per_trade: Distance | None = None
    """Share of equity that one entry loses when its stop-loss is hit, costs included; instead of
    `fraction`, and with `stop_loss` only."""

    no_trade_band: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """With `target` weights: differences up to this share of equity are left alone."""

    stop_loss: Distance | None = None
    """Sell when the price falls this far below the average entry price (0.02 = 2 %)."""

    take_profit: Annotated[float, Field(gt=0, le=1_000)] | None = None
    """Sell when the price rises this far above the average entry price (0.02 = 2 %)."""

    trailing_stop: Distance | None = None
    """Sell when the price falls this far below the best high since entry, that of bars already
    past only."""

    break_even: Distance | None = None
    """Once the best price lay this far above the average entry price (0.02 = 2 %), the stop moves,
    from the next bar on, to the entry price plus the fees of entry and exit."""

    time_stop: Bars | None = None
    """Bars, that of the entry included, after which a position is sold at the next open."""

    max_exposure: Share | None = None
    """Largest share of equity in all pairs together; entries shrink to the room left."""

    max_pair_exposure: Share | None = None
    """Largest share of equity in one pair; entries shrink to the room left."""

    max_positions: PositiveInt | None = None
    """Most pairs held at once; of more, those of highest confidence enter."""

    daily_loss: Distance | None = None
    """No entries until the next UTC day once the day has lost this share of the equity it opened
    with."""

    max_drawdown: Distance | None = None
    """Close every position and enter no more, once equity has fallen this share below its peak."""

    halt_bars: Bars | None = None
    """Bars, that of the halt included, after which trading resumes once `max_drawdown` halted it;
    the peak begins anew with the equity then. Null: not before a person resets it."""

    volatility_halt: Annotated[float, Field(gt=0, le=10)] | None = None
    """No entries into a pair while the standard deviation of its close-to-close log-returns is
    above this, per bar (0.01 = about 1 %), or too few bars are known to tell."""

    volatility_bars: Annotated[int, Field(ge=2, le=MOST_VOLATILITY_BARS)] = 96
    """Log-returns in the standard deviation of `volatility_halt`, 2 to 288."""

    cool_down: NonNegativeInt = 0
    """Bars, that of the stop included, in which a pair is not entered after it was stopped out."""

    @model_validator(mode="after")
    def _check(self) -> Risk:
        """Refuse rules that contradict each other."""
        names = ("fraction", "quote_amount", "risk_per_trade")
        given = [name for name in names if getattr(self, name) is not None]
        if len(given) > 1:
            raise ValueError(f"{' and '.join(given)} both size an entry: set all but one to null")
        if self.risk_per_trade is not None and self.stop_loss is None:
            raise ValueError("risk_per_trade needs a stop_loss, which says where the risk ends")
        if self.halt_bars is not None and self.max_drawdown is None:
            raise ValueError("halt_bars needs a max_drawdown, which halts trading")
        return self
