"""Decide to end or reduce a position: at market, or at the prices that the strategy names."""

from __future__ import annotations

from framework.engine.account import ENTRY, EXIT
from framework.engine.compiled import compiled
from framework.engine.constants import constant
from framework.engine.ledger import write_decided
from framework.engine.orders import cancel, closing, place, side_out
from framework.engine.prices import exit_prices, exit_type, first_price, set_exit
from framework.engine.state import Book, Ledger, Limits, Market, Wants
from framework.records import OrderType, Reason

_MARKET, _REPLACED = constant(OrderType.MARKET), constant(Reason.REPLACED)


@compiled
def close_all(book: Book, market: Market, ledger: Ledger, t: int, reason: int) -> None:
    """End every position at the next open."""
    for n in range(book.positions_N.size):
        close_pair(book, market, ledger, n, t, reason)


@compiled
def close_pair(book: Book, market: Market, ledger: Ledger, n: int, t: int, reason: int) -> None:
    """Call back pair `n`'s entry and end its position at the next open."""
    cancel(book, market, ledger, n, ENTRY, t, reason)
    close_position(book, market, ledger, n, t, reason)


@compiled
def close_position(book: Book, market: Market, ledger: Ledger, n: int, t: int, reason: int) -> None:
    """End pair `n`'s position at the next open, unless that is under way."""
    position, order = book.positions_N[n], book.orders_NK[n, EXIT]
    if position.units != 0.0 and not closing(book, n):
        cancel(book, market, ledger, n, EXIT, t, reason)
        side, units = side_out(position), abs(position.units)
        place(book, n, EXIT, side, _MARKET, reason, units, 0.0, 1, position.confidence)
        write_decided(ledger, market.time_T[t], n, order, market.close_NT[n, t], units)


@compiled
def leave(
    book: Book,
    market: Market,
    wants: Wants,
    limits: Limits,
    ledger: Ledger,
    n: int,
    t: int,
    side: int,
    reason: int,
) -> None:
    """Call back pair `n`'s entry of a side and end its position of that side, as signals ask for.

    An order that ends it at the same prices already is left alone.
    """
    position, order = book.positions_N[n], book.orders_NK[n, EXIT]
    if book.orders_NK[n, ENTRY].side == side:
        cancel(book, market, ledger, n, ENTRY, t, reason)
    if position.units * side > 0.0 and not closing(book, n):
        kind = exit_type(wants, limits, n, t, -side)
        if kind != _MARKET:
            limit, stop = exit_prices(wants, limits, n, t, -side)
            if order.closes != 0 and order.limit_price == limit and order.stop_price == stop:
                return
        cancel(book, market, ledger, n, EXIT, t, reason if kind == _MARKET else _REPLACED)
        reduce_pair(book, market, wants, limits, ledger, n, t, reason, abs(position.units), 1)


@compiled
def reduce_pair(
    book: Book,
    market: Market,
    wants: Wants,
    limits: Limits,
    ledger: Ledger,
    n: int,
    t: int,
    reason: int,
    units: float,
    closes: int,
) -> None:
    """Decide to take `units` from pair `n`'s position, under the terms of the strategy's exits."""
    position, order = book.positions_N[n], book.orders_NK[n, EXIT]
    side = side_out(position)
    kind = exit_type(wants, limits, n, t, side)
    place(book, n, EXIT, side, kind, reason, units, 0.0, closes, position.confidence)
    set_exit(book, wants, limits, n, t)
    price = first_price(order.limit_price, order.stop_price, market.close_NT[n, t])
    write_decided(ledger, market.time_T[t], n, order, price, units)
