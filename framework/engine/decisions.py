"""What is decided at a bar's close, for the next bar: exits first, then entries within limits."""

from __future__ import annotations

import math

from framework.engine.compiled import compiled
from framework.engine.exposure import waiting_value
from framework.engine.ledger import write_decided
from framework.engine.limits import NOTHING, cap_exposure, cap_positions, refusal, veto
from framework.engine.orders import cancel, closing, place
from framework.engine.rounding import round_down
from framework.engine.sizing import size_entries, spend
from framework.engine.state import Book, Ledger, Limits, Market, Wants
from framework.engine.wants import confidence
from framework.records import OrderType, Reason

_MARKET, _SIGNAL, _TARGET = int(OrderType.MARKET), int(Reason.SIGNAL), int(Reason.TARGET_WEIGHT)
_HALT, _REPLACED, _MAX_DRAWDOWN = int(Reason.HALT), int(Reason.REPLACED), int(Reason.MAX_DRAWDOWN)


@compiled
def decide(
    book: Book, market: Market, wants: Wants, limits: Limits, ledger: Ledger, t: int
) -> None:
    """Turn the signals of bar `t` into orders."""
    if wants.target_NT.size > 0:
        _aim(book, market, wants, limits, ledger, t)
        reason = _TARGET
    else:
        _leave(book, market, wants, ledger, t)
        _want_entries(book, market, wants, limits, ledger, t)
        reason = _SIGNAL
    cap_positions(book, market, wants, limits, ledger, t)
    if reason == _SIGNAL:
        size_entries(book, market, wants, limits, t)
    cap_exposure(book, market, wants, limits, ledger, t)
    spend(book, market, wants, limits, ledger, t, reason)


@compiled
def close_all(book: Book, market: Market, ledger: Ledger, t: int) -> None:
    """Sell everything, because trading is halted."""
    for n in range(book.positions_N.size):
        close_pair(book, market, ledger, n, t, _HALT)


@compiled
def close_pair(book: Book, market: Market, ledger: Ledger, n: int, t: int, reason: int) -> None:
    """Cancel what pair `n` is still buying and sell what it holds, unless that is under way."""
    if not closing(book, n):
        if book.orders_NK[n, 0].id != 0:
            cancel(book, market, ledger, n, t, reason)
        if book.positions_N[n].units > 0.0:
            _sell_next(book, market, ledger, n, t, reason, book.positions_N[n].units, 1)


@compiled
def _sell_next(
    book: Book, market: Market, ledger: Ledger, n: int, t: int, reason: int, units: float, all_: int
) -> None:
    """Decide to sell `units` of pair `n` in the next bar."""
    place(book, n, -1, _MARKET, reason, units, 0.0, all_, book.positions_N[n].confidence)
    write_decided(ledger, market.time_T[t], n, book.orders_NK[n, 0], market.close_NT[n, t], units)


@compiled
def _leave(book: Book, market: Market, wants: Wants, ledger: Ledger, t: int) -> None:
    """Close the pairs that the strategy wants to leave."""
    for n in range(wants.exit_NT.shape[0]):
        if wants.exit_NT[n, t]:
            close_pair(book, market, ledger, n, t, _SIGNAL)


@compiled
def _want_entries(
    book: Book, market: Market, wants: Wants, limits: Limits, ledger: Ledger, t: int
) -> None:
    """Mark the pairs to enter: those not held, not being bought, and not to be left at once."""
    for n in range(wants.enter_NT.shape[0]):
        leaves = wants.exit_NT.shape[0] > 0 and wants.exit_NT[n, t]
        idle = book.positions_N[n].units == 0.0 and book.orders_NK[n, 0].id == 0
        if wants.enter_NT[n, t] and idle and not leaves and confidence(wants, n, t) > 0.0:
            reason = refusal(book, market, limits, n, t)
            if reason != 0:
                veto(book, market, wants, ledger, n, t, reason)
            else:
                book.positions_N[n].wish = 1.0


@compiled
def _aim(book: Book, market: Market, wants: Wants, limits: Limits, ledger: Ledger, t: int) -> None:
    """Sell down to the wanted weights, and wish for what lacks."""
    for n in range(wants.target_NT.shape[0]):
        weight = wants.target_NT[n, t]
        if not math.isnan(weight):
            weight = min(max(weight, 0.0), 1.0) * confidence(wants, n, t)
            if weight <= 0.0:
                close_pair(book, market, ledger, n, t, _TARGET)
            elif book.wallet_1[0].halted != 0:
                veto(book, market, wants, ledger, n, t, _MAX_DRAWDOWN)
            else:
                _aim_pair(book, market, wants, limits, ledger, n, t, weight)


@compiled
def _aim_pair(
    book: Book,
    market: Market,
    wants: Wants,
    limits: Limits,
    ledger: Ledger,
    n: int,
    t: int,
    weight: float,
) -> None:
    """Bring pair `n` to `weight` of equity, unless it is within the no-trade band of it.

    An order still waiting is left alone while it leads there, and replaced otherwise; but a sale
    is not called back, because the room it makes may be taken already. Adjustments below the
    smallest order are not made.
    """
    rules, position, order = limits.rules_1[0], book.positions_N[n], book.orders_NK[n, 0]
    equity, least = book.wallet_1[0].equity, limits.pairs_N[n].min_notional
    wanted = min(weight, rules.max_pair_exposure) * equity
    held = position.units * market.close_NT[n, t] if position.units > 0.0 else 0.0
    gap = wanted - (held + waiting_value(book, market, n, t))
    busy = position.units > 0.0 or order.id != 0
    if busy and (abs(gap) <= max(rules.no_trade_band, NOTHING) * equity or abs(gap) < least):
        return
    if order.id != 0:
        if order.side < 0 and gap > 0.0:
            return
        cancel(book, market, ledger, n, t, _REPLACED)
    gap = wanted - held
    if gap > 0.0:
        reason = refusal(book, market, limits, n, t)
        position.wish = gap
        if reason != 0:
            veto(book, market, wants, ledger, n, t, reason)
    else:
        units = round_down(-gap / market.close_NT[n, t], limits.pairs_N[n].lot_step)
        if units > 0.0 and -gap >= least:
            _sell_next(book, market, ledger, n, t, _TARGET, units, 0)
