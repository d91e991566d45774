"""What the decisions lead to: positions, less what is being sold, plus what is being bought."""

from __future__ import annotations

from framework.engine.compiled import compiled
from framework.engine.orders import buying, closing
from framework.engine.state import Book, Limits, Market


@compiled
def waiting_value(book: Book, market: Market, n: int, t: int) -> float:
    """Return what pair `n`'s open order adds to its exposure, quote currency."""
    order = book.orders_NK[n, 0]
    if order.id == 0:
        return 0.0
    if order.side > 0:
        return float(order.quote)
    if order.closes != 0:
        return float(-book.positions_N[n].units * market.close_NT[n, t])
    return float(-order.units * market.close_NT[n, t])


@compiled
def exposure(book: Book, market: Market, n: int, t: int) -> float:
    """Return the exposure of pair `n`, quote currency."""
    units = book.positions_N[n].units
    if units == 0.0:
        return float(waiting_value(book, market, n, t))
    return float(units * market.close_NT[n, t] + waiting_value(book, market, n, t))


@compiled
def open_exposure(book: Book, market: Market, t: int) -> float:
    """Return the exposure of all pairs, quote currency."""
    total = 0.0
    for n in range(book.positions_N.size):
        total += exposure(book, market, n, t)
    return total


@compiled
def occupied(book: Book) -> int:
    """Return how many pairs are held, and not being closed, or being bought."""
    count = 0
    for n in range(book.positions_N.size):
        if buying(book, n) or (book.positions_N[n].units != 0.0 and not closing(book, n)):
            count += 1
    return count


@compiled
def free_cash(book: Book, market: Market, limits: Limits, t: int) -> float:
    """Return the cash no open buy has claimed, with what open sells should bring at this close."""
    rules, free = limits.rules_1[0], book.wallet_1[0].cash
    for n in range(book.positions_N.size):
        value = waiting_value(book, market, n, t)
        if value < 0.0:
            kept = 1.0 - limits.pairs_N[n].taker_fee
            value *= kept * (1.0 - rules.half_spread - rules.slippage)
        free -= value
    return float(free)
