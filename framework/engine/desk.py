"""One thread's place to trade: buffers that every trial uses again."""

from __future__ import annotations

from typing import Any

import numpy as np

from framework.engine.account import account_arrays, new_account
from framework.engine.kernel import simulate_bars
from framework.engine.ledger import EVENTS_PER_PAIR
from framework.engine.orders_hash import OrdersHash
from framework.engine.rules import Rules
from framework.engine.simulate import BYTES_OF_SIGNALS, NO_BOOKS, candle_arrays
from framework.engine.tally import SUMS, open_trades, tally_blocks, tally_equity, tally_events
from framework.engine.trials import Table
from framework.market.candles import Candles
from framework.records import EVENT
from framework.types import YEAR_NS, RecordArray

EVENTS = 4_096
"""Of a ledger before it is consumed; they stay in a processor's cache."""

_TRADES = SUMS.index("trades")


class Desk:
    """Trades one trial after the other on the same candles.

    Parameters
    ----------
    candles : Candles
        T bars of N pairs.
    first : int
        Bars before this one are not traded.
    cash : float
        Quote currency that each trial starts with.
    """

    def __init__(self, candles: Candles, first: int, cash: float) -> None:
        pairs = len(candles.pairs)
        self._candles, self._first, self._cash = candles, first, cash
        self._columns = (*candle_arrays(candles), *NO_BOOKS)
        account = new_account(candles.pairs, cash)
        self._views = account_arrays(account)
        self._account = account.view(np.uint8)  # as bytes, a tenth of the time to copy
        self._fresh = self._account.copy()
        self._equity = np.empty(len(candles) - first)
        self._returns = np.empty(len(self._equity))
        self._events: RecordArray = np.empty(EVENTS + EVENTS_PER_PAIR * pairs, EVENT)
        self._count = np.zeros(1, np.int64)
        self._scratch = np.empty((3, len(self._events)))
        self._held = np.empty((2, pairs))
        self._per_year = YEAR_NS / candles.interval.ns

    def trade(self, wanted: tuple[Any, ...], rules: Rules, table: Table, trial: int) -> None:
        """Trade one trial and write its row.

        Parameters
        ----------
        wanted : tuple
            Of `signal_arrays`.
        rules : Rules
            For the same pairs.
        table : Table
            Written to.
        trial : int
            Its row.
        """
        hasher = OrdersHash(self._candles.pairs, self._candles.interval) if table.hashes else None
        sums, count = table.sums[trial], self._count
        units, entered = self._held
        self._account[:] = self._fresh
        self._held[:] = 0.0
        done = self._first
        while done < len(self._candles):
            count[0] = 0
            done = simulate_bars(
                *self._views,
                *self._columns,
                *wanted,
                rules.scalars,
                rules.pairs,
                self._events,
                count,
                self._equity,
                self._first,
                done,
            )
            events = self._events[: count[0]]
            tally_events(events, self._scratch, units, entered, sums)
            if hasher is not None:
                hasher.update(events)
        sums[_TRADES] += open_trades(units)
        tally_equity(self._equity, self._cash, self._per_year, self._returns, table.figures[trial])
        tally_blocks(self._equity, table.blocks[trial])
        if hasher is not None:
            table.hashes[trial] = hasher.hexdigest()


def bytes_of_desk(candles: Candles, first: int) -> int:
    """Return what a desk and one trial take, with signals of every kind."""
    pairs, event = len(candles.pairs), EVENT.itemsize + 3 * 8
    buffers = 2 * 8 * (len(candles) - first) + event * (EVENTS + EVENTS_PER_PAIR * pairs)
    return buffers + len(candles) * pairs * BYTES_OF_SIGNALS
