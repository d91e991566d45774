"""The life of an order between its decision and its last fill."""

from __future__ import annotations

from framework.engine.compiled import compiled
from framework.engine.ledger import write_cancelled
from framework.engine.state import Book, Ledger, Market


@compiled
def place(
    book: Book,
    n: int,
    side: int,
    order_type: int,
    reason: int,
    units: float,
    quote: float,
    closes: int,
    confidence: float,
) -> None:
    """Put an order into pair `n`'s first slot, which must be free."""
    wallet, order = book.wallet_1[0], book.orders_NK[n, 0]
    order.id = wallet.next_order
    order.decided_bar = wallet.bars
    order.units = units
    order.quote = quote
    order.confidence = confidence
    order.side = side
    order.type = order_type
    order.reason = reason
    order.closes = closes
    wallet.next_order += 1
    wallet.waiting += 1


@compiled
def clear(book: Book, n: int) -> None:
    """Free pair `n`'s first slot."""
    order = book.orders_NK[n, 0]
    order.id = 0
    order.units = 0.0
    order.quote = 0.0
    order.closes = 0
    book.wallet_1[0].waiting -= 1


@compiled
def cancel(book: Book, market: Market, ledger: Ledger, n: int, t: int, reason: int) -> None:
    """Cancel pair `n`'s open order and say why."""
    order = book.orders_NK[n, 0]
    write_cancelled(ledger, market.time_T[t], n, order, reason, market.close_NT[n, t])
    clear(book, n)


@compiled
def closing(book: Book, n: int) -> bool:
    """Tell whether an open order sells all that pair `n` holds."""
    order = book.orders_NK[n, 0]
    return bool(order.id != 0 and order.closes != 0)


@compiled
def buying(book: Book, n: int) -> bool:
    """Tell whether an open order buys pair `n`."""
    order = book.orders_NK[n, 0]
    return bool(order.id != 0 and order.side > 0)
