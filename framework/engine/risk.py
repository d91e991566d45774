"""How much an entry risks, when it is taken out again, and what may not be exceeded."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, NonNegativeInt, PositiveInt

from framework.config.component import component

Share = Annotated[float, Field(gt=0, le=1)]
"""A fraction of equity, above 0 up to 1."""

Distance = Annotated[float, Field(gt=0, lt=1)]
"""A distance as a fraction of a price, or a loss as a fraction of equity."""


@component
class Risk:
    """Sizing, exits and limits; null switches a rule off.

    Exposures are those that the decisions lead to: positions at the close, without what is already
    being closed, and with what is already being bought.
    """

    fraction: Share | None = None
    """Share of equity put into one entry; null: all equity, split equally over the pairs that are
    in a position or enter. A strategy with `target` weights sizes itself."""

    no_trade_band: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """With `target` weights: differences up to this share of equity are left alone."""

    stop_loss: Distance | None = None
    """Sell when the price falls this far below the average entry price (0.02 = 2 %)."""

    take_profit: Annotated[float, Field(gt=0, le=1_000)] | None = None
    """Sell when the price rises this far above the average entry price (0.02 = 2 %)."""

    trailing_stop: Distance | None = None
    """Sell when the price falls this far below the best high since entry, that of bars already
    past only."""

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
    """Close every position and enter no more, for good, once equity has fallen this share below
    its peak."""

    cool_down: NonNegativeInt = 0
    """Bars, that of the stop included, in which a pair is not entered after it was stopped out."""
