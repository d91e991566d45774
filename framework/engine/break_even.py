"""The break-even stop: once the gain was large enough, the position may no longer lose."""

from __future__ import annotations

from framework.engine.compiled import compiled
from framework.engine.state import Limits, Record


@compiled
def break_even_price(position: Record, limits: Limits, n: int) -> float:
    """Return the price at which pair `n`'s exit pays its entry and both fees; 0 before the gain.

    The gain is that of the best price, which only bars already past have moved. A long is bought
    for ``units * entry * (1 + fee)`` and sold for ``units * exit * (1 - fee)``, a short the other
    way round.
    """
    gain, fee = limits.rules_1[0].break_even, limits.pairs_N[n].taker_fee
    if gain > 0.0 and position.units > 0.0:
        if position.best_price >= position.entry_price * (1.0 + gain):
            return float(position.entry_price * ((1.0 + fee) / (1.0 - fee)))
    elif gain > 0.0:
        if position.best_price <= position.entry_price * (1.0 - gain):
            return float(position.entry_price * ((1.0 - fee) / (1.0 + fee)))
    return 0.0
