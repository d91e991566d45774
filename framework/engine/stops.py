"""Stop-loss, take-profit, trailing and break-even stop: where they lie."""

from __future__ import annotations

import math

from framework.engine.break_even import break_even_price
from framework.engine.compiled import apart, compiled, inlined
from framework.engine.constants import constant
from framework.engine.costs import tradable
from framework.engine.rounding import round_down, round_up
from framework.engine.state import Book, Limits, Market, Record, Wants
from framework.records import Reason

_STOP_LOSS, _TRAILING = constant(Reason.STOP_LOSS), constant(Reason.TRAILING_STOP)
_BREAK_EVEN = constant(Reason.BREAK_EVEN)


@compiled
def set_levels(position: Record, limits: Limits, n: int) -> None:
    """Set pair `n`'s stop to the nearest of its stops, and its next target."""
    if position.units > 0.0:
        _set_long(position, limits, n)
    else:
        _set_short(position, limits, n)


@compiled
def _set_long(position: Record, limits: Limits, n: int) -> None:
    """Set the levels of a long: the stop below, the target above."""
    tick = limits.pairs_N[n].tick_size
    stop, reason = 0.0, 0
    if position.stop_distance > 0.0:
        stop, reason = position.entry_price * (1.0 - position.stop_distance), _STOP_LOSS
    if position.trail_distance > 0.0:
        level = position.best_price * (1.0 - position.trail_distance)
        position.trailed = max(position.trailed, level)
        if position.trailed > stop:
            stop, reason = position.trailed, _TRAILING
    even = break_even_price(position, limits, n)
    if even > stop:
        stop, reason = even, _BREAK_EVEN
    gain = _next_gain(position, limits)
    position.stop = round_down(stop, tick)
    position.stop_reason = reason
    position.target = round_up(position.entry_price * (1.0 + gain), tick)


@apart
def _set_short(position: Record, limits: Limits, n: int) -> None:
    """Set the levels of a short: the stop above, the target below."""
    tick = limits.pairs_N[n].tick_size
    stop, reason = math.inf, 0
    if position.stop_distance > 0.0:
        stop, reason = position.entry_price * (1.0 + position.stop_distance), _STOP_LOSS
    if position.trail_distance > 0.0:
        level = position.best_price * (1.0 + position.trail_distance)
        position.trailed = level if position.trailed == 0.0 else min(position.trailed, level)
        if position.trailed < stop:
            stop, reason = position.trailed, _TRAILING
    even = break_even_price(position, limits, n)
    if 0.0 < even < stop:
        stop, reason = even, _BREAK_EVEN
    gain = _next_gain(position, limits)
    position.stop = round_up(stop, tick)
    position.stop_reason = reason
    position.target = round_down(position.entry_price * max(0.0, 1.0 - gain), tick)


@compiled
def _next_gain(position: Record, limits: Limits) -> float:
    """Return the gain of the next target not yet hit; inf when there is none."""
    rules = limits.rules_1[0]
    if position.targets_hit < rules.target_count:
        return float(rules.target_gains[position.targets_hit])
    return float(position.target_distance) if position.target_distance > 0.0 else math.inf


@inlined
def reached(position: Record, market: Market, n: int, t: int) -> bool:
    """Tell whether bar `t` touched the stop of pair `n`'s long or traded through its target."""
    return bool(market.low_NT[n, t] <= position.stop or market.high_NT[n, t] > position.target)


@compiled
def reached_short(position: Record, market: Market, n: int, t: int) -> bool:
    """Tell whether bar `t` touched the stop of pair `n`'s short or traded through its target."""
    return bool(market.high_NT[n, t] >= position.stop or market.low_NT[n, t] < position.target)


@inlined
def trail(position: Record, market: Market, limits: Limits, n: int, t: int) -> None:
    """After bar `t` has passed, let its high raise the stop of pair `n`'s long in later bars."""
    if (
        position.units != 0.0
        and market.high_NT[n, t] > position.best_price
        and tradable(market, n, t)
    ):
        position.best_price = market.high_NT[n, t]
        set_levels(position, limits, n)


@apart
def follow(book: Book, market: Market, wants: Wants, limits: Limits, n: int, t: int) -> None:
    """After bar `t` has passed, move the stops of pair `n`, long or short.

    An entry inside the bar saw its close only, not what its range was before.
    """
    wallet, position = book.wallet_1[0], book.positions_N[n]
    if not tradable(market, n, t):
        return
    inside = position.inside_bar == wallet.bars
    if position.units > 0.0:
        best = market.close_NT[n, t] if inside else market.high_NT[n, t]
        position.best_price = max(position.best_price, best)
    else:
        best = market.close_NT[n, t] if inside else market.low_NT[n, t]
        position.best_price = min(position.best_price, best)
    if wants.trailing_stop_NT.size > 0:
        distance = wants.trailing_stop_NT[n, t]
        if 0.0 < distance < 1.0:
            position.trail_distance = distance
    set_levels(position, limits, n)
