"""Fill open orders at a price: exits and entries, as taker or maker, within the bar's volume."""

from __future__ import annotations

from framework.engine.account import ENTRY, EXIT
from framework.engine.book_walk import eat, snapshot_of, units_in_book, walk_budget, walk_units
from framework.engine.compiled import compiled
from framework.engine.constants import constant
from framework.engine.costs import cost_fraction, take_volume, tradable, units_left
from framework.engine.ledger import write_filled
from framework.engine.orders import all_or_nothing, cancel, clear, expire, waits
from framework.engine.positions import enlarge, reduce
from framework.engine.rounding import round_down
from framework.engine.state import Book, Ledger, Limits, Market, Record
from framework.records import OrderType, Reason

_MARKET, _LIMIT = constant(OrderType.MARKET), constant(OrderType.LIMIT)
_STOP_LIMIT = constant(OrderType.STOP_LIMIT)

TAKER, MAKER = constant(1), constant(0)
"""Whether a fill takes from the book: it pays the costs of that and the taker fee."""

_NO_CASH, _POST_ONLY = constant(Reason.NO_CASH), constant(Reason.POST_ONLY)


@compiled
def fill_at_open(book: Book, market: Market, limits: Limits, ledger: Ledger, t: int) -> None:
    """Fill what can fill at the open of bar `t`: exits first, so that their cash is there.

    Flat and missing candles leave orders waiting. When the cash does not reach for all buys, each
    gets the same share of its budget.
    """
    wallet, asked = book.wallet_1[0], 0.0
    for n in range(book.positions_N.size):
        if tradable(market, n, t):
            base = market.open_NT[n, t]
            _arrive(book, market, limits, ledger, n, EXIT, t)
            if book.orders_NK[n, EXIT].at_open != 0:
                fill_exit(book, market, limits, ledger, n, t, base, TAKER)
    for n in range(book.positions_N.size):
        order = book.orders_NK[n, ENTRY]
        if tradable(market, n, t) and book.positions_N[n].units * order.side >= 0.0:
            _arrive(book, market, limits, ledger, n, ENTRY, t)
            if order.at_open != 0 and order.side > 0:
                asked += order.quote
    share = wallet.cash / asked if asked > wallet.cash else 1.0
    for n in range(book.positions_N.size):
        order = book.orders_NK[n, ENTRY]
        if order.at_open != 0:
            order.at_open = 0
            part = share if order.side > 0 else 1.0
            fill_entry(book, market, limits, ledger, n, t, market.open_NT[n, t], TAKER, part)


@compiled
def _arrive(
    book: Book, market: Market, limits: Limits, ledger: Ledger, n: int, slot: int, t: int
) -> None:
    """Find out whether an order of pair `n` fills at the open of bar `t`, which has trades."""
    order = book.orders_NK[n, slot]
    if order.id != 0:
        order.at_open = int(order.type == _MARKET)
        if order.type == _LIMIT and order.arrived_bar < 0:
            if not marketable(order, limits, market.open_NT[n, t]):
                if not waits(order):
                    expire(book, market, ledger, n, slot, t)
            elif order.post_only != 0:
                cancel(book, market, ledger, n, slot, t, _POST_ONLY)
            else:
                order.at_open = 1
        if order.arrived_bar < 0:
            order.arrived_bar = book.wallet_1[0].bars


@compiled
def marketable(order: Record, limits: Limits, base: float) -> bool:
    """Tell whether the other side's best price, half a spread from `base`, is within the limit."""
    best = base * (1.0 + order.side * limits.rules_1[0].half_spread)
    return bool(best <= order.limit_price if order.side > 0 else best >= order.limit_price)


@compiled
def fill_entry(
    book: Book,
    market: Market,
    limits: Limits,
    ledger: Ledger,
    n: int,
    t: int,
    base: float,
    takes: int,
    share: float,
) -> None:
    """Fill pair `n`'s entry for `share` of its budget, fees included, at `base` before costs.

    The impact is that of the units which the budget buys without impact. A recorded order book
    takes the place of both, and its levels bound what fills.
    """
    wallet, order, pair = book.wallet_1[0], book.orders_NK[n, ENTRY], limits.pairs_N[n]
    rate = pair.taker_fee if takes != 0 else pair.maker_fee
    budget = order.quote * share
    if order.side > 0:
        budget = min(budget, wallet.cash)
    room = units_left(book, market, limits, n, t)
    price, wanted, snapshot = base, 0.0, -1
    if takes != 0:
        snapshot = snapshot_of(market, n, t, base)
    if snapshot >= 0:
        order.walked_bar = wallet.bars
        room = min(room, units_in_book(book, market, limits, snapshot, order, n))
        wanted = walk_budget(book, market, limits, snapshot, order, n, t, base, budget)
        units = min(wanted, room)
        if units > 0.0:
            price = walk_units(book, market, limits, snapshot, order, n, t, units)
    else:
        if takes != 0:
            rough = min(budget / (base * (1.0 + rate)), room)
            price = _taken_price(book, market, limits, order, n, t, base, rough)
        if price > 0.0:
            wanted = round_down(budget / (price * (1.0 + rate)), pair.lot_step)
    units = min(wanted, room)
    if wanted > room and all_or_nothing(order):
        expire(book, market, ledger, n, ENTRY, t)
    elif wanted <= 0.0:
        cancel(book, market, ledger, n, ENTRY, t, _NO_CASH)
    else:
        if units > 0.0:
            value = units * price
            if order.side > 0:
                value = min(value, wallet.cash)
                fee = min(value * rate, wallet.cash - value)
                wallet.cash = wallet.cash - value - fee
            else:
                fee = value * rate
                wallet.cash += value - fee
            order.quote -= value + fee
            _record(book, market, ledger, n, t, order, units, value, price, fee, base, snapshot)
            enlarge(book, limits, n, order, units, price, value, fee)
        _end(book, market, ledger, n, ENTRY, t, wanted <= room)


@compiled
def fill_exit(
    book: Book,
    market: Market,
    limits: Limits,
    ledger: Ledger,
    n: int,
    t: int,
    base: float,
    takes: int,
) -> None:
    """Fill pair `n`'s exit at `base` before costs."""
    wallet, position = book.wallet_1[0], book.positions_N[n]
    order, pair = book.orders_NK[n, EXIT], limits.pairs_N[n]
    held = abs(position.units)
    wanted = held if order.closes != 0 else min(order.units, held)
    room, snapshot = units_left(book, market, limits, n, t), -1
    if takes != 0:
        snapshot = snapshot_of(market, n, t, base)
    if snapshot >= 0:
        order.walked_bar = wallet.bars
        room = min(room, units_in_book(book, market, limits, snapshot, order, n))
    units = min(wanted, room)
    if wanted > room and all_or_nothing(order):
        expire(book, market, ledger, n, EXIT, t)
    else:
        if units > 0.0:
            price = base
            if snapshot >= 0:
                price = walk_units(book, market, limits, snapshot, order, n, t, units)
            elif takes != 0:
                price = _taken_price(book, market, limits, order, n, t, base, units)
            value = units * price
            fee = value * (pair.taker_fee if takes != 0 else pair.maker_fee)
            if order.side > 0:
                wallet.cash = wallet.cash - value - fee
            else:
                wallet.cash += value - fee
            order.units -= units
            _record(book, market, ledger, n, t, order, units, value, price, fee, base, snapshot)
            reduce(book, market, ledger, n, t, order, units, value, fee)
        _end(book, market, ledger, n, EXIT, t, units >= wanted)


@compiled
def _taken_price(
    book: Book,
    market: Market,
    limits: Limits,
    order: Record,
    n: int,
    t: int,
    base: float,
    units: float,
) -> float:
    """Return what a taker pays or gets for `units`, never beyond the limit of its order."""
    cost = order.side * cost_fraction(book, market, limits, n, t, units)
    price = base * max(0.0, 1.0 + cost)
    if order.limit_price > 0.0 and order.side > 0:
        price = min(price, order.limit_price)
    elif order.limit_price > 0.0:
        price = max(price, order.limit_price)
    return float(price)


@compiled
def _record(
    book: Book,
    market: Market,
    ledger: Ledger,
    n: int,
    t: int,
    order: Record,
    units: float,
    value: float,
    price: float,
    fee: float,
    base: float,
    snapshot: int,
) -> None:
    """Write a fill down and count it against the bar's volume, and the order book it ate."""
    take_volume(book, n, units)
    if snapshot >= 0:
        eat(market, book.positions_N[n], snapshot, order.side, units)
    lost = units * (price - base if order.side > 0 else base - price)
    write_filled(ledger, market.time_T[t], n, order, units, value, price, fee, lost)


@compiled
def _end(book: Book, market: Market, ledger: Ledger, n: int, slot: int, t: int, done: bool) -> None:
    """Free the slot of an order that is filled, or whose rest does not wait.

    What is left of a stop, or of a target, which has no limit, is for the next opens; what is left
    of a stop-limit order rests.
    """
    order = book.orders_NK[n, slot]
    if done:
        clear(book, n, slot)
    elif not waits(order):
        expire(book, market, ledger, n, slot, t)
    elif order.type == _STOP_LIMIT:
        order.type = _LIMIT
    elif order.type != _LIMIT or order.limit_price == 0.0:
        order.type = _MARKET
