"""What a fill does to a position: its size, its average price, its profit, its levels."""

from __future__ import annotations

from framework.engine.compiled import apart, compiled
from framework.engine.ledger import write_charged
from framework.engine.state import Book, Ledger, Limits, Market, Record
from framework.engine.stops import set_levels


@compiled
def enlarge(
    book: Book,
    limits: Limits,
    n: int,
    order: Record,
    units: float,
    price: float,
    value: float,
    fee: float,
) -> None:
    """Add `units` to the side of the order; the entry price is the average of all."""
    wallet, position = book.wallet_1[0], book.positions_N[n]
    if position.units == 0.0:
        wallet.held += 1
        position.units = order.side * units
        position.entry_price = price
        position.best_price = price
        position.trailed = 0.0
        position.confidence = order.confidence
        position.entry_bar = wallet.bars
        position.targets_hit = 0
        position.entered = units
        position.paid = value + fee
        position.profit = 0.0
        if order.side < 0:
            wallet.shorts += 1
            position.owed = 0.0
    else:
        paid = abs(position.units) * position.entry_price + units * price
        position.units += order.side * units
        position.entry_price = paid / abs(position.units)
        if order.side > 0:
            position.best_price = max(position.best_price, price)
        else:
            position.best_price = min(position.best_price, price)
        position.entered += units
        position.paid += value + fee
    position.profit -= order.side * value + fee
    position.stop_distance = order.stop_distance
    position.target_distance = order.target_distance
    position.trail_distance = order.trail_distance
    set_levels(position, limits, n)


@compiled
def reduce(
    book: Book,
    market: Market,
    ledger: Ledger,
    n: int,
    t: int,
    order: Record,
    units: float,
    value: float,
    fee: float,
) -> None:
    """Take `units` from the position, which may end with that; a short pays what they owe."""
    wallet, position = book.wallet_1[0], book.positions_N[n]
    if position.units < 0.0:
        _settle(book, market, ledger, n, t, order, units)
        position.units = min(0.0, position.units + units)
    else:
        position.units = max(0.0, position.units - units)
    position.profit -= order.side * value + fee
    if position.units == 0.0:
        wallet.held -= 1
        if order.side > 0:
            wallet.shorts -= 1
        gain = position.profit / position.paid
        if gain > 0.0:
            wallet.wins += 1
            wallet.won += gain
        else:
            wallet.losses += 1
            wallet.lost -= gain


@apart
def _settle(
    book: Book, market: Market, ledger: Ledger, n: int, t: int, order: Record, units: float
) -> None:
    """Pay what is owed for borrowed `units` that pair `n` gives back."""
    wallet, position = book.wallet_1[0], book.positions_N[n]
    amount = position.owed * (units / -position.units)
    if amount > 0.0:
        wallet.cash -= amount
        position.owed -= amount
        position.profit -= amount
        write_charged(ledger, market.time_T[t], n, order, units, amount)
