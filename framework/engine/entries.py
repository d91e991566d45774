"""Entries inside a bar: limit orders that it trades through, stop orders that it touches."""

from __future__ import annotations

from framework.engine.account import ENTRY
from framework.engine.compiled import apart
from framework.engine.constants import constant
from framework.engine.costs import tradable
from framework.engine.exits import resting_price, stop_out, stopped_inside
from framework.engine.fills import MAKER, TAKER, fill_entry, marketable
from framework.engine.orders import expire, waits
from framework.engine.state import Book, Ledger, Limits, Market
from framework.records import OrderType

_LIMIT, _STOP = constant(OrderType.LIMIT), constant(OrderType.STOP)
_STOP_LIMIT = constant(OrderType.STOP_LIMIT)


@apart
def enter_inside(
    book: Book, market: Market, limits: Limits, ledger: Ledger, n: int, t: int
) -> None:
    """Let bar `t` fill pair `n`'s resting entry, then its range touch the new position's stop.

    Where in the bar the entry lies is not known, so the stop counts for all of it and the target
    not at all.
    """
    position, order = book.positions_N[n], book.orders_NK[n, ENTRY]
    if order.id == 0 or not tradable(market, n, t) or position.units * order.side < 0.0:
        return
    held, base = position.units, 0.0
    if order.type == _LIMIT:
        if order.side > 0:
            through = market.low_NT[n, t] < order.limit_price
        else:
            through = market.high_NT[n, t] > order.limit_price
        if through:
            base = resting_price(order, market, book.wallet_1[0].bars, n, t)
            fill_entry(book, market, limits, ledger, n, t, base, MAKER, 1.0)
    elif order.type == _STOP or order.type == _STOP_LIMIT:
        if order.side > 0:
            touched = market.high_NT[n, t] >= order.stop_price
            base = max(order.stop_price, market.open_NT[n, t])
        else:
            touched = market.low_NT[n, t] <= order.stop_price
            base = min(order.stop_price, market.open_NT[n, t])
        if touched and (order.type == _STOP or marketable(order, limits, base)):
            fill_entry(book, market, limits, ledger, n, t, base, TAKER, 1.0)
        elif touched and waits(order):
            order.type = _LIMIT
        elif touched:
            expire(book, market, ledger, n, ENTRY, t)
    if position.units != held:
        position.inside_bar = book.wallet_1[0].bars
        if stopped_inside(position, market, n, t):
            stop_out(book, market, limits, ledger, n, t, base)
