"""How much each entry gets."""

from __future__ import annotations

from framework.engine.account import ENTRY
from framework.engine.compiled import compiled
from framework.engine.constants import constant
from framework.engine.exposure import free_cash, occupied
from framework.engine.kelly import kelly_share
from framework.engine.ledger import write_decided
from framework.engine.limits import share_out, veto
from framework.engine.orders import place
from framework.engine.prices import entry_prices, first_price, order_type, set_entry
from framework.engine.risk_per_trade import loss_at_stop
from framework.engine.rounding import round_down
from framework.engine.rules import (
    INVERSE_VOLATILITY,
    KELLY,
    QUOTE_AMOUNT,
    RISK_PER_TRADE,
    SPLIT_EQUALLY,
    VOLATILITY_TARGET,
)
from framework.engine.state import Book, Ledger, Limits, Market, Wants
from framework.engine.volatility_sizes import inverse_share, scale_to_target
from framework.engine.wants import confidence
from framework.records import Reason

_NO_CASH = constant(Reason.NO_CASH)
_MIN_NOTIONAL, _NO_EDGE = constant(Reason.MIN_NOTIONAL), constant(Reason.NO_EDGE)


@compiled
def size_entries(
    book: Book, market: Market, wants: Wants, limits: Limits, ledger: Ledger, t: int
) -> None:
    """Give every wish its size times confidence; refuse all where the Kelly bet is none."""
    share = _common_share(book, limits)
    for n in range(book.positions_N.size):
        position = book.positions_N[n]
        if position.wish > 0.0:
            if limits.rules_1[0].sizing == KELLY and share <= 0.0:
                position.wish = 0.0
                veto(book, market, wants, limits, ledger, n, t, _NO_EDGE)
            else:
                size = _size(book, market, wants, limits, n, t, share)
                position.wish = size * confidence(wants, n, t)


@compiled
def _common_share(book: Book, limits: Limits) -> float:
    """Return the share of equity that entries get before anything that is a pair's own."""
    rules = limits.rules_1[0]
    if rules.sizing == SPLIT_EQUALLY or rules.sizing == VOLATILITY_TARGET:
        pairs = occupied(book)
        for n in range(book.positions_N.size):
            if book.positions_N[n].wish > 0.0:
                pairs += 1
        return float(1.0 / max(pairs, 1))
    if rules.sizing == KELLY:
        return float(kelly_share(book.wallet_1[0], rules))
    return float(rules.fraction)


@compiled
def _size(
    book: Book, market: Market, wants: Wants, limits: Limits, n: int, t: int, share: float
) -> float:
    """Return what an entry into pair `n` gets at full confidence, quote currency."""
    rules, equity = limits.rules_1[0], book.wallet_1[0].equity
    if rules.sizing == QUOTE_AMOUNT:
        return float(rules.quote_amount)
    if rules.sizing == RISK_PER_TRADE:
        loss = loss_at_stop(book, market, wants, limits, n, t)
        return float(equity * rules.risk_per_trade / loss)
    if rules.sizing == INVERSE_VOLATILITY:
        return float(equity * inverse_share(book, limits, n))
    if rules.sizing == VOLATILITY_TARGET:
        return float(equity * share * scale_to_target(book, limits, n))
    return float(equity * share)


@compiled
def spend(
    book: Book, market: Market, wants: Wants, limits: Limits, ledger: Ledger, t: int, reason: int
) -> None:
    """Turn the wishes that free cash allows into orders for the next bar."""
    asked = 0.0
    for n in range(book.positions_N.size):
        asked += book.positions_N[n].wish
    free = free_cash(book, market, limits, t)
    if asked > free:
        share_out(book, market, wants, limits, ledger, t, asked, free, _NO_CASH)
    for n in range(book.positions_N.size):
        position, pair = book.positions_N[n], limits.pairs_N[n]
        if position.wish > 0.0:
            limit, stop = entry_prices(wants, limits, n, t, position.wish_side)
            price = first_price(limit, stop, market.close_NT[n, t])
            units = round_down(position.wish / price, pair.lot_step)
            if position.wish < pair.min_notional or units <= 0.0:
                veto(book, market, wants, limits, ledger, n, t, _MIN_NOTIONAL)
            else:
                kind, side = (
                    order_type(wants.entry_limit_NT, wants.entry_stop_NT),
                    position.wish_side,
                )
                sure = confidence(wants, n, t)
                place(book, n, ENTRY, side, kind, reason, 0.0, position.wish, 0, sure)
                set_entry(book, wants, limits, n, t)
                write_decided(ledger, market.time_T[t], n, book.orders_NK[n, ENTRY], price, 0.0)
            position.wish = 0.0
