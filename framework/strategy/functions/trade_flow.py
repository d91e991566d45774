"""Functions of the trades recorded within the bar; NaN where not all of them were recorded."""

from __future__ import annotations

import numpy as np

from framework.market.recorded import BarTrades
from framework.strategy.function import function
from framework.types import FloatArray

_GROUP = "Trade flow"


@function(memory=0, group=_GROUP, source="Sum of units")
def buy_volume(trades: BarTrades) -> FloatArray:
    """Units that buyers took."""
    return trades.total(np.where(trades.side > 0, trades.units, 0.0))


@function(memory=0, group=_GROUP, source="Sum of units")
def sell_volume(trades: BarTrades) -> FloatArray:
    """Units that sellers took."""
    return trades.total(np.where(trades.side < 0, trades.units, 0.0))


@function(memory=0, group=_GROUP, source="Sum of units, those of sellers below 0")
def signed_volume(trades: BarTrades) -> FloatArray:
    """Units that buyers took less those that sellers took; trades of an unknown taker count 0."""
    return trades.total(trades.side * trades.units)


@function(memory=0, group=_GROUP, source="Count")
def trade_count(trades: BarTrades) -> FloatArray:
    """Trades, those of an unknown taker included."""
    return trades.total(np.ones(len(trades.units)))
