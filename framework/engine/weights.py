"""Target weights: what a position lacks of its wanted share of equity, or has too much."""

from __future__ import annotations

import math

from framework.engine.account import ENTRY, EXIT
from framework.engine.compiled import compiled
from framework.engine.constants import constant
from framework.engine.exposure import entering_value
from framework.engine.leaving import close_position, leave, reduce_pair
from framework.engine.limits import NOTHING, refusal, veto
from framework.engine.orders import cancel
from framework.engine.rounding import round_down
from framework.engine.state import Book, Ledger, Limits, Market, Wants
from framework.engine.wants import confidence
from framework.records import Reason

_TARGET, _REPLACED = constant(Reason.TARGET_WEIGHT), constant(Reason.REPLACED)
_MAX_DRAWDOWN = constant(Reason.MAX_DRAWDOWN)


@compiled
def aim(book: Book, market: Market, wants: Wants, limits: Limits, ledger: Ledger, t: int) -> None:
    """Reduce positions to the wanted weights, and wish for what lacks."""
    least = -1.0 if limits.rules_1[0].both != 0 else 0.0
    for n in range(book.positions_N.size):
        weight = wants.target_NT[n, t]
        if not math.isnan(weight):
            weight = min(max(weight, least), 1.0) * confidence(wants, n, t)
            if weight == 0.0:
                leave(book, market, wants, limits, ledger, n, t, 1, _TARGET)
                leave(book, market, wants, limits, ledger, n, t, -1, _TARGET)
            elif book.wallet_1[0].halted != 0:
                book.positions_N[n].wish_side = 1 if weight > 0.0 else -1
                veto(book, market, wants, limits, ledger, n, t, _MAX_DRAWDOWN)
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

    What waits for the other side is called back, and a position of the other side closed. An order
    still waiting is left alone while it leads there, and replaced otherwise; but a sale is not
    called back, because the room it makes may be taken already. Adjustments below the smallest
    order are not made.
    """
    rules, position = limits.rules_1[0], book.positions_N[n]
    entry, leaving = book.orders_NK[n, ENTRY], book.orders_NK[n, EXIT]
    equity, least = book.wallet_1[0].equity, limits.pairs_N[n].min_notional
    side = 1 if weight > 0.0 else -1
    if entry.side != side:
        cancel(book, market, ledger, n, ENTRY, t, _REPLACED)
    if position.units * side < 0.0:
        close_position(book, market, ledger, n, t, _TARGET)
    wanted = min(abs(weight), rules.max_pair_exposure) * equity
    held, less = 0.0, 0.0
    if position.units * side > 0.0:
        held = abs(position.units) * market.close_NT[n, t]
        if leaving.id != 0:
            units = abs(position.units) if leaving.closes != 0 else leaving.units
            less = units * market.close_NT[n, t]
    gap = wanted - (held + (entering_value(book, n) - less))
    busy = held > 0.0 or entry.id != 0
    if busy and (abs(gap) <= max(rules.no_trade_band, NOTHING) * equity or abs(gap) < least):
        return
    if less > 0.0 and gap > 0.0:
        return
    cancel(book, market, ledger, n, ENTRY, t, _REPLACED)
    if held > 0.0:
        cancel(book, market, ledger, n, EXIT, t, _REPLACED)
    gap = wanted - held
    if gap > 0.0:
        position.wish_side = side
        reason = refusal(book, market, wants, limits, n, t)
        position.wish = gap
        if reason != 0:
            veto(book, market, wants, limits, ledger, n, t, reason)
    elif held > 0.0:
        units = round_down(-gap / market.close_NT[n, t], limits.pairs_N[n].lot_step)
        if units > 0.0 and -gap >= least:
            reduce_pair(book, market, wants, limits, ledger, n, t, _TARGET, units, 0)
