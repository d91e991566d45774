"""The life of an order between its decision and its last fill."""

from __future__ import annotations

import numpy as np

from framework.engine.account import ENTRY, EXIT
from framework.engine.compiled import compiled
from framework.engine.constants import constant
from framework.engine.ledger import write_ended
from framework.engine.state import Book, Ledger, Market, Record
from framework.records import Kind, OrderType, Reason, TimeInForce

_MARKET = constant(OrderType.MARKET)
_GTC, _FOK = constant(TimeInForce.GTC), constant(TimeInForce.FOK)
_CANCELLED, _EXPIRED = constant(Kind.CANCELLED), constant(Kind.EXPIRED)
_TIME_IN_FORCE = constant(Reason.TIME_IN_FORCE)

NEVER = np.iinfo(np.int64).max // 2
"""A bar that does not come."""


@compiled
def place(
    book: Book,
    n: int,
    slot: int,
    side: int,
    order_type: int,
    reason: int,
    units: float,
    quote: float,
    closes: int,
    confidence: float,
) -> None:
    """Put an order, good until cancelled, into a slot of pair `n`, which must be free."""
    wallet, order = book.wallet_1[0], book.orders_NK[n, slot]
    order.id = wallet.next_order
    order.decided_bar = wallet.bars
    order.last_bar = NEVER
    order.units = units
    order.quote = quote
    order.limit_price = 0.0
    order.stop_price = 0.0
    order.confidence = confidence
    order.side = side
    order.type = order_type
    order.reason = reason
    order.time_in_force = _GTC
    order.post_only = 0
    order.arrived_bar = -1
    order.walked_bar = -1
    order.at_open = 0
    order.closes = closes
    wallet.next_order += 1
    wallet.waiting += 1


@compiled
def set_terms(order: Record, time_in_force: int, bars: int, post_only: int) -> None:
    """Give an order just placed the terms of the strategy's orders; 0 bars is without end."""
    order.time_in_force = time_in_force
    order.post_only = post_only
    if bars > 0:
        order.last_bar = order.decided_bar + bars


@compiled
def clear(book: Book, n: int, slot: int) -> None:
    """Free a slot of pair `n`."""
    order = book.orders_NK[n, slot]
    order.id = 0
    order.units = 0.0
    order.quote = 0.0
    order.closes = 0
    order.at_open = 0
    book.wallet_1[0].waiting -= 1


@compiled
def cancel(
    book: Book, market: Market, ledger: Ledger, n: int, slot: int, t: int, reason: int
) -> None:
    """Cancel the order in a slot of pair `n`, if there is one, and say why."""
    order = book.orders_NK[n, slot]
    if order.id != 0:
        write_ended(ledger, market.time_T[t], n, order, _CANCELLED, reason, market.close_NT[n, t])
        clear(book, n, slot)


@compiled
def expire(book: Book, market: Market, ledger: Ledger, n: int, slot: int, t: int) -> None:
    """End the order in a slot of pair `n`, whose time in force is over."""
    order, price = book.orders_NK[n, slot], market.close_NT[n, t]
    write_ended(ledger, market.time_T[t], n, order, _EXPIRED, _TIME_IN_FORCE, price)
    clear(book, n, slot)


@compiled
def expire_old(book: Book, market: Market, ledger: Ledger, t: int) -> None:
    """End the orders that could fill up to bar `t`."""
    for n in range(book.positions_N.size):
        for slot in range(book.orders_NK.shape[1]):
            order = book.orders_NK[n, slot]
            if order.id != 0 and order.last_bar <= book.wallet_1[0].bars:
                expire(book, market, ledger, n, slot, t)


@compiled
def all_or_nothing(order: Record) -> bool:
    """Tell whether the order fills whole or not at all."""
    return bool(order.time_in_force == _FOK)


@compiled
def waits(order: Record) -> bool:
    """Tell whether what is left of the order waits for the next bars."""
    return bool(order.time_in_force == _GTC)


@compiled
def side_out(position: Record) -> int:
    """Return the side of an order that reduces or ends the position."""
    return -1 if position.units > 0.0 else 1


@compiled
def selling(book: Book, n: int) -> bool:
    """Tell whether a market order reduces or ends the position of pair `n`."""
    order = book.orders_NK[n, EXIT]
    return bool(order.id != 0 and order.type == _MARKET)


@compiled
def closing(book: Book, n: int) -> bool:
    """Tell whether a market order ends the position of pair `n`; one that rests may never fill."""
    return bool(selling(book, n) and book.orders_NK[n, EXIT].closes != 0)


@compiled
def entering(book: Book, n: int) -> bool:
    """Tell whether an open order opens or enlarges a position of pair `n`."""
    return bool(book.orders_NK[n, ENTRY].id != 0)
