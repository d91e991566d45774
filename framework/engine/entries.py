"""Entries inside a bar: limit orders that it trades through, stop orders that it touches."""

from __future__ import annotations

from framework.engine.account import ENTRY
from framework.engine.compiled import apart, compiled
from framework.engine.constants import constant
from framework.engine.costs import tradable
from framework.engine.exits import resting_price, stop_out, stopped_inside
from framework.engine.fills import MAKER, TAKER, fill_entry, marketable
from framework.engine.orders import expire, waits
from framework.engine.state import Book, Ledger, Limits, Market
from framework.records import OrderType

_LIMIT, _STOP = constant(OrderType.LIMIT), constant(OrderType.STOP)
_MARKET = constant(OrderType.MARKET)


@compiled
def entry_acts(book: Book, market: Market, n: int, t: int) -> bool:
    """Tell whether bar `t` reaches the price of pair `n`'s resting entry."""
    order, high, low = book.orders_NK[n, ENTRY], market.high_NT[n, t], market.low_NT[n, t]
    if order.id == 0 or order.type == _MARKET:
        return False
    if order.type == _LIMIT:
        walked = order.walked_bar == book.wallet_1[0].bars  # what the book left over waits
        through = low < order.limit_price if order.side > 0 else high > order.limit_price
        return bool(through and not walked)
    return bool(high >= order.stop_price if order.side > 0 else low <= order.stop_price)


@apart
def enter_inside(
    book: Book, market: Market, limits: Limits, ledger: Ledger, n: int, t: int
) -> None:
    """Fill pair `n`'s entry, whose price bar `t` reached, then let it touch the new stop.

    Where in the bar the entry lies is not known, so the stop counts for all of it and the target
    not at all.
    """
    position, order = book.positions_N[n], book.orders_NK[n, ENTRY]
    if not tradable(market, n, t) or position.units * order.side < 0.0:
        return
    held, base = position.units, 0.0
    if order.type == _LIMIT:
        base = resting_price(order, market, book.wallet_1[0].bars, n, t)
        fill_entry(book, market, limits, ledger, n, t, base, MAKER, 1.0)
    else:
        if order.side > 0:
            base = max(order.stop_price, market.open_NT[n, t])
        else:
            base = min(order.stop_price, market.open_NT[n, t])
        if order.type == _STOP or marketable(order, limits, base):
            fill_entry(book, market, limits, ledger, n, t, base, TAKER, 1.0)
        elif waits(order):
            order.type = _LIMIT
        else:
            expire(book, market, ledger, n, ENTRY, t)
    if position.units != held:
        position.inside_bar = book.wallet_1[0].bars
        if stopped_inside(position, market, n, t):
            stop_out(book, market, limits, ledger, n, t, base)
