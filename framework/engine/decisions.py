"""What is decided at a bar's close, for the next bar: exits first, then entries within limits."""

from __future__ import annotations

from framework.engine.account import ENTRY
from framework.engine.compiled import compiled
from framework.engine.constants import constant
from framework.engine.leaving import close_position, leave
from framework.engine.limits import cap_correlation, cap_exposure, cap_positions, refusal, veto
from framework.engine.orders import cancel
from framework.engine.prices import entries_rest, entry_prices
from framework.engine.sizing import size_entries, spend
from framework.engine.state import Book, Ledger, Limits, Market, Wants
from framework.engine.wants import confidence, side_wanted
from framework.engine.weights import aim
from framework.records import Reason

_SIGNAL, _TARGET = constant(Reason.SIGNAL), constant(Reason.TARGET_WEIGHT)
_REPLACED, _PAUSE = constant(Reason.REPLACED), constant(Reason.PAUSE)


@compiled
def decide(
    book: Book, market: Market, wants: Wants, limits: Limits, ledger: Ledger, t: int
) -> None:
    """Turn the signals of bar `t` into orders."""
    for n in range(wants.withdraw_NT.shape[0]):
        if wants.withdraw_NT[n, t]:
            cancel(book, market, ledger, n, ENTRY, t, _PAUSE)
    if wants.target_NT.size > 0:
        aim(book, market, wants, limits, ledger, t)
        reason = _TARGET
    else:
        _leave(book, market, wants, limits, ledger, t)
        _want_entries(book, market, wants, limits, ledger, t)
        reason = _SIGNAL
    cap_positions(book, market, wants, limits, ledger, t)
    if reason == _SIGNAL:
        size_entries(book, market, wants, limits, ledger, t)
    cap_exposure(book, market, wants, limits, ledger, t)
    if limits.rules_1[0].correlation_bars > 0:
        cap_correlation(book, market, wants, limits, ledger, t)
    spend(book, market, wants, limits, ledger, t, reason)


@compiled
def _leave(
    book: Book, market: Market, wants: Wants, limits: Limits, ledger: Ledger, t: int
) -> None:
    """Leave the positions that the strategy wants to close."""
    for n in range(book.positions_N.size):
        if wants.exit_NT.size > 0 and wants.exit_NT[n, t]:
            leave(book, market, wants, limits, ledger, n, t, 1, _SIGNAL)
        if wants.exit_short_NT.size > 0 and wants.exit_short_NT[n, t]:
            leave(book, market, wants, limits, ledger, n, t, -1, _SIGNAL)


@compiled
def _want_entries(
    book: Book, market: Market, wants: Wants, limits: Limits, ledger: Ledger, t: int
) -> None:
    """Wish for the pairs to enter: those not held on that side, nor waiting at the same price.

    A position of the other side is closed first, whether the entry is refused or not.
    """
    for n in range(book.positions_N.size):
        position, side = book.positions_N[n], side_wanted(wants, n, t)
        if side != 0 and position.units * side <= 0.0 and confidence(wants, n, t) > 0.0:
            if book.orders_NK[n, ENTRY].id == 0 or _outdated(book, wants, limits, n, t, side):
                cancel(book, market, ledger, n, ENTRY, t, _REPLACED)
                close_position(book, market, ledger, n, t, _SIGNAL)
                position.wish_side = side
                reason = refusal(book, market, wants, limits, n, t)
                if reason != 0:
                    veto(book, market, wants, limits, ledger, n, t, reason)
                else:
                    position.wish = 1.0


@compiled
def _outdated(book: Book, wants: Wants, limits: Limits, n: int, t: int, side: int) -> bool:
    """Tell whether pair `n`'s waiting entry is for the other side, or at another price."""
    order = book.orders_NK[n, ENTRY]
    if order.side == side and entries_rest(wants):
        limit, stop = entry_prices(wants, limits, n, t, side)
        return bool(order.limit_price != limit or order.stop_price != stop)
    return bool(order.side != side)
