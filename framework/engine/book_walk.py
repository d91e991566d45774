"""Walk the levels of a recorded order book: what a taker at an open eats, and what that costs.

Only what happens at an open walks: the book of another moment inside the bar is not known. What own
fills have eaten of a snapshot is gone until the next one.
"""

from __future__ import annotations

import math

from framework.engine.compiled import apart, compiled
from framework.engine.constants import constant
from framework.engine.costs import slippage
from framework.engine.rounding import round_down
from framework.engine.state import Book, Limits, Market, Record
from framework.market.books import ASKS, BIDS, PRICE, UNITS

_BIDS, _ASKS, _PRICE, _UNITS = constant(BIDS), constant(ASKS), constant(PRICE), constant(UNITS)

_ULPS = 1e-12  # relative: money that rounding leaves over is spent


@compiled
def snapshot_of(market: Market, n: int, t: int, base: float) -> int:
    """Return the snapshot that a taker of pair `n` at price `base` in bar `t` walks; -1: none.

    A taker whose price before costs is that of the open takes at the open.
    """
    if market.snapshot_NT.size == 0 or base != market.open_NT[n, t]:
        return -1
    return int(market.snapshot_NT[n, t])


@apart
def units_in_book(
    book: Book, market: Market, limits: Limits, s: int, order: Record, n: int
) -> float:
    """Return how many units snapshot `s` still holds for an order of pair `n`, in whole lots."""
    held = _walk(market, book.positions_N[n], s, order, math.inf, math.inf)[0]
    return float(round_down(held, limits.pairs_N[n].lot_step))


@apart
def walk_budget(
    book: Book,
    market: Market,
    limits: Limits,
    s: int,
    order: Record,
    n: int,
    t: int,
    base: float,
    budget: float,
) -> float:
    """Return the units that a budget, slippage and taker fee included, is for, level by level.

    What the book does not hold is counted at its last price, or at `base` when it holds nothing:
    more than `units_in_book` tell that money is left over.
    """
    position, pair = book.positions_N[n], limits.pairs_N[n]
    slips = 1.0 + order.side * slippage(book, market, limits, n, t)
    if slips <= 0.0:
        return 0.0
    money = budget / (slips * (1.0 + pair.taker_fee))
    units, value, last = _walk(market, position, s, order, math.inf, money)
    left = money - value
    if left > _ULPS * money:
        units += left / (last if last > 0.0 else base)
    return float(round_down(units, pair.lot_step))


@apart
def walk_units(
    book: Book,
    market: Market,
    limits: Limits,
    s: int,
    order: Record,
    n: int,
    t: int,
    units: float,
) -> float:
    """Return the mean price of `units` that the book holds, slippage on top, within the limit."""
    eaten, value, _ = _walk(market, book.positions_N[n], s, order, units, math.inf)
    slips = 1.0 + order.side * slippage(book, market, limits, n, t)
    price = value / eaten * max(0.0, slips)
    if order.limit_price > 0.0 and order.side > 0:
        price = min(price, order.limit_price)
    elif order.limit_price > 0.0:
        price = max(price, order.limit_price)
    return float(price)


@apart
def eat(market: Market, position: Record, s: int, side: int, units: float) -> None:
    """Count `units` as eaten of snapshot `s`."""
    if position.eaten_time != market.book_time_S[s]:
        position.eaten_time = market.book_time_S[s]
        position.eaten_bids = 0.0
        position.eaten_asks = 0.0
    if side > 0:
        position.eaten_asks += units
    else:
        position.eaten_bids += units


@apart
def _walk(
    market: Market, position: Record, s: int, order: Record, most_units: float, most_value: float
) -> tuple[float, float, float]:
    """Eat snapshot `s` of an order's other side, best level first, up to its limit.

    Returns the units eaten, at most `most_units`; their value, at most `most_value`; and the price
    of the last level eaten, 0 when none was.
    """
    levels_L2 = market.book_S2L2[s, _ASKS if order.side > 0 else _BIDS]
    gone = _eaten(market, position, s, order.side)
    units, value, last = 0.0, 0.0, 0.0
    for level in range(levels_L2.shape[0]):
        price, there = levels_L2[level, _PRICE], levels_L2[level, _UNITS]
        if math.isnan(price) or not _within(order, price):
            break
        skipped = min(gone, there)
        gone -= skipped
        there -= skipped
        wanted = min(most_units - units, (most_value - value) / price)
        if wanted <= 0.0:
            break
        if there > 0.0:
            taken, last = min(there, wanted), price
            units += taken
            value += taken * price
            if taken < there:
                break
    return units, value, last


@compiled
def _within(order: Record, price: float) -> bool:
    """Tell whether the limit of an order, if it has one, allows a price."""
    if order.limit_price <= 0.0:
        return True
    return bool(price <= order.limit_price if order.side > 0 else price >= order.limit_price)


@compiled
def _eaten(market: Market, position: Record, s: int, side: int) -> float:
    """Return the units that own fills have eaten of snapshot `s`, on the side opposite `side`."""
    if position.eaten_time != market.book_time_S[s]:
        return 0.0
    return float(position.eaten_asks if side > 0 else position.eaten_bids)
