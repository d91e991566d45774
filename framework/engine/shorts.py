"""The margin account behind shorts: what borrowing costs, and when the lender closes all."""

from __future__ import annotations

from framework.engine.compiled import compiled
from framework.engine.costs import tradable
from framework.engine.state import Book, Limits, Market


@compiled
def accrue(book: Book, limits: Limits) -> float:
    """Owe a bar's borrowing for every short; return what is owed in all, quote currency."""
    rate, total = limits.rules_1[0].borrow_rate, 0.0
    for n in range(book.positions_N.size):
        position = book.positions_N[n]
        if position.units < 0.0:
            position.owed += -position.units * position.last_price * rate
            total += position.owed
    return total


@compiled
def margin_call(book: Book, market: Market, limits: Limits, t: int, owed: float) -> bool:
    """Tell whether the worst prices of bar `t`, all at once, leave too little equity for shorts."""
    worst, borrowed = book.wallet_1[0].cash - owed, 0.0
    for n in range(book.positions_N.size):
        position = book.positions_N[n]
        price = position.last_price
        if tradable(market, n, t):
            price = market.low_NT[n, t] if position.units > 0.0 else market.high_NT[n, t]
        worst += position.units * price
        if position.units < 0.0:
            borrowed -= position.units * price
    return bool(worst < limits.rules_1[0].maintenance_margin * borrowed)
