"""Bars in which nothing but the account's value changes, taken in one go.

Most bars are like this. What `step` would do to them is done here with everything in registers;
the first bar in which an order waits, a signal acts, a level is reached, a day opens or a limit is
passed is left to `step`.
"""

from __future__ import annotations

import math

from framework.engine.compiled import inlined
from framework.engine.state import Book, Limits, Market, Wants
from framework.engine.stops import reached, trail
from framework.types import DAY_NS, FloatArray


@inlined
def coast(
    book: Book,
    market: Market,
    wants: Wants,
    limits: Limits,
    equity_T: FloatArray,
    start: int,
    first: int,
) -> int:
    """Take the account from bar `start` to the first that needs a step, and return that.

    `equity_T` begins at bar `first`.
    """
    wallet, t = book.wallet_1[0], start
    if wallet.waiting == 0:
        if wallet.held == 0:
            t = _coast_flat(book, market, wants, limits, equity_T, start, first)
        elif wallet.halted == 0:
            t = _coast_held(book, market, wants, limits, equity_T, start, first)
        wallet.bars += t - start
    return t


@inlined
def _coast_flat(
    book: Book,
    market: Market,
    wants: Wants,
    limits: Limits,
    equity_T: FloatArray,
    start: int,
    first: int,
) -> int:
    """Hold nothing but cash until a signal or a new day."""
    wallet, t = book.wallet_1[0], start
    cash = wallet.cash
    enters, targets = wants.enter_NT.shape[0] > 0, wants.target_NT.shape[0] > 0
    days, day_end = limits.rules_1[0].daily_loss < 1.0, (wallet.day + 1) * DAY_NS
    while t < market.time_T.size:
        acts = days and market.time_T[t] >= day_end
        if enters:
            for n in range(book.positions_N.size):
                acts |= wants.enter_NT[n, t]
        if targets:
            for n in range(book.positions_N.size):
                acts |= not math.isnan(wants.target_NT[n, t])
        if acts:
            break
        equity_T[t - first] = cash
        t += 1
    return t


@inlined
def _coast_held(
    book: Book,
    market: Market,
    wants: Wants,
    limits: Limits,
    equity_T: FloatArray,
    start: int,
    first: int,
) -> int:
    """Value positions at each close and raise their trailing stops until something acts."""
    wallet, rules, t = book.wallet_1[0], limits.rules_1[0], start
    cash, peak, equity = wallet.cash, wallet.peak_equity, wallet.equity
    guarded, trails = rules.guarded != 0, rules.trailing_stop > 0.0
    enters, exits = wants.enter_NT.shape[0] > 0, wants.exit_NT.shape[0] > 0
    targets = wants.target_NT.shape[0] > 0
    days, day_end = rules.daily_loss < 1.0, (wallet.day + 1) * DAY_NS
    day_floor = wallet.day_equity * (1.0 - rules.daily_loss)
    kept = 1.0 - rules.max_drawdown
    while t < market.time_T.size:
        acts = days and market.time_T[t] >= day_end
        invested = 0.0
        for n in range(book.positions_N.size):
            position = book.positions_N[n]
            if position.units != 0.0:
                close = market.close_NT[n, t]
                invested += position.units * close
                acts |= not close > 0.0
                if exits:
                    acts |= wants.exit_NT[n, t]
                if guarded:
                    acts |= reached(position, market, n, t)
            elif enters:
                acts |= wants.enter_NT[n, t]
            if targets:
                acts |= not math.isnan(wants.target_NT[n, t])
        value = cash + invested
        highest = value if value > peak else peak
        if acts or value <= day_floor or value <= highest * kept:
            break
        if trails:
            for n in range(book.positions_N.size):
                trail(book.positions_N[n], market, limits, n, t)
        peak, equity = highest, value
        equity_T[t - first] = value
        t += 1
    if t > start:
        wallet.peak_equity = peak
        wallet.equity = equity
        for n in range(book.positions_N.size):
            if book.positions_N[n].units != 0.0:
                book.positions_N[n].last_price = market.close_NT[n, t - 1]
    return t
