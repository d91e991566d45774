"""One bar: what was decided fills, stops and targets act, the account is valued, rules decide.

The order is pessimistic and never looks ahead:

1. Orders decided at earlier closes fill at this bar's open.
2. Stops, targets and resting orders act inside the bar, at prices known before it.
3. The account is valued at the close; only now do highs raise stops, losses halt trading, shorts
   owe their borrowing, positions grow too old and orders end.
4. The signals of this bar, its close included, decide orders for the next.
"""

from __future__ import annotations

from framework.engine.closes import remember
from framework.engine.compiled import compiled, inlined
from framework.engine.constants import constant
from framework.engine.decisions import decide
from framework.engine.entries import enter_inside, entry_acts
from framework.engine.exits import exit_acts, exit_inside
from framework.engine.fills import fill_at_open
from framework.engine.leaving import close_all
from framework.engine.limits import halt, open_day
from framework.engine.orders import expire_old
from framework.engine.shorts import accrue, margin_call
from framework.engine.state import Book, Ledger, Limits, Market, Wants
from framework.engine.stops import follow, trail
from framework.engine.time_stop import sell_old
from framework.engine.wants import wants_something
from framework.records import Reason

_HALT, _MARGIN_CALL = constant(Reason.HALT), constant(Reason.MARGIN_CALL)


@inlined
def step(book: Book, market: Market, wants: Wants, limits: Limits, ledger: Ledger, t: int) -> None:
    """Take the account through bar `t`.

    Parameters
    ----------
    book, market, wants, limits, ledger
        See `framework.engine.state`; `book` and `ledger` are written to, and the ledger has room
        for ``EVENTS_PER_PAIR`` events of each pair.
    t : int
        Index of the bar.
    """
    wallet, rules = book.wallet_1[0], limits.rules_1[0]
    if rules.daily_loss < 1.0:
        open_day(wallet, market.time_T[t])
    if wallet.waiting > 0:
        fill_at_open(book, market, limits, ledger, t)
    _act_inside(book, market, limits, ledger, t)
    _value(book, market, wants, limits, ledger, t)
    if rules.time_stop > 0 and wallet.held > 0:
        sell_old(book, market, limits, ledger, t)
    if wallet.waiting > 0:
        expire_old(book, market, ledger, t)
    if wants_something(book, wants, t):
        if rules.remembers != 0:
            remember(book, market, limits, t, t + 1)
        decide(book, market, wants, limits, ledger, t)
    wallet.bars += 1


@compiled
def _act_inside(book: Book, market: Market, limits: Limits, ledger: Ledger, t: int) -> None:
    """Let bar `t` act on positions and resting orders, where it reaches one of their prices."""
    wallet, guarded = book.wallet_1[0], limits.rules_1[0].guarded != 0
    if (wallet.held > 0 and guarded) or wallet.waiting > 0:
        for n in range(book.positions_N.size):
            if wallet.held > 0 and exit_acts(book, market, n, t):
                exit_inside(book, market, limits, ledger, n, t)
            if wallet.waiting > 0 and entry_acts(book, market, n, t):
                enter_inside(book, market, limits, ledger, n, t)


@compiled
def _value(
    book: Book, market: Market, wants: Wants, limits: Limits, ledger: Ledger, t: int
) -> None:
    """Value the account at the close of bar `t`; then stops move, and losses act."""
    wallet, rules = book.wallet_1[0], limits.rules_1[0]
    invested = 0.0
    if wallet.held > 0:
        for n in range(book.positions_N.size):
            position = book.positions_N[n]
            if position.units != 0.0:
                if market.close_NT[n, t] > 0.0:
                    position.last_price = market.close_NT[n, t]
                invested += position.units * position.last_price
                if rules.rising != 0:
                    _move_stops(book, market, wants, limits, n, t)
    wallet.equity = wallet.cash + invested
    wallet.called = 0
    if wallet.shorts > 0:
        owed = accrue(book, limits)
        wallet.equity -= owed
        if margin_call(book, market, limits, t, owed):
            wallet.called = 1
            close_all(book, market, ledger, t, _MARGIN_CALL)
    wallet.peak_equity = max(wallet.peak_equity, wallet.equity)
    halt(wallet, limits)
    if wallet.halted != 0 and (wallet.held > 0 or wallet.waiting > 0):
        close_all(book, market, ledger, t, _HALT)


@compiled
def _move_stops(book: Book, market: Market, wants: Wants, limits: Limits, n: int, t: int) -> None:
    """Let bar `t`, which has passed, move the stops of pair `n`."""
    position = book.positions_N[n]
    if position.inside_bar == book.wallet_1[0].bars or wants.trailing_stop_NT.size > 0:
        follow(book, market, wants, limits, n, t)
    elif position.units > 0.0:
        trail(position, market, limits, n, t)
    elif market.low_NT[n, t] < position.best_price:
        follow(book, market, wants, limits, n, t)
