"""Stop-loss, take-profit, trailing and break-even stop: where they lie."""

from __future__ import annotations

import math

from framework.engine.break_even import break_even_stop
from framework.engine.compiled import compiled, inlined
from framework.engine.costs import tradable
from framework.engine.rounding import round_down, round_up
from framework.engine.state import Limits, Market, Record
from framework.records import Reason

_STOP_LOSS, _TRAILING = int(Reason.STOP_LOSS), int(Reason.TRAILING_STOP)
_BREAK_EVEN = int(Reason.BREAK_EVEN)


@compiled
def set_levels(position: Record, limits: Limits, n: int) -> None:
    """Set pair `n`'s stop to the highest of its stops, and its target."""
    rules, tick = limits.rules_1[0], limits.pairs_N[n].tick_size
    stop, reason, target = 0.0, 0, math.inf
    if rules.stop_loss > 0.0:
        stop, reason = position.entry_price * (1.0 - rules.stop_loss), _STOP_LOSS
    if rules.trailing_stop > 0.0:
        trail = position.best_price * (1.0 - rules.trailing_stop)
        if trail > stop:
            stop, reason = trail, _TRAILING
    even = break_even_stop(position, limits, n)
    if even > stop:
        stop, reason = even, _BREAK_EVEN
    if rules.take_profit > 0.0:
        target = position.entry_price * (1.0 + rules.take_profit)
    position.stop = round_down(stop, tick)
    position.stop_reason = reason
    position.target = round_up(target, tick)


@inlined
def reached(position: Record, market: Market, n: int, t: int) -> bool:
    """Tell whether bar `t` touched pair `n`'s stop or traded through its target."""
    return bool(market.low_NT[n, t] <= position.stop or market.high_NT[n, t] > position.target)


@inlined
def trail(position: Record, market: Market, limits: Limits, n: int, t: int) -> None:
    """After bar `t` has passed, let its high raise the stop of later bars."""
    if (
        position.units != 0.0
        and market.high_NT[n, t] > position.best_price
        and tradable(market, n, t)
    ):
        position.best_price = market.high_NT[n, t]
        set_levels(position, limits, n)
