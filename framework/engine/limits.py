"""What forbids an entry or makes it smaller, and what ends trading altogether.

A veto is written once: while the same pair is refused for the same reason bar after bar, the
ledger holds the first.
"""

from __future__ import annotations

import numpy as np

from framework.engine.compiled import apart, compiled
from framework.engine.constants import constant
from framework.engine.correlation import correlation
from framework.engine.costs import decidable
from framework.engine.exposure import exposure, occupied, occupies, open_exposure
from framework.engine.ledger import write_vetoed
from framework.engine.orders import NEVER
from framework.engine.prices import distances_known, entry_prices, priced
from framework.engine.state import Book, Ledger, Limits, Market, Record, Wants
from framework.engine.volatility import too_volatile
from framework.engine.wants import anomalous, confidence
from framework.records import Reason
from framework.types import DAY_NS

_MARGIN_CALL = constant(Reason.MARGIN_CALL)
_NO_PRICE, _NO_STOP = constant(Reason.NO_PRICE), constant(Reason.NO_STOP)
_NO_CASH = constant(Reason.NO_CASH)
_NOT_TRADABLE, _COOL_DOWN = constant(Reason.NOT_TRADABLE), constant(Reason.COOL_DOWN)
_MAX_DRAWDOWN, _DAILY_LOSS = constant(Reason.MAX_DRAWDOWN), constant(Reason.DAILY_LOSS)
_VOLATILITY, _ANOMALY = constant(Reason.VOLATILITY), constant(Reason.ANOMALY)
_CORRELATION = constant(Reason.CORRELATION)
_MAX_POSITIONS, _MAX_EXPOSURE = constant(Reason.MAX_POSITIONS), constant(Reason.MAX_EXPOSURE)

NOTHING = 1e-9
"""Shares of equity below this are rounding, not room."""


@compiled
def open_day(wallet: Record, time: int) -> None:
    """Start a UTC day: with the first bar that opens in it, from the equity of the bar before."""
    day = time // DAY_NS
    if day != wallet.day:
        wallet.day = day
        wallet.day_equity = wallet.equity
        wallet.day_closed = 0


@compiled
def halt(wallet: Record, limits: Limits) -> None:
    """Close the day, or halt trading, once equity has fallen too far; inf never does.

    A halt ends at the close of the bar `halted_until`, and the peak begins anew with its equity. Of
    a peak below 0 no share can be lost.
    """
    rules = limits.rules_1[0]
    kept = wallet.peak_equity * (1.0 - rules.max_drawdown)
    if wallet.equity <= wallet.day_equity * (1.0 - rules.daily_loss):
        wallet.day_closed = 1
    if wallet.halted != 0:
        if wallet.bars >= wallet.halted_until:
            wallet.halted = 0
            wallet.peak_equity = wallet.equity
    elif wallet.peak_equity > 0.0 and wallet.equity <= kept:
        wallet.halted = 1
        wallet.halted_until = wallet.bars + rules.halt_bars if rules.halt_bars > 0 else NEVER


@compiled
def refusal(book: Book, market: Market, wants: Wants, limits: Limits, n: int, t: int) -> int:
    """Return the reason why pair `n` may not be entered now whatever the size; 0 when it may."""
    wallet, position, rules = book.wallet_1[0], book.positions_N[n], limits.rules_1[0]
    if not decidable(market, wants, n, t):
        return _NOT_TRADABLE
    if wallet.called != 0:
        return _MARGIN_CALL
    if wallet.halted != 0:
        return _MAX_DRAWDOWN
    if wallet.day_closed != 0:
        return _DAILY_LOSS
    if rules.remembers != 0 and too_volatile(book, wants, limits, n):
        return _VOLATILITY
    if rules.max_anomaly < np.inf and anomalous(wants, rules.max_anomaly, n, t):
        return _ANOMALY
    if wallet.bars - position.stopped_bar < rules.cool_down:
        return _COOL_DOWN
    limit, stop = entry_prices(wants, limits, n, t, position.wish_side)
    if not priced(limit, stop):
        return _NO_PRICE
    if not distances_known(wants, n, t):
        return _NO_STOP
    return 0 if wallet.equity > 0.0 else _NO_CASH


@compiled
def veto(
    book: Book,
    market: Market,
    wants: Wants,
    limits: Limits,
    ledger: Ledger,
    n: int,
    t: int,
    reason: int,
) -> None:
    """Refuse what pair `n` wished for."""
    position, bar, rules = book.positions_N[n], book.wallet_1[0].bars, limits.rules_1[0]
    if position.veto != reason or bar - position.veto_bar > rules.decision_bars:
        write_vetoed(
            ledger, market.time_T[t], n, position.wish_side, reason,
            position.wish, market.close_NT[n, t], confidence(wants, n, t),
        )  # fmt: skip
    position.veto = reason
    position.veto_bar = bar
    position.wish = 0.0


@compiled
def cap_positions(
    book: Book, market: Market, wants: Wants, limits: Limits, ledger: Ledger, t: int
) -> None:
    """Refuse entries beyond the largest number of positions, those of least confidence first."""
    slots = max(0, limits.rules_1[0].max_positions - occupied(book))
    entering = 0
    for n in range(book.positions_N.size):
        if book.positions_N[n].wish > 0.0 and not occupies(book, n):
            entering += 1
    while entering > slots:
        last, least = -1, 2.0
        for n in range(book.positions_N.size):
            if book.positions_N[n].wish > 0.0 and not occupies(book, n):
                if confidence(wants, n, t) <= least:
                    last, least = n, confidence(wants, n, t)
        veto(book, market, wants, limits, ledger, last, t, _MAX_POSITIONS)
        entering -= 1


@compiled
def cap_exposure(
    book: Book, market: Market, wants: Wants, limits: Limits, ledger: Ledger, t: int
) -> None:
    """Shrink wishes to the room left in their pair and in all; refuse them without room in all."""
    rules, equity = limits.rules_1[0], book.wallet_1[0].equity
    asked = 0.0
    for n in range(book.positions_N.size):
        position = book.positions_N[n]
        if position.wish > 0.0:
            room = rules.max_pair_exposure * equity - exposure(book, market, n, t)
            if room < position.wish:
                position.wish = room
            asked += position.wish
    room = rules.max_exposure * equity - open_exposure(book, market, t)
    if asked > room:
        share_out(book, market, wants, limits, ledger, t, asked, room, _MAX_EXPOSURE)


@apart
def cap_correlation(
    book: Book, market: Market, wants: Wants, limits: Limits, ledger: Ledger, t: int
) -> None:
    """Shrink wishes to the room left by pairs that move together; refuse them without room."""
    rules, equity = limits.rules_1[0], book.wallet_1[0].equity
    for n in range(book.positions_N.size):
        position = book.positions_N[n]
        if position.wish > 0.0:
            room = rules.max_correlated_exposure * equity
            for m in range(book.positions_N.size):
                if m == n or not correlation(book, n, m) <= rules.correlation:
                    room -= exposure(book, market, m, t)
                    if m < n:
                        room -= book.positions_N[m].wish
            if room <= NOTHING * equity:
                veto(book, market, wants, limits, ledger, n, t, _CORRELATION)
            elif room < position.wish:
                position.wish = room


@compiled
def share_out(
    book: Book,
    market: Market,
    wants: Wants,
    limits: Limits,
    ledger: Ledger,
    t: int,
    asked: float,
    room: float,
    reason: int,
) -> None:
    """Scale all wishes, `asked` in sum, so that they fit into `room`; refuse them without room."""
    for n in range(book.positions_N.size):
        position = book.positions_N[n]
        if position.wish > 0.0:
            if room <= NOTHING * book.wallet_1[0].equity:
                veto(book, market, wants, limits, ledger, n, t, reason)
            else:
                position.wish *= room / asked
