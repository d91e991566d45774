"""Bars in which nothing but the account's value changes, taken in one go.

Most bars are like this. What `step` would do to them is done here with everything in registers;
the first bar in which an order waits, a short is held, a signal acts, a level is reached, a day
opens or a limit is passed, a position is due or a halt ends is left to `step`.
"""

from __future__ import annotations

import math

from framework.engine.compiled import inlined
from framework.engine.state import Book, Limits, Market, Wants
from framework.engine.stops import follow, reached, trail
from framework.engine.time_stop import first_due
from framework.types import DAY_NS, BoolArray, FloatArray

_BLOCK = 128
"""Bars searched for signals at once: searching pays, searching far beyond a stop does not."""

_FEW = 16
"""Bars that are valued sooner one by one than all at once."""


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
    idle = wallet.held == 0 or (wallet.halted == 0 and wallet.shorts == 0)
    if wallet.waiting == 0 and idle:
        while t < market.time_T.size:
            block = min(t + _BLOCK, market.time_T.size)
            quiet = _quiet_until(book, market, wants, limits, start, t, block)
            if wallet.held == 0:
                equity_T[t - first : quiet - first] = wallet.cash
                t = quiet
            else:
                t = _hold(book, market, wants, limits, equity_T, t, quiet, first)
            if t < block:
                break
        wallet.bars += t - start
    return t


@inlined
def _quiet_until(
    book: Book, market: Market, wants: Wants, limits: Limits, begun: int, start: int, stop: int
) -> int:
    """Return the first bar before `stop` in which a signal or the time acts, or `stop`.

    The wallet has counted the bars before `begun`.
    """
    quiet = stop
    for n in range(book.positions_N.size):
        if book.positions_N[n].units != 0.0:
            quiet = _first_true(wants.exit_NT, n, start, quiet)
        else:
            quiet = _first_true(wants.enter_NT, n, start, quiet)
        quiet = _first_true(wants.enter_short_NT, n, start, quiet)
        if wants.target_NT.shape[0] > 0:
            for t in range(start, quiet):
                if not math.isnan(wants.target_NT[n, t]):
                    quiet = t
                    break
    if limits.rules_1[0].daily_loss < 1.0:
        day_end = (book.wallet_1[0].day + 1) * DAY_NS
        while quiet > start and market.time_T[quiet - 1] >= day_end:
            quiet -= 1
    if limits.rules_1[0].time_stop > 0:
        quiet = first_due(book, limits, begun, quiet)
    if book.wallet_1[0].halted != 0:
        quiet = min(quiet, begun + max(0, book.wallet_1[0].halted_until - book.wallet_1[0].bars))
    return quiet


@inlined
def _first_true(flags_NT: BoolArray, n: int, start: int, stop: int) -> int:
    """Return the first bar before `stop` with the flag of pair `n`, or `stop`."""
    if flags_NT.shape[0] == 0:
        return stop
    flags, found = flags_NT[n, start:stop], False
    for i in range(flags.size):  # without a way out, many bars at a time
        found |= flags[i]
    if found:
        for i in range(flags.size):
            if flags[i]:
                return start + i
    return stop


@inlined
def _hold(
    book: Book,
    market: Market,
    wants: Wants,
    limits: Limits,
    equity_T: FloatArray,
    start: int,
    stop: int,
    first: int,
) -> int:
    """Value longs at each close and raise their stops, until a price acts."""
    if _hold_calmly(book, market, limits, equity_T, start, stop, first):
        return stop
    wallet, rules, t = book.wallet_1[0], limits.rules_1[0], start
    cash, peak, equity = wallet.cash, wallet.peak_equity, wallet.equity
    guarded, trails = rules.guarded != 0, rules.rising != 0
    by_bar = wants.trailing_stop_NT.size > 0
    day_floor = wallet.day_equity * (1.0 - rules.daily_loss)
    kept = 1.0 - rules.max_drawdown
    while t < stop:
        acts = False
        invested = 0.0
        for n in range(book.positions_N.size):
            position = book.positions_N[n]
            if position.units != 0.0:
                close = market.close_NT[n, t]
                invested += position.units * close
                acts |= not close > 0.0
                if guarded:
                    acts |= reached(position, market, n, t)
        value = cash + invested
        highest = value if value > peak else peak
        if acts or value <= day_floor or value <= highest * kept:
            break
        if trails and by_bar:
            for n in range(book.positions_N.size):
                if book.positions_N[n].units != 0.0:
                    follow(book, market, wants, limits, n, t)
        elif trails:
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


@inlined
def _hold_calmly(
    book: Book,
    market: Market,
    limits: Limits,
    equity_T: FloatArray,
    start: int,
    stop: int,
    first: int,
) -> bool:
    """Value longs at all closes at once, unless a price or a limit may act in one of the bars.

    No loop here has a way out, so each takes many bars at a time. Values are left in `equity_T`
    either way.
    """
    wallet, rules = book.wallet_1[0], limits.rules_1[0]
    if rules.rising != 0 or stop - start < _FEW:
        return False
    values = equity_T[start - first : stop - first]
    acts, rises = False, False
    cash, peak = wallet.cash, wallet.peak_equity
    values[:] = 0.0
    for n in range(book.positions_N.size):
        position = book.positions_N[n]
        if position.units != 0.0:
            units, closes = position.units, market.close_NT[n, start:stop]
            for i in range(values.size):
                values[i] += units * closes[i]
                acts |= not closes[i] > 0.0
            if rules.guarded != 0:
                level, target = position.stop, position.target
                lows, highs = market.low_NT[n, start:stop], market.high_NT[n, start:stop]
                for i in range(values.size):
                    acts |= (lows[i] <= level) | (highs[i] > target)
    for i in range(values.size):
        values[i] += cash
        rises |= values[i] > peak
    if rises:
        for i in range(values.size):
            peak = max(peak, values[i])
    floor = max(wallet.day_equity * (1.0 - rules.daily_loss), peak * (1.0 - rules.max_drawdown))
    for i in range(values.size):
        acts |= values[i] <= floor
    if acts:
        return False
    wallet.peak_equity = peak
    wallet.equity = values[values.size - 1]
    for n in range(book.positions_N.size):
        if book.positions_N[n].units != 0.0:
            book.positions_N[n].last_price = market.close_NT[n, stop - 1]
    return True
