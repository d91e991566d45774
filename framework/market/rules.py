"""What an exchange asks of an order in one market."""

from __future__ import annotations

from pydantic import NonNegativeFloat

from framework.config.component import component


@component
class MarketRules:
    """Rounding and minimum size of orders in one market; 0 means no such rule."""

    lot_step: NonNegativeFloat = 0.0
    """Units are rounded down to a multiple of this, in base currency."""

    tick_size: NonNegativeFloat = 0.0
    """Prices of limit and stop orders are rounded to a multiple of this, in quote currency."""

    min_notional: NonNegativeFloat = 0.0
    """Smallest order value, in quote currency."""
