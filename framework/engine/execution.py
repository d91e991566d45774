"""What trading costs beside the fee, and how much of a bar an order may take."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from framework.config.component import component
from framework.types import Interval

BasisPoints = Annotated[float, Field(ge=0, le=1_000)]
"""Hundredths of a per cent of a price."""


@component
class Execution:
    """Costs of a fill against the price it happens at, and its size against the bar's volume."""

    half_spread_bps: BasisPoints = 2.0
    """Half the distance between bid and ask, in basis points of the price, paid by every fill."""

    slippage_bps: BasisPoints = 1.0
    """Further loss of every fill, in basis points of the price."""

    slippage_volatility: Annotated[float, Field(ge=0, le=100)] = 0.0
    """Further slippage, as a multiple of the standard deviation of the pair's log-returns per bar,
    over the last `risk.volatility_bars` before the fill."""

    impact_bps: BasisPoints = 10.0
    """Loss of a fill as large as the bar's whole volume, in basis points of the price."""

    impact_power: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Smaller fills lose that times their share of the volume to this power: 1 is in proportion,
    0.5 the square root."""

    max_participation: Annotated[float, Field(gt=0, le=1)] | None = 0.1
    """Largest share of a bar's volume that one pair's fills take together; the rest of an order
    waits for the next bars. Null: no bound."""

    interval: Interval | None = None
    """Candles on which orders fill, of which the strategy's interval is a multiple; null: the
    strategy's own."""

    book: bool = False
    """Let market orders that fill at an open walk the levels of the recorded order book, where the
    exchange has one, in place of half-spread and impact."""

    book_max_age: Interval = Interval.parse("1m")
    """An older snapshot of the book is not used; the costs above apply then."""

    rounding: bool = True
    """Round to the market's lot step and tick size, and refuse orders below its minimum size."""
