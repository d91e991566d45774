"""The time stop: a position held for so many bars is sold at the next open."""

from __future__ import annotations

from framework.engine.compiled import apart
from framework.engine.constants import constant
from framework.engine.leaving import close_pair
from framework.engine.state import Book, Ledger, Limits, Market
from framework.records import Reason

_TIME_STOP = constant(Reason.TIME_STOP)


@apart
def sell_old(book: Book, market: Market, limits: Limits, ledger: Ledger, t: int) -> None:
    """Close the pairs held for as many bars as they may be, that of the entry included."""
    bars, bar = limits.rules_1[0].time_stop, book.wallet_1[0].bars
    for n in range(book.positions_N.size):
        position = book.positions_N[n]
        if position.units != 0.0 and bar - position.entry_bar + 1 >= bars:
            close_pair(book, market, ledger, n, t, _TIME_STOP)


@apart
def first_due(book: Book, limits: Limits, t: int, stop: int) -> int:
    """Return the first bar from `t` on, before `stop`, at whose close a pair is due, or `stop`."""
    wallet, bars = book.wallet_1[0], limits.rules_1[0].time_stop
    for n in range(book.positions_N.size):
        position = book.positions_N[n]
        if position.units != 0.0:
            stop = min(stop, max(t, t + position.entry_bar + bars - 1 - wallet.bars))
    return stop
