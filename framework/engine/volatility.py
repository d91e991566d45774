"""The circuit breaker: how far a pair's closes have moved lately, from closes kept in the account.

The account keeps the last closes of every bar stepped, so that a session that carries it over
knows them too; they are read only when an entry asks.
"""

from __future__ import annotations

import math

from framework.engine.account import CLOSES
from framework.engine.compiled import apart
from framework.engine.state import Book, Limits, Market


@apart
def remember(book: Book, market: Market, start: int, stop: int) -> None:
    """Keep the closes of bars from `start` to before `stop`; none of them is counted as stepped."""
    wallet = book.wallet_1[0]
    if wallet.closes_until != wallet.bars:  # bars were stepped while the rule was off
        wallet.closes_since = wallet.bars
    for t in range(max(start, stop - CLOSES), stop):
        slot = (wallet.bars + t - start) % CLOSES
        for n in range(book.positions_N.size):
            book.positions_N[n].closes[slot] = market.close_NT[n, t]
    wallet.closes_until = wallet.bars + stop - start


@apart
def too_volatile(book: Book, limits: Limits, n: int) -> bool:
    """Tell whether pair `n` moves more than allowed, or too few closes are known to tell."""
    rules = limits.rules_1[0]
    return bool(
        rules.max_volatility < math.inf
        and not volatility(book, n, rules.volatility_bars) <= rules.max_volatility
    )


@apart
def volatility(book: Book, n: int, bars: int) -> float:
    """Return the sample standard deviation of pair `n`'s last `bars` log-returns, per bar.

    NaN while fewer are known, and where one of the closes is not.
    """
    wallet, position = book.wallet_1[0], book.positions_N[n]
    if wallet.closes_until - wallet.closes_since <= bars:
        return math.nan
    oldest = wallet.closes_until - 1 - bars
    before = math.log(position.closes[oldest % CLOSES])
    mean = (math.log(position.closes[(oldest + bars) % CLOSES]) - before) / bars
    total = 0.0
    for bar in range(oldest + 1, oldest + bars + 1):
        now = math.log(position.closes[bar % CLOSES])
        total += (now - before - mean) ** 2
        before = now
    return math.sqrt(total / (bars - 1))
