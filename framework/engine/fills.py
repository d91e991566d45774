"""Fill open market orders at a bar's open: sells first, so that their cash is free for the buys."""

from __future__ import annotations

from framework.engine.compiled import compiled
from framework.engine.costs import cost_fraction, take_volume, tradable, units_left
from framework.engine.ledger import write_filled
from framework.engine.orders import buying, cancel, clear
from framework.engine.rounding import round_down
from framework.engine.state import Book, Ledger, Limits, Market
from framework.engine.stops import set_levels
from framework.records import OrderType, Reason

_MARKET, _NO_CASH = int(OrderType.MARKET), int(Reason.NO_CASH)


@compiled
def fill_waiting(book: Book, market: Market, limits: Limits, ledger: Ledger, t: int) -> None:
    """Fill what can fill at the open of bar `t`; flat and missing candles leave orders waiting.

    When the cash does not reach for all buys, each gets the same share of its budget.
    """
    wallet = book.wallet_1[0]
    asked = 0.0
    for n in range(book.positions_N.size):
        if book.orders_NK[n, 0].id != 0 and tradable(market, n, t):
            if book.orders_NK[n, 0].side < 0:
                sell(book, market, limits, ledger, n, t, market.open_NT[n, t])
            else:
                asked += book.orders_NK[n, 0].quote
    if asked > 0.0:
        share = wallet.cash / asked if asked > wallet.cash else 1.0
        for n in range(book.positions_N.size):
            if buying(book, n) and tradable(market, n, t):
                buy(book, market, limits, ledger, n, t, share)


@compiled
def buy(
    book: Book, market: Market, limits: Limits, ledger: Ledger, n: int, t: int, share: float
) -> None:
    """Fill pair `n`'s buy order for `share` of its budget, fees included, at the open.

    The impact is that of the units which the budget buys without impact, so it is never too low.
    """
    wallet, position, order = book.wallet_1[0], book.positions_N[n], book.orders_NK[n, 0]
    pair, volume = limits.pairs_N[n], market.volume_NT[n, t]
    base = market.open_NT[n, t]
    budget = min(order.quote * share, wallet.cash)
    room = units_left(book, market, limits, n, t)
    rough = min(budget / (base * (1.0 + pair.taker_fee)), room)
    price = base * (1.0 + cost_fraction(limits, rough, volume))
    wanted = round_down(budget / (price * (1.0 + pair.taker_fee)), pair.lot_step)
    units = min(wanted, room)
    if units > 0.0:
        value = min(units * price, wallet.cash)
        fee = min(value * pair.taker_fee, wallet.cash - value)
        wallet.cash = wallet.cash - value - fee
        order.quote -= value + fee
        take_volume(book, n, units)
        write_filled(
            ledger, market.time_T[t], n, order, units, value, price, fee, units * (price - base)
        )
        _add(book, n, units, price, order.confidence)
        set_levels(position, limits, n)
    if wanted <= room:
        if wanted <= 0.0:
            cancel(book, market, ledger, n, t, _NO_CASH)
        else:
            clear(book, n)


@compiled
def sell(
    book: Book, market: Market, limits: Limits, ledger: Ledger, n: int, t: int, base: float
) -> None:
    """Fill pair `n`'s sell order at `base` before costs; what the volume cannot take waits."""
    wallet, position, order = book.wallet_1[0], book.positions_N[n], book.orders_NK[n, 0]
    wanted = position.units if order.closes != 0 else min(order.units, position.units)
    units = min(wanted, units_left(book, market, limits, n, t))
    if units > 0.0:
        price = base * max(0.0, 1.0 - cost_fraction(limits, units, market.volume_NT[n, t]))
        value = units * price
        fee = value * limits.pairs_N[n].taker_fee
        wallet.cash += value - fee
        take_volume(book, n, units)
        write_filled(
            ledger, market.time_T[t], n, order, units, value, price, fee, units * (base - price)
        )
        order.units -= units
        _remove(book, n, units)
    if units >= wanted:
        clear(book, n)
    else:
        order.type = _MARKET  # the rest of a stop or target is sold at the next opens


@compiled
def _add(book: Book, n: int, units: float, price: float, confidence: float) -> None:
    """Enlarge the position; its entry price is the average paid."""
    wallet, position = book.wallet_1[0], book.positions_N[n]
    if position.units == 0.0:
        wallet.held += 1
        position.units = units
        position.entry_price = price
        position.best_price = price
        position.confidence = confidence
        position.entry_bar = wallet.bars
    else:
        paid = position.units * position.entry_price + units * price
        position.units += units
        position.entry_price = paid / position.units
        position.best_price = max(position.best_price, price)


@compiled
def _remove(book: Book, n: int, units: float) -> None:
    """Make the position smaller, or end it."""
    position = book.positions_N[n]
    position.units -= units
    if position.units <= 0.0:
        position.units = 0.0
        book.wallet_1[0].held -= 1
