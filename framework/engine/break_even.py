"""The break-even stop: once the gain was large enough, the position may no longer lose."""

from __future__ import annotations

from framework.engine.compiled import compiled
from framework.engine.state import Limits, Record


@compiled
def break_even_stop(position: Record, limits: Limits, n: int) -> float:
    """Return the price at which pair `n`'s sale pays its entry and both fees; 0 before the gain.

    The gain is that of the best price, which only bars already past have raised.
    """
    gain = limits.rules_1[0].break_even
    if gain > 0.0 and position.best_price >= position.entry_price * (1.0 + gain):
        return float(position.entry_price * price_of_fees(limits.pairs_N[n].taker_fee))
    return 0.0


@compiled
def price_of_fees(fee: float) -> float:
    """Return the exit price, as a multiple of the entry price, at which two fees are earned back.

    Bought for ``units * entry * (1 + fee)`` and sold for ``units * exit * (1 - fee)``.
    """
    return (1.0 + fee) / (1.0 - fee)
