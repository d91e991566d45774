"""How pairs have moved together lately: sums over a window of log-returns, kept close by close.

A close adds its return and its products with the other pairs' to the sums, and takes away those
that leave the window. At fixed numbers of closes the sums are made anew, so that rounding does not
add up; they depend on the closes alone, however these came.
"""

from __future__ import annotations

import math

from framework.engine.account import CLOSES
from framework.engine.compiled import apart, compiled
from framework.engine.state import Book, Record

_ANEW = 1_024
"""Closes from one new sum to the next."""


@apart
def correlation(book: Book, n: int, m: int) -> float:
    """Return the Pearson correlation of two pairs' log-returns in the window.

    NaN while too few closes or not all are known, and where a pair did not move.
    """
    wallet, one, other = book.wallet_1[0], book.positions_N[n], book.positions_N[m]
    bars = wallet.products_bars
    if wallet.closes <= bars or one.unknown + other.unknown > 0 or one.moving * other.moving == 0:
        return math.nan
    shared = book.products_NN[max(n, m), min(n, m)] - one.returns * other.returns / bars
    alone = book.products_NN[n, n] - one.returns * one.returns / bars
    others = book.products_NN[m, m] - other.returns * other.returns / bars
    if alone <= 0.0 or others <= 0.0:
        return math.nan
    return float(shared / math.sqrt(alone * others))


@compiled
def correlate(book: Book, bars: int) -> None:
    """Take the last close of every pair into the window of `bars` log-returns."""
    wallet = book.wallet_1[0]
    last = wallet.closes - 1
    if wallet.products_until != last or wallet.products_bars != bars or last % _ANEW == 0:
        _forget(book)
        for close in range(max(1, last - bars + 1), last + 1):
            _move(book, close, 0)
    else:
        _move(book, last, last - bars)
    wallet.products_until = wallet.closes
    wallet.products_bars = bars


@compiled
def _forget(book: Book) -> None:
    """Empty the window."""
    book.products_NN[:] = 0.0
    for n in range(book.positions_N.size):
        position = book.positions_N[n]
        position.returns = 0.0
        position.unknown = 0
        position.moving = 0


@compiled
def _move(book: Book, joins: int, leaves: int) -> None:
    """Add the returns that end with close `joins`; take away those with `leaves`, if above 0."""
    for n in range(book.positions_N.size):
        position = book.positions_N[n]
        joining = _log_return(position, joins)
        leaving = _log_return(position, leaves) if leaves > 0 else 0.0
        position.unknown += int(math.isnan(joining)) - int(math.isnan(leaving))
        position.joining = 0.0 if math.isnan(joining) else joining
        position.leaving = 0.0 if math.isnan(leaving) else leaving
        position.moving += int(position.joining != 0.0) - int(position.leaving != 0.0)
        position.returns += position.joining - position.leaving
    for n in range(book.positions_N.size):
        joining, leaving = book.positions_N[n].joining, book.positions_N[n].leaving
        for m in range(n + 1):
            other = book.positions_N[m]
            book.products_NN[n, m] += joining * other.joining - leaving * other.leaving


@compiled
def _log_return(position: Record, close: int) -> float:
    """Return the log-return that ends with a close, by its number; NaN where it is not known."""
    return float(position.log_closes[close % CLOSES] - position.log_closes[(close - 1) % CLOSES])
