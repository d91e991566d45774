"""How far a pair's closes have moved lately, and the circuit breaker that goes by it."""

from __future__ import annotations

import math

from framework.engine.account import CLOSES
from framework.engine.compiled import apart
from framework.engine.rules import INVERSE_VOLATILITY, VOLATILITY_TARGET
from framework.engine.state import Book, Limits, Wants


@apart
def too_volatile(book: Book, wants: Wants, limits: Limits, n: int) -> bool:
    """Tell whether pair `n` moves more than allowed, or a rule cannot tell.

    Too few closes may be known for the limit or for the size; and something over a volatility of 0
    is no size.
    """
    rules = limits.rules_1[0]
    divides = rules.sizing == INVERSE_VOLATILITY or rules.sizing == VOLATILITY_TARGET
    sizes = wants.target_NT.size == 0 and divides
    if not (sizes or rules.max_volatility < math.inf):
        return False
    moves = volatility(book, n, rules.volatility_bars)
    return bool(not moves <= rules.max_volatility or (sizes and moves == 0.0))


@apart
def volatility(book: Book, n: int, bars: int) -> float:
    """Return the sample standard deviation of pair `n`'s last `bars` log-returns, per decision.

    NaN while fewer are known, and where one of the closes is not.
    """
    wallet, position = book.wallet_1[0], book.positions_N[n]
    if wallet.closes <= bars:
        return math.nan
    oldest = wallet.closes - 1 - bars
    before = position.log_closes[oldest % CLOSES]
    mean = (position.log_closes[(oldest + bars) % CLOSES] - before) / bars
    total = 0.0
    for close in range(oldest + 1, oldest + bars + 1):
        now = position.log_closes[close % CLOSES]
        total += (now - before - mean) ** 2
        before = now
    return math.sqrt(total / (bars - 1))
