"""Prices and distances that a strategy names bar by bar, as its orders carry them."""

from __future__ import annotations

import math

from framework.engine.account import ENTRY, EXIT
from framework.engine.compiled import apart, compiled
from framework.engine.constants import constant
from framework.engine.orders import set_terms
from framework.engine.rounding import round_down, round_up
from framework.engine.state import Book, Limits, Wants
from framework.records import OrderType
from framework.types import FloatArray

_MARKET, _LIMIT = constant(OrderType.MARKET), constant(OrderType.LIMIT)
_STOP, _STOP_LIMIT = constant(OrderType.STOP), constant(OrderType.STOP_LIMIT)


@compiled
def order_type(limit_NT: FloatArray, stop_NT: FloatArray) -> int:
    """Return the type of order that prices given, or not, make."""
    if stop_NT.size > 0:
        return _STOP_LIMIT if limit_NT.size > 0 else _STOP
    return _LIMIT if limit_NT.size > 0 else _MARKET


@compiled
def entries_rest(wants: Wants) -> bool:
    """Tell whether entries name a price."""
    return bool(order_type(wants.entry_limit_NT, wants.entry_stop_NT) != _MARKET)


@compiled
def exit_type(wants: Wants, limits: Limits, n: int, t: int, side: int) -> int:
    """Return the type of an exit decided in bar `t`; without a valid price it is a market order."""
    kind = order_type(wants.exit_limit_NT, wants.exit_stop_NT)
    if kind != _MARKET:
        limit, stop = exit_prices(wants, limits, n, t, side)
        if not priced(limit, stop):
            return _MARKET
    return int(kind)


@compiled
def entry_prices(wants: Wants, limits: Limits, n: int, t: int, side: int) -> tuple[float, float]:
    """Return limit and stop price of pair `n`'s entry; 0 where there is none, NaN if not valid."""
    limit = _price(wants.entry_limit_NT, limits, n, t, -side)
    return limit, _price(wants.entry_stop_NT, limits, n, t, side)


@compiled
def exit_prices(wants: Wants, limits: Limits, n: int, t: int, side: int) -> tuple[float, float]:
    """Return limit and stop price of pair `n`'s exit; 0 where there is none, NaN if not valid."""
    limit = _price(wants.exit_limit_NT, limits, n, t, -side)
    return limit, _price(wants.exit_stop_NT, limits, n, t, side)


@apart
def _price(prices_NT: FloatArray, limits: Limits, n: int, t: int, way: int) -> float:
    """Return a price in whole ticks, up or down, whichever way fills later."""
    if prices_NT.size == 0:
        return 0.0
    tick, price = limits.pairs_N[n].tick_size, prices_NT[n, t]
    price = round_up(price, tick) if way > 0 else round_down(price, tick)
    return float(price) if 0.0 < price < math.inf else math.nan


@compiled
def priced(limit: float, stop: float) -> bool:
    """Tell whether both prices are valid or not asked for."""
    return bool(limit >= 0.0 and stop >= 0.0)


@compiled
def first_price(limit: float, stop: float, close: float) -> float:
    """Return the price at which a decision is written: the limit, the stop, or else the close."""
    if limit > 0.0:
        return limit
    return stop if stop > 0.0 else close


@compiled
def set_entry(book: Book, wants: Wants, limits: Limits, n: int, t: int) -> None:
    """Give pair `n`'s entry, just placed, its prices, terms and distances."""
    rules, order = limits.rules_1[0], book.orders_NK[n, ENTRY]
    order.limit_price, order.stop_price = entry_prices(wants, limits, n, t, order.side)
    set_terms(order, rules.entry_time_in_force, rules.entry_bars, rules.entry_post_only)
    order.stop_distance = distance(rules.stop_loss, wants.stop_loss_NT, n, t)
    order.target_distance = distance(rules.take_profit, wants.take_profit_NT, n, t)
    order.trail_distance = distance(rules.trailing_stop, wants.trailing_stop_NT, n, t)


@compiled
def set_exit(book: Book, wants: Wants, limits: Limits, n: int, t: int) -> None:
    """Give pair `n`'s exit, just placed by a signal, its prices and terms."""
    rules, order = limits.rules_1[0], book.orders_NK[n, EXIT]
    if order.type != _MARKET:
        order.limit_price, order.stop_price = exit_prices(wants, limits, n, t, order.side)
    set_terms(order, rules.exit_time_in_force, rules.exit_bars, rules.exit_post_only)


@compiled
def distance(rule: float, distances_NT: FloatArray, n: int, t: int) -> float:
    """Return a distance from its expression, or else the rule's one number."""
    return float(distances_NT[n, t]) if distances_NT.size > 0 else rule


@compiled
def distances_known(wants: Wants, n: int, t: int) -> bool:
    """Tell whether every distance by expression is one: a stop's below 1, all above 0."""
    return bool(
        _between(wants.stop_loss_NT, n, t, 1.0)
        and _between(wants.trailing_stop_NT, n, t, 1.0)
        and _between(wants.take_profit_NT, n, t, math.inf)
    )


@compiled
def _between(distances_NT: FloatArray, n: int, t: int, below: float) -> bool:
    """Tell whether a distance, where there is one, lies between 0 and `below`."""
    return bool(distances_NT.size == 0 or 0.0 < distances_NT[n, t] < below)
