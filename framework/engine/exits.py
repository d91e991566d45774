"""Exits inside a bar, in the pessimistic order: stop before target, and the open when beyond it.

A position bought at this bar's open is exposed to the whole bar: its range lies after its open, so
both stop and target count, and of both in one bar the stop.
"""

from __future__ import annotations

from framework.engine.compiled import compiled
from framework.engine.costs import tradable
from framework.engine.fills import sell
from framework.engine.ledger import write_decided
from framework.engine.orders import cancel, closing, place
from framework.engine.state import Book, Ledger, Limits, Market
from framework.records import OrderType, Reason

_STOP, _LIMIT = int(OrderType.STOP), int(OrderType.LIMIT)
_TAKE_PROFIT = int(Reason.TAKE_PROFIT)


@compiled
def exit_inside(book: Book, market: Market, limits: Limits, ledger: Ledger, n: int, t: int) -> None:
    """Sell pair `n`, whose stop or target bar `t` reached, unless it is being sold already."""
    position = book.positions_N[n]
    if tradable(market, n, t) and not closing(book, n):
        if market.low_NT[n, t] <= position.stop:
            order_type, reason, level = _STOP, position.stop_reason, position.stop
            base = min(level, market.open_NT[n, t])
            position.stopped_bar = book.wallet_1[0].bars
        else:
            order_type, reason, level = _LIMIT, _TAKE_PROFIT, position.target
            base = max(level, market.open_NT[n, t])
        order, units = book.orders_NK[n, 0], position.units
        if order.id != 0:
            cancel(book, market, ledger, n, t, reason)
        place(book, n, -1, order_type, reason, units, 0.0, 1, position.confidence)
        write_decided(ledger, market.time_T[t], n, order, level, units)
        sell(book, market, limits, ledger, n, t, base)
