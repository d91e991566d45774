"""Sizes that go by a pair's volatility; entries for which it is not known were refused before."""

from __future__ import annotations

from framework.engine.compiled import apart
from framework.engine.exposure import occupies
from framework.engine.state import Book, Limits
from framework.engine.volatility import volatility


@apart
def scale_to_target(book: Book, limits: Limits, n: int) -> float:
    """Return the part of its share with which pair `n` reaches the volatility aimed at, up to 1."""
    rules = limits.rules_1[0]
    return float(min(1.0, rules.volatility_target / volatility(book, n, rules.volatility_bars)))


@apart
def inverse_share(book: Book, limits: Limits, n: int) -> float:
    """Return one over pair `n`'s volatility as a share of that of all pairs in or about to enter.

    A pair held whose volatility is 0, or not known, counts like pair `n`.
    """
    bars, total = limits.rules_1[0].volatility_bars, 0.0
    own = 1.0 / volatility(book, n, bars)
    for m in range(book.positions_N.size):
        if occupies(book, m) or book.positions_N[m].wish > 0.0:
            moves = volatility(book, m, bars)
            total += 1.0 / moves if moves > 0.0 else own
    return float(own / total)
