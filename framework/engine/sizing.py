"""How much each entry gets."""

from __future__ import annotations

from framework.engine.account import ENTRY
from framework.engine.compiled import compiled
from framework.engine.exposure import free_cash, occupied
from framework.engine.ledger import write_decided
from framework.engine.limits import share_out, veto
from framework.engine.orders import place
from framework.engine.prices import entry_prices, first_price, order_type, set_entry
from framework.engine.risk_per_trade import loss_at_stop
from framework.engine.rounding import round_down
from framework.engine.rules import QUOTE_AMOUNT, RISK_PER_TRADE, SPLIT_EQUALLY
from framework.engine.state import Book, Ledger, Limits, Market, Wants
from framework.engine.wants import confidence
from framework.records import Reason

_NO_CASH = int(Reason.NO_CASH)
_MIN_NOTIONAL = int(Reason.MIN_NOTIONAL)


@compiled
def size_entries(book: Book, market: Market, wants: Wants, limits: Limits, t: int) -> None:
    """Give every wish its size times confidence."""
    rules, equity = limits.rules_1[0], book.wallet_1[0].equity
    share = rules.fraction
    if rules.sizing == SPLIT_EQUALLY:
        pairs = occupied(book)
        for n in range(book.positions_N.size):
            if book.positions_N[n].wish > 0.0:
                pairs += 1
        share = 1.0 / max(pairs, 1)
    for n in range(book.positions_N.size):
        if book.positions_N[n].wish > 0.0:
            if rules.sizing == QUOTE_AMOUNT:
                size = rules.quote_amount
            elif rules.sizing == RISK_PER_TRADE:
                side, price = book.positions_N[n].wish_side, market.close_NT[n, t]
                loss = loss_at_stop(wants, limits, n, t, side, price)
                size = equity * rules.risk_per_trade / loss
            else:
                size = equity * share
            book.positions_N[n].wish = size * confidence(wants, n, t)


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
        share_out(book, market, wants, ledger, t, asked, free, _NO_CASH)
    for n in range(book.positions_N.size):
        position, pair = book.positions_N[n], limits.pairs_N[n]
        if position.wish > 0.0:
            limit, stop = entry_prices(wants, limits, n, t, position.wish_side)
            price = first_price(limit, stop, market.close_NT[n, t])
            units = round_down(position.wish / price, pair.lot_step)
            if position.wish < pair.min_notional or units <= 0.0:
                veto(book, market, wants, ledger, n, t, _MIN_NOTIONAL)
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
