"""Exits inside a bar, in the pessimistic order: stops before targets, the open when beyond a stop.

A position bought at this bar's open is exposed to the whole bar: its range lies after its open, so
both stop and target count, and of both in one bar the stop.
"""

from __future__ import annotations

from framework.engine.account import ENTRY, EXIT
from framework.engine.compiled import apart, compiled
from framework.engine.constants import constant
from framework.engine.costs import tradable
from framework.engine.fills import MAKER, TAKER, fill_exit, marketable
from framework.engine.ledger import write_decided
from framework.engine.orders import cancel, closing, expire, place, side_out, waits
from framework.engine.rounding import round_down
from framework.engine.state import Book, Ledger, Limits, Market, Record
from framework.engine.stops import reached, reached_short, set_levels
from framework.records import OrderType, Reason

_STOP, _LIMIT = constant(OrderType.STOP), constant(OrderType.LIMIT)
_STOP_LIMIT, _TAKE_PROFIT = constant(OrderType.STOP_LIMIT), constant(Reason.TAKE_PROFIT)


@compiled
def exit_acts(book: Book, market: Market, n: int, t: int) -> bool:
    """Tell whether bar `t` reaches a price at which pair `n`'s position is reduced or ended.

    Also for an order of the strategy that rests, whatever its price.
    """
    position = book.positions_N[n]
    if position.units > 0.0:
        acts = reached(position, market, n, t)
    else:
        acts = position.units < 0.0 and reached_short(position, market, n, t)
    return bool(acts or (position.units != 0.0 and book.orders_NK[n, EXIT].id != 0))


@compiled
def exit_inside(book: Book, market: Market, limits: Limits, ledger: Ledger, n: int, t: int) -> None:
    """Let bar `t` act on pair `n`'s position, unless that is being closed already.

    Of a protective stop and the strategy's own stop order, the one that is reached first counts.
    """
    position, order = book.positions_N[n], book.orders_NK[n, EXIT]
    if tradable(market, n, t) and not closing(book, n):
        guarded = _touched(position, market, position.stop, n, t)
        ordered = order.id != 0 and (order.type == _STOP or order.type == _STOP_LIMIT)
        if ordered and _touched(position, market, order.stop_price, n, t):
            nearer = (order.stop_price - position.stop) * position.units > 0.0
            if nearer or not guarded:
                _trigger(book, market, limits, ledger, n, t)
                if not guarded or position.units == 0.0 or closing(book, n):
                    return
        if guarded:
            stop_out(book, market, limits, ledger, n, t, market.open_NT[n, t])
        else:
            _take_gains(book, market, limits, ledger, n, t)


@compiled
def _touched(position: Record, market: Market, level: float, n: int, t: int) -> bool:
    """Tell whether bar `t` reached a stop level of pair `n`'s position."""
    if position.units > 0.0:
        return bool(market.low_NT[n, t] <= level)
    return bool(market.high_NT[n, t] >= level)


@compiled
def _worse(position: Record, level: float, price: float) -> float:
    """Return which of two prices is worse for ending the position."""
    return min(level, price) if position.units > 0.0 else max(level, price)


@compiled
def stop_out(
    book: Book, market: Market, limits: Limits, ledger: Ledger, n: int, t: int, price: float
) -> None:
    """End pair `n`'s position at its stop, or at `price` where that is beyond it already."""
    position = book.positions_N[n]
    reason, level = position.stop_reason, position.stop
    position.stopped_bar = book.wallet_1[0].bars
    _end(book, market, ledger, n, t, _STOP, reason, level)
    fill_exit(book, market, limits, ledger, n, t, _worse(position, level, price), TAKER)


@compiled
def stopped_inside(position: Record, market: Market, n: int, t: int) -> bool:
    """Tell whether bar `t`, inside which pair `n` was entered, touches its stop."""
    return bool(position.units != 0.0 and _touched(position, market, position.stop, n, t))


@compiled
def _end(
    book: Book,
    market: Market,
    ledger: Ledger,
    n: int,
    t: int,
    order_type: int,
    reason: int,
    level: float,
) -> None:
    """Put an order that ends pair `n`'s position in the place of all that waits."""
    position = book.positions_N[n]
    units, side = abs(position.units), side_out(position)
    cancel(book, market, ledger, n, ENTRY, t, reason)
    cancel(book, market, ledger, n, EXIT, t, reason)
    place(book, n, EXIT, side, order_type, reason, units, 0.0, 1, position.confidence)
    write_decided(ledger, market.time_T[t], n, book.orders_NK[n, EXIT], level, units)


@apart
def _trigger(book: Book, market: Market, limits: Limits, ledger: Ledger, n: int, t: int) -> None:
    """Fill the strategy's stop order; a stop-limit order beyond its limit rests from now on."""
    order = book.orders_NK[n, EXIT]
    base = _worse(book.positions_N[n], order.stop_price, market.open_NT[n, t])
    if order.type == _STOP or marketable(order, limits, base):
        fill_exit(book, market, limits, ledger, n, t, base, TAKER)
    elif waits(order):
        order.type = _LIMIT
    else:
        expire(book, market, ledger, n, EXIT, t)


@compiled
def _take_gains(book: Book, market: Market, limits: Limits, ledger: Ledger, n: int, t: int) -> None:
    """Fill the targets and the strategy's resting order that bar `t` traded through, nearest first.

    A partial target waits while an order of the strategy rests, or the rest of another is sold.
    """
    position, order, rules = book.positions_N[n], book.orders_NK[n, EXIT], limits.rules_1[0]
    acts, rests = True, True
    while acts and position.units != 0.0 and not closing(book, n):
        partial = position.targets_hit < rules.target_count
        resting = rests and order.id != 0 and order.type == _LIMIT
        resting = resting and order.walked_bar != book.wallet_1[0].bars
        aimed = _through(position, market, position.target, n, t) and not (
            partial and order.id != 0
        )
        if resting and _through(position, market, order.limit_price, n, t):
            nearer = (position.target - order.limit_price) * position.units >= 0.0
            if nearer or not aimed:
                base = resting_price(order, market, book.wallet_1[0].bars, n, t)
                fill_exit(book, market, limits, ledger, n, t, base, MAKER)
                rests = False
                continue
        acts = aimed
        if aimed and partial:
            _take_part(book, market, limits, ledger, n, t)
        elif aimed:
            base = _better(position, position.target, market.open_NT[n, t])
            _end(book, market, ledger, n, t, _LIMIT, _TAKE_PROFIT, position.target)
            fill_exit(book, market, limits, ledger, n, t, base, TAKER)


@compiled
def _through(position: Record, market: Market, level: float, n: int, t: int) -> bool:
    """Tell whether bar `t` traded through a level above a long, or below a short."""
    if position.units > 0.0:
        return bool(market.high_NT[n, t] > level)
    return bool(market.low_NT[n, t] < level)


@compiled
def _better(position: Record, level: float, price: float) -> float:
    """Return which of two prices is better for ending the position."""
    return max(level, price) if position.units > 0.0 else min(level, price)


@compiled
def resting_price(order: Record, market: Market, bar: int, n: int, t: int) -> float:
    """Return what a resting order, traded through in bar `t`, gets: its limit, and no gap's gain.

    Where the whole bar lies beyond the limit, it is the bar's price nearest to it.
    """
    price = order.limit_price
    if order.arrived_bar != bar:
        if order.side > 0:
            price = min(price, market.high_NT[n, t])
        else:
            price = max(price, market.low_NT[n, t])
    return float(price)


@apart
def _take_part(book: Book, market: Market, limits: Limits, ledger: Ledger, n: int, t: int) -> None:
    """Sell the part of pair `n` that its next target asks for; none too small to be an order."""
    position, pair = book.positions_N[n], limits.pairs_N[n]
    level, held = position.target, abs(position.units)
    share = limits.rules_1[0].target_shares[position.targets_hit]
    units = min(held, round_down(share * position.entered, pair.lot_step))
    base = _better(position, level, market.open_NT[n, t])
    side = side_out(position)
    position.targets_hit += 1
    set_levels(position, limits, n)
    if units > 0.0 and units * level >= pair.min_notional:
        place(book, n, EXIT, side, _LIMIT, _TAKE_PROFIT, units, 0.0, 0, position.confidence)
        write_decided(ledger, market.time_T[t], n, book.orders_NK[n, EXIT], level, units)
        fill_exit(book, market, limits, ledger, n, t, base, TAKER)
