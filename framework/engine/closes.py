"""The closes that rules look back on: the account keeps those of the strategy's candles.

A session that carries the account over knows them too.
"""

from __future__ import annotations

import math

from framework.engine.account import CLOSES
from framework.engine.compiled import apart, compiled
from framework.engine.correlation import correlate
from framework.engine.state import Book, Limits, Market, Record


@compiled
def begin_remembering(book: Book) -> None:
    """Forget closes that do not reach up to now: bars were stepped while no rule looked back."""
    wallet = book.wallet_1[0]
    if wallet.closes_until != wallet.bars:
        wallet.closes = 0
        wallet.products_until = 0
        wallet.closes_until = wallet.bars


@apart
def remember(book: Book, market: Market, limits: Limits, t: int, stop: int) -> None:
    """Keep the closes of the strategy's candles that end before bar `stop` and are not kept yet.

    Bar `t` is the one at hand, not counted as stepped. Most bars need no look back, so closes are
    kept when one does, and at the end of a run.
    """
    wallet, rules = book.wallet_1[0], limits.rules_1[0]
    start = t - (wallet.bars - wallet.closes_until)
    if start >= stop:
        return
    wallet.closes_until += stop - start
    first, every = _first_end(market, rules, start), rules.decision_bars
    if rules.correlation_bars == 0:  # then only the last are ever read
        unread = max(0, (stop - 1 - first) // every + 1 - CLOSES)
        wallet.closes += unread
        first += unread * every
    for t in range(first, stop, every):
        slot = wallet.closes % CLOSES
        for n in range(book.positions_N.size):
            close = market.close_NT[n, t]
            book.positions_N[n].log_closes[slot] = math.log(close) if close > 0.0 else math.nan
        wallet.closes += 1
        if rules.correlation_bars > 0:
            correlate(book, rules.correlation_bars)


@apart
def _first_end(market: Market, rules: Record, start: int) -> int:
    """Return the first bar from `start` on that ends a candle of the strategy."""
    end = market.time_T[start] + rules.bar_ns - rules.decision_offset_ns
    return int(start + -end % rules.decision_ns // rules.bar_ns)
