"""What a fill loses against the price it happens at, and how much of a bar it may take."""

from __future__ import annotations

import math

from framework.engine.closes import remember
from framework.engine.compiled import apart, compiled
from framework.engine.constants import constant
from framework.engine.rounding import round_down
from framework.engine.state import Book, Limits, Market, Wants
from framework.engine.volatility import volatility
from framework.market.candles import Standing

_CONFIRMED, _PROVISIONAL = constant(Standing.CONFIRMED), constant(Standing.PROVISIONAL)


@compiled
def tradable(market: Market, n: int, t: int) -> bool:
    """Tell whether orders can fill: somebody traded in this bar."""
    standing = market.standing_NT[n, t]
    return bool((standing == _CONFIRMED or standing == _PROVISIONAL) and market.open_NT[n, t] > 0.0)


@compiled
def decidable(market: Market, wants: Wants, n: int, t: int) -> bool:
    """Tell whether somebody traded in the candle that bar `t` ends and decisions are made on."""
    if wants.traded_NT.size > 0:
        return bool(wants.traded_NT[n, t])
    return bool(tradable(market, n, t))


@compiled
def cost_fraction(
    book: Book, market: Market, limits: Limits, n: int, t: int, units: float
) -> float:
    """Return what `units` of pair `n` lose in bar `t`, as a fraction of the price.

    Without volume they count as all of it.
    """
    volume = market.volume_NT[n, t]
    share = units / volume if volume > 0.0 else 1.0
    return float(cost_of_share(book, market, limits, n, t, share))


@compiled
def cost_of_share(
    book: Book, market: Market, limits: Limits, n: int, t: int, share: float
) -> float:
    """Return half-spread, slippage and the impact of a share of bar `t`'s volume."""
    rules = limits.rules_1[0]
    lost = rules.half_spread + rules.slippage
    if rules.slippage_volatility > 0.0:
        lost += _by_volatility(book, market, limits, n, t)
    if rules.impact_power != 1.0:
        share = share**rules.impact_power
    return float(lost + rules.impact * share)


@apart
def slippage(book: Book, market: Market, limits: Limits, n: int, t: int) -> float:
    """Return what is lost between decision and fill, as a fraction of the price."""
    rules = limits.rules_1[0]
    if rules.slippage_volatility > 0.0:
        return float(rules.slippage + _by_volatility(book, market, limits, n, t))
    return float(rules.slippage)


@apart
def _by_volatility(book: Book, market: Market, limits: Limits, n: int, t: int) -> float:
    """Return the slippage that grows with the volatility of pair `n`.

    While that is not known, the range of bar `t` counts as it.
    """
    remember(book, market, limits, t, t)
    known = float(volatility(book, n, limits.rules_1[0].volatility_bars))
    if math.isnan(known):
        known = (market.high_NT[n, t] - market.low_NT[n, t]) / market.open_NT[n, t]
    return float(limits.rules_1[0].slippage_volatility * known)


@compiled
def units_left(book: Book, market: Market, limits: Limits, n: int, t: int) -> float:
    """Return how many units of pair `n` may still fill in this bar, in whole lots."""
    share = limits.rules_1[0].max_participation
    if not math.isfinite(share):
        return math.inf
    position = book.positions_N[n]
    taken = position.taken if position.taken_bar == book.wallet_1[0].bars else 0.0
    left = max(0.0, share * market.volume_NT[n, t] - taken)
    return float(round_down(left, limits.pairs_N[n].lot_step))


@compiled
def take_volume(book: Book, n: int, units: float) -> None:
    """Count `units` against this bar's volume."""
    position, bar = book.positions_N[n], book.wallet_1[0].bars
    if position.taken_bar != bar:
        position.taken_bar = bar
        position.taken = 0.0
    position.taken += units
