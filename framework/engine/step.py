"""One bar: what was decided fills, stops and targets act, the account is valued, rules decide.

The order is pessimistic and never looks ahead:

1. Orders decided at earlier closes fill at this bar's open.
2. Stops and targets act inside the bar, at levels known before it.
3. The account is valued at the close; only now do highs raise stops, losses halt trading, and
   positions grow too old.
4. The signals of this bar, its close included, decide orders for the next.
"""

from __future__ import annotations

from framework.engine.compiled import inlined
from framework.engine.decisions import close_all, decide
from framework.engine.exits import exit_inside
from framework.engine.fills import fill_waiting
from framework.engine.limits import halt, open_day
from framework.engine.state import Book, Ledger, Limits, Market, Wants
from framework.engine.stops import reached, trail
from framework.engine.time_stop import sell_old
from framework.engine.volatility import remember
from framework.engine.wants import wants_something


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
        fill_waiting(book, market, limits, ledger, t)
    invested = 0.0
    if wallet.held > 0:
        for n in range(book.positions_N.size):
            position = book.positions_N[n]
            if position.units != 0.0:
                if rules.guarded != 0 and reached(position, market, n, t):
                    exit_inside(book, market, limits, ledger, n, t)
                if market.close_NT[n, t] > 0.0:
                    position.last_price = market.close_NT[n, t]
                invested += position.units * position.last_price
                if rules.rising != 0:
                    trail(position, market, limits, n, t)
    wallet.equity = wallet.cash + invested
    wallet.peak_equity = max(wallet.peak_equity, wallet.equity)
    halt(wallet, limits)
    if wallet.halted != 0 and (wallet.held > 0 or wallet.waiting > 0):
        close_all(book, market, ledger, t)
    if rules.time_stop > 0 and wallet.held > 0:
        sell_old(book, market, limits, ledger, t)
    if rules.remembers != 0:
        remember(book, market, t, t + 1)
    if wants_something(book, wants, t):
        decide(book, market, wants, limits, ledger, t)
    wallet.bars += 1
