"""What the decisions lead to: positions, less what is being sold, plus what is being bought.

Orders of the strategy that rest at a price may never fill: entries count, exits do not.
"""

from __future__ import annotations

from framework.engine.account import ENTRY, EXIT
from framework.engine.compiled import compiled
from framework.engine.orders import closing, entering, selling
from framework.engine.state import Book, Limits, Market


@compiled
def leaving_value(book: Book, market: Market, n: int, t: int) -> float:
    """Return the value of what market orders take from pair `n`'s position, quote currency."""
    if not selling(book, n):
        return 0.0
    order, held = book.orders_NK[n, EXIT], abs(book.positions_N[n].units)
    return float((held if order.closes != 0 else order.units) * market.close_NT[n, t])


@compiled
def entering_value(book: Book, n: int) -> float:
    """Return what pair `n`'s open entry may spend, quote currency."""
    return float(book.orders_NK[n, ENTRY].quote) if entering(book, n) else 0.0


@compiled
def exposure(book: Book, market: Market, n: int, t: int) -> float:
    """Return the exposure of pair `n`, long or short, quote currency."""
    units, value = abs(book.positions_N[n].units), 0.0
    if units != 0.0:
        value = units * market.close_NT[n, t] - leaving_value(book, market, n, t)
    return float(value + entering_value(book, n))


@compiled
def open_exposure(book: Book, market: Market, t: int) -> float:
    """Return the exposure of all pairs, quote currency."""
    total = 0.0
    for n in range(book.positions_N.size):
        total += exposure(book, market, n, t)
    return total


@compiled
def occupies(book: Book, n: int) -> bool:
    """Tell whether pair `n` is held, and not being closed, or being entered."""
    return bool(entering(book, n) or (book.positions_N[n].units != 0.0 and not closing(book, n)))


@compiled
def occupied(book: Book) -> int:
    """Return how many pairs are held, and not being closed, or being entered."""
    count = 0
    for n in range(book.positions_N.size):
        if occupies(book, n):
            count += 1
    return count


@compiled
def free_cash(book: Book, market: Market, limits: Limits, t: int) -> float:
    """Return the cash no open entry has claimed, with what market exits should bring at this close.

    The proceeds of a short, and as much again, are its collateral until it is covered.
    """
    rules, free = limits.rules_1[0], book.wallet_1[0].cash
    for n in range(book.positions_N.size):
        position, fee = book.positions_N[n], limits.pairs_N[n].taker_fee
        value = leaving_value(book, market, n, t)
        if position.units < 0.0:
            stays = -position.units * market.close_NT[n, t] - value
            free -= 2.0 * stays + position.owed
            free -= value * (1.0 + fee) * (1.0 + rules.half_spread + rules.slippage)
        elif value > 0.0:
            free += value * ((1.0 - fee) * (1.0 - rules.half_spread - rules.slippage))
        free -= entering_value(book, n)
    return float(free)
